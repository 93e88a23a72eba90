//! A send that is given up after a while, and gives its value back.
use crate::error::{SendError, SendTimeoutError};
use crate::sender::Sender;
use crate::wait::SendWait;
use dormouse_wait::Instant;
use dormouse_wait::alarm::Alarm;
use dormouse_wait::frame::Site;
use dormouse_wait::host;
use dormouse_wait::list::Phase;
use futures_core::FusedFuture;
use pin_project::pin_project;
use std::fmt;
use std::future::Future;
use std::panic::Location;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

impl<T> Sender<T> {
    /// [`send`](Sender::send) that is given up after `limit`, and then gives the value back.
    ///
    /// The time counts from when the send begins to wait, on the clock of the runtime (virtual in a simulated run; on
    /// another executor the system's, with one thread for all who wait so). A send that need not wait knows no time. A
    /// `limit` that the clock cannot say, such as `Duration::MAX`, is none.
    ///
    /// # Errors
    /// [`SendTimeoutError`] with the value: `Timeout`, or `Closed` if the channel is closed.
    ///
    /// # Panics
    /// If the future is polled after it was ready.
    ///
    /// # Cancel safety
    /// Dropped before it is ready, the future has not sent, and the value is dropped with it; ready, it has, or has
    /// given the value back.
    ///
    /// # Fairness
    /// As [`send`](Sender::send).
    ///
    /// ```
    /// # tokio_test::block_on(async {
    /// use std::time::Duration;
    /// let (tx, rx) = dormouse_chan::bounded(0);
    /// let back = tx.send_timeout("nobody listens", Duration::from_millis(1)).await.unwrap_err();
    /// assert!(back.is_timeout());
    /// assert_eq!(back.into_inner(), "nobody listens");
    /// # drop(rx);
    /// # });
    /// ```
    #[track_caller]
    pub fn send_timeout(&self, value: T, limit: Duration) -> SendTimeoutFuture<'_, T> {
        let wait = SendWait::new(&self.chan, value);
        SendTimeoutFuture { wait, limit: Some(limit), deadline: None, alarm: None, site: Location::caller() }
    }
}

/// The future of [`Sender::send_timeout`].
#[pin_project]
#[must_use = "futures do nothing unless polled: `.await` it"]
pub struct SendTimeoutFuture<'a, T> {
    #[pin]
    wait: SendWait<'a, T>,
    /// Until it begins to wait.
    limit: Option<Duration>,
    /// Once it waits, if the clock can say it.
    deadline: Option<Instant>,
    alarm: Option<Alarm>,
    site: Site,
}

impl<T> Future for SendTimeoutFuture<'_, T> {
    type Output = Result<(), SendTimeoutError<T>>;
    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.project();
        let wait = this.wait.as_ref();
        if let Poll::Ready(sent) = wait.poll(cx, this.site) {
            *this.alarm = None;
            return Poll::Ready(sent.map_err(|SendError(value)| SendTimeoutError::Closed(value)));
        }
        let now = Instant::now();
        if let Some(limit) = this.limit.take() {
            *this.deadline = now.checked_add(limit);
        }
        let Some(deadline) = *this.deadline else { return Poll::Pending };
        if now < deadline {
            host::renew(this.alarm, deadline, cx.waker());
            return Poll::Pending;
        }
        *this.alarm = None;
        Poll::Ready(match wait.withdraw() {
            Some(value) => Err(SendTimeoutError::Timeout(value)),
            None => Ok(()), // it was sent at the last moment
        })
    }
}

impl<T> FusedFuture for SendTimeoutFuture<'_, T> {
    fn is_terminated(&self) -> bool {
        self.wait.phase() == Phase::Spent
    }
}

impl<T> fmt::Debug for SendTimeoutFuture<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SendTimeoutFuture").field("phase", &self.wait.phase()).finish_non_exhaustive()
    }
}
