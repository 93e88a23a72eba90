//! Who runs, who searches, who sleeps: the protocol by which no runnable task is left while a thread sleeps.
//!
//! Purpose: a push must not cost a system call when somebody is about to find the task anyway, and must never be
//! overlooked when nobody is. The scheme is that of Go's scheduler ("spinning" threads); the counts stand in one word.
//!
//! Counts in `state`: `searching` (threads that look for work in foreign queues, or were woken to), `running` (threads
//! in a seat), `sleeping` (length of `sleepers`), `startable` (one thread of the N is not yet started).
//!
//! | event | state after | who wakes |
//! |---|---|---|
//! | push into a ring or the injector, `searching == 0`, a seat is free | `searching + 1` | the newest sleeper, or a new thread |
//! | the same with a searcher about, or no seat free, or nobody asleep | unchanged | - |
//! | a searcher finds work | `searching - 1`; if that was the last one: as if pushed | |
//! | a thread finds nothing | `sleeping + 1`, `running - 1`, and `searching - 1` if it searched, in one step; then it looks once more | - |
//! | that second look finds work | `sleeping - 1`, `searching + 1`: pushes relied on it, so it must pass the call on (P4) | - |
//! | a sleeper is popped | `sleeping - 1`, `searching + 1`: it is a searcher before it is awake | whoever popped it |
//! | a sleeper wakes by itself (deadline, its root future) | `sleeping - 1` | - |
//!
//! Invariants:
//! - P1 publish, fence, read `state` on the pushing side; change `state`, fence, read the queues on the sleeping side:
//!   so one of the two sees the other. The injector and the timers are looked at by everyone who goes to sleep; the
//!   rings by those who searched, and by everyone if nobody searches any more: a push that saw a searcher woke nobody,
//!   and the last searcher, if it found work elsewhere, could not wake a thread that did not sleep yet.
//! - P2 `sleepers` and the count `sleeping` change together, under the lock.
//! - P3 who is not in `sleepers` any more after its sleep was popped, and is counted as a searcher.
//! - P4 who finds work in its second look is a searcher again: several pushes may have seen it search and woken nobody.
//!
//! Deadlines: a sleeper with a deadline `watch`es until then; `watched` is the earliest. A timer registered from
//! outside of every seat wakes somebody if nobody runs and it is earlier than `watched` (S5).
//!
//! Rejected: one condition variable (a system call per push); an event count per slot (wakes the wrong one).
//!
//! Checked by `models::idle` (loom).
use dormouse_wait::lock::Lock;
use dormouse_wait::parker::Parker;
use dormouse_wait::prim::Arc;
use dormouse_wait::prim::atomic::{AtomicU64, Ordering::*, fence};

const SEARCHING: u64 = 1;
const RUNNING: u64 = 1 << 16;
const SLEEPING: u64 = 1 << 32;
const STARTABLE: u64 = 1 << 48;
const MASK: u64 = 0xFFFF;

/// A deadline that never comes.
pub(crate) const NEVER: u64 = u64::MAX;

#[derive(Debug)]
pub(crate) struct Idle {
    state: AtomicU64,
    seats: u64,
    sleepers: Lock<Vec<Arc<Parker>>>,
    watched: AtomicU64,
}

/// What a push has to do after [`Idle::wake_one`].
#[derive(Debug, PartialEq, Eq)]
#[must_use = "a thread that is wanted must be started"]
pub(crate) enum Wake {
    /// Nothing: somebody was woken, or nobody is needed.
    Done,
    /// Start the last thread; it is counted as a searcher.
    Start,
}

impl Idle {
    pub(crate) fn new(seats: usize, startable: bool) -> Idle {
        Idle {
            state: AtomicU64::new(if startable { STARTABLE } else { 0 }),
            seats: seats as u64,
            sleepers: Lock::new(Vec::new()),
            watched: AtomicU64::new(NEVER),
        }
    }

    #[inline(always)]
    fn wants(&self, state: u64) -> bool {
        state & MASK == 0 && (state >> 16) & MASK < self.seats && state >= SLEEPING
    }

    /// Is somebody to be woken for what this thread has published? Brings its own fence (P1, S7).
    #[inline(always)]
    pub(crate) fn pushed(&self) -> bool {
        // Ordering: SeqCst pairs with the fence in `sleep`: the queue's change is before, the look at `state` after.
        fence(SeqCst);
        self.wants(self.state.load(Relaxed))
    }

    /// As [`pushed`](Idle::pushed) without its fence: may overlook somebody who is just falling asleep. For a push
    /// that is repeated, or that the pushing seat reaches itself.
    #[inline(always)]
    pub(crate) fn glance(&self) -> bool {
        self.wants(self.state.load(Relaxed))
    }

    /// Does nobody sit?
    #[inline]
    pub(crate) fn all_asleep(&self) -> bool {
        // Ordering: SeqCst pairs with the fence in `sleep`.
        fence(SeqCst);
        (self.state.load(Relaxed) >> 16) & MASK == 0
    }

    /// Does nobody sit, and nobody search?
    pub(crate) fn is_quiet(&self) -> bool {
        // Ordering: SeqCst pairs with the fence in `sleep`.
        fence(SeqCst);
        self.state.load(Relaxed) & (MASK | MASK << 16) == 0
    }

    /// Wakes the newest sleeper as a searcher, if one is wanted. `may_start` allows to start the last thread.
    pub(crate) fn wake_one(&self, may_start: bool) -> Wake {
        let mut sleepers = self.sleepers.lock();
        let state = self.state.load(Relaxed);
        if !self.wants(state) {
            return Wake::Done;
        }
        let Some(sleeper) = sleepers.pop() else {
            if state & STARTABLE == 0 || !may_start {
                return Wake::Done;
            }
            // Ordering: AcqRel, as all changes of `state` (P1).
            self.state.fetch_add(SEARCHING.wrapping_sub(STARTABLE), AcqRel);
            return Wake::Start;
        };
        // Ordering: AcqRel, as all changes of `state` (P1).
        self.state.fetch_add(SEARCHING.wrapping_sub(SLEEPING), AcqRel);
        drop(sleepers);
        sleeper.unpark();
        Wake::Done
    }

    /// The thread that [`Wake::Start`] asked for could not be started.
    pub(crate) fn start_failed(&self) {
        let sleepers = self.sleepers.lock();
        // Ordering: AcqRel, as all changes of `state` (P1).
        self.state.fetch_add(STARTABLE.wrapping_sub(SEARCHING), AcqRel);
        drop(sleepers);
    }

    /// Wakes all who sleep, to look at what has changed; they leave the list themselves.
    pub(crate) fn wake_all(&self) {
        // Ordering: SeqCst pairs with the fence in `sleep`.
        fence(SeqCst);
        let sleepers: Vec<_> = self.sleepers.lock().iter().map(Arc::clone).collect();
        sleepers.iter().for_each(|sleeper| sleeper.unpark());
    }

    /// A thread took a seat.
    #[inline]
    pub(crate) fn sat_down(&self) {
        // Ordering: AcqRel, as all changes of `state` (P1).
        self.state.fetch_add(RUNNING, AcqRel);
    }

    /// A thread left its seat and goes away from this runtime: it does not sleep.
    pub(crate) fn left(&self, searching: bool) {
        // Ordering: AcqRel, as all changes of `state` (P1).
        self.state.fetch_sub(RUNNING + if searching { SEARCHING } else { 0 }, AcqRel);
        // Ordering: SeqCst pairs with the fence in `pushed`: the leaver looks at the queues next.
        fence(SeqCst);
    }

    /// A thread that was woken as a searcher found no seat free and goes away.
    pub(crate) fn searched_without_seat(&self) {
        // Ordering: AcqRel, as all changes of `state` (P1).
        self.state.fetch_sub(SEARCHING, AcqRel);
        // Ordering: SeqCst pairs with the fence in `pushed`.
        fence(SeqCst);
    }

    /// May a seat begin to search? At most half of those who run do at a time.
    pub(crate) fn begin_search(&self) -> bool {
        let state = self.state.load(Relaxed);
        if 2 * (state & MASK) >= (state >> 16) & MASK {
            return false;
        }
        // Ordering: AcqRel, as all changes of `state` (P1).
        self.state.fetch_add(SEARCHING, AcqRel);
        true
    }

    /// A searcher has found work. True if it was the last one: then one more is to be woken.
    pub(crate) fn end_search(&self) -> bool {
        // Ordering: AcqRel, as all changes of `state` (P1).
        self.state.fetch_sub(SEARCHING, AcqRel) & MASK == 1
    }

    /// First step of a sleep: from here on the thread can be woken. Then it looks at the queues once more; true if at
    /// the rings, too (P1).
    #[must_use = "what is in the rings may be nobody else's to find"]
    pub(crate) fn sleep(&self, me: &Arc<Parker>, seated: bool, searching: bool) -> bool {
        let mut sleepers = self.sleepers.lock();
        sleepers.push(Arc::clone(me));
        let gone = if seated { RUNNING } else { 0 } + if searching { SEARCHING } else { 0 };
        // Ordering: AcqRel, as all changes of `state` (P1).
        self.state.fetch_add(SLEEPING.wrapping_sub(gone), AcqRel);
        drop(sleepers);
        // Ordering: SeqCst pairs with the fence in `pushed`: the change of `state` is before, the look at the queues after.
        fence(SeqCst);
        searching || self.state.load(Relaxed) & MASK == 0
    }

    /// Last step of a sleep. `found`: there was work when it looked once more. True if the thread is counted as a
    /// searcher: because it was popped (P3), or because it found work (P4).
    pub(crate) fn awake(&self, me: &Arc<Parker>, found: bool) -> bool {
        let mut sleepers = self.sleepers.lock();
        let Some(place) = sleepers.iter().position(|sleeper| Arc::ptr_eq(sleeper, me)) else { return true };
        let me = sleepers.remove(place);
        // Ordering: AcqRel, as all changes of `state` (P1).
        self.state.fetch_add(if found { SEARCHING } else { 0 }.wrapping_sub(SLEEPING), AcqRel);
        drop(sleepers);
        drop(me);
        found
    }

    /// Does somebody watch until `deadline` or earlier?
    pub(crate) fn is_watched(&self, deadline: u64) -> bool {
        self.watched.load(Relaxed) <= deadline
    }

    /// This thread is going to sleep until `deadline`. False if somebody already watches until then or earlier.
    pub(crate) fn watch(&self, deadline: u64) -> bool {
        // Ordering: AcqRel; the fences of `sleep` and `all_asleep` order it against the timers.
        self.watched.fetch_min(deadline, AcqRel) > deadline
    }

    /// The watch until `deadline` is over, by time or otherwise.
    pub(crate) fn unwatch(&self, deadline: u64) {
        // Ordering: AcqRel, as above. A failure means that somebody watches until an earlier deadline.
        let _ = self.watched.compare_exchange(deadline, NEVER, AcqRel, Relaxed);
    }
}
