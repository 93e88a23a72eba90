//! Operands of the wrong type.
use dormouse_chan::{bounded, select};

fn main() {
    let (tx, rx) = bounded::<u8>(1);
    let mut place = Some("text");
    select! {
        send(tx, "text") -> _ => {}
        default => {}
    }
    select! {
        send_from(tx, place) -> _ => {}
        default => {}
    }
    select! {
        recv(5) -> _ => {}
        default => {}
    }
    select! {
        recv(rx) -> v, if 1 => {}
        default => {}
    }
}
