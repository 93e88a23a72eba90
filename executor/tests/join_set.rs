//! `JoinSet`: joins in the order of the ends, at the same cost for any number; what is dropped, aborted, detached.
#![allow(missing_docs)]
#[path = "../../chan/tests/support/allocs.rs"]
mod allocs;
#[path = "support/tasks.rs"]
mod tasks;

use allocs::{NOTHING, allocated};
use dormouse_executor::runtime::{Builder, Handle};
use dormouse_executor::sim::{self, FailureKind};
use dormouse_executor::task::{self, JoinSet};
use dormouse_executor::time;
use dormouse_testing::{Count, Event, Gate, Tally, hooked, on_drop, panics, watch};
use dormouse_wait::Reason;
use futures::FutureExt;
use futures::future::FusedFuture;
use std::future::{Future, pending};
use std::pin::pin;
use std::sync::{Arc, Mutex};
use std::task::Context;
use std::time::Duration;
use tasks::{both, now, settle};

#[test]
fn tasks_come_in_the_order_in_which_they_end() {
    let _watch = watch();
    for (threads, rt) in [2, 1].into_iter().zip(both()) {
        let mut order = Vec::new();
        rt.block_on(async {
            let gates: Vec<_> = (0..5).map(|_| Gate::default()).collect();
            let mut set = JoinSet::new();
            let ends = [3, 0, 4, 1, 2];
            let aborts: Vec<_> = gates
                .iter()
                .enumerate()
                .map(|(n, gate)| {
                    let gate = gate.clone();
                    set.spawn(async move {
                        gate.await;
                        n
                    })
                })
                .collect();
            assert_eq!(set.len(), 5);
            for n in ends {
                settle(|| gates[n].waiting() == 1).await;
                gates[n].open();
                settle(|| aborts[n].is_finished()).await;
                if n == 3 {
                    // The first may be waited for or not.
                    order.push(set.join_next().await.unwrap().unwrap());
                }
            }
            while let Some(next) = set.join_next_with_id().await {
                let (id, n) = next.unwrap();
                assert_eq!(id, aborts[n].id());
                order.push(n);
            }
            assert!(set.is_empty());
        });
        // On two threads, one may be told of before another that ended before it.
        assert_eq!(order[0], 3);
        assert!(threads == 2 || order == [3, 0, 4, 1, 2]);
    }
}

#[test]
fn join_next_takes_nothing_unless_it_is_ready() {
    let _watch = watch();
    let body = || async {
        let mut set = JoinSet::new();
        for n in 0..20 {
            set.spawn(async move {
                time::sleep(Duration::from_millis(sim::rng().range(0..10))).await;
                n
            });
        }
        let (mut seen, mut dropped) = (Vec::new(), 0);
        while seen.len() < 20 {
            match time::timeout(Duration::from_millis(1), set.join_next()).await {
                Ok(next) => seen.push(next.unwrap().unwrap()),
                Err(_) => dropped += 1,
            }
        }
        assert!(now(set.join_next()).unwrap().is_none() && set.try_join_next().is_none());
        seen.sort();
        assert_eq!(seen, (0..20).collect::<Vec<_>>());
        dropped
    };
    let dropped: i32 = (0..100).map(|seed| sim::Builder::new().seed(seed).run(body())).sum();
    assert!(dropped > 0, "some were dropped while they waited");
}

#[test]
fn join_next_is_fused_and_says_what_it_waits_for() {
    let _watch = watch();
    let rt = Builder::current_thread().build().unwrap();
    rt.block_on(async {
        let joiner = task::Builder::new().name("joiner").spawn(async {
            let mut set = JoinSet::new();
            set.spawn(pending::<()>());
            set.join_next().await
        });
        task::yield_now().await;
        let waits = Handle::current().task_waits();
        let (_, _, reason, site) = waits.iter().find(|wait| wait.1.as_deref() == Some("joiner")).unwrap();
        assert_eq!(*reason, Reason::Join);
        assert!(site.unwrap().file().ends_with("tests/join_set.rs"));
        joiner.abort();
        let mut set = JoinSet::new();
        set.spawn(async {});
        let mut next = pin!(set.join_next());
        assert!(next.as_mut().await.is_some() && next.is_terminated());
        assert!(panics(|| now(next)).contains("after it was ready"));
    });
}

#[test]
fn a_join_looks_at_none_of_those_that_go_on() {
    let _watch = watch();
    let rt = Builder::current_thread().build().unwrap();
    rt.block_on(async {
        let mut set = JoinSet::new();
        for _ in 0..1_000 {
            set.spawn(pending::<()>());
        }
        let clones = Count::shared();
        let waker = hooked({
            let clones = clones.clone();
            move |event| {
                if event == Event::Clone {
                    clones.add();
                }
            }
        });
        // Each handle that is polled clones the waker; the set itself does once.
        assert!(pin!(set.join_next()).poll(&mut Context::from_waker(&waker)).is_pending());
        assert_eq!(clones.get(), 1);
    });
}

#[test]
fn a_joined_task_leaves_nothing_behind() {
    let _watch = watch();
    let rt = Builder::current_thread().build().unwrap();
    let mut set = JoinSet::new();
    let mut rounds = |count: u32| {
        rt.block_on(async {
            for _ in 0..count {
                for n in 0..10 {
                    set.spawn(async move { n });
                }
                while set.join_next().await.is_some() {}
            }
        });
    };
    rounds(100);
    let used = allocated(|| rounds(1_000)).0;
    assert_eq!(used.kept, NOTHING.kept, "after 10,000 tasks more");
}

#[test]
fn a_dropped_set_aborts_and_a_detached_task_goes_on() {
    let _watch = watch();
    for rt in both() {
        rt.block_on(async {
            let (dropped, gate, ran) = (Count::shared(), Gate::default(), Count::shared());
            let mut set = JoinSet::new();
            for _ in 0..10 {
                let (gate, ran) = (gate.clone(), ran.clone());
                set.spawn(async move {
                    gate.await;
                    ran.add();
                });
            }
            set.detach_all();
            assert!(set.is_empty());
            // These have the places of those that were detached, whose ends are none of theirs.
            for _ in 0..10 {
                let guard = dropped.on_drop();
                set.spawn(async move {
                    let _guard = guard;
                    pending::<()>().await;
                });
            }
            gate.open();
            settle(|| ran.get() == 10).await;
            task::yield_now().await;
            assert!(set.try_join_next().is_none());
            assert!(now(set.join_next()).is_none());
            drop(set);
            settle(|| dropped.get() == 10).await;
        });
    }
}

#[test]
fn shutdown_waits_for_the_destructors() {
    let _watch = watch();
    for rt in both() {
        rt.block_on(async {
            let dropped = Count::shared();
            let mut set = JoinSet::new();
            for n in 0..100 {
                let guard = dropped.on_drop();
                set.spawn(async move {
                    let _guard = guard;
                    if n % 2 == 0 {
                        pending::<()>().await;
                    }
                });
            }
            // Given up, it has aborted them all the same.
            let waiting = now(set.shutdown()).is_none();
            assert!(waiting || set.is_empty());
            set.shutdown().await;
            assert_eq!((dropped.get(), set.len()), (100, 0));
            set.spawn(async {});
            assert!(set.join_next().await.unwrap().is_ok(), "it can be used again");
            set.spawn(pending::<()>());
            set.abort_all();
            assert!(set.join_next().await.unwrap().unwrap_err().is_cancelled());
        });
    }
}

#[test]
fn a_panic_is_the_joiners_or_the_policys() {
    let _watch = watch();
    for rt in both() {
        rt.block_on(async {
            let mut set = JoinSet::new();
            let id = set.spawn(async { panic!("member") }).id();
            let error: task::JoinError = set.join_next().await.unwrap().map(|(): ()| ()).unwrap_err();
            assert!(error.is_panic() && error.id() == id);
        });
    }
    for shut_down in [false, true] {
        let failure = sim::Builder::new().try_run(async move {
            let mut set = JoinSet::new();
            let abort = set.spawn(async { panic!("unread") });
            settle(|| abort.is_finished()).await;
            if shut_down {
                set.shutdown().await;
            }
            drop(set);
            task::yield_now().await;
        });
        let failure = failure.unwrap_err();
        assert_eq!(failure.kind(), FailureKind::Panic);
        assert!(failure.to_string().contains("nobody joins it: unread"), "{failure}");
    }
}

#[test]
fn join_all_goes_on_with_a_members_panic() {
    let _watch = watch();
    for rt in both() {
        rt.block_on(async {
            let dropped = Count::shared();
            let guard = dropped.on_drop();
            let mut set = JoinSet::new();
            set.spawn(async move {
                let _guard = guard;
                pending::<()>().await;
            });
            set.spawn(async { panic!("one of them") });
            let payload = std::panic::AssertUnwindSafe(set.join_all()).catch_unwind().await.unwrap_err();
            assert_eq!(payload.downcast_ref::<&str>(), Some(&"one of them"));
            settle(|| dropped.get() == 1).await;
            let mut set = JoinSet::new();
            set.spawn(pending::<()>()).abort();
            let payload = std::panic::AssertUnwindSafe(set.join_all()).catch_unwind().await.unwrap_err();
            assert!(payload.downcast_ref::<String>().unwrap().contains("was cancelled"));
        });
    }
}

#[test]
fn outputs_are_dropped_once_and_may_panic() {
    let _watch = watch();
    for rt in both() {
        let tally = Tally::new();
        rt.block_on(async {
            let mut set = JoinSet::new();
            let mut aborts = Vec::new();
            for n in 0..30 {
                let value = if n % 10 == 5 { tally.bomb(n) } else { tally.value(n) };
                aborts.push(set.spawn(async move { value }));
            }
            settle(|| aborts.iter().all(|abort| abort.is_finished())).await;
            for _ in 0..4 {
                let output = set.join_next().await;
                let _ = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| drop(output)));
            }
            set.detach_all();
        });
        drop(rt);
        tally.check();
    }
}

#[test]
fn whatever_has_a_handle_can_be_put_in() {
    let _watch = watch();
    for rt in both() {
        let other = Builder::multi_thread().worker_threads(1).build().unwrap();
        let sum = rt.block_on(async {
            let mut set: JoinSet<u32> = (0..3).map(|n| async move { 1 << n }).collect();
            set.extend([async { 8 }]);
            set.spawn_blocking(|| 16);
            set.spawn_on(async { 32 }, other.handle());
            set.spawn_blocking_on(|| 64, other.handle());
            set.build_task().name("builder").spawn(async { 128 });
            set.build_task().name("builder").spawn_blocking(|| 256);
            let over = task::spawn(async { 512 });
            settle(|| over.is_finished()).await;
            set.insert(over);
            assert_eq!(set.len(), 10);
            let mut gone = task::spawn(async { 0 });
            assert_eq!((&mut gone).await.unwrap(), 0);
            assert!(panics(|| set.insert(gone)).contains("after it gave"));
            assert_eq!(set.len(), 10);
            set.join_all().await.into_iter().sum::<u32>()
        });
        assert_eq!(sum, 1_023);
    }
}

#[test]
fn while_the_runtime_shuts_down_and_after() {
    let _watch = watch();
    for rt in both() {
        let late = Arc::new(Mutex::new(None));
        let mut set = JoinSet::new();
        set.spawn_on(pending::<()>(), rt.handle());
        let guard = on_drop({
            let (late, handle) = (late.clone(), rt.handle().clone());
            move || {
                let mut set = JoinSet::new();
                let ids = [set.spawn(pending::<()>()).id(), set.spawn_on(pending::<()>(), &handle).id()];
                *late.lock().unwrap() = Some((set, ids));
            }
        });
        rt.block_on(async move {
            task::go(async move {
                let _guard = guard;
                let mut inner = JoinSet::new();
                inner.spawn(pending::<()>());
                inner.join_next().await;
            });
            task::yield_now().await;
        });
        rt.shutdown_timeout(Duration::from_secs(60));
        let (mut late, ids) = late.lock().unwrap().take().unwrap();
        for id in ids {
            let error = futures::executor::block_on(late.join_next()).unwrap().unwrap_err();
            assert!(error.is_cancelled() && error.id() == id);
        }
        assert!(futures::executor::block_on(set.join_next()).unwrap().unwrap_err().is_cancelled());
    }
}

#[test]
fn ends_race_with_the_joiner() {
    let _watch = watch();
    let rt = Builder::multi_thread().worker_threads(2).build().unwrap();
    rt.block_on(async {
        let mut set = JoinSet::new();
        let (mut sum, mut joined) = (0, 0);
        for n in 0..20_000u64 {
            set.spawn(async move { n });
            if n % 3 == 0 {
                sum += set.join_next().await.unwrap().unwrap();
                joined += 1;
            }
        }
        while let Some(next) = set.join_next().await {
            sum += next.unwrap();
            joined += 1;
        }
        assert_eq!((joined, sum), (20_000, 19_999 * 10_000));
    });
    // The joiner is no task, and on no thread of a runtime.
    let mut set = JoinSet::new();
    (0..100).for_each(|n| drop(set.spawn_on(async move { n }, rt.handle())));
    let all = futures::executor::block_on(set.join_all());
    assert_eq!(all.into_iter().sum::<i32>(), 4_950);
}

#[test]
fn a_loop_over_ready_members_yields_now_and_then() {
    let _watch = watch();
    let rt = Builder::current_thread().build().unwrap();
    rt.block_on(async {
        let (ran, other) = (Count::shared(), Count::shared());
        let mut set = JoinSet::new();
        for _ in 0..1_000 {
            let ran = ran.clone();
            set.spawn(async move { ran.add() });
        }
        settle(|| ran.get() == 1_000).await;
        let seen = other.clone();
        task::spawn(async move {
            task::go(async move { seen.add() });
            while set.join_next().await.is_some() {}
        })
        .await
        .unwrap();
        assert_eq!(other.get(), 1, "the budget made room for another task");
    });
}

#[test]
fn a_set_is_as_send_as_its_handles() {
    use static_assertions::{assert_impl_all, assert_not_impl_any};
    assert_impl_all!(JoinSet<u8>: Send, Sync, Unpin, Default);
    assert_not_impl_any!(JoinSet<std::rc::Rc<u8>>: Send);
    assert_impl_all!(task::join_set::JoinNext<'static, u8>: Send, Unpin);
}
