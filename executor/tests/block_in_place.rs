//! `task::block_in_place`: the seat goes to another thread meanwhile.
#![allow(missing_docs)]

#[path = "support/seats.rs"]
mod support;

use dormouse_executor::runtime::{Builder, Handle, Runtime, block_on};
use dormouse_executor::{sim, task, time};
use dormouse_testing::{Count, Gate, panics, until, watch};
use dormouse_wait::frame;
use std::sync::mpsc;
use std::time::Duration;
use support::until_back;

fn runtimes() -> [Runtime; 3] {
    [1, 2, 3].map(|workers| Builder::multi_thread().worker_threads(workers).build().unwrap())
}

/// The job waits for a task that was queued behind it, in the cell and in the ring.
#[test]
fn what_is_queued_behind_it_runs_meanwhile() {
    let _watch = watch();
    for (rt, workers) in runtimes().into_iter().zip(1..) {
        rt.run_main(async {
            for _ in 0..100 {
                let (tell, told) = mpsc::channel();
                for number in 0..3 {
                    let tell = tell.clone();
                    task::go(async move { tell.send(number).unwrap() });
                }
                let sum: i32 = task::block_in_place(|| (0..3).map(|_| told.recv().unwrap()).sum());
                assert_eq!(sum, 3);
            }
        });
        until_back(&rt, workers);
    }
}

/// Also in the future of `block_on` itself.
#[test]
fn in_the_future_of_block_on() {
    let _watch = watch();
    for rt in runtimes() {
        rt.block_on(async {
            let (tell, told) = mpsc::channel();
            let task = task::spawn(async move {
                time::sleep(Duration::from_millis(2)).await;
                tell.send(5).unwrap();
            });
            assert_eq!(task::block_in_place(|| told.recv().unwrap()), 5);
            task.await.unwrap();
        });
    }
}

/// tokio#7210 (#7216): a nested `block_on` of a future that yields.
#[test]
fn block_on_and_yield_inside() {
    let _watch = watch();
    for rt in runtimes() {
        rt.run_main(async {
            assert!(frame::polling());
            let id = task::id();
            let sum = task::block_in_place(|| {
                assert!(!frame::polling());
                assert_eq!(task::id(), id);
                Handle::current().block_on(async {
                    task::yield_now().await;
                    time::sleep(Duration::from_millis(1)).await;
                    let task = task::spawn(async {
                        task::yield_now().await;
                        // And once more, within the nested one.
                        task::block_in_place(|| Handle::current().block_on(async { 3 }))
                    });
                    task.await.unwrap() + task::block_in_place(|| task::block_in_place(|| 4))
                })
            });
            assert_eq!(sum, 7);
            assert!(frame::polling());
            assert_eq!(task::id(), id);
            // tokio#8056: the poll goes on, with a seat or without.
            for _ in 0..10 {
                task::yield_now().await;
                task::block_in_place(|| ());
                assert_eq!(task::spawn(async { 1 }).await.unwrap(), 1);
            }
        });
    }
}

/// Another runtime inside.
#[test]
fn another_runtime_inside() {
    let _watch = watch();
    let rt = Builder::multi_thread().worker_threads(1).build().unwrap();
    let sum = rt.run_main(async {
        let before = task::id();
        let sum = task::block_in_place(|| {
            let other = Builder::current_thread().build().unwrap();
            other.block_on(async { task::spawn(async { 6 }).await.unwrap() })
        });
        assert_eq!(task::id(), before);
        sum + task::spawn(async { 1 }).await.unwrap()
    });
    assert_eq!(sum, 7);
}

/// The seat is taken when the job ends: the poll goes on without, wakes, spawns, sets timers; then others run.
#[test]
fn a_poll_goes_on_without_a_seat() {
    let _watch = watch();
    let rt = Builder::multi_thread().worker_threads(1).max_spare_threads(1).build().unwrap();
    let ran = Count::shared();
    let count = ran.clone();
    rt.run_main(async move {
        let (begun, begins) = mpsc::channel();
        let (end, ends) = mpsc::channel::<()>();
        let other = task::spawn(async move {
            begun.send(()).unwrap();
            // Nobody relieves this one: there are no more threads.
            let _ = ends.recv();
        });
        let me = task::id();
        task::block_in_place(|| begins.recv().unwrap());
        // The only seat is the other task's.
        assert_eq!(task::id(), me);
        let spawned = task::spawn(async move { count.add() });
        assert_eq!(task::block_in_place(|| 2), 2, "it has no seat to leave");
        drop(end);
        time::sleep(Duration::from_millis(1)).await;
        spawned.await.unwrap();
        other.await.unwrap();
    });
    assert_eq!(ran.get(), 1);
    until_back(&rt, 1);
}

#[test]
fn many_at_once_come_back() {
    let _watch = watch();
    for workers in [1, 2] {
        let rt = Builder::multi_thread().worker_threads(workers).max_spare_threads(4).build().unwrap();
        rt.run_main(async {
            let tasks: Vec<_> = (0..50)
                .map(|number| {
                    task::spawn(async move {
                        for round in 0..10 {
                            let micros = (number * round) % 300;
                            task::block_in_place(|| std::thread::sleep(Duration::from_micros(micros)));
                            task::spawn(async {}).await.unwrap();
                        }
                    })
                })
                .collect();
            for task in tasks {
                task.await.unwrap();
            }
        });
        until_back(&rt, workers);
        let counts = rt.metrics();
        assert!(counts.threads <= workers + 4, "{counts:?}");
    }
}

/// On a current-thread runtime another thread in `block_on` takes the seat. (No monitor helps there.)
#[test]
fn another_thread_in_block_on_takes_the_seat() {
    let _watch = watch();
    let rt = Builder::current_thread().build().unwrap();
    for _ in 0..100 {
        let gate = Gate::default();
        std::thread::scope(|scope| {
            let waits = scope.spawn(|| rt.block_on(gate.clone()));
            until(|| gate.waiting() == 1 && rt.metrics().seated == 0);
            rt.run_main({
                let gate = gate.clone();
                async move {
                    let (tell, told) = mpsc::channel();
                    task::go(async move { tell.send(4).unwrap() });
                    assert_eq!(task::block_in_place(|| told.recv().unwrap()), 4);
                    gate.open();
                }
            });
            waits.join().unwrap();
        });
    }
}

/// A timer of somebody else, with all threads away.
#[test]
fn timers_are_watched_meanwhile() {
    let _watch = watch();
    for rt in runtimes() {
        rt.run_main(async {
            let (tell, told) = mpsc::channel();
            task::go(async move {
                time::sleep(Duration::from_millis(5)).await;
                tell.send(()).unwrap();
            });
            task::yield_now().await;
            task::block_in_place(|| told.recv().unwrap());
        });
    }
}

#[test]
fn a_panic_of_the_job_is_the_tasks() {
    let _watch = watch();
    for rt in runtimes() {
        let error = rt
            .block_on(rt.spawn(async {
                task::block_in_place(|| panic!("in place"));
            }))
            .unwrap_err();
        assert_eq!(error.into_panic().downcast_ref::<&str>(), Some(&"in place"));
        let text = panics(|| rt.block_on(async { task::block_in_place(|| panic!("in the root")) }));
        assert!(text.contains("in the root"), "{text}");
        assert_eq!(rt.block_on(async { task::spawn(async { 1 }).await.unwrap() }), 1);
        until(|| rt.metrics().seated == 0);
    }
}

#[test]
fn outside_of_a_runtime_and_where_nobody_waits_it_just_runs() {
    let _watch = watch();
    assert_eq!(task::block_in_place(|| 1), 1);
    let rt = Builder::current_thread().build().unwrap();
    assert_eq!(rt.block_on(async { task::block_in_place(|| block_on(async { 2 })) }), 2);
    let job = rt.spawn_blocking(|| task::block_in_place(|| 3));
    assert_eq!(rt.block_on(job).unwrap(), 3);
    assert!(sim::Builder::new().run(async { task::block_in_place(sim::is_active) }));
}

/// In a simulated run nothing may block, there neither.
#[test]
fn a_simulated_run_still_refuses_to_block() {
    let text = panics(|| sim::Builder::new().run(async { task::block_in_place(|| block_on(async {})) }));
    assert!(text.contains("block_on"), "{text}");
}

#[test]
fn dropping_the_own_runtime_inside_panics_with_advice() {
    let _watch = watch();
    let rt = Builder::multi_thread().worker_threads(1).build().unwrap();
    let handle = rt.handle().clone();
    let text = handle.block_on(async {
        let task = task::spawn(async move { task::block_in_place(|| panics(move || drop(rt))) });
        task.await.unwrap_or_else(|error| error.to_string())
    });
    assert!(text.contains("shutdown_background"), "{text}");
}
