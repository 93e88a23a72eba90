//! Each channel arm names its result.
use dormouse_chan::{bounded, select};

fn main() {
    let (tx, rx) = bounded::<u8>(1);
    select! {
        recv(rx) => {}
        default => {}
    }
    select! {
        send(tx, 1) => {}
        default => {}
    }
}
