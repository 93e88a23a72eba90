//! flume's async side.
use super::shapes::{clonable_ends, copies, received, sent};
use super::{Capacity, Channel, Shape};
use flume::{Receiver, Sender, bounded, unbounded};
use std::future::Future;

pub(crate) struct Flume;

impl Channel for Flume {
    const NAME: &'static str = "flume";
    const PEER: &'static str = "flume";

    fn takes_back() -> Result<(), &'static str> {
        Err("a send that is dropped may send its value") // as seen: more arrives than was sent
    }

    fn meets() -> Result<(), &'static str> {
        // With a receiver waiting, the value goes into a queue, whoever comes first takes it, and this hangs.
        Err("at capacity 0, a sender can receive its own value")
    }

    clonable_ends!(
        Sender, Receiver, bounded, unbounded,
        send: |sender, value| sent(sender.send_async(value)),
        recv: |receiver| received(receiver.recv_async()),
        try_send: |sender, value| sender.try_send(value).is_ok(),
        try_recv: |receiver| receiver.try_recv().ok(),
    );
}
