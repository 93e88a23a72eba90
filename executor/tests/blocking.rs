//! The pool for jobs that block.
#![allow(missing_docs)]
use dormouse_executor::runtime::{Builder, Handle, block_on};
use dormouse_executor::task;
use dormouse_testing::{Count, watch, watch_for};
use dormouse_wait::{Reason, frame};
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::sync::{Arc, Barrier, mpsc};
use std::time::Duration;

#[test]
fn results_and_panics_reach_the_joiner() {
    let _watch = watch();
    block_on(async {
        assert_eq!(task::spawn_blocking(|| 5).await.unwrap(), 5);
        let error = task::spawn_blocking(|| panic!("job")).await.unwrap_err();
        assert_eq!(error.into_panic().downcast_ref::<&str>(), Some(&"job"));
        assert_eq!(task::spawn_blocking(|| 6).await.unwrap(), 6);
    });
}

#[test]
fn jobs_run_beside_each_other_and_are_no_polls() {
    let _watch = watch();
    block_on(async {
        let barrier = Arc::new(Barrier::new(20));
        let jobs: Vec<_> = (0..20)
            .map(|_| {
                let barrier = barrier.clone();
                task::spawn_blocking(move || {
                    barrier.wait();
                    assert!(!frame::polling());
                })
            })
            .collect();
        for job in jobs {
            job.await.unwrap();
        }
    });
}

#[test]
fn at_the_limit_jobs_wait_their_turn() {
    let _watch = watch();
    let rt = Builder::multi_thread().worker_threads(1).max_blocking_threads(2).build().unwrap();
    let (now, most) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
    rt.block_on(async {
        let jobs: Vec<_> = (0..200)
            .map(|_| {
                let (now, most) = (now.clone(), most.clone());
                task::spawn_blocking(move || {
                    most.fetch_max(now.fetch_add(1, SeqCst) + 1, SeqCst);
                    std::thread::yield_now();
                    now.fetch_sub(1, SeqCst);
                })
            })
            .collect();
        for job in jobs {
            job.await.unwrap();
        }
    });
    assert!((1..=2).contains(&most.load(SeqCst)));
}

#[test]
fn a_job_that_has_not_begun_can_be_aborted() {
    let _watch = watch();
    let rt = Builder::multi_thread().worker_threads(1).max_blocking_threads(1).build().unwrap();
    let (release, held) = mpsc::channel::<()>();
    rt.block_on(async {
        let first = task::spawn_blocking(move || held.recv().is_err());
        let ran = Count::shared();
        let count = ran.clone();
        let second = task::spawn_blocking(move || count.add());
        second.abort();
        drop(release);
        assert!(second.await.unwrap_err().is_cancelled());
        assert!(first.await.unwrap());
        assert_eq!(ran.get(), 0);
    });
}

#[test]
fn a_job_may_spawn_and_block_on() {
    let _watch = watch();
    for rt in [
        Builder::current_thread().build().unwrap(),
        Builder::multi_thread().worker_threads(1).build().unwrap(),
    ] {
        let sum = rt.block_on(async {
            task::spawn_blocking(|| {
                let task = task::spawn(async { 1 });
                let nested = task::spawn_blocking(|| 2);
                Handle::current().block_on(async { task.await.unwrap() + nested.await.unwrap() })
            })
            .await
            .unwrap()
        });
        assert_eq!(sum, 3);
    }
}

#[test]
fn who_waits_for_a_job_says_so() {
    let _watch = watch();
    let rt = Builder::current_thread().build().unwrap();
    rt.block_on(async {
        let (release, held) = mpsc::channel::<()>();
        let job = task::spawn_blocking(move || held.recv().is_err());
        let waits = task::Builder::new().name("waits").spawn(async move { job.await.unwrap() });
        task::yield_now().await;
        let all = Handle::current().task_waits();
        assert!(all.iter().any(|wait| wait.1.as_deref() == Some("waits") && wait.2 == Reason::Blocking));
        drop(release);
        assert!(waits.await.unwrap());
    });
}

#[test]
fn a_hundred_thousand_jobs() {
    // tokio#8056: the pool neither hangs nor loses a job when threads come and go.
    let _watch = watch_for(Duration::from_secs(120));
    let rt = Builder::multi_thread().worker_threads(2).max_blocking_threads(4).build().unwrap();
    rt.run_main(async {
        for _ in 0..100 {
            let jobs: Vec<_> = (0..1_000).map(|number| task::spawn_blocking(move || number)).collect();
            for (number, job) in jobs.into_iter().enumerate() {
                assert_eq!(job.await.unwrap(), number);
            }
        }
    });
}
