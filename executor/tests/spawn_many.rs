//! Spawning from an iterator: how often somebody is woken for it; what an iterator may do meanwhile.
#![allow(missing_docs)]
#[path = "support/tasks.rs"]
mod tasks;

use dormouse_executor::runtime::{Builder, Runtime};
use dormouse_executor::task::{self, JoinSet};
use dormouse_executor::{sim, time};
use dormouse_testing::{Count, Gate, panics, until, watch};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tasks::{both, now, settle};

/// Calls `f` with a runtime whose only thread, in `block_on`, sleeps. (No monitor wakes it.)
fn beside_a_sleeper(f: impl FnOnce(&Runtime)) {
    let rt = Builder::current_thread().build().unwrap();
    let gate = Gate::default();
    std::thread::scope(|scope| {
        scope.spawn(|| rt.block_on(gate.clone()));
        until(|| gate.waiting() == 1 && is_asleep(&rt));
        f(&rt);
        gate.open();
    });
}

async fn settle_all(tasks: usize) {
    for task in task::spawn_many((0..tasks).map(|_| task::yield_now())) {
        task.await.unwrap();
    }
}

fn is_asleep(rt: &Runtime) -> bool {
    let counts = rt.metrics();
    counts.seated == 0 && counts.searching == 0
}

#[test]
fn a_batch_wakes_once_where_single_spawns_wake_each() {
    let _watch = watch();
    beside_a_sleeper(|rt| {
        let ran = Count::shared();
        let add = || {
            let ran = ran.clone();
            async move { ran.add() }
        };
        let before = rt.metrics().wakeups;
        for n in 1..=64 {
            drop(rt.spawn(add()));
            // The work of this one is done.
            until(|| ran.get() == n && is_asleep(rt));
        }
        assert_eq!(rt.metrics().wakeups - before, 64);

        let before = rt.metrics().wakeups;
        let handles = rt.handle().spawn_many((0..128).map(|n| {
            let wakeups = rt.metrics().wakeups - before;
            assert_eq!(wakeups, u64::from(n >= 64), "after {n} tasks");
            if n == 64 {
                until(|| ran.get() == 128 && is_asleep(rt));
            }
            add()
        }));
        assert_eq!((handles.len(), rt.metrics().wakeups - before), (128, 2));
        until(|| ran.get() == 192);
    });
}

#[test]
fn tasks_run_before_the_iterator_ends_and_in_order() {
    let _watch = watch();
    let rt = Builder::current_thread().build().unwrap();
    rt.block_on(async {
        let order = Arc::new(Mutex::new(Vec::new()));
        let handles = task::spawn_many((0..100).map(|n| {
            let order = order.clone();
            async move { order.lock().unwrap().push(n) }
        }));
        for handle in handles {
            handle.await.unwrap();
        }
        assert_eq!(*order.lock().unwrap(), (0..100).collect::<Vec<_>>(), "first in, first out");
        // Beyond what the slot's queue holds.
        settle_all(5_000).await;
    });
    // On another thread, while the iterator has not ended.
    let rt = Builder::multi_thread().worker_threads(2).build().unwrap();
    rt.block_on(async {
        let ran = Count::shared();
        drop(task::spawn_many((0..65).map(|n| {
            if n == 64 {
                until(|| ran.get() == 64);
            }
            let ran = ran.clone();
            async move { ran.add() }
        })));
    });
}

#[test]
fn an_iterator_that_panics_leaves_what_it_gave() {
    let _watch = watch();
    beside_a_sleeper(|rt| {
        let ran = Count::shared();
        let futures = (0..10).map(|n| {
            assert!(n < 5, "the iterator");
            let ran = ran.clone();
            async move { ran.add() }
        });
        assert!(catch_unwind(AssertUnwindSafe(|| rt.handle().spawn_many(futures))).is_err());
        until(|| ran.get() == 5);
    });
}

#[test]
fn an_iterator_may_spawn_block_and_end_the_runtime() {
    let _watch = watch();
    for rt in both() {
        let ran = Count::shared();
        let add = || {
            let ran = ran.clone();
            async move { ran.add() }
        };
        rt.block_on(async {
            let handles = task::spawn_many((0..20).map(|_| {
                // Another thread may take this one's seat for good.
                task::block_in_place(std::thread::yield_now);
                task::go(add());
                drop(task::spawn_many((0..3).map(|_| add())));
                add()
            }));
            for handle in handles {
                handle.await.unwrap();
            }
            settle(|| ran.get() == 100).await;
        });
        let handle = rt.handle().clone();
        let (mut rt, dropped) = (Some(rt), Count::shared());
        let handles = handle.spawn_many((0..10).map(|n| {
            if n == 5 {
                rt.take().unwrap().shutdown_timeout(Duration::from_secs(60));
            }
            let guard = dropped.on_drop();
            async move {
                let _guard = guard;
                std::future::pending::<()>().await;
            }
        }));
        for handle in handles {
            assert!(now(handle).unwrap().unwrap_err().is_cancelled());
        }
        assert_eq!(dropped.get(), 10);
    }
    let text = panics(|| task::spawn_many([async {}]));
    assert!(text.contains("outside of a runtime") && text.contains("Handle::spawn_many"), "{text}");
}

#[test]
fn large_futures_and_sets() {
    let _watch = watch();
    for rt in both() {
        rt.block_on(async {
            let big = task::spawn_many((0..10u8).map(|n| {
                let big = [n; 10_000];
                async move {
                    task::yield_now().await;
                    big.iter().map(|&byte| usize::from(byte)).sum::<usize>()
                }
            }));
            let mut sum = 0;
            for big in big {
                sum += big.await.unwrap();
            }
            assert_eq!(sum, 450_000);
            // What an iterator gave before its panic stays in the set.
            let mut set = JoinSet::new();
            let gate = Gate::default();
            let futures = (0..10).map(|n| {
                assert!(n < 5, "the iterator");
                gate.clone()
            });
            assert!(catch_unwind(AssertUnwindSafe(|| set.extend(futures))).is_err());
            assert_eq!(set.len(), 5);
            gate.open();
            assert_eq!(set.join_all().await.len(), 5);
        });
    }
}

#[test]
fn in_a_simulated_run() {
    let _watch = watch();
    sim::explore(50, || async {
        let ended = Count::shared();
        let handles = task::spawn_many((0..100).map(|n| {
            let guard = ended.on_drop();
            async move {
                time::sleep(Duration::from_millis(n % 7)).await;
                drop(guard);
            }
        }));
        for handle in handles {
            handle.await.unwrap();
        }
        assert_eq!(ended.get(), 100);
    });
}
