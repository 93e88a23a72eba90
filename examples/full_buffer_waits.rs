//! A buffer of two: the third send waits until something is received.
//!
//! After `tutorials/001_f236c704c622af62.txt`, "Buffered Channels". There the third send has no receiver and blocks for
//! ever; here one comes along.
use dormouse::chan::{TrySendError, bounded};
use dormouse::spawn;

#[dormouse::main]
async fn main() {
    let (tx, rx) = bounded(2); // a buffer of 2
    tx.send(1).await.unwrap(); // does not wait
    tx.send(2).await.unwrap(); // does not wait
    if let Err(TrySendError::Full(v)) = tx.try_send(3) {
        println!("the buffer is full: sending {v} has to wait");
    }

    let receiver = spawn(async move {
        while let Some(v) = rx.recv().await {
            println!("received {v}");
        }
    });
    tx.send(3).await.unwrap(); // waits until 1 is received
    drop(tx); // the last sender closes the channel, which ends the receiver's loop
    receiver.await.unwrap();
}
