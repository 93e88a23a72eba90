//! `Notify`: tells a task that something has happened. The futures are in `futures`.
//!
//! The word: PERMIT, WAITERS, and the round, which `notify_waiters` counts up. A [`Notified`] carries the round in which
//! it was made: if the word has another one, it has been told, wherever it stands.
//!
//! | state | event | state after | who wakes |
//! |---|---|---|---|
//! | nobody waits | `notify_one`, `notify_last` | PERMIT | - |
//! | PERMIT | first poll, `enable` | no PERMIT; Ready | - |
//! | no PERMIT | first poll, `enable` | WAITERS; node Queued | - |
//! | WAITERS | `notify_one` (`notify_last`) | the first (last) of this round is Granted | the caller, after unlocking |
//! | any | `notify_waiters` | next round | the caller wakes those of former rounds, 32 at a time, between locks |
//! | any | drop of a Queued one | it is out of the list | - |
//! | any | drop of one that `notify_one` or `notify_last` granted, not polled since | as that call again | as that call |
//!
//! Invariants:
//! - N1 PERMIT and WAITERS are never both set: nobody waits beside a stored permit (`models::notify::stored_or_told`).
//! - N2 WAITERS = the list is not empty; it changes with the lock held only, and is set in the exchange that has seen that
//!   there is no permit and that the round is the waiter's own.
//! - N3 The list is in the order of rounds: those of former rounds stand at its front, told already. A notification for one
//!   passes them over, as they have theirs (`tests/notify.rs`: a batch is no mark).
//!
//! Locks and ordering: the lock of the list is a leaf; wakers are cloned before it and woken or dropped after it. A
//! notification is a Release, of the word or of the node's phase; who is told has read it with Acquire.
//!
//! Rejected: a list of its own for those who are being released (a node that is dropped meanwhile must know in which
//! list it is; the round tells the same).
//!
//! Checked by `models::notify`, `tests/notify.rs`, `tests/reentrant_waits.rs`, `tests/stress_waits.rs`.
mod futures;

pub use self::futures::{Notified, OwnedNotified};

use crate::calm::{in_batches, release};
use dormouse_wait::list::{List, Node, Phase, Removed, Verdict, Won};
use dormouse_wait::lock::Lock;
use dormouse_wait::prim::atomic::{AtomicUsize, Ordering::*};
use std::fmt;
use std::panic::{Location, RefUnwindSafe, UnwindSafe};
use std::pin::Pin;
use std::sync::Arc;
use std::task::Waker;

const PERMIT: usize = 1;
const WAITERS: usize = 2;
const ROUND: usize = 4;
const FLAGS: usize = ROUND - 1;

/// The round that a word says, not shifted.
type Round = usize;

/// What passes between a waiter and who notifies.
#[derive(Debug)]
struct Ticket {
    round: Round,
    by: By,
}

/// Whose notification a granted waiter has.
#[derive(Clone, Copy, Debug, PartialEq)]
enum By {
    /// Nobody's that another could use.
    All,
    First,
    Last,
}

impl By {
    fn win(self, list: &mut List<Ticket>) -> Option<Won<'_, Ticket>> {
        if self == By::Last { list.win_last() } else { list.win() }
    }
}

/// Tells one task, or all that wait, that something has happened; what, they know themselves.
///
/// It is a semaphore with at most one permit, that starts with none: [`notify_one`](Notify::notify_one) stores the permit
/// or, if somebody waits, gives it to the longest-waiting one; [`notified`](Notify::notified)`.await` takes it.
/// [`notify_waiters`](Notify::notify_waiters) tells all who wait at that moment and stores nothing. A wait costs no
/// allocation; without waiters a notification is one atomic exchange.
///
/// # Who waits
/// For `notify_one` and `notify_last` a [`Notified`] waits from its first poll on, or from [`enable`](Notified::enable).
/// For `notify_waiters` it waits from the call of [`notified`](Notify::notified) on, polled or not: so nothing is missed if
/// the future is made first, then the state looked at, and the future awaited last:
///
/// ```
/// use dormouse_sync::Notify;
/// use std::sync::Arc;
/// use std::sync::atomic::{AtomicBool, Ordering};
///
/// # tokio::runtime::Runtime::new().unwrap().block_on(async {
/// let door = Arc::new((AtomicBool::new(false), Notify::new()));
/// let opener = door.clone();
/// tokio::spawn(async move {
///     opener.0.store(true, Ordering::Release);
///     opener.1.notify_waiters();
/// });
/// loop {
///     let opened = door.1.notified();
///     if door.0.load(Ordering::Acquire) {
///         break;
///     }
///     opened.await;
/// }
/// # });
/// ```
///
/// What happened before a notification is seen by who was told.
pub struct Notify {
    waiters: Lock<List<Ticket>, AtomicUsize>,
}

// No panic of user code happens while the list or the word is between two states.
impl UnwindSafe for Notify {}
impl RefUnwindSafe for Notify {}

impl Notify {
    const_fn! {
        /// Without a permit.
        pub const fn new() -> Self {
            Notify { waiters: Lock::with_beside(List::new(), AtomicUsize::new(0)) }
        }
    }

    /// Tells the longest-waiting task, or stores a permit for the next one that comes. There is one permit at most:
    /// what is notified while it is stored, and nobody waits, counts for nothing.
    ///
    /// ```
    /// # tokio::runtime::Runtime::new().unwrap().block_on(async {
    /// let notify = dormouse_sync::Notify::new();
    /// notify.notify_one();
    /// notify.notified().await; // the stored permit
    /// # });
    /// ```
    #[inline]
    pub fn notify_one(&self) {
        self.notify(By::First);
    }

    /// As [`notify_one`](Notify::notify_one), but tells the task that has waited for the shortest time: a pool of
    /// workers stays warm with its last one.
    #[inline]
    pub fn notify_last(&self) {
        self.notify(By::Last);
    }

    /// Tells all who wait at this moment (see [the type](Notify#who-waits)). Stores no permit, and leaves a stored one.
    pub fn notify_waiters(&self) {
        let mut word = self.word().load(Relaxed);
        while word & WAITERS == 0 {
            // Ordering: Release pairs with the Acquire of who sees the new round.
            match self.word().compare_exchange_weak(word, word.wrapping_add(ROUND), Release, Relaxed) {
                Ok(_) => return,
                Err(now) => word = now,
            }
        }
        let mut begun = false;
        in_batches(|wakes| {
            let mut list = self.waiters.lock();
            if !std::mem::replace(&mut begun, true) {
                // Ordering: Release as above. The round is the top of the word: it wraps into nothing.
                self.word().fetch_add(ROUND, Release);
            }
            let round = self.round();
            release(&mut list, wakes, |ticket| ticket.round != round);
            self.settle(&list);
        });
    }

    /// Waits to be told. Ready at once if a permit is stored, which it takes.
    ///
    /// # Cancel safety
    /// One that is dropped after `notify_one` or `notify_last` told it, and before it was ready, tells the next one, or
    /// stores the permit. It loses its place in the queue.
    ///
    /// # Panics
    /// The future panics if it is polled after it was ready.
    ///
    /// # Fairness
    /// First come, first served by [`notify_one`](Notify::notify_one), in the order of the first polls.
    #[track_caller]
    #[inline]
    pub fn notified(&self) -> Notified<'_> {
        Notified::new(self, self.round(), Location::caller())
    }

    /// [`notified`](Notify::notified) as a future that borrows nothing, and may move anywhere.
    ///
    /// # Cancel safety
    /// As for [`notified`](Notify::notified).
    ///
    /// # Panics
    /// As for [`notified`](Notify::notified).
    ///
    /// ```
    /// use std::sync::Arc;
    ///
    /// # tokio::runtime::Runtime::new().unwrap().block_on(async {
    /// let notify = Arc::new(dormouse_sync::Notify::new());
    /// let told = tokio::spawn(notify.clone().notified_owned());
    /// notify.notify_one();
    /// told.await.unwrap();
    /// # });
    /// ```
    #[track_caller]
    #[inline]
    pub fn notified_owned(self: Arc<Self>) -> OwnedNotified {
        let round = self.round();
        OwnedNotified::new(self, round, Location::caller())
    }

    #[inline(always)]
    fn word(&self) -> &AtomicUsize {
        self.waiters.beside()
    }

    /// The present round.
    #[inline]
    fn round(&self) -> Round {
        // Ordering: Acquire pairs with the Release of `notify_waiters`.
        self.word().load(Acquire) & !FLAGS
    }

    #[cfg(all(test, dormouse_loom))]
    pub(crate) fn is_idle(&self) -> bool {
        self.word().load(Relaxed) & FLAGS == 0
    }

    #[inline]
    fn notify(&self, by: By) {
        let mut word = self.word().load(Relaxed);
        while word & WAITERS == 0 {
            // An exchange also if the permit is there: who takes it sees what was before this call.
            // Ordering: Release pairs with the Acquire in `take`.
            match self.word().compare_exchange_weak(word, word | PERMIT, Release, Relaxed) {
                Ok(_) => return,
                Err(now) => word = now,
            }
        }
        self.notify_waiter(by);
    }

    #[cold]
    fn notify_waiter(&self, by: By) {
        let mut told = false;
        in_batches(|wakes| {
            let mut list = self.waiters.lock();
            // N3: those of former rounds have been told.
            let round = self.round();
            release(&mut list, wakes, |ticket| ticket.round != round);
            let mut store = false;
            if !told && !wakes.is_full() {
                told = true;
                match by.win(&mut list) {
                    Some(mut waiter) => {
                        waiter.with_payload(|ticket| ticket.by = by);
                        waiter.finish(Verdict::Granted).into_iter().for_each(|waker| wakes.push(waker));
                    }
                    None => store = true,
                }
            }
            self.settle(&list);
            if store {
                // N1: nobody waits, and with the lock held nobody begins to in between.
                // Ordering: Release as in `notify`.
                self.word().fetch_or(PERMIT, Release);
            }
        });
    }

    /// N2, after waiters have left the list.
    fn settle(&self, list: &List<Ticket>) {
        if list.is_empty() {
            // Ordering: Relaxed; the bit says only whether to look at the list.
            self.word().fetch_and(!WAITERS, Relaxed);
        }
    }

    /// Has one of `round` been told, or is there a permit? Takes it. The error is the word that says no.
    #[inline]
    fn take(&self, round: Round) -> Result<(), usize> {
        // Ordering: Acquire, here and below, pairs with the Release of who notifies.
        let mut word = self.word().load(Acquire);
        loop {
            if word & !FLAGS != round {
                return Ok(());
            }
            if word & PERMIT == 0 {
                return Err(word);
            }
            match self.word().compare_exchange_weak(word, word & !PERMIT, Acquire, Acquire) {
                Ok(_) => return Ok(()),
                Err(now) => word = now,
            }
        }
    }

    /// Queues `node` of `round`, unless it is told or takes a permit: then the waker comes back.
    fn enqueue(&self, node: Pin<&Node<Ticket>>, waker: Waker, round: Round) -> Option<Waker> {
        let mut list = self.waiters.lock();
        loop {
            let Err(word) = self.take(round) else { return Some(waker) };
            // N2: also if the bit is set, as only an exchange sees the latest round.
            // Ordering: Relaxed; who finds the bit takes the lock.
            if self.word().compare_exchange(word, word | WAITERS, Relaxed, Relaxed).is_ok() {
                break;
            }
        }
        // SAFETY: the node is idle and pinned, and `Waiter::cancel` removes it before its memory goes.
        unsafe { list.push_back(node, waker) };
        None
    }

    /// A look of a queued waiter of `round`, which leaves the list if it has been told, and else has `waker` from now on,
    /// if there is one; gives the wakers that are not needed any more.
    fn repoll(&self, node: Pin<&Node<Ticket>>, waker: Option<Waker>, round: Round) -> [Option<Waker>; 2] {
        let mut list = self.waiters.lock();
        if self.round() != round {
            return [self.leave(&mut list, node), waker];
        }
        // SAFETY: if it was queued, it was in this list.
        [waker.map(|waker| unsafe { list.rewake(node, waker) }), None]
    }

    /// Takes `node` out of the list if it is there; gives its waker.
    fn leave(&self, list: &mut List<Ticket>, node: Pin<&Node<Ticket>>) -> Option<Waker> {
        debug_assert_ne!(node.phase(), Phase::Idle);
        // SAFETY: if it was queued, it was in this list.
        let Removed::WasQueued(waker) = (unsafe { list.remove(node) }) else { return None };
        self.settle(list);
        waker
    }
}

impl Default for Notify {
    fn default() -> Self {
        Notify::new()
    }
}

impl fmt::Debug for Notify {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let word = self.word().load(Relaxed);
        f.debug_struct("Notify")
            .field("permit", &(word & PERMIT != 0))
            .field("waiters", &(word & WAITERS != 0))
            .finish()
    }
}
