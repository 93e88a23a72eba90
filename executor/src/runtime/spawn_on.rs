//! Spawning into a set, on a runtime that is named.
use super::Handle;
use crate::task::{AbortHandle, JoinSet};
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
