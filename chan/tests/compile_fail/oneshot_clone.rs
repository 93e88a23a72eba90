//! A oneshot channel has one sender and one receiver.
use dormouse_chan::oneshot;

fn main() {
    let (tx, rx) = oneshot::<u8>();
    let more = (tx.clone(), rx.clone());
}
