//! The mutex without its data: one word, a gate, and the queue of those who wait.
//!
//! Purpose: an uncontended lock is one compare-exchange and so is its unlock; no list, no clock. Fairness is Go's:
//! while nobody starves whoever comes first takes a free lock (barging: a hand-over to a sleeping task costs a
//! hundred times the section); a waiter that was woken, lost the race, and has waited for [`STARVING_AFTER`] is
//! handed the lock by the next unlock, so that nobody waits for ever.
//!
//! The word:
//!
//! | bit | meaning | set by | cleared by |
//! |---|---|---|---|
//! | LOCKED | somebody owns the lock | who takes it free, by compare-exchange | the owner's unlock |
//! | WAITERS | somebody waits (an owner or one that is absent does not) | a waiter that queues, gate held, LOCKED seen in the same exchange | whoever takes the last one out or hands over to it, gate held |
//! | WOKEN | a waiter was taken out and woken to compete, and has not been polled since | unlock, gate held | that waiter: as it takes the lock, queues again, or goes away; or a waiting one that takes the lock before it, or whose alarm has rung |
//! | STARVING | the first one that waits is owed the lock; implies WAITERS | a waiter that queues again, gate held | the hand-over, or that waiter's leaving, gate held |
//! | count | unlocks since WOKEN was set | unlock | with WOKEN |
//!
//! | state | event | state after | who wakes |
//! |---|---|---|---|
//! | free | lock, `try_lock` | LOCKED | - |
//! | LOCKED | lock | LOCKED, WAITERS; node waits at the back | - |
//! | LOCKED | unlock | free | - |
//! | LOCKED, WAITERS | unlock | free, WOKEN; the first one's node Granted, out of the queue | the unlocker wakes it |
//! | LOCKED, WAITERS, WOKEN | unlock | free, WOKEN, count + 1 | nobody: the woken one is on its way |
//! | the same, count at [`PATIENCE`] | unlock | free, WOKEN, count 0; the first one's node Granted, out of the queue | the unlocker wakes it, too: the woken one is late |
//! | LOCKED, STARVING | unlock | LOCKED; the first one is the owner, in the queue | the unlocker wakes the new owner |
//! | LOCKED | poll of the owner | LOCKED; it is out of the queue | - |
//! | LOCKED, the owner was seen unclaimed 1 ms ago | lock that queues, or poll of a waiting one | the owner is absent; as unlock | as unlock |
//! | LOCKED | poll of an absent one | LOCKED, WAITERS, STARVING; it waits before all others | - |
//! | LOCKED, WOKEN | alarm of a waiting one | LOCKED: the woken one may never be polled | - |
//! | free, WOKEN | poll of the woken one | LOCKED | - |
//! | LOCKED, WOKEN | poll of the woken one | LOCKED, WAITERS (STARVING if it has waited long); node waits before all others | - |
//! | any | drop of a waiting or an absent one | it is out of the queue | - |
//! | any | drop of an owner that was never polled | it is out of the queue; as unlock | as unlock |
//! | free, WOKEN | drop of the woken one | LOCKED, and at once as unlock | as unlock: wakes the next |
//! | LOCKED, WOKEN | drop of the woken one | LOCKED | nobody: the owner's unlock will |
//! | free | poll of a waiting one (if it was roused beside a WOKEN one: of its alarm), or of an absent one | LOCKED, not WOKEN: its unlock wakes the next; it is out of the queue | - |
//!
//! Invariants:
//! - M1 Not LOCKED and WAITERS implies WOKEN: a free lock with a queue has a woken waiter on its way. So WOKEN is cleared
//!   only together with LOCKED set, and WAITERS set only while LOCKED is (`models::mutex::no_lost_wake_up`).
//! - M2 With the gate and LOCKED both ours, nobody else changes the word: so unlock may store it.
//! - M3 A hand-over never clears LOCKED: so nobody can take what was handed over (`models::mutex::hand_over`).
//! - M4 The queue is touched with the gate held only.
//! - M5 A waiter is handed the lock only after it was woken, polled, and lost: a future that nobody polls is woken, but
//!   never made owner before it showed that somebody polls it (`tests/mutex.rs`, `tests/fairness.rs`). If nobody does any
//!   more, it loses what it does not claim (`tests/futurelock.rs`).
//! - M6 Who is asleep (`crate::watch`) has seen that there is no WOKEN one, or has cleared it: so the next unlock wakes the
//!   first one that waits. Or those before it have been roused beside the WOKEN one, and the last of them clears it, or
//!   rouses others as it goes away (`tests/futurelock.rs`, `tests/futurelock_many.rs`).
//!
//! Locks and ordering: the gate is the one lock, a leaf; wakers are cloned before it and woken or dropped after it, and so is
//! the clock read. The data passes from owner to owner by Release in unlock and Acquire in lock, and by the gate at a
//! hand-over.
//!
//! Rejected: a strict queue (tokio's; every contended unlock then costs a task switch); the clock at unlock (22 ns for
//! each; here only those who queue read it); hand-over as soon as the head has waited for 1 ms, polled or not (a
//! lock granted to a future that nobody polls is a deadlock: futurelock); the list lock as a bit of the word (the
//! gate's byte fits in the padding, and the word needs no loop for it).
//!
//! Checked by `models::mutex`, `tests/mutex.rs`, `tests/futurelock.rs`, `tests/fairness.rs`, `tests/reentrant.rs`,
//! `tests/stress.rs`.
use crate::calm::discard;
use crate::watch::{Alarmed, Found, Step};
use dormouse_wait::Instant;
use dormouse_wait::list::{Entry, Node, Queue, Stand, Verdict};
use dormouse_wait::lock::Lock;
use dormouse_wait::prim::UnsafeCell;
use dormouse_wait::prim::atomic::{AtomicU32, Ordering::*};
use dormouse_wait::wakes::Wakes;
use std::panic::{RefUnwindSafe, UnwindSafe};
use std::pin::Pin;
use std::task::Waker;
use std::time::Duration;

const LOCKED: u32 = 1;
const WAITERS: u32 = 2;
const WOKEN: u32 = 4;
const STARVING: u32 = 8;
const ONE: u32 = 16;
/// WOKEN and its count.
const WOKEN_ALL: u32 = WOKEN | !(ONE - 1);

/// A waiter that lost the race for the lock after so long is handed it by the next unlock. Go's figure.
pub(super) const STARVING_AFTER: Duration = Duration::from_millis(1);

/// After so many unlocks a woken waiter that was not polled is taken to be lost, and the next one is woken as well.
const PATIENCE: u32 = if cfg!(dormouse_loom) { 1 } else { 256 };

/// What a waiter brings along.
#[derive(Debug)]
pub(super) struct Turn {
    /// When it first queued; `None` until then.
    pub(super) since: Option<Instant>,
    /// It waits: did it set STARVING?
    pub(super) starving: bool,
}

/// What a poll of one that is queued found.
pub(super) enum End {
    /// It is the owner.
    Owner,
    /// It has been woken to compete.
    Woken,
}

#[derive(Clone, Copy)]
pub(super) enum Place {
    /// Behind all: it has just come.
    Back,
    /// Before all: it was woken and lost.
    Front { starving: bool },
}

/// A mutex without data.
pub(crate) struct RawMutex {
    word: AtomicU32,
    gate: Lock<()>,
    waiters: UnsafeCell<Queue<Turn>>,
}

// SAFETY: the word and the gate are made for sharing; the queue is touched with the gate held only (M4).
unsafe impl Sync for RawMutex {}
// No panic of user code happens while the list or the word is between two states.
impl UnwindSafe for RawMutex {}
impl RefUnwindSafe for RawMutex {}

impl RawMutex {
    const_fn! {
        pub(crate) const fn new() -> Self {
            RawMutex { word: AtomicU32::new(0), gate: Lock::new(()), waiters: UnsafeCell::new(Queue::new()) }
        }
    }

    /// Takes the lock if it is free, waiters or not.
    #[inline]
    pub(crate) fn try_lock(&self) -> bool {
        // Ordering: Acquire pairs with the Release of the last unlock.
        match self.word.compare_exchange(0, LOCKED, Acquire, Relaxed) {
            Ok(_) => true,
            Err(word) => self.take(word, 0),
        }
    }

    /// Takes the lock as long as `word`, the last seen, says that it is free; clears `bits` with it.
    fn take(&self, mut word: u32, bits: u32) -> bool {
        while word & LOCKED == 0 {
            // Ordering: Acquire pairs with the Release of the last unlock.
            match self.word.compare_exchange_weak(word, (word | LOCKED) & !bits, Acquire, Relaxed) {
                Ok(_) => return true,
                Err(now) => word = now,
            }
        }
        false
    }

    /// Takes the lock if it is free, for one that was woken to compete.
    pub(super) fn take_as_woken(&self) -> bool {
        self.take(self.word.load(Relaxed), WOKEN_ALL)
    }

    /// Is the lock taken? Only a hint: it may change at once.
    pub(crate) fn is_locked(&self) -> bool {
        self.word.load(Relaxed) & LOCKED != 0
    }

    #[cfg(all(test, dormouse_loom))]
    pub(crate) fn is_idle(&self) -> bool {
        self.word.load(Relaxed) == 0
    }

    /// Gives the lock up: the caller is its owner.
    #[inline]
    pub(crate) fn unlock(&self) {
        // Ordering: Release pairs with the Acquire of the next owner.
        if self.word.compare_exchange(LOCKED, 0, Release, Relaxed).is_err() {
            self.unlock_contended();
        }
    }

    #[cold]
    fn unlock_contended(&self) {
        let mut word = self.word.load(Relaxed);
        loop {
            let count = match word & (WAITERS | WOKEN | STARVING) {
                0 | WOKEN => 0,
                both if both == WAITERS | WOKEN && word / ONE < PATIENCE => ONE,
                _ => break,
            };
            // Ordering: Release pairs with the Acquire of the next owner.
            match self.word.compare_exchange_weak(word, (word & !LOCKED) + count, Release, Relaxed) {
                Ok(_) => return,
                Err(now) => word = now,
            }
        }
        let mut wakes = Wakes::new();
        self.gated(|queue| self.unlock_to(queue, &mut wakes));
        wakes.fire();
    }

    /// Unlocks with the gate held: hands over to the first one that waits, or frees the lock and lets it compete.
    fn unlock_to(&self, queue: &mut Queue<Turn>, wakes: &mut Wakes) {
        let hand_over = self.word.load(Relaxed) & STARVING != 0;
        let waker = if hand_over {
            queue.grant()
        } else {
            queue.win().and_then(|first| first.finish(Verdict::Granted))
        };
        let Some(waker) = waker else {
            // The last waiter left meanwhile.
            // Ordering: Release pairs with the Acquire of the next owner.
            self.word.fetch_and(!LOCKED, Release);
            return;
        };
        wakes.push(waker);
        let rest = if queue.none_waits() { 0 } else { WAITERS };
        if hand_over {
            // Ordering: Relaxed; the gate hands the data over.
            self.word.fetch_and(!(STARVING | WAITERS) | rest, Relaxed);
        } else {
            // M2.
            // Ordering: Release pairs with the Acquire of the next owner.
            self.word.store(rest | WOKEN, Release);
        }
        queue.rouse(false, |waker| {
            wakes.push(waker);
            !wakes.is_full()
        });
    }

    /// Calls `f` with the queue, the gate held. `f` runs no user code.
    fn gated<R>(&self, f: impl FnOnce(&mut Queue<Turn>) -> R) -> R {
        let _gate = self.gate.lock();
        self.waiters.with_mut(|list| {
            // SAFETY: M4, the gate is held, so this is the only reference.
            f(unsafe { &mut *list })
        })
    }

    /// Queues `node`, or takes the lock if it became free.
    pub(super) fn enqueue(
        &self,
        node: Pin<&Node<Entry<Turn>>>,
        waker: Waker,
        place: Place,
        alarm: Alarmed,
    ) -> Found<End> {
        let (set, clear) = match place {
            Place::Back => (WAITERS, 0),
            Place::Front { starving: false } => (WAITERS, WOKEN_ALL),
            Place::Front { starving: true } => (WAITERS | STARVING, WOKEN_ALL),
        };
        self.gated(|queue| {
            // M1: WAITERS set only while LOCKED, so that the owner's unlock sees it.
            if !self.change_locked(set, clear) {
                return (Step::Ends(End::Owner), [Some(waker), None]);
            }
            let unclaimed = queue.unclaimed();
            let watch = match place {
                Place::Back => {
                    let behind = !queue.is_empty() || self.word.load(Relaxed) & WOKEN != 0;
                    // SAFETY: the node is idle and pinned, and `Waiter::cancel` removes it before its memory goes.
                    unsafe { queue.push_back(node, waker, alarm.rests_first(behind)) };
                    behind
                }
                Place::Front { .. } => {
                    // SAFETY: as above.
                    unsafe { queue.push_front(node, waker, alarm.rests_first(unclaimed)) };
                    unclaimed
                }
            };
            (Step::Waits { watch, unclaimed }, [None, None])
        })
    }

    /// Sets and clears bits at an instant when the lock is taken, or takes it (clearing `clear`) and says false. With
    /// the gate held.
    fn change_locked(&self, set: u32, clear: u32) -> bool {
        loop {
            let word = self.word.load(Relaxed);
            if word & LOCKED == 0 {
                if self.take(word, clear) {
                    return false;
                }
                continue;
            }
            // Ordering: Relaxed; the owner looks at the list with the gate held.
            if self.word.compare_exchange(word, (word | set) & !clear, Relaxed, Relaxed).is_ok() {
                return true;
            }
        }
    }

    /// A poll of a queued waiter: takes the lock if it is free, else leaves `waker` to be woken.
    pub(super) fn again(&self, node: Pin<&Node<Entry<Turn>>>, waker: Waker, alarm: Alarmed) -> Found<End> {
        self.gated(|queue| {
            // SAFETY: if the node was queued, it was in this queue.
            let Some(stand) = (unsafe { queue.stand(node) }) else {
                return (Step::Ends(End::Woken), [Some(waker), None]);
            };
            let word = self.word.load(Relaxed);
            // One that was roused beside a woken one lets that go first, for as long as its alarm takes.
            let second = stand == Stand::Waits && alarm == Alarmed::Unset && word & WOKEN != 0;
            if stand == Stand::Granted || !second && self.take(word, WOKEN_ALL) {
                return (Step::Ends(End::Owner), [self.leave(queue, node).1, Some(waker)]);
            }
            // An alarm has rung, and the woken one was not polled (M6).
            let clear = if alarm == Alarmed::Rang { WOKEN_ALL } else { 0 };
            let set = if stand == Stand::Absent { WAITERS | STARVING } else { 0 };
            if (set | clear) != 0 && !self.change_locked(set, clear) {
                return (Step::Ends(End::Owner), [self.leave(queue, node).1, Some(waker)]);
            }
            let unclaimed = queue.unclaimed();
            let woken = self.word.load(Relaxed) & WOKEN != 0;
            // SAFETY: if the node was queued, it was in this queue.
            let asleep = unsafe { queue.is_asleep(node) };
            let (rest, watch) = alarm.rests_on(asleep, unclaimed || woken);
            let unused = if stand == Stand::Waits {
                // SAFETY: it is in this queue.
                Some(unsafe { queue.rewake(node, waker, rest) })
            } else {
                // SAFETY: as above.
                let (_, unused) = unsafe { queue.remove(node) };
                // SAFETY: removed: the node is its owner's, who is calling.
                unsafe { node.with_payload(|entry| entry.payload().starving = true) };
                // SAFETY: idle; else as in `enqueue`.
                unsafe { queue.push_front(node, waker, rest) };
                unused
            };
            (Step::Waits { watch, unclaimed }, [unused, None])
        })
    }

    /// Is `node`, which is queued, the owner? Then it is out of the queue.
    pub(super) fn claim(&self, node: Pin<&Node<Entry<Turn>>>) -> bool {
        self.gated(|queue| {
            // SAFETY: if the node was queued, it was in this queue.
            let owner = unsafe { queue.stand(node) } == Some(Stand::Granted);
            if owner {
                // SAFETY: as above. Its waker is one that does nothing.
                drop(unsafe { queue.remove(node) });
            }
            owner
        })
    }

    /// Looks at a hand-over that is not claimed, for `node`, which waits. What is taken back goes to the next, unless
    /// `node` finds it free.
    #[cold]
    pub(super) fn look(&self, node: Pin<&Node<Entry<Turn>>>, now: Instant) -> Option<End> {
        let (end, unused) = loop {
            let mut wakes = Wakes::new();
            let done = self.gated(|queue| {
                let mut revoked = false;
                queue.look(now, |_| revoked = true);
                if revoked {
                    self.unlock_to(queue, &mut wakes);
                    // It may have been handed over once more.
                    if queue.unclaimed() {
                        return None;
                    }
                }
                // SAFETY: if the node was queued, it was in this queue.
                Some(match unsafe { queue.stand(node) } {
                    None => (Some(End::Woken), None),
                    Some(Stand::Waits) if self.take_as_woken() => {
                        (Some(End::Owner), self.leave(queue, node).1)
                    }
                    Some(Stand::Granted) => (Some(End::Owner), self.leave(queue, node).1),
                    Some(_) => (None, None),
                })
            });
            wakes.fire();
            if let Some(done) = done {
                break done;
            }
        };
        discard(unused);
        end
    }

    /// Takes `node` out of the queue if it is there, with the gate held; where it stood, and its waker.
    pub(super) fn leave(
        &self,
        queue: &mut Queue<Turn>,
        node: Pin<&Node<Entry<Turn>>>,
    ) -> (Option<Stand>, Option<Waker>) {
        // SAFETY: if the node was queued, it was in this queue.
        let (stand, waker) = unsafe { queue.remove(node) };
        if stand == Some(Stand::Waits) {
            // SAFETY: removed: the node is its owner's, who is calling.
            let starving = unsafe { node.with_payload(|entry| entry.payload().starving) };
            // The first one may be owed it, too.
            let owed = queue.with_first(|first| first.starving) == Some(true);
            let mut gone = if starving && !owed { STARVING } else { 0 };
            if queue.none_waits() {
                gone |= WAITERS | STARVING;
            }
            if gone != 0 {
                // Ordering: Relaxed; these bits change with the gate held only.
                self.word.fetch_and(!gone, Relaxed);
            }
        }
        (stand, waker)
    }

    /// One that is queued goes away; where it stood, and its waker. It leaves it to the next to look at what is unclaimed,
    /// or at a woken one that does not come.
    #[cold]
    pub(super) fn give_up(&self, node: Pin<&Node<Entry<Turn>>>) -> (Option<Stand>, Option<Waker>) {
        let mut wakes = Wakes::new();
        let left = self.gated(|queue| {
            let left = self.leave(queue, node);
            if queue.unclaimed() || self.word.load(Relaxed) & WOKEN != 0 {
                queue.rouse(false, |waker| {
                    wakes.push(waker);
                    !wakes.is_full()
                });
            }
            left
        });
        wakes.fire();
        left
    }

    /// A woken waiter goes away: as if it had taken the lock and given it up at once, if it is free; else the owner's
    /// unlock will wake the next.
    pub(super) fn pass_on(&self) {
        // With the gate, as unlock sets WOKEN after it has told the waiter. M1: cleared only while LOCKED, so that the
        // owner's unlock sees that nobody is on his way.
        let locked_by_us = self.gated(|_| !self.change_locked(0, WOKEN_ALL));
        if locked_by_us {
            self.unlock();
        }
    }
}

impl std::fmt::Debug for RawMutex {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let word = self.word.load(Relaxed);
        f.debug_struct("RawMutex")
            .field("locked", &(word & LOCKED != 0))
            .field("waiters", &(word & WAITERS != 0))
            .finish()
    }
}
