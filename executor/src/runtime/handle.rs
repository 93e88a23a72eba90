//! A handle of a runtime: for spawning into it, and for entering it, from anywhere.
use super::{BuildError, Dump, Metrics};
use crate::sched::context::{self, Entered};
use crate::sched::shared::Shared;
use crate::sched::work;
use crate::task::origin::Origin;
use crate::task::spawn;
use crate::task::{Id, JoinHandle};
use dormouse_wait::Reason;
use dormouse_wait::frame::Site;
use std::fmt;
use std::future::Future;
use std::marker::PhantomData;
use std::panic::Location;
use std::sync::Arc;

/// A handle of a runtime. Clones are the same runtime; they do not keep it running.
///
/// ```
/// use dormouse_executor::runtime::{Handle, Runtime};
/// let runtime = Runtime::new().unwrap();
/// let handle = runtime.handle().clone();
/// let sum = std::thread::spawn(move || handle.block_on(async { 1 + 1 }));
/// assert_eq!(sum.join().unwrap(), 2);
/// ```
#[derive(Clone)]
pub struct Handle {
    shared: Arc<Shared>,
}

/// Keeps its thread inside a runtime until dropped; see [`Handle::enter`].
///
/// Guards of a thread must be dropped in the reverse order of entering; a guard that is dropped too early panics.
#[derive(Debug)]
#[must_use = "the thread leaves the runtime when the guard is dropped"]
pub struct EnterGuard<'a> {
    _entered: Entered,
    _handle: PhantomData<&'a Handle>,
}

impl Handle {
    pub(super) fn new(shared: Arc<Shared>) -> Handle {
        Handle { shared }
    }

    pub(super) fn shared(&self) -> &Arc<Shared> {
        &self.shared
    }

    /// The runtime that the calling thread is in.
    ///
    /// # Panics
    /// Outside of a runtime.
    #[track_caller]
    pub fn current() -> Handle {
        Handle::try_current().unwrap_or_else(|error| {
            panic!("dormouse: `Handle::current` was called outside of a runtime: {}", error.advice())
        })
    }

    /// The runtime that the calling thread is in.
    ///
    /// # Errors
    /// Outside of a runtime.
    pub fn try_current() -> Result<Handle, NoRuntime> {
        context::with_current(|shared, _| Handle::new(shared.strong())).ok_or(NoRuntime(()))
    }

    /// Spawns a task into this runtime; see [`task::spawn`](crate::task::spawn).
    ///
    /// While the runtime shuts down and afterwards, the future is dropped, and the handle says cancelled.
    #[track_caller]
    pub fn spawn<F>(&self, future: F) -> JoinHandle<F::Output>
    where
        F: Future + Send + 'static,
        F::Output: Send + 'static,
    {
        let origin = Origin::at(Location::caller());
        spawn::spawn_there(&self.shared, future, origin)
    }

    /// Spawns many tasks into this runtime; see [`task::spawn_many`](crate::task::spawn_many).
    #[track_caller]
    pub fn spawn_many<I>(&self, futures: I) -> Vec<JoinHandle<<I::Item as Future>::Output>>
    where
        I: IntoIterator<Item: Future<Output: Send + 'static> + Send + 'static>,
    {
        let mut handles = Vec::new();
        let shared = Arc::clone(&self.shared);
        spawn::spawn_each_there(shared, futures, Location::caller(), |handle| handles.push(handle));
        handles
    }

    /// Runs a blocking job on this runtime's pool; see [`task::spawn_blocking`](crate::task::spawn_blocking).
    #[track_caller]
    pub fn spawn_blocking<F, R>(&self, job: F) -> JoinHandle<R>
    where
        F: FnOnce() -> R + Send + 'static,
        R: Send + 'static,
    {
        let origin = Origin::at(Location::caller());
        spawn::spawn_blocking_in(&self.shared, None, job, origin)
    }

    /// Runs `future` to its end on this thread, which works for the runtime meanwhile; see
    /// [`Runtime::block_on`](super::Runtime::block_on).
    ///
    /// # Panics
    /// Inside an async task, whose worker it would block; or if `future` panics.
    #[track_caller]
    pub fn block_on<F: Future>(&self, future: F) -> F::Output {
        work::block_on(&self.shared, future)
    }

    /// Enters the runtime: until the guard is dropped, `spawn`, `sleep` and the like on this thread are its.
    ///
    /// Do not hold the guard across an await: what else runs on the thread meanwhile is then in this runtime as well.
    ///
    /// ```
    /// use dormouse_executor::{runtime::Runtime, task};
    /// let runtime = Runtime::new().unwrap();
    /// let guard = runtime.handle().enter();
    /// let task = task::spawn(async { 3 });
    /// drop(guard);
    /// assert_eq!(runtime.block_on(task).unwrap(), 3);
    /// ```
    pub fn enter(&self) -> EnterGuard<'_> {
        EnterGuard { _entered: Entered::new(Arc::clone(&self.shared)), _handle: PhantomData }
    }

    /// Lets `workers` threads work at the same time from now on, as Go's `GOMAXPROCS` does; gives how many it were.
    ///
    /// From 1 to [`max_worker_threads`](super::Builder::max_worker_threads). More threads are started as work is there
    /// for them. Of fewer, those that are too many stop between two polls, within 61 of them, and leave what they have
    /// queued to the others; no task is lost. Their threads sleep, and go after 10 s. Tasks and timers stay shared out as
    /// for the first number of workers, which is a matter of speed alone.
    ///
    /// # Errors
    /// If the number is not allowed. A [`current_thread`](super::Builder::current_thread) runtime has one worker, always.
    ///
    /// ```
    /// use dormouse_executor::runtime::Builder;
    /// let runtime = Builder::multi_thread().worker_threads(1).max_worker_threads(4).build()?;
    /// assert_eq!(runtime.handle().set_workers(3)?, 1);
    /// assert_eq!(runtime.metrics().workers, 3);
    /// # Ok::<(), dormouse_executor::runtime::BuildError>(())
    /// ```
    #[doc(alias = "GOMAXPROCS")]
    pub fn set_workers(&self, workers: usize) -> Result<usize, BuildError> {
        let most = self.shared.config.max_workers;
        if !(1..=most).contains(&workers) {
            let allowed = format!("a whole number from 1 to {most} (`max_worker_threads`)");
            return Err(BuildError::count("set_workers", &workers.to_string(), allowed));
        }
        Ok(self.shared.resize(workers))
    }

    /// What the runtime has counted, and how it stands. Looks at every slot: microseconds, not nanoseconds.
    ///
    /// ```
    /// # dormouse_executor::runtime::block_on(async {
    /// use dormouse_executor::{runtime::Handle, task};
    /// let task = task::spawn(std::future::pending::<()>());
    /// let metrics = Handle::current().metrics();
    /// assert_eq!((metrics.tasks_spawned, metrics.tasks_alive), (1, 1));
    /// # drop(task);
    /// # });
    /// ```
    pub fn metrics(&self) -> Metrics {
        Metrics::of(&self.shared)
    }

    /// What each live task waits for and where, and who holds it: for humans by its `Display`, or by its parts. It looks at
    /// every live task, a thousand at a time under a lock.
    ///
    /// Who holds what is known where [holders are tracked](super::Builder::track_holders), as by default in builds with debug
    /// assertions.
    ///
    /// ```
    /// # dormouse_executor::runtime::block_on(async {
    /// use dormouse_executor::{runtime::Handle, task};
    /// let sleeper = task::Builder::new().name("sleeper").spawn(std::future::pending::<()>());
    /// let dump = Handle::current().dump();
    /// assert_eq!(dump.tasks.last().unwrap().who.to_string(), format!("task {} \"sleeper\"", sleeper.id()));
    /// println!("{dump}");
    /// # });
    /// ```
    pub fn dump(&self) -> Dump {
        // Who was never polled waits for nothing yet.
        self.shared.dump(|_, waits| waits.polls() == 0)
    }

    /// What each live task waits for: id, name, reason, and the source line of the await.
    #[doc(hidden)]
    pub fn task_waits(&self) -> Vec<(Id, Option<String>, Reason, Option<Site>)> {
        let mut waits = Vec::new();
        for part in &self.shared.parts {
            part.tasks.for_each(|entry, meta| {
                let (reason, site) = meta.waits.get();
                waits.push((entry.id, entry.origin.name().map(String::from), reason, site));
            });
        }
        waits
    }
}

impl fmt::Debug for Handle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Handle").field("workers", &self.shared.parts.len()).finish_non_exhaustive()
    }
}

/// The calling thread is in no runtime.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NoRuntime(());

impl NoRuntime {
    fn advice(self) -> &'static str {
        "call it in a task, inside `Runtime::block_on`, or while `Handle::enter`'s guard is held"
    }
}

impl fmt::Display for NoRuntime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the thread is in no runtime: {}", self.advice())
    }
}

impl std::error::Error for NoRuntime {}
