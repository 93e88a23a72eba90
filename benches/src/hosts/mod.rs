//! The runtimes that cells run on, behind one trait, so that a cell is written once. One file each.
mod async_executor;
mod dormouse;
mod tokio;

pub(crate) use async_executor::{AsyncExecutor, AsyncExecutorStatic};
pub(crate) use dormouse::{Dormouse, DormouseOne};
pub(crate) use tokio::{Tokio, TokioOne};

use std::future::Future;
use std::time::Duration;

/// A runtime. A process runs one, once.
pub(crate) trait Host: 'static {
    /// "tokio", "tokio, 1 thread".
    const NAME: &'static str;
    /// As `--peers` names it.
    const PEER: &'static str;

    /// A spawned task; dropped, it goes on.
    type Task<T: Send + 'static>: Future<Output = T> + Send + 'static;

    /// What a thread outside the runtime spawns with.
    type Handle: Clone + Send + 'static;

    /// Runs `main`, as a task like any other, to its end.
    fn run<F>(main: F) -> F::Output
    where
        F: Future + Send + 'static,
        F::Output: Send + 'static;

    /// Runs `main` on this thread to its end: the runtime's main future, no task.
    fn block_on<F: Future>(main: F) -> F::Output;

    /// Spawns a task; within `run`. Awaiting it gives the output; a panic goes on.
    fn spawn<F>(future: F) -> Self::Task<F::Output>
    where
        F: Future + Send + 'static,
        F::Output: Send + 'static;

    /// Spawns a task that nobody awaits, the cheapest way there is.
    fn go<F>(future: F)
    where
        F: Future<Output = ()> + Send + 'static;

    /// The running runtime's handle; within `run`.
    fn handle() -> Self::Handle;

    /// Spawns a task that nobody awaits, from any thread.
    fn go_from<F>(handle: &Self::Handle, future: F)
    where
        F: Future<Output = ()> + Send + 'static;

    fn yield_now() -> impl Future<Output = ()> + Send;

    fn sleep(duration: Duration) -> impl Future<Output = ()> + Send;

    /// What `future` gives if it is ready in time.
    fn timeout<F>(limit: Duration, future: F) -> impl Future<Output = Option<F::Output>> + Send
    where
        F: Future + Send,
        F::Output: Send;
}
