//! Ours.
use super::shapes::{clonable_ends, copies, sent};
use super::{Capacity, Channel, NO_RENDEZVOUS, Shape};
use dormouse_chan::{Receiver, Sender, bounded, spsc, unbounded};
use std::future::Future;

pub(crate) struct Dormouse;

impl Channel for Dormouse {
    const NAME: &'static str = "dormouse";
    const PEER: &'static str = "dormouse";

    clonable_ends!(
        Sender, Receiver, bounded, unbounded,
        send: |sender, value| sent(sender.send(value)),
        recv: |receiver| receiver.recv(),
        try_send: |sender, value| sender.try_send(value).is_ok(),
        try_recv: |receiver| receiver.try_recv().ok(),
    );
}

/// The one between two tasks.
pub(crate) struct DormouseSpsc;

impl Channel for DormouseSpsc {
    const NAME: &'static str = "dormouse spsc";
    const PEER: &'static str = "dormouse";

    type Sender<T: Send + Unpin + 'static> = spsc::Sender<T>;
    type Receiver<T: Send + Unpin + 'static> = spsc::Receiver<T>;

    fn supports(shape: Shape) -> Result<(), &'static str> {
        match shape {
            Shape { capacity: Capacity::Bounded(0), .. } => Err(NO_RENDEZVOUS),
            Shape { senders: 1, receivers: 1, .. } => Ok(()),
            _ => Err("one sender and one receiver only"),
        }
    }

    fn make<T: Send + Unpin + 'static>(shape: Shape) -> (Vec<spsc::Sender<T>>, Vec<spsc::Receiver<T>>) {
        let (sender, receiver) = Self::pair(shape.capacity);
        (vec![sender], vec![receiver])
    }

    fn pair<T: Send + Unpin + 'static>(capacity: Capacity) -> (spsc::Sender<T>, spsc::Receiver<T>) {
        match capacity {
            Capacity::Bounded(capacity) => spsc::bounded(capacity),
            Capacity::Unbounded => spsc::unbounded(),
        }
    }

    fn send<T: Send + Unpin + 'static>(
        sender: &mut spsc::Sender<T>,
        value: T,
    ) -> impl Future<Output = ()> + Send {
        sent(sender.send(value))
    }

    fn recv<T: Send + Unpin + 'static>(
        receiver: &mut spsc::Receiver<T>,
    ) -> impl Future<Output = Option<T>> + Send {
        receiver.recv()
    }

    fn try_send<T: Send + Unpin + 'static>(sender: &mut spsc::Sender<T>, value: T) -> bool {
        sender.try_send(value).is_ok()
    }

    fn try_recv<T: Send + Unpin + 'static>(receiver: &mut spsc::Receiver<T>) -> Option<T> {
        receiver.try_recv().ok()
    }
}
