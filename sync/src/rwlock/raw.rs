//! The read-write lock without its data: one word, and two queues under a gate.
//!
//! The word: WRITER (a writer owns the lock), WRITERS (one waits), READERS (one waits), and the number of readers that own
//! it. The lock is handed over: from the moment when somebody waits it is never free, and nobody barges.
//!
//! | state | event | state after | who wakes |
//! |---|---|---|---|
//! | no WRITER, no WRITERS | read, `try_read` | one reader more | - |
//! | WRITER or WRITERS | read | READERS; node waits | - |
//! | all clear | write, `try_write` | WRITER | - |
//! | else | write | WRITERS; node waits | - |
//! | WRITER alone | unlock | all clear | - |
//! | WRITER, READERS | unlock, downgrade | the waiting readers own it (one more at a downgrade); next round | the unlocker, 32 at a time, between locks |
//! | WRITER, WRITERS | unlock | WRITER: the head's | the unlocker |
//! | readers, the last one, WRITERS | unlock | WRITER: the head's | the unlocker |
//! | readers, else | unlock | one less | - |
//! | readers, WRITERS, READERS | drop of the last waiting writer | the waiting readers own it too; next round | the dropper |
//! | any | poll of an owner that waited | it is out of its queue | - |
//! | any | drop of a waiting one | it is out of its queue | - |
//! | any | drop of an owner that was never polled | it is out of its queue; as unlock | as unlock |
//! | an owner was seen unclaimed 1 ms ago | read or write that queues, poll of a waiting one | that one is absent; as unlock | as unlock |
//! | any | poll of an absent one | as read, write; but a writer waits before all others | - |
//! | any | drop of an absent one | it is out of its queue | - |
//!
//! Invariants:
//! - R1 The lock is never free while somebody waits (one that is absent does not): who gives it up as the last one does so
//!   with the gate held if WRITERS or READERS is set, and hands it over in the same exchange (`models::rwlock`).
//! - R2 WRITERS and READERS change with the gate held only. READERS implies WRITER or WRITERS.
//! - R3 Waiting readers are admitted all at once, by one exchange that counts them as owners, and by the next round: a
//!   waiting reader of a former round owns the lock, though it is granted only when its batch has come
//!   (`tests/rwlock.rs`: a batch is no mark).
//! - R4 `waiting` = the waiting readers of the present round; those of former rounds stand before them.
//! - R5 What was handed over belongs to the node until it is claimed, given up by its drop, or taken back: one of them, with
//!   the gate held (`models::rwlock`).
//!
//! So writers and readers take turns as in Go: a waiting writer stops new readers, and its unlock admits all who wait.
//!
//! Locks and ordering: the gate is the one lock, a leaf; wakers are cloned before it and woken or dropped after it, and so is
//! the clock read. The data passes by Release in unlock and Acquire in lock, and by the gate at a hand-over.
//!
//! Rejected: a semaphore (tokio's: readers behind the next writer then wait for it, against Go's rule); barging while
//! nobody starves, as the mutex does it (readers may not pass a waiting writer anyway, so it would serve writers among
//! themselves only).
//!
//! Checked by `models::rwlock`, `flows::rwlock`, `tests/rwlock.rs`, `tests/futurelock.rs`, `tests/futurelock_many.rs`,
//! `tests/fairness.rs`, `tests/reentrant_waits.rs`, `tests/stress_waits.rs`.
use super::queues::{Queues, Round};
use crate::calm::{discard, in_batches};
use crate::watch::{Alarmed, Found, Step, WATCHERS};
use dormouse_wait::Instant;
use dormouse_wait::list::{Entry, Node, Stand};
use dormouse_wait::lock::{Guard, Lock};
use dormouse_wait::prim::atomic::{AtomicU32, Ordering::*};
use dormouse_wait::wakes::Wakes;
use std::panic::{RefUnwindSafe, UnwindSafe};
use std::pin::Pin;
use std::task::Waker;

const WRITER: u32 = 1;
const WRITERS: u32 = 2;
const READERS: u32 = 4;
const ONE: u32 = 8;
const WAITERS: u32 = WRITERS | READERS;
/// The most readers, waiting ones included.
const MAX: u32 = u32::MAX / ONE;

type Locked<'a> = Guard<'a, Queues, AtomicU32>;

/// A read-write lock without data.
pub(crate) struct RawRwLock {
    queues: Lock<Queues, AtomicU32>,
}

// No panic of user code happens while the queues or the word are between two states.
impl UnwindSafe for RawRwLock {}
impl RefUnwindSafe for RawRwLock {}

/// What a waiter wants.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Access {
    Read,
    Write,
}

impl RawRwLock {
    const_fn! {
        pub(crate) const fn new() -> Self {
            RawRwLock { queues: Lock::with_beside(Queues::new(), AtomicU32::new(0)) }
        }
    }

    #[inline(always)]
    fn word(&self) -> &AtomicU32 {
        self.queues.beside()
    }

    /// How it is held at this moment: by a writer, by how many readers.
    pub(crate) fn held(&self) -> (bool, u32) {
        let word = self.word().load(Relaxed);
        (word & WRITER != 0, word / ONE)
    }

    #[cfg(all(test, dormouse_loom))]
    pub(crate) fn is_idle(&self) -> bool {
        self.word().load(Relaxed) == 0
    }

    #[inline]
    pub(crate) fn try_lock(&self, access: Access) -> bool {
        match access {
            Access::Read => self.try_read(),
            // Ordering: Acquire pairs with the Release of the last unlock of all.
            Access::Write => self.word().compare_exchange(0, WRITER, Acquire, Relaxed).is_ok(),
        }
    }

    #[inline]
    fn try_read(&self) -> bool {
        let mut word = self.word().load(Relaxed);
        while word & (WRITER | WRITERS) == 0 {
            check_count(word / ONE);
            // Ordering: Acquire pairs with the Release of the writer's unlock.
            match self.word().compare_exchange_weak(word, word + ONE, Acquire, Relaxed) {
                Ok(_) => return true,
                Err(now) => word = now,
            }
        }
        false
    }

    /// Gives up what the caller owns.
    #[inline]
    pub(crate) fn unlock(&self, access: Access) {
        match access {
            Access::Read => self.unlock_read(),
            Access::Write => self.unlock_write(),
        }
    }

    #[inline]
    fn unlock_write(&self) {
        // Ordering: Release pairs with the Acquire of the next owners.
        if self.word().compare_exchange(WRITER, 0, Release, Relaxed).is_err() {
            self.unlock_write_to_waiters();
        }
    }

    #[inline]
    fn unlock_read(&self) {
        let mut word = self.word().load(Relaxed);
        while word / ONE > 1 || word & WAITERS == 0 {
            // Ordering: Release pairs with the Acquire of the writer that comes.
            match self.word().compare_exchange_weak(word, word - ONE, Release, Relaxed) {
                Ok(_) => return,
                Err(now) => word = now,
            }
        }
        self.unlock_last_read();
    }

    #[cold]
    fn unlock_write_to_waiters(&self) {
        self.unlock_write_of(self.queues.lock());
    }

    /// With the gate held, from a writer.
    fn unlock_write_of(&self, mut queues: Locked<'_>) {
        if queues.waiting > 0 {
            return self.admit(queues, WRITER, 0);
        }
        let mut wakes = Wakes::new();
        self.hand_over(&mut queues, WRITER, &mut wakes);
        drop(queues);
        wakes.fire();
    }

    /// The last reader, as it seemed, with a writer waiting.
    #[cold]
    fn unlock_last_read(&self) {
        self.unlock_reads_of(self.queues.lock(), 1);
    }

    /// With the gate held, from so many readers.
    fn unlock_reads_of(&self, mut queues: Locked<'_>, count: u32) {
        // With the gate held WRITERS stays, and while it is set, no reader comes.
        let mut word = self.word().load(Relaxed);
        while word / ONE > count || word & WRITERS == 0 {
            // Ordering: Release as in `unlock_read`.
            match self.word().compare_exchange_weak(word, word - count * ONE, Release, Relaxed) {
                Ok(_) => return,
                Err(now) => word = now,
            }
        }
        let mut wakes = Wakes::new();
        self.hand_over(&mut queues, count * ONE, &mut wakes);
        drop(queues);
        wakes.fire();
    }

    /// With the gate held, from the last owners, who have `mine` in the word: to the first writer, or to nobody.
    fn hand_over(&self, queues: &mut Queues, mine: u32, wakes: &mut Wakes) {
        let Some(waker) = queues.writers.grant() else {
            // Those who waited have gone meanwhile.
            // Ordering: Release pairs with the Acquire of the next owners.
            self.word().fetch_sub(mine, Release);
            return;
        };
        wakes.push(waker);
        // Ordering: Acquire pairs with the Release of the other readers' unlocks; the gate passes them on.
        self.word().load(Acquire);
        let rest = if queues.writers.none_waits() { WRITERS } else { 0 };
        // The new owner claims it with the gate held, so its unlock comes later.
        // Ordering: Relaxed; nobody is let in by it.
        self.word().fetch_add(WRITER.wrapping_sub(mine + rest), Relaxed);
        queues.rouse(false, wakes);
    }

    /// Admits all waiting readers, with the gate held, in place of `mine` in the word; `stays` of it is the caller's still.
    fn admit(&self, mut queues: Locked<'_>, mine: u32, stays: u32) {
        let count = std::mem::take(&mut queues.waiting);
        queues.round = queues.round.wrapping_add(1);
        let readers = if count > 0 { READERS } else { 0 };
        // Ordering: Release pairs with the Acquire of readers that come on their own.
        self.word().fetch_add((stays + count * ONE).wrapping_sub(mine + readers), Release);
        drop(queues);
        if count == 0 {
            return;
        }
        in_batches(|wakes| {
            let mut queues = self.queues.lock();
            let round = queues.round;
            while !wakes.is_full() && queues.readers.with_first(|of| *of != round) == Some(true) {
                queues.readers.grant().into_iter().for_each(|waker| wakes.push(waker));
            }
            queues.rouse(true, wakes);
        });
    }

    /// Looks at what is not claimed, for `node`, which waits; what is taken back goes to the next, which is looked at, too.
    /// Is that `node`?
    #[cold]
    pub(super) fn look(&self, node: Pin<&Node<Entry<Round>>>, access: Access, now: Instant) -> Option<()> {
        loop {
            let mut queues = self.queues.lock();
            let (mut writer, mut readers) = (false, 0);
            queues.writers.look(now, |_| writer = true);
            queues.readers.look(now, |_| readers += 1);
            match (writer, readers) {
                (true, _) => self.unlock_write_of(queues),
                (false, 1..) => self.unlock_reads_of(queues, readers),
                (false, 0) => break,
            }
        }
        let (owner, unused) = self.claim(node, access);
        discard(unused);
        owner.then_some(())
    }

    /// From a writer to a reader, the caller; whoever waits to read is admitted with it.
    pub(crate) fn downgrade(&self) {
        // Ordering: Release pairs with the Acquire of other readers.
        if self.word().compare_exchange(WRITER, ONE, Release, Relaxed).is_err() {
            self.admit(self.queues.lock(), WRITER, ONE);
        }
    }

    /// Queues `node`, unless it gets the lock.
    pub(super) fn enqueue(
        &self,
        node: Pin<&Node<Entry<Round>>>,
        waker: Waker,
        access: Access,
        alarm: Alarmed,
    ) -> Found<()> {
        let mut waker = Some(waker);
        let step = self.enter(&mut self.queues.lock(), node, &mut waker, access, alarm, false);
        (step, [waker, None])
    }

    /// As `enqueue`, with the gate held. `back`: a writer that was passed over. `waker` stays where it is unless it waits: the
    /// caller drops it, after the gate, also if this panics.
    fn enter(
        &self,
        queues: &mut Queues,
        node: Pin<&Node<Entry<Round>>>,
        waker: &mut Option<Waker>,
        access: Access,
        alarm: Alarmed,
        back: bool,
    ) -> Step<()> {
        let mut word = self.word().load(Relaxed);
        loop {
            let (free, taken, waits) = match access {
                Access::Read => (word & (WRITER | WRITERS) == 0, word.wrapping_add(ONE), word | READERS),
                Access::Write => (word == 0, WRITER, word | WRITERS),
            };
            if access == Access::Read {
                check_count(word / ONE + queues.waiting);
            }
            // R1, R2: set at an instant when the lock is not free for it.
            // Ordering: Acquire pairs with the Release of the unlocks, if it is taken.
            match self.word().compare_exchange_weak(word, if free { taken } else { waits }, Acquire, Relaxed)
            {
                Ok(_) if free => return Step::Ends(()),
                Ok(_) => break,
                Err(now) => word = now,
            }
        }
        // Readers are admitted together, so those before this one are no matter to it.
        let behind = !queues.writers.is_empty() || access == Access::Write && !queues.readers.is_empty();
        let watch = behind && queues.watchers() < WATCHERS;
        let rest = alarm.rests_first(watch);
        let waker = waker.take().expect("it is taken once");
        match access {
            Access::Read => {
                queues.waiting += 1;
                let round = queues.round;
                // SAFETY: idle, it is its owner's, who is calling.
                unsafe { node.with_payload(|entry| *entry.payload() = round) };
                // SAFETY: the node is idle and pinned, and `Waiter::cancel` removes it before its memory goes.
                unsafe { queues.readers.push_back(node, waker, rest) };
            }
            // SAFETY: as above.
            Access::Write if back => unsafe { queues.writers.push_front(node, waker, rest) },
            // SAFETY: as above.
            Access::Write => unsafe { queues.writers.push_back(node, waker, rest) },
        }
        let looks = alarm == Alarmed::Never || queues.of(access).is_looked_at_in_passing();
        Step::Waits { watch, unclaimed: looks && queues.unclaimed() }
    }

    /// A poll of one that is queued.
    pub(super) fn again(
        &self,
        node: Pin<&Node<Entry<Round>>>,
        waker: Waker,
        access: Access,
        alarm: Alarmed,
    ) -> Found<()> {
        let mut waker = Some(waker);
        let mut queues = self.queues.lock();
        let (stand, unused) = queues.leave_unless_waiting(node, access);
        match stand {
            Some(Stand::Waits) => {
                let unclaimed = queues.unclaimed();
                // SAFETY: it is in this queue.
                let asleep = unsafe { queues.of(access).is_asleep(node) };
                let (rest, watch) = alarm.rests_on(asleep, unclaimed);
                let waker = waker.take().expect("it is taken once");
                // SAFETY: it is in this queue.
                let unused = unsafe { queues.of(access).rewake(node, waker, rest) };
                (Step::Waits { watch, unclaimed }, [Some(unused), None])
            }
            Some(Stand::Absent) => {
                let step = self.enter(&mut queues, node, &mut waker, access, alarm, true);
                (step, [waker, unused])
            }
            Some(Stand::Granted) | None => (Step::Ends(()), [waker, unused]),
        }
    }

    /// Does `node`, which is queued, own the lock? Then it is out of its queue. And its waker, if that has not been woken.
    pub(super) fn claim(&self, node: Pin<&Node<Entry<Round>>>, access: Access) -> (bool, Option<Waker>) {
        let mut queues = self.queues.lock();
        if !queues.owns(node, access) {
            return (false, None);
        }
        (true, queues.leave_unless_waiting(node, access).1)
    }

    /// Takes the node of one that goes away out of its queue. Was it an owner all the same? And its waker.
    pub(super) fn leave(&self, node: Pin<&Node<Entry<Round>>>, access: Access) -> (bool, Option<Waker>) {
        let mut queues = self.queues.lock();
        let (stand, waker) = queues.leave_unless_waiting(node, access);
        if stand != Some(Stand::Waits) {
            return (stand == Some(Stand::Granted), waker);
        }
        // SAFETY: it is in this queue.
        let (_, waker) = unsafe { queues.of(access).remove(node) };
        match access {
            Access::Read => {
                queues.waiting -= 1;
                if queues.waiting == 0 {
                    // Ordering: Relaxed; the bits change with the gate held only.
                    self.word().fetch_and(!READERS, Relaxed);
                }
            }
            Access::Write => {
                if queues.writers.none_waits() {
                    // Ordering: Relaxed, as above.
                    let before = self.word().fetch_and(!WRITERS, Relaxed);
                    if before & WRITER == 0 && queues.waiting > 0 {
                        // R2: they waited for this one only.
                        self.admit(queues, 0, 0);
                        return (false, waker);
                    }
                }
            }
        }
        let mut wakes = Wakes::new();
        if queues.unclaimed() {
            // It leaves it to the next to look at that.
            queues.rouse(true, &mut wakes);
        }
        drop(queues);
        wakes.fire();
        (false, waker)
    }
}

#[inline]
fn check_count(readers: u32) {
    assert!(readers < MAX, "too many readers of an RwLock");
}

impl std::fmt::Debug for RawRwLock {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let word = self.word().load(Relaxed);
        f.debug_struct("RawRwLock")
            .field("writer", &(word & WRITER != 0))
            .field("readers", &(word / ONE))
            .field("waiters", &(word & WAITERS != 0))
            .finish()
    }
}

#[cfg(all(test, not(any(dormouse_loom, dormouse_shuttle))))]
mod tests {
    use super::*;
    use crate::rwlock::waiter::Waiter;
    use dormouse_testing::{Count, Event, hooked, panics};
    use std::panic::Location;
    use std::sync::Arc;
    use std::task::Context;

    #[test]
    #[should_panic(expected = "too many readers")]
    fn readers_do_not_overflow() {
        let raw = RawRwLock::new();
        raw.word().store((MAX - 1) * ONE, Relaxed);
        assert!(raw.try_read());
        raw.try_read();
    }

    /// A waker is user code, and its drop too: not under the gate, by a panic neither.
    #[test]
    fn a_reader_too_many_drops_its_waker_after_the_gate() {
        let raw = Arc::new(RawRwLock::new());
        raw.word().store((MAX * ONE) | WRITERS, Relaxed);
        let (dropped, free) = (Count::shared(), Count::shared());
        let waker = hooked({
            let (raw, dropped, free) = (raw.clone(), dropped.clone(), free.clone());
            move |event| {
                if event == Event::Drop {
                    dropped.add();
                    (0..usize::from(raw.queues.try_lock().is_some())).for_each(|_| free.add());
                }
            }
        });
        let mut wait = Box::pin(Waiter::new(Access::Read, Location::caller()));
        let mut cx = Context::from_waker(&waker);
        let why = panics(|| wait.as_mut().poll(&raw, &mut cx));
        assert!(why.contains("too many readers"), "{why}");
        assert_eq!((dropped.get(), free.get()), (1, 1));
    }
}
