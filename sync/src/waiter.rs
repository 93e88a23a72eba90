//! The wait for an event: the part that futures share whose object tells a list of waiters when to look again.
//!
//! The object changes its state first and then takes from the list ([`wake_all`], [`wake_one`]), under the list's lock; a
//! waiter asks for the state under the same lock before it queues. So either the waiter sees the new state, or the
//! object finds the waiter.
//!
//! Checked by `models::context_*`, `models::once_*`, `tests/reentrant.rs`.
use crate::calm::{discard, in_batches, release};
use dormouse_wait::frame::{self, Reason, Site};
use dormouse_wait::list::{List, Node, Phase, Removed, Verdict};
use dormouse_wait::lock::Lock;
use dormouse_wait::wakes;
use pin_project::pin_project;
use std::pin::Pin;
use std::task::{Context, Poll, Waker};

/// Those who wait for one event.
pub(crate) type Waiters = Lock<List<()>>;

/// Wakes all of `waiters`, the longest-waiting first, in batches between locks. None may queue any more.
pub(crate) fn wake_all(waiters: &Waiters) {
    in_batches(|wakes| release(&mut waiters.lock(), wakes, |()| true));
}

/// Wakes the longest-waiting one of `waiters`.
pub(crate) fn wake_one(waiters: &Waiters) {
    let waker = waiters.lock().win().and_then(|waiter| waiter.finish(Verdict::Granted));
    wakes::wake(waker);
}

/// One who waits. The future that holds it calls [`Waiter::cancel`] in its `Drop`, with the list that it polled with.
#[pin_project]
#[derive(Debug)]
pub(crate) struct Waiter {
    #[pin]
    node: Node<()>,
    site: Site,
    /// It was woken and lost: it queues before all others.
    front: bool,
}

impl Waiter {
    pub(crate) fn new(site: Site) -> Self {
        Waiter { node: Node::new(()), site, front: false }
    }

    /// Has it been given out?
    pub(crate) fn is_done(&self) -> bool {
        self.node.is(Phase::Spent)
    }

    /// Has it never waited, and not been given out?
    pub(crate) fn is_new(&self) -> bool {
        self.node.is(Phase::Idle) && !self.front
    }

    /// The source line of the wait.
    pub(crate) fn site(&self) -> Site {
        self.site
    }

    /// Ready once `happened`, which is asked under the lock of `waiters` (and so runs no user code), or once woken.
    ///
    /// The list must be the same one at every call.
    pub(crate) fn poll(
        mut self: Pin<&mut Self>,
        waiters: &Waiters,
        cx: &mut Context<'_>,
        reason: Reason,
        happened: impl FnOnce() -> bool,
    ) -> Poll<()> {
        match self.node.phase() {
            Phase::Idle => self.as_mut().queue(waiters, cx.waker().clone(), happened),
            Phase::Queued => self.as_mut().look_again(waiters, cx.waker(), happened),
            Phase::Granted | Phase::Closed => {}
            Phase::Spent => unreachable!("futures ask whether they have finished"),
        }
        if self.node.is(Phase::Queued) {
            frame::note_on(reason, Some(self.site), waiters);
            return Poll::Pending;
        }
        self.node.spend();
        Poll::Ready(())
    }

    fn queue(self: Pin<&mut Self>, waiters: &Waiters, waker: Waker, happened: impl FnOnce() -> bool) {
        let this = self.project();
        let node = this.node.into_ref();
        let mut list = waiters.lock();
        if happened() {
            drop(list);
            return discard(Some(waker));
        }
        if *this.front {
            // SAFETY: the node is idle and pinned, and `cancel` removes it before its memory goes.
            unsafe { list.push_front(node, waker) };
        } else {
            // SAFETY: as above.
            unsafe { list.push_back(node, waker) };
        }
    }

    fn look_again(self: Pin<&mut Self>, waiters: &Waiters, waker: &Waker, happened: impl FnOnce() -> bool) {
        let node = self.project().node.into_ref();
        let mut list = waiters.lock();
        let unused = if node.is(Phase::Queued) && happened() {
            // SAFETY: if the node was queued, it was in this list.
            match unsafe { list.remove(node) } {
                Removed::WasQueued(waker) => waker,
                Removed::WasDone => None,
            }
        // SAFETY: as above.
        } else if unsafe { list.will_wake(node, waker) } {
            None
        } else {
            // `Waker::clone` is user code: not under the lock.
            drop(list);
            let waker = waker.clone();
            list = waiters.lock();
            // SAFETY: as above.
            Some(unsafe { list.rewake(node, waker) })
        };
        drop(list);
        discard(unused);
    }

    /// It was woken and the event was not for it: it waits again, before all others.
    pub(crate) fn lost(self: Pin<&mut Self>) {
        let this = self.project();
        this.node.reset();
        *this.front = true;
    }

    /// The future goes away, or has seen the event by itself. True if it had been woken and has not looked: another one may be owed that.
    pub(crate) fn cancel(self: Pin<&mut Self>, waiters: &Waiters) -> bool {
        let node = self.project().node.into_ref();
        let mut waker = None;
        if node.is(Phase::Queued) {
            // SAFETY: if the node was queued, it was in this list.
            let removed = unsafe { waiters.lock().remove(node) };
            if let Removed::WasQueued(removed) = removed {
                waker = removed;
            }
        }
        let woken = node.is(Phase::Granted);
        node.spend();
        discard(waker);
        woken
    }
}
