//! The mutex without its data: one word, a gate, and the list of those who wait.
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
//! | WAITERS | the list is not empty | a waiter that queues, gate held, LOCKED seen in the same exchange | whoever takes the last node out, gate held |
//! | WOKEN | a waiter was taken out and woken to compete, and has not been polled since | unlock, gate held | that waiter: as it takes the lock, queues again, or goes away |
//! | STARVING | the head of the list is owed the lock; implies WAITERS | a waiter that queues again, gate held | the hand-over, or that waiter's leaving, gate held |
//! | count | unlocks since WOKEN was set | unlock | with WOKEN |
//!
//! | state | event | state after | who wakes |
//! |---|---|---|---|
//! | free | lock, `try_lock` | LOCKED | - |
//! | LOCKED | lock | LOCKED, WAITERS; node Queued at the back | - |
//! | LOCKED | unlock | free | - |
//! | LOCKED, WAITERS | unlock | free, WOKEN; head's node Granted, not owner | the unlocker wakes the head |
//! | LOCKED, WAITERS, WOKEN | unlock | free, WOKEN, count + 1 | nobody: the woken one is on its way |
//! | the same, count at [`PATIENCE`] | unlock | free, WOKEN, count 0; head Granted, not owner | the unlocker wakes the head too: the woken one is late |
//! | LOCKED, STARVING | unlock | LOCKED; head's node Granted, owner | the unlocker wakes the new owner |
//! | free, WOKEN | poll of the woken one | LOCKED | - |
//! | LOCKED, WOKEN | poll of the woken one | LOCKED, WAITERS (STARVING if it has waited long); node Queued at the front | - |
//! | any | drop of a Queued one | it is out of the list | - |
//! | any | drop of an owner that was never polled | as unlock | as unlock |
//! | free, WOKEN | drop of the woken one | LOCKED, and at once as unlock | as unlock: wakes the next |
//! | LOCKED, WOKEN | drop of the woken one | LOCKED | nobody: the owner's unlock will |
//! | free, WAITERS | poll of a Queued one | LOCKED; it is out of the list | - |
//!
//! Invariants:
//! - M1 Not LOCKED and WAITERS implies WOKEN: a free lock with a queue has a woken waiter on its way. So WOKEN is cleared
//!   only together with LOCKED set, and WAITERS set only while LOCKED is (`models::mutex::no_lost_wake_up`).
//! - M2 With the gate and LOCKED both ours, nobody else changes the word: so unlock may store it.
//! - M3 A hand-over never clears LOCKED: so nobody can take what was handed over (`models::mutex::hand_over`).
//! - M4 The list is touched with the gate held only.
//! - M5 A waiter is handed the lock only after it was woken, polled, and lost: a future that nobody polls is woken, but
//!   never made owner before it showed that somebody polls it (`tests/mutex.rs`: futurelock).
//!
//! Locks and ordering: the gate is the one lock, a leaf; wakers are cloned before it and woken or dropped after it.
//! The data passes from owner to owner by Release in unlock and Acquire in lock, and by the node's phase at a hand-over.
//!
//! Rejected: a strict queue (tokio's; every contended unlock then costs a task switch); the clock at unlock (22 ns for
//! each; here only those who queue read it); hand-over as soon as the head has waited for 1 ms, polled or not (a
//! lock granted to a future that nobody polls is a deadlock: futurelock); the list lock as a bit of the word (the
//! gate's byte fits in the padding, and the word needs no loop for it).
//!
//! Checked by `models::mutex`, `tests/mutex.rs`, `tests/fairness.rs`, `tests/reentrant.rs`, `tests/stress.rs`.
use crate::calm::discard;
use dormouse_wait::Instant;
use dormouse_wait::frame::{self, Reason, Site};
use dormouse_wait::list::{List, Node, Phase, Removed, Verdict};
use dormouse_wait::lock::Lock;
use dormouse_wait::prim::UnsafeCell;
use dormouse_wait::prim::atomic::{AtomicU32, Ordering::*};
use dormouse_wait::wakes;
use pin_project::pin_project;
use std::panic::{RefUnwindSafe, UnwindSafe};
use std::pin::Pin;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

const LOCKED: u32 = 1;
const WAITERS: u32 = 2;
const WOKEN: u32 = 4;
const STARVING: u32 = 8;
const ONE: u32 = 16;
/// WOKEN and its count.
const WOKEN_ALL: u32 = WOKEN | !(ONE - 1);

/// A waiter that lost the race for the lock after so long is handed it by the next unlock. Go's figure.
const STARVING_AFTER: Duration = Duration::from_millis(1);

/// After so many unlocks a woken waiter that was not polled is taken to be lost, and the next one is woken as well.
const PATIENCE: u32 = if cfg!(dormouse_loom) { 1 } else { 256 };

/// What passes between a waiter and who unlocks.
#[derive(Debug)]
struct Turn {
    /// When it first queued; `None` until then.
    since: Option<Instant>,
    /// Granted: is the lock its own (handed over), or may it compete?
    owner: bool,
    /// Queued: did it set STARVING?
    starving: bool,
}

#[derive(Clone, Copy)]
enum Place {
    /// Behind all: it has just come.
    Back,
    /// Before all: it was woken and lost.
    Front { starving: bool },
}

/// A mutex without data.
pub(crate) struct RawMutex {
    word: AtomicU32,
    gate: Lock<()>,
    waiters: UnsafeCell<List<Turn>>,
}

// SAFETY: the word and the gate are made for sharing; the list is touched with the gate held only (M4).
unsafe impl Sync for RawMutex {}
// No panic of user code happens while the list or the word is between two states.
impl UnwindSafe for RawMutex {}
impl RefUnwindSafe for RawMutex {}

impl RawMutex {
    const_fn! {
        pub(crate) const fn new() -> Self {
            RawMutex { word: AtomicU32::new(0), gate: Lock::new(()), waiters: UnsafeCell::new(List::new()) }
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
        let waker = self.gated(|list| self.unlock_to(list));
        wakes::wake(waker);
    }

    /// Unlocks with the gate held: hands over to the head, or frees the lock and lets the head compete.
    fn unlock_to(&self, list: &mut List<Turn>) -> Option<Waker> {
        let hand_over = self.word.load(Relaxed) & STARVING != 0;
        let Some(mut head) = list.win() else {
            // The last waiter left meanwhile.
            // Ordering: Release pairs with the Acquire of the next owner.
            self.word.fetch_and(!LOCKED, Release);
            return None;
        };
        head.with_payload(|turn| turn.owner = hand_over);
        let waker = head.finish(Verdict::Granted);
        let rest = if list.is_empty() { 0 } else { WAITERS };
        if hand_over {
            // Ordering: Relaxed; the node's phase hands the data over.
            self.word.fetch_and(!(STARVING | WAITERS) | rest, Relaxed);
        } else {
            // M2.
            // Ordering: Release pairs with the Acquire of the next owner.
            self.word.store(rest | WOKEN, Release);
        }
        waker
    }

    /// Calls `f` with the list, the gate held. `f` runs no user code.
    fn gated<R>(&self, f: impl FnOnce(&mut List<Turn>) -> R) -> R {
        let _gate = self.gate.lock();
        self.waiters.with_mut(|list| {
            // SAFETY: M4, the gate is held, so this is the only reference.
            f(unsafe { &mut *list })
        })
    }

    /// Queues `node`, or takes the lock if it became free: then the waker comes back.
    fn enqueue(&self, node: Pin<&Node<Turn>>, waker: Waker, place: Place) -> Option<Waker> {
        let (set, clear) = match place {
            Place::Back => (WAITERS, 0),
            Place::Front { starving: false } => (WAITERS, WOKEN_ALL),
            Place::Front { starving: true } => (WAITERS | STARVING, WOKEN_ALL),
        };
        self.gated(|list| {
            // M1: WAITERS set only while LOCKED, so that the owner's unlock sees it.
            if !self.change_locked(set, clear) {
                return Some(waker);
            }
            match place {
                // SAFETY: the node is idle and pinned, and `Waiter::cancel` removes it before its memory goes.
                Place::Back => unsafe { list.push_back(node, waker) },
                // SAFETY: as above.
                Place::Front { .. } => unsafe { list.push_front(node, waker) },
            }
            None
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

    /// A poll of a queued waiter: takes the lock if it is free, else leaves `waker` to be woken. The first value says
    /// whether it has the lock; the wakers are those that are not needed any more.
    fn repoll(&self, node: Pin<&Node<Turn>>, waker: Waker) -> (bool, [Option<Waker>; 2]) {
        self.gated(|list| {
            if node.phase() == Phase::Queued && self.take(self.word.load(Relaxed), 0) {
                return (true, [self.leave(list, node), Some(waker)]);
            }
            // SAFETY: if it was queued, it was in this list.
            (false, [Some(unsafe { list.rewake(node, waker) }), None])
        })
    }

    /// Takes `node` out of the list if it is there, with the gate held; gives its waker.
    fn leave(&self, list: &mut List<Turn>, node: Pin<&Node<Turn>>) -> Option<Waker> {
        // SAFETY: if the node was queued, it was in this list.
        let Removed::WasQueued(waker) = (unsafe { list.remove(node) }) else { return None };
        // SAFETY: removed: the node is its owner's, who is calling.
        let starving = unsafe { node.with_payload(|turn| turn.starving) };
        let mut gone = if starving { STARVING } else { 0 };
        if list.is_empty() {
            gone |= WAITERS | STARVING;
        }
        if gone != 0 {
            // Ordering: Relaxed; these bits change with the gate held only.
            self.word.fetch_and(!gone, Relaxed);
        }
        waker
    }

    /// A woken waiter goes away: as if it had taken the lock and given it up at once, if it is free; else the owner's
    /// unlock will wake the next.
    fn pass_on(&self) {
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

/// One who waits for a [`RawMutex`]: the part that the lock futures share. Their `Drop` calls [`Waiter::cancel`].
#[pin_project]
#[derive(Debug)]
pub(crate) struct Waiter {
    #[pin]
    node: Node<Turn>,
    site: Site,
}

impl Waiter {
    #[inline]
    pub(crate) fn new(site: Site) -> Self {
        Waiter { node: Node::new(Turn { since: None, owner: false, starving: false }), site }
    }

    /// Has the lock been given out?
    pub(crate) fn is_done(&self) -> bool {
        self.node.phase() == Phase::Spent
    }

    /// The source line of the wait.
    #[inline(always)]
    pub(super) fn site(&self) -> Site {
        self.site
    }

    /// Ready: the caller owns `raw`, the same one at every call.
    #[inline]
    pub(crate) fn poll(self: Pin<&mut Self>, raw: &RawMutex, cx: &mut Context<'_>) -> Poll<()> {
        if self.node.phase() == Phase::Idle {
            // Later polls do not pay again: one lock, one operation.
            std::task::ready!(frame::poll_spend(cx));
            if raw.try_lock() {
                self.node.spend();
                return Poll::Ready(());
            }
        }
        self.poll_contended(raw, cx)
    }

    #[cold]
    fn poll_contended(mut self: Pin<&mut Self>, raw: &RawMutex, cx: &mut Context<'_>) -> Poll<()> {
        if self.node.phase() == Phase::Queued {
            let waker = cx.waker().clone();
            let (locked, unused) = raw.repoll(self.as_mut().project().node.into_ref(), waker);
            unused.into_iter().for_each(discard);
            if locked {
                return self.finish();
            }
        }
        match self.node.phase() {
            Phase::Idle => self.queue(raw, cx, None),
            Phase::Queued => self.pending(raw),
            Phase::Granted => {
                let (owner, since) = self.turn();
                if owner || raw.take(raw.word.load(Relaxed), WOKEN_ALL) {
                    return self.finish();
                }
                self.queue(raw, cx, since)
            }
            _ => panic!("the future of Mutex::lock was polled after it had finished"),
        }
    }

    /// Queues, unless the lock becomes free: a new one (`since` is `None`) behind all, one that was woken and lost
    /// before all.
    fn queue(
        mut self: Pin<&mut Self>,
        raw: &RawMutex,
        cx: &mut Context<'_>,
        since: Option<Instant>,
    ) -> Poll<()> {
        // User code may panic: before anything has changed.
        let waker = cx.waker().clone();
        let now = Instant::now();
        let starving = since.is_some_and(|since| now.duration_since(since) >= STARVING_AFTER);
        let mut node = self.as_mut().project().node;
        node.set(Node::new(Turn { since: since.or(Some(now)), owner: false, starving }));
        let place = match (since, starving) {
            (None, _) => Place::Back,
            (Some(_), starving) => Place::Front { starving },
        };
        match raw.enqueue(node.into_ref(), waker, place) {
            None => self.pending(raw),
            unused => {
                discard(unused);
                self.finish()
            }
        }
    }

    fn finish(self: Pin<&mut Self>) -> Poll<()> {
        self.node.spend();
        Poll::Ready(())
    }

    fn pending(self: Pin<&mut Self>, raw: &RawMutex) -> Poll<()> {
        frame::note_on(Reason::MutexLock, Some(self.site), raw);
        Poll::Pending
    }

    /// Of a granted node: was the lock handed over, and since when did it wait?
    fn turn(&self) -> (bool, Option<Instant>) {
        // SAFETY: granted, the node is its owner's.
        unsafe { self.node.with_payload(|turn| (turn.owner, turn.since)) }
    }

    /// The future goes away: takes it out of the list, and passes on what it was given and has not taken.
    pub(crate) fn cancel(self: Pin<&mut Self>, raw: &RawMutex) {
        let mut waker = None;
        if self.node.phase() == Phase::Queued {
            let node = self.as_ref().project_ref().node;
            waker = raw.gated(|list| raw.leave(list, node));
        }
        if self.node.phase() == Phase::Granted {
            let (owner, _) = self.turn();
            self.node.spend();
            if owner {
                raw.unlock();
            } else {
                raw.pass_on();
            }
        }
        discard(waker);
    }
}
