//! A wait for the channel's close.
use super::{POLLED_AGAIN, let_go, rewake};
use crate::chan::Chan;
use dormouse_wait::frame::{self, Reason, Site};
use dormouse_wait::list::{Node, Phase, Removed};
use std::pin::Pin;
use std::task::{Context, Poll, ready};

/// A wait for the channel's close.
pub(crate) struct ClosedWait<'a, T> {
    chan: &'a Chan<T>,
    node: Node<()>,
}

impl<'a, T> ClosedWait<'a, T> {
    pub(crate) fn new(chan: &'a Chan<T>) -> Self {
        ClosedWait { chan, node: Node::new(()) }
    }

    fn node(self: Pin<&Self>) -> Pin<&Node<()>> {
        // SAFETY: the node is pinned with the wait that it is a field of.
        unsafe { self.map_unchecked(|wait| &wait.node) }
    }

    pub(crate) fn phase(&self) -> Phase {
        self.node.phase()
    }

    pub(crate) fn poll(self: Pin<&Self>, cx: &mut Context<'_>, site: Site) -> Poll<()> {
        let waits = match self.node.phase() {
            Phase::Idle => {
                ready!(frame::poll_spend(cx));
                self.queue(cx)
            }
            // SAFETY: a queued one stands in this list.
            Phase::Queued => unsafe { rewake(&self.chan.core, |core| &mut core.closers, self.node(), cx) },
            Phase::Granted | Phase::Closed => false,
            Phase::Spent => panic!("{POLLED_AGAIN}"),
        };
        if waits {
            frame::note(Reason::ChanReceive, Some(site));
            return Poll::Pending;
        }
        self.node.spend();
        Poll::Ready(())
    }

    /// False if the channel is closed.
    fn queue(self: Pin<&Self>, cx: &mut Context<'_>) -> bool {
        if self.chan.is_closed() {
            return false;
        }
        // A waker's clone is user code: not under the lock.
        let waker = cx.waker().clone();
        let mut core = self.chan.core.lock();
        let waits = !core.is_closed();
        if waits {
            // SAFETY: idle and pinned; `drop` removes it.
            unsafe { core.closers.push_back(self.node(), waker) };
        } else {
            drop(core);
            let_go(Some(waker));
        }
        waits
    }
}

impl<T> Drop for ClosedWait<'_, T> {
    fn drop(&mut self) {
        if !self.node.is(Phase::Queued) {
            return;
        }
        // SAFETY: it was pinned if it was ever queued, and does not move any more.
        let node = unsafe { Pin::new_unchecked(&self.node) };
        let mut core = self.chan.core.lock();
        // SAFETY: it was queued in this list.
        let removed = unsafe { core.closers.remove(node) };
        drop(core);
        if let Removed::WasQueued(waker) = removed {
            let_go(waker);
        }
    }
}
