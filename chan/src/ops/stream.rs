//! A stream that waits in itself.
use crate::receiver::Receiver;
use crate::wait::RecvWait;
use dormouse_wait::frame::Site;
use futures_core::{FusedStream, Stream};
use pin_project::pin_project;
use std::fmt;
use std::panic::Location;
use std::pin::Pin;
use std::task::{Context, Poll};

impl<T> Receiver<T> {
    /// A stream of what is received. Unlike the [`Receiver`] itself, which is a stream too, it allocates nothing, and must
    /// be pinned.
    ///
    /// # Cancel safety
    /// A dropped `next()` loses nothing: the stream keeps its place in the queue, and the value that it may be given, for
    /// the following `next()`. Dropped itself, it leaves the queue, and gives the value back.
    ///
    /// ```
    /// use futures::StreamExt;
    /// # tokio_test::block_on(async {
    /// let (tx, rx) = dormouse_chan::bounded(2);
    /// tx.send_many([1, 2]).await.unwrap();
    /// drop(tx);
    /// let doubled: Vec<i32> = rx.stream().map(|n| 2 * n).collect().await;
    /// assert_eq!(doubled, [2, 4]);
    /// # });
    /// ```
    #[track_caller]
    pub fn stream(&self) -> RecvStream<'_, T> {
        RecvStream { wait: RecvWait::new(self.chan()), ended: false, site: Location::caller() }
    }
}

/// The stream of [`Receiver::stream`].
#[pin_project]
#[must_use = "streams do nothing unless polled"]
pub struct RecvStream<'a, T> {
    #[pin]
    wait: RecvWait<'a, T>,
    ended: bool,
    site: Site,
}

impl<T> Stream for RecvStream<'_, T> {
    type Item = T;
    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<T>> {
        let this = self.project();
        let wait = this.wait.as_ref();
        wait.reset();
        let poll = wait.poll(cx, this.site);
        *this.ended = matches!(poll, Poll::Ready(None));
        poll
    }
}

impl<T> FusedStream for RecvStream<'_, T> {
    fn is_terminated(&self) -> bool {
        self.ended
    }
}

impl<T> fmt::Debug for RecvStream<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RecvStream").field("ended", &self.ended).finish_non_exhaustive()
    }
}
