//! A `WaitGroup` lets `main` wait until two tasks are done.
//!
//! After `tutorials/000_a5f8585b38b945ec.txt`, "Synchronization with WaitGroups".
use dormouse::{go, sync::WaitGroup};

async fn print_message(msg: &str, wg: WaitGroup) {
    println!("{msg}");
    wg.done(); // `wait_for_workers` shows the form that plays the part of `defer wg.Done()`
}

#[dormouse::main]
async fn main() {
    let wg = WaitGroup::new();
    wg.add(2); // we have two tasks

    go(print_message("Hello", wg.clone())); // a clone is the same group
    go(print_message("Go Routines", wg.clone()));

    wg.wait().await; // waits for both to finish
}
