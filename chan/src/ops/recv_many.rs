//! Receiving several values at once.
use crate::receiver::Receiver;
use crate::wait::RecvWait;
use dormouse_wait::frame::Site;
use dormouse_wait::list::Phase;
use futures_core::FusedFuture;
use pin_project::pin_project;
use std::fmt;
use std::future::Future;
use std::panic::Location;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

impl<T> Receiver<T> {
    /// Receives up to `limit` values and appends them to `into`: waits for the first, and takes what else is there with
    /// it. Says how many; 0 when the channel is closed and drained (or `limit` is 0).
    ///
    /// `into` grows by no more than it receives, and only when the future is ready.
    ///
    /// # Panics
    /// If the future is polled after it was ready.
    ///
    /// # Cancel safety
    /// Safe to drop at any moment, as [`recv`](Receiver::recv): `into` is then as it was.
    ///
    /// # Fairness
    /// It waits as a [`recv`](Receiver::recv) does: first come, first served.
    ///
    /// ```
    /// # tokio_test::block_on(async {
    /// let (tx, rx) = dormouse_chan::bounded(8);
    /// (1..=5).for_each(|n| tx.try_send(n).unwrap());
    /// let mut batch = Vec::new();
    /// assert_eq!(rx.recv_many(&mut batch, 3).await, 3);
    /// assert_eq!(rx.recv_many(&mut batch, 3).await, 2);
    /// assert_eq!(batch, [1, 2, 3, 4, 5]);
    /// # });
    /// ```
    #[track_caller]
    pub fn recv_many<'a>(&'a self, into: &'a mut Vec<T>, limit: usize) -> RecvManyFuture<'a, T> {
        RecvManyFuture { wait: RecvWait::new(self.chan()), into, limit, site: Location::caller() }
    }
}

/// The future of [`Receiver::recv_many`].
#[pin_project]
#[must_use = "futures do nothing unless polled: `.await` it"]
pub struct RecvManyFuture<'a, T> {
    #[pin]
    wait: RecvWait<'a, T>,
    into: &'a mut Vec<T>,
    limit: usize,
    site: Site,
}

impl<T> Future for RecvManyFuture<'_, T> {
    type Output = usize;
    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<usize> {
        let this = self.project();
        let wait = this.wait.as_ref();
        if *this.limit == 0 {
            return Poll::Ready(0);
        }
        Poll::Ready(match ready!(wait.poll(cx, this.site)) {
            None => 0,
            Some(first) => {
                this.into.push(first);
                1 + wait.chan().take_many(this.into, *this.limit - 1)
            }
        })
    }
}

impl<T> FusedFuture for RecvManyFuture<'_, T> {
    fn is_terminated(&self) -> bool {
        self.wait.phase() == Phase::Spent
    }
}

impl<T> fmt::Debug for RecvManyFuture<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RecvManyFuture").field("phase", &self.wait.phase()).finish_non_exhaustive()
    }
}
