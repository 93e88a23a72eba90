//! A look at a value stays on its thread, so not over an await of a task that moves.
use dormouse_chan::watch;

fn moves<T: Send>(_: T) {}

fn main() {
    let (tx, mut rx) = watch(1);
    moves(async move {
        let look = tx.borrow();
        rx.changed().await.unwrap();
        drop(look);
    });
}
