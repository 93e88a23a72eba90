//! `WaitGroup`: counts what is under way; whoever waits goes on when nothing is.
//!
//! The word: the count, shifted by one, and the bit WAITERS: somebody waits for this round to end. A round ends when
//! the count reaches zero; each round has a number, which its waiters carry, so that a group may be used again at once.
//!
//! | state | event | state after | who wakes |
//! |---|---|---|---|
//! | count c | `add(n)` | c + n | - |
//! | count 0 | `done` | count 0 | - (panics) |
//! | count c > 1 | `done` | c - 1 | - |
//! | count 1, no WAITERS | `done` | 0 | - |
//! | count 1, WAITERS | `done`, with the lock | 0, no WAITERS, next round | whoever did it wakes the round's waiters, 32 at a time, between locks |
//! | count 0 | poll of a wait | - (it is Ready, without the lock) | - |
//! | count c > 0 | poll of a wait, with the lock | WAITERS; node Queued | - |
//! | any | drop of a wait | it is out of the list; WAITERS may stay | - |
//!
//! Invariants:
//! - G1 WAITERS is set only with the lock held and the count above zero, and a count of 1 with WAITERS set goes to 0 only
//!   with the lock held: so a waiter is queued in the round that it waits for (`models::wait_group`).
//! - G2 The list is in the order of rounds: a release takes from its front what is not younger than its round.
//! - G3 The count never passes below zero, not for an instant: `done` exchanges, it does not subtract blindly.
//!
//! Locks and ordering: the lock of the list is a leaf; wakers are cloned before it and woken or dropped after it. What
//! happened before a `done` is seen after the wait: each `done` is a Release, the last one also an Acquire that passes
//! all of them on, by the list or by the word.
//!
//! Rejected: `fetch_sub` (a `done` too many would show others a huge count, and the last one of a round could not
//! tell its waiters from those of the next); a generation in the word (the count would wrap into it).
//!
//! Checked by `models::wait_group`, `tests/wait_group.rs`, `tests/reentrant.rs`, `tests/stress.rs`.
use crate::calm::{discard, in_batches, release};
use dormouse_wait::frame::{self, Reason, Site};
use dormouse_wait::list::{List, Node, Phase, Removed};
use dormouse_wait::lock::Lock;
use dormouse_wait::prim::atomic::{AtomicUsize, Ordering::*};
use futures_core::FusedFuture;
use pin_project::{pin_project, pinned_drop};
use std::fmt;
use std::future::Future;
use std::panic::{Location, RefUnwindSafe, UnwindSafe};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker, ready};

const WAITERS: usize = 1;
const ONE: usize = 2;
/// The last one of a round that somebody waits for.
const LAST: usize = ONE | WAITERS;
const MAX: usize = usize::MAX / ONE;

/// The number of a round.
type Round = u64;

struct Queue {
    round: Round,
    list: List<Round>,
}

struct Inner {
    word: AtomicUsize,
    queue: Lock<Queue>,
}

// No user code runs, and so none panics, while the queue is between two states.
impl UnwindSafe for Inner {}
impl RefUnwindSafe for Inner {}

impl Inner {
    fn count(&self) -> usize {
        // Ordering: Acquire pairs with the Release of `done`: a caller that reads 0 sees what was done.
        self.word.load(Acquire) / ONE
    }

    fn add(&self, n: usize) {
        let mut word = self.word.load(Relaxed);
        loop {
            let count = (word / ONE).checked_add(n).filter(|count| *count <= MAX);
            let Some(count) = count else { panic!("sync: WaitGroup counter overflow") };
            // Ordering: Relaxed; an add publishes nothing.
            match self.word.compare_exchange_weak(word, (count * ONE) | (word & WAITERS), Relaxed, Relaxed) {
                Ok(_) => return,
                Err(now) => word = now,
            }
        }
    }

    /// One less; false if there is none.
    #[inline]
    fn done(&self) -> bool {
        let mut word = self.word.load(Relaxed);
        loop {
            if word < ONE {
                return false;
            }
            if word == LAST {
                if self.last_done() {
                    return true;
                }
                word = self.word.load(Relaxed);
                continue;
            }
            // Ordering: Release pairs with the Acquire of who reads the count or wakes the waiters.
            match self.word.compare_exchange_weak(word, word - ONE, Release, Relaxed) {
                Ok(_) => return true,
                Err(now) => word = now,
            }
        }
    }

    /// From 1 to 0 with waiters; false if the word changed meanwhile.
    #[cold]
    fn last_done(&self) -> bool {
        let mut queue = self.queue.lock();
        // Ordering: Acquire takes over what came before the other `done`s, Release passes it on (see `done`).
        if self.word.compare_exchange(LAST, 0, AcqRel, Relaxed).is_err() {
            return false;
        }
        let ended = queue.round;
        queue.round += 1;
        drop(queue);
        self.release(ended);
        true
    }

    /// Wakes all who wait for the round that `ended`, or an older one.
    fn release(&self, ended: Round) {
        in_batches(|wakes| release(&mut self.queue.lock().list, wakes, |round| *round <= ended));
    }
}

/// Counts what is under way, and lets others wait until nothing is: Go's `sync.WaitGroup`.
///
/// A clone is the same group and counts nothing. [`guard`](WaitGroup::guard) and [`track`](WaitGroup::track) count one
/// and take it back when they are dropped, also by a panic, an early return or an abort; with
/// [`add`](WaitGroup::add) and [`done`](WaitGroup::done) that is the caller's business, as in Go.
///
/// A group may be used again and again, with no pause between the rounds: a wait returns when the count has
/// reached zero once since its first poll.
///
/// An `add` from zero that races with a `wait` may come before it or after it, and the wait then waits for it, or does
/// not: as in Go, what must be waited for is to be counted before the wait begins (before the task is spawned, not
/// inside it). Unlike Go's it never panics for that.
///
/// ```
/// use dormouse_sync::WaitGroup;
///
/// # tokio::runtime::Runtime::new().unwrap().block_on(async {
/// let group = WaitGroup::new();
/// for _ in 0..3 {
///     let guard = group.guard(); // before the spawn
///     tokio::spawn(async move {
///         // work
///         drop(guard);
///     });
/// }
/// group.wait().await;
/// assert_eq!(group.count(), 0);
/// # });
/// ```
#[derive(Clone)]
pub struct WaitGroup {
    inner: Arc<Inner>,
}

impl WaitGroup {
    /// A group of nothing.
    pub fn new() -> Self {
        let queue = Lock::new(Queue { round: 0, list: List::new() });
        WaitGroup { inner: Arc::new(Inner { word: AtomicUsize::new(0), queue }) }
    }

    /// Counts `n` more.
    ///
    /// # Panics
    /// If the count would pass `usize::MAX / 2`; it is then unchanged.
    pub fn add(&self, n: usize) {
        self.inner.add(n);
    }

    /// Counts one less; at zero, all who wait go on. What the caller did before is seen by them.
    ///
    /// # Panics
    /// If the count is zero, with Go's words; it then stays zero.
    ///
    /// ```should_panic
    /// dormouse_sync::WaitGroup::new().done(); // sync: negative WaitGroup counter
    /// ```
    pub fn done(&self) {
        assert!(self.inner.done(), "sync: negative WaitGroup counter");
    }

    /// Waits until the count is zero. At zero it is ready at once.
    ///
    /// # Cancel safety
    /// A dropped wait has no effect, on others neither.
    ///
    /// # Panics
    /// The future panics if it is polled after it was ready.
    ///
    /// # Fairness
    /// All who wait are released together, the longest-waiting first.
    #[track_caller]
    pub fn wait(&self) -> Wait<'_> {
        Wait { inner: &self.inner, node: Node::new(0), site: Location::caller() }
    }

    /// Counts one, until the guard is dropped.
    ///
    /// # Panics
    /// As [`add`](WaitGroup::add).
    #[doc(alias = "token")]
    pub fn guard(&self) -> WaitGroupGuard {
        self.add(1);
        WaitGroupGuard { group: self.clone() }
    }

    /// Counts one, until `future` is finished and dropped, or dropped unfinished: for a task to be spawned.
    ///
    /// It counts from this call, not from the first poll.
    ///
    /// # Panics
    /// As [`add`](WaitGroup::add).
    ///
    /// ```
    /// # tokio::runtime::Runtime::new().unwrap().block_on(async {
    /// let group = dormouse_sync::WaitGroup::new();
    /// tokio::spawn(group.track(async { println!("at work") }));
    /// group.wait().await;
    /// # });
    /// ```
    #[doc(alias = "go")]
    pub fn track<F: Future>(&self, future: F) -> Track<F> {
        Track { future: Some(future), guard: Some(self.guard()) }
    }

    /// Is nothing left of those who counted and waited?
    #[cfg(all(test, dormouse_loom))]
    pub(crate) fn is_idle(&self) -> bool {
        self.inner.word.load(Relaxed) == 0
    }

    /// How many are under way at this moment; a 0 has seen all that was done before it.
    pub fn count(&self) -> usize {
        self.inner.count()
    }
}

impl Default for WaitGroup {
    fn default() -> Self {
        WaitGroup::new()
    }
}

impl fmt::Debug for WaitGroup {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("WaitGroup").field("count", &self.count()).finish()
    }
}

/// One that a [`WaitGroup`] counts; dropping it is [`done`](WaitGroup::done). From [`WaitGroup::guard`].
#[must_use = "the group counts one less as soon as the guard is dropped"]
#[clippy::has_significant_drop]
pub struct WaitGroupGuard {
    group: WaitGroup,
}

impl WaitGroupGuard {
    /// The group that counts it.
    pub fn group(&self) -> &WaitGroup {
        &self.group
    }
}

impl Drop for WaitGroupGuard {
    /// # Panics
    /// As [`WaitGroup::done`], which others must have called too often; not while a panic unwinds.
    fn drop(&mut self) {
        let counted = self.group.inner.done();
        assert!(counted || std::thread::panicking(), "sync: negative WaitGroup counter");
    }
}

impl fmt::Debug for WaitGroupGuard {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("WaitGroupGuard").field("group", &self.group).finish()
    }
}

/// The future of [`WaitGroup::wait`].
#[must_use = "a future does nothing unless it is awaited"]
#[pin_project(PinnedDrop)]
pub struct Wait<'a> {
    inner: &'a Inner,
    #[pin]
    node: Node<Round>,
    site: Site,
}

impl Future for Wait<'_> {
    type Output = ();

    #[inline]
    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        if self.node.phase() == Phase::Idle {
            ready!(frame::poll_spend(cx));
            if self.inner.count() == 0 {
                return self.finish();
            }
        }
        self.poll_counted(cx)
    }
}

impl Wait<'_> {
    fn poll_counted(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let waiting = match self.node.phase() {
            Phase::Idle => {
                let waker = cx.waker().clone();
                let unused = self.as_mut().queue(waker);
                let waiting = unused.is_none();
                discard(unused);
                waiting
            }
            Phase::Queued => {
                let waker = cx.waker().clone();
                let node = self.as_ref().project_ref().node;
                // SAFETY: if the node was queued, it was in this list.
                let unused = unsafe { self.inner.queue.lock().list.rewake(node, waker) };
                discard(Some(unused));
                // Released between the two looks?
                self.node.phase() == Phase::Queued
            }
            Phase::Granted | Phase::Closed => false,
            Phase::Spent => panic!("the future of WaitGroup::wait was polled after it had finished"),
        };
        if !waiting {
            return self.finish();
        }
        frame::note_on(Reason::WaitGroupWait, Some(self.site), self.inner);
        Poll::Pending
    }

    /// Queues for the present round, unless the count is zero: then the waker comes back.
    fn queue(self: Pin<&mut Self>, waker: Waker) -> Option<Waker> {
        let mut this = self.project();
        let mut queue = this.inner.queue.lock();
        // Ordering: Acquire pairs with the Release of `done`, for a count of 0.
        let mut word = this.inner.word.load(Acquire);
        loop {
            if word < ONE {
                return Some(waker);
            }
            // Ordering: Relaxed; who finds the bit takes the lock. Acquire on failure as above.
            match this.inner.word.compare_exchange_weak(word, word | WAITERS, Relaxed, Acquire) {
                Ok(_) => break,
                Err(now) => word = now,
            }
        }
        this.node.set(Node::new(queue.round));
        // SAFETY: the node is idle and pinned, and the future's `Drop` removes it before its memory goes.
        unsafe { queue.list.push_back(this.node.into_ref(), waker) };
        None
    }

    fn finish(self: Pin<&mut Self>) -> Poll<()> {
        self.node.spend();
        Poll::Ready(())
    }
}

impl FusedFuture for Wait<'_> {
    fn is_terminated(&self) -> bool {
        self.node.phase() == Phase::Spent
    }
}

#[pinned_drop]
impl PinnedDrop for Wait<'_> {
    #[inline]
    fn drop(self: Pin<&mut Self>) {
        if self.node.phase() == Phase::Queued {
            let node = self.as_ref().project_ref().node;
            // SAFETY: if the node was queued, it was in this list.
            let removed = unsafe { self.inner.queue.lock().list.remove(node) };
            if let Removed::WasQueued(waker) = removed {
                discard(waker);
            }
        }
    }
}

impl fmt::Debug for Wait<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Wait").field("done", &self.is_terminated()).finish_non_exhaustive()
    }
}

/// The future of [`WaitGroup::track`]: the one given, counted while it is alive.
#[must_use = "a future does nothing unless it is awaited; the group counts one less as soon as it is dropped"]
#[pin_project]
pub struct Track<F> {
    // Before the guard: the group counts it until its destructor has run.
    #[pin]
    future: Option<F>,
    guard: Option<WaitGroupGuard>,
}

impl<F: Future> Future for Track<F> {
    type Output = F::Output;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<F::Output> {
        let mut this = self.project();
        let future = this.future.as_mut().as_pin_mut();
        let future = future.expect("the future of WaitGroup::track was polled after it had finished");
        let output = ready!(future.poll(cx));
        this.future.set(None);
        *this.guard = None;
        Poll::Ready(output)
    }
}

impl<F: Future> FusedFuture for Track<F> {
    fn is_terminated(&self) -> bool {
        self.future.is_none()
    }
}

impl<F> fmt::Debug for Track<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Track").field("done", &self.future.is_none()).finish_non_exhaustive()
    }
}
