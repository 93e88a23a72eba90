//! async-executor on the workers' threads, and its static form, which keeps no list of its tasks. Timers are async-io's, as
//! in smol.
use super::Host;
use crate::registry::WORKERS;
use async_executor::{Executor, StaticExecutor, Task};
use async_io::Timer;
use std::future::Future;
use std::pin::Pin;
use std::task::Poll;
use std::time::Duration;

static EXECUTOR: Executor<'static> = Executor::new();
static STATIC: StaticExecutor = StaticExecutor::new();

macro_rules! host {
    ($Host:ident, $name:literal, $executor:ident) => {
        #[derive(Clone, Copy, Debug)]
        pub(crate) struct $Host;

        impl Host for $Host {
            const PEER: &'static str = "async-executor";
            type Task<T: Send + 'static> = Task<T>;
            type Handle = ();

            fn name(self) -> &'static str {
                $name
            }

            fn block_on<F: Future>(self, main: F) -> F::Output {
                // This thread is one of the workers, as with the other hosts.
                for _ in 1..WORKERS {
                    std::thread::spawn(|| async_io::block_on($executor.run(std::future::pending::<()>())));
                }
                async_io::block_on($executor.run(main))
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

            fn handle() {}

            fn go_from<F>((): &(), future: F)
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
                    Timer::after(duration).await;
                }
            }

            fn timeout<F>(limit: Duration, future: F) -> impl Future<Output = Option<F::Output>> + Send
            where
                F: Future + Send,
                F::Output: Send,
            {
                in_time(limit, future)
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
            return Poll::Ready(());
        }
        cx.waker().wake_by_ref();
        Poll::Pending
    })
    .await;
}

/// As smol does it: `future` against a timer, the future first. The timer is made when the future is not ready.
async fn in_time<F: Future>(limit: Duration, future: F) -> Option<F::Output> {
    let mut future = std::pin::pin!(future);
    let mut timer = None;
    std::future::poll_fn(|cx| {
        if let Poll::Ready(output) = future.as_mut().poll(cx) {
            return Poll::Ready(Some(output));
        }
        Pin::new(timer.get_or_insert_with(|| Timer::after(limit))).poll(cx).map(|_| None)
    })
    .await
}
