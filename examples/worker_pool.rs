//! A worker pool: three workers share five jobs and send their results back.
//!
//! After `tutorials/001_f236c704c622af62.txt`, "Putting It Together".
use dormouse::chan::{Receiver, Sender, bounded};
use dormouse::{go, time::sleep};
use std::time::Duration;

async fn worker(id: i32, jobs: Receiver<i32>, results: Sender<i32>) {
    while let Some(job) = jobs.recv().await {
        println!("Worker {id} processing job {job}");
        sleep(Duration::from_secs(1)).await; // simulates work
        results.send(job * 2).await.unwrap();
    }
}

#[dormouse::main]
async fn main() {
    let (jobs_tx, jobs_rx) = bounded(5);
    let (results_tx, results_rx) = bounded(5);

    // Start 3 workers.
    for w in 1..=3 {
        go(worker(w, jobs_rx.clone(), results_tx.clone()));
    }

    // Send 5 jobs.
    for j in 1..=5 {
        jobs_tx.send(j).await.unwrap();
    }
    jobs_tx.close(); // no more jobs to send

    // Collect the results.
    for _ in 1..=5 {
        println!("Result: {}", results_rx.recv().await.unwrap());
    }
}
