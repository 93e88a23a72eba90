//! Two tasks run the same loop side by side.
//!
//! After `tutorials/002_375e18fa1ca40e63.txt`, "Goroutine Example with Loops".
use dormouse::{go, time::sleep};
use std::time::Duration;

async fn print_numbers() {
    for i in 1..=5 {
        println!("{i}");
        sleep(Duration::from_millis(500)).await;
    }
}

#[dormouse::main]
async fn main() {
    go(print_numbers()); // runs concurrently
    go(print_numbers()); // another one

    sleep(Duration::from_secs(3)).await; // waits for the tasks
    println!("Main function done");
}
