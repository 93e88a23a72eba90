//! The sending half, and the future of the receiver's end.
use super::cell::Tx;
use crate::error::SendError;
use dormouse_wait::frame::{self, Reason, Site};
use futures_core::FusedFuture;
use std::fmt;
use std::future::Future;
use std::panic::{Location, RefUnwindSafe, UnwindSafe};
use std::pin::Pin;
use std::task::{Context, Poll, ready};

/// The sending half of a [`oneshot`](super::oneshot()) channel. Dropped without sending, it gives the receiver `None`.
///
/// ```
/// # tokio_test::block_on(async {
/// let (tx, rx) = dormouse_chan::oneshot();
/// std::thread::spawn(move || tx.send(6 * 7).unwrap());
/// assert_eq!(rx.await, Some(42));
/// # });
/// ```
#[must_use = "dropped without sending, it tells the receiver that there is no value"]
pub struct Sender<T> {
    tx: Tx<T>,
}

impl<T> Sender<T> {
    #[inline(always)]
    pub(super) fn new(tx: Tx<T>) -> Self {
        Sender { tx }
    }

    /// Sends the value. Never waits.
    ///
    /// `Ok` means that the value is in the channel, not that it is received: a receiver that is dropped later drops it.
    ///
    /// # Errors
    /// [`SendError`] with the value, if the receiver was dropped or has closed the channel.
    ///
    /// ```
    /// let (tx, rx) = dormouse_chan::oneshot();
    /// drop(rx);
    /// assert_eq!(tx.send("nobody").unwrap_err().into_inner(), "nobody");
    /// ```
    #[inline]
    pub fn send(self, value: T) -> Result<(), SendError<T>> {
        self.tx.send(value).map_err(SendError)
    }

    /// Was the receiver dropped, or has it closed the channel?
    pub fn is_closed(&self) -> bool {
        self.tx.is_shut()
    }

    /// Waits until the receiver is dropped or closes the channel: nobody wants the value any more.
    ///
    /// Nothing happens before the future is polled.
    ///
    /// # Panics
    /// If the future is polled after it was ready.
    ///
    /// # Cancel safety
    /// Safe to drop at any moment; the sender is as it was.
    ///
    /// ```
    /// use dormouse_chan::{oneshot, select};
    /// # tokio_test::block_on(async {
    /// let (mut tx, rx) = oneshot::<u64>();
    /// drop(rx); // as a caller does that has given up
    /// let result = select! {
    ///     biased;
    ///     () = tx.closed() => None,
    ///     result = async { 6 * 7 } => Some(result),
    /// };
    /// assert_eq!(result, None); // nothing was computed for nobody
    /// # });
    /// ```
    #[track_caller]
    pub fn closed(&mut self) -> ClosedFuture<'_, T> {
        ClosedFuture { tx: Some(&mut self.tx), site: Location::caller() }
    }
}

impl<T> fmt::Debug for Sender<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sender").field("closed", &self.is_closed()).finish()
    }
}

impl<T> UnwindSafe for Sender<T> {}
impl<T> RefUnwindSafe for Sender<T> {}

/// The future of [`Sender::closed`].
#[must_use = "futures do nothing unless polled: `.await` it"]
pub struct ClosedFuture<'a, T> {
    /// `None` once it was ready.
    tx: Option<&'a mut Tx<T>>,
    site: Site,
}

impl<T> Future for ClosedFuture<'_, T> {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let site = self.site;
        let Some(tx) = &mut self.tx else {
            panic!("a finished future of oneshot::Sender::closed was polled again")
        };
        if !tx.has_waited() {
            ready!(frame::poll_spend(cx));
        }
        if tx.wait(cx) {
            frame::note(Reason::ChanSend, Some(site));
            return Poll::Pending;
        }
        self.tx = None;
        Poll::Ready(())
    }
}

impl<T> FusedFuture for ClosedFuture<'_, T> {
    fn is_terminated(&self) -> bool {
        self.tx.is_none()
    }
}

impl<T> Drop for ClosedFuture<'_, T> {
    fn drop(&mut self) {
        if let Some(tx) = &self.tx {
            tx.forget_waker();
        }
    }
}

impl<T> fmt::Debug for ClosedFuture<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ClosedFuture").field("done", &self.tx.is_none()).finish_non_exhaustive()
    }
}
