//! A worker pool that reports errors: a job that fails, or even panics, is reported and the others go on.
//!
//! Workers send each outcome with the job it belongs to. A job runs in a task of its own, because a panic ends only the
//! task it happens in and reaches whoever awaits it as a `JoinError`.
use dormouse::chan::{Receiver, Sender, bounded};
use dormouse::{go, spawn};
use std::{fmt, num::ParseIntError};

#[derive(Debug)]
enum JobError {
    NotANumber(ParseIntError),
    Negative(i64),
    Panicked,
}

impl fmt::Display for JobError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            JobError::NotANumber(e) => write!(f, "not a number: {e}"),
            JobError::Negative(n) => write!(f, "{n} has no square root"),
            JobError::Panicked => write!(f, "the job panicked"),
        }
    }
}

impl std::error::Error for JobError {}

async fn square_root(input: &str) -> Result<i64, JobError> {
    let n: i64 = input.parse().map_err(JobError::NotANumber)?;
    if n < 0 {
        return Err(JobError::Negative(n));
    }
    assert!(n != 13, "unlucky");
    Ok(n.isqrt())
}

type Outcome = (usize, Result<i64, JobError>);

async fn worker(jobs: Receiver<(usize, &'static str)>, outcomes: Sender<Outcome>) {
    while let Some((job, input)) = jobs.recv().await {
        let outcome = match spawn(square_root(input)).await {
            Ok(outcome) => outcome,
            Err(_panic) => Err(JobError::Panicked),
        };
        outcomes.send((job, outcome)).await.unwrap();
    }
}

#[dormouse::main]
async fn main() {
    let inputs = ["16", "ten", "-4", "13", "", "144"];
    let (jobs, jobs_rx) = bounded(0);
    let (outcomes_tx, outcomes) = bounded(0);
    for _worker in 0..3 {
        go(worker(jobs_rx.clone(), outcomes_tx.clone()));
    }
    drop(outcomes_tx); // from here on the workers hold the only senders
    go(async move {
        for job in inputs.into_iter().enumerate() {
            jobs.send(job).await.unwrap();
        }
    });

    let mut all: Vec<Outcome> = Vec::new();
    while let Some(outcome) = outcomes.recv().await {
        all.push(outcome); // in the order in which they finish
    }

    all.sort_by_key(|(job, _)| *job);
    let failed = all.iter().filter(|(_, outcome)| outcome.is_err()).count();
    for (job, outcome) in all {
        match outcome {
            Ok(root) => println!("job {job}: the root of {} is {root}", inputs[job]),
            Err(e) => println!("job {job}: {:?} failed: {e}", inputs[job]),
        }
    }
    println!("{failed} of {} jobs failed", inputs.len());
}
