//! The right to make a cell's value, and the futures that wait for it and for the value.
use super::{BUSY, EMPTY, OnceCell, SET};
use crate::waiter::{Waiter, wake_all, wake_one};
use dormouse_wait::frame::{self, Reason};
use dormouse_wait::prim::atomic::Ordering::*;
use futures_core::FusedFuture;
use pin_project::{pin_project, pinned_drop};
use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

/// The right to make the value. Dropped without that, the next one has it.
pub(super) struct Turn<'a, T> {
    pub(super) cell: &'a OnceCell<T>,
}

impl<'a, T> Turn<'a, T> {
    pub(super) fn fill(self, value: T) -> &'a T {
        let cell = self.cell;
        std::mem::forget(self);
        cell.value.with_mut(|place| {
            // SAFETY: O1, the turn is ours and the value is not yet shared.
            unsafe { *place = Some(value) }
        });
        // Ordering: Release pairs with the Acquire of `state`: who sees it sees the value.
        cell.state.store(SET, Release);
        wake_all(&cell.makers);
        wake_all(&cell.readers);
        cell.get().expect("set just now")
    }
}

impl<T> Drop for Turn<'_, T> {
    fn drop(&mut self) {
        // Ordering: Release pairs with the Acquire of `try_turn`: the next one comes after all that this one did.
        self.cell.state.store(EMPTY, Release);
        wake_one(&self.cell.makers);
    }
}

/// The future of [`OnceCell::turn`].
#[pin_project(PinnedDrop)]
pub(super) struct NextTurn<'a, T> {
    pub(super) cell: &'a OnceCell<T>,
    pub(super) reason: Reason,
    #[pin]
    pub(super) waiter: Waiter,
}

impl<'a, T> Future for NextTurn<'a, T> {
    type Output = Option<Turn<'a, T>>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let mut this = self.project();
        let cell: &'a OnceCell<T> = this.cell;
        if this.waiter.is_new() {
            ready!(frame::poll_spend(cx));
        }
        loop {
            match cell.try_turn() {
                Ok(turn) => {
                    // It may be queued, or woken: that was for this.
                    this.waiter.as_mut().cancel(&cell.makers);
                    return Poll::Ready(Some(turn));
                }
                Err(SET) => {
                    this.waiter.as_mut().cancel(&cell.makers);
                    return Poll::Ready(None);
                }
                Err(_) => {}
            }
            let look = this.waiter.as_mut().poll(&cell.makers, cx, *this.reason, || cell.state() != BUSY);
            ready!(look);
            this.waiter.as_mut().lost();
        }
    }
}

#[pinned_drop]
impl<T> PinnedDrop for NextTurn<'_, T> {
    fn drop(self: Pin<&mut Self>) {
        let this = self.project();
        let woken = this.waiter.cancel(&this.cell.makers);
        // O2. If somebody has the turn, its end wakes the next.
        if woken && this.cell.state() == EMPTY {
            wake_one(&this.cell.makers);
        }
    }
}

/// The future of [`OnceCell::wait`].
#[must_use = "a future does nothing unless it is awaited"]
#[pin_project(PinnedDrop)]
pub struct WaitSet<'a, T> {
    pub(super) cell: &'a OnceCell<T>,
    #[pin]
    pub(super) waiter: Waiter,
}

impl<'a, T> Future for WaitSet<'a, T> {
    type Output = &'a T;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<&'a T> {
        let mut this = self.project();
        let cell: &'a OnceCell<T> = this.cell;
        assert!(!this.waiter.is_done(), "the future of OnceCell::wait was polled after it had finished");
        if this.waiter.is_new() {
            ready!(frame::poll_spend(cx));
        }
        if !cell.is_set() {
            ready!(this.waiter.as_mut().poll(&cell.readers, cx, Reason::OnceDo, || cell.is_set()));
        }
        this.waiter.cancel(&cell.readers);
        Poll::Ready(cell.get().expect("set"))
    }
}

impl<T> FusedFuture for WaitSet<'_, T> {
    fn is_terminated(&self) -> bool {
        self.waiter.is_done()
    }
}

#[pinned_drop]
impl<T> PinnedDrop for WaitSet<'_, T> {
    fn drop(self: Pin<&mut Self>) {
        let this = self.project();
        this.waiter.cancel(&this.cell.readers);
    }
}

impl<T> fmt::Debug for WaitSet<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("WaitSet").field("done", &self.is_terminated()).finish_non_exhaustive()
    }
}
