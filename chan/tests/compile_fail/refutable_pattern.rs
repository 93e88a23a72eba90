//! A channel arm takes patterns that always match: its value would be lost otherwise.
use dormouse_chan::{bounded, select};

fn main() {
    let (tx, rx) = bounded::<u8>(1);
    select! {
        recv(rx) -> Some(value) => drop(value),
        default => {}
    }
    select! {
        send(tx, 1) -> Ok(()) => {}
        default => {}
    }
}
