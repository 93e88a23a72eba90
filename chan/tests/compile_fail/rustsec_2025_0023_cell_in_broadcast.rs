//! RUSTSEC-2025-0023 (tokio): receivers of a broadcast clone one value at the same time, so one that is not `Sync` must
//! not reach two threads.
use dormouse_chan::broadcast;
use dormouse_chan::broadcast::Overflow;
use std::cell::Cell;

fn main() {
    let (tx, mut rx) = broadcast::<Cell<u8>>(1, Overflow::Wait);
    let mut other = tx.subscribe();
    std::thread::spawn(move || drop(other.try_recv()));
    drop(rx.try_recv());
}
