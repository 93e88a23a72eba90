//! A named task gets the sending half of a channel: Go's `chan<- string` is a `Sender`.
//!
//! After `tutorials/004_e9fb3eabde186492.txt`, "Communicating Between Goroutines with Channels".
use dormouse::chan::{Sender, bounded};
use dormouse::go;

async fn send_message(ch: Sender<String>) {
    ch.send("Hello from Goroutine!".to_string()).await.unwrap();
}

#[dormouse::main]
async fn main() {
    let (tx, rx) = bounded(0); // creates a channel

    go(send_message(tx));

    let msg = rx.recv().await.unwrap(); // receives the message from the channel
    println!("{msg}");
}
