//! The worker pool with unbuffered channels: the workers wait until `main` takes their results, and `main` waits until a
//! worker takes the fourth job. The simulator says so.
//!
//! After `tutorials/001_f236c704c622af62.txt`, "Putting It Together", with its note "what if we used unbuffered channel"
//! on "Channels for Synchronization". `worker_pool` is the program with buffers.
use dormouse::chan::{Receiver, Sender, bounded};
use dormouse::{go, sim, time::sleep};
use std::time::Duration;

async fn worker(id: i32, jobs: Receiver<i32>, results: Sender<i32>) {
    while let Some(job) = jobs.recv().await {
        println!("Worker {id} processing job {job}");
        sleep(Duration::from_secs(1)).await; // simulates work
        results.send(job * 2).await.unwrap(); // waits for main
    }
}

async fn pool() {
    let (jobs_tx, jobs_rx) = bounded(0);
    let (results_tx, results_rx) = bounded(0);

    // Start 3 workers.
    for w in 1..=3 {
        go(worker(w, jobs_rx.clone(), results_tx.clone()));
    }

    // Send 5 jobs.
    for j in 1..=5 {
        jobs_tx.send(j).await.unwrap(); // the fourth waits for a worker
    }
    jobs_tx.close(); // no more jobs to send

    // Collect the results.
    for _ in 1..=5 {
        println!("Result: {}", results_rx.recv().await.unwrap());
    }
}

fn main() {
    let failure = sim::Builder::new().try_run(pool()).expect_err("nobody takes a result");
    println!("{failure}");
}
