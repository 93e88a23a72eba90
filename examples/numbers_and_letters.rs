//! Two different loops run side by side, so numbers and letters mix.
//!
//! After `tutorials/004_e9fb3eabde186492.txt`, "Running Multiple Goroutines". The order of a number and its letter may vary.
use dormouse::{go, time::sleep};
use std::time::Duration;

async fn print_numbers() {
    for i in 1..=5 {
        println!("{i}");
        sleep(Duration::from_millis(500)).await;
    }
}

async fn print_letters() {
    for c in 'A'..='E' {
        println!("{c}");
        sleep(Duration::from_millis(500)).await;
    }
}

#[dormouse::main]
async fn main() {
    go(print_numbers());
    go(print_letters());
    sleep(Duration::from_secs(3)).await; // waits for the tasks to finish
}
