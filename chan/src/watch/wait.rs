//! A wait for a change, or for the end of the receivers, as it stands in a pinned future.
//!
//! A wake-up says only that it is time to look again: whether the event has happened is [`Shared::due`]'s to say. So a
//! wait that is dropped, or woken by mistake, takes nothing away from others.
//!
//! Checked by `models::watch` and by `tests/watch/cancel.rs`.
use super::core::{Event, Shared, Version};
use crate::wait::{let_go, rewake};
use dormouse_wait::frame::{self, Reason, Site};
use dormouse_wait::list::{Node, Phase, Removed};
use std::pin::Pin;
use std::task::{Context, Poll, Waker, ready};

pub(super) struct Wait<'a, T> {
    shared: &'a Shared<T>,
    event: Event,
    /// Its payload: what it has seen.
    node: Node<Version>,
    site: Site,
}

impl<'a, T> Wait<'a, T> {
    pub(super) fn new(shared: &'a Shared<T>, event: Event, site: Site) -> Self {
        Wait { shared, event, node: Node::new(shared.version()), site }
    }

    pub(super) fn shared(&self) -> &'a Shared<T> {
        self.shared
    }

    fn node(self: Pin<&Self>) -> Pin<&Node<Version>> {
        // SAFETY: the node is pinned with the wait that it is a field of.
        unsafe { self.map_unchecked(|wait| &wait.node) }
    }

    /// Has it come to its end?
    pub(super) fn is_over(&self) -> bool {
        self.node.is(Phase::Spent)
    }

    /// Makes a wait that is over ready to wait again.
    pub(super) fn reset(&self) {
        if self.is_over() {
            self.node.reset();
        }
    }

    /// Ends a wait that does not stand in the queue.
    pub(super) fn end(&self) {
        self.node.spend();
    }

    /// Waits for the event, for whoever has seen `seen`.
    ///
    /// # Panics
    /// If it is over.
    pub(super) fn poll(self: Pin<&Self>, seen: Version, cx: &mut Context<'_>) -> Poll<()> {
        match self.node.phase() {
            Phase::Spent => panic!("a finished future of a watch channel was polled again"),
            Phase::Idle => ready!(frame::poll_spend(cx)),
            Phase::Queued | Phase::Granted | Phase::Closed => {}
        }
        loop {
            if self.shared.due(self.event, seen) {
                self.leave();
                self.node.spend();
                return Poll::Ready(());
            }
            let queued = match self.node.phase() {
                Phase::Queued => self.stay(cx),
                Phase::Idle => self.queue(seen, cx.waker().clone()),
                // Told of something that has passed: receivers were gone, and there is a new one.
                Phase::Granted | Phase::Closed | Phase::Spent => {
                    self.node.reset();
                    false
                }
            };
            if queued {
                let change = self.event == Event::Change;
                frame::note(if change { Reason::ChanReceive } else { Reason::ChanSend }, Some(self.site));
                return Poll::Pending;
            }
        }
    }

    /// Queues, unless it is due now.
    fn queue(self: Pin<&Self>, seen: Version, waker: Waker) -> bool {
        let mut core = self.shared.core.lock();
        if self.shared.due(self.event, seen) {
            drop(core);
            let_go(Some(waker));
            return false;
        }
        // SAFETY: idle, so it is this wait's alone.
        unsafe { self.node.with_payload(|payload| *payload = seen) };
        // SAFETY: idle and pinned; `drop` removes it.
        unsafe { core.list(self.event).push_back(self.node(), waker) };
        true
    }

    /// Still queued? Then this waker is the one to wake.
    fn stay(self: Pin<&Self>, cx: &mut Context<'_>) -> bool {
        // SAFETY: this node was queued in this list.
        unsafe { rewake(&self.shared.core, |core| core.list(self.event), self.node(), cx) }
    }

    /// Leaves the queue, if it stands there.
    fn leave(self: Pin<&Self>) {
        if !self.node.is(Phase::Queued) {
            return;
        }
        let mut core = self.shared.core.lock();
        // SAFETY: this node was queued in this list.
        let removed = unsafe { core.list(self.event).remove(self.node()) };
        drop(core);
        if let Removed::WasQueued(waker) = removed {
            let_go(waker);
        }
    }
}

impl<T> Drop for Wait<'_, T> {
    fn drop(&mut self) {
        // SAFETY: it was pinned if it was ever queued, and does not move any more.
        unsafe { Pin::new_unchecked(&*self) }.leave();
    }
}
