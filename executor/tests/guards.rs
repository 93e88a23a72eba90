//! Guards of `Handle::enter` in odd places: held across an await, inside tasks, around the end of a runtime.
#![allow(missing_docs)]
use dormouse_executor::runtime::{Builder, Handle, Runtime};
use dormouse_executor::task;
use dormouse_testing::{Count, Gate, until, watch};
use std::future::{pending, poll_fn};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::mpsc;
use std::task::Poll;

fn one() -> Runtime {
    Builder::current_thread().build().unwrap()
}

/// Opens `gate` from another thread once somebody waits at it: so that the runtime's thread has slept meanwhile, or was
/// about to.
fn open_from_outside(gate: &Gate) -> std::thread::JoinHandle<()> {
    let gate = gate.clone();
    std::thread::spawn(move || {
        until(|| gate.waiting() > 0);
        gate.open();
    })
}

#[test]
fn a_guard_across_an_await_does_not_mix_two_runtimes() {
    let _watch = watch();
    // A second seat in the outer runtime has a number that the inner one does not know.
    let (outer, inner) = (Builder::multi_thread().worker_threads(3).build().unwrap(), one());
    for _ in 0..20 {
        let mut spawned = None;
        outer.block_on(async {
            let _guard = inner.enter();
            let gate = Gate::default();
            let opener = open_from_outside(&gate);
            gate.await;
            opener.join().unwrap();
            let task = task::spawn(async { std::thread::current().id() });
            for _ in 0..5 {
                task::yield_now().await;
            }
            assert!(!task.is_finished(), "it is the inner runtime's, on which nobody works");
            spawned = Some(task);
        });
        assert_eq!(inner.block_on(spawned.unwrap()).unwrap(), std::thread::current().id());
    }
}

#[test]
fn a_guard_that_is_dropped_after_its_seat_was_left() {
    let _watch = watch();
    let rt = one();
    for _ in 0..20 {
        let (first, last) = (Gate::default(), Gate::default());
        let (told, hear) = mpsc::channel();
        std::thread::scope(|scope| {
            scope.spawn(|| {
                rt.block_on(async {
                    let guard = rt.enter();
                    first.clone().await;
                    // The only slot is taken: this thread polls without a seat.
                    drop(guard);
                    told.send(task::spawn(async { std::thread::current().id() })).unwrap();
                    last.clone().await;
                });
            });
            until(|| first.waiting() > 0);
            rt.block_on(async {
                // The other thread sleeps, or is about to: once it does, the slot is this one's.
                let here = || std::thread::current().id();
                while task::spawn(async move { here() }).await.unwrap() != here() {}
                first.open();
                let task = hear.recv().unwrap();
                for _ in 0..3 {
                    task::yield_now().await;
                }
                assert_eq!(task.await.unwrap(), std::thread::current().id());
                last.open();
            });
        });
    }
}

#[test]
fn a_task_keeps_its_id_and_its_worker_under_another_runtimes_guard() {
    let _watch = watch();
    let (outer, inner) = (Builder::multi_thread().worker_threads(2).build().unwrap(), one());
    let handle = inner.handle().clone();
    let task = outer.spawn(async move {
        let _guard = handle.enter();
        assert_eq!(task::try_id().unwrap(), task::id());
        let blocked = catch_unwind(AssertUnwindSafe(|| handle.block_on(async {}))).is_err();
        (task::id(), blocked)
    });
    let id = task.id();
    assert_eq!(outer.block_on(task).unwrap(), (id, true));
}

#[test]
fn a_runtime_dropped_in_its_own_task_under_another_ones_guard() {
    let _watch = watch();
    let (outer, inner) = (one(), one());
    let handle = outer.handle().clone();
    let other = inner.handle().clone();
    let text = handle.block_on(async move {
        let task = task::spawn(async move {
            let _guard = other.enter();
            drop(outer);
        });
        task.await.unwrap_err().to_string()
    });
    assert!(text.contains("shutdown_background"), "{text}");
}

#[test]
fn a_runtime_dropped_in_its_own_block_on_still_drops_its_tasks() {
    let _watch = watch();
    for workers in [0, 1, 2] {
        let rt = match workers {
            0 => one(),
            _ => Builder::multi_thread().worker_threads(workers).build().unwrap(),
        };
        let dropped = Count::shared();
        for _ in 0..10 {
            let guard = dropped.on_drop();
            drop(rt.spawn(async move {
                let _guard = guard;
                pending::<()>().await;
            }));
        }
        let handle = rt.handle().clone();
        let lost = catch_unwind(AssertUnwindSafe(|| {
            handle.block_on(async {
                task::yield_now().await;
                drop(rt);
            })
        }));
        assert!(lost.unwrap_err().downcast_ref::<&str>().unwrap().contains("shutdown_background"));
        until(|| dropped.get() == 10);
    }
}

/// Also while the only seat is a task's, so that `block_on` polls without one.
#[test]
fn a_runtime_dropped_in_its_own_block_on_panics_without_a_seat() {
    let _watch = watch();
    let rt = Builder::multi_thread().worker_threads(1).max_spare_threads(0).build().unwrap();
    let (begin, begun) = std::sync::mpsc::channel();
    let (end, ended) = std::sync::mpsc::channel::<()>();
    drop(rt.spawn(async move {
        begin.send(()).unwrap();
        ended.recv().unwrap_err();
    }));
    begun.recv().unwrap();
    let handle = rt.handle().clone();
    let lost = catch_unwind(AssertUnwindSafe(|| handle.block_on(async { drop(rt) })));
    assert!(lost.unwrap_err().downcast_ref::<&str>().unwrap().contains("shutdown_background"));
    drop(end);
}

#[test]
fn a_guard_that_leaves_block_on_panics_and_leaves_all_usable() {
    let _watch = watch();
    let (rt, other) = (one(), one());
    let escaped = catch_unwind(AssertUnwindSafe(|| {
        rt.block_on(poll_fn(|_| {
            std::mem::forget(other.enter());
            Poll::Ready(())
        }))
    }));
    assert!(escaped.unwrap_err().downcast_ref::<&str>().unwrap().contains("reverse order"));
    assert_eq!(rt.block_on(async { Handle::current().spawn(async { 5 }).await.unwrap() }), 5);
}
