//! What sets of tasks do with a runtime that is named.
use super::{Handle, Runtime};
use crate::task::{AbortHandle, JoinSet, LocalSet};
use std::future::Future;

impl<T: Send + 'static> JoinSet<T> {
    /// Spawns a task of the runtime `handle` into the set.
    #[track_caller]
    pub fn spawn_on<F>(&mut self, future: F, handle: &Handle) -> AbortHandle
    where
        F: Future<Output = T> + Send + 'static,
    {
        self.insert(handle.spawn(future))
    }

    /// Puts a blocking job of the runtime `handle` into the set. One that has begun cannot be aborted.
    #[track_caller]
    pub fn spawn_blocking_on<F>(&mut self, job: F, handle: &Handle) -> AbortHandle
    where
        F: FnOnce() -> T + Send + 'static,
    {
        self.insert(handle.spawn_blocking(job))
    }
}

impl LocalSet {
    /// Runs `future` and the tasks of the set on this thread, which works for `runtime` meanwhile:
    /// [`Runtime::block_on`] of [`run_until`](LocalSet::run_until).
    ///
    /// # Panics
    /// As [`Runtime::block_on`].
    #[track_caller]
    pub fn block_on<F: Future>(&self, runtime: &Runtime, future: F) -> F::Output {
        runtime.block_on(self.run_until(future))
    }
}
