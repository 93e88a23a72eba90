//! The runtime: the threads that run tasks.
//!
//! [`Runtime::new`] has a worker per CPU that the process may use; [`Builder`] says it more exactly; [`block_on`] is
//! the short way for a program or a test. A [`Handle`] spawns from anywhere.
mod builder;
mod handle;
mod metrics;
mod shutdown;
mod spawn_on;
mod trace;

pub use crate::config::Deadlock;
pub use crate::task::OnPanic;
pub use crate::task::dump::{Dump, HolderDump, ObjectDump, TaskDump, Who};
pub use builder::{BuildError, Builder};
pub use dormouse_wait::Reason;
pub use handle::{EnterGuard, Handle, NoRuntime};
pub use metrics::{Histogram, Metrics, SlotMetrics};

use crate::sched::shared::Shared;
use crate::sched::work;
use crate::sim;
use crate::task::JoinHandle;
use std::fmt;
use std::future::Future;
use std::panic::resume_unwind;
use std::sync::Arc;
use std::time::Duration;

/// A runtime: N slots of work, the threads for them, timers, and a pool for blocking jobs.
///
/// Dropping it ends every task: each future is dropped on a worker, also one that nobody would ever wake again; then
/// its threads are joined. A poll that does not end within 1 s, and a blocking job, are left to themselves, with a
/// message on stderr. See [`shutdown_timeout`](Runtime::shutdown_timeout) for another limit.
///
/// # Panics
/// Dropping it on one of its own workers, as in one of its tasks, panics: that thread cannot wait for itself. Use
/// [`shutdown_background`](Runtime::shutdown_background) there.
///
/// ```
/// use dormouse_executor::runtime::Runtime;
/// let runtime = Runtime::new()?;
/// assert_eq!(runtime.block_on(async { 2 + 2 }), 4);
/// # Ok::<(), dormouse_executor::runtime::BuildError>(())
/// ```
pub struct Runtime {
    handle: Handle,
    down: bool,
}

impl Runtime {
    /// A multi-threaded runtime with everything at its default; see [`Builder::multi_thread`].
    ///
    /// # Errors
    /// As [`Builder::build`].
    pub fn new() -> Result<Runtime, BuildError> {
        Builder::multi_thread().build()
    }

    fn from_shared(shared: Arc<Shared>) -> Runtime {
        Runtime { handle: Handle::new(shared), down: false }
    }

    fn shared(&self) -> &Arc<Shared> {
        self.handle.shared()
    }

    /// A handle of this runtime.
    pub fn handle(&self) -> &Handle {
        &self.handle
    }

    /// Spawns a task into this runtime; see [`task::spawn`](crate::task::spawn).
    #[track_caller]
    pub fn spawn<F>(&self, future: F) -> JoinHandle<F::Output>
    where
        F: Future + Send + 'static,
        F::Output: Send + 'static,
    {
        self.handle.spawn(future)
    }

    /// Runs a blocking job on this runtime's pool; see [`task::spawn_blocking`](crate::task::spawn_blocking).
    #[track_caller]
    pub fn spawn_blocking<F, R>(&self, job: F) -> JoinHandle<R>
    where
        F: FnOnce() -> R + Send + 'static,
        R: Send + 'static,
    {
        self.handle.spawn_blocking(job)
    }

    /// Runs `future` to its end on this thread, which works as one of the runtime's N meanwhile: it runs tasks whenever
    /// `future` waits. `future` need not be Send. Tasks that are left go on with the runtime's other threads.
    ///
    /// While a task or `future` itself blocks this thread, `future` makes no progress, but other tasks do, on other threads
    /// (not on a [`current_thread`](Builder::current_thread) runtime).
    ///
    /// # Panics
    /// Inside an async task, whose worker it would block; or if `future` panics.
    #[track_caller]
    pub fn block_on<F: Future>(&self, future: F) -> F::Output {
        self.handle.block_on(future)
    }

    /// Runs `body` as a task while this thread works, and gives its output: what `#[dormouse::main]` does.
    ///
    /// # Panics
    /// If `body` does.
    #[doc(hidden)]
    #[track_caller]
    pub fn run_main<F>(&self, body: F) -> F::Output
    where
        F: Future + Send + 'static,
        F::Output: Send + 'static,
    {
        let body = match sim::program(body) {
            Ok(output) => return output,
            Err(body) => body,
        };
        let main = self.spawn(body);
        match self.block_on(main) {
            Ok(output) => output,
            Err(error) => match error.try_into_panic() {
                Ok(payload) => resume_unwind(payload),
                Err(error) => panic!("the main task did not finish: {error}"),
            },
        }
    }

    /// [`run_main`](Runtime::run_main) of a body that need not be `Send`: it is polled on this thread.
    #[doc(hidden)]
    #[track_caller]
    pub fn run_local_main<F: Future>(&self, body: F) -> F::Output {
        match sim::program(body) {
            Ok(output) => output,
            Err(body) => self.block_on(body),
        }
    }

    /// What each live task waits for, and who holds it; see [`Handle::dump`].
    pub fn dump(&self) -> Dump {
        self.handle.dump()
    }

    /// What the runtime has counted, and how it stands; see [`Handle::metrics`].
    pub fn metrics(&self) -> Metrics {
        self.handle.metrics()
    }

    /// Enters the runtime on this thread; see [`Handle::enter`].
    pub fn enter(&self) -> EnterGuard<'_> {
        self.handle.enter()
    }

    /// Ends the runtime as dropping it does, but waits for polls and blocking jobs in progress for at most `limit`.
    ///
    /// # Panics
    /// On one of the runtime's own workers.
    pub fn shutdown_timeout(mut self, limit: Duration) {
        self.down = true;
        shutdown::wait(self.shared(), limit);
    }

    /// Ends the runtime without waiting: its own threads, if it has any, drop the futures and leave. May be called
    /// anywhere. (A current-thread runtime has no such threads: another one is started for this.)
    pub fn shutdown_background(mut self) {
        self.down = true;
        shutdown::begin(self.shared());
    }
}

impl Drop for Runtime {
    fn drop(&mut self) {
        if !self.down {
            shutdown::wait(self.shared(), shutdown::LIMIT);
        }
    }
}

impl fmt::Debug for Runtime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Runtime").field("handle", &self.handle).finish()
    }
}

/// Builds a runtime with everything at its default, runs `future` to its end, and ends the runtime.
///
/// # Panics
/// If the runtime cannot be built, as when `DORMOUSE_WORKERS` is no number; inside an async task; or if `future` does.
///
/// ```
/// use dormouse_executor::{runtime::block_on, task};
/// assert_eq!(block_on(async { task::spawn(async { 5 }).await.unwrap() }), 5);
/// ```
#[track_caller]
pub fn block_on<F: Future>(future: F) -> F::Output {
    work::assert_may_block();
    match Runtime::new() {
        Ok(runtime) => runtime.block_on(future),
        Err(error) => panic!("dormouse: {error}"),
    }
}
