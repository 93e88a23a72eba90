//! A task hands a message to `main` over an unbuffered channel.
//!
//! After `tutorials/000_a5f8585b38b945ec.txt`, "Using Channels for Communication".
use dormouse::chan::{Sender, bounded};
use dormouse::go;

async fn send_data(ch: Sender<&'static str>) {
    // Where Go panics ("send on closed channel"), `send` gives the value back in an error.
    ch.send("Hello from Go Routine!").await.unwrap();
}

#[dormouse::main]
async fn main() {
    let (tx, rx) = bounded(0); // make(chan string)
    go(send_data(tx));
    let message = rx.recv().await.unwrap(); // `None` would mean: closed, and nothing left
    println!("{message}");
}
