//! The semaphore's word and its waiters.
//!
//! The word: CLOSED, WAITERS, and the number of available permits.
//!
//! | state | event | state after | who wakes |
//! |---|---|---|---|
//! | enough, nobody waits | acquire, `try_acquire` | less | - |
//! | not enough, or somebody waits | acquire | WAITERS; node waits at the back | - |
//! | nobody waits | release | more | - |
//! | WAITERS | release | more; then, with the gate held, from the first one that waits: as long as it is enough, less and granted | the releaser, 32 at a time, between locks |
//! | any | poll of a granted one | it is out of the queue | - |
//! | any | drop of a waiting one | it is out of the queue; then as after a release | the dropper |
//! | any | drop of a granted one | it is out of the queue; then as release | as release |
//! | a granted one was seen 1 ms ago | acquire that queues, or poll of a waiting one | that one is absent; then as release | as release |
//! | any | poll of an absent one | WAITERS; it waits before all others; then as after a release | as release |
//! | any | drop of an absent one | it is out of the queue | - |
//! | any | close | CLOSED; all nodes Closed, but those granted | the closer, 32 at a time, between locks |
//!
//! Invariants:
//! - P1 WAITERS = somebody waits (one that is absent does not); it changes with the gate held only, and is set in the
//!   exchange that has seen that there is not enough, or that others wait, or by one that serves then.
//! - P2 If WAITERS is set and there is enough for the first one, somebody is on the way to [`Raw::serve`]: whoever made it
//!   so (`models::semaphore`).
//! - P3 Permits leave the word with WAITERS set by `serve` and `forget` only: nobody barges (`tests/semaphore.rs`).
//! - P4 CLOSED is never cleared, and nobody queues, is granted anything or has it taken back under it.
//! - P5 What was granted is out of the word, and belongs to the node until it is claimed, given back by its drop, or taken
//!   back: one of them, with the gate held (`models::semaphore`).
//!
//! Locks and ordering: the gate is a leaf; wakers are cloned before it and woken or dropped after it, and so is the clock
//! read. A release is a Release; who takes permits has read it with Acquire, or is granted them by somebody who has.
//!
//! Rejected: giving a waiter what there is, until it has enough (tokio's: a large request then holds permits that it
//! cannot use, and must give them back when it is dropped).
//!
//! Checked by `models::semaphore`, `tests/semaphore.rs`, `tests/futurelock.rs`, `tests/reentrant_waits.rs`,
//! `tests/stress_waits.rs`.
use super::error::TryAcquireError;
use crate::calm::in_batches;
use crate::watch::{Alarmed, Found, Step, WATCHERS};
use dormouse_wait::Instant;
use dormouse_wait::list::{Entry, Node, Queue, Stand, Verdict};
use dormouse_wait::lock::Lock;
use dormouse_wait::prim::UnsafeCell;
use dormouse_wait::prim::atomic::{AtomicUsize, Ordering::*};
use dormouse_wait::wakes::Wakes;
use std::panic::{RefUnwindSafe, UnwindSafe};
use std::pin::Pin;
use std::task::Waker;

const CLOSED: usize = 1;
const WAITERS: usize = 2;
const ONE: usize = 4;

/// The most permits.
pub(super) const MAX: usize = usize::MAX >> 3;

pub(super) struct Raw {
    word: AtomicUsize,
    /// The most permits that there will ever be, if that is fixed.
    whole: u32,
    fixed: bool,
    // A lock of its own beside what it guards: inside, the list would cost eight bytes more.
    gate: Lock<()>,
    /// How many permits each waiter asks for.
    waiters: UnsafeCell<Queue<u32>>,
}

// SAFETY: the word and the gate are made for sharing; the queue is touched with the gate held only (`gated`).
unsafe impl Sync for Raw {}
// No panic of user code happens while the list or the word is between two states.
impl UnwindSafe for Raw {}
impl RefUnwindSafe for Raw {}

impl Raw {
    const_fn! {
        pub(super) const fn new(permits: usize, whole: Option<u32>) -> Self {
            let (whole, fixed) = match whole {
                Some(whole) => (whole, true),
                None => (0, false),
            };
            let word = AtomicUsize::new(permits * ONE);
            Raw { word, whole, fixed, gate: Lock::new(()), waiters: UnsafeCell::new(Queue::new()) }
        }
    }

    /// Calls `f` with the queue, the gate held. `f` runs no user code.
    fn gated<R>(&self, f: impl FnOnce(&mut Queue<u32>) -> R) -> R {
        let _gate = self.gate.lock();
        self.waiters.with_mut(|list| {
            // SAFETY: the gate is held, so this is the only reference.
            f(unsafe { &mut *list })
        })
    }

    /// The most permits that there can be.
    #[inline]
    pub(super) fn whole(&self) -> usize {
        if self.fixed { self.whole as usize } else { MAX }
    }

    pub(super) fn available(&self) -> usize {
        // Ordering: Acquire pairs with the Release of `release`.
        self.word.load(Acquire) / ONE
    }

    /// Are these permits the only ones that are not available? (Of one that is not of fixed size, that is not known.)
    pub(super) fn lacks_only(&self, count: u32) -> bool {
        self.available() + count as usize == self.whole()
    }

    pub(super) fn is_closed(&self) -> bool {
        // Ordering: Acquire pairs with the Release of `close`.
        self.word.load(Acquire) & CLOSED != 0
    }

    #[cfg(all(test, dormouse_loom))]
    pub(super) fn is_idle(&self) -> bool {
        self.word.load(Relaxed) & WAITERS == 0
    }

    #[inline]
    pub(super) fn try_acquire(&self, count: u32) -> Result<(), TryAcquireError> {
        let mut word = self.word.load(Relaxed);
        loop {
            if word & (CLOSED | WAITERS) != 0 || word / ONE < count as usize {
                let closed = word & CLOSED != 0;
                return Err(if closed { TryAcquireError::Closed } else { TryAcquireError::NoPermits });
            }
            // Ordering: Acquire pairs with the Release of `release`.
            match self.word.compare_exchange_weak(word, word - count as usize * ONE, Acquire, Relaxed) {
                Ok(_) => return Ok(()),
                Err(now) => word = now,
            }
        }
    }

    /// Adds permits; false, and nothing is added, if there would be more than may be.
    #[inline]
    pub(super) fn release(&self, count: usize) -> bool {
        match self.add(count) {
            None => false,
            Some(word) => {
                if word & WAITERS != 0 {
                    self.serve();
                }
                true
            }
        }
    }

    /// The word before; `None`, and nothing is added, if there would be more than may be.
    #[inline]
    fn add(&self, count: usize) -> Option<usize> {
        let mut word = self.word.load(Relaxed);
        loop {
            if count > self.whole() - (word / ONE).min(self.whole()) {
                return None;
            }
            // Ordering: Release pairs with the Acquire of who takes them.
            match self.word.compare_exchange_weak(word, word + count * ONE, Release, Relaxed) {
                Ok(_) => return Some(word),
                Err(now) => word = now,
            }
        }
    }

    pub(super) fn forget(&self, count: usize) -> usize {
        let mut word = self.word.load(Relaxed);
        loop {
            let taken = count.min(word / ONE);
            // Ordering: Relaxed; what is forgotten shows nothing to anybody.
            match self.word.compare_exchange_weak(word, word - taken * ONE, Relaxed, Relaxed) {
                Ok(_) => return taken,
                Err(now) => word = now,
            }
        }
    }

    /// Grants from the first one that waits what there is enough for (P2).
    #[cold]
    fn serve(&self) {
        let mut granted = false;
        in_batches(|wakes| {
            self.gated(|queue| {
                while !wakes.is_full() && queue.with_first(|count| self.take_for_waiter(*count)) == Some(true)
                {
                    queue.grant().into_iter().for_each(|waker| wakes.push(waker));
                    granted = true;
                }
                // One who goes away leaves it to the next to look at what is unclaimed.
                if (granted || queue.unclaimed()) && queue.watchers() == 0 && !wakes.is_full() {
                    queue.rouse(false, |waker| {
                        wakes.push(waker);
                        !wakes.is_full()
                    });
                }
                self.settle(queue);
            });
        });
    }

    /// Looks at what is not claimed, for `node`, which waits; what is taken back goes to the next, which is looked at, too.
    /// Granted, if that is `node`.
    #[cold]
    pub(super) fn look(&self, node: Pin<&Node<Entry<u32>>>, now: Instant) -> Option<Verdict> {
        let revoke = |queue: &mut Queue<u32>| {
            let mut revoked = false;
            // P4.
            if !self.is_closed() {
                queue.look(now, |count| revoked |= self.add(*count as usize).is_some());
            }
            revoked
        };
        while self.gated(revoke) {
            self.serve();
        }
        self.claim(node).then_some(Verdict::Granted)
    }

    /// Takes permits for the first one that waits, with the gate held.
    fn take_for_waiter(&self, count: u32) -> bool {
        let mut word = self.word.load(Relaxed);
        loop {
            if word & CLOSED != 0 || word / ONE < count as usize {
                return false;
            }
            // Ordering: Acquire pairs with the Release of all releases; the node's phase passes it on.
            match self.word.compare_exchange_weak(word, word - count as usize * ONE, Acquire, Relaxed) {
                Ok(_) => return true,
                Err(now) => word = now,
            }
        }
    }

    /// P1, after waiters have left the queue or were served.
    fn settle(&self, queue: &Queue<u32>) {
        if queue.none_waits() {
            // Ordering: Relaxed; the bit says only whether to look at the queue.
            self.word.fetch_and(!WAITERS, Relaxed);
        }
    }

    pub(super) fn close(&self) {
        // Ordering: Release pairs with the Acquire of who reads it.
        self.word.fetch_or(CLOSED, Release);
        in_batches(|wakes: &mut Wakes| {
            self.gated(|queue| {
                while !wakes.is_full() {
                    let Some(waiter) = queue.win_absent() else { break };
                    waiter.finish(Verdict::Closed).into_iter().for_each(|waker| wakes.push(waker));
                }
                while !wakes.is_full() {
                    let Some(waiter) = queue.win() else { break };
                    waiter.finish(Verdict::Closed).into_iter().for_each(|waker| wakes.push(waker));
                }
                self.settle(queue);
            });
        });
    }

    /// Queues `node`, which asks for `count`, unless it ends at once.
    pub(super) fn enqueue(
        &self,
        node: Pin<&Node<Entry<u32>>>,
        waker: Waker,
        count: u32,
        alarm: Alarmed,
    ) -> Found<Verdict> {
        self.gated(|queue| {
            let mut word = self.word.load(Relaxed);
            loop {
                if word & CLOSED != 0 {
                    return (Step::Ends(Verdict::Closed), [Some(waker), None]);
                }
                let served = word & WAITERS == 0 && word / ONE >= count as usize;
                let next = if served { word - count as usize * ONE } else { word | WAITERS };
                // Ordering: Acquire pairs with the Release of `release`, if permits are taken.
                match self.word.compare_exchange_weak(word, next, Acquire, Relaxed) {
                    Ok(_) if served => return (Step::Ends(Verdict::Granted), [Some(waker), None]),
                    Ok(_) => break,
                    Err(now) => word = now,
                }
            }
            let watch = !queue.is_empty() && queue.watchers() < WATCHERS;
            // SAFETY: the node is idle and pinned, and `Waiter::cancel` removes it before its memory goes.
            unsafe { queue.push_back(node, waker, alarm.rests_first(watch)) };
            let looks = alarm == Alarmed::Never || queue.is_looked_at_in_passing();
            (Step::Waits { watch, unclaimed: looks && queue.unclaimed() }, [None, None])
        })
    }

    /// A poll of one that is queued.
    pub(super) fn again(&self, node: Pin<&Node<Entry<u32>>>, waker: Waker, alarm: Alarmed) -> Found<Verdict> {
        let (found, back) = self.gated(|queue| {
            // SAFETY: if it was queued, it was in this queue.
            let Some(stand) = (unsafe { queue.stand(node) }) else {
                return ((Step::Ends(Verdict::Closed), [Some(waker), None]), false);
            };
            let unclaimed = queue.unclaimed();
            // SAFETY: as above.
            let asleep = unsafe { queue.is_asleep(node) };
            let (rest, watch) = alarm.rests_on(asleep, unclaimed);
            let waits = Step::Waits { watch, unclaimed };
            if stand == Stand::Waits {
                // SAFETY: it is in this queue.
                let unused = unsafe { queue.rewake(node, waker, rest) };
                return ((waits, [Some(unused), None]), false);
            }
            // SAFETY: as above.
            let (_, unused) = unsafe { queue.remove(node) };
            if stand == Stand::Granted {
                return ((Step::Ends(Verdict::Granted), [unused, Some(waker)]), false);
            }
            // P1: it serves then.
            // Ordering: Relaxed, as in `settle`.
            self.word.fetch_or(WAITERS, Relaxed);
            // SAFETY: idle, as it was just removed; else as in `enqueue`.
            unsafe { queue.push_front(node, waker, rest) };
            ((waits, [unused, None]), true)
        });
        if back {
            self.serve();
            if self.claim(node) {
                return (Step::Ends(Verdict::Granted), found.1);
            }
        }
        found
    }

    /// Claims what `node` was granted, if anything. Its waker then does nothing.
    pub(super) fn claim(&self, node: Pin<&Node<Entry<u32>>>) -> bool {
        self.gated(|queue| {
            // SAFETY: if it was queued, it was in this queue.
            let granted = unsafe { queue.stand(node) } == Some(Stand::Granted);
            if granted {
                // SAFETY: as above. The waker is one that does nothing.
                drop(unsafe { queue.remove(node) });
            }
            granted
        })
    }

    /// Takes a node that goes away out of the queue, if it is there; those behind it may be served then. Gives its waker.
    pub(super) fn leave(&self, node: Pin<&Node<Entry<u32>>>, count: u32) -> Option<Waker> {
        let (stand, waker, others) = self.gated(|queue| {
            // SAFETY: if it was queued, it was in this queue.
            let (stand, waker) = unsafe { queue.remove(node) };
            self.settle(queue);
            (stand, waker, !queue.none_waits())
        });
        match stand {
            Some(Stand::Granted) => {
                // They were taken from the word, and fit into it unless others were added meanwhile.
                self.release(count as usize);
            }
            Some(Stand::Waits) if others => self.serve(),
            _ => (),
        }
        waker
    }
}
