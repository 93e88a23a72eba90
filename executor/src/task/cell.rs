//! The future that async-task runs for a task: the user's future, with everything that may go wrong around it.
//!
//! What async-task 4.7 does that shapes this: a panic in the destructor of a future or an output aborts the process, so
//! both are dropped here, caught; there is no cancel by reference, so an abort is a flag and a wake-up (T1, T2).
//!
//! | poll finds | the task | result |
//! |---|---|---|
//! | ABORT set | future dropped (caught), taken off the registry | `Err(cancelled)`, or its destructor's panic |
//! | future Pending | wait reason written to `Meta` (T3) | Pending |
//! | future Ready | future dropped (caught), taken off the registry | `Ok`, or its destructor's panic |
//! | future panics | the same | `Err(panic)` |
//! | the same, nobody has a handle, [`OnPanic::Abort`] | the process ends: the future is not dropped, so that nobody who waits for that goes on | - |
//!
//! A panic in the waker of whoever joins is async-task's to handle, and aborts the process: wakers must not panic.
//!
//! Checked by `tests/panics.rs`, `tests/task.rs`.
use super::error::{JoinError, OnPanic};
use super::home::Home;
use super::id::Id;
use super::meta::{ABORT, DETACHED, Meta};
use super::registry::Entry;
use crate::panics::{self, Payload};
use crate::sched::context;
use crate::sched::shared::Shared;
use dormouse_wait::frame::Frame;
use std::future::Future;
use std::mem::ManuallyDrop;
use std::pin::Pin;
use std::ptr::NonNull;
use std::task::{Context, Poll};

/// A task's result on its way to the joiner; dropped unread, the policy for panics decides.
pub(crate) struct Out<T>(ManuallyDrop<Result<T, JoinError>>);

impl<T> Out<T> {
    fn new(result: Result<T, JoinError>) -> Out<T> {
        Out(ManuallyDrop::new(result))
    }

    /// The result, for the joiner.
    pub(crate) fn read(self) -> Result<T, JoinError> {
        let mut this = ManuallyDrop::new(self);
        // SAFETY: taken once, as `this` is not dropped.
        unsafe { ManuallyDrop::take(&mut this.0) }
    }
}

impl<T> Drop for Out<T> {
    fn drop(&mut self) {
        // SAFETY: taken once, as this is the drop.
        match unsafe { ManuallyDrop::take(&mut self.0) } {
            // The panic hook has spoken of a destructor that panics.
            Ok(value) => panics::discard(value),
            Err(error) => error.unread(),
        }
    }
}

/// The future that async-task runs.
pub(crate) struct Cell<F> {
    future: ManuallyDrop<F>,
    meta: NonNull<Meta>,
}

// SAFETY: Meta is Sync and lives in the task's own allocation, as this does.
unsafe impl<F: Send> Send for Cell<F> {}

impl<F: Future> Cell<F> {
    /// Wraps `future`.
    ///
    /// # Safety
    /// `meta` is the metadata of the task that the cell is put into.
    #[inline(always)]
    pub(crate) unsafe fn new(future: F, meta: &Meta) -> Cell<F> {
        Cell { future: ManuallyDrop::new(future), meta: NonNull::from(meta) }
    }

    /// Drops the future, once.
    fn drop_future(&mut self) -> Result<(), Payload> {
        // SAFETY: our task's memory holds both (`new`).
        let meta = unsafe { self.meta.as_ref() };
        meta.set_gone();
        let future = &mut self.future;
        panics::catch(|| {
            // SAFETY: `set_gone` lets this be called once; the future was pinned and is dropped in place.
            unsafe { ManuallyDrop::drop(future) };
        })
    }
}

impl<F: Future> Future for Cell<F> {
    type Output = Out<F::Output>;

    #[inline]
    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Out<F::Output>> {
        // SAFETY: nothing is moved out of the future, which is pinned as this is.
        let this = unsafe { self.get_unchecked_mut() };
        // SAFETY: our task's memory holds both (`new`).
        let meta = unsafe { this.meta.as_ref() };
        let frame = Frame::new(&meta.waits);
        let result = if meta.has(ABORT) {
            frame.enter(|| this.drop_future()).map(|()| None)
        } else {
            let polled = frame.enter(|| {
                panics::catch(|| {
                    // SAFETY: the future is pinned as the cell is.
                    unsafe { Pin::new_unchecked(&mut *this.future) }.poll(cx)
                })
            });
            let polled = match polled {
                Ok(Poll::Pending) => return Poll::Pending,
                Err(payload) if meta.has(DETACHED) && on_panic(meta) == OnPanic::Abort => {
                    // The process ends here.
                    return Poll::Ready(Out::new(finish(meta, Err(payload))));
                }
                polled => polled,
            };
            let dropped = frame.enter(|| this.drop_future());
            ready(polled, dropped)
        };
        Poll::Ready(Out::new(finish(meta, result)))
    }
}

/// The outcome of a poll that was the last, and of the future's destructor: `None` is cancelled.
#[inline]
fn ready<T>(polled: Result<Poll<T>, Payload>, dropped: Result<(), Payload>) -> Result<Option<T>, Payload> {
    match (polled, dropped) {
        (Ok(Poll::Ready(value)), Ok(())) => Ok(Some(value)),
        (Ok(value), Err(payload)) => {
            panics::discard(value);
            Err(payload)
        }
        (Err(payload), dropped) => {
            dropped.unwrap_or_else(panics::forget);
            Err(payload)
        }
        (Ok(Poll::Pending), Ok(())) => unreachable!("a pending poll is not the last one"),
    }
}

/// The policy of the live task's runtime.
#[cold]
fn on_panic(meta: &Meta) -> OnPanic {
    if Home::of(meta).is_some() {
        return context::with_current(|shared, _| shared.config.on_panic).unwrap_or_default();
    }
    // SAFETY: the task is live, so its runtime is (S4).
    unsafe { meta.rt.cast::<Shared>().as_ref() }.config.on_panic
}

/// Takes the task off the registry and makes its result.
#[inline]
fn finish<T>(meta: &Meta, result: Result<Option<T>, Payload>) -> Result<T, JoinError> {
    let Some((shard, key)) = meta.place() else {
        // Never registered: the runtime was closing when it was spawned, and nobody has seen its handle yet.
        if let Err(payload) = result {
            panics::forget(payload);
        }
        return Err(JoinError::cancelled(Id(0)));
    };
    if let Some(home) = Home::of(meta) {
        let removed = home.tasks.remove(key);
        return conclude(meta, removed.entry, result);
    }
    // SAFETY: the task is live, so its runtime is (S4).
    let shared = unsafe { meta.rt.cast::<Shared>().as_ref() };
    let tasks = &shared.parts[usize::from(shard)].tasks;
    let result = match result {
        Ok(Some(value)) if context::seat_part(shared).is_some_and(|own| own != usize::from(shard)) => {
            meta.set_ended();
            if let Some(last) = tasks.leave(key, meta) {
                shared.shards_ended(usize::from(last));
                return Ok(value);
            }
            Ok(Some(value))
        }
        other => other,
    };
    let removed = tasks.remove(key);
    let result = conclude(meta, removed.entry, result);
    if removed.last {
        shared.shards_ended(1);
    }
    result
}

/// The result of a task that was taken off its registry.
#[inline(always)]
fn conclude<T>(meta: &Meta, entry: Entry, result: Result<Option<T>, Payload>) -> Result<T, JoinError> {
    meta.set_ended();
    let id = entry.id;
    match result {
        Ok(Some(value)) => {
            drop(entry);
            Ok(value)
        }
        Ok(None) => Err(JoinError::cancelled(id)),
        Err(payload) => Err(JoinError::panicked(id, payload, entry.origin, on_panic(meta))),
    }
}

impl<F> Drop for Cell<F> {
    fn drop(&mut self) {
        // SAFETY: our task's memory holds both (`new`).
        if !unsafe { self.meta.as_ref() }.is_gone() {
            let future = &mut self.future;
            // SAFETY: not dropped yet, and not after this.
            panics::catch(|| unsafe { ManuallyDrop::drop(future) }).unwrap_or_else(panics::forget);
        }
    }
}
