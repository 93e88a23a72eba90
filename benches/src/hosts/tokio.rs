//! tokio: multi-thread, and current-thread.
use super::{Host, Joined, Threads, with_join_handles};
use crate::registry::WORKERS;
use std::future::Future;
use std::time::Duration;
use tokio::runtime::{Builder, Handle, Runtime};
use tokio::task::{self, JoinHandle};
use tokio::time;

#[derive(Clone, Copy, Debug)]
pub(crate) struct Tokio(Threads, bool);

impl Tokio {
    pub(crate) const ALL: Tokio = Tokio(Threads::All, false);
    pub(crate) const ONE: Tokio = Tokio(Threads::One, false);
    /// With its reactor, which changes how its threads sleep.
    pub(crate) const ALL_WITH_IO: Tokio = Tokio(Threads::All, true);
    pub(crate) const ONE_WITH_IO: Tokio = Tokio(Threads::One, true);

    fn runtime(self) -> Runtime {
        let mut builder = match self.0 {
            Threads::All => Builder::new_multi_thread(),
            Threads::One => Builder::new_current_thread(),
        };
        if self.1 {
            builder.enable_io();
        }
        builder.worker_threads(WORKERS).enable_time().build().expect("a runtime")
    }
}

impl Host for Tokio {
    with_join_handles!("tokio", one: "tokio, 1 thread", spawn: task::spawn);

    fn go<F>(future: F)
    where
        F: Future<Output = ()> + Send + 'static,
    {
        drop(task::spawn(future));
    }

    fn yield_now() -> impl Future<Output = ()> + Send {
        task::yield_now()
    }

    fn sleep(duration: Duration) -> impl Future<Output = ()> + Send {
        time::sleep(duration)
    }

    async fn timeout<F>(limit: Duration, future: F) -> Option<F::Output>
    where
        F: Future + Send,
        F::Output: Send,
    {
        time::timeout(limit, future).await.ok()
    }
}
