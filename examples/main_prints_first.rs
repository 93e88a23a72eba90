//! A basic task beside `main`.
//!
//! After `tutorials/004_e9fb3eabde186492.txt`, "Basic Goroutine Example". Its output shows the line of `main` first, which
//! neither Go nor dormouse promises: only one worker makes it certain, as a new task cannot run before `main` waits.
use dormouse::{go, time::sleep};
use std::time::Duration;

async fn say_hello() {
    println!("Hello from Goroutine!");
}

#[dormouse::main]
async fn main() {
    go(say_hello()); // starts a new task
    println!("Main function execution");
    sleep(Duration::from_secs(1)).await; // prevents main from exiting immediately
}
