//! What is made for nothing, the compiler says.
#![deny(unused_must_use)]
use dormouse_chan::watch;

fn main() {
    let (tx, mut rx) = watch(1);
    tx.send(2);
    tx.closed();
    tx.borrow();
    rx.changed();
    rx.wait_for(|n| *n == 1);
    rx.changes();
    rx.has_changed();
}
