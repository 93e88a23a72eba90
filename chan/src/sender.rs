//! The sending half and its futures.
use crate::chan::Chan;
use crate::error::{SendError, TrySendError};
use crate::wait::SendWait;
use dormouse_wait::blocking;
use dormouse_wait::frame::{self, Reason, Site};
use dormouse_wait::list::Phase;
use dormouse_wait::prim::Arc;
use futures_core::FusedFuture;
use pin_project::{pin_project, pinned_drop};
use std::fmt;
use std::future::Future;
use std::panic::Location;
use std::pin::Pin;
use std::task::{Context, Poll};

/// The sending half of a channel. Clones send into the same channel; any number of tasks and threads may.
///
/// The channel closes when the last `Sender` is dropped, or by [`close`](Sender::close) on either half.
///
/// **Fairness**: values arrive in the order in which their sends found room; waiting senders are served first come,
/// first served, and nobody overtakes them.
///
/// ```
/// # tokio_test::block_on(async {
/// let (tx, rx) = dormouse_chan::bounded(2);
/// tx.send("one").await.unwrap();
/// tx.clone().send("two").await.unwrap();
/// drop(tx);
/// assert_eq!(rx.recv().await, Some("one"));
/// assert_eq!(rx.recv().await, Some("two"));
/// assert_eq!(rx.recv().await, None);
/// # });
/// ```
pub struct Sender<T> {
    pub(crate) chan: Arc<Chan<T>>,
}

impl<T> Sender<T> {
    /// The channel; of a receiver, that [does more](crate::Receiver::chan).
    #[inline(always)]
    pub(crate) fn chan(&self) -> &Chan<T> {
        &self.chan
    }

    /// Sends `value`, waiting until there is room, or, at capacity 0, until a receiver takes it.
    ///
    /// Nothing happens before the future is polled.
    ///
    /// # Errors
    /// [`SendError`] with the value, if the channel is closed, also if that happens during the wait.
    ///
    /// # Panics
    /// If the future is polled after it was ready.
    ///
    /// # Cancel safety
    /// A future that is dropped while it waits has not sent, and the value is dropped with it. Once a receiver, or room
    /// in the buffer, has taken the value, it is sent, also if the future is dropped before it is polled again. To keep
    /// the value, and to know which it was, use [`send_from`](Sender::send_from).
    ///
    /// # Fairness
    /// Waiting senders are served first come, first served.
    #[track_caller]
    #[inline(always)]
    #[doc(alias = "<-")]
    pub fn send(&self, value: T) -> SendFuture<'_, T> {
        SendFuture { wait: SendWait::new(&self.chan, value), site: Location::caller() }
    }

    /// Sends the value out of `from`, and leaves it there if the send is given up.
    ///
    /// `from` is emptied when the future waits or sends; dropped before it was sent, the future puts the value back.
    /// An empty `from` makes a future that is never ready, as a nil channel does in Go. (A future that is leaked by
    /// `mem::forget` while it waits leaks the value.)
    ///
    /// # Errors
    /// [`SendError`] with the value, if the channel is closed; `from` is then empty.
    ///
    /// # Panics
    /// If the future is polled after it was ready.
    ///
    /// # Cancel safety
    /// Dropped before it is ready, the future has not sent, and the value is in `from` again; or it has, if a receiver or
    /// room in the buffer had taken the value already, and `from` is empty.
    ///
    /// # Fairness
    /// As [`send`](Sender::send).
    ///
    /// ```
    /// # tokio_test::block_on(async {
    /// let (tx, rx) = dormouse_chan::bounded(0);
    /// let mut job = Some(String::from("dig"));
    /// let wait = std::time::Duration::from_millis(1);
    /// assert!(tokio::time::timeout(wait, tx.send_from(&mut job)).await.is_err()); // nobody receives
    /// assert_eq!(job.as_deref(), Some("dig")); // and nothing is lost
    /// # drop(rx);
    /// # });
    /// ```
    ///
    /// Where there is a `q: &mut Option<T>` already, the method takes `q` as it stands, and `q` serves again afterwards.
    /// The arm of [`select!`](crate::select!) takes the place itself, `*q`:
    /// ```
    /// use dormouse_chan::{SendError, Sender, bounded, select};
    ///
    /// async fn send_both(tx: &Sender<u8>, q: &mut Option<u8>) -> Result<(), SendError<u8>> {
    ///     tx.send_from(q).await?;
    ///     *q = Some(2);
    ///     select! { send_from(tx, *q) -> sent => sent }
    /// }
    /// # tokio_test::block_on(async {
    /// let (tx, rx) = bounded(2);
    /// send_both(&tx, &mut Some(1)).await.unwrap();
    /// assert_eq!((rx.recv().await, rx.recv().await), (Some(1), Some(2)));
    /// # });
    /// ```
    #[track_caller]
    pub fn send_from<'a>(&'a self, from: &'a mut Option<T>) -> SendFromFuture<'a, T> {
        SendFromFuture { chan: &self.chan, from, wait: None, done: false, site: Location::caller() }
    }

    /// Sends `value` if that is possible at once: there is room, or a receiver waits.
    ///
    /// # Errors
    /// [`TrySendError`] with the value: `Full` if it would have to wait, `Closed` if the channel is closed.
    ///
    /// ```
    /// let (tx, rx) = dormouse_chan::bounded(1);
    /// assert!(tx.try_send(1).is_ok());
    /// assert!(tx.try_send(2).unwrap_err().is_full());
    /// drop(rx);
    /// assert!(tx.try_send(3).unwrap_err().is_closed());
    /// ```
    #[inline]
    pub fn try_send(&self, value: T) -> Result<(), TrySendError<T>> {
        self.chan.try_send(value)
    }

    /// [`send`](Sender::send) for a plain thread, which it blocks.
    ///
    /// # Errors
    /// [`SendError`] with the value, if the channel is closed.
    ///
    /// # Panics
    /// Inside a task of the dormouse runtime, whether it has to wait or not: it would block a worker.
    #[track_caller]
    pub fn send_blocking(&self, value: T) -> Result<(), SendError<T>> {
        const WHAT: &str = "Sender::send_blocking";
        const INSTEAD: &str = "send(value).await";
        blocking::check(WHAT, INSTEAD);
        match self.chan.try_send(value) {
            Ok(()) => Ok(()),
            Err(TrySendError::Closed(value)) => Err(SendError(value)),
            Err(TrySendError::Full(value)) => blocking::wait_for(WHAT, INSTEAD, self.send(value)),
        }
    }

    /// Closes the channel: later and waiting sends fail with their values, what is buffered can still be received.
    /// True the first time. (Go's second `close` panics; a channel of [`never`](crate::never) stays open.)
    ///
    /// ```
    /// # tokio_test::block_on(async {
    /// let (tx, rx) = dormouse_chan::bounded(1);
    /// tx.send(1).await.unwrap();
    /// assert!(tx.close() && !tx.close());
    /// assert_eq!(tx.send(2).await.unwrap_err().into_inner(), 2);
    /// assert_eq!((rx.recv().await, rx.recv().await), (Some(1), None));
    /// # });
    /// ```
    pub fn close(&self) -> bool {
        self.chan.close()
    }

    /// The number of values in the channel at this moment, 0 at capacity 0. No synchronisation is implied.
    pub fn len(&self) -> usize {
        self.chan.len()
    }

    /// Are there no values in the channel at this moment?
    pub fn is_empty(&self) -> bool {
        self.chan.len() == 0
    }

    /// Is there no room in the buffer at this moment? Always true at capacity 0, never if unbounded.
    pub fn is_full(&self) -> bool {
        self.chan.is_full()
    }

    /// The number of values that can be buffered; `None` = unbounded.
    #[doc(alias = "cap")]
    pub fn capacity(&self) -> Option<usize> {
        self.chan.capacity()
    }

    /// Is the channel closed?
    pub fn is_closed(&self) -> bool {
        self.chan.is_closed()
    }

    /// The number of senders at this moment.
    pub fn sender_count(&self) -> usize {
        self.chan.senders.count()
    }

    /// The number of receivers at this moment.
    pub fn receiver_count(&self) -> usize {
        self.chan.receivers.count()
    }

    /// Do both send into the same channel?
    pub fn same_channel(&self, other: &Sender<T>) -> bool {
        Arc::ptr_eq(&self.chan, &other.chan)
    }
}

impl<T> Clone for Sender<T> {
    fn clone(&self) -> Self {
        self.chan.senders.add();
        Sender { chan: self.chan.clone() }
    }
}

impl<T> Drop for Sender<T> {
    fn drop(&mut self) {
        if self.chan.senders.remove() {
            self.chan.sealed();
        }
    }
}

impl<T> fmt::Debug for Sender<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.chan.describe(f.debug_struct("Sender"))
    }
}

/// The future of [`Sender::send`].
#[pin_project]
#[must_use = "futures do nothing unless polled: `.await` it"]
pub struct SendFuture<'a, T> {
    #[pin]
    wait: SendWait<'a, T>,
    site: Site,
}

impl<T> Future for SendFuture<'_, T> {
    type Output = Result<(), SendError<T>>;
    #[inline(always)]
    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.as_ref().project_ref();
        this.wait.poll(cx, this.site)
    }
}

impl<T> FusedFuture for SendFuture<'_, T> {
    fn is_terminated(&self) -> bool {
        self.wait.phase() == Phase::Spent
    }
}

impl<T> fmt::Debug for SendFuture<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SendFuture").field("phase", &self.wait.phase()).finish_non_exhaustive()
    }
}

/// The future of [`Sender::send_from`].
#[pin_project(PinnedDrop)]
#[must_use = "futures do nothing unless polled: `.await` it"]
pub struct SendFromFuture<'a, T> {
    chan: &'a Chan<T>,
    from: &'a mut Option<T>,
    #[pin]
    wait: Option<SendWait<'a, T>>,
    done: bool,
    site: Site,
}

impl<T> Future for SendFromFuture<'_, T> {
    type Output = Result<(), SendError<T>>;
    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let mut this = self.project();
        assert!(!*this.done, "a finished channel future was polled again");
        if this.wait.is_none() {
            let Some(value) = this.from.take() else {
                frame::note(Reason::ChanSendNil, Some(this.site));
                return Poll::Pending;
            };
            this.wait.set(Some(SendWait::new(this.chan, value)));
        }
        let Some(wait) = this.wait.as_ref().as_pin_ref() else { return Poll::Pending };
        let poll = wait.poll(cx, this.site);
        *this.done = poll.is_ready();
        poll
    }
}

#[pinned_drop]
impl<T> PinnedDrop for SendFromFuture<'_, T> {
    fn drop(self: Pin<&mut Self>) {
        let this = self.project();
        if let Some(wait) = this.wait.as_ref().as_pin_ref()
            && let Some(value) = wait.withdraw()
        {
            **this.from = Some(value);
        }
    }
}

impl<T> FusedFuture for SendFromFuture<'_, T> {
    fn is_terminated(&self) -> bool {
        self.done
    }
}

impl<T> fmt::Debug for SendFromFuture<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SendFromFuture").field("done", &self.done).finish_non_exhaustive()
    }
}
