//! The receiving half, its futures and its stream.
use super::RecvError;
use super::core::{Event, Shared, Version};
use super::guard::Ref;
use super::wait::Wait;
use dormouse_wait::prim::Arc;
use dormouse_wait::prim::atomic::Ordering::*;
use futures_core::{FusedFuture, FusedStream, Stream};
use pin_project::pin_project;
use std::fmt;
use std::future::Future;
use std::panic::{Location, RefUnwindSafe, UnwindSafe};
use std::pin::Pin;
use std::task::{Context, Poll, ready};

/// The receiving half of a [`watch`](super::watch()) channel. Each receiver knows which version of the value it has seen;
/// a clone has seen the same.
///
/// ```
/// # tokio_test::block_on(async {
/// let (tx, mut rx) = dormouse_chan::watch(1);
/// let mut other = rx.clone();
/// tx.send(2).unwrap();
/// rx.changed().await.unwrap();
/// other.changed().await.unwrap(); // each sees it
/// assert_eq!((*rx.borrow(), *other.borrow()), (2, 2));
/// drop(tx);
/// assert!(rx.changed().await.is_err());
/// # });
/// ```
pub struct Receiver<T> {
    shared: Arc<Shared<T>>,
    seen: Version,
}

impl<T> Receiver<T> {
    /// The caller has counted it.
    pub(super) fn new(shared: Arc<Shared<T>>) -> Self {
        let seen = shared.version();
        Receiver { shared, seen }
    }

    /// Looks at the latest value, and leaves it unseen if it was. See [`Ref`] for what that holds.
    ///
    /// # Panics
    /// Inside a closure of [`send_modify`](super::Sender::send_modify) and the like on this channel.
    pub fn borrow(&self) -> Ref<'_, T> {
        let (value, version) = self.shared.borrow();
        Ref::new(value, version != self.seen)
    }

    /// Looks at the latest value, which is seen then: [`changed`](Receiver::changed) waits for a later one. After
    /// `changed`, this rather than [`borrow`](Receiver::borrow): what is sent in between would be looked at, and be a
    /// change again. See [`Ref`] for what it holds.
    ///
    /// # Panics
    /// As [`borrow`](Receiver::borrow).
    pub fn borrow_and_update(&mut self) -> Ref<'_, T> {
        let (value, version) = self.shared.borrow();
        let changed = version != std::mem::replace(&mut self.seen, version);
        Ref::new(value, changed)
    }

    /// Waits for a value that this receiver has not seen, and marks it as seen. Ready at once if there is one.
    ///
    /// Nothing happens before the future is polled.
    ///
    /// # Errors
    /// [`RecvError`] if all senders are gone and their last value is seen.
    ///
    /// # Panics
    /// If the future is polled after it was ready.
    ///
    /// # Cancel safety
    /// Safe to drop at any moment: only a future that is ready marks a value as seen.
    ///
    /// # Fairness
    /// All who wait are woken, in the order in which they came.
    #[track_caller]
    pub fn changed(&mut self) -> ChangedFuture<'_, T> {
        let wait = Wait::new(&self.shared, Event::Change, Location::caller());
        ChangedFuture { wait, seen: &mut self.seen }
    }

    /// Waits for a value for which `pred` says true; the present one is looked at first, seen or not. All that were looked
    /// at are seen then.
    ///
    /// `pred` sees the latest value each time: values in between may be missed, as ever.
    ///
    /// # Errors
    /// [`RecvError`] if all senders are gone, and the last value is not it.
    ///
    /// # Panics
    /// If the future is polled after it was ready. If `pred` panics, the receiver has seen the value that it looked at.
    ///
    /// # Cancel safety
    /// Safe to drop at any moment.
    ///
    /// # Fairness
    /// As [`changed`](Receiver::changed).
    ///
    /// ```
    /// # tokio_test::block_on(async {
    /// let (tx, mut rx) = dormouse_chan::watch(0);
    /// let thread = std::thread::spawn(move || (1..=5).for_each(|n| _ = tx.send_replace(n)));
    /// assert!(*rx.wait_for(|n| *n >= 3).await.unwrap() >= 3);
    /// assert!(rx.wait_for(|n| *n > 5).await.is_err());
    /// # thread.join().unwrap();
    /// # });
    /// ```
    #[track_caller]
    pub fn wait_for<F: FnMut(&T) -> bool>(&mut self, pred: F) -> WaitForFuture<'_, T, F> {
        let wait = Wait::new(&self.shared, Event::Change, Location::caller());
        WaitForFuture { wait, seen: &mut self.seen, pred, looked: false }
    }

    /// Is there a value that this receiver has not seen?
    ///
    /// # Errors
    /// [`RecvError`] if all senders are gone, though the last value may be unseen: [`borrow`](Receiver::borrow) and its
    /// [`has_changed`](Ref::has_changed) tell.
    pub fn has_changed(&self) -> Result<bool, RecvError> {
        if self.shared.is_closed() { Err(RecvError) } else { Ok(self.shared.version() != self.seen) }
    }

    /// Marks the present value as unseen: the next [`changed`](Receiver::changed) is ready at once.
    ///
    /// ```
    /// let (tx, mut rx) = dormouse_chan::watch(1);
    /// assert_eq!(rx.has_changed(), Ok(false));
    /// rx.mark_changed();
    /// assert_eq!(rx.has_changed(), Ok(true));
    /// rx.mark_unchanged();
    /// assert_eq!(rx.has_changed(), Ok(false));
    /// # drop(tx);
    /// ```
    pub fn mark_changed(&mut self) {
        self.seen = self.shared.version().before();
    }

    /// Marks the present value as seen, without a look at it.
    pub fn mark_unchanged(&mut self) {
        self.seen = self.shared.version();
    }

    /// Do both watch the same channel?
    pub fn same_channel(&self, other: &Receiver<T>) -> bool {
        Arc::ptr_eq(&self.shared, &other.shared)
    }
}

impl<T: Clone> Receiver<T> {
    /// The changes as a [`Stream`] of clones of the values, which are seen then; it ends when all senders are gone and the
    /// last value is seen. To begin with the present value, call [`mark_changed`](Receiver::mark_changed) before.
    ///
    /// It allocates nothing and must be pinned: `let mut changes = std::pin::pin!(rx.changes());`.
    ///
    /// # Cancel safety
    /// `next()` may be dropped at any moment.
    ///
    /// ```
    /// use futures::StreamExt;
    /// # tokio_test::block_on(async {
    /// let (tx, mut rx) = dormouse_chan::watch(1);
    /// rx.mark_changed();
    /// let mut changes = std::pin::pin!(rx.changes());
    /// assert_eq!(changes.next().await, Some(1));
    /// tx.send(2).unwrap();
    /// drop(tx);
    /// assert_eq!(changes.next().await, Some(2));
    /// assert_eq!(changes.next().await, None);
    /// # });
    /// ```
    #[track_caller]
    pub fn changes(&mut self) -> Changes<'_, T> {
        let wait = Wait::new(&self.shared, Event::Change, Location::caller());
        Changes { wait, seen: &mut self.seen }
    }
}

impl<T> Clone for Receiver<T> {
    fn clone(&self) -> Self {
        // Ordering: Relaxed, as for any count that is raised by someone who holds one.
        self.shared.receivers.fetch_add(1, Relaxed);
        Receiver { shared: self.shared.clone(), seen: self.seen }
    }
}

impl<T> Drop for Receiver<T> {
    fn drop(&mut self) {
        self.shared.leave_receiver();
    }
}

impl<T> fmt::Debug for Receiver<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.shared.describe(f.debug_struct("Receiver"))
    }
}

impl<T> UnwindSafe for Receiver<T> {}
impl<T> RefUnwindSafe for Receiver<T> {}

/// The future of [`Receiver::changed`].
#[pin_project]
#[must_use = "futures do nothing unless polled: `.await` it"]
pub struct ChangedFuture<'a, T> {
    #[pin]
    wait: Wait<'a, T>,
    seen: &'a mut Version,
}

impl<T> Future for ChangedFuture<'_, T> {
    type Output = Result<(), RecvError>;
    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<(), RecvError>> {
        let this = self.project();
        let wait = this.wait.into_ref();
        ready!(wait.poll(**this.seen, cx));
        let version = wait.shared().version();
        let changed = version != std::mem::replace(*this.seen, version);
        Poll::Ready(if changed { Ok(()) } else { Err(RecvError) })
    }
}

impl<T> FusedFuture for ChangedFuture<'_, T> {
    fn is_terminated(&self) -> bool {
        self.wait.is_over()
    }
}

impl<T> fmt::Debug for ChangedFuture<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ChangedFuture").field("done", &self.wait.is_over()).finish_non_exhaustive()
    }
}

/// The future of [`Receiver::wait_for`].
#[pin_project]
#[must_use = "futures do nothing unless polled: `.await` it"]
pub struct WaitForFuture<'a, T, F> {
    #[pin]
    wait: Wait<'a, T>,
    seen: &'a mut Version,
    pred: F,
    /// Has the version that is seen been looked at?
    looked: bool,
}

impl<'a, T, F: FnMut(&T) -> bool> Future for WaitForFuture<'a, T, F> {
    type Output = Result<Ref<'a, T>, RecvError>;
    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.project();
        let wait = this.wait.into_ref();
        loop {
            if !*this.looked {
                let (value, version) = wait.shared().borrow();
                let value = Ref::new(value, version != std::mem::replace(*this.seen, version));
                *this.looked = true;
                if (this.pred)(&value) {
                    wait.end();
                    return Poll::Ready(Ok(value));
                }
            }
            ready!(wait.poll(**this.seen, cx));
            if wait.shared().version() == **this.seen {
                return Poll::Ready(Err(RecvError));
            }
            wait.reset();
            *this.looked = false;
        }
    }
}

impl<T, F: FnMut(&T) -> bool> FusedFuture for WaitForFuture<'_, T, F> {
    fn is_terminated(&self) -> bool {
        self.wait.is_over()
    }
}

impl<T, F> fmt::Debug for WaitForFuture<'_, T, F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("WaitForFuture").field("done", &self.wait.is_over()).finish_non_exhaustive()
    }
}

/// The stream of [`Receiver::changes`].
#[pin_project]
#[must_use = "streams do nothing unless polled"]
pub struct Changes<'a, T> {
    #[pin]
    wait: Wait<'a, T>,
    seen: &'a mut Version,
}

impl<T: Clone> Stream for Changes<'_, T> {
    type Item = T;
    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<T>> {
        let this = self.project();
        let wait = this.wait.into_ref();
        if wait.is_over() {
            return Poll::Ready(None);
        }
        ready!(wait.poll(**this.seen, cx));
        let (value, version) = wait.shared().borrow();
        if version == **this.seen {
            return Poll::Ready(None);
        }
        wait.reset(); // before the clone: a panic of it ends neither the stream nor loses the value
        let value = Ref::new(value, true).clone();
        **this.seen = version;
        Poll::Ready(Some(value))
    }
}

impl<T: Clone> FusedStream for Changes<'_, T> {
    fn is_terminated(&self) -> bool {
        self.wait.is_over()
    }
}

impl<T> fmt::Debug for Changes<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Changes").field("done", &self.wait.is_over()).finish_non_exhaustive()
    }
}
