//! A look at a value does not outlive its handle, and goes before the receiver waits for the next one.
use dormouse_chan::watch;

async fn all() {
    let (tx, mut rx) = watch(1);
    let look = tx.borrow();
    drop(tx);
    drop(look);

    let look = rx.borrow_and_update();
    rx.changed().await.unwrap();
    drop(look);

    let first = rx.changed();
    let second = rx.changed();
    drop((first, second));
}

fn main() {
    drop(all());
}
