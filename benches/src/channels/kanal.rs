//! kanal's async channels.
use super::shapes::{clonable_ends, copies, received, sent};
use super::{Capacity, Channel, Shape};
use kanal::{AsyncReceiver, AsyncSender, bounded_async, unbounded_async};
use std::future::Future;

pub(crate) struct Kanal;

impl Channel for Kanal {
    const NAME: &'static str = "kanal";
    const PEER: &'static str = "kanal";

    fn keeps_values() -> Result<(), &'static str> {
        Err("loses values when a receive is dropped") // seen by this program: fewer arrive than were sent
    }

    fn takes_back() -> Result<(), &'static str> {
        Err("a send that is dropped may send its value") // as seen: more arrives than was sent
    }

    clonable_ends!(
        AsyncSender, AsyncReceiver, bounded_async, unbounded_async,
        send: |sender, value| sent(sender.send(value)),
        recv: |receiver| received(receiver.recv()),
        try_send: |sender, value| sender.try_send(value) == Ok(true),
        try_recv: |receiver| receiver.try_recv().ok().flatten(),
    );
}
