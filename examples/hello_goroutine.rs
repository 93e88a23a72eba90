//! The first goroutine: `go` starts a task, and `main` sleeps to give it time to run.
//!
//! After `tutorials/000_a5f8585b38b945ec.txt`, "Syntax for Creating a Go Routine".
use dormouse::{go, time::sleep};
use std::time::Duration;

async fn say_hello() {
    println!("Hello, World!");
}

#[dormouse::main]
async fn main() {
    go(say_hello()); // runs in a task of its own
    sleep(Duration::from_secs(1)).await; // gives the task time to run
}
