//! A task without a name: `go(async { ... })`.
//!
//! After `tutorials/004_e9fb3eabde186492.txt`, "Goroutine with Anonymous Function".
use dormouse::{go, time::sleep};
use std::time::Duration;

#[dormouse::main]
async fn main() {
    go(async {
        println!("Goroutine with anonymous function");
    });
    sleep(Duration::from_secs(1)).await; // allows the task to complete
}
