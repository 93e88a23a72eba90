//! Spawning: from a future to a task that is registered and published.
use super::cell::{Cell, Out};
use super::error::JoinError;
use super::home::Home;
use super::id::Id;
use super::join::JoinHandle;
use super::meta::{ABORT, BLOCKING, Meta};
use super::origin::Origin;
use super::polled;
use super::registry::Shard;
use crate::config::Simulated;
use crate::sched::context;
use crate::sched::schedule::schedule;
use crate::sched::seat::Seat;
use crate::sched::shared::Shared;
use async_task::{Runnable, Schedule, Task, WithInfo};
use dormouse_wait::frame::{self, Site};
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

/// The runtime that the calling thread is in, or a panic with advice.
pub(crate) fn current<R>(what: &str, f: impl FnOnce(&Shared, Option<&Seat<'_>>) -> R) -> R {
    match context::with_current(f) {
        Some(result) => result,
        None => {
            let has_it = matches!(what, "spawn" | "spawn_many" | "spawn_blocking");
            let instead = if has_it { what } else { "spawn" };
            panic!(
                "dormouse: `{what}` was called outside of a runtime: call it in a task, inside `Runtime::block_on`, or \
                 while `Handle::enter`'s guard is held; or use `Handle::{instead}` of a runtime"
            )
        }
    }
}

/// From this size on, async-task puts a future into a box. Done at once, that saves all further moves of it.
const LARGE: usize = 2048;

/// Spawns `future` in the current runtime; `what` is what the caller called, `flags` are those of [`Meta`].
#[inline]
pub(crate) fn spawn_here<F>(what: &str, future: F, origin: Origin, flags: u8) -> JoinHandle<F::Output>
where
    F: Future + Send + 'static,
    F::Output: Send + 'static,
{
    if size_of::<F>() >= LARGE {
        let future = Box::pin(future);
        return current(what, |shared, seat| spawn_in(shared, seat, future, origin, flags));
    }
    current(what, |shared, seat| spawn_in(shared, seat, future, origin, flags))
}

/// Spawns `future` in `shared`, from wherever this thread is.
pub(crate) fn spawn_there<F>(shared: &Shared, future: F, origin: Origin) -> JoinHandle<F::Output>
where
    F: Future + Send + 'static,
    F::Output: Send + 'static,
{
    if size_of::<F>() >= LARGE {
        let future = Box::pin(future);
        return context::with_seat(shared.pointer(), |seat| spawn_in(shared, seat, future, origin, 0));
    }
    context::with_seat(shared.pointer(), |seat| spawn_in(shared, seat, future, origin, 0))
}

/// Spawns `future` in `shared`.
#[inline]
fn spawn_in<F>(
    shared: &Shared,
    seat: Option<&Seat<'_>>,
    future: F,
    origin: Origin,
    flags: u8,
) -> JoinHandle<F::Output>
where
    F: Future + Send + 'static,
    F::Output: Send + 'static,
{
    let (task, handle) = make(shared, seat, future, origin, flags);
    match (task, seat) {
        (Some(task), Some(seat)) => seat.push_next(task.into_raw()),
        (Some(task), None) => task.schedule(),
        (None, _) => {}
    }
    handle
}

/// Tasks of a batch that are published together.
const BATCH: usize = 64;

/// Tasks that are queued, so that whoever runs may find them, but for which nobody was woken yet.
struct Batch {
    shared: Arc<Shared>,
    quiet: usize,
}

impl Batch {
    fn publish(&mut self) {
        if std::mem::take(&mut self.quiet) > 0 {
            self.shared.published();
        }
    }
}

impl Drop for Batch {
    /// Also if the iterator panics.
    fn drop(&mut self) {
        self.publish();
    }
}

/// Spawns each of `futures` in the current runtime, and gives the handles to `sink`.
pub(crate) fn spawn_each_here<I>(
    what: &str,
    futures: I,
    spawned: Site,
    sink: impl FnMut(JoinHandle<Output<I>>),
) where
    I: IntoIterator<Item: Future<Output: Send + 'static> + Send + 'static>,
{
    let shared = current(what, |shared, _| shared.strong());
    spawn_each_there(shared, futures, spawned, sink);
}

/// Spawns each of `futures` in `shared`, and gives the handles to `sink`.
pub(crate) fn spawn_each_there<I>(
    shared: Arc<Shared>,
    futures: I,
    spawned: Site,
    sink: impl FnMut(JoinHandle<Output<I>>),
) where
    I: IntoIterator<Item: Future<Output: Send + 'static> + Send + 'static>,
{
    if size_of::<I::Item>() >= LARGE {
        return spawn_each(shared, futures.into_iter().map(Box::pin), spawned, sink);
    }
    spawn_each(shared, futures.into_iter(), spawned, sink);
}

/// What the futures of `I` give.
pub(crate) type Output<I> = <<I as IntoIterator>::Item as Future>::Output;

fn spawn_each<F>(
    shared: Arc<Shared>,
    futures: impl Iterator<Item = F>,
    spawned: Site,
    mut sink: impl FnMut(JoinHandle<F::Output>),
) where
    F: Future + Send + 'static,
    F::Output: Send + 'static,
{
    let mut batch = Batch { shared, quiet: 0 };
    for future in futures {
        let shared = &*batch.shared;
        // The iterator may have left the seat that this thread had before (`block_in_place`).
        let handle = context::with_seat(shared.pointer(), |seat| {
            let (task, handle) = make(shared, seat, future, Origin::at(spawned), 0);
            match (task, seat) {
                (Some(task), Some(seat)) => seat.push_quietly(task.into_raw()),
                (Some(task), None) => shared.inject_quietly(task.into_raw()),
                (None, _) => {}
            }
            handle
        });
        sink(handle);
        batch.quiet += 1;
        if batch.quiet == BATCH {
            batch.publish();
        }
    }
}

/// Runs `job` on the blocking pool of `shared`.
pub(crate) fn spawn_blocking_in<F, R>(
    shared: &Shared,
    seat: Option<&Seat<'_>>,
    job: F,
    origin: Origin,
) -> JoinHandle<R>
where
    F: FnOnce() -> R + Send + 'static,
    R: Send + 'static,
{
    let flags = match shared.config.simulated {
        None => BLOCKING,
        Some(Simulated::InlineBlocking) => 0,
        Some(Simulated::RefuseBlocking) => panic!(
            "dormouse: `spawn_blocking` was called in a simulated run, which has no control over other threads: \
             let jobs run as tasks with `sim::Builder::inline_blocking`, or keep them out of the simulation"
        ),
    };
    let job = Job { job: Some(job), may_block: flags == BLOCKING };
    let (task, handle) = make(shared, seat, job, origin, flags);
    if let Some(task) = task {
        task.schedule();
    }
    handle
}

/// Makes a task and registers it. Without a runnable if the runtime is closing: the future is dropped then.
#[inline(always)]
fn make<F>(
    shared: &Shared,
    seat: Option<&Seat<'_>>,
    future: F,
    origin: Origin,
    flags: u8,
) -> (Option<Runnable<Meta>>, JoinHandle<F::Output>)
where
    F: Future + Send + 'static,
    F::Output: Send + 'static,
{
    let meta = Meta::new(shared.pointer(), flags);
    let number = seat.map_or_else(|| shared.any_part(), Seat::part);
    // SAFETY: all is Send.
    unsafe { enter(shared, number, meta, future, origin, WithInfo(schedule)) }
}

/// [`make`] for any future and schedule function, into the part with this number. `meta` is the runtime's.
///
/// # Safety
/// As [`build`].
#[inline(always)]
pub(super) unsafe fn enter<F, S>(
    shared: &Shared,
    number: usize,
    meta: Meta,
    future: F,
    origin: Origin,
    schedule: S,
) -> (Option<Runnable<Meta>>, JoinHandle<F::Output>)
where
    F: Future + 'static,
    S: Schedule<Meta> + Send + Sync + 'static,
{
    // SAFETY: as the caller promises.
    let (runnable, task) = unsafe { build(meta, future, schedule) };
    register(&shared.parts[number].tasks, number as u16, runnable, task, origin)
}

/// Enters a task that was just made in `shard`, which has this number.
#[inline(always)]
pub(super) fn register<T>(
    shard: &Shard,
    number: u16,
    runnable: Runnable<Meta>,
    task: Task<Out<T>, Meta>,
    origin: Origin,
) -> (Option<Runnable<Meta>>, JoinHandle<T>) {
    let (id, entered) = shard.insert(number, runnable.waker(), runnable.metadata(), origin);
    let handle = JoinHandle::new(task, id);
    if entered {
        return (Some(runnable), handle);
    }
    refuse(runnable);
    (None, handle)
}

/// Makes a task.
///
/// # Safety
/// If `future` is not Send, the runnable is run, or dropped, where `future` may be.
#[inline(always)]
pub(super) unsafe fn build<F, S>(
    meta: Meta,
    future: F,
    schedule: S,
) -> (Runnable<Meta>, Task<Out<F::Output>, Meta>)
where
    F: Future + 'static,
    S: Schedule<Meta> + Send + Sync + 'static,
{
    // T5: the cell catches panics.
    let builder = async_task::Builder::new().metadata(meta).propagate_panic(false);
    let cell = |meta: &Meta| {
        // SAFETY: it is the metadata of the task that the cell is put into.
        unsafe { Cell::new(future, meta) }
    };
    // SAFETY: the schedule function is Send, Sync and 'static, and the cell 'static (it keeps the metadata as a pointer). A
    // cell that is not Send is used as the caller promises.
    unsafe { builder.spawn_unchecked(cell, schedule) }
}

/// Drops the future of a task that its closing runtime did not take.
#[cold]
pub(super) fn refuse(task: Runnable<Meta>) {
    task.metadata().abort();
    debug_assert!(task.metadata().has(ABORT));
    task.run();
}

/// A blocking job, as the future that it is to the pool.
struct Job<F> {
    job: Option<F>,
    /// It has a thread for itself. Not in a simulated run: there a blocking call would hold up everything, and panics.
    may_block: bool,
}

impl<F> Unpin for Job<F> {}

impl<F: FnOnce() -> R, R> Future for Job<F> {
    type Output = R;

    fn poll(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<R> {
        let job = self.job.take().expect("a job runs once");
        // For a job that may block, no poll is on.
        Poll::Ready(if self.may_block { frame::outside(job) } else { job() })
    }
}

/// The id of the task that this thread polls.
pub(crate) fn current_id() -> Option<Id> {
    if let Some(id) = polled::with(id_of) {
        return id;
    }
    context::with_any_seat(|seat| {
        let meta = std::ptr::NonNull::new(seat.polled().cast_mut())?;
        // SAFETY: the task is being polled, so its memory is there.
        let meta = unsafe { meta.as_ref() };
        id_of(meta)
    })?
}

/// Lets locks and semaphores note who holds them, from now on.
pub(crate) fn track_holders() {
    dormouse_wait::holders::turn_on(|| current_id().map(|id| id.0));
}

/// The id of a task that is being polled.
fn id_of(meta: &Meta) -> Option<Id> {
    let (shard, key) = meta.place()?;
    if let Some(home) = Home::of(meta) {
        return home.tasks.id(key, meta);
    }
    // SAFETY: the task is live, so its runtime is (S4).
    let shared = unsafe { meta.rt.cast::<Shared>().as_ref() };
    shared.parts[usize::from(shard)].tasks.id(key, meta)
}

/// What a runtime that is closing answers: for tests of the type's size.
const _: () = assert!(size_of::<Result<(), JoinError>>() == size_of::<usize>());
