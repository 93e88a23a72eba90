//! Starvation by `biased`: an arm that is always ready, and stands first, is the only one that ever happens.
use crate::{Bug, is_right};
use dormouse::prelude::*;
use dormouse::sim::FailureKind;

async fn worker_buggy(jobs: Receiver<u32>, later: Sender<u32>, logins: Receiver<String>, done: Sender<u32>) {
    let mut token = None;
    loop {
        select! {
            biased;
            recv(jobs) -> job => match (job, &token) {
                (None, _) => return,
                (Some(job), None) => later.send(job).await.unwrap(), // not logged in: back into the queue
                (Some(job), Some(_)) => done.send(job).await.unwrap(),
            },
            recv(logins) -> login, if token.is_none() => token = login,
        }
    }
}

async fn worker(jobs: Receiver<u32>, later: Sender<u32>, logins: Receiver<String>, done: Sender<u32>) {
    let mut token = None;
    loop {
        select! {
            biased;
            recv(logins) -> login, if token.is_none() => token = login, // what is rare and matters stands first
            recv(jobs) -> job => match (job, &token) {
                (None, _) => return,
                (Some(job), None) => later.send(job).await.unwrap(),
                (Some(job), Some(_)) => done.send(job).await.unwrap(),
            },
        }
    }
}

async fn one_job<F>(worker: impl Fn(Receiver<u32>, Sender<u32>, Receiver<String>, Sender<u32>) -> F)
where
    F: Future<Output = ()> + Send + 'static,
{
    let (jobs, todo) = unbounded();
    let (login, logins) = bounded(1);
    let (done, results) = bounded(1);
    let worker = task::Builder::new().name("worker").spawn(worker(todo, jobs.clone(), logins, done));
    go(async move {
        time::sleep(Duration::from_millis(1)).await; // asks for the password
        login.send("token".to_owned()).await.unwrap();
    });
    time::sleep(Duration::from_millis(1)).await;
    jobs.send(7).await.unwrap();
    assert_eq!(results.recv().await, Some(7));
    jobs.close();
    worker.await.unwrap();
}

#[test]
fn is_found() {
    let bug = Bug {
        file: "starved_by_biased.rs",
        seeds: 35,
        kind: FailureKind::Livelock,
        says: &[
            "no end after 2000 steps and 1ms of virtual time: a livelock",
            "main [chan receive] at tests/gallery/starved_by_biased.rs:50:",
            "\"worker\" runs, then [",
        ],
    };
    bug.is_found(|| one_job(worker_buggy));
}

#[test]
fn repaired() {
    is_right(|| one_job(worker));
}
