//! tokio: multi-thread, and current-thread.
use super::Host;
use crate::registry::WORKERS;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;
use tokio::runtime::{Builder, Handle};
use tokio::task::{self, JoinHandle};

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
            const PEER: &'static str = "tokio";
            type Task<T: Send + 'static> = Joined<T>;
            type Handle = Handle;

            fn run<F>(main: F) -> F::Output
            where
                F: Future + Send + 'static,
                F::Output: Send + 'static,
            {
                let runtime = $builder.enable_time().build().expect("a runtime");
                let main = runtime.spawn(main);
                runtime.block_on(main).expect("the work does not fail")
            }

            fn block_on<F: Future>(main: F) -> F::Output {
                $builder.enable_time().build().expect("a runtime").block_on(main)
            }

            fn spawn<F>(future: F) -> Joined<F::Output>
            where
                F: Future + Send + 'static,
                F::Output: Send + 'static,
            {
                Joined(tokio::spawn(future))
            }

            fn go<F>(future: F)
            where
                F: Future<Output = ()> + Send + 'static,
            {
                drop(tokio::spawn(future));
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
                tokio::time::sleep(duration)
            }

            fn timeout<F>(limit: Duration, future: F) -> impl Future<Output = Option<F::Output>> + Send
            where
                F: Future + Send,
                F::Output: Send,
            {
                async move { tokio::time::timeout(limit, future).await.ok() }
            }
        }
    };
}

host!(Tokio, "tokio", Builder::new_multi_thread().worker_threads(WORKERS));
host!(TokioOne, "tokio, 1 thread", Builder::new_current_thread());
