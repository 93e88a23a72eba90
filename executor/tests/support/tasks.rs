//! Runtimes of both kinds, one poll of a future, the wait for what other tasks do.
use dormouse_executor::runtime::{Builder, Runtime};
use dormouse_executor::task;
use std::future::Future;
use std::pin::pin;
use std::task::{Context, Poll, Waker};

pub(crate) fn both() -> [Runtime; 2] {
    [Builder::multi_thread().worker_threads(2).build().unwrap(), Builder::current_thread().build().unwrap()]
}

/// Polls `future` once.
pub(crate) fn now<F: Future>(future: F) -> Option<F::Output> {
    match pin!(future).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(output) => Some(output),
        Poll::Pending => None,
    }
}

/// Lets the others run until `done`.
pub(crate) async fn settle(done: impl Fn() -> bool) {
    while !done() {
        task::yield_now().await;
    }
}
