//! The read-write lock without its data: one word, and two lists under a gate.
//!
//! The word: WRITER (a writer owns the lock), WRITERS (one waits), READERS (one waits), and the number of readers that own
//! it. The lock is handed over: from the moment when somebody waits it is never free, and nobody barges.
//!
//! | state | event | state after | who wakes |
//! |---|---|---|---|
//! | no WRITER, no WRITERS | read, `try_read` | one reader more | - |
//! | WRITER or WRITERS | read | READERS; node Queued | - |
//! | all clear | write, `try_write` | WRITER | - |
//! | else | write | WRITERS; node Queued | - |
//! | WRITER alone | unlock | all clear | - |
//! | WRITER, READERS | unlock, downgrade | the waiting readers own it (one more at a downgrade); next round | the unlocker, 32 at a time, between locks |
//! | WRITER, WRITERS | unlock | WRITER: the head's | the unlocker |
//! | readers, the last one, WRITERS | unlock | WRITER: the head's | the unlocker |
//! | readers, else | unlock | one less | - |
//! | readers, WRITERS, READERS | drop of the last Queued writer | the waiting readers own it too; next round | the dropper |
//! | any | drop of a Queued one | it is out of its list | - |
//! | any | drop of an owner that was never polled | as unlock | as unlock |
//!
//! Invariants:
//! - R1 The lock is never free while somebody waits: who gives it up as the last one does so with the gate held if
//!   WRITERS or READERS is set, and hands it over in the same exchange (`models::rwlock`).
//! - R2 WRITERS and READERS change with the gate held only. READERS implies WRITER or WRITERS.
//! - R3 Waiting readers are admitted all at once, by one exchange that counts them as owners, and by the next round: a
//!   queued reader of a former round owns the lock, though its phase says so only when its batch has come
//!   (`tests/rwlock.rs`: a batch is no mark).
//! - R4 `waiting` = the queued readers of the present round.
//!
//! So writers and readers take turns as in Go: a waiting writer stops new readers, and its unlock admits all who wait.
//!
//! Locks and ordering: the gate is the one lock, a leaf; wakers are cloned before it and woken or dropped after it. The
//! data passes by Release in unlock and Acquire in lock, and by the node's phase or the gate at a hand-over.
//!
//! Rejected: a semaphore (tokio's: readers behind the next writer then wait for it, against Go's rule); barging while
//! nobody starves, as the mutex does it (readers may not pass a waiting writer anyway, so it would serve writers among
//! themselves only).
//!
//! Checked by `models::rwlock`, `flows::rwlock`, `tests/rwlock.rs`, `tests/fairness.rs`, `tests/reentrant_waits.rs`,
//! `tests/stress_waits.rs`.
use crate::calm::{discard, in_batches, release};
use dormouse_wait::frame::{self, Reason, Site};
use dormouse_wait::list::{List, Node, Phase, Removed, Verdict};
use dormouse_wait::lock::Lock;
use dormouse_wait::prim::atomic::{AtomicU32, Ordering::*};
use dormouse_wait::wakes;
use pin_project::pin_project;
use std::panic::{RefUnwindSafe, UnwindSafe};
use std::pin::Pin;
use std::task::{Context, Poll, Waker, ready};

const WRITER: u32 = 1;
const WRITERS: u32 = 2;
const READERS: u32 = 4;
const ONE: u32 = 8;
const WAITERS: u32 = WRITERS | READERS;
/// The most readers, waiting ones included.
const MAX: u32 = u32::MAX / ONE;

/// The number of a round; it wraps, and is compared for equality only, with those that are queued still.
type Round = u32;

struct Queues {
    round: Round,
    /// Readers of this round.
    waiting: u32,
    readers: List<Round>,
    writers: List<Round>,
}

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
            let queues = Queues { round: 0, waiting: 0, readers: List::new(), writers: List::new() };
            RawRwLock { queues: Lock::with_beside(queues, AtomicU32::new(0)) }
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
        let mut queues = self.queues.lock();
        if queues.waiting > 0 {
            return self.admit(queues, WRITER, 0);
        }
        let waker = self.hand_over(&mut queues, WRITER);
        drop(queues);
        wakes::wake(waker);
    }

    /// The last reader, as it seemed, with a writer waiting.
    #[cold]
    fn unlock_last_read(&self) {
        let mut queues = self.queues.lock();
        // With the gate held WRITERS stays, and while it is set, no reader comes.
        let mut word = self.word().load(Relaxed);
        while word / ONE > 1 || word & WRITERS == 0 {
            // Ordering: Release as in `unlock_read`.
            match self.word().compare_exchange_weak(word, word - ONE, Release, Relaxed) {
                Ok(_) => return,
                Err(now) => word = now,
            }
        }
        let waker = self.hand_over(&mut queues, ONE);
        drop(queues);
        wakes::wake(waker);
    }

    /// With the gate held, from the one owner, who has `mine` in the word: to the head of the writers, or to nobody.
    fn hand_over(&self, queues: &mut Queues, mine: u32) -> Option<Waker> {
        let Some(head) = queues.writers.win() else {
            // Those who waited have gone meanwhile.
            // Ordering: Release pairs with the Acquire of the next owners.
            self.word().fetch_sub(mine, Release);
            return None;
        };
        // Ordering: Acquire pairs with the Release of the other readers' unlocks; the node's phase passes them on.
        self.word().load(Acquire);
        let waker = head.finish(Verdict::Granted);
        let rest = if queues.writers.is_empty() { WRITERS } else { 0 };
        // The new owner may be at work already: the gate keeps its unlock from the word until here.
        // Ordering: Relaxed; nobody is let in by it.
        self.word().fetch_add(WRITER.wrapping_sub(mine + rest), Relaxed);
        waker
    }

    /// Admits all waiting readers, with the gate held, in place of `mine` in the word; `stays` of it is the caller's still.
    fn admit(&self, mut queues: dormouse_wait::lock::Guard<'_, Queues, AtomicU32>, mine: u32, stays: u32) {
        let count = std::mem::take(&mut queues.waiting);
        queues.round = queues.round.wrapping_add(1);
        let readers = if count > 0 { READERS } else { 0 };
        // Ordering: Release pairs with the Acquire of readers that come on their own.
        self.word().fetch_add((stays + count * ONE).wrapping_sub(mine + readers), Release);
        drop(queues);
        in_batches(|wakes| {
            let mut queues = self.queues.lock();
            let round = queues.round;
            release(&mut queues.readers, wakes, |of| *of != round);
        });
    }

    /// From a writer to a reader, the caller; whoever waits to read is admitted with it.
    pub(crate) fn downgrade(&self) {
        // Ordering: Release pairs with the Acquire of other readers.
        if self.word().compare_exchange(WRITER, ONE, Release, Relaxed).is_err() {
            self.admit(self.queues.lock(), WRITER, ONE);
        }
    }

    /// Queues `node`, unless it gets the lock: then the waker comes back.
    fn enqueue(&self, mut node: Pin<&mut Node<Round>>, waker: Waker, access: Access) -> Option<Waker> {
        let mut queues = self.queues.lock();
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
                Ok(_) if free => return Some(waker),
                Ok(_) => break,
                Err(now) => word = now,
            }
        }
        node.set(Node::new(queues.round));
        let node = node.into_ref();
        match access {
            Access::Read => {
                queues.waiting += 1;
                // SAFETY: the node is idle and pinned, and `Waiter::cancel` removes it before its memory goes.
                unsafe { queues.readers.push_back(node, waker) };
            }
            // SAFETY: as above.
            Access::Write => unsafe { queues.writers.push_back(node, waker) },
        }
        None
    }

    /// A poll of a queued waiter, which may own the lock already (R3): then it leaves the list, and is owner. The first
    /// value says so; the wakers are those that are not needed any more.
    fn repoll(&self, node: Pin<&Node<Round>>, waker: Waker, access: Access) -> (bool, [Option<Waker>; 2]) {
        let mut queues = self.queues.lock();
        if access == Access::Write {
            // SAFETY: if it was queued, it was in this list.
            return (false, [Some(unsafe { queues.writers.rewake(node, waker) }), None]);
        }
        if let Some(old) = queues.leave_if_admitted(node) {
            return (true, [old, Some(waker)]);
        }
        // SAFETY: if it was queued, it was in this list.
        (false, [Some(unsafe { queues.readers.rewake(node, waker) }), None])
    }

    /// Takes the node of one that goes away out of its list, if it is there. Was it an owner all the same (R3)? And its
    /// waker.
    fn leave(&self, node: Pin<&Node<Round>>, access: Access) -> (bool, Option<Waker>) {
        let mut queues = self.queues.lock();
        if access == Access::Read {
            if let Some(waker) = queues.leave_if_admitted(node) {
                return (true, waker);
            }
            // SAFETY: if it was queued, it was in this list.
            let Removed::WasQueued(waker) = (unsafe { queues.readers.remove(node) }) else {
                return (false, None);
            };
            queues.waiting -= 1;
            if queues.waiting == 0 {
                // Ordering: Relaxed; the bits change with the gate held only.
                self.word().fetch_and(!READERS, Relaxed);
            }
            return (false, waker);
        }
        // SAFETY: if it was queued, it was in this list.
        let Removed::WasQueued(waker) = (unsafe { queues.writers.remove(node) }) else {
            return (false, None);
        };
        if queues.writers.is_empty() {
            // Ordering: Relaxed, as above.
            let before = self.word().fetch_and(!WRITERS, Relaxed);
            if before & WRITER == 0 && queues.waiting > 0 {
                // R2: they waited for this one only.
                self.admit(queues, 0, 0);
            }
        }
        (false, waker)
    }
}

impl Queues {
    /// Takes the node of a reader that was admitted, and is queued still, out of the list; `None` if it is not that. Gives
    /// its waker.
    fn leave_if_admitted(&mut self, node: Pin<&Node<Round>>) -> Option<Option<Waker>> {
        if node.phase() != Phase::Queued {
            return None;
        }
        // SAFETY: queued in this list, whose lock is held.
        if unsafe { node.with_payload(|of| *of) } == self.round {
            return None;
        }
        // SAFETY: it is in this list.
        match unsafe { self.readers.remove(node) } {
            Removed::WasQueued(waker) => Some(waker),
            Removed::WasDone => None,
        }
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

/// One who waits for a [`RawRwLock`]: the part that the lock futures share. Their `Drop` calls [`Waiter::cancel`].
#[pin_project]
pub(crate) struct Waiter {
    #[pin]
    node: Node<Round>,
    access: Access,
    site: Site,
}

impl Waiter {
    #[inline]
    pub(crate) fn new(access: Access, site: Site) -> Self {
        Waiter { node: Node::new(0), access, site }
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
    pub(crate) fn poll(self: Pin<&mut Self>, raw: &RawRwLock, cx: &mut Context<'_>) -> Poll<()> {
        if self.node.phase() == Phase::Idle {
            // Later polls do not pay again: one lock, one operation.
            ready!(frame::poll_spend(cx));
            if raw.try_lock(self.access) {
                self.node.spend();
                return Poll::Ready(());
            }
        }
        self.poll_contended(raw, cx)
    }

    #[cold]
    fn poll_contended(self: Pin<&mut Self>, raw: &RawRwLock, cx: &mut Context<'_>) -> Poll<()> {
        let mut this = self.project();
        let owner = match this.node.phase() {
            Phase::Idle => {
                let waker = cx.waker().clone();
                let unused = raw.enqueue(this.node.as_mut(), waker, *this.access);
                let owner = unused.is_some();
                discard(unused);
                owner
            }
            Phase::Queued => {
                let waker = cx.waker().clone();
                let (owner, unused) = raw.repoll(this.node.as_ref(), waker, *this.access);
                unused.into_iter().for_each(discard);
                owner
            }
            Phase::Granted => true,
            _ => panic!("a future of RwLock was polled after it had finished"),
        };
        if !owner && this.node.phase() == Phase::Queued {
            let reason = match this.access {
                Access::Read => Reason::RwLockRead,
                Access::Write => Reason::RwLockWrite,
            };
            frame::note_on(reason, Some(this.site), raw);
            return Poll::Pending;
        }
        this.node.spend();
        Poll::Ready(())
    }

    /// The future goes away: takes it out of the list, and passes on what it was given and has not taken.
    pub(crate) fn cancel(self: Pin<&mut Self>, raw: &RawRwLock) {
        let (mut owner, mut waker) = (false, None);
        let node = self.as_ref().project_ref().node;
        if node.phase() == Phase::Queued {
            (owner, waker) = raw.leave(node, self.access);
        }
        if node.phase() == Phase::Granted {
            node.spend();
            owner = true;
        }
        if owner {
            raw.unlock(self.access);
        }
        discard(waker);
    }
}

#[cfg(all(test, not(any(dormouse_loom, dormouse_shuttle))))]
mod tests {
    use super::*;

    #[test]
    #[should_panic(expected = "too many readers")]
    fn readers_do_not_overflow() {
        let raw = RawRwLock::new();
        raw.word().store((MAX - 1) * ONE, Relaxed);
        assert!(raw.try_read());
        raw.try_read();
    }
}
