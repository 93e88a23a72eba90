//! An anonymous task sends a string over an unbuffered channel: `go func() { ... }()` is `go(async move { ... })`.
//!
//! After `tutorials/001_f236c704c622af62.txt`, "Channels".
use dormouse::{chan::bounded, go};

#[dormouse::main]
async fn main() {
    let (tx, rx) = bounded(0); // an unbuffered channel

    go(async move {
        tx.send("Hello from goroutine!").await.unwrap(); // sends a message to the channel
    });

    let msg = rx.recv().await.unwrap(); // receives the message from the channel
    println!("{msg}");
}
