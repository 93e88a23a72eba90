//! async-channel.
use super::shapes::{clonable_ends, copies, received, sent};
use super::{Capacity, Channel, NO_RENDEZVOUS, Shape};
use async_channel::{Receiver, Sender, bounded, unbounded};
use std::future::Future;

pub(crate) struct AsyncChannel;

impl Channel for AsyncChannel {
    const NAME: &'static str = "async-channel";
    const PEER: &'static str = "async-channel";

    fn supports(shape: Shape) -> Result<(), &'static str> {
        match shape.capacity {
            Capacity::Bounded(0) => Err(NO_RENDEZVOUS),
            _ => Ok(()),
        }
    }

    clonable_ends!(
        Sender, Receiver, bounded, unbounded,
        send: |sender, value| sent(sender.send(value)),
        recv: |receiver| received(receiver.recv()),
        try_send: |sender, value| sender.try_send(value).is_ok(),
        try_recv: |receiver| receiver.try_recv().ok(),
    );
}
