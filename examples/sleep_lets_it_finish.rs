//! Sleeping in `main` lets a task finish: without it the program would end first.
//!
//! After `tutorials/002_375e18fa1ca40e63.txt`, "How to Start a Goroutine". The two lines may come in either order.
use dormouse::{go, time::sleep};
use std::time::Duration;

async fn say_hello() {
    println!("Hello from Goroutine");
}

#[dormouse::main]
async fn main() {
    go(say_hello()); // starts a new task

    println!("Main function");

    sleep(Duration::from_secs(1)).await; // allows the task to complete
}
