//! The end of a runtime: every destructor runs, nothing hangs, handles stay usable.
#![allow(missing_docs)]
use dormouse_executor::runtime::{Builder, Handle, Runtime};
use dormouse_executor::{task, time};
use dormouse_testing::{Count, Gate, on_drop, until, watch, watch_for};
use std::future::pending;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::SeqCst};
use std::sync::mpsc;
use std::time::Duration;

fn runtimes() -> [Runtime; 3] {
    [
        Builder::multi_thread().worker_threads(2).build().unwrap(),
        Builder::multi_thread().worker_threads(1).build().unwrap(),
        Builder::current_thread().build().unwrap(),
    ]
}

/// Ends a runtime as its Drop does, but without the limit of 1 s that a loaded machine may exceed.
fn end(rt: Runtime) {
    rt.shutdown_timeout(Duration::from_secs(60));
}

#[test]
fn a_hundred_thousand_parked_tasks_run_their_destructors() {
    let _watch = watch_for(Duration::from_secs(120));
    for rt in runtimes() {
        let dropped = Count::shared();
        rt.block_on(async {
            for _ in 0..100_000 {
                let guard = dropped.on_drop();
                task::go(async move {
                    let _guard = guard;
                    pending::<()>().await;
                });
            }
            task::yield_now().await;
        });
        end(rt);
        assert_eq!(dropped.get(), 100_000, "also those whose wakers are all gone");
    }
}

#[test]
fn tasks_that_never_ran_are_dropped() {
    let _watch = watch();
    let rt = Builder::current_thread().build().unwrap();
    let dropped = Count::shared();
    let handles: Vec<_> = (0..1_000)
        .map(|_| {
            let guard = dropped.on_drop();
            rt.spawn(async move { drop(guard) })
        })
        .collect();
    drop(rt);
    assert_eq!(dropped.get(), 1_000);
    for handle in handles {
        assert!(handle.is_finished());
        assert!(futures::executor::block_on(handle).unwrap_err().is_cancelled());
    }
}

/// async-executor#60.
#[test]
fn destructors_may_spawn_wake_send_and_panic() {
    let _watch = watch();
    for rt in runtimes() {
        let (refused, ended) = (Count::shared(), Count::shared());
        let gate = Gate::default();
        rt.block_on(async {
            for number in 0..100 {
                let (refused, ended, gate) = (refused.clone(), ended.clone(), gate.clone());
                let guard = on_drop({
                    let gate = gate.clone();
                    move || {
                        ended.add();
                        let inner = refused.on_drop();
                        let handle = task::spawn(async move { drop(inner) });
                        assert!(handle.is_finished());
                        drop(Handle::current());
                        gate.wakers().into_iter().for_each(|waker| waker.wake());
                        gate.open();
                        if number % 3 == 0 {
                            panic!("in a destructor at the end");
                        }
                    }
                });
                task::go(async move {
                    let _guard = guard;
                    gate.await;
                    pending::<()>().await;
                });
            }
            while gate.waiting() < 100 {
                task::yield_now().await;
            }
        });
        end(rt);
        assert_eq!((ended.get(), refused.get()), (100, 100));
    }
}

/// async-executor#104: tasks that are spawned after the end began.
#[test]
fn spawning_while_it_closes_says_cancelled() {
    let _watch = watch();
    for _ in 0..50 {
        let rt = Builder::multi_thread().worker_threads(2).build().unwrap();
        let handle = rt.handle().clone();
        let (spawned, dropped) = (Count::shared(), Count::shared());
        let (go, begun) = mpsc::channel();
        let spawner = std::thread::spawn({
            let (spawned, dropped) = (spawned.clone(), dropped.clone());
            move || {
                for number in 0.. {
                    let guard = dropped.on_drop();
                    spawned.add();
                    let task = handle.spawn(async move {
                        let _guard = guard;
                        pending::<()>().await;
                    });
                    if number == 10 {
                        go.send(()).unwrap();
                    }
                    if number > 10 && task.is_finished() {
                        return futures::executor::block_on(task).unwrap_err().is_cancelled();
                    }
                }
                false
            }
        });
        begun.recv().unwrap();
        end(rt);
        assert!(spawner.join().unwrap());
        assert_eq!(spawned.get(), dropped.get());
    }
}

#[test]
fn foreign_wakers_against_the_end() {
    // async-executor#163: the waker publishes the last task, which ends, and the runtime with it.
    let _watch = watch();
    for round in 0..300 {
        let rt = Builder::multi_thread().worker_threads(1 + round % 2).build().unwrap();
        let gate = Gate::default();
        let tasks: Vec<_> = (0..3)
            .map(|_| {
                let gate = gate.clone();
                rt.spawn(async move {
                    gate.clone().await;
                    pending::<()>().await;
                })
            })
            .collect();
        until(|| gate.waiting() == 3);
        let wakers = gate.wakers();
        let waking = std::thread::spawn(move || {
            for waker in wakers {
                waker.wake_by_ref();
                waker.wake();
            }
        });
        end(rt);
        waking.join().unwrap();
        for waker in gate.wakers() {
            waker.wake();
        }
        drop(tasks);
    }
}

#[test]
fn handles_and_abort_handles_outlive_the_runtime() {
    let _watch = watch();
    for rt in runtimes() {
        let waits = rt.spawn(pending::<()>());
        let abort = waits.abort_handle();
        let done = rt.spawn(async { String::from("value") });
        rt.block_on(async {
            while !done.is_finished() {
                task::yield_now().await;
            }
        });
        end(rt);
        // Another runtime may stand at the same address.
        let other = Builder::current_thread().build().unwrap();
        let live = other.spawn(pending::<()>());
        waits.abort();
        waits.abort_handle().abort();
        abort.abort();
        assert!(abort.is_finished() && waits.is_finished() && !live.is_finished());
        assert!(futures::executor::block_on(waits).unwrap_err().is_cancelled());
        assert_eq!(futures::executor::block_on(done).unwrap(), "value");
        drop(live);
    }
}

#[test]
fn dropping_on_its_own_worker_panics_with_advice() {
    let _watch = watch();
    let rt = Builder::multi_thread().worker_threads(2).build().unwrap();
    let handle = rt.handle().clone();
    let text = handle.block_on(async move {
        let error = task::spawn(async move { drop(rt) }).await.unwrap_err();
        error.into_panic().downcast_ref::<&str>().map(|text| text.to_string())
    });
    assert!(text.unwrap().contains("shutdown_background"));
}

#[test]
fn shutdown_background_on_its_own_worker() {
    let _watch = watch();
    for rt in runtimes() {
        let handle = rt.handle().clone();
        let (dropped, ended) = (Count::shared(), mpsc::channel());
        let guard = dropped.on_drop();
        handle.block_on(async move {
            task::go(async move {
                let _guard = guard;
                pending::<()>().await;
            });
            task::yield_now().await;
            task::go(async move {
                rt.shutdown_background();
                ended.0.send(()).unwrap();
            });
            task::yield_now().await;
        });
        ended.1.recv().unwrap();
        until(|| dropped.get() == 1);
    }
}

#[test]
fn a_poll_that_does_not_end_is_left_behind() {
    let _watch = watch();
    let stop = Arc::new(AtomicBool::new(false));
    let (begun, wait) = mpsc::channel();
    let rt = Builder::multi_thread().worker_threads(2).build().unwrap();
    let task = rt.spawn({
        let stop = stop.clone();
        async move {
            begun.send(()).unwrap();
            while !stop.load(SeqCst) {
                std::thread::sleep(Duration::from_millis(1));
            }
            task::yield_now().await;
        }
    });
    wait.recv().unwrap();
    rt.shutdown_timeout(Duration::from_millis(20));
    assert!(!task.is_finished());
    // Its memory is still there, and its thread ends it when the poll returns.
    stop.store(true, SeqCst);
    assert!(futures::executor::block_on(task).unwrap_err().is_cancelled());
}

#[test]
fn blocking_jobs_do_not_hold_the_end_up_for_ever() {
    let _watch = watch();
    let rt = Builder::multi_thread().worker_threads(1).max_blocking_threads(1).build().unwrap();
    let (begun, wait) = mpsc::channel();
    let (release, held) = mpsc::channel::<()>();
    let running = rt.spawn_blocking(move || {
        begun.send(()).unwrap();
        held.recv().unwrap();
        5
    });
    let never = Count::shared();
    let queued = rt.spawn_blocking({
        let never = never.clone();
        move || never.add()
    });
    wait.recv().unwrap();
    rt.shutdown_timeout(Duration::from_millis(20));
    release.send(()).unwrap();
    assert_eq!(futures::executor::block_on(running).unwrap(), 5, "what has begun goes on");
    assert!(futures::executor::block_on(queued).unwrap_err().is_cancelled());
    assert_eq!(never.get(), 0);
}

#[test]
fn the_runtimes_threads_are_gone_after_the_drop() {
    let _watch = watch();
    let stopped = Count::shared();
    let rt = Builder::multi_thread()
        .worker_threads(4)
        .on_thread_stop({
            let stopped = stopped.clone();
            move || stopped.add()
        })
        .build()
        .unwrap();
    rt.block_on(async {
        task::spawn_blocking(|| ()).await.unwrap();
    });
    end(rt);
    assert_eq!(stopped.get(), 4, "three workers and the blocking thread");
}

#[test]
fn a_thousand_runtimes_come_and_go() {
    let _watch = watch_for(Duration::from_secs(120));
    for _ in 0..1_000 {
        let rt = Builder::multi_thread().worker_threads(2).build().unwrap();
        let task = rt.spawn(async { task::spawn(async { 1 }).await });
        drop(rt);
        drop(task);
    }
}

#[test]
fn timers_outlive_the_runtime_without_harm() {
    use std::future::Future;
    let _watch = watch();
    for rt in runtimes() {
        let mut sleep = Box::pin(time::sleep(Duration::from_secs(1_000)));
        let noop = std::task::Waker::noop();
        let mut cx = std::task::Context::from_waker(noop);
        rt.block_on(async {
            assert!(sleep.as_mut().poll(&mut std::task::Context::from_waker(noop)).is_pending())
        });
        end(rt);
        let lost = catch_unwind(AssertUnwindSafe(|| sleep.as_mut().poll(&mut cx))).unwrap_err();
        assert!(lost.downcast_ref::<&str>().unwrap().contains("shut down"));
        drop(sleep);
    }
}

#[test]
fn dropping_inside_another_runtimes_task() {
    let _watch = watch();
    let outer = Builder::multi_thread().worker_threads(2).build().unwrap();
    outer.run_main(async {
        let inner = Builder::multi_thread().worker_threads(2).build().unwrap();
        let dropped = Count::shared();
        let guard = dropped.on_drop();
        drop(inner.spawn(async move {
            let _guard = guard;
            pending::<()>().await;
        }));
        end(inner);
        assert_eq!(dropped.get(), 1);
    });
}
