//! Direction: a receiver does not send, a sender does not receive, and neither becomes the other.
use dormouse_chan::{Receiver, Sender, bounded};

fn main() {
    let (tx, rx) = bounded::<u8>(1);
    let _ = rx.send(1);
    let _ = rx.try_send(1);
    let _ = tx.recv();
    let _ = tx.try_recv();
    let _: Sender<u8> = rx.clone();
    let _: Receiver<u8> = tx.into();
}
