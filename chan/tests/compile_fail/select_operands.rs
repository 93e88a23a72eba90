//! What is no operand of a channel arm.
use dormouse_chan::{bounded, select};
use std::sync::Arc;

fn main() {
    let (tx, rx) = bounded::<u8>(1);
    let (tx, rx) = (Arc::new(tx), Arc::new(rx));
    let mut place = Some(1);
    select! {
        recv(rx) -> _ => {}
        default => {}
    }
    select! {
        send(tx, 1) -> _ => {}
        default => {}
    }
    select! {
        send_from(&&5_u8, place) -> _ => {}
        default => {}
    }
}
