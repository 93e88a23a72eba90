//! The sending half, and its future.
use super::POLLED_AGAIN;
use super::queue::{Push, Tail};
use crate::error::{SendError, TrySendError};
use dormouse_wait::blocking;
use dormouse_wait::frame::{self, Reason, Site};
use futures_core::FusedFuture;
use std::fmt;
use std::future::Future;
use std::panic::Location;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

/// The sending half of a [channel from one task to one other](super). When it is dropped, the channel closes.
pub struct Sender<T> {
    tail: Tail<T>,
}

impl<T> Sender<T> {
    pub(super) fn new(tail: Tail<T>) -> Self {
        Sender { tail }
    }

    /// Sends `value`, waiting until there is room.
    ///
    /// Nothing happens before the future is polled.
    ///
    /// # Errors
    /// [`SendError`] with the value, if the channel is closed, also if that happens during the wait.
    ///
    /// # Panics
    /// If the future is polled after it was ready.
    ///
    /// # Cancel safety
    /// A future that is dropped before it is ready has not sent, and the value is dropped with it.
    #[track_caller]
    #[inline(always)]
    pub fn send(&mut self, value: T) -> SendFuture<'_, T> {
        SendFuture { tail: &mut self.tail, value: Some(value), waits: false, site: Location::caller() }
    }

    /// Sends `value` if there is room.
    ///
    /// # Errors
    /// [`TrySendError`] with the value: `Full` if it would have to wait, `Closed` if the channel is closed.
    #[inline]
    pub fn try_send(&mut self, value: T) -> Result<(), TrySendError<T>> {
        match self.tail.push(value) {
            Push::Done => Ok(()),
            Push::Full(value) => Err(TrySendError::Full(value)),
            Push::Closed(value) => Err(TrySendError::Closed(value)),
        }
    }

    /// [`send`](Sender::send) for a plain thread, which it blocks.
    ///
    /// # Errors
    /// As `send`.
    ///
    /// # Panics
    /// Inside a task of the dormouse runtime, whether it has to wait or not: it would block a worker.
    #[track_caller]
    pub fn send_blocking(&mut self, value: T) -> Result<(), SendError<T>> {
        const WHAT: &str = "spsc::Sender::send_blocking";
        const INSTEAD: &str = "send(value).await";
        blocking::check(WHAT, INSTEAD);
        match self.try_send(value) {
            Ok(()) => Ok(()),
            Err(TrySendError::Closed(value)) => Err(SendError(value)),
            Err(TrySendError::Full(value)) => blocking::wait_for(WHAT, INSTEAD, self.send(value)),
        }
    }

    /// Closes the channel: what is in it can still be received. True the first time.
    pub fn close(&mut self) -> bool {
        self.tail.close()
    }

    /// Is the channel closed?
    pub fn is_closed(&self) -> bool {
        self.tail.shared.is_closed()
    }

    /// The number of values in the channel at about this moment. No synchronisation is implied.
    pub fn len(&self) -> usize {
        self.tail.shared.len()
    }

    /// Are there no values in the channel at about this moment?
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Is there no room at about this moment?
    pub fn is_full(&self) -> bool {
        self.len() == self.tail.shared.capacity()
    }

    /// The number of values that can be in the channel; `None` = unbounded.
    pub fn capacity(&self) -> Option<usize> {
        Some(self.tail.shared.capacity()).filter(|capacity| *capacity != usize::MAX)
    }
}

impl<T> fmt::Debug for Sender<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sender")
            .field("len", &self.len())
            .field("capacity", &self.capacity())
            .field("closed", &self.is_closed())
            .finish()
    }
}

/// The future of [`Sender::send`].
#[must_use = "futures do nothing unless polled: `.await` it"]
pub struct SendFuture<'a, T> {
    tail: &'a mut Tail<T>,
    /// None once it is done.
    value: Option<T>,
    waits: bool,
    site: Site,
}

// The value is never pinned.
impl<T> Unpin for SendFuture<'_, T> {}

impl<T> Future for SendFuture<'_, T> {
    type Output = Result<(), SendError<T>>;

    #[inline(always)]
    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        ready!(frame::poll_spend(cx));
        loop {
            let value = self.value.take().expect(POLLED_AGAIN);
            let sent = match self.tail.push(value) {
                Push::Done => Some(Ok(())),
                Push::Closed(value) => Some(Err(SendError(value))),
                Push::Full(value) => {
                    self.value = Some(value);
                    None
                }
            };
            if let Some(sent) = sent {
                if self.waits {
                    self.tail.settle();
                }
                return Poll::Ready(sent);
            }
            if self.tail.wait(cx.waker()) {
                self.waits = true;
                frame::note(Reason::ChanSend, Some(self.site));
                return Poll::Pending;
            }
        }
    }
}

impl<T> Drop for SendFuture<'_, T> {
    #[inline(always)]
    fn drop(&mut self) {
        if self.waits && self.value.is_some() {
            self.tail.leave();
        }
    }
}

impl<T> FusedFuture for SendFuture<'_, T> {
    fn is_terminated(&self) -> bool {
        self.value.is_none()
    }
}

impl<T> fmt::Debug for SendFuture<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SendFuture").field("done", &self.value.is_none()).finish_non_exhaustive()
    }
}
