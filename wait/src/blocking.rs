//! Waiting for a future on a plain thread: what `send_blocking`, `recv_blocking` and `lock_blocking` stand on.
use crate::frame;
use crate::outside::Outside;
use std::future::Future;
use std::pin::pin;
use std::sync::Arc;
use std::task::{Context, Poll, Wake, Waker};
use std::thread::Thread;

/// Polls `future` on this thread until it is done, parking the thread in between.
///
/// # Panics
/// If a task of ours is being polled on this thread: that would block a worker. `what` names the caller's method
/// and `instead` the one to use in its place.
pub fn wait_for<F: Future>(what: &str, instead: &str, future: F) -> F::Output {
    assert!(
        !frame::polling(),
        "{what} was called inside an async task, where it would block a worker thread: \
         use `{instead}` there, or call it within `task::block_in_place` or `task::spawn_blocking`"
    );
    let mut future = pin!(future);
    let waker = Waker::from(Arc::new(Unpark(std::thread::current())));
    let mut cx = Context::from_waker(&waker);
    let _outside = Outside::new();
    loop {
        match future.as_mut().poll(&mut cx) {
            Poll::Ready(output) => return output,
            // A stray token of this thread only makes one more turn.
            Poll::Pending => std::thread::park(),
        }
    }
}

struct Unpark(Thread);

impl Wake for Unpark {
    fn wake(self: Arc<Self>) {
        self.0.unpark();
    }
    fn wake_by_ref(self: &Arc<Self>) {
        self.0.unpark();
    }
}
