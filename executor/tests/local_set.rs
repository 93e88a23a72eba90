//! `LocalSet`: tasks that are not `Send` run and are dropped on their thread, whoever wakes, aborts or outlives them.
#![allow(missing_docs)]
#[path = "support/tasks.rs"]
mod tasks;

use dormouse_executor::runtime::{Builder, Runtime};
use dormouse_executor::sim::{self, FailureKind};
use dormouse_executor::task::{self, JoinSet, LocalSet};
use dormouse_executor::time;
use dormouse_testing::{Count, Gate, on_drop, panics, until, watch};
use std::cell::{Cell, RefCell};
use std::future::{Future, pending, poll_fn};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::SeqCst};
use std::task::{Context, Poll, Waker};
use std::thread;
use std::time::Duration;
use tasks::{both, now, settle};

/// Not `Send`, and looks after the thread that it was made on.
struct Stays {
    made: thread::ThreadId,
    dropped: Rc<Cell<u32>>,
}

impl Stays {
    fn new(dropped: &Rc<Cell<u32>>) -> Stays {
        Stays { made: thread::current().id(), dropped: dropped.clone() }
    }
}

impl Drop for Stays {
    fn drop(&mut self) {
        assert_eq!(thread::current().id(), self.made);
        self.dropped.set(self.dropped.get() + 1);
    }
}

#[test]
fn tasks_run_while_the_set_is_polled() {
    let _watch = watch();
    for rt in both() {
        let set = LocalSet::new();
        let ran = Rc::new(Cell::new(0));
        let add = |ran: &Rc<Cell<u32>>| {
            let ran = ran.clone();
            async move {
                task::yield_now().await;
                ran.set(ran.get() + 1);
                ran.get()
            }
        };
        let before = set.spawn_local(add(&ran));
        assert_eq!(ran.get(), 0);
        let inner = ran.clone();
        set.block_on(&rt, async {
            assert_eq!(before.await.unwrap(), 1);
            // From the set's future, and from its tasks.
            let outer = task::Builder::new().name("outer").spawn_local(async move {
                let more: Vec<_> = (0..200).map(|_| task::spawn_local(add(&inner))).collect();
                for task in more {
                    task.await.unwrap();
                }
            });
            outer.await.unwrap();
            drop(task::spawn_local(add(&ran)));
        });
        assert_eq!(ran.get(), 201, "what was spawned last has had no turn");
        rt.block_on(set);
        assert_eq!(ran.get(), 202, "the set waits for all");
    }
    let text = panics(|| task::spawn_local(async {}));
    assert!(text.contains("outside of a `LocalSet`"), "{text}");
    // No runtime is needed.
    let set = LocalSet::new();
    let three = set.run_until(async { task::spawn_local(async { Rc::new(3) }).await.unwrap() });
    assert_eq!(*futures::executor::block_on(three), 3);
}

#[test]
fn they_wait_for_tasks_timers_and_threads() {
    let _watch = watch();
    for rt in both() {
        let set = LocalSet::new();
        let sum = set.block_on(&rt, async {
            let gate = Gate::default();
            let (local, foreign) = (Rc::new(Cell::new(1)), gate.clone());
            let waits = task::spawn_local(async move {
                foreign.await;
                local.get()
            });
            settle(|| gate.waiting() == 1).await;
            thread::spawn(move || gate.open());
            let sleeps = task::spawn_local(async {
                let two = Rc::new(2);
                time::sleep(Duration::from_millis(2)).await;
                *two
            });
            let asks = task::spawn_local(async {
                let four = Rc::new(4);
                task::spawn(task::yield_now()).await.unwrap();
                *four
            });
            waits.await.unwrap() + sleeps.await.unwrap() + asks.await.unwrap()
        });
        assert_eq!(sum, 7);
    }
}

#[test]
fn a_dropped_set_drops_its_futures_on_its_thread() {
    let _watch = watch();
    for rt in both() {
        let (set, dropped, gate) = (LocalSet::new(), Rc::new(Cell::new(0)), Gate::default());
        let mut handles = Vec::new();
        for n in 0..100 {
            let (stays, gate) = (Stays::new(&dropped), gate.clone());
            handles.push(set.spawn_local(async move {
                let _stays = stays;
                if n % 2 == 0 { gate.await } else { pending().await }
            }));
        }
        // Some wait, some were never polled, and one is not held by anybody but the set.
        set.block_on(&rt, settle(|| gate.waiting() > 10));
        handles.truncate(99);
        let wakers = gate.wakers();
        drop(set);
        assert_eq!(dropped.get(), 100);
        thread::spawn(move || {
            // The set is gone: nothing is dropped here, and nothing is queued.
            wakers.into_iter().for_each(Waker::wake);
            gate.open();
            drop(gate);
        })
        .join()
        .unwrap();
        for handle in handles {
            assert!(handle.is_finished());
            assert!(now(handle).unwrap().unwrap_err().is_cancelled());
        }
    }
}

#[test]
fn wakers_on_other_threads_race_with_the_sets_end() {
    let _watch = watch();
    for _ in 0..200 {
        let (set, dropped, gate) = (LocalSet::new(), Rc::new(Cell::new(0)), Gate::default());
        for _ in 0..10 {
            let (stays, gate) = (Stays::new(&dropped), gate.clone());
            drop(set.spawn_local(async move {
                let _stays = stays;
                gate.clone().await;
                pending::<()>().await;
            }));
        }
        futures::executor::block_on(set.run_until(poll_fn(|cx| match gate.waiting() {
            10 => Poll::Ready(()),
            _ => {
                cx.waker().wake_by_ref();
                Poll::Pending
            }
        })));
        let started = Arc::new(AtomicBool::new(false));
        let waking = thread::spawn({
            let (gate, started) = (gate.clone(), started.clone());
            move || {
                started.store(true, SeqCst);
                for _ in 0..3 {
                    gate.wakers().into_iter().for_each(Waker::wake);
                }
                gate.open();
            }
        });
        until(|| started.load(SeqCst));
        drop(set);
        assert_eq!(dropped.get(), 10);
        waking.join().unwrap();
    }
}

#[test]
fn handles_go_elsewhere_and_abort() {
    let _watch = watch();
    for rt in both() {
        let (set, dropped) = (LocalSet::new(), Rc::new(Cell::new(0)));
        let aborted = {
            let stays = Stays::new(&dropped);
            set.spawn_local(async move {
                let _stays = stays;
                pending::<u8>().await
            })
        };
        let done = {
            let stays = Stays::new(&dropped);
            set.spawn_local(async move {
                drop(stays);
                7
            })
        };
        // The outputs are Send, so the handles are: they join and abort on a thread without a runtime.
        let other = thread::spawn(move || {
            aborted.abort();
            let error = futures::executor::block_on(aborted).unwrap_err();
            (error.is_cancelled(), futures::executor::block_on(done).unwrap())
        });
        set.block_on(&rt, settle(|| other.is_finished()));
        assert_eq!((other.join().unwrap(), dropped.get()), ((true, 7), 2));
        let late = set.spawn_local(pending::<()>()).abort_handle();
        drop(set);
        thread::spawn(move || late.abort()).join().unwrap();
    }
}

#[test]
fn panics_are_the_joiners_and_destructors_may_do_anything() {
    let _watch = watch();
    for rt in both() {
        let set = LocalSet::new();
        let (refused, ended, cancelled) = (Rc::new(Cell::new(0)), Count::shared(), Count::shared());
        set.block_on(&rt, async {
            assert!(task::spawn_local(async { panic!("local") }).await.unwrap_err().is_panic());
            for n in 0..10 {
                let (refused, ended, cancelled) = (refused.clone(), ended.clone(), cancelled.clone());
                let guard = on_drop(move || {
                    ended.add();
                    let stays = Stays::new(&refused);
                    let handle = task::spawn_local(async move { drop(stays) });
                    if now(handle).unwrap().unwrap_err().is_cancelled() {
                        cancelled.add();
                    }
                    if n % 2 == 0 {
                        panic!("in a destructor at the end");
                    }
                });
                drop(task::spawn_local(async move {
                    let _guard = guard;
                    pending::<()>().await;
                }));
            }
            task::yield_now().await;
        });
        drop(set);
        assert_eq!((ended.get(), refused.get(), cancelled.get()), (10, 10, 10));
    }
    let failure = sim::Builder::new().try_run(async {
        let set = LocalSet::new();
        drop(set.spawn_local(async { panic!("nobody's") }));
        set.await;
    });
    let failure = failure.unwrap_err();
    assert_eq!(failure.kind(), FailureKind::Panic);
    assert!(failure.to_string().contains("nobody joins it: nobody's"), "{failure}");
}

#[test]
fn a_panic_of_the_future_leaves_the_set_usable() {
    let _watch = watch();
    for rt in both() {
        let set = LocalSet::new();
        let run = catch_unwind(AssertUnwindSafe(|| set.block_on(&rt, async { panic!("root") })));
        assert!(run.is_err());
        assert!(panics(|| task::spawn_local(async {})).contains("outside of a `LocalSet`"));
        assert_eq!(set.block_on(&rt, async { task::spawn_local(async { 1 }).await.unwrap() }), 1);
    }
}

#[test]
fn several_poll_one_set() {
    let _watch = watch();
    for rt in both() {
        let (set, gate) = (LocalSet::new(), Gate::default());
        let inner = gate.clone();
        rt.block_on(async {
            let opened = set.spawn_local(inner);
            let first = set.run_until(opened);
            let mut second = Box::pin(set.run_until(pending::<()>()));
            let opener = async {
                // The one that polled last goes away: the other one is woken for the tasks.
                assert!(now(second.as_mut()).is_none());
                settle(|| gate.waiting() == 1).await;
                drop(second);
                thread::spawn(move || gate.open()).join().unwrap();
            };
            futures::join!(async { first.await.unwrap() }, opener);
        });
        // Nobody knows which of them will be polled again: so both are woken.
        let (set, gate) = (LocalSet::new(), Gate::default());
        drop(set.spawn_local(gate.clone()));
        let polls = [(); 2].map(|()| (Count::new(), Box::pin(set.run_until(pending::<()>()))));
        let woken = polls.map(|((count, waker), mut until)| {
            assert!(until.as_mut().poll(&mut Context::from_waker(&waker)).is_pending());
            (count, until)
        });
        gate.open();
        assert!(woken.iter().all(|(count, _)| count.get() == 1));
        // A set within a task of another one.
        let outer = LocalSet::new();
        let sum = outer.block_on(&rt, async {
            let nested = task::spawn_local(async {
                let inner = LocalSet::new();
                let two =
                    inner.run_until(async { task::spawn_local(async { Rc::new(2) }).await.unwrap() }).await;
                *two + *task::spawn_local(async { Rc::new(3) }).await.unwrap()
            });
            nested.await.unwrap()
        });
        assert_eq!(sum, 5);
    }
}

#[test]
fn local_tasks_have_ids_and_rounds_and_leave_others_their_turn() {
    let _watch = watch();
    let rt = Builder::current_thread().build().unwrap();
    let set = LocalSet::new();
    set.block_on(&rt, async {
        let local = task::spawn_local(async { task::id() });
        let id = local.id();
        assert_eq!(local.await.unwrap(), id);
        assert_eq!(task::try_id(), None);
        let blocks = task::spawn_local(async {
            let other = Builder::current_thread().build().unwrap();
            let inside = || other.block_on(async { task::try_id() });
            task::block_in_place(|| (task::try_id(), inside()))
        });
        let id = blocks.id();
        assert_eq!(blocks.await.unwrap(), (Some(id), None));
        // A thousand tasks that never wait, and another task of the runtime.
        let (stop, other) = (Rc::new(Cell::new(false)), Count::shared());
        let busy: Vec<_> = (0..200)
            .map(|_| {
                let stop = stop.clone();
                task::spawn_local(async move {
                    while !stop.get() {
                        task::yield_now().await;
                    }
                })
            })
            .collect();
        let seen = other.clone();
        task::spawn(async move { seen.add() }).await.unwrap();
        assert_eq!(other.get(), 1);
        stop.set(true);
        for busy in busy {
            busy.await.unwrap();
        }
    });
}

#[test]
fn join_sets_of_local_tasks() {
    let _watch = watch();
    for rt in both() {
        let set = LocalSet::new();
        set.block_on(&rt, async {
            let mut join = JoinSet::new();
            for n in 0..10 {
                join.spawn_local(async move { Rc::new(n) });
            }
            join.spawn_local_on(async { Rc::new(10) }, &set);
            let mut sum = 0;
            while let Some(next) = join.join_next().await {
                sum += *next.unwrap();
            }
            assert_eq!(sum, 55);
        });
    }
}

#[test]
fn a_simulated_run_tries_orders_and_repeats_them() {
    let _watch = watch();
    let run = |seed| {
        sim::Builder::new().seed(seed).run(async {
            let (set, order) = (LocalSet::new(), Rc::new(RefCell::new(Vec::new())));
            let inner = order.clone();
            set.run_until(async move {
                let tasks: Vec<_> = (0..6)
                    .map(|n| {
                        let order = inner.clone();
                        task::spawn_local(async move {
                            time::sleep(Duration::from_secs(1)).await;
                            order.borrow_mut().push((n, task::id()));
                        })
                    })
                    .collect();
                for task in tasks {
                    task.await.unwrap();
                }
            })
            .await;
            assert_eq!(sim::now(), Duration::from_secs(1));
            order.take()
        })
    };
    let orders: std::collections::HashSet<_> = (0..20).map(run).collect();
    assert!(orders.len() > 5, "{} orders", orders.len());
    assert_eq!(run(3), run(3));
    let failure = sim::Builder::new().try_run(async { LocalSet::new().run_until(pending::<()>()).await });
    assert_eq!(failure.map(|_| ()).unwrap_err().kind(), FailureKind::Deadlock);
}

#[test]
fn it_outlives_its_runtime() {
    let _watch = watch();
    for rt in both() {
        let (set, dropped) = (LocalSet::new(), Rc::new(Cell::new(0)));
        let stays = Stays::new(&dropped);
        let handle = set.spawn_local(async move {
            let _stays = stays;
            time::sleep(Duration::from_secs(1_000)).await;
        });
        set.block_on(&rt, task::yield_now());
        rt.shutdown_timeout(Duration::from_secs(60));
        assert_eq!(dropped.get(), 0);
        drop(set);
        assert_eq!(dropped.get(), 1);
        // Its timer's wheel was closed, which is no end that a sleep has; or it was ended with the set before it saw that.
        assert!(now(handle).unwrap().is_err());
    }
}

#[test]
fn a_set_stays_on_its_thread() {
    use static_assertions::{assert_impl_all, assert_not_impl_any};
    assert_not_impl_any!(LocalSet: Send, Sync);
    assert_not_impl_any!(task::local_set::RunUntil<'static, std::future::Ready<()>>: Send, Sync);
    assert_impl_all!(task::JoinHandle<u8>: Send);
    assert_not_impl_any!(task::JoinHandle<Rc<u8>>: Send);
}

/// The runtime that polls a set sees its tasks: the last one, if there are several, and none once the set is gone.
#[test]
fn a_runtime_sees_the_tasks_of_its_sets() {
    let _watch = watch();
    let local = |runtime: &Runtime| {
        let dump = runtime.dump();
        let local: Vec<_> = dump.tasks.iter().filter(|task| task.local).collect();
        assert_eq!(local.len(), runtime.metrics().local_tasks_alive);
        local.iter().map(|task| task.who.to_string()).collect::<Vec<_>>()
    };
    let [a, b] = [(); 2].map(|()| Builder::current_thread().build().unwrap());
    let (set, gate) = (LocalSet::new(), Gate::default());
    let waits = set.spawn_local(gate.clone());
    assert_eq!((local(&a), local(&b)), (vec![], vec![]));
    set.block_on(&a, async {
        let inner = task::Builder::new().name("inner").spawn_local(std::future::pending::<()>());
        let names = [format!("task {}", waits.id()), format!("task {} \"inner\"", inner.id())];
        assert_eq!(local(&a), names);
        task::yield_now().await;
        let text = a.dump().to_string();
        assert!(
            text.contains(&format!("task {} \"inner\" (local) [external], spawned at ", inner.id())),
            "{text}"
        );
    });
    assert_eq!((local(&a).len(), local(&b).len()), (2, 0));
    set.block_on(&b, async { task::yield_now().await });
    assert_eq!((local(&a).len(), local(&b).len()), (0, 2));
    gate.open();
    set.block_on(&a, async { waits.await.unwrap() });
    assert_eq!((local(&a).len(), local(&b).len()), (1, 0));
    drop(set);
    assert_eq!((local(&a), local(&b)), (vec![], vec![]));
}
