//! `Condvar`: waiting, with a mutex given up meanwhile, until somebody signals.
//!
//! | state | event | state after | who wakes |
//! |---|---|---|---|
//! | first poll, the guard in the future | - | node Queued, then the mutex is unlocked | as its unlock |
//! | Queued | `notify_one`, the longest-waiting of this round | Granted, its signal | the caller, after unlocking the list |
//! | Queued | `notify_all` | the next round; Granted | the caller, 32 at a time, between locks |
//! | Queued | its time is over | out of the list; Granted, by nobody | - |
//! | Granted | poll | locks the mutex; Ready with the guard | as the mutex |
//! | Queued | drop | out of the list | - |
//! | Granted by `notify_one`, mutex not yet locked | drop | as `notify_one` again | as `notify_one` |
//!
//! Invariants:
//! - C1 A waiter is in the list before the mutex is unlocked: whoever locks it next, and signals, finds it
//!   (`models::condvar`).
//! - C2 `waits` = the list is not empty, changed with the lock held. Whoever signals may read it without: a waiter that must
//!   not be missed has unlocked the mutex, which the signaller has locked since.
//! - C3 The list is in the order of rounds: those of former rounds stand at its front and are being woken. `notify_one`
//!   passes them over (`tests/condvar.rs`: a batch is no mark).
//! - C4 Nobody is Granted but by a signal or his deadline: no spurious wake-ups.
//!
//! Locks and ordering: the lock of the list is a leaf, never held while the mutex is locked or unlocked; wakers are cloned
//! before it and woken or dropped after it. What is under the mutex, the mutex shows.
//!
//! Rejected: moving a signalled waiter over into the mutex's list (saves a poll where the signaller holds the mutex still,
//! but ties the two together).
//!
//! Checked by `models::condvar`, `tests/condvar.rs`, `tests/reentrant_waits.rs`, `tests/stress_waits.rs`.
use crate::calm::{discard, in_batches, release};
use crate::mutex::{Lock as MutexLock, MutexGuard};
use dormouse_wait::Instant;
use dormouse_wait::alarm::Alarm;
use dormouse_wait::blocking::wait_for;
use dormouse_wait::frame::{self, Reason, Site};
use dormouse_wait::host;
use dormouse_wait::list::{List, Node, Phase, Removed, Verdict};
use dormouse_wait::lock::Lock;
use dormouse_wait::prim::atomic::{AtomicBool, Ordering::Relaxed};
use futures_core::FusedFuture;
use pin_project::{pin_project, pinned_drop};
use std::fmt;
use std::future::Future;
use std::panic::{Location, RefUnwindSafe, UnwindSafe};
use std::pin::Pin;
use std::task::{Context, Poll, Waker, ready};
use std::time::Duration;

/// What passes between a waiter and who signals.
#[derive(Debug)]
struct Ticket {
    round: u32,
    /// Granted: is the signal one that another could use?
    one: bool,
}

struct Queue {
    round: u32,
    list: List<Ticket>,
}

/// Waits until somebody says that the data of a [`Mutex`](crate::Mutex) has changed: Go's `sync.Cond`.
///
/// [`wait`](Condvar::wait) takes a guard, unlocks its mutex, waits for a signal, and gives a guard again. A signal is not
/// stored: without waiters it is lost. So what is waited for stands in the data, and is looked at with the mutex locked:
///
/// ```
/// use dormouse_sync::{Condvar, Mutex};
/// use std::sync::Arc;
///
/// # tokio::runtime::Runtime::new().unwrap().block_on(async {
/// let shared = Arc::new((Mutex::new(false), Condvar::new()));
/// let other = shared.clone();
/// tokio::spawn(async move {
///     *other.0.lock().await = true;
///     other.1.notify_one();
/// });
/// let mut ready = shared.0.lock().await;
/// while !*ready {
///     ready = shared.1.wait(ready).await;
/// }
/// # });
/// ```
///
/// A wait begins with the first poll of its future, before the mutex is unlocked. It ends by a signal only: there are no
/// spurious wake-ups. But another task may lock the mutex first and change the data back: hence the loop, or
/// [`wait_while`](Condvar::wait_while).
///
/// The mutex need not be locked to signal. Waits cost no allocation; a signal without waiters costs one load.
#[doc(alias = "Cond")]
pub struct Condvar {
    queue: Lock<Queue, AtomicBool>,
}

// No panic of user code happens while the queue is between two states.
impl UnwindSafe for Condvar {}
impl RefUnwindSafe for Condvar {}

impl Condvar {
    const_fn! {
        /// Without waiters.
        pub const fn new() -> Self {
            Condvar { queue: Lock::with_beside(Queue { round: 0, list: List::new() }, AtomicBool::new(false)) }
        }
    }

    /// Unlocks the mutex, waits for a signal, and locks it again.
    ///
    /// # Cancel safety
    /// A dropped future leaves the mutex unlocked, or passes the lock on. A signal of [`notify_one`](Condvar::notify_one)
    /// that it had been given goes to the next waiter, until it has returned the guard.
    ///
    /// # Panics
    /// The future panics if it is polled after it has given the guard.
    ///
    /// # Fairness
    /// Signalled first come, first served. For the mutex it competes with others, as said [there](crate::Mutex#fairness).
    #[track_caller]
    pub fn wait<'c, 'm, T: ?Sized>(&'c self, guard: MutexGuard<'m, T>) -> CondvarWait<'c, 'm, T> {
        CondvarWait::new(self, guard, Location::caller())
    }

    /// [Waits](Condvar::wait) as long as `condition` says so; it is asked with the mutex locked, at first before waiting.
    ///
    /// # Cancel safety
    /// As for [`wait`](Condvar::wait).
    ///
    /// ```
    /// # tokio::runtime::Runtime::new().unwrap().block_on(async {
    /// use dormouse_sync::{Condvar, Mutex};
    ///
    /// let (jobs, more) = (Mutex::new(vec![1]), Condvar::new());
    /// let mut jobs = more.wait_while(jobs.lock().await, |jobs| jobs.is_empty()).await;
    /// assert_eq!(jobs.pop(), Some(1));
    /// # });
    /// ```
    #[track_caller]
    pub fn wait_while<'c, 'm, T: ?Sized, F: FnMut(&mut T) -> bool>(
        &'c self,
        guard: MutexGuard<'m, T>,
        condition: F,
    ) -> CondvarWaitWhile<'c, 'm, T, F> {
        CondvarWaitWhile { wait: self.wait(guard), condition }
    }

    /// [Waits](Condvar::wait) for a signal, or until `timeout` has passed since the first poll. The mutex is locked again
    /// in either case, however long that takes.
    ///
    /// The clock and the alarm are those of the runtime (or simulator) in whose task it is polled; elsewhere the
    /// system's, with a thread of its own that sleeps until the next alarm.
    ///
    /// # Cancel safety
    /// As for [`wait`](Condvar::wait).
    ///
    /// ```
    /// # tokio::runtime::Runtime::new().unwrap().block_on(async {
    /// use dormouse_sync::{Condvar, Mutex};
    /// use std::time::Duration;
    ///
    /// let (data, condvar) = (Mutex::new(1), Condvar::new());
    /// let (guard, result) = condvar.wait_timeout(data.lock().await, Duration::from_millis(1)).await;
    /// assert!(result.timed_out());
    /// assert_eq!(*guard, 1);
    /// # });
    /// ```
    #[track_caller]
    pub fn wait_timeout<'c, 'm, T: ?Sized>(
        &'c self,
        guard: MutexGuard<'m, T>,
        timeout: Duration,
    ) -> CondvarWaitTimeout<'c, 'm, T> {
        CondvarWaitTimeout { wait: self.wait(guard), timeout, until: None, alarm: None, timed_out: false }
    }

    /// [`wait`](Condvar::wait) for a plain thread, which sleeps meanwhile.
    ///
    /// # Panics
    /// Inside an async task, where it would block a worker thread: use `wait(guard).await` there.
    #[track_caller]
    pub fn wait_blocking<'m, T: ?Sized>(&self, guard: MutexGuard<'m, T>) -> MutexGuard<'m, T> {
        wait_for("Condvar::wait_blocking", "wait(guard).await", self.wait(guard))
    }

    /// Signals the longest-waiting one, if somebody waits.
    #[doc(alias = "signal")]
    #[inline]
    pub fn notify_one(&self) {
        // Ordering: Relaxed by C2.
        if self.queue.beside().load(Relaxed) {
            self.signal();
        }
    }

    /// Signals all who wait at this moment.
    #[doc(alias = "broadcast")]
    #[inline]
    pub fn notify_all(&self) {
        // Ordering: Relaxed by C2.
        if self.queue.beside().load(Relaxed) {
            self.signal_all();
        }
    }

    #[cold]
    fn signal(&self) {
        let mut told = false;
        in_batches(|wakes| {
            let mut queue = self.queue.lock();
            let round = queue.round;
            // C3: those of former rounds have their signal.
            release(&mut queue.list, wakes, |ticket| ticket.round != round);
            if !told && !wakes.is_full() {
                told = true;
                if let Some(mut waiter) = queue.list.win() {
                    waiter.with_payload(|ticket| ticket.one = true);
                    waiter.finish(Verdict::Granted).into_iter().for_each(|waker| wakes.push(waker));
                }
            }
            self.settle(&queue);
        });
    }

    #[cold]
    fn signal_all(&self) {
        let mut begun = false;
        in_batches(|wakes| {
            let mut queue = self.queue.lock();
            if !std::mem::replace(&mut begun, true) {
                queue.round = queue.round.wrapping_add(1);
            }
            let round = queue.round;
            release(&mut queue.list, wakes, |ticket| ticket.round != round);
            self.settle(&queue);
        });
    }

    /// C2, after waiters have come or left.
    fn settle(&self, queue: &Queue) {
        // Ordering: Relaxed by C2.
        self.queue.beside().store(!queue.list.is_empty(), Relaxed);
    }

    fn enqueue(&self, mut node: Pin<&mut Node<Ticket>>, waker: Waker) {
        let mut queue = self.queue.lock();
        node.set(Node::new(Ticket { round: queue.round, one: false }));
        // SAFETY: the node is idle and pinned, and the future's `Drop` removes it before its memory goes.
        unsafe { queue.list.push_back(node.into_ref(), waker) };
        self.settle(&queue);
    }

    /// Takes `node` out of the list if it is there; then that is said, with its waker.
    fn leave(&self, node: Pin<&Node<Ticket>>) -> Option<Option<Waker>> {
        let mut queue = self.queue.lock();
        // SAFETY: if it was queued, it was in this list.
        let Removed::WasQueued(waker) = (unsafe { queue.list.remove(node) }) else { return None };
        self.settle(&queue);
        Some(waker)
    }

    #[cfg(all(test, dormouse_loom))]
    pub(crate) fn is_idle(&self) -> bool {
        self.queue.lock().list.is_empty()
    }
}

impl Default for Condvar {
    fn default() -> Self {
        Condvar::new()
    }
}

impl fmt::Debug for Condvar {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Condvar").field("waiters", &self.queue.beside().load(Relaxed)).finish()
    }
}

/// The future of [`Condvar::wait`].
#[must_use = "a future does nothing unless it is awaited; the mutex stays locked until it is polled or dropped"]
#[pin_project(PinnedDrop)]
pub struct CondvarWait<'c, 'm, T: ?Sized> {
    condvar: &'c Condvar,
    /// Until the first poll.
    guard: Option<MutexGuard<'m, T>>,
    #[pin]
    node: Node<Ticket>,
    /// For the way back.
    #[pin]
    lock: MutexLock<'m, T>,
    site: Site,
}

impl<'m, T: ?Sized> Future for CondvarWait<'_, 'm, T> {
    type Output = MutexGuard<'m, T>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<MutexGuard<'m, T>> {
        let mut this = self.project();
        match this.node.phase() {
            Phase::Idle => {
                ready!(frame::poll_spend(cx));
                let waker = cx.waker().clone();
                // C1.
                this.condvar.enqueue(this.node.as_mut(), waker);
                *this.guard = None;
            }
            Phase::Queued => {
                let waker = cx.waker().clone();
                // SAFETY: if the node was queued, it was in this list.
                let unused = unsafe { this.condvar.queue.lock().list.rewake(this.node.as_ref(), waker) };
                discard(Some(unused));
            }
            Phase::Granted | Phase::Closed => (),
            Phase::Spent => panic!("the future of Condvar::wait was polled after it had finished"),
        }
        if this.node.phase() == Phase::Queued {
            frame::note_on(Reason::CondWait, Some(this.site), *this.condvar);
            return Poll::Pending;
        }
        let guard = ready!(this.lock.poll(cx));
        this.node.spend();
        Poll::Ready(guard)
    }
}

impl<'c, 'm, T: ?Sized> CondvarWait<'c, 'm, T> {
    fn new(condvar: &'c Condvar, guard: MutexGuard<'m, T>, site: Site) -> Self {
        let lock = MutexLock::new(MutexGuard::mutex(&guard), site);
        let node = Node::new(Ticket { round: 0, one: false });
        CondvarWait { condvar, guard: Some(guard), node, lock, site }
    }

    /// Is it waiting for a signal?
    fn is_waiting(&self) -> bool {
        self.node.phase() == Phase::Queued
    }

    /// The guard, before the first poll: then the future is done.
    fn take_guard(self: Pin<&mut Self>) -> Option<MutexGuard<'m, T>> {
        let this = self.project();
        let guard = this.guard.take()?;
        this.node.spend();
        Some(guard)
    }

    /// Ends the wait without a signal, to lock the mutex again; false if it has ended before.
    fn give_up(self: Pin<&mut Self>) -> bool {
        let this = self.project();
        let Some(waker) = this.condvar.leave(this.node.as_ref()) else { return false };
        this.node.conclude(Verdict::Granted);
        discard(waker);
        true
    }
}

impl<T: ?Sized> FusedFuture for CondvarWait<'_, '_, T> {
    fn is_terminated(&self) -> bool {
        self.node.phase() == Phase::Spent
    }
}

#[pinned_drop]
impl<T: ?Sized> PinnedDrop for CondvarWait<'_, '_, T> {
    fn drop(self: Pin<&mut Self>) {
        let this = self.project();
        let mut waker = None;
        if this.node.phase() == Phase::Queued {
            waker = this.condvar.leave(this.node.as_ref()).flatten();
        }
        if this.node.phase() == Phase::Granted {
            // SAFETY: granted, the node is its owner's.
            let one = unsafe { this.node.with_payload(|ticket| ticket.one) };
            this.node.spend();
            if one {
                this.condvar.notify_one();
            }
        }
        discard(waker);
    }
}

impl<T: ?Sized> fmt::Debug for CondvarWait<'_, '_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CondvarWait").field("done", &self.is_terminated()).finish_non_exhaustive()
    }
}

/// The future of [`Condvar::wait_while`].
#[must_use = "a future does nothing unless it is awaited; the mutex stays locked until it is polled or dropped"]
#[pin_project]
pub struct CondvarWaitWhile<'c, 'm, T: ?Sized, F> {
    #[pin]
    wait: CondvarWait<'c, 'm, T>,
    condition: F,
}

impl<'m, T: ?Sized, F: FnMut(&mut T) -> bool> Future for CondvarWaitWhile<'_, 'm, T, F> {
    type Output = MutexGuard<'m, T>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<MutexGuard<'m, T>> {
        let mut this = self.project();
        loop {
            if let Some(guard) = this.wait.as_mut().project().guard
                && !(this.condition)(guard)
            {
                return Poll::Ready(this.wait.take_guard().expect("it was there just now"));
            }
            let guard = ready!(this.wait.as_mut().poll(cx));
            let (condvar, site) = (this.wait.condvar, this.wait.site);
            this.wait.set(CondvarWait::new(condvar, guard, site));
        }
    }
}

impl<T: ?Sized, F: FnMut(&mut T) -> bool> FusedFuture for CondvarWaitWhile<'_, '_, T, F> {
    fn is_terminated(&self) -> bool {
        self.wait.is_terminated()
    }
}

impl<T: ?Sized, F> fmt::Debug for CondvarWaitWhile<'_, '_, T, F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CondvarWaitWhile").field("done", &self.wait.is_terminated()).finish_non_exhaustive()
    }
}

/// Whether a [`Condvar::wait_timeout`] ended by its time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct WaitTimeoutResult(bool);

impl WaitTimeoutResult {
    /// Was there no signal in time?
    pub fn timed_out(&self) -> bool {
        self.0
    }
}

/// The future of [`Condvar::wait_timeout`].
#[must_use = "a future does nothing unless it is awaited; the mutex stays locked until it is polled or dropped"]
#[pin_project]
pub struct CondvarWaitTimeout<'c, 'm, T: ?Sized> {
    #[pin]
    wait: CondvarWait<'c, 'm, T>,
    timeout: Duration,
    /// Since the first poll; the inner `None` is never.
    until: Option<Option<Instant>>,
    alarm: Option<Alarm>,
    timed_out: bool,
}

impl<'m, T: ?Sized> Future for CondvarWaitTimeout<'_, 'm, T> {
    type Output = (MutexGuard<'m, T>, WaitTimeoutResult);

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let mut this = self.project();
        loop {
            if let Poll::Ready(guard) = this.wait.as_mut().poll(cx) {
                *this.alarm = None;
                return Poll::Ready((guard, WaitTimeoutResult(*this.timed_out)));
            }
            if !this.wait.is_waiting() {
                // For the mutex.
                return Poll::Pending;
            }
            let until = *this.until.get_or_insert_with(|| Instant::now().checked_add(*this.timeout));
            let Some(until) = until else { return Poll::Pending };
            if Instant::now() < until {
                host::renew(this.alarm, until, cx.waker());
                return Poll::Pending;
            }
            *this.alarm = None;
            *this.timed_out = this.wait.as_mut().give_up();
        }
    }
}

impl<T: ?Sized> FusedFuture for CondvarWaitTimeout<'_, '_, T> {
    fn is_terminated(&self) -> bool {
        self.wait.is_terminated()
    }
}

impl<T: ?Sized> fmt::Debug for CondvarWaitTimeout<'_, '_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CondvarWaitTimeout").field("done", &self.wait.is_terminated()).finish_non_exhaustive()
    }
}
