//! A nil channel is never ready: `never()`, and `None` in the place of a receiver.
//!
//! After `tutorials/003_860d97b1ef600f4e.txt`, "Declare a Channel": `var ch chan int` without `make` is nil. Sending to it
//! and receiving from it wait for ever, and in a `select!` its arms are never chosen, which is how arms are switched off.
use dormouse::chan::{Receiver, bounded, never};
use dormouse::{select, time::sleep};
use std::time::Duration;

#[dormouse::main]
async fn main() {
    let (tx, rx) = never::<i32>(); // var ch chan int

    select! {
        recv(rx) -> val => println!("received {val:?}"),
        default => println!("nothing to receive"),
    }
    select! {
        send(tx, 42) -> sent => println!("sent: {sent:?}"),
        default => println!("nobody to send to"),
    }
    select! {
        recv(rx) -> val => println!("received {val:?}"),
        _ = sleep(Duration::from_millis(100)) => println!("still nothing after 100 ms"),
    }

    // `ch = nil` in Go's loops: an arm whose receiver is `None` is off, whatever its channel holds.
    let (tx, rx) = bounded(1);
    tx.send(7).await.unwrap();
    let mut source: Option<&Receiver<i32>> = None;
    for turn in ["off", "on"] {
        select! {
            recv(source) -> val => println!("{turn}: received {}", val.unwrap()),
            default => println!("{turn}: nothing to receive"),
        }
        source = Some(&rx);
    }
}
