//! Ours: all workers, and one thread.
use super::{Host, Joined, Threads, with_join_handles};
use crate::registry::WORKERS;
use dormouse_executor::runtime::{Builder, Deadlock, Handle, Runtime};
use dormouse_executor::task::{self, JoinHandle};
use dormouse_executor::time;
use std::future::Future;
use std::time::Duration;

#[derive(Clone, Copy, Debug)]
pub(crate) struct Dormouse(Threads);

impl Dormouse {
    pub(crate) const ALL: Dormouse = Dormouse(Threads::All);
    pub(crate) const ONE: Dormouse = Dormouse(Threads::One);

    fn runtime(self) -> Runtime {
        let builder = match self.0 {
            Threads::All => Builder::multi_thread().worker_threads(WORKERS),
            Threads::One => Builder::current_thread(),
        };
        builder.deadlock(Deadlock::Off).build().expect("a runtime")
    }
}

impl Host for Dormouse {
    with_join_handles!("dormouse", one: "dormouse, 1 thread", spawn: task::spawn);

    fn go<F>(future: F)
    where
        F: Future<Output = ()> + Send + 'static,
    {
        task::go(future);
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
