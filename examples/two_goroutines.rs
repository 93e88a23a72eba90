//! Two tasks, `main` and an anonymous one, meet at an unbuffered channel.
//!
//! After `tutorials/002_375e18fa1ca40e63.txt`, "Example with Two Goroutines".
use dormouse::{chan::bounded, go};

#[dormouse::main]
async fn main() {
    let (tx, rx) = bounded(0);

    go(async move {
        tx.send("Hello from goroutine").await.unwrap();
    });

    let msg = rx.recv().await.unwrap();
    println!("{msg}");
}
