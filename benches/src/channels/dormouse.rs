//! Ours.
use super::shapes::{clonable_ends, copies, sent};
use super::{Capacity, Channel, Shape};
use dormouse_chan::{Receiver, Sender, bounded, unbounded};
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
