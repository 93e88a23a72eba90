//! async-executor on the workers' threads, and its static form, which keeps no list of its tasks. Timers are async-io's, as
//! in smol.
use super::Host;
use crate::registry::WORKERS;
use async_executor::{Executor, StaticExecutor, Task};
use std::future::Future;
use std::time::Duration;

static EXECUTOR: Executor<'static> = Executor::new();
static STATIC: StaticExecutor = StaticExecutor::new();

macro_rules! host {
    ($Host:ident, $name:literal, $executor:ident) => {
        pub(crate) struct $Host;

        impl Host for $Host {
            const NAME: &'static str = $name;
            const PEER: &'static str = "async-executor";
            type Task<T: Send + 'static> = Task<T>;

            fn run<F>(main: F) -> F::Output
            where
                F: Future + Send + 'static,
                F::Output: Send + 'static,
            {
                // This thread is one of the workers, as with the other hosts.
                for _ in 1..WORKERS {
                    std::thread::spawn(|| async_io::block_on($executor.run(std::future::pending::<()>())));
                }
                async_io::block_on($executor.run($executor.spawn(main)))
            }

            fn spawn<F>(future: F) -> Task<F::Output>
            where
                F: Future + Send + 'static,
                F::Output: Send + 'static,
            {
                $executor.spawn(future)
            }

            fn go<F>(future: F)
            where
                F: Future<Output = ()> + Send + 'static,
            {
                $executor.spawn(future).detach();
            }

            fn yield_now() -> impl Future<Output = ()> + Send {
                yield_once()
            }

            fn sleep(duration: Duration) -> impl Future<Output = ()> + Send {
                async move {
                    async_io::Timer::after(duration).await;
                }
            }
        }
    };
}

host!(AsyncExecutor, "async-executor", EXECUTOR);
host!(AsyncExecutorStatic, "async-executor, static", STATIC);

/// Goes behind what is runnable, once: what smol's `yield_now` does.
async fn yield_once() {
    let mut yielded = false;
    std::future::poll_fn(|cx| {
        if std::mem::replace(&mut yielded, true) {
            return std::task::Poll::Ready(());
        }
        cx.waker().wake_by_ref();
        std::task::Poll::Pending
    })
    .await;
}
