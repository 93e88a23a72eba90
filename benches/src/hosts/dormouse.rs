//! Ours: all workers, and one thread.
use super::Host;
use crate::registry::WORKERS;
use dormouse_executor::runtime::{Builder, Deadlock, Handle};
use dormouse_executor::task::{self, JoinHandle};
use dormouse_executor::time;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

/// A handle whose task does not fail.
pub(crate) struct Joined<T>(JoinHandle<T>);

impl<T> Future for Joined<T> {
    type Output = T;
    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<T> {
        Pin::new(&mut self.0).poll(cx).map(|result| result.expect("the task does not fail"))
    }
}

macro_rules! host {
    ($Host:ident, $name:literal, $builder:expr) => {
        pub(crate) struct $Host;

        impl Host for $Host {
            const NAME: &'static str = $name;
            const PEER: &'static str = "dormouse";
            type Task<T: Send + 'static> = Joined<T>;
            type Handle = Handle;

            fn run<F>(main: F) -> F::Output
            where
                F: Future + Send + 'static,
                F::Output: Send + 'static,
            {
                let runtime = $builder.deadlock(Deadlock::Off).build().expect("a runtime");
                let main = runtime.spawn(main);
                runtime.block_on(main).expect("the work does not fail")
            }

            fn block_on<F: Future>(main: F) -> F::Output {
                let runtime = $builder.deadlock(Deadlock::Off).build().expect("a runtime");
                runtime.block_on(main)
            }

            fn spawn<F>(future: F) -> Joined<F::Output>
            where
                F: Future + Send + 'static,
                F::Output: Send + 'static,
            {
                Joined(task::spawn(future))
            }

            fn go<F>(future: F)
            where
                F: Future<Output = ()> + Send + 'static,
            {
                task::go(future);
            }

            fn handle() -> Handle {
                Handle::current()
            }

            fn go_from<F>(handle: &Handle, future: F)
            where
                F: Future<Output = ()> + Send + 'static,
            {
                drop(handle.spawn(future));
            }

            fn yield_now() -> impl Future<Output = ()> + Send {
                task::yield_now()
            }

            fn sleep(duration: Duration) -> impl Future<Output = ()> + Send {
                time::sleep(duration)
            }

            fn timeout<F>(limit: Duration, future: F) -> impl Future<Output = Option<F::Output>> + Send
            where
                F: Future + Send,
                F::Output: Send,
            {
                async move { time::timeout(limit, future).await.ok() }
            }
        }
    };
}

host!(Dormouse, "dormouse", Builder::multi_thread().worker_threads(WORKERS));
host!(DormouseOne, "dormouse, 1 thread", Builder::current_thread());
