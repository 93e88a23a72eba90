//! A send that waits, or has sent.
use super::{POLLED_AGAIN, Polled, let_go, rewake};
use crate::chan::{Chan, Locked};
use crate::core::{Core, Put};
use crate::error::SendError;
use dormouse_wait::claim::Claim;
use dormouse_wait::frame::{self, Reason, Site};
use dormouse_wait::list::{Node, Phase, Removed, Verdict};
use dormouse_wait::wakes;
use std::mem::MaybeUninit;
use std::pin::Pin;
use std::task::{Context, Poll, Waker, ready};

/// A send that waits, or has sent.
pub(crate) struct SendWait<'a, T> {
    chan: &'a Chan<T>,
    node: Node<MaybeUninit<T>>,
}

impl<'a, T> SendWait<'a, T> {
    #[inline(always)]
    pub(crate) fn new(chan: &'a Chan<T>, value: T) -> Self {
        SendWait { chan, node: Node::new(MaybeUninit::new(value)) }
    }

    #[inline(always)]
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

    #[inline(always)]
    pub(crate) fn poll(self: Pin<&Self>, cx: &mut Context<'_>, site: Site) -> Poll<Result<(), SendError<T>>> {
        if !self.node.is(Phase::Idle) {
            // What it was woken for, most often.
            let granted = self.node.is(Phase::Granted);
            return if granted { Poll::Ready(self.granted()) } else { self.poll_again(cx, site) };
        }
        ready!(frame::poll_spend(cx));
        // A waker's clone is user code: not under the lock, and only if a wait is likely.
        if !self.chan.may_send() {
            return self.poll_with_waker(cx.waker().clone(), site);
        }
        let mut core = self.chan.core.lock();
        // SAFETY: idle: the value is there; if it moves, the phase says so below.
        if unsafe { core.put_buffered(self.value()) } {
            self.chan.publish_put(&core);
            drop(core);
            self.node.spend();
            return Poll::Ready(Ok(()));
        }
        match self.poll_locked(core, None) {
            Polled::Ready(ready) => Poll::Ready(ready),
            _ => self.poll_with_waker(cx.waker().clone(), site),
        }
    }

    #[inline]
    fn poll_locked(
        self: Pin<&Self>,
        mut core: Locked<'a, T>,
        waker: Option<Waker>,
    ) -> Polled<Result<(), SendError<T>>> {
        let chan = self.chan;
        // SAFETY: idle: the value is there; if it moves, the phase says so below.
        match unsafe { core.put(self.value()) } {
            Put::Done(receiver) => {
                chan.publish(&core);
                drop(core);
                self.node.spend();
                wakes::wake(receiver);
                let_go(waker);
                return Polled::Ready(Ok(()));
            }
            Put::Closed => {
                drop(core);
                let_go(waker);
                return Polled::Ready(Err(SendError(self.take_value())));
            }
            Put::Full => {}
            Put::Nil => {
                drop(core);
                let_go(waker);
                return Polled::WaitsOnNil;
            }
        }
        let Some(waker) = waker else {
            return Polled::NeedsWaker;
        };
        // SAFETY: idle and pinned; `drop` removes it.
        unsafe { core.senders.push_back(self.node(), waker) };
        chan.publish(&core);
        drop(core);
        Polled::Waits
    }

    #[cold]
    fn wait_on_nil(self: Pin<&Self>, site: Site) -> Poll<Result<(), SendError<T>>> {
        frame::note(Reason::ChanSendNil, Some(site));
        Poll::Pending
    }

    #[inline(never)]
    fn poll_with_waker(self: Pin<&Self>, waker: Waker, site: Site) -> Poll<Result<(), SendError<T>>> {
        match self.poll_locked(self.chan.core.lock(), Some(waker)) {
            Polled::Ready(ready) => Poll::Ready(ready),
            Polled::WaitsOnNil => self.wait_on_nil(site),
            _ => {
                frame::note(Reason::ChanSend, Some(site));
                Poll::Pending
            }
        }
    }

    /// Where the value is. To be read while the node is idle or closed, or queued under the channel's lock.
    #[inline(always)]
    fn value(&self) -> *const T {
        self.node.payload().cast_const().cast()
    }

    /// Takes the value of a wait that is idle or closed.
    #[inline(always)]
    fn take_value(&self) -> T {
        debug_assert!(matches!(self.phase(), Phase::Idle | Phase::Closed));
        // SAFETY: idle or closed: the value is there, and leaves the node here, once.
        let value = unsafe { self.value().read() };
        self.node.spend();
        value
    }

    #[inline(never)]
    fn poll_again(self: Pin<&Self>, cx: &mut Context<'_>, site: Site) -> Poll<Result<(), SendError<T>>> {
        loop {
            if let Some(outcome) = self.outcome() {
                return Poll::Ready(outcome);
            }
            // SAFETY: a queued one stands in this list.
            if unsafe { rewake(&self.chan.core, |core| &mut core.senders, self.node(), cx) } {
                frame::note(Reason::ChanSend, Some(site));
                return Poll::Pending;
            }
        }
    }

    /// Takes note of a wait that is granted: the value was sent.
    #[inline(always)]
    fn granted(&self) -> Result<(), SendError<T>> {
        self.node.spend();
        Ok(())
    }

    /// What the wait came to, taken; `None` while it is queued.
    ///
    /// # Panics
    /// If it was taken before.
    #[inline(always)]
    pub(crate) fn outcome(self: Pin<&Self>) -> Option<Result<(), SendError<T>>> {
        match self.node.phase() {
            Phase::Granted => Some(self.granted()),
            Phase::Closed => Some(Err(SendError(self.take_value()))),
            Phase::Queued => None,
            Phase::Idle | Phase::Spent => panic!("{POLLED_AGAIN}"),
        }
    }

    /// A try of a select that has not queued.
    #[inline(always)]
    pub(crate) fn attempt(self: Pin<&Self>) -> bool {
        let chan = self.chan;
        if !chan.may_send() {
            return false;
        }
        let mut core = chan.core.lock();
        // SAFETY: idle: the value is there; if it moves, `conclude` says so.
        let put = unsafe { core.put(self.value()) };
        chan.publish(&core);
        drop(core);
        self.conclude(put, wakes::wake)
    }

    /// A try under the lock, whether queued or not.
    ///
    /// # Safety
    /// The caller holds the channel's lock by `raw_lock`, and its select's claim is not open.
    pub(crate) unsafe fn attempt_locked(self: Pin<&Self>, wake: impl FnOnce(Option<Waker>)) -> bool {
        let attempt = |core: &mut Core<T>| {
            // SAFETY: idle, or queued under the lock: the value is there; if it moves, `conclude` says so.
            let put = unsafe { core.put(self.value()) };
            if !matches!(put, Put::Full | Put::Nil) {
                // SAFETY: if it was queued, it was in this list. (An arm has no waker of its own.)
                let _ = unsafe { core.senders.remove(self.node()) };
                self.chan.publish(core);
            }
            put
        };
        // SAFETY: the lock is held, and no other reference to the core is alive.
        let put = unsafe { self.chan.core.with_raw(attempt) };
        self.conclude(put, wake)
    }

    #[inline(always)]
    fn conclude(&self, put: Put, wake: impl FnOnce(Option<Waker>)) -> bool {
        match put {
            Put::Done(receiver) => {
                self.node.conclude(Verdict::Granted);
                wake(receiver);
                true
            }
            Put::Closed => {
                self.node.conclude(Verdict::Closed);
                true
            }
            Put::Full | Put::Nil => false,
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
            unsafe { core.senders.push_arm(self.node(), claim, arm) };
            self.chan.publish(core);
        };
        // SAFETY: the lock is held, and no other reference to the core is alive.
        unsafe { self.chan.core.with_raw(push) }
    }

    /// Ends the wait, whatever its phase: unlinks the node; gives the value, if it was not sent.
    #[inline(always)]
    pub(crate) fn withdraw(self: Pin<&Self>) -> Option<T> {
        if self.node.is(Phase::Spent) { None } else { self.withdraw_unspent() }
    }

    #[inline(never)]
    fn withdraw_unspent(self: Pin<&Self>) -> Option<T> {
        if self.node.is(Phase::Queued) {
            self.give_up();
        }
        (self.node.is(Phase::Idle) || self.node.is(Phase::Closed)).then(|| self.take_value())
    }

    #[cold]
    fn give_up(self: Pin<&Self>) {
        let mut core = self.chan.core.lock();
        // SAFETY: if it was queued, it was in this list.
        let removed = unsafe { core.senders.remove(self.node()) };
        self.chan.publish(&core);
        drop(core);
        if let Removed::WasQueued(waker) = removed {
            let_go(waker);
        }
    }
}

impl<T> Drop for SendWait<'_, T> {
    #[inline(always)]
    fn drop(&mut self) {
        // SAFETY: it was pinned if it was ever queued, and does not move any more.
        drop(unsafe { Pin::new_unchecked(&*self) }.withdraw());
    }
}
