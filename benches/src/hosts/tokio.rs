//! tokio: multi-thread, and current-thread.
use super::{Host, Joined, Threads};
use crate::registry::WORKERS;
use std::future::Future;
use std::time::Duration;
use tokio::runtime::{Builder, Handle, Runtime};
use tokio::task::JoinHandle;

#[derive(Clone, Copy, Debug)]
pub(crate) struct Tokio(Threads);

impl Tokio {
    pub(crate) const ALL: Tokio = Tokio(Threads::All);
    pub(crate) const ONE: Tokio = Tokio(Threads::One);

    fn runtime(self) -> Runtime {
        let mut builder = match self.0 {
            Threads::All => Builder::new_multi_thread(),
            Threads::One => Builder::new_current_thread(),
        };
        builder.worker_threads(WORKERS).enable_time().build().expect("a runtime")
    }
}

impl Host for Tokio {
    const PEER: &'static str = "tokio";
    type Task<T: Send + 'static> = Joined<JoinHandle<T>>;
    type Handle = Handle;

    fn name(self) -> &'static str {
        match self.0 {
            Threads::All => "tokio",
            Threads::One => "tokio, 1 thread",
        }
    }

    fn run_task<F>(self, main: F) -> F::Output
    where
        F: Future + Send + 'static,
        F::Output: Send + 'static,
    {
        let runtime = self.runtime();
        let main = runtime.spawn(main);
        runtime.block_on(main).expect("the work does not fail")
    }

    fn block_on<F: Future>(self, main: F) -> F::Output {
        self.runtime().block_on(main)
    }

    fn spawn<F>(future: F) -> Self::Task<F::Output>
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
        tokio::task::yield_now()
    }

    fn sleep(duration: Duration) -> impl Future<Output = ()> + Send {
        tokio::time::sleep(duration)
    }

    async fn timeout<F>(limit: Duration, future: F) -> Option<F::Output>
    where
        F: Future + Send,
        F::Output: Send,
    {
        tokio::time::timeout(limit, future).await.ok()
    }
}
