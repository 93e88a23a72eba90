//! A wait for a place in the buffer: stands among the senders, marked, without a value.
//!
//! | phase | who has the place |
//! |---|---|
//! | Idle, Queued, Closed | nobody |
//! | Granted | this wait |
//! | Spent | whoever it was given to |
//!
//! Dropped with the place, it gives it back, and the next sender has it.
use super::{POLLED_AGAIN, let_go, rewake};
use crate::chan::Chan;
use crate::core::{RESERVES, Reserve};
use crate::error::SendError;
use dormouse_wait::frame::{self, Reason, Site};
use dormouse_wait::list::{Node, Phase, Removed};
use dormouse_wait::wakes;
use std::mem::MaybeUninit;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

/// A wait for a place in the buffer.
pub(crate) struct ReserveWait<'a, T> {
    chan: &'a Chan<T>,
    node: Node<MaybeUninit<T>>,
}

impl<'a, T> ReserveWait<'a, T> {
    pub(crate) fn new(chan: &'a Chan<T>) -> Self {
        ReserveWait { chan, node: Node::new(MaybeUninit::uninit()) }
    }

    fn node(self: Pin<&Self>) -> Pin<&Node<MaybeUninit<T>>> {
        // SAFETY: the node is pinned with the wait that it is a field of.
        unsafe { self.map_unchecked(|wait| &wait.node) }
    }

    pub(crate) fn chan(&self) -> &'a Chan<T> {
        self.chan
    }

    pub(crate) fn phase(&self) -> Phase {
        self.node.phase()
    }

    /// Is it still queued? Then the task of `cx` is the one to wake.
    fn stays(self: Pin<&Self>, cx: &mut Context<'_>) -> bool {
        // SAFETY: a queued one stands in this list.
        unsafe { rewake(&self.chan.core, |core| &mut core.senders, self.node(), cx) }
    }

    /// Ready with Ok: the place is the caller's.
    pub(crate) fn poll(
        self: Pin<&Self>,
        cx: &mut Context<'_>,
        site: Site,
    ) -> Poll<Result<(), SendError<()>>> {
        let waits = match self.node.phase() {
            Phase::Idle => {
                ready!(frame::poll_spend(cx));
                self.try_or_queue(cx)
            }
            Phase::Queued if self.stays(cx) => Reserve::Full,
            Phase::Spent => panic!("{POLLED_AGAIN}"),
            _ => match self.node.phase() {
                Phase::Granted => Reserve::Done,
                _ => Reserve::Closed,
            },
        };
        let reason = match waits {
            Reserve::Full => Reason::ChanSend,
            Reserve::Nil => Reason::ChanSendNil,
            Reserve::Done | Reserve::Closed => {
                self.node.spend();
                let reserved = matches!(waits, Reserve::Done);
                return Poll::Ready(if reserved { Ok(()) } else { Err(SendError(())) });
            }
        };
        frame::note(reason, Some(site));
        Poll::Pending
    }

    fn try_or_queue(self: Pin<&Self>, cx: &mut Context<'_>) -> Reserve {
        let reserve = self.chan.try_reserve();
        if !matches!(reserve, Reserve::Full) {
            return reserve;
        }
        // A waker's clone is user code: not under the lock.
        let waker = cx.waker().clone();
        let mut core = self.chan.core.lock();
        let reserve = core.reserve();
        if matches!(reserve, Reserve::Full) {
            // SAFETY: idle and pinned; `drop` removes it.
            unsafe { core.senders.push_tagged(self.node(), waker, RESERVES) };
            self.chan.publish(&core);
        } else {
            self.chan.publish(&core);
            drop(core);
            let_go(Some(waker));
        }
        reserve
    }
}

impl<T> Drop for ReserveWait<'_, T> {
    fn drop(&mut self) {
        if !self.node.is(Phase::Queued) && !self.node.is(Phase::Granted) {
            return;
        }
        // SAFETY: it was pinned if it was ever queued, and does not move any more.
        let node = unsafe { Pin::new_unchecked(&self.node) };
        let mut core = self.chan.core.lock();
        // SAFETY: if it was queued, it was in this list.
        let removed = unsafe { core.senders.remove(node) };
        let next = match removed {
            Removed::WasDone if node.is(Phase::Granted) => core.unreserve(),
            _ => None,
        };
        self.chan.publish(&core);
        drop(core);
        wakes::wake(next);
        if let Removed::WasQueued(waker) = removed {
            let_go(waker);
        }
    }
}
