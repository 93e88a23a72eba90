//! Sending what an iterator gives.
use crate::chan::Chan;
use crate::error::{SendError, TrySendError};
use crate::sender::Sender;
use crate::wait::SendWait;
use dormouse_wait::frame::{self, Site};
use futures_core::FusedFuture;
use pin_project::pin_project;
use std::fmt;
use std::future::Future;
use std::panic::Location;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

impl<T> Sender<T> {
    /// Sends all that `values` gives, one after the other, each as [`send`](Sender::send) does. Says how many.
    ///
    /// The iterator is asked for a value only when the one before was sent. Others may send in between.
    ///
    /// # Errors
    /// [`SendError`] with the value at which the channel was closed. Those before it were sent; those behind it are
    /// still in the iterator, which `send_many(values.by_ref())` leaves with the caller.
    ///
    /// # Panics
    /// If the future is polled after it was ready. A panic of the iterator goes on to the caller; what was sent, was.
    ///
    /// # Cancel safety
    /// Dropped, what it has sent is sent, and the one value that it waits with, if it does, is dropped. Where that must
    /// not be, [`reserve`](Sender::reserve) for each.
    ///
    /// ```
    /// # tokio_test::block_on(async {
    /// let (tx, rx) = dormouse_chan::unbounded();
    /// assert_eq!(tx.send_many(1..=3).await, Ok(3));
    /// drop(tx);
    /// assert_eq!(rx.iter().collect::<Vec<_>>(), [1, 2, 3]);
    /// # });
    /// ```
    #[track_caller]
    pub fn send_many<I: IntoIterator<Item = T>>(&self, values: I) -> SendManyFuture<'_, T, I::IntoIter> {
        SendManyFuture {
            chan: &self.chan,
            values: values.into_iter(),
            wait: None,
            sent: 0,
            done: false,
            site: Location::caller(),
        }
    }
}

/// The future of [`Sender::send_many`].
#[pin_project]
#[must_use = "futures do nothing unless polled: `.await` it"]
pub struct SendManyFuture<'a, T, I> {
    chan: &'a Chan<T>,
    values: I,
    /// The send that has to wait.
    #[pin]
    wait: Option<SendWait<'a, T>>,
    sent: usize,
    done: bool,
    site: Site,
}

impl<T, I: Iterator<Item = T>> Future for SendManyFuture<'_, T, I> {
    type Output = Result<usize, SendError<T>>;
    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let mut this = self.project();
        assert!(!*this.done, "a finished channel future was polled again");
        let end = loop {
            if let Some(wait) = this.wait.as_ref().as_pin_ref() {
                let sent = ready!(wait.poll(cx, this.site));
                this.wait.set(None);
                if let Err(error) = sent {
                    break Err(error);
                }
                *this.sent += 1;
            }
            // Before the iterator is asked: what it gives has to go somewhere.
            ready!(frame::poll_spend(cx));
            let Some(value) = this.values.next() else { break Ok(*this.sent) };
            match this.chan.try_send(value) {
                Ok(()) => *this.sent += 1,
                Err(TrySendError::Full(value)) => this.wait.set(Some(SendWait::new(this.chan, value))),
                Err(TrySendError::Closed(value)) => break Err(SendError(value)),
            }
        };
        *this.done = true;
        Poll::Ready(end)
    }
}

impl<T, I: Iterator<Item = T>> FusedFuture for SendManyFuture<'_, T, I> {
    fn is_terminated(&self) -> bool {
        self.done
    }
}

impl<T, I> fmt::Debug for SendManyFuture<'_, T, I> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SendManyFuture").field("sent", &self.sent).finish_non_exhaustive()
    }
}
