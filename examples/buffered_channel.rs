//! A buffered channel takes values without a receiver, until it is full.
//!
//! After `tutorials/002_375e18fa1ca40e63.txt`, "Buffered Channels Example".
use dormouse::chan::{TrySendError, bounded};

#[dormouse::main]
async fn main() {
    let (tx, rx) = bounded(2); // a buffer of 2

    tx.send(1).await.unwrap();
    tx.send(2).await.unwrap();
    // `tx.send(3).await` would wait because the buffer is full. `try_send` says so and gives the value back:
    assert!(matches!(tx.try_send(3), Err(TrySendError::Full(3))));

    println!("{}", rx.recv().await.unwrap()); // 1
    println!("{}", rx.recv().await.unwrap()); // 2
}
