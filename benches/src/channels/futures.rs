//! `futures::channel::mpsc`.
//!
//! Its buffer is the capacity of the cell. The slot that each sender has beyond the buffer is no more capacity here: `send`
//! of `SinkExt`, which its documentation shows, completes only when that slot is free again, so no more sends have completed
//! than the buffer holds. For the same reason a buffer of 0 is a rendezvous.
use super::{Capacity, Channel, ONE_RECEIVER, Shape, copies};
use futures::channel::mpsc;
use futures::{SinkExt, StreamExt};
use std::future::poll_fn;

pub(crate) struct Futures;

/// Either kind.
pub(crate) enum Sender<T> {
    Bounded(mpsc::Sender<T>),
    Unbounded(mpsc::UnboundedSender<T>),
}

impl<T> Clone for Sender<T> {
    fn clone(&self) -> Self {
        match self {
            Sender::Bounded(sender) => Sender::Bounded(sender.clone()),
            Sender::Unbounded(sender) => Sender::Unbounded(sender.clone()),
        }
    }
}

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

/// Either kind.
pub(crate) enum Receiver<T> {
    Bounded(mpsc::Receiver<T>),
    Unbounded(mpsc::UnboundedReceiver<T>),
}

impl Channel for Futures {
    const NAME: &'static str = "futures mpsc";
    const PEER: &'static str = "futures";

    type Sender<T: Send + Unpin + 'static> = Sender<T>;
    type Receiver<T: Send + Unpin + 'static> = Receiver<T>;

    fn supports(shape: Shape) -> Result<(), &'static str> {
        if shape.receivers > 1 { Err(ONE_RECEIVER) } else { Ok(()) }
    }

    fn make<T: Send + Unpin + 'static>(shape: Shape) -> (Vec<Sender<T>>, Vec<Receiver<T>>) {
        let (sender, receiver) = Self::pair(shape.capacity);
        (copies(sender, shape.senders), vec![receiver])
    }

    fn pair<T: Send + Unpin + 'static>(capacity: Capacity) -> (Sender<T>, Receiver<T>) {
        match capacity {
            Capacity::Bounded(capacity) => {
                let (sender, receiver) = mpsc::channel(capacity);
                (Sender::Bounded(sender), Receiver::Bounded(receiver))
            }
            Capacity::Unbounded => {
                let (sender, receiver) = mpsc::unbounded();
                (Sender::Unbounded(sender), Receiver::Unbounded(receiver))
            }
        }
    }

    #[inline(always)]
    async fn send<T: Send + Unpin + 'static>(sender: &mut Sender<T>, value: T) {
        let sent = match sender {
            Sender::Bounded(sender) => sender.send(value).await.is_ok(),
            Sender::Unbounded(sender) => sender.unbounded_send(value).is_ok(),
        };
        assert!(sent, "closed");
    }

    #[inline(always)]
    async fn recv<T: Send + Unpin + 'static>(receiver: &mut Receiver<T>) -> Option<T> {
        match receiver {
            Receiver::Bounded(receiver) => receiver.next().await,
            Receiver::Unbounded(receiver) => receiver.next().await,
        }
    }

    #[inline(always)]
    fn try_send<T: Send + Unpin + 'static>(sender: &mut Sender<T>, value: T) -> bool {
        match sender {
            Sender::Bounded(sender) => sender.try_send(value).is_ok(),
            Sender::Unbounded(sender) => sender.unbounded_send(value).is_ok(),
        }
    }

    #[inline(always)]
    fn try_recv<T: Send + Unpin + 'static>(receiver: &mut Receiver<T>) -> Option<T> {
        match receiver {
            Receiver::Bounded(receiver) => receiver.try_recv().ok(),
            Receiver::Unbounded(receiver) => receiver.try_recv().ok(),
        }
    }
}
