//! At most one default and one else.
use dormouse_chan::{bounded, select};

fn main() {
    let (_tx, rx) = bounded::<u8>(1);
    select! {
        recv(rx) -> _ => {}
        default => {}
        default => {}
    }
    select! {
        recv(rx) -> _ => {}
        else => {}
        else => {}
    }
}
