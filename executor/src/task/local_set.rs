//! Tasks that stay on one thread: their futures need not be `Send`.
//!
//! What the tasks and the set share is their home (`task/home.rs`).
//!
//! Checked by `tests/local_set.rs`.
use super::home::Home;
use super::id::Ids;
use super::join::JoinHandle;
use super::join_set::JoinSet;
use super::meta::{LOCAL, Meta};
use super::origin::Origin;
use super::spawn;
use super::{AbortHandle, Builder};
use crate::sched::context;
use dormouse_wait::Reason;
use dormouse_wait::frame;
use pin_project::pin_project;
use std::fmt;
use std::future::Future;
use std::marker::PhantomData;
use std::panic::Location;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

/// Tasks that stay on one thread, so that their futures need not be `Send`: they may hold an `Rc`, or a guard of `std`.
///
/// The tasks run while the set is polled: in [`run_until`](LocalSet::run_until) and [`block_on`](LocalSet::block_on), or
/// when the set itself is awaited, which is ready when all its tasks have ended. They may wait for anything, and be woken
/// from any thread. At most 61 run per poll of the set, in the order in which they were woken.
///
/// What polls the set is *one* future to the runtime: a local task that computes or blocks keeps the others of its set
/// waiting. For a thread of its own see [`spawn_pinned`](super::spawn_pinned).
///
/// Dropping the set ends its tasks: each future is dropped on this thread, then. Handles and wakers of them may be
/// anywhere, and outlive it. A set needs no runtime, but for what its tasks use of one.
///
/// ```
/// use dormouse_executor::{runtime::Runtime, task::{self, LocalSet}};
/// use std::{cell::Cell, rc::Rc};
///
/// let count = Rc::new(Cell::new(0));
/// let set = LocalSet::new();
/// let inner = count.clone();
/// set.block_on(&Runtime::new()?, async move {
///     for _ in 0..10 {
///         let count = inner.clone();
///         task::spawn_local(async move { count.set(count.get() + 1) }).await.unwrap();
///     }
/// });
/// assert_eq!(count.get(), 10);
/// # Ok::<(), dormouse_executor::runtime::BuildError>(())
/// ```
#[must_use = "a set that is dropped ends its tasks"]
pub struct LocalSet {
    /// For the set as a future.
    owner: Owner,
    _here: PhantomData<*mut ()>,
}

/// Runs `future` as a task of the [`LocalSet`] that polls the caller: in one of its tasks, or in what it
/// [runs](LocalSet::run_until). The handle is as that of any task.
///
/// While the set is dropped, the future is dropped instead, and the handle says cancelled.
///
/// # Panics
/// Outside of a `LocalSet`.
///
/// ```
/// # dormouse_executor::runtime::block_on(async {
/// use dormouse_executor::task::{self, LocalSet};
/// use std::rc::Rc;
/// let set = LocalSet::new();
/// let length = set.run_until(async {
///     let text = Rc::new("not Send");
///     task::spawn_local(async move { text.len() }).await.unwrap()
/// });
/// assert_eq!(length.await, 8);
/// # });
/// ```
#[track_caller]
pub fn spawn_local<F>(future: F) -> JoinHandle<F::Output>
where
    F: Future + 'static,
    F::Output: 'static,
{
    Builder::new().spawn_local(future)
}

impl Builder<'_> {
    /// [Spawns](spawn_local) a local task with this name.
    ///
    /// # Panics
    /// Outside of a [`LocalSet`].
    #[track_caller]
    pub fn spawn_local<F>(self, future: F) -> JoinHandle<F::Output>
    where
        F: Future + 'static,
        F::Output: 'static,
    {
        let Some(home) = Home::current() else {
            panic!(
                "dormouse: `spawn_local` was called outside of a `LocalSet`: call it in `LocalSet::run_until` or in a \
                 task of the set, or use `LocalSet::spawn_local`"
            )
        };
        spawn_in(&home, future, self.origin(Location::caller()))
    }
}

fn spawn_in<F>(home: &Arc<Home>, future: F, origin: Origin) -> JoinHandle<F::Output>
where
    F: Future + 'static,
    F::Output: 'static,
{
    let schedule = {
        let home = Arc::clone(home);
        move |task| home.push(task)
    };
    // SAFETY: we are on the set's thread, as a set and the pointer to the current one stay there; and the runnable is used
    // there alone (T7): it is queued in the set's home, and run by who has the set.
    let (task, joined) = unsafe { spawn::build(Meta::new(home.pointer(), LOCAL), future, schedule) };
    let (task, handle) = spawn::register(&home.tasks, 0, task, joined, origin);
    if let Some(task) = task {
        task.schedule();
    }
    handle
}

/// Is this a simulated run, which wants any order?
fn is_simulated() -> bool {
    context::with_current(|shared, _| shared.config.simulated.is_some()) == Some(true)
}

impl LocalSet {
    /// A set without tasks.
    pub fn new() -> LocalSet {
        // A simulated run numbers its tasks by itself.
        let simulated = |shared: &crate::sched::shared::Shared| {
            shared.config.simulated.map(|_| shared.parts[0].tasks.lend_ids())
        };
        let ids = context::with_current(|shared, _| simulated(shared)).flatten().unwrap_or_else(Ids::new);
        LocalSet { owner: Owner::new(Home::new(ids)), _here: PhantomData }
    }

    fn home(&self) -> &Arc<Home> {
        &self.owner.home
    }

    /// Runs `future` as a task of this set. It starts when the set is polled.
    #[track_caller]
    pub fn spawn_local<F>(&self, future: F) -> JoinHandle<F::Output>
    where
        F: Future + 'static,
        F::Output: 'static,
    {
        spawn_in(self.home(), future, Origin::at(Location::caller()))
    }

    /// Runs `future`, which is no task and need not be `'static`, and meanwhile the tasks of the set. Tasks that are left
    /// at its end wait until the set is polled again.
    ///
    /// # Cancel safety
    /// As `future`'s; the tasks stay in the set.
    pub fn run_until<F: Future>(&self, future: F) -> RunUntil<'_, F> {
        RunUntil { future, owner: Owner::new(Arc::clone(self.home())), _set: PhantomData }
    }
}

impl Default for LocalSet {
    fn default() -> LocalSet {
        LocalSet::new()
    }
}

impl Drop for LocalSet {
    /// Drops the futures of all tasks.
    fn drop(&mut self) {
        self.home().end();
    }
}

impl fmt::Debug for LocalSet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LocalSet").field("tasks", &self.home().tasks.len()).finish()
    }
}

/// Ready when all tasks of the set have ended.
///
/// # Cancel safety
/// Safe: polled through `&mut set`, it goes on the next time.
impl Future for LocalSet {
    type Output = ();

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        self.owner.show();
        self.owner.run_and_wait(cx);
        if self.home().tasks.len() == 0 { Poll::Ready(()) } else { Poll::Pending }
    }
}

/// One who polls the set.
struct Owner {
    home: Arc<Home>,
    key: usize,
}

impl Owner {
    fn new(home: Arc<Home>) -> Owner {
        let key = home.add_owner();
        Owner { home, key }
    }

    /// The runtime of this thread, if there is one, sees the set's tasks.
    fn show(&self) {
        context::with_current(|shared, _| shared.locals.enter(&self.home));
    }

    /// Runs tasks, and lets this one wait for more.
    fn run_and_wait(&self, cx: &mut Context<'_>) {
        self.home.enter(|| self.home.run(is_simulated()));
        if !self.home.wait(self.key, cx.waker().clone()) {
            cx.waker().wake_by_ref();
        }
        if self.home.tasks.len() > 0 {
            // Whatever the tasks wait for.
            frame::note(Reason::External, None);
        }
    }
}

impl Drop for Owner {
    fn drop(&mut self) {
        self.home.remove_owner(self.key);
    }
}

/// The future of [`LocalSet::run_until`].
#[must_use = "futures do nothing unless awaited"]
#[pin_project]
pub struct RunUntil<'a, F> {
    #[pin]
    future: F,
    owner: Owner,
    /// It keeps the set, and stays on its thread.
    _set: PhantomData<&'a LocalSet>,
}

impl<F: Future> Future for RunUntil<'_, F> {
    type Output = F::Output;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<F::Output> {
        let this = self.project();
        let owner = &*this.owner;
        owner.show();
        let polled = owner.home.enter(|| this.future.poll(cx));
        if polled.is_pending() {
            owner.run_and_wait(cx);
        }
        polled
    }
}

impl<F> fmt::Debug for RunUntil<'_, F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RunUntil").field("home", &self.owner.home).finish_non_exhaustive()
    }
}

impl<T: 'static> JoinSet<T> {
    /// [Spawns](spawn_local) a local task into the set.
    ///
    /// # Panics
    /// Outside of a [`LocalSet`].
    #[track_caller]
    pub fn spawn_local<F>(&mut self, future: F) -> AbortHandle
    where
        F: Future<Output = T> + 'static,
    {
        self.insert(spawn_local(future))
    }

    /// Spawns a task of `local` into the set.
    #[track_caller]
    pub fn spawn_local_on<F>(&mut self, future: F, local: &LocalSet) -> AbortHandle
    where
        F: Future<Output = T> + 'static,
    {
        self.insert(local.spawn_local(future))
    }
}
