//! `main` goes on while the task it started runs.
//!
//! After `tutorials/001_f236c704c622af62.txt`, "Goroutines". The two lines may come in either order.
use dormouse::{go, time::sleep};
use std::time::Duration;

async fn say_hello() {
    println!("Hello from a goroutine!");
}

#[dormouse::main]
async fn main() {
    go(say_hello()); // starts a task
    println!("Hello from main!");
    sleep(Duration::from_secs(1)).await; // gives the task time to run
}
