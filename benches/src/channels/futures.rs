//! `futures::channel::mpsc`.
//!
//! Its buffer is the capacity of the cell. The slot that each sender has beyond the buffer is no more capacity here: `send`
//! of `SinkExt`, which its documentation shows, completes only when that slot is free again, so no more sends have completed
//! than the buffer holds. For the same reason a buffer of 0 is a rendezvous.
use super::shapes::{copies, either_ends, either_operations};
use super::{Capacity, Channel, ONE_RECEIVER, Shape};
use futures::channel::mpsc;
use futures::{SinkExt, StreamExt};
use std::future::poll_fn;

pub(crate) struct Futures;

either_ends!(mpsc);

impl<T> Sender<T> {
    /// Waits until [`put`](Self::put) may be called. Dropped, it has done nothing.
    pub(crate) async fn ready(&mut self) {
        let ready = match self {
            Sender::Bounded(sender) => poll_fn(|cx| sender.poll_ready(cx)).await,
            Sender::Unbounded(sender) => poll_fn(|cx| sender.poll_ready(cx)).await,
        };
        assert!(ready.is_ok(), "closed");
    }

    /// Sends, without waiting, after [`ready`](Self::ready).
    pub(crate) fn put(&mut self, value: T) {
        let sent = match self {
            Sender::Bounded(sender) => sender.start_send(value),
            Sender::Unbounded(sender) => sender.start_send(value),
        };
        assert!(sent.is_ok(), "closed");
    }
}

impl Channel for Futures {
    const NAME: &'static str = "futures mpsc";
    const PEER: &'static str = "futures";

    fn supports(shape: Shape) -> Result<(), &'static str> {
        if shape.receivers > 1 { Err(ONE_RECEIVER) } else { Ok(()) }
    }

    either_operations!(
        mpsc, mpsc::unbounded,
        unbounded_send: |sender, value| sender.unbounded_send(value),
        recv: |receiver| receiver.next(),
    );
}
