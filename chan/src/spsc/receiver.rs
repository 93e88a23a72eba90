//! The receiving half, its future and its stream.
use super::POLLED_AGAIN;
use super::queue::{Head, Pop};
use crate::error::TryRecvError;
use dormouse_wait::blocking;
use dormouse_wait::frame::{self, Reason, Site};
use futures_core::{FusedFuture, FusedStream, Stream};
use std::fmt;
use std::future::Future;
use std::panic::Location;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

/// The receiving half of a [channel from one task to one other](super). When it is dropped, the channel closes and what is
/// left in it is dropped.
///
/// It is also a [`Stream`], which ends when the channel is closed and drained.
pub struct Receiver<T> {
    head: Head<T>,
    /// The stream has given its None.
    ended: bool,
}

impl<T> Receiver<T> {
    pub(super) fn new(head: Head<T>) -> Self {
        Receiver { head, ended: false }
    }

    /// Receives the next value, waiting for one; `None` when the channel is closed and drained.
    ///
    /// Nothing happens before the future is polled.
    ///
    /// # Panics
    /// If the future is polled after it was ready.
    ///
    /// # Cancel safety
    /// Safe to drop at any moment: a value leaves the channel only when the future is ready.
    #[track_caller]
    #[inline(always)]
    pub fn recv(&mut self) -> RecvFuture<'_, T> {
        RecvFuture { head: &mut self.head, state: State::New, site: Location::caller() }
    }

    /// Receives a value if there is one.
    ///
    /// # Errors
    /// [`TryRecvError`]: `Empty` if it would have to wait, `Closed` if the channel is closed and drained.
    #[inline]
    pub fn try_recv(&mut self) -> Result<T, TryRecvError> {
        match self.head.pop() {
            Pop::Value(value) => Ok(value),
            Pop::Empty => Err(TryRecvError::Empty),
            Pop::Closed => Err(TryRecvError::Closed),
        }
    }

    /// [`recv`](Receiver::recv) for a plain thread, which it blocks.
    ///
    /// # Panics
    /// Inside a task of the dormouse runtime, whether it has to wait or not: it would block a worker.
    #[track_caller]
    pub fn recv_blocking(&mut self) -> Option<T> {
        const WHAT: &str = "spsc::Receiver::recv_blocking";
        const INSTEAD: &str = "recv().await";
        blocking::check(WHAT, INSTEAD);
        match self.try_recv() {
            Ok(value) => Some(value),
            Err(TryRecvError::Closed) => None,
            Err(TryRecvError::Empty) => blocking::wait_for(WHAT, INSTEAD, self.recv()),
        }
    }

    /// Closes the channel from this side: sends fail from now on, what is in it can still be received. True the first time.
    pub fn close(&mut self) -> bool {
        self.head.close()
    }

    /// Is the channel closed? What is in it can still be received.
    pub fn is_closed(&self) -> bool {
        self.head.shared.is_closed()
    }

    /// The number of values in the channel at about this moment. No synchronisation is implied.
    pub fn len(&self) -> usize {
        self.head.shared.len()
    }

    /// Are there no values in the channel at about this moment?
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Is there no room at about this moment?
    pub fn is_full(&self) -> bool {
        self.len() == self.head.shared.capacity()
    }

    /// The number of values that can be in the channel; `None` = unbounded.
    pub fn capacity(&self) -> Option<usize> {
        Some(self.head.shared.capacity()).filter(|capacity| *capacity != usize::MAX)
    }
}

#[inline(always)]
fn poll<T>(head: &mut Head<T>, cx: &mut Context<'_>, site: Site) -> Poll<Option<T>> {
    ready!(frame::poll_spend(cx));
    loop {
        match head.pop() {
            Pop::Value(value) => return Poll::Ready(Some(value)),
            Pop::Closed => return Poll::Ready(None),
            Pop::Empty => {}
        }
        if head.wait(cx.waker()) {
            frame::note(Reason::ChanReceive, Some(site));
            return Poll::Pending;
        }
    }
}

impl<T> fmt::Debug for Receiver<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Receiver")
            .field("len", &self.len())
            .field("capacity", &self.capacity())
            .field("closed", &self.is_closed())
            .finish()
    }
}

impl<T> Stream for Receiver<T> {
    type Item = T;

    /// A `next()` that is dropped while it waits leaves its waker here until the next operation, or the receiver's end.
    #[track_caller]
    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<T>> {
        let this = self.get_mut();
        let poll = poll(&mut this.head, cx, Location::caller());
        this.ended = matches!(poll, Poll::Ready(None));
        poll
    }
}

impl<T> FusedStream for Receiver<T> {
    fn is_terminated(&self) -> bool {
        self.ended
    }
}

/// The future of [`Receiver::recv`].
#[must_use = "futures do nothing unless polled: `.await` it"]
pub struct RecvFuture<'a, T> {
    head: &'a mut Head<T>,
    state: State,
    site: Site,
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum State {
    New,
    Waits,
    Done,
}

impl<T> Future for RecvFuture<'_, T> {
    type Output = Option<T>;

    #[inline(always)]
    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<T>> {
        assert!(self.state != State::Done, "{POLLED_AGAIN}");
        let this = &mut *self;
        let poll = poll(this.head, cx, this.site);
        if poll.is_pending() {
            this.state = State::Waits;
        } else if std::mem::replace(&mut this.state, State::Done) == State::Waits {
            this.head.settle();
        }
        poll
    }
}

impl<T> Drop for RecvFuture<'_, T> {
    #[inline(always)]
    fn drop(&mut self) {
        if self.state == State::Waits {
            self.head.leave();
        }
    }
}

impl<T> FusedFuture for RecvFuture<'_, T> {
    fn is_terminated(&self) -> bool {
        self.state == State::Done
    }
}

impl<T> fmt::Debug for RecvFuture<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RecvFuture").field("state", &self.state).finish_non_exhaustive()
    }
}
