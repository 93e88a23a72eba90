//! Direction, in the arms of a select.
use dormouse_chan::{bounded, select};

fn main() {
    let (tx, rx) = bounded::<u8>(1);
    select! {
        recv(tx) -> _ => {}
        default => {}
    }
    select! {
        send(rx, 1) -> _ => {}
        default => {}
    }
}
