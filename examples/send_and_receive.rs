//! One number over an unbuffered channel: both ends wait for each other.
//!
//! After `tutorials/002_375e18fa1ca40e63.txt`, "Sending and Receiving Values".
use dormouse::{chan::bounded, go};

#[dormouse::main]
async fn main() {
    let (tx, rx) = bounded(0);

    go(async move {
        tx.send(42).await.unwrap(); // sends a value to the channel
    });

    let val = rx.recv().await.unwrap(); // receives the value from the channel
    println!("{val}");
}
