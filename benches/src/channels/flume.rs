//! flume's async side.
use super::{Capacity, Channel, Shape, copies};
use flume::{Receiver, Sender, bounded, unbounded};
use std::future::Future;

pub(crate) struct Flume;

impl Channel for Flume {
    const NAME: &'static str = "flume";
    const PEER: &'static str = "flume";

    type Sender<T: Send + Unpin + 'static> = Sender<T>;
    type Receiver<T: Send + Unpin + 'static> = Receiver<T>;

    fn supports(_: Shape) -> Result<(), &'static str> {
        Ok(())
    }

    fn takes_back() -> Result<(), &'static str> {
        Err("a send that is dropped may send its value") // as seen: more arrives than was sent
    }

    fn meets() -> Result<(), &'static str> {
        // With a receiver waiting, the value goes into a queue, whoever comes first takes it, and this hangs.
        Err("at capacity 0, a sender can receive its own value")
    }

    fn make<T: Send + Unpin + 'static>(shape: Shape) -> (Vec<Sender<T>>, Vec<Receiver<T>>) {
        let (sender, receiver) = Self::pair(shape.capacity);
        (copies(sender, shape.senders), copies(receiver, shape.receivers))
    }

    fn pair<T: Send + Unpin + 'static>(capacity: Capacity) -> (Sender<T>, Receiver<T>) {
        match capacity {
            Capacity::Bounded(capacity) => bounded(capacity),
            Capacity::Unbounded => unbounded(),
        }
    }

    #[inline(always)]
    fn send<T: Send + Unpin + 'static>(sender: &mut Sender<T>, value: T) -> impl Future<Output = ()> + Send {
        let sent = sender.send_async(value);
        async move { assert!(sent.await.is_ok(), "closed") }
    }

    #[inline(always)]
    fn recv<T: Send + Unpin + 'static>(receiver: &mut Receiver<T>) -> impl Future<Output = Option<T>> + Send {
        let received = receiver.recv_async();
        async move { received.await.ok() }
    }

    #[inline(always)]
    fn try_send<T: Send + Unpin + 'static>(sender: &mut Sender<T>, value: T) -> bool {
        sender.try_send(value).is_ok()
    }

    #[inline(always)]
    fn try_recv<T: Send + Unpin + 'static>(receiver: &mut Receiver<T>) -> Option<T> {
        receiver.try_recv().ok()
    }
}
