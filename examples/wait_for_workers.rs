//! `WaitGroup::track`: `wg.Add(1)`, `go` and `defer wg.Done()` in one line that cannot be forgotten.
//!
//! After `tutorials/004_e9fb3eabde186492.txt`, "Synchronizing Goroutines with `sync.WaitGroup`". The workers may start in any
//! order.
use dormouse::{go, sync::WaitGroup};

async fn worker(id: i32) {
    println!("Worker {id} started");
}

#[dormouse::main]
async fn main() {
    let wg = WaitGroup::new();

    for i in 1..=3 {
        go(wg.track(worker(i))); // counts now, and is done when the worker ends, even by a panic
    }

    wg.wait().await; // waits for all workers to finish
    println!("All workers completed");
}
