//! kanal's async channels.
use super::{Capacity, Channel, Shape, copies};
use kanal::{AsyncReceiver, AsyncSender, bounded_async, unbounded_async};
use std::future::Future;

pub(crate) struct Kanal;

impl Channel for Kanal {
    const NAME: &'static str = "kanal";
    const PEER: &'static str = "kanal";

    type Sender<T: Send + Unpin + 'static> = AsyncSender<T>;
    type Receiver<T: Send + Unpin + 'static> = AsyncReceiver<T>;

    fn supports(_: Shape) -> Result<(), &'static str> {
        Ok(())
    }

    fn keeps_values() -> Result<(), &'static str> {
        Err("loses values when a receive is dropped") // seen by this program: fewer arrive than were sent
    }

    fn takes_back() -> Result<(), &'static str> {
        Err("a send that is dropped may send its value") // as seen: more arrives than was sent
    }

    fn make<T: Send + Unpin + 'static>(shape: Shape) -> (Vec<AsyncSender<T>>, Vec<AsyncReceiver<T>>) {
        let (sender, receiver) = Self::pair(shape.capacity);
        (copies(sender, shape.senders), copies(receiver, shape.receivers))
    }

    fn pair<T: Send + Unpin + 'static>(capacity: Capacity) -> (AsyncSender<T>, AsyncReceiver<T>) {
        match capacity {
            Capacity::Bounded(capacity) => bounded_async(capacity),
            Capacity::Unbounded => unbounded_async(),
        }
    }

    #[inline(always)]
    fn send<T: Send + Unpin + 'static>(
        sender: &mut AsyncSender<T>,
        value: T,
    ) -> impl Future<Output = ()> + Send {
        let sent = sender.send(value);
        async move { assert!(sent.await.is_ok(), "closed") }
    }

    #[inline(always)]
    fn recv<T: Send + Unpin + 'static>(
        receiver: &mut AsyncReceiver<T>,
    ) -> impl Future<Output = Option<T>> + Send {
        let received = receiver.recv();
        async move { received.await.ok() }
    }

    #[inline(always)]
    fn try_send<T: Send + Unpin + 'static>(sender: &mut AsyncSender<T>, value: T) -> bool {
        sender.try_send(value) == Ok(true)
    }

    #[inline(always)]
    fn try_recv<T: Send + Unpin + 'static>(receiver: &mut AsyncReceiver<T>) -> Option<T> {
        receiver.try_recv().ok().flatten()
    }
}
