//! Waiting for the close.
use crate::wait::ClosedWait;
use crate::{Receiver, Sender};
use dormouse_wait::frame::Site;
use dormouse_wait::list::Phase;
use futures_core::FusedFuture;
use pin_project::pin_project;
use std::fmt;
use std::future::Future;
use std::panic::Location;
use std::pin::Pin;
use std::task::{Context, Poll};

impl<T> Sender<T> {
    /// Waits until the channel is closed: by [`close`](Sender::close) on either half, or because the last receiver is
    /// gone. A sender learns by it that nobody wants its values any more, without having one to send.
    ///
    /// # Panics
    /// If the future is polled after it was ready.
    ///
    /// # Cancel safety
    /// Safe: dropped, it does not wait any more.
    ///
    /// ```
    /// # tokio_test::block_on(async {
    /// let (tx, rx) = dormouse_chan::bounded::<u8>(1);
    /// drop(rx);
    /// tx.closed().await;
    /// # });
    /// ```
    #[track_caller]
    pub fn closed(&self) -> ClosedFuture<'_, T> {
        ClosedFuture { wait: ClosedWait::new(&self.chan), site: Location::caller() }
    }
}

impl<T> Receiver<T> {
    /// Waits until the channel is closed: by [`close`](Receiver::close) on either half, or because the last sender is
    /// gone. What is in it can still be received.
    ///
    /// # Panics
    /// If the future is polled after it was ready.
    ///
    /// # Cancel safety
    /// Safe: dropped, it does not wait any more.
    #[track_caller]
    pub fn closed(&self) -> ClosedFuture<'_, T> {
        ClosedFuture { wait: ClosedWait::new(&self.chan), site: Location::caller() }
    }
}

/// The future of [`Sender::closed`] and [`Receiver::closed`].
#[pin_project]
#[must_use = "futures do nothing unless polled: `.await` it"]
pub struct ClosedFuture<'a, T> {
    #[pin]
    wait: ClosedWait<'a, T>,
    site: Site,
}

impl<T> Future for ClosedFuture<'_, T> {
    type Output = ();
    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let this = self.as_ref().project_ref();
        this.wait.poll(cx, this.site)
    }
}

impl<T> FusedFuture for ClosedFuture<'_, T> {
    fn is_terminated(&self) -> bool {
        self.wait.phase() == Phase::Spent
    }
}

impl<T> fmt::Debug for ClosedFuture<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ClosedFuture").field("phase", &self.wait.phase()).finish_non_exhaustive()
    }
}
