//! A oneshot channel sends once, and not while its sender is lent to a wait; its receiver is awaited once.
use dormouse_chan::oneshot;

async fn all() {
    let (tx, rx) = oneshot();
    tx.send(1).unwrap();
    tx.send(2).unwrap();
    rx.await;
    rx.await;

    let (mut tx, _rx) = oneshot();
    let closed = tx.closed();
    tx.send(3).unwrap();
    closed.await;
}

fn main() {
    drop(all());
}
