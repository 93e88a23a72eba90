//! The receiving half, its future, its stream and its iterator for plain threads.
use crate::chan::Chan;
use crate::error::TryRecvError;
use crate::parked::Parked;
use crate::wait::RecvWait;
use dormouse_wait::blocking;
use dormouse_wait::frame::Site;
use dormouse_wait::list::Phase;
use dormouse_wait::prim::Arc;
use futures_core::{FusedFuture, FusedStream, Stream};
use pin_project::pin_project;
use std::fmt;
use std::future::Future;
use std::panic::Location;
use std::pin::Pin;
use std::task::{Context, Poll};

/// The receiving half of a channel. Clones receive from the same channel; each value goes to exactly one of them.
///
/// When the last `Receiver` is dropped, the channel closes and what is left in it is dropped.
///
/// **Fairness**: waiting receivers are served first come, first served; nobody overtakes them.
///
/// It is also a [`Stream`]: `rx.next().await` with `futures::StreamExt`. The stream waits in the receiver itself, so
/// a dropped `next()` keeps the receiver's place in the queue, and the value that it may be given; the next operation
/// on the same receiver gets it. Where waits are often given up, use [`recv`](Receiver::recv), which leaves the queue.
///
/// ```
/// # tokio_test::block_on(async {
/// let (tx, rx) = dormouse_chan::bounded(0);
/// let sum = async {
///     let mut sum = 0;
///     while let Some(n) = rx.recv().await { // Go's `for n := range ch`
///         sum += n;
///     }
///     sum
/// };
/// let send = async move {
///     for n in 1..=4 {
///         tx.send(n).await.unwrap();
///     }
/// };
/// assert_eq!(futures::join!(sum, send).0, 10);
/// # });
/// ```
pub struct Receiver<T> {
    pub(crate) chan: Arc<Chan<T>>,
    /// The wait of the stream, made at its first Pending.
    parked: Parked<T>,
}

impl<T> Receiver<T> {
    pub(crate) fn new(chan: Arc<Chan<T>>) -> Self {
        Receiver { chan, parked: Parked::new() }
    }

    /// The channel, for a receive by other means than the stream: the stream's own wait, if there is one, leaves the
    /// queue first, and what it was given goes back to the front.
    #[inline(always)]
    pub(crate) fn chan(&self) -> &Chan<T> {
        self.parked.leave();
        &self.chan
    }

    /// Receives the next value, waiting for one; `None` when the channel is closed and drained (Go's `v, ok := <-c`).
    ///
    /// One thing is not in Go, where nobody gives up a receive: a value that was handed to another receiver whose future
    /// is then dropped comes back to the channel. So with several receivers, after a close, one `recv` may give `None`
    /// and a later one that value.
    ///
    /// Nothing happens before the future is polled.
    ///
    /// # Panics
    /// If the future is polled after it was ready.
    ///
    /// # Cancel safety
    /// Safe to drop at any moment: a value that had been handed to it goes to the next waiting receiver, or back to
    /// the front of the channel.
    ///
    /// # Fairness
    /// Waiting receivers are served first come, first served.
    #[track_caller]
    #[inline(always)]
    #[doc(alias = "<-")]
    pub fn recv(&self) -> RecvFuture<'_, T> {
        RecvFuture { wait: RecvWait::new(self.chan()), site: Location::caller() }
    }

    /// Receives a value if there is one at once: one is buffered, or a sender waits.
    ///
    /// It spends nothing of the task's turn: a loop of it, without an await, lets no other task run.
    ///
    /// # Errors
    /// [`TryRecvError`]: `Empty` if it would have to wait, `Closed` if the channel is closed and drained.
    ///
    /// ```
    /// use dormouse_chan::TryRecvError;
    /// let (tx, rx) = dormouse_chan::bounded(1);
    /// assert_eq!(rx.try_recv(), Err(TryRecvError::Empty));
    /// tx.try_send(1).unwrap();
    /// drop(tx);
    /// assert_eq!(rx.try_recv(), Ok(1));
    /// assert_eq!(rx.try_recv(), Err(TryRecvError::Closed));
    /// ```
    #[inline]
    pub fn try_recv(&self) -> Result<T, TryRecvError> {
        self.chan().try_recv()
    }

    /// [`recv`](Receiver::recv) for a plain thread, which it blocks.
    ///
    /// # Panics
    /// Inside a task of the dormouse runtime, whether it has to wait or not: it would block a worker.
    #[track_caller]
    pub fn recv_blocking(&self) -> Option<T> {
        const WHAT: &str = "Receiver::recv_blocking";
        const INSTEAD: &str = "recv().await";
        blocking::check(WHAT, INSTEAD);
        match self.try_recv() {
            Ok(value) => Some(value),
            Err(TryRecvError::Closed) => None,
            Err(TryRecvError::Empty) => blocking::wait_for(WHAT, INSTEAD, self.recv()),
        }
    }

    /// An iterator for a plain thread: blocks for each value, ends when the channel is closed and drained.
    ///
    /// ```
    /// let (tx, rx) = dormouse_chan::bounded(0);
    /// let sender = std::thread::spawn(move || (1..=3).for_each(|n| tx.send_blocking(n).unwrap()));
    /// assert_eq!(rx.iter().sum::<i32>(), 6);
    /// # sender.join().unwrap();
    /// ```
    ///
    /// # Panics
    /// Its `next` panics inside a task of the dormouse runtime.
    pub fn iter(&self) -> Iter<'_, T> {
        Iter { receiver: self }
    }

    /// Closes the channel from this side: senders fail, what is buffered can still be received. True the first time.
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

    /// Is the channel closed? What is in it can still be received.
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

    /// Do both receive from the same channel?
    pub fn same_channel(&self, other: &Receiver<T>) -> bool {
        Arc::ptr_eq(&self.chan, &other.chan)
    }
}

impl<T> Clone for Receiver<T> {
    fn clone(&self) -> Self {
        self.chan.receivers.add();
        Receiver::new(self.chan.clone())
    }
}

impl<T> Drop for Receiver<T> {
    fn drop(&mut self) {
        self.parked.leave();
        if self.chan.receivers.remove() {
            self.chan.abandoned();
        }
    }
}

impl<T> fmt::Debug for Receiver<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.chan.describe(f.debug_struct("Receiver"))
    }
}

impl<T> Stream for Receiver<T> {
    type Item = T;

    /// The first poll that has to wait allocates; later ones do not.
    #[track_caller]
    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<T>> {
        let this = self.get_mut();
        this.parked.poll_next(&this.chan, cx, Location::caller())
    }
}

impl<T> FusedStream for Receiver<T> {
    fn is_terminated(&self) -> bool {
        self.parked.has_ended()
    }
}

/// The future of [`Receiver::recv`].
#[pin_project]
#[must_use = "futures do nothing unless polled: `.await` it"]
pub struct RecvFuture<'a, T> {
    #[pin]
    wait: RecvWait<'a, T>,
    site: Site,
}

impl<T> Future for RecvFuture<'_, T> {
    type Output = Option<T>;
    #[inline(always)]
    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<T>> {
        let this = self.as_ref().project_ref();
        this.wait.poll(cx, this.site)
    }
}

impl<T> FusedFuture for RecvFuture<'_, T> {
    fn is_terminated(&self) -> bool {
        self.wait.phase() == Phase::Spent
    }
}

impl<T> fmt::Debug for RecvFuture<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RecvFuture").field("phase", &self.wait.phase()).finish_non_exhaustive()
    }
}

/// The iterator of [`Receiver::iter`].
#[must_use = "iterators are lazy: nothing is received before `next`"]
pub struct Iter<'a, T> {
    receiver: &'a Receiver<T>,
}

impl<T> fmt::Debug for Iter<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Iter").field("receiver", self.receiver).finish()
    }
}

impl<T> Iterator for Iter<'_, T> {
    type Item = T;
    fn next(&mut self) -> Option<T> {
        self.receiver.recv_blocking()
    }
}

impl<'a, T> IntoIterator for &'a Receiver<T> {
    type Item = T;
    type IntoIter = Iter<'a, T>;
    fn into_iter(self) -> Iter<'a, T> {
        self.iter()
    }
}
