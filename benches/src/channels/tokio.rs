//! `tokio::sync::mpsc`.
use super::shapes::{copies, either_ends, either_operations};
use super::{Capacity, Channel, NO_RENDEZVOUS, ONE_RECEIVER, Shape};
use tokio::sync::mpsc;

pub(crate) struct Tokio;

either_ends!(mpsc);

impl Channel for Tokio {
    const NAME: &'static str = "tokio mpsc";
    const PEER: &'static str = "tokio";

    fn supports(shape: Shape) -> Result<(), &'static str> {
        match shape {
            Shape { capacity: Capacity::Bounded(0), .. } => Err(NO_RENDEZVOUS),
            Shape { receivers: 2.., .. } => Err(ONE_RECEIVER),
            _ => Ok(()),
        }
    }

    either_operations!(
        mpsc, mpsc::unbounded_channel,
        unbounded_send: |sender, value| sender.send(value),
        recv: |receiver| receiver.recv(),
    );
}
