//! The receiving half, the future of the value.
use super::cell::Rx;
use crate::error::TryRecvError;
use dormouse_wait::blocking;
use dormouse_wait::frame::{self, Reason};
use futures_core::FusedFuture;
use std::fmt;
use std::future::Future;
use std::panic::{Location, RefUnwindSafe, UnwindSafe};
use std::pin::Pin;
use std::task::{Context, Poll, ready};

/// The receiving half of a [`oneshot`](super::oneshot()) channel, and the future of its value: `None` if the sender was
/// dropped without sending, or the channel was [closed](Receiver::close).
///
/// It is [`Unpin`]: `(&mut rx).await`, and `value = &mut rx` in a `select!`, leave it for later use.
///
/// Dropping it closes the channel: a later send fails. A value that was sent and not received is dropped with it.
///
/// # Panics
/// If it is polled after it was ready, or after [`try_recv`](Receiver::try_recv) has given the value.
///
/// # Cancel safety
/// A wait by `&mut rx` may be given up at any moment: the value stays in the channel, for the next poll or `try_recv`.
///
/// ```
/// use dormouse_chan::{bounded, oneshot, select};
/// # tokio_test::block_on(async {
/// let (answer, mut reply) = oneshot();
/// let (ticks, clock) = bounded(1);
/// ticks.send("tick").await.unwrap();
/// let mut seen = Vec::new();
/// loop {
///     select! {
///         recv(clock) -> tick => seen.extend(tick),
///         value = &mut reply => break seen.extend(value),
///         default => { answer.send("answer").unwrap(); break seen.extend(reply.await) }
///     }
/// }
/// assert_eq!(seen, ["tick", "answer"]);
/// # });
/// ```
#[must_use = "it does nothing unless polled (`.await` it), and dropping it closes the channel"]
pub struct Receiver<T> {
    /// `None` once the value, or its absence, has been received.
    rx: Option<Rx<T>>,
}

impl<T> Receiver<T> {
    #[inline(always)]
    pub(super) fn new(rx: Rx<T>) -> Self {
        Receiver { rx: Some(rx) }
    }

    /// Receives the value if it is there.
    ///
    /// # Errors
    /// [`TryRecvError`]: `Empty` if the sender may still send; `Closed` if there will be no value, or it was received
    /// before.
    ///
    /// ```
    /// use dormouse_chan::TryRecvError;
    /// let (tx, mut rx) = dormouse_chan::oneshot();
    /// assert_eq!(rx.try_recv(), Err(TryRecvError::Empty));
    /// tx.send(1).unwrap();
    /// assert_eq!(rx.try_recv(), Ok(1));
    /// assert_eq!(rx.try_recv(), Err(TryRecvError::Closed));
    /// ```
    #[inline]
    pub fn try_recv(&mut self) -> Result<T, TryRecvError> {
        let Some(rx) = &self.rx else { return Err(TryRecvError::Closed) };
        let seen = rx.look();
        if seen.is_sent() {
            return self.rx.take().and_then(Rx::take).ok_or(TryRecvError::Closed);
        }
        // Without a value the receiver is not at its end: it can still be awaited, and gives None.
        Err(if seen.is_over() { TryRecvError::Closed } else { TryRecvError::Empty })
    }

    /// Closes the channel from this side: a later send fails, and gives its value back to the sender. A value that was
    /// sent before can still be received.
    ///
    /// True if this closed it; false if the sender had sent or was gone, or the channel was closed before.
    ///
    /// ```
    /// let (tx, mut rx) = dormouse_chan::oneshot();
    /// assert!(rx.close());
    /// assert_eq!(tx.send(1).unwrap_err().into_inner(), 1);
    ///
    /// let (tx, mut rx) = dormouse_chan::oneshot();
    /// tx.send(2).unwrap();
    /// assert!(!rx.close());
    /// assert_eq!(rx.try_recv(), Ok(2));
    /// ```
    pub fn close(&mut self) -> bool {
        self.rx.as_mut().is_some_and(Rx::close)
    }

    /// Can nothing be sent any more? True once the sender has sent or was dropped, and after [`close`](Receiver::close).
    /// A value that was sent can still be received.
    pub fn is_closed(&self) -> bool {
        self.rx.as_ref().is_none_or(|rx| rx.look().is_over())
    }

    /// Waits for the value on a plain thread, which it blocks. `None` as when the receiver is awaited.
    ///
    /// # Panics
    /// Inside a task of the dormouse runtime, whether it has to wait or not: it would block a worker. And if the value was
    /// received before.
    ///
    /// ```
    /// let (tx, rx) = dormouse_chan::oneshot();
    /// let thread = std::thread::spawn(move || rx.recv_blocking());
    /// tx.send(1).unwrap();
    /// assert_eq!(thread.join().unwrap(), Some(1));
    /// ```
    #[track_caller]
    pub fn recv_blocking(mut self) -> Option<T> {
        const WHAT: &str = "oneshot::Receiver::recv_blocking";
        const INSTEAD: &str = "rx.await";
        blocking::check(WHAT, INSTEAD);
        if let Some(rx) = self.rx.take_if(|rx| rx.look().is_over()) {
            return rx.take();
        }
        blocking::wait_for(WHAT, INSTEAD, self)
    }
}

impl<T> Future for Receiver<T> {
    type Output = Option<T>;

    #[track_caller]
    #[inline(always)]
    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<T>> {
        let place = &mut self.get_mut().rx;
        let Some(rx) = place else { panic!("a finished oneshot::Receiver was polled again") };
        let seen = rx.look();
        if !seen.has_waited() {
            ready!(frame::poll_spend(cx));
        }
        if !seen.is_over() && rx.wait(seen, cx) {
            frame::note(Reason::ChanReceive, Some(Location::caller()));
            return Poll::Pending;
        }
        Poll::Ready(place.take().and_then(Rx::take))
    }
}

impl<T> FusedFuture for Receiver<T> {
    fn is_terminated(&self) -> bool {
        self.rx.is_none()
    }
}

impl<T> fmt::Debug for Receiver<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Receiver")
            .field("closed", &self.is_closed())
            .field("done", &self.rx.is_none())
            .finish()
    }
}

impl<T> UnwindSafe for Receiver<T> {}
impl<T> RefUnwindSafe for Receiver<T> {}
