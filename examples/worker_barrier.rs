//! Three workers, six jobs, and a channel as the barrier that `main` waits at.
//!
//! After `tutorials/001_f236c704c622af62.txt`, "Channels for Synchronization".
use dormouse::chan::{Receiver, Sender, bounded};
use dormouse::{go, time::sleep};
use std::time::Duration;

/// Processes jobs from `jobs` and signals on `done` that no more are left.
async fn worker(id: usize, jobs: Receiver<usize>, done: Sender<bool>) {
    while let Some(job) = jobs.recv().await {
        println!("Worker {id} started job {job}");
        sleep(Duration::from_secs(1)).await; // simulates some work
        println!("Worker {id} finished job {job}");
    }
    done.send(true).await.unwrap(); // signals that this worker is done
}

#[dormouse::main]
async fn main() {
    const NUM_WORKERS: usize = 3;
    const NUM_JOBS: usize = 6;

    // Channels for jobs and synchronization.
    let (jobs_tx, jobs_rx) = bounded(NUM_JOBS);
    let (done_tx, done_rx) = bounded(NUM_WORKERS);

    // Start the workers.
    for w in 1..=NUM_WORKERS {
        go(worker(w, jobs_rx.clone(), done_tx.clone()));
    }

    // Send the jobs to the workers.
    for j in 1..=NUM_JOBS {
        jobs_tx.send(j).await.unwrap();
    }
    jobs_tx.close(); // no more jobs to send

    // Wait for all workers to finish.
    for _ in 1..=NUM_WORKERS {
        done_rx.recv().await.unwrap();
    }
    done_tx.close(); // not needed here: dropping the last sender would close it too

    println!("All workers have completed their tasks!");
}
