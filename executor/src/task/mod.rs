//! Tasks: spawning them, waiting for them, ending them.
//!
//! A task is a future that the runtime polls whenever it is woken: Go's goroutine, in one small allocation. [`go`] is
//! the `go` statement; [`spawn`] also gives a [`JoinHandle`] for the result. Nothing is promised about the order in
//! which tasks start.
//!
//! A panic ends its task only: whoever awaits the handle gets it as a [`JoinError`]; the panic of a task that nobody
//! joins meets the runtime's [`OnPanic`] policy.
pub(crate) mod cell;
pub(crate) mod dump;
pub(crate) mod ended;
pub(crate) mod error;
pub mod group;
pub(crate) mod home;
pub(crate) mod id;
pub(crate) mod join;
pub mod join_set;
pub(crate) mod life;
pub mod local;
pub mod local_set;
pub(crate) mod meta;
pub(crate) mod origin;
pub(crate) mod pinned;
pub(crate) mod polled;
pub(crate) mod registry;
pub(crate) mod spawn;
pub(crate) mod yield_now;

pub use error::{JoinError, OnPanic};
pub use group::Group;
pub use id::Id;
pub use join::{AbortHandle, JoinHandle};
pub use join_set::JoinSet;
pub use local::LocalKey;
pub use local_set::{LocalSet, spawn_local};
pub use yield_now::{YieldNow, yield_now};

#[doc(inline)]
pub use crate::__task_local as local;

use crate::sched::in_place;
use meta::DETACHED;
use origin::Origin;
use std::future::Future;
use std::panic::Location;

/// Runs `future` as a task of its own, detached: the `go` statement.
///
/// While the runtime shuts down, the future is dropped instead.
///
/// # Panics
/// Outside of a runtime. If the task panics, the runtime's [`OnPanic`] policy decides.
///
/// ```
/// # dormouse_executor::runtime::block_on(async {
/// use dormouse_executor::task;
/// task::go(async { println!("hello from a task") });
/// # });
/// ```
#[doc(alias = "goroutine")]
#[track_caller]
#[inline]
pub fn go<F>(future: F)
where
    F: Future + Send + 'static,
    F::Output: Send + 'static,
{
    let origin = Origin::at(Location::caller());
    drop(spawn::spawn_here("go", future, origin, DETACHED));
}

/// Runs `future` as a task of its own. The handle waits for its output; dropped, it lets the task go on.
///
/// While the runtime shuts down, the future is dropped instead, and the handle says cancelled.
///
/// # Panics
/// Outside of a runtime.
///
/// ```
/// # dormouse_executor::runtime::block_on(async {
/// use dormouse_executor::task;
/// let answer = task::spawn(async { 6 * 7 });
/// assert_eq!(answer.await.unwrap(), 42);
/// # });
/// ```
#[track_caller]
#[inline]
pub fn spawn<F>(future: F) -> JoinHandle<F::Output>
where
    F: Future + Send + 'static,
    F::Output: Send + 'static,
{
    let origin = Origin::at(Location::caller());
    spawn::spawn_here("spawn", future, origin, 0)
}

/// Runs each of `futures` as a task of its own: as a loop of [`spawn`]s, but with fewer wake-ups.
///
/// The tasks are queued one by one, behind what this thread has to run; threads that are at work may take them from then
/// on. But a thread that sleeps is woken once for 64 of them, or when the iterator ends, and wakes others as it finds
/// more than it can run. So the iterator should be quick: while it waits for something, its latest tasks may wait too.
///
/// While the runtime shuts down, the futures are dropped, and their handles say cancelled.
///
/// # Panics
/// Outside of a runtime; or if the iterator does: the tasks that it gave before go on then, by themselves.
///
/// ```
/// # dormouse_executor::runtime::block_on(async {
/// use dormouse_executor::task;
/// let squares = task::spawn_many((1..=10).map(|n| async move { n * n }));
/// let mut sum = 0;
/// for square in squares {
///     sum += square.await.unwrap();
/// }
/// assert_eq!(sum, 385);
/// # });
/// ```
#[track_caller]
pub fn spawn_many<I>(futures: I) -> Vec<JoinHandle<<I::Item as Future>::Output>>
where
    I: IntoIterator<Item: Future<Output: Send + 'static> + Send + 'static>,
{
    let mut handles = Vec::new();
    spawn::spawn_each_here("spawn_many", futures, Location::caller(), |handle| handles.push(handle));
    handles
}

/// Runs `job`, which may block, on a thread that is there for that.
///
/// The pool starts threads on need, up to [`max_blocking_threads`](crate::runtime::Builder::max_blocking_threads); a
/// thread leaves after 10 s without a job. More jobs wait their turn, in order. A job that has begun cannot be
/// aborted, and the end of the runtime does not wait for it longer than its limit. If not even one thread can be
/// started, the handle says cancelled.
///
/// # Panics
/// Outside of a runtime. A panic of the job is a [`JoinError`].
///
/// ```
/// # dormouse_executor::runtime::block_on(async {
/// use dormouse_executor::task;
/// let lines = task::spawn_blocking(|| std::fs::read_to_string("Cargo.toml").map(|text| text.lines().count()));
/// assert!(lines.await.unwrap().unwrap() > 0);
/// # });
/// ```
#[track_caller]
pub fn spawn_blocking<F, R>(job: F) -> JoinHandle<R>
where
    F: FnOnce() -> R + Send + 'static,
    R: Send + 'static,
{
    let origin = Origin::at(Location::caller());
    spawn::current("spawn_blocking", |shared, seat| spawn::spawn_blocking_in(shared, seat, job, origin))
}

/// Runs the future that `make` makes as a task with a thread of its own, on which it is made, polled and dropped: so it
/// need not be `Send`. Go's `runtime.LockOSThread`.
///
/// It is the thread for what wants always the same one, as a graphics or a Python context, or for what computes for long
/// and awaits now and then; a [`LocalSet`] within it runs many futures. The thread is the runtime's, beside its workers;
/// it starts with this call and ends with the task. Timers and all else of the runtime serve there, as far as the runtime
/// runs: those of a [current-thread](crate::runtime::Builder::current_thread) one while a thread is in `block_on`.
///
/// The handle is as any task's. An [abort](JoinHandle::abort), and the end of the runtime, let the future be dropped on
/// its thread, at its next poll. If no thread can be started, the handle says cancelled. In a [simulated](crate::sim) run,
/// where there is one thread, it is a task like the others.
///
/// # Panics
/// Outside of a runtime. A panic of `make` or of the future is a [`JoinError`].
///
/// ```
/// # dormouse_executor::runtime::block_on(async {
/// use dormouse_executor::{task, time};
/// use std::rc::Rc;
/// let pinned = task::spawn_pinned(|| async {
///     let text = Rc::new("not Send");
///     time::sleep(time::Duration::from_millis(1)).await;
///     text.len()
/// });
/// assert_eq!(pinned.await.unwrap(), 8);
/// # });
/// ```
#[doc(alias = "LockOSThread")]
#[track_caller]
pub fn spawn_pinned<F, Fut>(make: F) -> JoinHandle<Fut::Output>
where
    F: FnOnce() -> Fut + Send + 'static,
    Fut: Future<Output: Send> + 'static,
{
    Builder::new().spawn_pinned(make)
}

/// Runs `job`, which may block, on this thread, while another one works in its place; gives what it returns.
///
/// In a poll on a runtime's thread, what is queued for this thread goes to the others, and a thread is woken or started
/// for the tasks that wait, as many as the [spare threads](crate::runtime::Builder::max_spare_threads) allow. (On a
/// [current-thread](crate::runtime::Builder::current_thread) runtime there is none: other tasks wait, unless another
/// thread is in `block_on`.) Inside `job`, calls that block are allowed: `block_on`, `recv_blocking` and the like. Then
/// the thread goes on as before; if its place is taken, it goes on with this poll, and with others when a place is free.
///
/// Other futures of the same task (in the same `join!` or `select!`) wait for `job`: use [`spawn_blocking`] where that
/// matters. A job that has begun cannot be aborted. Outside of a runtime, or on a thread that keeps nobody from work,
/// it just runs. So it does in a [simulated](crate::sim) run, where calls that block panic all the same.
///
/// # Panics
/// If `job` does.
///
/// ```
/// # dormouse_executor::runtime::block_on(async {
/// use dormouse_executor::task;
/// let lines = task::block_in_place(|| std::fs::read_to_string("Cargo.toml").map(|text| text.lines().count()));
/// assert!(lines.unwrap() > 0);
/// # });
/// ```
pub fn block_in_place<R>(job: impl FnOnce() -> R) -> R {
    in_place::block_in_place(job)
}

/// The id of the task that is being polled.
///
/// # Panics
/// Outside of a task; [`try_id`] tells instead.
#[track_caller]
pub fn id() -> Id {
    try_id().expect("`task::id` was called outside of a task: the future of `block_on` is none")
}

/// The id of the task that is being polled, if there is one.
pub fn try_id() -> Option<Id> {
    spawn::current_id()
}

/// Spawns tasks with a name, which error messages and dumps show.
///
/// ```
/// # dormouse_executor::runtime::block_on(async {
/// use dormouse_executor::task;
/// let task = task::Builder::new().name("adder").spawn(async { 1 + 1 });
/// assert_eq!(task.await.unwrap(), 2);
/// # });
/// ```
#[derive(Clone, Copy, Debug, Default)]
#[must_use = "a builder spawns nothing by itself"]
pub struct Builder<'a> {
    name: Option<&'a str>,
}

impl<'a> Builder<'a> {
    /// A builder without a name.
    pub fn new() -> Builder<'a> {
        Builder::default()
    }

    /// The task's name.
    pub fn name(self, name: &'a str) -> Builder<'a> {
        Builder { name: Some(name) }
    }

    fn origin(self, spawned: &'static Location<'static>) -> Origin {
        self.name.map_or_else(|| Origin::at(spawned), |name| Origin::named(spawned, name))
    }

    /// Runs `future` as a task with this name, detached; see [`go`].
    ///
    /// # Panics
    /// As [`go`] does.
    #[track_caller]
    pub fn go<F>(self, future: F)
    where
        F: Future + Send + 'static,
        F::Output: Send + 'static,
    {
        let origin = self.origin(Location::caller());
        drop(spawn::spawn_here("go", future, origin, DETACHED));
    }

    /// [`spawn`]s a task with this name.
    ///
    /// # Panics
    /// As [`spawn`] does.
    #[track_caller]
    pub fn spawn<F>(self, future: F) -> JoinHandle<F::Output>
    where
        F: Future + Send + 'static,
        F::Output: Send + 'static,
    {
        let origin = self.origin(Location::caller());
        spawn::spawn_here("spawn", future, origin, 0)
    }

    /// [Spawns](spawn_blocking) a blocking job with this name.
    ///
    /// # Panics
    /// As [`spawn_blocking`] does.
    #[track_caller]
    pub fn spawn_blocking<F, R>(self, job: F) -> JoinHandle<R>
    where
        F: FnOnce() -> R + Send + 'static,
        R: Send + 'static,
    {
        let origin = self.origin(Location::caller());
        spawn::current("spawn_blocking", |shared, seat| spawn::spawn_blocking_in(shared, seat, job, origin))
    }

    /// [Spawns](spawn_pinned) a task with this name and a thread of its own.
    ///
    /// # Panics
    /// As [`spawn_pinned`] does.
    #[track_caller]
    pub fn spawn_pinned<F, Fut>(self, make: F) -> JoinHandle<Fut::Output>
    where
        F: FnOnce() -> Fut + Send + 'static,
        Fut: Future<Output: Send> + 'static,
    {
        let origin = self.origin(Location::caller());
        spawn::current("spawn_pinned", |shared, _| pinned::spawn_in(shared, shared.any_part(), make, origin))
    }
}
