//! A channel as the signal that a piece of work is done.
//!
//! After `tutorials/000_a5f8585b38b945ec.txt`, "Using Channels for Synchronization".
use dormouse::chan::{Sender, bounded};
use dormouse::{go, time::sleep};
use std::time::Duration;

async fn worker(done: Sender<bool>) {
    println!("Working...");
    sleep(Duration::from_secs(2)).await;
    println!("Done!");
    done.send(true).await.unwrap(); // signal completion
}

#[dormouse::main]
async fn main() {
    let (done_tx, done_rx) = bounded(0); // unbuffered
    go(worker(done_tx));

    done_rx.recv().await.unwrap(); // wait for the worker to finish
    println!("Worker finished, exiting main.");
}
