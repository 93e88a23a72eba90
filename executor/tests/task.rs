//! Spawning, joining, aborting, yielding; what tasks say they wait for.
#![allow(missing_docs)]
use dormouse_executor::runtime::{Builder, Handle, Runtime, block_on};
use dormouse_executor::{task, time};
use dormouse_testing::{Count, Gate, on_drop, until, watch, watch_for};
use dormouse_wait::Reason;
use std::future::pending;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering::SeqCst};
use std::sync::{Arc, Mutex};
use std::time::Duration;

fn both() -> [Runtime; 2] {
    [Builder::multi_thread().worker_threads(2).build().unwrap(), Builder::current_thread().build().unwrap()]
}

#[test]
fn join_gives_the_output_and_the_handle_panics_afterwards() {
    let _watch = watch();
    for rt in both() {
        rt.block_on(async {
            let mut handle = task::spawn(async { String::from("out") });
            assert_eq!((&mut handle).await.unwrap(), "out");
            assert!(handle.is_finished());
            let again = task::spawn(async move { drop(handle.await) }).await.unwrap_err();
            assert!(again.is_panic());
        });
    }
}

#[test]
fn ids_are_unique_and_known_inside() {
    let _watch = watch();
    for rt in both() {
        rt.block_on(async {
            assert_eq!(task::try_id(), None, "the root future is no task");
            let mut ids = Vec::new();
            for _ in 0..10_000 {
                let handle = task::spawn(async { task::id() });
                let id = handle.id();
                assert_eq!(handle.await.unwrap(), id);
                ids.push(id);
            }
            ids.sort();
            ids.dedup();
            assert_eq!(ids.len(), 10_000);
        });
    }
}

#[test]
fn dropped_handles_detach() {
    let _watch = watch();
    for rt in both() {
        let count = Count::shared();
        let gate = Gate::default();
        rt.block_on(async {
            for _ in 0..100 {
                let (count, gate) = (count.clone(), gate.clone());
                drop(task::spawn(async move {
                    gate.await;
                    count.add();
                }));
            }
            while gate.waiting() < 100 {
                task::yield_now().await;
            }
            gate.open();
            while count.get() < 100 {
                task::yield_now().await;
            }
        });
    }
}

#[test]
fn abort_drops_the_future_before_the_join_ends() {
    let _watch = watch();
    for rt in both() {
        rt.block_on(async {
            for started in [false, true] {
                let dropped = Arc::new(AtomicBool::new(false));
                let gate = Gate::default();
                let guard = on_drop({
                    let dropped = dropped.clone();
                    move || dropped.store(true, SeqCst)
                });
                let handle = task::spawn({
                    let gate = gate.clone();
                    async move {
                        let _guard = guard;
                        gate.await;
                    }
                });
                while started && gate.waiting() == 0 {
                    task::yield_now().await;
                }
                let abort = handle.abort_handle();
                assert!(!abort.is_finished());
                handle.abort();
                handle.abort();
                abort.clone().abort();
                let error = handle.await.unwrap_err();
                assert!(error.is_cancelled() && !error.is_panic());
                assert!(dropped.load(SeqCst), "awaiting an aborted handle returns after the drop (T1)");
                assert!(abort.is_finished());
                assert!(error.to_string().contains("cancelled"));
                assert!(error.try_into_panic().is_err());
            }
        });
    }
}

#[test]
fn abort_from_a_foreign_thread_and_of_a_finished_task() {
    let _watch = watch();
    for rt in both() {
        let handle = rt.spawn(pending::<()>());
        let abort = handle.abort_handle();
        std::thread::spawn(move || abort.abort()).join().unwrap();
        assert!(rt.block_on(handle).unwrap_err().is_cancelled());
        let handle = rt.spawn(async { 5 });
        let late = handle.abort_handle();
        until(|| {
            handle.is_finished()
                || rt.block_on(async {
                    task::yield_now().await;
                    false
                })
        });
        late.abort();
        handle.abort();
        assert_eq!(rt.block_on(handle).unwrap(), 5, "a late abort changes nothing");
    }
}

#[test]
fn an_abort_never_runs_the_destructor_inside_itself() {
    let _watch = watch();
    // On one thread nobody else can drop the future meanwhile.
    let rt = Builder::current_thread().build().unwrap();
    rt.block_on(async {
        let dropped = Count::shared();
        let guard = dropped.on_drop();
        let handle = task::spawn(async move {
            let _guard = guard;
            pending::<()>().await
        });
        task::yield_now().await;
        handle.abort();
        assert_eq!(dropped.get(), 0);
        assert!(handle.await.unwrap_err().is_cancelled());
        assert_eq!(dropped.get(), 1);
    });
}

#[test]
fn yields_are_first_in_first_out_on_one_thread() {
    let _watch = watch();
    let rt = Builder::current_thread().build().unwrap();
    let log = Arc::new(Mutex::new(Vec::new()));
    rt.block_on(async {
        let started = Arc::new(AtomicUsize::new(0));
        let tasks: Vec<_> = (0..10)
            .map(|number| {
                let (log, started) = (log.clone(), started.clone());
                task::spawn(async move {
                    started.fetch_add(1, SeqCst);
                    while started.load(SeqCst) < 10 {
                        task::yield_now().await;
                    }
                    task::yield_now().await;
                    for _ in 0..5 {
                        log.lock().unwrap().push(number);
                        task::yield_now().await;
                    }
                })
            })
            .collect();
        for task in tasks {
            task.await.unwrap();
        }
    });
    let log = log.lock().unwrap();
    assert_eq!(log.len(), 50);
    for round in 1..5 {
        assert_eq!(log[..10], log[round * 10..][..10], "each round in the order of the one before");
    }
}

#[test]
fn a_yield_lets_injected_tasks_go_first() {
    let _watch = watch();
    let rt = Builder::current_thread().build().unwrap();
    let ran = Count::shared();
    let handle = rt.handle().clone();
    rt.block_on(async {
        let count = ran.clone();
        std::thread::spawn(move || drop(handle.spawn(async move { count.add() }))).join().unwrap();
        let inside = ran.clone();
        task::spawn(async move {
            task::yield_now().await;
            assert_eq!(inside.get(), 1);
        })
        .await
        .unwrap();
    });
}

#[test]
fn a_yielding_root_lets_others_run() {
    let _watch = watch();
    let rt = Builder::current_thread().build().unwrap();
    rt.block_on(async {
        let count = Count::shared();
        for _ in 0..50 {
            let count = count.clone();
            task::go(async move { count.add() });
        }
        task::yield_now().await;
        assert_eq!(count.get(), 50);
    });
}

#[test]
fn two_tasks_that_wake_each_other_do_not_starve_a_third() {
    let _watch = watch();
    let rt = Builder::current_thread().build().unwrap();
    rt.block_on(async {
        let stop = Arc::new(AtomicBool::new(false));
        let wakers: Arc<Mutex<[Option<std::task::Waker>; 2]>> = Arc::default();
        let pair: Vec<_> = (0..2)
            .map(|me: usize| {
                let (stop, wakers) = (stop.clone(), wakers.clone());
                task::spawn(std::future::poll_fn(move |cx| {
                    let mut wakers = wakers.lock().unwrap();
                    wakers[me] = Some(cx.waker().clone());
                    if let Some(other) = &wakers[1 - me] {
                        other.wake_by_ref();
                    }
                    if stop.load(SeqCst) { std::task::Poll::Ready(()) } else { std::task::Poll::Pending }
                }))
            })
            .collect();
        task::spawn({
            let stop = stop.clone();
            async move {
                for _ in 0..10 {
                    task::yield_now().await;
                }
                stop.store(true, SeqCst);
            }
        })
        .await
        .unwrap();
        for task in pair {
            task.await.unwrap();
        }
    });
}

#[test]
fn tasks_say_what_they_wait_for_and_where() {
    let _watch = watch();
    let rt = Builder::current_thread().build().unwrap();
    rt.block_on(async {
        let sleeper = task::Builder::new().name("sleeper").spawn(time::sleep(Duration::MAX));
        let sleeper_abort = sleeper.abort_handle();
        let joiner =
            task::Builder::new().name("joiner").spawn(async { sleeper.await.unwrap_err().is_cancelled() });
        let other = task::spawn(pending::<()>());
        task::yield_now().await;
        task::yield_now().await;
        let waits = Handle::current().task_waits();
        let of = |name: Option<&str>| waits.iter().find(|wait| wait.1.as_deref() == name).unwrap();
        assert_eq!(of(Some("sleeper")).2, Reason::Sleep);
        assert!(of(Some("sleeper")).3.unwrap().file().ends_with("task.rs"));
        assert_eq!(of(Some("joiner")).2, Reason::Join);
        assert_eq!(of(None).2, Reason::External);
        assert_eq!(of(None).0, other.id());
        sleeper_abort.abort();
        assert!(joiner.await.unwrap());
    });
}

#[test]
fn a_loop_over_ready_handles_yields_now_and_then() {
    let _watch = watch();
    let rt = Builder::current_thread().build().unwrap();
    rt.block_on(async {
        let other = Count::shared();
        let handles: Vec<_> = (0..1_000).map(|_| task::spawn(async {})).collect();
        while !handles.iter().all(|handle| handle.is_finished()) {
            task::yield_now().await;
        }
        let seen = task::spawn({
            let other = other.clone();
            async move {
                task::go(async move { other.add() });
                for handle in handles {
                    handle.await.unwrap();
                }
            }
        });
        seen.await.unwrap();
        assert_eq!(other.get(), 1, "the budget made room for another task");
    });
}

#[test]
fn large_futures_and_zero_sized_ones() {
    let _watch = watch();
    block_on(async {
        let big = [7u8; 100_000];
        let sum = task::spawn(async move {
            task::yield_now().await;
            big.iter().map(|&byte| usize::from(byte)).sum::<usize>()
        });
        assert_eq!(sum.await.unwrap(), 700_000);
        task::spawn(std::future::ready(())).await.unwrap();
    });
}

#[test]
fn a_million_tasks_wait_and_end() {
    let _watch = watch_for(Duration::from_secs(120));
    let rt = Builder::multi_thread().worker_threads(2).build().unwrap();
    rt.run_main(async {
        let gate = Gate::default();
        let tasks: Vec<_> = (0..1_000_000).map(|_| task::spawn(gate.clone())).collect();
        while gate.waiting() < 1_000_000 {
            time::sleep(Duration::from_millis(1)).await;
        }
        gate.open();
        for task in tasks {
            task.await.unwrap();
        }
    });
}

#[test]
fn types_are_send_and_sync_as_promised() {
    use static_assertions::{assert_impl_all, assert_not_impl_any};
    assert_impl_all!(task::JoinHandle<u8>: Send, Sync, Unpin);
    assert_not_impl_any!(task::JoinHandle<std::rc::Rc<u8>>: Send);
    assert_impl_all!(task::AbortHandle: Send, Sync, Clone);
    assert_impl_all!(task::JoinError: Send, Sync, std::error::Error);
    assert_impl_all!(Runtime: Send, Sync);
    assert_impl_all!(Handle: Send, Sync, Clone);
    assert_not_impl_any!(dormouse_executor::runtime::EnterGuard<'static>: Send, Sync);
    assert_impl_all!(time::Sleep: Send, Sync);
    assert_not_impl_any!(time::Sleep: Unpin);
    assert_impl_all!(time::Interval: Send, Sync, Unpin);
    assert_impl_all!(time::After: Send, Sync);
    assert_impl_all!(time::TimerHandle: Send, Sync, Unpin);
}
