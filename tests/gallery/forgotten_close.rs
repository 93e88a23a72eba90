//! Forgotten close: the workers wait for more jobs, for ever. A channel closes by itself when its last sender is dropped,
//! but here each worker holds one, in the pool that they share.
use crate::{Bug, is_right};
use dormouse::prelude::*;
use dormouse::sim::FailureKind;
use std::sync::Arc;

struct Pool {
    jobs: Sender<u64>,
    todo: Receiver<u64>,
    results: Sender<u64>,
}

async fn worker(pool: Arc<Pool>) {
    while let Some(n) = pool.todo.recv().await {
        pool.results.send(n * n).await.unwrap();
    }
}

async fn sum_of_squares(finish: fn(&Pool)) {
    let (jobs, todo) = bounded(2);
    let (results, squares) = bounded(2);
    let pool = Arc::new(Pool { jobs, todo, results });
    for _ in 0..3 {
        go(worker(pool.clone()));
    }
    for n in 1..=5 {
        pool.jobs.send(n).await.unwrap();
    }
    let mut sum = 0;
    for _ in 1..=5 {
        sum += squares.recv().await.unwrap();
    }
    assert_eq!(sum, 55);
    finish(&pool);
}

#[test]
fn is_found() {
    let bug = Bug {
        file: "forgotten_close.rs",
        seeds: 1,
        kind: FailureKind::Leak,
        says: &[
            "main is done, and 3 of its tasks are left: nothing wakes them",
            "task 3 [chan receive] at tests/gallery/forgotten_close.rs:15:",
            "spawned at tests/gallery/forgotten_close.rs:25:",
        ],
    };
    bug.is_found(|| sum_of_squares(|_pool| {}));
}

#[test]
fn repaired() {
    is_right(|| sum_of_squares(|pool| _ = pool.jobs.close()));
}
