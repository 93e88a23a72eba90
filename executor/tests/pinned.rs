//! Pinned tasks: made, polled and dropped on a thread of their own, which ends with them or with the runtime.
#![allow(missing_docs)]
#[path = "support/tasks.rs"]
mod tasks;

use dormouse_executor::runtime::Builder;
use dormouse_executor::task::{self, JoinSet, LocalSet};
use dormouse_executor::{sim, time};
use dormouse_testing::{Count, Gate, on_drop, panics, until, watch};
use std::future::pending;
use std::rc::Rc;
use std::sync::{Arc, Mutex};
use std::thread::{self, ThreadId};
use std::time::Duration;
use tasks::{both, now, settle};

/// Not `Send`; notes on which thread it is dropped.
struct Stays(Rc<()>, Arc<Mutex<Vec<ThreadId>>>);

impl Drop for Stays {
    fn drop(&mut self) {
        self.1.lock().unwrap().push(thread::current().id());
    }
}

type Threads = Arc<Mutex<Vec<ThreadId>>>;

#[test]
fn it_has_a_thread_and_timers_and_tasks() {
    let _watch = watch();
    for rt in both() {
        let dropped = Threads::default();
        rt.block_on(async {
            let gate = Gate::default();
            let (inner, drops) = (gate.clone(), dropped.clone());
            let pinned = task::Builder::new().name("pinned").spawn_pinned(move || {
                let made = thread::current().id();
                let stays = Stays(Rc::new(()), drops);
                async move {
                    for _ in 0..3 {
                        assert_eq!(thread::current().id(), made);
                        time::sleep(Duration::from_millis(1)).await;
                        task::spawn(task::yield_now()).await.unwrap();
                        task::yield_now().await;
                    }
                    inner.await;
                    assert_eq!(Rc::strong_count(&stays.0), 1);
                    // It keeps nobody from work.
                    task::block_in_place(|| thread::sleep(Duration::from_millis(1)));
                    (made, task::id(), thread::current().id())
                }
            });
            let id = pinned.id();
            settle(|| gate.waiting() == 1).await;
            thread::spawn(move || gate.open()).join().unwrap();
            let (made, seen, last) = pinned.await.unwrap();
            assert_eq!((seen, last), (id, made));
            assert_ne!(made, thread::current().id());
            assert_eq!(*dropped.lock().unwrap(), [made]);
        });
    }
    assert!(panics(|| task::spawn_pinned(|| async {})).contains("outside of a runtime"));
}

#[test]
fn it_is_aborted_on_its_thread_and_then_the_thread_ends() {
    let _watch = watch();
    let stopped = Count::shared();
    let ends = stopped.clone();
    let rt = Builder::current_thread().on_thread_stop(move || ends.add()).build().unwrap();
    rt.block_on(async {
        let (dropped, gate, made) = (Threads::default(), Gate::default(), Threads::default());
        let (drops, inner, here) = (dropped.clone(), gate.clone(), made.clone());
        let pinned = task::spawn_pinned(move || {
            here.lock().unwrap().push(thread::current().id());
            let stays = Stays(Rc::new(()), drops);
            async move {
                let _stays = stays;
                inner.await;
            }
        });
        settle(|| gate.waiting() == 1).await;
        pinned.abort();
        assert!(pinned.await.unwrap_err().is_cancelled());
        assert_eq!(*dropped.lock().unwrap(), *made.lock().unwrap());
        // Woken after its end.
        gate.open();
        // A set of them.
        let mut set = JoinSet::new();
        for n in 0..3 {
            set.insert(task::spawn_pinned(move || async move { *Rc::new(n) }));
        }
        assert_eq!(set.join_all().await.len(), 3);
    });
    until(|| stopped.get() == 4);
}

#[test]
fn the_runtimes_end_ends_it() {
    let _watch = watch();
    for rt in both() {
        let (dropped, made, gate) = (Threads::default(), Threads::default(), Gate::default());
        let late = Count::shared();
        let handle = rt.block_on(async {
            let (drops, here, inner, late) = (dropped.clone(), made.clone(), gate.clone(), late.clone());
            let pinned = task::Builder::new().spawn_pinned(move || {
                here.lock().unwrap().push(thread::current().id());
                let stays = Stays(Rc::new(()), drops);
                let guard = on_drop(move || {
                    let refused = task::spawn_pinned(|| async { panic!("it was started") });
                    if now(refused).unwrap().map(|(): ()| ()).unwrap_err().is_cancelled() {
                        late.add();
                    }
                });
                async move {
                    let _both = (stays, guard);
                    inner.await;
                    pending::<()>().await;
                }
            });
            settle(|| gate.waiting() == 1).await;
            Some(pinned)
        });
        rt.shutdown_timeout(Duration::from_secs(60));
        assert_eq!(*dropped.lock().unwrap(), *made.lock().unwrap());
        assert_eq!(late.get(), 1);
        assert!(now(handle.unwrap()).unwrap().unwrap_err().is_cancelled());
        gate.open();
    }
}

#[test]
fn many_come_and_go_with_their_runtime() {
    let _watch = watch();
    for round in 0..50 {
        let rt = Builder::multi_thread().worker_threads(1 + round % 2).build().unwrap();
        let gate = Gate::default();
        let waking = gate.clone();
        let tasks = rt.block_on(async {
            let pinned = |_| {
                let gate = gate.clone();
                task::spawn_pinned(move || async move {
                    gate.await;
                    pending::<()>().await;
                })
            };
            (0..3).map(pinned).collect::<Vec<_>>()
        });
        // Some may not have begun.
        let waking = thread::spawn(move || waking.open());
        rt.shutdown_timeout(Duration::from_secs(60));
        waking.join().unwrap();
        for task in tasks {
            assert!(now(task).unwrap().unwrap_err().is_cancelled());
        }
    }
}

#[test]
fn panics_are_the_joiners() {
    let _watch = watch();
    for rt in both() {
        rt.block_on(async {
            let make = || -> std::future::Ready<()> { panic!("in the closure") };
            let error = task::spawn_pinned(make).await.unwrap_err();
            assert_eq!(error.into_panic().downcast_ref::<&str>(), Some(&"in the closure"));
            let error =
                task::spawn_pinned(|| async { panic!("in the future") }).await.map(|(): ()| ()).unwrap_err();
            assert_eq!(error.into_panic().downcast_ref::<&str>(), Some(&"in the future"));
            assert_eq!(task::spawn_pinned(|| async { 1 }).await.unwrap(), 1);
        });
    }
}

#[test]
fn a_local_set_on_a_thread_of_its_own() {
    let _watch = watch();
    for rt in both() {
        let pinned = || {
            task::spawn_pinned(|| async {
                let set = LocalSet::new();
                let tasks = set.run_until(async {
                    let (one, two) =
                        (task::spawn_local(async { Rc::new(1) }), task::spawn_local(async { Rc::new(2) }));
                    *one.await.unwrap() + *two.await.unwrap()
                });
                tasks.await
            })
        };
        assert_eq!(rt.block_on(async { pinned().await.unwrap() }), 3);
    }
}

#[test]
fn in_a_simulated_run_it_is_a_task() {
    let _watch = watch();
    sim::explore(50, || async {
        let here = thread::current().id();
        let pinned = task::spawn_pinned(move || async move {
            let text = Rc::new("not Send");
            time::sleep(Duration::from_secs(3600)).await;
            assert_eq!(thread::current().id(), here);
            text.len()
        });
        let aborted = task::spawn_pinned(|| async {
            let _rc = Rc::new(1);
            pending::<()>().await
        });
        task::yield_now().await;
        aborted.abort();
        assert!(aborted.await.unwrap_err().is_cancelled());
        assert_eq!(pinned.await.unwrap(), 8);
    });
}
