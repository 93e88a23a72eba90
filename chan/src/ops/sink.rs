//! A sender as a sink.
use crate::error::{SendError, TrySendError};
use crate::sender::Sender;
use crate::wait::SendWait;
use dormouse_wait::frame::{self, Site};
use futures_core::ready;
use futures_sink::Sink;
use std::fmt;
use std::marker::PhantomData;
use std::panic::Location;
use std::pin::Pin;
use std::ptr;
use std::sync::atomic::{AtomicPtr, Ordering::Relaxed};
use std::task::{Context, Poll};

impl<T> Sender<T> {
    /// This sender as a [`Sink`], for `futures::SinkExt` and for `StreamExt::forward`.
    ///
    /// A value that finds no room stays in the sink until it is flushed; so the sink holds at most one. Closing it
    /// flushes, and drops this sender: the channel closes if it was the last one.
    ///
    /// # Errors
    /// The sink's errors are [`SendError`]s with the value: the channel is closed, or the sink is.
    ///
    /// # Panics
    /// `start_send` without a `poll_ready` before it that was ready.
    ///
    /// # Cancel safety
    /// A dropped `send` or `flush` of the sink loses nothing: the value is sent, in the sink, or was not taken. A sink
    /// that is dropped drops the value that it holds.
    ///
    /// # Fairness
    /// It waits as a [`send`](Sender::send) does. Each value that has to wait allocates.
    ///
    /// ```
    /// use futures::{SinkExt, StreamExt, stream};
    /// # tokio_test::block_on(async {
    /// let (tx, rx) = dormouse_chan::bounded(0);
    /// let numbers = stream::iter(1..=3).map(Ok).forward(tx.into_sink());
    /// let (sent, sum) = futures::join!(numbers, rx.fold(0, |sum, n| async move { sum + n }));
    /// assert!(sent.is_ok());
    /// assert_eq!(sum, 6);
    /// # });
    /// ```
    #[track_caller]
    pub fn into_sink(self) -> SendSink<T> {
        SendSink { held: Held::Nothing, sender: Some(self), site: Location::caller() }
    }
}

/// The sink of [`Sender::into_sink`].
#[must_use = "sinks do nothing unless polled"]
pub struct SendSink<T> {
    held: Held<T>,
    /// `None` once the sink is closed. After `held`, whose wait borrows from it.
    sender: Option<Sender<T>>,
    site: Site,
}

/// What the sink still has to send.
enum Held<T> {
    Nothing,
    Value(T),
    /// With a value that waits.
    Wait(Parked<T>),
}

/// A boxed [`SendWait`] on the sink's channel. The pointer is untyped because the wait borrows from a neighbour field: its
/// lifetime is that of the sink and has no name.
struct Parked<T> {
    wait: AtomicPtr<()>,
    _owns: PhantomData<fn() -> T>,
}

impl<T> Parked<T> {
    fn new(sender: &Sender<T>, value: T) -> Self {
        let wait = Box::into_raw(Box::new(SendWait::new(&sender.chan, value)));
        Parked { wait: AtomicPtr::new(wait.cast()), _owns: PhantomData }
    }

    fn poll(&mut self, cx: &mut Context<'_>, site: Site) -> Poll<Result<(), SendError<T>>> {
        // SAFETY: made by `new`, freed by `drop` alone; the channel lives, as the sink's sender does.
        let wait = unsafe { &*self.wait.get_mut().cast::<SendWait<'_, T>>() };
        // SAFETY: boxed, and never moved out.
        unsafe { Pin::new_unchecked(wait) }.poll(cx, site)
    }
}

impl<T> Parked<T> {
    /// The value, if it was not sent.
    fn withdraw(self) -> Option<T> {
        // SAFETY: made by `new`; the channel lives, as the sink's sender does.
        let wait = unsafe { &*self.wait.load(Relaxed).cast::<SendWait<'_, T>>() };
        // SAFETY: boxed, and never moved out.
        unsafe { Pin::new_unchecked(wait) }.withdraw()
    }
}

impl<T> Drop for Parked<T> {
    fn drop(&mut self) {
        let wait = std::mem::replace(self.wait.get_mut(), ptr::null_mut());
        // SAFETY: made by `new`, and freed here alone; the channel lives still. Its drop unlinks.
        drop(unsafe { Box::from_raw(wait.cast::<SendWait<'_, T>>()) });
    }
}

impl<T> Unpin for SendSink<T> {}

impl<T> SendSink<T> {
    /// The sender again, and the value that was not sent yet, if there is one. `None` after the sink was closed.
    pub fn into_inner(mut self) -> (Option<Sender<T>>, Option<T>) {
        let value = match std::mem::replace(&mut self.held, Held::Nothing) {
            Held::Nothing => None,
            Held::Value(value) => Some(value),
            Held::Wait(wait) => wait.withdraw(),
        };
        (self.sender.take(), value)
    }

    /// Sends what is held.
    fn flush(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), SendError<T>>> {
        if let Held::Value(_) = self.held
            && let Some(sender) = &self.sender
            && let Held::Value(value) = std::mem::replace(&mut self.held, Held::Nothing)
        {
            self.held = Held::Wait(Parked::new(sender, value));
        }
        if let Held::Wait(wait) = &mut self.held {
            let sent = ready!(wait.poll(cx, self.site));
            self.held = Held::Nothing;
            sent?;
        }
        Poll::Ready(Ok(()))
    }
}

impl<T> Sink<T> for SendSink<T> {
    type Error = SendError<T>;

    fn poll_ready(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<(), SendError<T>>> {
        if matches!(self.held, Held::Nothing) {
            return frame::poll_spend(cx).map(Ok);
        }
        self.flush(cx)
    }

    fn start_send(mut self: Pin<&mut Self>, value: T) -> Result<(), SendError<T>> {
        assert!(
            matches!(self.held, Held::Nothing),
            "dormouse::chan: `start_send` on a sink that was not ready: call `poll_ready` first, or use `SinkExt::send`"
        );
        let Some(sender) = &self.sender else { return Err(SendError(value)) };
        match sender.try_send(value) {
            Ok(()) => Ok(()),
            Err(TrySendError::Closed(value)) => Err(SendError(value)),
            Err(TrySendError::Full(value)) => {
                self.held = Held::Value(value);
                Ok(())
            }
        }
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<(), SendError<T>>> {
        self.flush(cx)
    }

    fn poll_close(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<(), SendError<T>>> {
        let flushed = ready!(self.flush(cx));
        self.sender = None;
        Poll::Ready(flushed)
    }
}

impl<T> fmt::Debug for SendSink<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SendSink")
            .field("holds_a_value", &!matches!(self.held, Held::Nothing))
            .field("sender", &self.sender)
            .finish()
    }
}
