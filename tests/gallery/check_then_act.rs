//! Check-then-act on `len`: that the queue was not empty before an await says nothing of it afterwards.
use crate::{Bug, is_right};
use dormouse::chan::TryRecvError;
use dormouse::prelude::*;
use dormouse::sim::FailureKind;

fn millis(n: u64) -> Duration {
    Duration::from_millis(n)
}

async fn worker_buggy(jobs: Receiver<u64>) -> u64 {
    let mut worked = 0;
    while !jobs.is_empty() {
        time::sleep(millis(1)).await; // prepares for a job
        let job = jobs.recv().await.unwrap(); // there was one
        time::sleep(millis(job)).await; // works
        worked += job;
    }
    worked
}

async fn worker(jobs: Receiver<u64>) -> u64 {
    let mut worked = 0;
    loop {
        time::sleep(millis(1)).await;
        match jobs.try_recv() {
            Ok(job) => {
                time::sleep(millis(job)).await;
                worked += job;
            }
            Err(TryRecvError::Empty | TryRecvError::Closed) => return worked,
        }
    }
}

async fn two_workers<F>(worker: impl Fn(Receiver<u64>) -> F)
where
    F: Future<Output = u64> + Send + 'static,
{
    let (jobs, todo) = bounded(3);
    for job in 1..=3 {
        jobs.send(job).await.unwrap();
    }
    let (a, b) = (spawn(worker(todo.clone())), spawn(worker(todo)));
    assert_eq!(a.await.unwrap() + b.await.unwrap(), 1 + 2 + 3);
    drop(jobs); // more could have come up to here
}

#[test]
fn is_found() {
    let bug = Bug {
        file: "check_then_act.rs",
        seeds: 40,
        kind: FailureKind::Deadlock,
        says: &[
            "all tasks are asleep - deadlock!",
            "main [join]",
            " [chan receive] at tests/gallery/check_then_act.rs:15:",
        ],
    };
    bug.is_found(|| two_workers(worker_buggy));
}

#[test]
fn repaired() {
    is_right(|| two_workers(worker));
}
