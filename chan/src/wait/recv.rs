//! A receive that waits, or has received.
use super::{POLLED_AGAIN, Polled, let_go, rewake};
use crate::chan::{Chan, Locked};
use crate::core::{Core, Handed, Take};
use dormouse_wait::claim::Claim;
use dormouse_wait::frame::{self, Reason, Site};
use dormouse_wait::list::{Node, Phase, Removed, Verdict};
use dormouse_wait::wakes;
use std::pin::Pin;
use std::task::{Context, Poll, Waker, ready};

/// A receive that waits, or has received.
pub(crate) struct RecvWait<'a, T> {
    chan: &'a Chan<T>,
    node: Node<Handed<T>>,
}

impl<'a, T> RecvWait<'a, T> {
    #[inline(always)]
    pub(crate) fn new(chan: &'a Chan<T>) -> Self {
        RecvWait { chan, node: Node::new(Handed::nothing()) }
    }

    #[inline(always)]
    fn node(self: Pin<&Self>) -> Pin<&Node<Handed<T>>> {
        // SAFETY: the node is pinned with the wait that it is a field of.
        unsafe { self.map_unchecked(|wait| &wait.node) }
    }

    pub(crate) fn chan(&self) -> &'a Chan<T> {
        self.chan
    }

    pub(crate) fn phase(&self) -> Phase {
        self.node.phase()
    }

    /// Makes a spent wait ready to wait again.
    pub(crate) fn reset(&self) {
        if self.phase() == Phase::Spent {
            self.node.reset();
        }
    }

    #[inline(always)]
    pub(crate) fn poll(self: Pin<&Self>, cx: &mut Context<'_>, site: Site) -> Poll<Option<T>> {
        if !self.node.is(Phase::Idle) {
            // What it was woken for, most often.
            let granted = self.node.is(Phase::Granted);
            return if granted { Poll::Ready(self.granted()) } else { self.poll_again(cx, site) };
        }
        ready!(frame::poll_spend(cx));
        // A waker's clone is user code: not under the lock, and only if a wait is likely.
        if !self.chan.may_recv() {
            return self.poll_with_waker(cx.waker().clone(), site);
        }
        let mut core = self.chan.core.lock();
        if let Some(value) = core.take_buffered() {
            self.chan.publish_taken(&core);
            drop(core);
            self.node.spend();
            return Poll::Ready(Some(value));
        }
        match self.poll_locked(core, None) {
            Polled::Ready(ready) => Poll::Ready(ready),
            _ => self.poll_with_waker(cx.waker().clone(), site),
        }
    }

    #[inline]
    fn poll_locked(self: Pin<&Self>, mut core: Locked<'a, T>, waker: Option<Waker>) -> Polled<Option<T>> {
        let chan = self.chan;
        match core.take() {
            Take::Value(value, sender) => {
                chan.publish(&core);
                drop(core);
                self.node.spend();
                wakes::wake(sender);
                let_go(waker);
                return Polled::Ready(Some(value));
            }
            Take::Closed => {
                drop(core);
                self.node.spend();
                let_go(waker);
                return Polled::Ready(None);
            }
            Take::Empty => {}
            Take::Nil => {
                drop(core);
                let_go(waker);
                return Polled::WaitsOnNil;
            }
        }
        let Some(waker) = waker else {
            return Polled::NeedsWaker;
        };
        // SAFETY: idle and pinned; `drop` removes it.
        unsafe { core.receivers.push_back(self.node(), waker) };
        chan.publish(&core);
        drop(core);
        Polled::Waits
    }

    #[cold]
    fn wait_on_nil(self: Pin<&Self>, site: Site) -> Poll<Option<T>> {
        frame::note(Reason::ChanReceiveNil, Some(site));
        Poll::Pending
    }

    #[inline(never)]
    fn poll_with_waker(self: Pin<&Self>, waker: Waker, site: Site) -> Poll<Option<T>> {
        match self.poll_locked(self.chan.core.lock(), Some(waker)) {
            Polled::Ready(ready) => Poll::Ready(ready),
            Polled::WaitsOnNil => self.wait_on_nil(site),
            _ => {
                frame::note(Reason::ChanReceive, Some(site));
                Poll::Pending
            }
        }
    }

    #[inline(never)]
    fn poll_again(self: Pin<&Self>, cx: &mut Context<'_>, site: Site) -> Poll<Option<T>> {
        loop {
            if let Some(outcome) = self.outcome() {
                return Poll::Ready(outcome);
            }
            // SAFETY: a queued one stands in this list.
            if unsafe { rewake(&self.chan.core, |core| &mut core.receivers, self.node(), cx) } {
                frame::note(Reason::ChanReceive, Some(site));
                return Poll::Pending;
            }
        }
    }

    /// What the wait came to, taken; `None` while it is queued.
    ///
    /// # Panics
    /// If it was taken before.
    #[inline(always)]
    pub(crate) fn outcome(self: Pin<&Self>) -> Option<Option<T>> {
        let outcome = match self.node.phase() {
            Phase::Granted => self.granted(),
            Phase::Closed => {
                self.node.spend();
                None
            }
            Phase::Queued => return None,
            Phase::Idle | Phase::Spent => panic!("{POLLED_AGAIN}"),
        };
        Some(outcome)
    }

    /// Takes the value of a wait that is granted.
    #[inline(always)]
    fn granted(&self) -> Option<T> {
        debug_assert_eq!(self.phase(), Phase::Granted);
        // SAFETY: Granted, and spent below.
        let (value, _) = unsafe { self.take_handed() };
        self.node.spend();
        Some(value)
    }

    /// Moves the value out, with the number of its hand-over.
    ///
    /// # Safety
    /// The phase is Granted, and the caller spends the node.
    #[inline(always)]
    unsafe fn take_handed(&self) -> (T, u64) {
        // SAFETY: Granted: the node is ours.
        let slot = unsafe { &*self.node.payload() };
        // SAFETY: Granted: written with the value.
        let number = unsafe { slot.number.assume_init() };
        // SAFETY: Granted: there is a value, which leaves the node here, once.
        (unsafe { slot.value.assume_init_read() }, number)
    }

    /// A try of a select that has not queued: the outcome, if there is one, is kept in the node.
    #[inline(always)]
    pub(crate) fn attempt(self: Pin<&Self>) -> bool {
        let chan = self.chan;
        if !chan.may_recv() {
            return false;
        }
        let mut core = chan.core.lock();
        let taken = core.take();
        let number = core.next_number();
        chan.publish(&core);
        drop(core);
        self.keep(taken, number, wakes::wake)
    }

    /// A try under the lock, whether queued or not.
    ///
    /// # Safety
    /// The caller holds the channel's lock by `raw_lock`, and its select's claim is not open.
    pub(crate) unsafe fn attempt_locked(self: Pin<&Self>, wake: impl FnOnce(Option<Waker>)) -> bool {
        let attempt = |core: &mut Core<T>| {
            let taken = core.take();
            if !matches!(taken, Take::Empty | Take::Nil) {
                // SAFETY: if it was queued, it was in this list. (An arm has no waker of its own.)
                let _ = unsafe { core.receivers.remove(self.node()) };
                self.chan.publish(core);
            }
            (taken, core.next_number())
        };
        // SAFETY: the lock is held, and no other reference to the core is alive.
        let (taken, number) = unsafe { self.chan.core.with_raw(attempt) };
        self.keep(taken, number, wake)
    }

    #[inline(always)]
    fn keep(&self, taken: Take<T>, number: u64, wake: impl FnOnce(Option<Waker>)) -> bool {
        match taken {
            Take::Value(value, sender) => {
                // SAFETY: the node is idle, so ours alone.
                unsafe { self.node.payload().write(Handed::new(value, number)) };
                self.node.conclude(Verdict::Granted);
                wake(sender);
                true
            }
            Take::Closed => {
                self.node.conclude(Verdict::Closed);
                true
            }
            Take::Empty | Take::Nil => false,
        }
    }

    /// Queues as an arm of a select.
    ///
    /// # Safety
    /// The caller holds the channel's lock by `raw_lock`; the node is idle; the claim has a waker, is not open, and
    /// outlives this wait.
    pub(crate) unsafe fn enqueue(self: Pin<&Self>, claim: Pin<&Claim>, arm: u32) {
        let push = |core: &mut Core<T>| {
            // SAFETY: as the caller promises; `drop` removes it.
            unsafe { core.receivers.push_arm(self.node(), claim, arm) };
            self.chan.publish(core);
        };
        // SAFETY: the lock is held, and no other reference to the core is alive.
        unsafe { self.chan.core.with_raw(push) }
    }

    /// Ends the wait, whatever its phase: unlinks the node, puts a value back.
    #[inline(always)]
    pub(crate) fn withdraw(self: Pin<&Self>) {
        if !self.node.is(Phase::Spent) {
            self.withdraw_unspent();
        }
    }

    #[inline(never)]
    fn withdraw_unspent(self: Pin<&Self>) {
        if self.node.is(Phase::Queued) || self.node.is(Phase::Granted) {
            self.give_up();
        }
    }

    #[cold]
    fn give_up(self: Pin<&Self>) {
        let chan = self.chan;
        let mut core = chan.core.lock();
        // SAFETY: if it was queued, it was in this list.
        let removed = unsafe { core.receivers.remove(self.node()) };
        let waker = match removed {
            Removed::WasQueued(waker) => waker.map(|waker| (waker, false)),
            Removed::WasDone if self.node.phase() == Phase::Granted => {
                // SAFETY: Granted, and spent below.
                let (value, number) = unsafe { self.take_handed() };
                self.node.spend();
                core.put_back(number, value).map(|waker| (waker, true))
            }
            Removed::WasDone => None,
        };
        chan.publish(&core);
        drop(core);
        match waker {
            Some((next, true)) => wakes::wake(Some(next)),
            Some((own, false)) => let_go(Some(own)),
            None => {}
        }
    }
}

impl<T> Drop for RecvWait<'_, T> {
    #[inline(always)]
    fn drop(&mut self) {
        // SAFETY: it was pinned if it was ever queued, and does not move any more.
        unsafe { Pin::new_unchecked(&*self) }.withdraw();
    }
}
