//! Handles of tasks: one to wait for the result, others to end the task early.
//!
//! A handle may outlive the runtime. Its task's memory is its own to read; the runtime's is not, so an abort proves
//! first that the runtime is still there (`life`).
//!
//! Checked by `tests/task.rs`, `tests/shutdown.rs`.
use super::cell::Out;
use super::error::JoinError;
use super::home::Home;
use super::id::Id;
use super::life;
use super::meta::{BLOCKING, DETACHED, Meta};
use crate::sched::context;
use crate::sched::shared::Shared;
use async_task::Task;
use dormouse_wait::Reason;
use dormouse_wait::frame;
use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::ptr::NonNull;
use std::task::{Context, Poll, Waker, ready};

/// A task's result to come. Dropped, it lets the task go on by itself (it detaches).
///
/// Awaiting gives `Ok` with the task's output, or a [`JoinError`] if the task panicked or was aborted.
///
/// # Panics
/// Awaiting it again after it gave the result panics. And a waker that panics when it is cloned, woken or dropped must
/// not wait for a task: that aborts the process. (The wakers of runtimes do not panic.)
///
/// # Cancel safety
/// Safe: dropping the future of `&mut handle` loses nothing. Dropping the handle detaches the task.
///
/// ```
/// # dormouse_executor::runtime::block_on(async {
/// use dormouse_executor::task;
/// let sum = task::spawn(async { (1..=10).sum::<u32>() });
/// assert_eq!(sum.await.unwrap(), 55);
/// # });
/// ```
#[must_use = "a handle that is dropped detaches its task: await it, or use `go`"]
pub struct JoinHandle<T> {
    task: Option<Task<Out<T>, Meta>>,
    id: Id,
}

impl<T> JoinHandle<T> {
    #[inline(always)]
    pub(crate) fn new(task: Task<Out<T>, Meta>, id: Id) -> JoinHandle<T> {
        JoinHandle { task: Some(task), id }
    }

    /// The task's id.
    pub fn id(&self) -> Id {
        self.id
    }

    /// Has the task ended, so that awaiting it does not wait?
    pub fn is_finished(&self) -> bool {
        self.task.as_ref().is_none_or(Task::is_finished)
    }

    /// Ends the task at its next poll: its future is dropped on a worker, and awaiting the handle gives a
    /// [cancelled](JoinError::is_cancelled) error once that is done. A task that is in its last poll still ends by
    /// itself; a blocking job that has begun goes on to its end. Calling it again, or late, does nothing.
    pub fn abort(&self) {
        self.abort_handle().abort();
    }

    /// A handle that can end the task, and nothing else.
    pub fn abort_handle(&self) -> AbortHandle {
        let live = self.task.as_ref().filter(|task| !task.is_finished());
        let target = live.and_then(|task| {
            let meta = task.metadata();
            waker(meta).map(|waker| Target { waker, meta: NonNull::from(meta) })
        });
        AbortHandle { target, id: self.id }
    }
}

impl<T> Future for JoinHandle<T> {
    type Output = Result<T, JoinError>;

    #[inline]
    #[track_caller]
    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        ready!(frame::poll_spend(cx));
        let Poll::Ready(out) = self.poll_out(cx) else {
            let blocking = self.task.as_ref().is_some_and(|task| task.metadata().has(BLOCKING));
            frame::note(if blocking { Reason::Blocking } else { Reason::Join }, None);
            return Poll::Pending;
        };
        let id = self.id;
        Poll::Ready(out.read().map_err(|error| error.of(id)))
    }
}

impl<T> futures_core::FusedFuture for JoinHandle<T> {
    fn is_terminated(&self) -> bool {
        self.task.is_none()
    }
}

impl<T> JoinHandle<T> {
    /// The result, or `cx` waits for it. It costs nothing of the budget, and is no wait of the task that polls.
    #[inline(always)]
    #[track_caller]
    pub(super) fn poll_out(&mut self, cx: &mut Context<'_>) -> Poll<Out<T>> {
        let task = self.task.as_mut().expect("`JoinHandle` was polled after it gave the task's result");
        let out = ready!(Pin::new(task).poll(cx));
        self.detach();
        Poll::Ready(out)
    }

    #[inline(always)]
    fn detach(&mut self) {
        if let Some(task) = self.task.take() {
            // An unread result goes here, by `Out`'s Drop, which lets no panic out.
            task.detach();
        }
    }
}

impl<T> Drop for JoinHandle<T> {
    #[inline]
    fn drop(&mut self) {
        if let Some(task) = &self.task
            && !task.metadata().has(DETACHED)
        {
            task.metadata().detach();
        }
        self.detach();
    }
}

impl<T> fmt::Debug for JoinHandle<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("JoinHandle").field("id", &self.id).field("finished", &self.is_finished()).finish()
    }
}

/// A waker of the task that `meta` belongs to, if the task is live.
///
/// The caller keeps the task's memory. So if another runtime stands where the task's stood, none of its tasks has the
/// same `meta`, and the search in the registry fails.
fn waker(meta: &Meta) -> Option<Waker> {
    let (shard, key) = meta.place()?;
    if let Some(home) = Home::of(meta) {
        return home.tasks.waker(key, meta);
    }
    let find = |shared: &Shared| shared.parts.get(usize::from(shard))?.tasks.waker(key, meta);
    if context::is_inside(meta.rt) {
        // SAFETY: this thread is inside the runtime, and keeps it there.
        return find(unsafe { meta.rt.cast::<Shared>().as_ref() });
    }
    find(life::find(meta.rt)?.downcast_ref::<Shared>()?)
}

/// Ends a task early. Clones end the same one; dropping them does nothing.
///
/// ```
/// # dormouse_executor::runtime::block_on(async {
/// use dormouse_executor::task;
/// let endless = task::spawn(std::future::pending::<()>());
/// let handle = endless.abort_handle();
/// handle.abort();
/// assert!(endless.await.unwrap_err().is_cancelled());
/// assert!(handle.is_finished());
/// # });
/// ```
#[derive(Clone)]
pub struct AbortHandle {
    target: Option<Target>,
    id: Id,
}

#[derive(Clone)]
struct Target {
    /// Counted: it keeps the task's memory, and `meta` is in it.
    waker: Waker,
    meta: NonNull<Meta>,
}

// SAFETY: `meta` is valid as long as the waker is, and Meta is Sync.
unsafe impl Send for Target {}
// SAFETY: as above.
unsafe impl Sync for Target {}

impl AbortHandle {
    /// Ends the task at its next poll; see [`JoinHandle::abort`].
    pub fn abort(&self) {
        if let Some(target) = &self.target {
            // SAFETY: the waker keeps the task's memory.
            unsafe { target.meta.as_ref() }.abort();
            target.waker.wake_by_ref();
        }
    }

    /// Has the task ended, and its future been dropped?
    pub fn is_finished(&self) -> bool {
        self.target.as_ref().is_none_or(|target| {
            // SAFETY: the waker keeps the task's memory.
            unsafe { target.meta.as_ref() }.has_ended()
        })
    }

    /// The task's id.
    pub fn id(&self) -> Id {
        self.id
    }
}

impl fmt::Debug for AbortHandle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AbortHandle").field("id", &self.id).field("finished", &self.is_finished()).finish()
    }
}
