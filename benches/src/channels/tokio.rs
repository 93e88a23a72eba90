//! `tokio::sync::mpsc`.
use super::{Capacity, Channel, NO_RENDEZVOUS, ONE_RECEIVER, Shape, copies};
use tokio::sync::mpsc;

pub(crate) struct Tokio;

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

/// Either kind.
pub(crate) enum Receiver<T> {
    Bounded(mpsc::Receiver<T>),
    Unbounded(mpsc::UnboundedReceiver<T>),
}

impl Channel for Tokio {
    const NAME: &'static str = "tokio mpsc";
    const PEER: &'static str = "tokio";

    type Sender<T: Send + Unpin + 'static> = Sender<T>;
    type Receiver<T: Send + Unpin + 'static> = Receiver<T>;

    fn supports(shape: Shape) -> Result<(), &'static str> {
        match shape {
            Shape { capacity: Capacity::Bounded(0), .. } => Err(NO_RENDEZVOUS),
            Shape { receivers: 2.., .. } => Err(ONE_RECEIVER),
            _ => Ok(()),
        }
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
                let (sender, receiver) = mpsc::unbounded_channel();
                (Sender::Unbounded(sender), Receiver::Unbounded(receiver))
            }
        }
    }

    #[inline(always)]
    async fn send<T: Send + Unpin + 'static>(sender: &mut Sender<T>, value: T) {
        let sent = match sender {
            Sender::Bounded(sender) => sender.send(value).await,
            Sender::Unbounded(sender) => sender.send(value),
        };
        assert!(sent.is_ok(), "closed");
    }

    #[inline(always)]
    async fn recv<T: Send + Unpin + 'static>(receiver: &mut Receiver<T>) -> Option<T> {
        match receiver {
            Receiver::Bounded(receiver) => receiver.recv().await,
            Receiver::Unbounded(receiver) => receiver.recv().await,
        }
    }

    #[inline(always)]
    fn try_send<T: Send + Unpin + 'static>(sender: &mut Sender<T>, value: T) -> bool {
        match sender {
            Sender::Bounded(sender) => sender.try_send(value).is_ok(),
            Sender::Unbounded(sender) => sender.send(value).is_ok(),
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
