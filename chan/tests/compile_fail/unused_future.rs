//! A future that is not awaited does nothing, and the compiler says so.
#![deny(unused_must_use)]
use dormouse_chan::bounded;

fn main() {
    let (tx, rx) = bounded::<u8>(1);
    let mut place = Some(1);
    tx.send(1);
    tx.send_from(&mut place);
    rx.recv();
    rx.iter();
}
