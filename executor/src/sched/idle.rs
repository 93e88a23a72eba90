//! Who runs, who searches, who sleeps: the protocol by which no runnable task is left while a thread sleeps.
//!
//! Purpose: a push must not cost a system call when somebody is about to find the task anyway, and must never be
//! overlooked when nobody is. The scheme is that of Go's scheduler ("spinning" threads); the counts stand in one word.
//!
//! Counts in `state`: `searching` (threads that look for work in foreign queues, or were woken to), `running` (threads
//! in a seat), `free` (seats that nobody has), `sleeping` (length of `sleepers`), `startable` (one more thread may be
//! started). There are `wanted` seats: N, one more for each slot that was relieved because it is stuck in a poll, and the
//! `surplus`: those that are to go, as N was lowered.
//!
//! | event | state after | who wakes |
//! |---|---|---|
//! | push into a ring or the injector, `searching == 0`, a seat is free | `searching + 1` | the newest sleeper, or a new thread |
//! | the same with a searcher about, or no seat free, or nobody asleep | unchanged | - |
//! | a searcher finds work | `searching - 1`; if that was the last one: as if pushed | |
//! | a thread finds nothing | `sleeping + 1`, `running - 1`, `free + 1`, and `searching - 1` if it searched, in one step; then it looks once more | - |
//! | that second look finds work | `sleeping - 1`, `searching + 1`: pushes relied on it, so it must pass the call on (P4) | - |
//! | a sleeper is popped | `sleeping - 1`, `searching + 1`: it is a searcher before it is awake | whoever popped it |
//! | a sleeper wakes by itself (deadline, its root future) | `sleeping - 1` | - |
//! | a thread sits down, `free > 0` | `running + 1`, `free - 1` | - |
//! | the monitor relieves a slot | `wanted + 1`, `free + 1` | as if pushed |
//! | the poll of a relieved slot ends, `free > 0` | `wanted - 1`, `free - 1`: nobody came for the seat | - |
//! | the same, `free == 0` | `wanted - 1`, `running - 1`: its thread retires, and nobody can sit down for it | - |
//! | a thread leaves its seat within a poll (`block_in_place`) | `running - 1`, `free + 1`, `away + 1` | as if pushed |
//! | N is raised | `wanted + k`, `free + k` | as if pushed, if there is work |
//! | N is lowered | `surplus + k`; for each free seat at once, and whenever a thread goes to sleep: `surplus - 1`, `wanted - 1`, `free - 1` | - |
//! | a thread in a seat looks at the surplus, once a round | `surplus - 1`; then it retires: `wanted - 1`, `running - 1` | - |
//! | a thread more than the N has slept long | `sleeping - 1`, `owned - 1`: it leaves | - |
//!
//! Invariants:
//! - P1 publish, fence, read `state` on the pushing side; change `state`, fence, read the queues on the sleeping side:
//!   so one of the two sees the other. The injector and the timers are looked at by everyone who goes to sleep; the
//!   rings by those who searched, and by everyone if nobody searches any more: a push that saw a searcher woke nobody,
//!   and the last searcher, if it found work elsewhere, could not wake a thread that did not sleep yet.
//! - P2 `sleepers` and the count `sleeping` change together, under the lock; so do `wanted`, the [`Crew`]'s counts and
//!   `startable`, which follows from them: there are fewer threads than seats wanted and than the limit.
//! - P3 who is not in `sleepers` any more after its sleep was popped, and is counted as a searcher.
//! - P4 who finds work in its second look is a searcher again: several pushes may have seen it search and woken nobody.
//! - P5 (S2) `running + free == wanted`, so `running <= wanted`: one word, in which a retirement frees no seat.
//! - P7 `wanted` is N, and the surplus, and one for each relieved slot, of which there are as many at most as spare
//!   threads. (Between the two steps of a retirement, the seat that goes counts as a relieved one.)
//! - P6 a searcher does not begin a poll: who is to poll is counted out first, so that no poll that blocks keeps pushes
//!   from waking somebody.
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
use dormouse_wait::prim::atomic::{AtomicU64, AtomicUsize, Ordering::*, fence};

const SEARCHING: u64 = 1;
const FREE: u64 = 1 << 14;
const RUNNING: u64 = 1 << 28;
const SLEEPING: u64 = 1 << 42;
const STARTABLE: u64 = 1 << 58;
const MASK: u64 = (1 << 14) - 1;

#[inline(always)]
fn searching(state: u64) -> u64 {
    state & MASK
}

#[inline(always)]
fn running(state: u64) -> u64 {
    (state / RUNNING) & MASK
}

#[inline(always)]
fn has_free(state: u64) -> bool {
    state & (MASK * FREE) != 0
}

/// A deadline that never comes.
pub(crate) const NEVER: u64 = u64::MAX;

#[derive(Debug)]
pub(crate) struct Idle {
    state: AtomicU64,
    /// Threads of the runtime's own that there may be beside N; `None` if it has none of its own.
    spare: Option<usize>,
    /// Seats that are to go. Changes under the lock.
    surplus: AtomicUsize,
    crew: Lock<Crew>,
    watched: AtomicU64,
}

/// Who there is.
#[derive(Debug)]
struct Crew {
    /// N.
    workers: usize,
    /// How many seats there are.
    wanted: usize,
    sleepers: Vec<Arc<Parker>>,
    /// The runtime's own threads, those that are about to start included.
    owned: usize,
    /// Threads, own or not, in a poll that left its seat and has none yet.
    away: usize,
    /// How often a thread went to sleep, and how often one was woken or started for work.
    parks: u64,
    wakeups: u64,
}

/// What [`Idle::counts`] gives.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Counts {
    pub(crate) workers: usize,
    pub(crate) seats: usize,
    pub(crate) seated: usize,
    pub(crate) searching: usize,
    /// The runtime's own.
    pub(crate) threads: usize,
    pub(crate) parks: u64,
    pub(crate) wakeups: u64,
}

impl Crew {
    /// The newest sleeper, but for the one that waits for sockets, if there is another one.
    fn pop(&mut self) -> Option<Arc<Parker>> {
        let last = self.sleepers.pop()?;
        match self.sleepers.last_mut() {
            Some(other) if last.is_elsewhere() => Some(std::mem::replace(other, last)),
            _ => Some(last),
        }
    }
}

/// What a push has to do after [`Idle::wake_one`].
#[derive(Debug, PartialEq, Eq)]
#[must_use = "a thread that is wanted must be started"]
pub(crate) enum Wake {
    /// Nothing: somebody was woken, or nobody is needed.
    Done,
    /// Start a thread; it is counted as a searcher. `spare`: there are N already.
    Start { spare: bool },
}

impl Idle {
    /// `limit`: how many threads of its own the runtime may have, of which it starts `seats - 1` at once; 0 for none.
    pub(crate) fn new(seats: usize, limit: usize) -> Idle {
        let idle = Idle {
            state: AtomicU64::new(seats as u64 * FREE),
            spare: (limit > 0).then(|| limit - seats),
            surplus: AtomicUsize::new(0),
            crew: Lock::new(Crew {
                workers: seats,
                wanted: seats,
                sleepers: Vec::new(),
                owned: limit.min(seats - 1),
                away: 0,
                parks: 0,
                wakeups: 0,
            }),
            watched: AtomicU64::new(NEVER),
        };
        idle.settle(&idle.crew.lock());
        idle
    }

    #[inline(always)]
    fn wants(&self, state: u64) -> bool {
        searching(state) == 0 && has_free(state) && state >= SLEEPING
    }

    /// Lets `startable` follow from what has changed under the lock.
    fn settle(&self, crew: &Crew) {
        let state = self.state.load(Relaxed);
        let limit = self.spare.map_or(0, |spare| crew.workers + spare);
        let startable = crew.owned < limit && crew.owned < crew.wanted + crew.away;
        if startable != (state & STARTABLE != 0) {
            // Ordering: AcqRel, as all changes of `state` (P1). Only under the lock this bit changes.
            self.state.fetch_xor(STARTABLE, AcqRel);
        }
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
        running(self.state.load(Relaxed)) == 0
    }

    /// Does nobody sit, nobody search, and nobody poll without a seat that it has left?
    pub(crate) fn is_quiet(&self) -> bool {
        // Ordering: SeqCst pairs with the fence in `sleep`.
        fence(SeqCst);
        let state = self.state.load(Relaxed);
        searching(state) == 0 && running(state) == 0 && self.crew.lock().away == 0
    }

    /// May one more thread sit down?
    pub(crate) fn has_free_seat(&self) -> bool {
        has_free(self.state.load(Relaxed))
    }

    /// Wakes the newest sleeper as a searcher, if one is wanted. If nobody sleeps, a thread is to be started, unless one
    /// of the `guests`, who are threads in `block_on`, will do.
    pub(crate) fn wake_one(&self, guests: usize) -> Wake {
        let mut crew = self.crew.lock();
        let state = self.state.load(Relaxed);
        if !self.wants(state) {
            return Wake::Done;
        }
        let Some(sleeper) = crew.pop() else {
            if state & STARTABLE == 0 || crew.owned + guests >= crew.wanted + crew.away {
                return Wake::Done;
            }
            crew.wakeups += 1;
            crew.owned += 1;
            // Ordering: AcqRel, as all changes of `state` (P1).
            self.state.fetch_add(SEARCHING, AcqRel);
            self.settle(&crew);
            return Wake::Start { spare: crew.owned > crew.workers };
        };
        // Ordering: AcqRel, as all changes of `state` (P1).
        self.state.fetch_add(SEARCHING.wrapping_sub(SLEEPING), AcqRel);
        crew.wakeups += 1;
        drop(crew);
        sleeper.unpark();
        Wake::Done
    }

    /// The thread that [`Wake::Start`] asked for could not be started.
    pub(crate) fn start_failed(&self) {
        let mut crew = self.crew.lock();
        crew.owned -= 1;
        // Ordering: AcqRel, as all changes of `state` (P1).
        self.state.fetch_sub(SEARCHING, AcqRel);
        self.settle(&crew);
    }

    /// Are there more threads than N, of whom the next one that has slept long is to leave?
    pub(crate) fn has_spare_threads(&self) -> bool {
        let crew = self.crew.lock();
        crew.owned > crew.workers
    }

    /// A thread of the runtime's own, `me`, has slept long. True if it is one more than N: then it does not belong to
    /// the runtime any more. Not if it was popped meanwhile.
    pub(crate) fn leave_for_good(&self, me: &Arc<Parker>) -> bool {
        let mut crew = self.crew.lock();
        if crew.owned <= crew.workers {
            return false;
        }
        let Some(place) = crew.sleepers.iter().position(|sleeper| Arc::ptr_eq(sleeper, me)) else {
            return false;
        };
        let me = crew.sleepers.remove(place);
        crew.owned -= 1;
        // Ordering: AcqRel, as all changes of `state` (P1).
        self.state.fetch_sub(SLEEPING, AcqRel);
        self.settle(&crew);
        drop(crew);
        drop(me);
        true
    }

    /// Wakes all who sleep, to look at what has changed; they leave the list themselves.
    pub(crate) fn wake_all(&self) {
        // Ordering: SeqCst pairs with the fence in `sleep`.
        fence(SeqCst);
        let sleepers: Vec<_> = self.crew.lock().sleepers.iter().map(Arc::clone).collect();
        sleepers.iter().for_each(|sleeper| sleeper.unpark());
    }

    /// A thread sits down: false if as many as are wanted already do.
    #[inline]
    pub(crate) fn sit(&self) -> bool {
        let sit = |state| has_free(state).then_some(state + RUNNING - FREE);
        // Ordering: AcqRel, as all changes of `state` (P1).
        self.state.fetch_update(AcqRel, Relaxed, sit).is_ok()
    }

    /// One more seat, for a slot that is stuck. False if there are as many as there may be threads.
    pub(crate) fn relieve(&self) -> bool {
        let mut crew = self.crew.lock();
        let Some(spare) = self.spare else { return false };
        if crew.wanted >= crew.workers + self.surplus.load(Relaxed) + spare {
            return false;
        }
        crew.wanted += 1;
        // Ordering: AcqRel, as all changes of `state` (P1).
        self.state.fetch_add(FREE, AcqRel);
        self.settle(&crew);
        true
    }

    /// Lets N be `workers`: what it was. Before it is raised, there must be slots for so many.
    pub(crate) fn resize(&self, workers: usize) -> usize {
        let mut crew = self.crew.lock();
        let before = std::mem::replace(&mut crew.workers, workers);
        self.surplus.store(self.surplus.load(Relaxed) + before.saturating_sub(workers), Relaxed);
        let more = workers.saturating_sub(before);
        crew.wanted += more;
        // Ordering: AcqRel, as all changes of `state` (P1).
        self.state.fetch_add(more as u64 * FREE, AcqRel);
        self.drop_free_surplus(&mut crew);
        self.settle(&crew);
        drop(crew);
        // Ordering: SeqCst pairs with the fence in `pushed`: the caller looks at the queues next.
        fence(SeqCst);
        before
    }

    /// Takes free seats away that are to go.
    fn drop_free_surplus(&self, crew: &mut Crew) {
        let mut surplus = self.surplus.load(Relaxed);
        let go = |state| has_free(state).then_some(state - FREE);
        // Ordering: AcqRel, as all changes of `state` (P1).
        while surplus > 0 && self.state.fetch_update(AcqRel, Relaxed, go).is_ok() {
            surplus -= 1;
            crew.wanted -= 1;
            self.surplus.store(surplus, Relaxed);
        }
    }

    /// Are there seats that are to go?
    #[inline]
    pub(crate) fn has_surplus(&self) -> bool {
        self.surplus.load(Relaxed) > 0
    }

    /// True if the caller must leave its seat, as N was lowered: it empties its queue, and [retires](Idle::retire).
    #[must_use = "who is to go must retire"]
    pub(crate) fn is_surplus(&self) -> bool {
        let mut crew = self.crew.lock();
        self.drop_free_surplus(&mut crew);
        let surplus = self.surplus.load(Relaxed);
        self.surplus.store(surplus.saturating_sub(1), Relaxed);
        surplus > 0
    }

    /// The poll of a relieved slot has ended: that seat is one too many. True if nobody has taken it, so that the caller
    /// stays; else it must [`retire`](Idle::retire).
    pub(crate) fn stay(&self) -> bool {
        let mut crew = self.crew.lock();
        let stay = |state| has_free(state).then_some(state - FREE);
        // Ordering: AcqRel, as all changes of `state` (P1).
        let stays = self.state.fetch_update(AcqRel, Relaxed, stay).is_ok();
        crew.wanted -= usize::from(stays);
        self.settle(&crew);
        stays
    }

    /// A thread left the seat that is one too many. It looks at the queues next, as it goes to sleep.
    pub(crate) fn retire(&self) {
        let mut crew = self.crew.lock();
        crew.wanted -= 1;
        // Ordering: AcqRel, as all changes of `state` (P1, P5).
        self.state.fetch_sub(RUNNING, AcqRel);
        self.settle(&crew);
    }

    /// A thread left its seat within a poll: another one may be started for that seat, unless its slot was `relieved`.
    pub(crate) fn go_away(&self, relieved: bool) {
        let mut crew = self.crew.lock();
        crew.away += 1;
        crew.wanted -= usize::from(relieved);
        // Ordering: AcqRel, as all changes of `state` (P1, P5).
        self.state.fetch_sub(RUNNING - if relieved { 0 } else { FREE }, AcqRel);
        self.settle(&crew);
        drop(crew);
        // Ordering: SeqCst pairs with the fence in `pushed`: the leaver looks at the queues next.
        fence(SeqCst);
    }

    /// That thread sits again, or is done with that poll.
    pub(crate) fn come_back(&self) {
        let mut crew = self.crew.lock();
        crew.away -= 1;
        self.settle(&crew);
    }

    /// A thread left its seat and goes away from this runtime: it does not sleep.
    pub(crate) fn left(&self, searching: bool) {
        // Ordering: AcqRel, as all changes of `state` (P1).
        self.state.fetch_sub(RUNNING - FREE + if searching { SEARCHING } else { 0 }, AcqRel);
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
        if 2 * searching(state) >= running(state) {
            return false;
        }
        // Ordering: AcqRel, as all changes of `state` (P1).
        self.state.fetch_add(SEARCHING, AcqRel);
        true
    }

    /// A searcher has found work. True if it was the last one: then one more is to be woken.
    pub(crate) fn end_search(&self) -> bool {
        // Ordering: AcqRel, as all changes of `state` (P1).
        searching(self.state.fetch_sub(SEARCHING, AcqRel)) == 1
    }

    /// First step of a sleep: from here on the thread can be woken. Then it looks at the queues once more; true if at
    /// the rings, too (P1).
    #[must_use = "what is in the rings may be nobody else's to find"]
    pub(crate) fn sleep(&self, me: &Arc<Parker>, seated: bool, is_searching: bool) -> bool {
        let mut crew = self.crew.lock();
        crew.sleepers.push(Arc::clone(me));
        crew.parks += 1;
        let gone = if seated { RUNNING - FREE } else { 0 } + if is_searching { SEARCHING } else { 0 };
        // Ordering: AcqRel, as all changes of `state` (P1).
        self.state.fetch_add(SLEEPING.wrapping_sub(gone), AcqRel);
        if self.has_surplus() {
            self.drop_free_surplus(&mut crew);
            self.settle(&crew);
        }
        drop(crew);
        // Ordering: SeqCst pairs with the fence in `pushed`: the change of `state` is before, the look at the queues after.
        fence(SeqCst);
        is_searching || searching(self.state.load(Relaxed)) == 0
    }

    /// Last step of a sleep. `found`: there was work when it looked once more. True if the thread is counted as a
    /// searcher: because it was popped (P3), or because it found work (P4).
    pub(crate) fn awake(&self, me: &Arc<Parker>, found: bool) -> bool {
        let mut crew = self.crew.lock();
        let place = crew.sleepers.iter().position(|sleeper| Arc::ptr_eq(sleeper, me));
        let Some(place) = place else { return true };
        let me = crew.sleepers.remove(place);
        // Ordering: AcqRel, as all changes of `state` (P1).
        self.state.fetch_add(if found { SEARCHING } else { 0 }.wrapping_sub(SLEEPING), AcqRel);
        drop(crew);
        drop(me);
        found
    }

    pub(crate) fn counts(&self) -> Counts {
        let crew = self.crew.lock();
        let state = self.state.load(Relaxed);
        Counts {
            workers: crew.workers,
            seats: crew.wanted,
            seated: running(state) as usize,
            searching: searching(state) as usize,
            threads: crew.owned,
            parks: crew.parks,
            wakeups: crew.wakeups,
        }
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
