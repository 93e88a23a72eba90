//! The receiving half, its future and its stream.
//!
//! A receiver waits with one node, which it owns: at most one of its futures can be alive, and none of them is what the
//! queue points to. So the futures may be moved, and a forgotten one leaves nothing behind but the place in the queue,
//! which the next operation takes over and the receiver's drop gives up.
//!
//! | phase of the node | meaning |
//! |---|---|
//! | Idle | does not wait |
//! | Queued | waits for the value at the tail, or the close |
//! | Granted | was woken: there is something. Nothing was taken yet, so nothing needs to be put back |
//!
//! `Arc`, not `Box`: the queue points to the node while the receiver moves, and a box claims to be the only way to it.
use super::core::Chan;
use super::error::{Lagged, RecvError, TryRecvError};
use super::wait::{POLLED_AGAIN, withdraw};
use crate::wait::{let_go, rewake};
use dormouse_wait::blocking;
use dormouse_wait::frame::{self, Reason, Site};
use dormouse_wait::list::{Node, Phase};
use dormouse_wait::prim::Arc;
use futures_core::{FusedFuture, FusedStream, Stream};
use std::fmt;
use std::future::Future;
use std::panic::Location;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

/// The receiving half of a broadcast channel: sees every value sent after it subscribed.
///
/// [`resubscribe`](Receiver::resubscribe) makes another that sees what is sent from then on; a `clone` sees all that the
/// original has yet to see. Dropping a receiver lets go of what only it still needed.
///
/// A receiver that does not receive holds the channel up under [`Overflow::Wait`](super::Overflow::Wait), makes sends fail
/// under `Error`, and misses values under `DropOldest`.
///
/// It is also a [`Stream`] of `Result<T, Lagged>`: `rx.next().await` with `futures::StreamExt`.
///
/// **Fairness**: all receivers that wait are woken by each value, longest-waiting first.
pub struct Receiver<T> {
    chan: Arc<Chan<T>>,
    /// The position of the next value.
    next: u64,
    node: Pin<std::sync::Arc<Node<u64>>>,
    /// The stream has given its None.
    ended: bool,
}

impl<T> Receiver<T> {
    pub(super) fn new(chan: Arc<Chan<T>>, next: u64) -> Self {
        Receiver { chan, next, node: std::sync::Arc::pin(Node::new(next)), ended: false }
    }

    /// Another receiver, for the values that find room from now on; what is in the channel already it does not see.
    ///
    /// ```
    /// use dormouse_chan::broadcast::{Overflow, TryRecvError};
    /// let (tx, mut rx) = dormouse_chan::broadcast(8, Overflow::Wait);
    /// tx.try_send(1).unwrap();
    /// let (mut same, mut new) = (rx.clone(), rx.resubscribe());
    /// assert_eq!(same.try_recv(), Ok(1));
    /// assert_eq!(new.try_recv(), Err(TryRecvError::Empty));
    /// # assert_eq!(rx.try_recv(), Ok(1));
    /// ```
    pub fn resubscribe(&self) -> Receiver<T> {
        let next = self.chan.subscribe();
        Receiver::new(self.chan.clone(), next)
    }

    /// The number of values at this moment that this receiver can receive. No synchronisation is implied.
    pub fn len(&self) -> usize {
        self.chan.core.lock().ahead_of(self.next) as usize
    }

    /// Is there nothing to receive at this moment?
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The number of values that are kept at most, as it was asked for.
    #[doc(alias = "cap")]
    pub fn capacity(&self) -> usize {
        self.chan.capacity
    }

    /// Is the channel closed? What is in it can still be received.
    pub fn is_closed(&self) -> bool {
        self.chan.is_closed()
    }

    /// The number of receivers at this moment.
    pub fn receiver_count(&self) -> usize {
        self.chan.receivers()
    }

    /// Do both receive from the same channel?
    pub fn same_channel(&self, other: &Receiver<T>) -> bool {
        Arc::ptr_eq(&self.chan, &other.chan)
    }
}

impl<T: Clone> Receiver<T> {
    /// Receives the next value, waiting for one.
    ///
    /// Nothing happens before the future is polled.
    ///
    /// # Errors
    /// [`RecvError::Lagged`]`(n)` under [`Overflow::DropOldest`](super::Overflow::DropOldest), once, if `n` values were
    /// dropped before this receiver came for them; [`RecvError::Closed`] when the channel is closed and this receiver has
    /// received all that it holds.
    ///
    /// # Panics
    /// If the future is polled after it was ready. If `T::clone` panics: this receiver then goes on with the next value,
    /// and the others are not concerned.
    ///
    /// # Cancel safety
    /// Safe to drop at any moment: nothing is taken before the poll that returns it.
    ///
    /// # Fairness
    /// All receivers that wait are woken by each value, longest-waiting first.
    ///
    /// ```
    /// use dormouse_chan::broadcast::{Overflow, RecvError};
    /// # tokio_test::block_on(async {
    /// let (tx, mut rx) = dormouse_chan::broadcast(2, Overflow::DropOldest);
    /// for n in 0..5 {
    ///     tx.send(n).await.unwrap();
    /// }
    /// drop(tx);
    /// let mut seen = Vec::new();
    /// loop {
    ///     match rx.recv().await {
    ///         Ok(n) => seen.push(n),
    ///         Err(RecvError::Lagged(missed)) => assert_eq!(missed, 3),
    ///         Err(RecvError::Closed) => break,
    ///     }
    /// }
    /// assert_eq!(seen, [3, 4]);
    /// # });
    /// ```
    #[track_caller]
    #[inline(always)]
    #[doc(alias = "<-")]
    pub fn recv(&mut self) -> RecvFuture<'_, T> {
        RecvFuture { receiver: self, site: Location::caller(), done: false }
    }

    /// Receives the next value if there is one at once.
    ///
    /// # Errors
    /// [`TryRecvError`]: `Empty`, or as [`recv`](Receiver::recv).
    ///
    /// # Panics
    /// If `T::clone` panics, as [`recv`](Receiver::recv).
    #[inline]
    pub fn try_recv(&mut self) -> Result<T, TryRecvError> {
        if !self.chan.can_recv(self.next) {
            return Err(TryRecvError::Empty);
        }
        Ok(self.chan.take(self.chan.core.lock(), &mut self.next).copied()?)
    }

    /// [`recv`](Receiver::recv) for a plain thread, which it blocks.
    ///
    /// # Errors
    /// As [`recv`](Receiver::recv).
    ///
    /// # Panics
    /// Inside a task of the dormouse runtime, if it has to wait: it would block a worker.
    #[track_caller]
    pub fn recv_blocking(&mut self) -> Result<T, RecvError> {
        match self.try_recv() {
            Ok(value) => Ok(value),
            Err(TryRecvError::Lagged(missed)) => Err(RecvError::Lagged(missed)),
            Err(TryRecvError::Closed) => Err(RecvError::Closed),
            Err(TryRecvError::Empty) => {
                blocking::wait_for("broadcast::Receiver::recv_blocking", "recv().await", self.recv())
            }
        }
    }

    /// Is it still queued? Then the task of `cx` is the one to wake.
    fn stays(&self, cx: &mut Context<'_>) -> bool {
        // SAFETY: a node that is not idle stands, or stood, in this list.
        unsafe { rewake(&self.chan.core, |core| &mut core.receiving, self.node.as_ref(), cx) }
    }

    /// One poll of a receive.
    #[inline(always)]
    fn poll(&mut self, cx: &mut Context<'_>, site: Site) -> Poll<Result<T, RecvError>> {
        if self.node.is(Phase::Idle) {
            ready!(frame::poll_spend(cx));
        } else if self.stays(cx) {
            frame::note(Reason::ChanReceive, Some(site));
            return Poll::Pending;
        } else {
            self.node.reset();
        }
        let mut waker = None;
        if !self.chan.can_recv(self.next) {
            // A waker's clone is user code: not under the lock.
            waker = Some(cx.waker().clone());
        }
        let mut core = self.chan.core.lock();
        if let Some(waker) = waker.take_if(|_| core.has_nothing_for(self.next)) {
            // SAFETY: idle: the node is ours.
            unsafe { self.node.with_payload(|at| *at = self.next) };
            // SAFETY: idle and pinned; the receiver's drop removes it.
            unsafe { core.receiving.push_back(self.node.as_ref(), waker) };
            drop(core);
            frame::note(Reason::ChanReceive, Some(site));
            return Poll::Pending;
        }
        let take = self.chan.take(core, &mut self.next);
        let_go(waker);
        Poll::Ready(take.copied())
    }
}

impl<T> Clone for Receiver<T> {
    /// Another receiver at the same position: it sees all that this one has yet to see.
    fn clone(&self) -> Self {
        self.chan.join(self.next);
        Receiver::new(self.chan.clone(), self.next)
    }
}

impl<T> Drop for Receiver<T> {
    fn drop(&mut self) {
        withdraw(&self.chan, |core| &mut core.receiving, self.node.as_ref());
        self.chan.leave(self.next);
    }
}

impl<T> fmt::Debug for Receiver<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Receiver")
            .field("len", &self.len())
            .field("capacity", &self.capacity())
            .field("closed", &self.is_closed())
            .finish()
    }
}

impl<T: Clone> Stream for Receiver<T> {
    type Item = Result<T, Lagged>;

    /// A dropped `next()` keeps the receiver's place in the queue, for its next operation.
    #[track_caller]
    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let item = match ready!(self.poll(cx, Location::caller())) {
            Ok(value) => Some(Ok(value)),
            Err(RecvError::Lagged(missed)) => Some(Err(Lagged(missed))),
            Err(RecvError::Closed) => None,
        };
        self.ended = item.is_none();
        Poll::Ready(item)
    }
}

impl<T: Clone> FusedStream for Receiver<T> {
    fn is_terminated(&self) -> bool {
        self.ended
    }
}

/// The future of [`Receiver::recv`].
#[must_use = "futures do nothing unless polled: `.await` it"]
pub struct RecvFuture<'a, T> {
    receiver: &'a mut Receiver<T>,
    site: Site,
    done: bool,
}

impl<T: Clone> Future for RecvFuture<'_, T> {
    type Output = Result<T, RecvError>;
    #[inline]
    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        assert!(!self.done, "{POLLED_AGAIN}");
        let site = self.site;
        let poll = self.receiver.poll(cx, site);
        self.done = poll.is_ready();
        poll
    }
}

impl<T: Clone> FusedFuture for RecvFuture<'_, T> {
    fn is_terminated(&self) -> bool {
        self.done
    }
}

impl<T> Drop for RecvFuture<'_, T> {
    #[inline]
    fn drop(&mut self) {
        let receiver = &self.receiver;
        withdraw(&receiver.chan, |core| &mut core.receiving, receiver.node.as_ref());
    }
}

impl<T> fmt::Debug for RecvFuture<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RecvFuture").field("done", &self.done).finish_non_exhaustive()
    }
}
