//! What is known of one socket: whether it is ready, and who waits for that.
//!
//! The readiness is a hint that is cached: an operation tries its system call as long as the hint does not say no. A new
//! source says yes to all. It says no after a call that would block, or that moved less than it could.
//!
//! | hint | event | hint after | who wakes |
//! |---|---|---|---|
//! | any | the system tells of something ([`apply`](Source::apply)) | that is ready, the tick grows | all who wait for that |
//! | ready at tick t | [`clear`](Source::clear) of what was seen at t | not ready | - |
//! | ready at a later tick | the same | unchanged: the news came after the call began | - |
//! | not ready | `poll`, `queue` | not ready; the caller waits | - |
//! | any | [`close`](Source::close) | closed for good: its runtime is gone | all |
//!
//! Invariants: hint and waiters change under one lock, so nobody comes to wait for what has been told already. All who
//! wait for a direction are woken together, and try again: so a future that is dropped takes no wake-up with it.
//! What polls without a place of its own (the traits' `poll_*`) has one waker for each direction; the last one counts.
//!
//! Rejected: the hint as an atomic word beside the lock (an uncontended lock is 1 % of a system call); waking one waiter
//! at a time (it must pass the wake-up on when it is dropped or reads only a part).
//!
//! Checked by `models::source` (loom), the tests of `dormouse-net`.
use crate::panics;
use dormouse_wait::list::{List, Node, Phase, Removed, Verdict};
use dormouse_wait::lock::Lock;
use std::pin::Pin;
use std::task::{Poll, Waker};

/// Directions, and ends of them, as bits.
pub(crate) const READABLE: u8 = 1;
pub(crate) const WRITABLE: u8 = 2;
pub(crate) const READ_CLOSED: u8 = 4;
pub(crate) const WRITE_CLOSED: u8 = 8;

/// All that is told of the directions `interest`, which are [`READABLE`], [`WRITABLE`] or both.
pub(crate) const fn mask(interest: u8) -> u8 {
    interest | (interest << 2)
}

/// Whoever waits has nothing to wait for any more.
#[derive(Debug)]
pub(crate) struct Closed;

/// What was known at a point in time.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Seen {
    tick: u32,
    pub(crate) ready: u8,
}

#[derive(Debug)]
pub(crate) struct Source(Lock<State>);

#[derive(Debug)]
struct State {
    ready: u8,
    closed: bool,
    tick: u32,
    /// For each direction the waker of who polled last.
    pollers: [Option<Waker>; 2],
    /// Futures, each tagged with its interest.
    waiters: List<()>,
}

impl State {
    /// What of `interest` is ready.
    fn look(&self, interest: u8) -> Poll<Result<Seen, Closed>> {
        if self.closed {
            return Poll::Ready(Err(Closed));
        }
        let ready = self.ready & mask(interest);
        if ready == 0 { Poll::Pending } else { Poll::Ready(Ok(Seen { tick: self.tick, ready })) }
    }

    /// Moves the wakers of all who wait for one of `told` to `woken`.
    fn wake(&mut self, told: u8, verdict: Verdict, woken: &mut Vec<Waker>) {
        for (number, direction) in [READABLE, WRITABLE].into_iter().enumerate() {
            if told & mask(direction) != 0 {
                woken.extend(self.pollers[number].take());
            }
        }
        let (read, write) = (told & mask(READABLE) != 0, told & mask(WRITABLE) != 0);
        let next = |list: &mut List<()>| {
            let won = match (read, write) {
                (true, true) => list.win(),
                (true, false) => list.win_without(u32::from(WRITABLE)),
                (false, true) => list.win_without(u32::from(READABLE)),
                (false, false) => None,
            }?;
            Some(won.finish(verdict))
        };
        while let Some(waker) = next(&mut self.waiters) {
            woken.extend(waker);
        }
    }
}

impl Source {
    pub(crate) fn new() -> Source {
        let state = State {
            ready: READABLE | WRITABLE,
            closed: false,
            tick: 0,
            pollers: [None, None],
            waiters: List::new(),
        };
        Source(Lock::new(state))
    }

    // --- for the reactor --------------------------------------------------------------------------------------------

    /// The system tells that `told` is ready: gives the wakers of those who wait for it.
    pub(crate) fn apply(&self, told: u8, woken: &mut Vec<Waker>) {
        let mut state = self.0.lock();
        state.tick = state.tick.wrapping_add(1);
        state.ready |= told;
        state.wake(told, Verdict::Granted, woken);
    }

    /// The runtime is gone: nothing will be told any more.
    pub(crate) fn close(&self, woken: &mut Vec<Waker>) {
        let mut state = self.0.lock();
        state.closed = true;
        state.wake(mask(READABLE | WRITABLE), Verdict::Closed, woken);
    }

    // --- for who waits ----------------------------------------------------------------------------------------------

    /// What of `interest` is ready; Pending if nothing. Nobody is noted.
    pub(crate) fn look(&self, interest: u8) -> Poll<Result<Seen, Closed>> {
        self.0.lock().look(interest)
    }

    /// `interest` was found not to be ready after all, by a call that began when `seen` was known.
    pub(crate) fn clear(&self, seen: Seen, interest: u8) {
        let mut state = self.0.lock();
        if state.tick == seen.tick {
            state.ready &= !mask(interest);
        }
    }

    /// [`look`](Source::look); if Pending, `waker` is woken when that changes, in place of the one who polled before.
    pub(crate) fn poll(&self, interest: u8, waker: &Waker) -> Poll<Result<Seen, Closed>> {
        let known = |state: &State| {
            [READABLE, WRITABLE].into_iter().enumerate().all(|(number, direction)| {
                let noted = state.pollers[number].as_ref();
                interest & direction == 0 || noted.is_some_and(|noted| noted.will_wake(waker))
            })
        };
        let state = self.0.lock();
        let looked = state.look(interest);
        if looked.is_ready() || known(&state) {
            return looked;
        }
        drop(state);
        // `Waker::clone` is user code: not under the lock.
        let mut new =
            [READABLE, WRITABLE].map(|direction| (interest & direction != 0).then(|| waker.clone()));
        let mut state = self.0.lock();
        let looked = state.look(interest);
        if looked.is_pending() {
            for (noted, new) in state.pollers.iter_mut().zip(&mut new) {
                if new.is_some() {
                    std::mem::swap(noted, new);
                }
            }
        }
        drop(state);
        new.into_iter().flatten().for_each(panics::discard);
        looked
    }

    /// [`look`](Source::look); if Pending, `node` is queued, and `waker` is woken when that changes.
    ///
    /// # Safety
    /// As [`List::push_back`]'s: until the node has left by [`remove`](Source::remove) or otherwise, it stays where it is.
    pub(crate) unsafe fn queue(
        &self,
        node: Pin<&Node<()>>,
        interest: u8,
        waker: Waker,
    ) -> Poll<Result<Seen, Closed>> {
        let mut state = self.0.lock();
        let looked = state.look(interest);
        if looked.is_pending() {
            // SAFETY: handed on.
            unsafe { state.waiters.push_tagged(node, waker, u32::from(interest)) };
            return looked;
        }
        drop(state);
        panics::discard(waker);
        looked
    }

    /// Lets a queued node wake `waker` from now on.
    ///
    /// # Safety
    /// If the node was ever queued, it was here.
    pub(crate) unsafe fn rewake(&self, node: Pin<&Node<()>>, waker: &Waker) {
        // SAFETY: handed on.
        if unsafe { self.0.lock().waiters.will_wake(node, waker) } {
            return;
        }
        // `Waker::clone` is user code: not under the lock.
        let waker = waker.clone();
        // SAFETY: handed on.
        let old = unsafe { self.0.lock().waiters.rewake(node, waker) };
        panics::discard(old);
    }

    /// Takes a node out, if it is still queued.
    ///
    /// # Safety
    /// If the node was ever queued, it was here.
    pub(crate) unsafe fn remove(&self, node: Pin<&Node<()>>) {
        if !node.is(Phase::Queued) {
            return;
        }
        // SAFETY: handed on.
        let removed = unsafe { self.0.lock().waiters.remove(node) };
        if let Removed::WasQueued(waker) = removed {
            panics::discard(waker);
        }
    }
}
