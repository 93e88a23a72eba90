//! tokio: multi-thread, and current-thread.
use super::Host;
use crate::registry::WORKERS;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;
use tokio::runtime::Builder;
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

            fn run<F>(main: F) -> F::Output
            where
                F: Future + Send + 'static,
                F::Output: Send + 'static,
            {
                let runtime = $builder.enable_time().build().expect("a runtime");
                let main = runtime.spawn(main);
                runtime.block_on(main).expect("the work does not fail")
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

            fn yield_now() -> impl Future<Output = ()> + Send {
                task::yield_now()
            }

            fn sleep(duration: Duration) -> impl Future<Output = ()> + Send {
                tokio::time::sleep(duration)
            }
        }
    };
}

host!(Tokio, "tokio", Builder::new_multi_thread().worker_threads(WORKERS));
host!(TokioOne, "tokio, 1 thread", Builder::new_current_thread());
