//! Building, entering, block_on, and every bad input with its message.
#![allow(missing_docs)]
use dormouse_executor::runtime::{Builder, Handle, Runtime, block_on};
use dormouse_executor::task;
use dormouse_testing::{Count, Gate, OnDrop, child, on_drop, panics, until, watch};
use std::cell::Cell;
use std::collections::HashSet;
use std::future::Future;
use std::rc::Rc;
use std::sync::{Arc, Barrier, Mutex};

#[test]
fn zero_workers_and_zero_blocking_threads_are_refused() {
    let error = Builder::multi_thread().worker_threads(0).build().unwrap_err().to_string();
    assert_eq!(error, "worker_threads is \"0\", but must be a whole number from 1 to 4096");
    assert!(Builder::multi_thread().worker_threads(4097).build().unwrap_err().to_string().contains("4097"));
    let error = Builder::current_thread().max_blocking_threads(0).build().unwrap_err().to_string();
    assert_eq!(error, "max_blocking_threads is \"0\", but must be at least 1");
}

#[test]
fn bad_worker_counts_in_the_environment_are_refused() {
    for (value, fine) in
        [("0", false), ("many", false), ("-1", false), ("", false), ("2.5", false), ("3", true)]
    {
        let out = child("child_builds").env("DORMOUSE_WORKERS", value).output().unwrap();
        let text = String::from_utf8_lossy(&out.stdout);
        if fine {
            assert!(text.contains("built"), "{text}");
        } else {
            let expected =
                format!("DORMOUSE_WORKERS is \"{value}\", but must be a whole number from 1 to 4096");
            assert!(text.contains(&expected), "{text}");
        }
    }
}

#[test]
#[ignore = "run by bad_worker_counts_in_the_environment_are_refused"]
fn child_builds() {
    match Runtime::new() {
        Ok(_) => println!("built"),
        Err(error) => println!("{error}"),
    }
    // Who says a number, or wants one thread, does not need the variable.
    Builder::multi_thread().worker_threads(1).build().unwrap();
    Builder::current_thread().build().unwrap();
}

#[test]
fn spawn_outside_of_a_runtime_panics_with_advice() {
    for (name, text) in [
        ("spawn", panics(|| drop(task::spawn(async {})))),
        ("go", panics(|| task::go(async {}))),
        ("spawn_blocking", panics(|| drop(task::spawn_blocking(|| ())))),
        ("Handle::current", panics(|| drop(Handle::current()))),
    ] {
        assert!(
            text.contains(name) && text.contains("outside of a runtime") && text.contains("enter"),
            "{text}"
        );
    }
    assert!(Handle::try_current().is_err());
}

/// async-executor#57.
#[test]
fn nested_block_on_panics_with_advice() {
    let _watch = watch();
    let rt = Builder::multi_thread().worker_threads(2).build().unwrap();
    let text = rt.run_main(async { panics(|| block_on(async {})) });
    assert!(text.contains("block_on") && text.contains(".await"), "{text}");
    let text = rt.block_on(async { panics(|| Handle::current().block_on(async {})) });
    assert!(text.contains("spawn_blocking"), "{text}");
    // Where it may block, it may.
    let sum = rt
        .block_on(async { task::spawn_blocking(|| Handle::current().block_on(async { 4 })).await.unwrap() });
    assert_eq!(sum, 4);
}

#[test]
fn block_on_takes_futures_that_are_not_send_and_polls_on_its_thread() {
    let _watch = watch();
    let value = Rc::new(Cell::new(1));
    let here = std::thread::current().id();
    block_on({
        let value = value.clone();
        async move {
            for _ in 0..100 {
                task::spawn(async { task::yield_now().await }).await.unwrap();
                assert_eq!(std::thread::current().id(), here);
            }
            value.set(2);
        }
    });
    assert_eq!(value.get(), 2);
}

#[test]
fn several_threads_block_on_a_current_thread_runtime() {
    let _watch = watch();
    let rt = Builder::current_thread().build().unwrap();
    let barrier = Barrier::new(4);
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                barrier.wait();
                for _ in 0..200 {
                    let number = rt.block_on(async {
                        task::spawn(async { task::spawn(async { 9 }).await.unwrap() }).await
                    });
                    assert_eq!(number.unwrap(), 9);
                }
            });
        }
    });
}

/// async-executor#104: a worker leaves with a full queue.
#[test]
fn a_guest_that_leaves_hands_over_its_tasks() {
    let _watch = watch();
    // One slot: the second thread needs what the first one's seat has queued.
    let rt = Builder::current_thread().build().unwrap();
    let (gate, opened) = (Gate::default(), Gate::default());
    std::thread::scope(|scope| {
        let waits = scope.spawn(|| rt.block_on(opened.clone()));
        until(|| opened.waiting() == 1);
        rt.block_on(async {
            for _ in 0..1_000 {
                let (gate, opened) = (gate.clone(), opened.clone());
                task::go(async move {
                    gate.await;
                    opened.open();
                });
            }
            gate.open();
        });
        waits.join().unwrap();
    });
}

#[test]
fn a_runtime_without_block_on_works() {
    let _watch = watch();
    for workers in 1..=3 {
        let rt = Builder::multi_thread().worker_threads(workers).build().unwrap();
        let count = Count::shared();
        for _ in 0..1_000 {
            let count = count.clone();
            drop(rt.spawn(async move {
                task::spawn(async {}).await.unwrap();
                count.add();
            }));
        }
        until(|| count.get() == 1_000);
    }
}

#[test]
fn n_workers_run_n_tasks_at_once_with_and_without_block_on() {
    let _watch = watch();
    for guest in [false, true] {
        for workers in 1..=4 {
            let rt = Builder::multi_thread().worker_threads(workers).build().unwrap();
            let barrier = Arc::new(Barrier::new(workers));
            let meet = {
                let barrier = barrier.clone();
                async move {
                    let tasks: Vec<_> = (0..workers)
                        .map(|_| {
                            let barrier = barrier.clone();
                            task::spawn(async move {
                                barrier.wait();
                            })
                        })
                        .collect();
                    for task in tasks {
                        task.await.unwrap();
                    }
                }
            };
            if guest {
                rt.run_main(meet);
            } else {
                let done = Count::shared();
                let count = done.clone();
                drop(rt.spawn(async move {
                    meet.await;
                    count.add();
                }));
                until(|| done.get() == 1);
            }
        }
    }
}

#[test]
fn current_thread_runs_all_on_the_caller() {
    let _watch = watch();
    let rt = Builder::current_thread().build().unwrap();
    let threads = Arc::new(Mutex::new(HashSet::new()));
    rt.block_on(async {
        for _ in 0..100 {
            let threads = threads.clone();
            task::spawn(async move { threads.lock().unwrap().insert(std::thread::current().id()) })
                .await
                .unwrap();
        }
    });
    assert_eq!(*threads.lock().unwrap(), HashSet::from([std::thread::current().id()]));
}

#[test]
fn hooks_and_names() {
    let _watch = watch();
    let (starts, stops) = (Count::shared(), Count::shared());
    let rt = Builder::multi_thread()
        .worker_threads(3)
        .thread_name("named")
        .on_thread_start({
            let starts = starts.clone();
            move || starts.add()
        })
        .on_thread_stop({
            let stops = stops.clone();
            move || {
                stops.add();
                panic!("a hook that panics")
            }
        })
        .build()
        .unwrap();
    let name = rt.block_on(async {
        task::spawn_blocking(|| std::thread::current().name().map(String::from)).await.unwrap()
    });
    assert_eq!(name.as_deref(), Some("named"));
    // Without the limit of 1 s that a loaded machine may exceed.
    rt.shutdown_timeout(std::time::Duration::from_secs(60));
    assert_eq!(starts.get(), 3, "two workers and one blocking thread");
    assert_eq!(stops.get(), 3);
}

#[test]
fn enter_guards_nest_and_end() {
    let (a, b) = (Builder::current_thread().build().unwrap(), Builder::current_thread().build().unwrap());
    let first = a.enter();
    {
        let _second = b.enter();
        drop(task::spawn(async {}));
        assert_eq!(b.handle().task_waits().len(), 1);
    }
    drop(task::spawn(async {}));
    assert_eq!(a.handle().task_waits().len(), 1);
    drop(first);
    assert!(Handle::try_current().is_err());
}

#[test]
fn enter_guards_out_of_order_panic_and_stay_sound() {
    std::thread::spawn(|| {
        let (a, b) = (Builder::current_thread().build().unwrap(), Builder::current_thread().build().unwrap());
        let (first, second) = (a.enter(), b.enter());
        let text = panics(|| drop(first));
        assert!(text.contains("reverse order"), "{text}");
        drop(second);
        drop((a, b));
        // The thread is still in the first runtime, which is closed but there.
        let task = task::spawn(async {});
        assert!(task.is_finished());
    })
    .join()
    .unwrap();
}

#[test]
fn a_foreign_executor_may_poll_under_enter() {
    let _watch = watch();
    let rt = Builder::multi_thread().worker_threads(1).build().unwrap();
    let _guard = rt.enter();
    let sum = futures::executor::block_on(async {
        dormouse_executor::time::sleep(std::time::Duration::from_millis(2)).await;
        task::yield_now().await;
        task::spawn(async { 8 }).await.unwrap()
    });
    assert_eq!(sum, 8);
}

/// async-executor#136, on a foreign thread; tests/peers.rs has the runtime's own.
#[test]
fn wakes_from_thread_local_destructors() {
    let _watch = watch();
    thread_local!(static LATE: std::cell::RefCell<Option<OnDrop<Box<dyn FnOnce()>>>> = const { std::cell::RefCell::new(None) });
    let rt = Builder::multi_thread().worker_threads(2).build().unwrap();
    let gate = Gate::default();
    let waits = rt.spawn(gate.clone());
    let handle = rt.handle().clone();
    let ran = Count::shared();
    let count = ran.clone();
    std::thread::spawn(move || {
        let wake: Box<dyn FnOnce()> = Box::new(move || {
            gate.open();
            drop(handle.spawn(async move { count.add() }));
        });
        LATE.with(|late| *late.borrow_mut() = Some(on_drop(wake)));
    })
    .join()
    .unwrap();
    rt.block_on(waits).unwrap();
    until(|| ran.get() == 1);
}

/// async-executor#57: a `block_on` of another library inside a task.
#[test]
fn a_foreign_block_on_inside_a_task_gets_its_wakeups() {
    let _watch = watch();
    let rt = Builder::multi_thread().worker_threads(2).build().unwrap();
    rt.run_main(async {
        // It blocks this worker; the other one runs what it waits for.
        let other = task::spawn(async { task::yield_now().await });
        task::yield_now().await;
        futures::executor::block_on(other).unwrap();
    });
}

fn assert_future<F: Future>(_: &F) {}

#[test]
fn a_handle_outlives_its_runtime() {
    let _watch = watch();
    let rt = Builder::multi_thread().worker_threads(2).build().unwrap();
    let handle = rt.handle().clone();
    drop(rt);
    let dropped = Count::shared();
    let guard = dropped.on_drop();
    let task = handle.spawn(async move { drop(guard) });
    assert_eq!(dropped.get(), 1, "the caller drops the future");
    assert_future(&task);
    let id = task.id();
    let error = futures::executor::block_on(task).unwrap_err();
    assert!(error.is_cancelled());
    assert_eq!(error.id(), id);
    assert!(futures::executor::block_on(handle.spawn_blocking(|| ())).unwrap_err().is_cancelled());
    assert_eq!(handle.block_on(async { 6 }), 6, "a future that needs no task still runs");
}
