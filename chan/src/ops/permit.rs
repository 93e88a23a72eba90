//! Sending in two steps: a place first, the value later.
use crate::chan::Chan;
use crate::core::Reserve;
use crate::error::{SendError, TrySendError};
use crate::sender::Sender;
use crate::wait::ReserveWait;
use dormouse_wait::frame::Site;
use dormouse_wait::list::Phase;
use futures_core::FusedFuture;
use pin_project::pin_project;
use std::fmt;
use std::future::Future;
use std::mem::ManuallyDrop;
use std::panic::Location;
use std::pin::Pin;
use std::task::{Context, Poll};

impl<T> Sender<T> {
    /// Waits for a place in the buffer and sets it aside: the [`Permit`] sends without waiting. So the value need not be
    /// made before it can be sent, and a send that is given up has no value to lose.
    ///
    /// The place counts as taken, for [`is_full`](Sender::is_full) too, until the permit has sent or is dropped. With
    /// all places set aside, receivers and senders may both wait. Without a bound there is always a place.
    ///
    /// # Errors
    /// [`SendError`], if the channel is closed, also if that happens during the wait.
    ///
    /// # Panics
    /// At capacity 0, where there is no place to set aside: use [`send_from`](Sender::send_from) there. If the future
    /// is polled after it was ready.
    ///
    /// # Cancel safety
    /// Safe: dropped, it has set nothing aside.
    ///
    /// # Fairness
    /// It stands in the queue of the senders: first come, first served.
    ///
    /// ```
    /// # tokio_test::block_on(async {
    /// let (tx, rx) = dormouse_chan::bounded(1);
    /// let permit = tx.reserve().await.unwrap();
    /// assert!(tx.try_send("in between").unwrap_err().is_full());
    /// permit.send("kept for this").unwrap();
    /// assert_eq!(rx.recv().await, Some("kept for this"));
    /// # });
    /// ```
    #[track_caller]
    pub fn reserve(&self) -> ReserveFuture<'_, T> {
        ReserveFuture { wait: ReserveWait::new(self.with_places("reserve")), site: Location::caller() }
    }

    /// [`reserve`](Sender::reserve), if there is a place at once.
    ///
    /// # Errors
    /// [`TrySendError`]: `Full` if it would have to wait, `Closed` if the channel is closed.
    ///
    /// # Panics
    /// At capacity 0.
    #[track_caller]
    pub fn try_reserve(&self) -> Result<Permit<'_, T>, TrySendError<()>> {
        let chan = self.with_places("try_reserve");
        match chan.try_reserve() {
            Reserve::Done => Ok(Permit { chan }),
            Reserve::Full | Reserve::Nil => Err(TrySendError::Full(())),
            Reserve::Closed => Err(TrySendError::Closed(())),
        }
    }

    #[track_caller]
    fn with_places(&self, what: &str) -> &Chan<T> {
        assert!(
            !self.chan.is_rendezvous(),
            "dormouse::chan: `{what}` on a channel of capacity 0, which has no place to set aside; use `send`, or \
             `send_from`, which keeps the value if it is given up; or a capacity of at least 1"
        );
        &self.chan
    }
}

/// The right to send one value without waiting; made by [`Sender::reserve`].
///
/// Dropped, it gives its place to the next sender. Forgotten (`mem::forget`), it keeps the place for ever.
#[must_use = "a permit that is dropped gives its place back"]
pub struct Permit<'a, T> {
    chan: &'a Chan<T>,
}

impl<T> Permit<'_, T> {
    /// Sends `value`: to the longest-waiting receiver, or into the place that was set aside.
    ///
    /// # Errors
    /// [`SendError`] with the value, if the channel has been closed since.
    pub fn send(self, value: T) -> Result<(), SendError<T>> {
        // The place is used up, whatever comes of it.
        ManuallyDrop::new(self).chan.send_reserved(value)
    }
}

impl<T> Drop for Permit<'_, T> {
    fn drop(&mut self) {
        self.chan.unreserve();
    }
}

impl<T> fmt::Debug for Permit<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.chan.describe(f.debug_struct("Permit"))
    }
}

/// The future of [`Sender::reserve`].
#[pin_project]
#[must_use = "futures do nothing unless polled: `.await` it"]
pub struct ReserveFuture<'a, T> {
    #[pin]
    wait: ReserveWait<'a, T>,
    site: Site,
}

impl<'a, T> Future for ReserveFuture<'a, T> {
    type Output = Result<Permit<'a, T>, SendError<()>>;
    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.as_ref().project_ref();
        let chan = this.wait.chan();
        this.wait.poll(cx, this.site).map_ok(|()| Permit { chan })
    }
}

impl<T> FusedFuture for ReserveFuture<'_, T> {
    fn is_terminated(&self) -> bool {
        self.wait.phase() == Phase::Spent
    }
}

impl<T> fmt::Debug for ReserveFuture<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ReserveFuture").field("phase", &self.wait.phase()).finish_non_exhaustive()
    }
}
