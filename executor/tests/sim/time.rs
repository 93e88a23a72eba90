//! Virtual time, and quiet moments: when all others are blocked.
use crate::{STRATEGIES, secs};
use dormouse_executor::sim::{self, Builder, FailureKind};
use dormouse_executor::task;
use dormouse_executor::time::{Instant, interval, sleep, timeout};
use dormouse_testing::watch;
use std::future::pending;
use std::sync::atomic::{AtomicU32, Ordering::SeqCst};
use std::sync::{Arc, Mutex};
use std::time::Duration;

#[test]
fn time_is_virtual_and_exact() {
    let _watch = watch();
    for strategy in STRATEGIES {
        let run = Builder::new().strategy(strategy).try_run(async {
            let start = Instant::now();
            for n in [1, 999, 1_000_000, 123_456_789_123] {
                sleep(Duration::from_nanos(n)).await;
            }
            sleep(secs(86_400 * 365)).await;
            start.elapsed()
        });
        let run = run.unwrap();
        assert_eq!(run.output, secs(86_400 * 365) + Duration::from_nanos(123_457_790_123));
        assert_eq!(run.elapsed(), run.output);
    }
}

#[test]
fn the_clock_stands_while_anything_can_run() {
    let _watch = watch();
    Builder::new().run(async {
        let busy = task::spawn(async {
            for _ in 0..1_000 {
                task::yield_now().await;
            }
            sim::now()
        });
        sleep(secs(1)).await;
        assert_eq!(busy.await.unwrap(), Duration::ZERO);
    });
}

#[test]
fn timeouts_and_intervals() {
    let _watch = watch();
    sim::explore(20, || async {
        assert!(timeout(secs(3), pending::<()>()).await.is_err());
        assert_eq!(sim::now(), secs(3));
        assert_eq!(timeout(secs(3), sleep(secs(2))).await, Ok(()));
        assert_eq!(sim::now(), secs(5));
        let mut ticks = interval(secs(10));
        for n in 0..4 {
            ticks.tick().await;
            assert_eq!(sim::now(), secs(5 + 10 * n));
        }
    });
}

/// tokio#8334: late in a long run, with a timer that is farther off than all others, near ones come when they are due.
#[test]
fn near_timers_are_exact_however_late_and_beside_whatever_far_ones() {
    let _watch = watch();
    for far in [secs(u64::MAX / 4), Duration::from_nanos(1 << 63), secs(1 << 32)] {
        Builder::new().run(async move {
            let begin = Instant::now();
            let waits = task::spawn(sleep(far));
            task::yield_now().await;
            // Across the end of each of the wheel's levels, and of each clock of so many bits.
            for bit in 5..63 {
                let edge = Duration::from_nanos(1 << bit);
                sleep(edge - Duration::from_nanos(3) - begin.elapsed()).await;
                for near in [1, 2, 7] {
                    let due = begin.elapsed() + Duration::from_nanos(near);
                    sleep(Duration::from_nanos(near)).await;
                    assert_eq!(begin.elapsed(), due, "bit {bit}, {near} ns, beside {far:?}");
                }
                assert_eq!(waits.is_finished(), begin.elapsed() >= far);
            }
            waits.abort();
            _ = waits.await;
        });
    }
}

/// tokio#5710: the last nanosecond that the clock can say stands for all that are later, and never comes.
#[test]
fn time_does_not_end() {
    let _watch = watch();
    let last = u64::MAX - 2;
    for far in [last, last + 1, u64::MAX] {
        let outcome = Builder::new().try_run(async move {
            sleep(Duration::from_nanos(far)).await;
            assert_eq!(sim::now(), Duration::from_nanos(far));
            sleep(Duration::from_nanos(1)).await;
        });
        assert_eq!(outcome.unwrap_err().kind(), FailureKind::Deadlock);
    }
}

#[test]
fn many_tasks_and_much_time() {
    let _watch = watch();
    let run = Builder::new().try_run(async {
        let tasks: Vec<_> = (0..10_000)
            .map(|n| {
                task::spawn(async move {
                    for turn in 0..10 {
                        sleep(secs((n * 7 + turn * 13) % 200_000)).await;
                    }
                    sleep(secs(1_000_000).saturating_sub(sim::now())).await;
                })
            })
            .collect();
        for task in tasks {
            task.await.unwrap();
        }
    });
    let run = run.unwrap();
    assert_eq!(run.elapsed(), secs(1_000_000));
}

#[test]
fn wait_returns_when_all_others_are_blocked() {
    let _watch = watch();
    sim::explore(100, || async {
        let count = Arc::new(AtomicU32::new(0));
        for _ in 0..5 {
            let count = count.clone();
            task::go(async move {
                task::yield_now().await;
                count.fetch_add(1, SeqCst);
                sleep(secs(1)).await;
                count.fetch_add(1, SeqCst);
            });
        }
        sim::wait().await;
        assert_eq!((count.load(SeqCst), sim::now()), (5, Duration::ZERO));
        sim::sleep(secs(1)).await;
        assert_eq!((count.load(SeqCst), sim::now()), (10, secs(1)));
    });
}

#[test]
fn several_wait_one_after_the_other() {
    let _watch = watch();
    sim::explore(50, || async {
        let order = Arc::new(Mutex::new(Vec::new()));
        let waits = |n: u32| {
            let order = order.clone();
            async move {
                sim::wait().await;
                order.lock().unwrap().push(n);
                task::yield_now().await;
                order.lock().unwrap().push(n);
            }
        };
        let (a, b) = (task::spawn(waits(1)), task::spawn(waits(2)));
        a.await.unwrap();
        b.await.unwrap();
        let order = order.lock().unwrap();
        assert!(*order == [1, 1, 2, 2] || *order == [2, 2, 1, 1], "{order:?}");
    });
}

#[test]
fn a_dropped_wait_waits_no_more() {
    let _watch = watch();
    Builder::new().run(async {
        let mut wait = Box::pin(sim::wait());
        assert!(futures::poll!(wait.as_mut()).is_pending());
        drop(wait);
        sim::wait().await;
        assert!(timeout(secs(1), async { sim::sleep(secs(5)).await }).await.is_err());
    });
}
