//! `set_workers`: how many work follows, and no task is lost.
#![allow(missing_docs)]

use dormouse_executor::runtime::{Builder, Runtime};
use dormouse_executor::task;
use dormouse_testing::{Gate, until, watch};
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::sync::{Arc, Barrier};
use std::time::Duration;

fn runtime(workers: usize, most: usize) -> Runtime {
    Builder::multi_thread().worker_threads(workers).max_worker_threads(most).build().unwrap()
}

/// `n` tasks that each keep a thread until all run at the same time.
fn at_once(rt: &Runtime, n: usize) {
    let barrier = Arc::new(Barrier::new(n));
    let tasks: Vec<_> = (0..n)
        .map(|_| {
            let barrier = barrier.clone();
            rt.spawn(async move { barrier.wait().is_leader() })
        })
        .collect();
    let leaders = rt.block_on(async {
        let mut leaders = 0;
        for task in tasks {
            leaders += usize::from(task.await.unwrap());
        }
        leaders
    });
    assert_eq!(leaders, 1);
}

#[test]
fn more_workers_work_at_the_same_time() {
    let _watch = watch();
    // Nobody is relieved: only workers can come.
    let rt =
        Builder::multi_thread().worker_threads(1).max_worker_threads(6).max_spare_threads(0).build().unwrap();
    for (before, workers) in [(1, 3), (3, 6), (6, 2), (2, 4)] {
        assert_eq!(rt.handle().set_workers(workers).unwrap(), before);
        assert_eq!(rt.metrics().workers, workers);
        at_once(&rt, workers);
        until(|| rt.metrics().seats == workers);
    }
}

/// Tasks that yield for ever would keep their workers: those that are too many go all the same.
#[test]
fn busy_workers_go_between_two_polls() {
    let _watch = watch();
    let rt = runtime(4, 4);
    let (stop, turns) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
    let tasks: Vec<_> = (0..40)
        .map(|_| {
            let (stop, turns) = (stop.clone(), turns.clone());
            rt.spawn(async move {
                while stop.load(SeqCst) == 0 {
                    turns.fetch_add(1, SeqCst);
                    task::yield_now().await;
                }
            })
        })
        .collect();
    for workers in [1, 4, 2, 3, 1] {
        rt.handle().set_workers(workers).unwrap();
        until(|| {
            let metrics = rt.metrics();
            metrics.seats == workers && metrics.seated <= workers
        });
        let before = turns.load(SeqCst);
        until(|| turns.load(SeqCst) > before + 1000);
    }
    stop.store(1, SeqCst);
    rt.block_on(async {
        for task in tasks {
            task.await.unwrap();
        }
    });
}

/// Sent = received, while N changes under a flow of tasks.
#[test]
fn no_task_is_lost() {
    let _watch = watch();
    let rt = runtime(2, 8);
    let done = Arc::new(AtomicUsize::new(0));
    const TASKS: usize = 20_000;
    let handle = rt.handle().clone();
    let flow = rt.spawn({
        let done = done.clone();
        async move {
            for n in 0..TASKS {
                let done = done.clone();
                task::go(async move {
                    task::yield_now().await;
                    done.fetch_add(1, SeqCst);
                });
                if n % 100 == 0 {
                    handle.set_workers(1 + (n / 100 * 5) % 8).unwrap();
                    task::yield_now().await;
                }
            }
        }
    });
    rt.block_on(flow).unwrap();
    until(|| done.load(SeqCst) == TASKS);
    let workers = rt.metrics().workers;
    until(|| rt.metrics().seats == workers);
}

#[test]
fn a_blocked_worker_goes_when_its_poll_ends() {
    let _watch = watch();
    let rt = runtime(2, 2);
    let (wall, gate) = (Arc::new(Barrier::new(2)), Gate::default());
    let stuck = rt.spawn({
        let wall = wall.clone();
        async move {
            wall.wait();
        }
    });
    rt.handle().set_workers(1).unwrap();
    let other = rt.spawn(gate.clone());
    gate.open();
    // (`block_on` might poll the other one, which waits for this thread.)
    until(|| other.is_finished());
    wall.wait();
    rt.block_on(stuck).unwrap();
    until(|| rt.metrics().seats == 1);
}

#[test]
fn threads_beyond_the_number_leave() {
    let _watch = watch();
    let rt = Builder::multi_thread()
        .worker_threads(6)
        .spare_threads_stay(Duration::from_millis(1))
        .build()
        .unwrap();
    assert_eq!(rt.metrics().threads, 5);
    rt.handle().set_workers(2).unwrap();
    until(|| rt.metrics().threads == 2);
    at_once(&rt, 2);
}

#[test]
fn numbers_that_are_not_allowed() {
    let _watch = watch();
    let rt = runtime(2, 4);
    for wrong in [0, 5, usize::MAX] {
        let error = rt.handle().set_workers(wrong).unwrap_err().to_string();
        let expected = format!(
            "set_workers is \"{wrong}\", but must be a whole number from 1 to 4 (`max_worker_threads`)"
        );
        assert_eq!(error, expected);
    }
    assert_eq!(rt.metrics().workers, 2);
    let one = Builder::current_thread().max_worker_threads(4).build().unwrap();
    assert!(one.handle().set_workers(2).unwrap_err().to_string().contains("from 1 to 1"));
    assert_eq!(one.handle().set_workers(1).unwrap(), 1);
    let error = Builder::multi_thread().worker_threads(3).max_worker_threads(2).build().unwrap_err();
    assert_eq!(
        error.to_string(),
        "max_worker_threads is \"2\", but must be a whole number from 3 (the workers) to 4096"
    );
}
