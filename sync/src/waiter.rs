//! The wait for an event: the part that futures share whose object tells a list of waiters when to look again.
//!
//! The object changes its state first and then takes from the list ([`wake_all`]), under the list's lock; a
//! waiter asks for the state under the same lock before it queues. So either the waiter sees the new state, or the
//! object finds the waiter.
//!
//! Checked by `models::context_*`, `tests/reentrant.rs`.
use crate::calm::{discard, in_batches, release};
use dormouse_wait::frame::{self, Reason, Site};
use dormouse_wait::list::{List, Node, Phase, Removed};
use dormouse_wait::lock::Lock;
use pin_project::pin_project;
use std::pin::Pin;
use std::task::{Context, Poll, Waker};

/// Those who wait for one event.
pub(crate) type Waiters = Lock<List<()>>;

/// Wakes all of `waiters`, the longest-waiting first, in batches between locks. None may queue any more.
pub(crate) fn wake_all(waiters: &Waiters) {
    in_batches(|wakes| release(&mut waiters.lock(), wakes, |()| true));
}

/// One who waits. The future that holds it calls [`Waiter::cancel`] in its `Drop`, with the list that it polled with.
#[pin_project]
#[derive(Debug)]
pub(crate) struct Waiter {
    #[pin]
    node: Node<()>,
    site: Site,
}

impl Waiter {
    pub(crate) fn new(site: Site) -> Self {
        Waiter { node: Node::new(()), site }
    }

    /// Has it been given out?
    pub(crate) fn is_done(&self) -> bool {
        self.node.is(Phase::Spent)
    }

    /// Has it never waited, and not been given out?
    pub(crate) fn is_new(&self) -> bool {
        self.node.is(Phase::Idle)
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
            frame::note(reason, Some(self.site));
            return Poll::Pending;
        }
        self.node.spend();
        Poll::Ready(())
    }

    fn queue(self: Pin<&mut Self>, waiters: &Waiters, waker: Waker, happened: impl FnOnce() -> bool) {
        let node = self.project().node.into_ref();
        let mut list = waiters.lock();
        if happened() {
            drop(list);
            return discard(Some(waker));
        }
        // SAFETY: the node is idle and pinned, and `cancel` removes it before its memory goes.
        unsafe { list.push_back(node, waker) };
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

    /// The future goes away, or has seen the event by itself.
    pub(crate) fn cancel(self: Pin<&mut Self>, waiters: &Waiters) {
        let node = self.project().node.into_ref();
        let mut waker = None;
        if node.is(Phase::Queued) {
            // SAFETY: if the node was queued, it was in this list.
            let removed = unsafe { waiters.lock().remove(node) };
            if let Removed::WasQueued(removed) = removed {
                waker = removed;
            }
        }
        node.spend();
        discard(waker);
    }
}
