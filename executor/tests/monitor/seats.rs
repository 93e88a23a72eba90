//! Seats and threads: the limit, spare threads that leave, back to N, the end.
use crate::kit::{Wall, runtime};
use crate::support::until_back;
use dormouse_executor::runtime::Builder;
use dormouse_executor::{task, time};
use dormouse_testing::{Count, until, watch};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::SeqCst};
use std::time::Duration;

#[test]
fn no_more_than_the_limit_are_relieved() {
    let _watch = watch();
    for (spare, seats) in [(0, 1), (1, 2)] {
        let rt = Builder::multi_thread().worker_threads(1).max_spare_threads(spare).build().unwrap();
        let (wall, done) = (Wall::default(), Count::shared());
        for _ in 0..3 {
            let wall = wall.clone();
            drop(rt.spawn(async move { wall.block() }));
        }
        until(|| wall.blocked() == seats);
        for _ in 0..10 {
            let done = done.clone();
            drop(rt.spawn(async move { done.add() }));
        }
        for _ in 0..50 {
            let counts = rt.metrics();
            assert!(counts.seats <= seats && counts.threads <= seats, "{counts:?}");
            assert_eq!(done.get(), 0, "all threads that there may be are blocked");
            std::thread::sleep(Duration::from_millis(1));
        }
        wall.open();
        until(|| done.get() == 10);
        until_back(&rt, 1);
    }
}

#[test]
fn too_many_spare_threads_are_refused() {
    let error = Builder::multi_thread().max_spare_threads(4097).build().unwrap_err().to_string();
    assert_eq!(error, "max_spare_threads is \"4097\", but must be a whole number from 0 to 4096");
}

#[test]
fn spare_threads_leave_and_come_back() {
    let _watch = watch();
    let rt = Builder::multi_thread()
        .worker_threads(2)
        .spare_threads_stay(Duration::from_millis(20))
        .build()
        .unwrap();
    for _ in 0..3 {
        let wall = Wall::default();
        for _ in 0..6 {
            let wall = wall.clone();
            drop(rt.spawn(async move { wall.block() }));
        }
        until(|| wall.blocked() == 6);
        assert!(rt.metrics().threads >= 6);
        wall.open();
        until_back(&rt, 2);
        until(|| rt.metrics().threads == 2);
        let done = Count::shared();
        for _ in 0..100 {
            let done = done.clone();
            drop(rt.spawn(async move { done.add() }));
        }
        until(|| done.get() == 100);
    }
}

/// At `Duration::MAX` a poll that computes is never relieved, nor counted; one that sleeps is.
#[test]
fn blocked_after_may_be_never_and_at_once() {
    let _watch = watch();
    let rt = Builder::multi_thread().worker_threads(1).blocked_after(Duration::MAX).build().unwrap();
    let (wall, done) = (Wall::default(), Count::shared());
    let (task, count) = (wall.clone(), done.clone());
    let blocks = rt.spawn(async move { task.block() });
    drop(rt.spawn(async move { count.add() }));
    until(|| done.get() == 1);
    wall.open();
    rt.block_on(blocks).unwrap();
    assert_eq!(rt.metrics().long_polls, 0);

    let rt = Builder::multi_thread().worker_threads(1).blocked_after(Duration::ZERO).build().unwrap();
    let end = Arc::new(AtomicBool::new(false));
    let (seen, count) = (end.clone(), done.clone());
    let computes = rt.spawn(async move {
        while !seen.load(SeqCst) {
            std::hint::spin_loop();
        }
    });
    drop(rt.spawn(async move { count.add() }));
    until(|| done.get() == 2);
    end.store(true, SeqCst);
    rt.block_on(computes).unwrap();
    assert!(rt.metrics().long_polls >= 1);
}

/// A timer that is registered within a poll that goes on to block: nobody else knows of it.
#[test]
fn a_timer_of_a_poll_that_blocks_fires() {
    let _watch = watch();
    for workers in [1, 2] {
        let rt = runtime(workers);
        rt.run_main(async {
            task::spawn(async {
                futures::executor::block_on(time::sleep(Duration::from_millis(3)));
                // Longer than the monitor stays awake without a poll.
                std::thread::sleep(Duration::from_millis(250));
                futures::executor::block_on(time::sleep(Duration::from_millis(3)));
            })
            .await
            .unwrap();
        });
    }
}

/// What comes from outside while all workers are blocked, after the monitor has gone to sleep.
#[test]
fn a_task_from_outside_after_a_long_block() {
    let _watch = watch();
    let rt = runtime(1);
    let (wall, done) = (Wall::default(), Count::shared());
    let task = wall.clone();
    let blocks = rt.spawn(async move { task.block() });
    until(|| wall.blocked() == 1);
    for (round, pause) in [250, 250, 1].into_iter().enumerate() {
        std::thread::sleep(Duration::from_millis(pause));
        let count = done.clone();
        drop(rt.spawn(async move {
            time::sleep(Duration::from_millis(2)).await;
            count.add();
        }));
        until(|| done.get() == round + 1);
    }
    wall.open();
    rt.block_on(blocks).unwrap();
    until_back(&rt, 1);
}

#[test]
fn a_runtime_ends_while_slots_are_relieved() {
    let _watch = watch();
    for _ in 0..20 {
        let rt = runtime(2);
        let (wall, dropped) = (Wall::default(), Count::shared());
        for _ in 0..2 {
            let wall = wall.clone();
            drop(rt.spawn(async move { wall.block() }));
        }
        for _ in 0..100 {
            let guard = dropped.on_drop();
            drop(rt.spawn(async move {
                let _guard = guard;
                std::future::pending::<()>().await;
            }));
        }
        until(|| wall.blocked() == 2);
        let ends = std::thread::spawn(move || rt.shutdown_timeout(Duration::from_secs(60)));
        until(|| dropped.get() == 100);
        wall.open();
        ends.join().unwrap();
    }
}

/// Many polls that block for a short while, beside many that do not: nothing is lost, and N sit in the end.
#[test]
fn slots_are_relieved_and_retire_again_and_again() {
    let _watch = watch();
    let rt = runtime(2);
    let done = Count::shared();
    rt.block_on(async {
        let tasks: Vec<_> = (0..64)
            .map(|number: u64| {
                let done = done.clone();
                task::spawn(async move {
                    for round in 0..20 {
                        if (number + round).is_multiple_of(16) {
                            std::thread::sleep(Duration::from_micros(500 * (number % 8)));
                        }
                        let count = done.clone();
                        task::spawn(async move { count.add() }).await.unwrap();
                        if round % 4 == 0 {
                            time::sleep(Duration::from_micros(100 * number)).await;
                        }
                    }
                })
            })
            .collect();
        for task in tasks {
            task.await.unwrap();
        }
    });
    assert_eq!(done.get(), 64 * 20);
    until_back(&rt, 2);
}
