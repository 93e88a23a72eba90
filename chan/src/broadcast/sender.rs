//! The sending half, strong and weak.
use super::closed::ClosedFuture;
use super::core::{Chan, Put};
use super::error::SendError;
use super::overflow::Overflow;
use super::receiver::Receiver;
use super::send::SendFuture;
use dormouse_wait::blocking;
use dormouse_wait::prim::Arc;
use dormouse_wait::prim::atomic::Ordering::*;
use std::fmt;
use std::mem::ManuallyDrop;
use std::panic::Location;

/// The sending half of a broadcast channel. Clones send into the same channel; any number of tasks and threads may.
///
/// The channel closes when the last `Sender` is dropped, or by [`close`](Sender::close). It does not close when the last
/// receiver is dropped: [`subscribe`](Sender::subscribe) makes a new one.
///
/// **Fairness**: all receivers see the values in one order, that in which the sends found room. Senders that wait (under
/// [`Overflow::Wait`]) are served first come, first served, and nobody overtakes them.
pub struct Sender<T> {
    pub(super) chan: Arc<Chan<T>>,
}

impl<T> Sender<T> {
    /// Sends `value` to every receiver that there is at the moment when it finds room.
    ///
    /// If the channel is full, [`Overflow`] says what happens: the send waits until the slowest receiver has taken its
    /// oldest value; or that value is dropped, at once; or the send fails, at once.
    ///
    /// Nothing happens before the future is polled.
    ///
    /// # Errors
    /// [`SendError`] with the value: `NoReceivers` if there is no receiver, also if the last one is dropped during the wait;
    /// `Closed` if the channel is closed, also if that happens during the wait; `Full` under [`Overflow::Error`].
    ///
    /// # Panics
    /// If the future is polled after it was ready. Under [`Overflow::DropOldest`], if the dropped value panics; `value` is
    /// sent then.
    ///
    /// # Cancel safety
    /// Dropped while it waits, the future has not sent, and the value is dropped with it. Once room was made for it, which
    /// wakes its task, the value is sent, whether the future is polled again or not.
    ///
    /// # Fairness
    /// Waiting senders are served first come, first served.
    ///
    /// ```
    /// use dormouse_chan::broadcast::Overflow;
    /// # tokio_test::block_on(async {
    /// let (tx, mut slow) = dormouse_chan::broadcast(1, Overflow::Wait);
    /// tx.send("one").await.unwrap();
    /// let two = async { tx.send("two").await.unwrap() }; // waits for `slow`
    /// let receive = async { [slow.recv().await, slow.recv().await] };
    /// assert_eq!(futures::join!(two, receive).1, [Ok("one"), Ok("two")]);
    /// # });
    /// ```
    #[track_caller]
    #[inline(always)]
    #[doc(alias = "<-")]
    pub fn send(&self, value: T) -> SendFuture<'_, T> {
        SendFuture::new(&self.chan, value, Location::caller())
    }

    /// Sends `value` if that is possible at once.
    ///
    /// # Errors
    /// [`SendError`] with the value: `Full` if the channel is full (never under [`Overflow::DropOldest`]), or if others wait
    /// already; `NoReceivers`; `Closed`.
    ///
    /// # Panics
    /// Under [`Overflow::DropOldest`], if the dropped value panics; `value` is sent then.
    ///
    /// ```
    /// use dormouse_chan::broadcast::{self, Overflow};
    /// let (tx, mut rx) = dormouse_chan::broadcast(1, Overflow::Wait);
    /// assert!(tx.try_send(1).is_ok());
    /// assert!(tx.try_send(2).unwrap_err().is_full());
    /// assert_eq!(rx.try_recv(), Ok(1));
    /// drop(rx);
    /// assert_eq!(tx.try_send(3), Err(broadcast::SendError::NoReceivers(3)));
    /// ```
    #[inline]
    pub fn try_send(&self, value: T) -> Result<(), SendError<T>> {
        let value = ManuallyDrop::new(value);
        let mut core = self.chan.core.lock();
        // SAFETY: the value is here, and forgotten if it moves.
        match unsafe { core.put(&*value) } {
            Put::Sent(overtaken) => {
                self.chan.settle(core);
                drop(overtaken);
                Ok(())
            }
            Put::Refused(why) => {
                drop(core);
                Err(SendError::new(why, ManuallyDrop::into_inner(value)))
            }
        }
    }

    /// [`send`](Sender::send) for a plain thread, which it blocks.
    ///
    /// # Errors
    /// As [`send`](Sender::send).
    ///
    /// # Panics
    /// Inside a task of the dormouse runtime, if it has to wait: it would block a worker.
    #[track_caller]
    pub fn send_blocking(&self, value: T) -> Result<(), SendError<T>> {
        match self.try_send(value) {
            Err(SendError::Full(value)) if self.chan.overflow == Overflow::Wait => {
                blocking::wait_for("broadcast::Sender::send_blocking", "send(value).await", self.send(value))
            }
            done => done,
        }
    }

    /// A new receiver. It sees every value that finds room from now on; what is in the channel already it does not see.
    ///
    /// ```
    /// use dormouse_chan::broadcast::{Overflow, TryRecvError};
    /// let (tx, _first) = dormouse_chan::broadcast(8, Overflow::Wait);
    /// tx.try_send("before").unwrap();
    /// let mut late = tx.subscribe();
    /// tx.try_send("after").unwrap();
    /// assert_eq!(late.try_recv(), Ok("after"));
    /// assert_eq!(late.try_recv(), Err(TryRecvError::Empty));
    /// ```
    pub fn subscribe(&self) -> Receiver<T> {
        let next = self.chan.subscribe();
        Receiver::new(self.chan.clone(), next)
    }

    /// Closes the channel: later and waiting sends fail with their values, what is kept can still be received. True the
    /// first time.
    ///
    /// ```
    /// use dormouse_chan::broadcast::{Overflow, TryRecvError};
    /// let (tx, mut rx) = dormouse_chan::broadcast(8, Overflow::Wait);
    /// tx.try_send(1).unwrap();
    /// assert!(tx.close() && !tx.close());
    /// assert!(tx.try_send(2).unwrap_err().is_closed());
    /// assert_eq!(rx.try_recv(), Ok(1));
    /// assert_eq!(rx.try_recv(), Err(TryRecvError::Closed));
    /// ```
    pub fn close(&self) -> bool {
        self.chan.close()
    }

    /// Waits until the channel is closed, by [`close`](Sender::close) on another sender. (That there are no receivers at
    /// present does not close it.)
    ///
    /// # Panics
    /// If the future is polled after it was ready.
    ///
    /// # Cancel safety
    /// Safe to drop at any moment.
    ///
    /// ```
    /// use dormouse_chan::broadcast::Overflow;
    /// # tokio_test::block_on(async {
    /// let (tx, _rx) = dormouse_chan::broadcast::<u8>(1, Overflow::Wait);
    /// let other = tx.clone();
    /// futures::join!(tx.closed(), async { other.close() });
    /// # });
    /// ```
    #[track_caller]
    pub fn closed(&self) -> ClosedFuture<'_, T> {
        ClosedFuture::new(&self.chan, Location::caller())
    }

    /// Is the channel closed? Having no receivers does not close it.
    pub fn is_closed(&self) -> bool {
        self.chan.is_closed()
    }

    /// The number of values at this moment that some receiver has yet to come for. No synchronisation is implied.
    pub fn len(&self) -> usize {
        self.chan.len()
    }

    /// Has every receiver come for every value?
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Are as many values kept as the channel holds?
    pub fn is_full(&self) -> bool {
        self.len() == self.chan.capacity
    }

    /// The number of values that are kept at most, as it was asked for.
    #[doc(alias = "cap")]
    pub fn capacity(&self) -> usize {
        self.chan.capacity
    }

    /// What a send does when the channel is full.
    pub fn overflow(&self) -> Overflow {
        self.chan.overflow
    }

    /// The number of receivers at this moment.
    pub fn receiver_count(&self) -> usize {
        self.chan.receivers()
    }

    /// The number of senders at this moment.
    pub fn sender_count(&self) -> usize {
        self.chan.senders.load(Relaxed)
    }

    /// Do both send into the same channel?
    pub fn same_channel(&self, other: &Sender<T>) -> bool {
        Arc::ptr_eq(&self.chan, &other.chan)
    }

    /// A handle that does not keep the channel open.
    pub fn downgrade(&self) -> WeakSender<T> {
        WeakSender { chan: self.chan.clone() }
    }
}

impl<T> Clone for Sender<T> {
    fn clone(&self) -> Self {
        // Ordering: Relaxed, as for any count that is raised by someone who holds one.
        self.chan.senders.fetch_add(1, Relaxed);
        Sender { chan: self.chan.clone() }
    }
}

impl<T> Drop for Sender<T> {
    fn drop(&mut self) {
        // Ordering: AcqRel pairs with the drops of the other senders: what they did comes before the close.
        if self.chan.senders.fetch_sub(1, AcqRel) == 1 {
            self.chan.close();
        }
    }
}

impl<T> fmt::Debug for Sender<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sender")
            .field("len", &self.len())
            .field("capacity", &self.capacity())
            .field("overflow", &self.overflow())
            .field("receivers", &self.receiver_count())
            .field("closed", &self.is_closed())
            .finish()
    }
}

/// A sender that does not keep its channel open; made by [`Sender::downgrade`].
///
/// ```
/// use dormouse_chan::broadcast::Overflow;
/// let (tx, rx) = dormouse_chan::broadcast::<u8>(1, Overflow::Wait);
/// let weak = tx.downgrade();
/// assert!(weak.upgrade().unwrap().try_send(1).is_ok());
/// drop(tx);
/// assert!(weak.upgrade().is_none() && rx.is_closed());
/// ```
pub struct WeakSender<T> {
    chan: Arc<Chan<T>>,
}

impl<T> WeakSender<T> {
    /// A sender, unless the channel is closed.
    pub fn upgrade(&self) -> Option<Sender<T>> {
        if self.chan.is_closed() {
            return None;
        }
        let one_more = |count| (count > 0).then_some(count + 1);
        // Ordering: Relaxed; from 0, where the last sender closes, the count never rises.
        self.chan.senders.fetch_update(Relaxed, Relaxed, one_more).ok()?;
        Some(Sender { chan: self.chan.clone() })
    }
}

impl<T> Clone for WeakSender<T> {
    fn clone(&self) -> Self {
        WeakSender { chan: self.chan.clone() }
    }
}

impl<T> fmt::Debug for WeakSender<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("WeakSender").field("senders", &self.chan.senders.load(Relaxed)).finish()
    }
}
