//! `Group`: the first failure cancels the rest; limits; panics; what is dropped.
#![allow(missing_docs)]
#[path = "group/context.rs"]
mod context;
#[path = "support/tasks.rs"]
mod tasks;

use dormouse_executor::runtime::Builder;
use dormouse_executor::sim::{self, FailureKind};
use dormouse_executor::task::{self, Group};
use dormouse_executor::time::{self, Duration};
use dormouse_testing::{Count, Gate, Tally, on_drop, panics, watch};
use futures::FutureExt;
use futures::future::FusedFuture;
use std::future::{Future, pending};
use std::panic::AssertUnwindSafe;
use std::pin::{Pin, pin};
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::sync::{Arc, Barrier, Mutex};
use std::task::{Context, Poll};
use tasks::{both, now, settle};

type Outcome = Result<(), &'static str>;

/// What `wait` panics with.
async fn panic_of<E>(group: &mut Group<E>) -> String {
    let Err(payload) = AssertUnwindSafe(group.wait()).catch_unwind().await else {
        panic!("it did not panic")
    };
    panics(|| std::panic::resume_unwind(payload))
}

#[test]
fn all_are_well() {
    let _watch = watch();
    for rt in both() {
        rt.block_on(async {
            let ran = Count::shared();
            let mut group = Group::new();
            assert_eq!(group.wait().await, Outcome::Ok(()), "nobody is waited for");
            for round in 1..=2 {
                for _ in 0..50 {
                    let ran = ran.clone();
                    let member = async move {
                        task::yield_now().await;
                        ran.add();
                        Ok(())
                    };
                    group.go(member).await;
                }
                assert_eq!(group.wait().await, Ok(()));
                assert_eq!((ran.get(), group.len()), (50 * round, 0));
            }
        });
    }
}

#[test]
fn the_first_error_cancels_the_rest_whoever_looks() {
    let _watch = watch();
    for rt in both() {
        rt.block_on(async {
            let (dropped, gate, late) = (Count::shared(), Gate::default(), Count::shared());
            let mut group = Group::new();
            for _ in 0..50 {
                let guard = dropped.on_drop();
                let member = async move {
                    let _guard = guard;
                    pending::<Outcome>().await
                };
                group.go(member).await;
            }
            for _ in 0..2 {
                let gate = gate.clone();
                let member = async move {
                    gate.await;
                    Err("first")
                };
                group.go(member).await;
            }
            assert!(!group.has_failed());
            settle(|| gate.waiting() == 2).await;
            gate.open();
            // Nobody polls the group meanwhile.
            settle(|| dropped.get() == 50).await;
            assert!(group.has_failed());
            let guard = late.on_drop();
            let member = async move {
                drop(guard);
                panic!("it was started")
            };
            group.go(member).await;
            assert_eq!(late.get(), 1, "dropped at once");
            assert!(group.try_go(async { panic!("it was started") }).is_ok());
            assert_eq!(group.wait().await, Err("first"));
            // It can be used again.
            assert!(!group.has_failed());
            group.go(async { Ok(()) }).await;
            assert_eq!(group.wait().await, Ok(()));
        });
    }
}

#[test]
fn the_error_that_is_given_came_first() {
    let _watch = watch();
    sim::explore(300, || async {
        let order = Arc::new(Mutex::new(Vec::new()));
        let mut group = Group::new();
        for n in 0..6 {
            let order = order.clone();
            let member = async move {
                for _ in 0..sim::rng().range(0..4) {
                    task::yield_now().await;
                }
                order.lock().unwrap().push(n);
                Err(n)
            };
            group.go(member).await;
            if sim::rng().chance(0.2) {
                task::yield_now().await;
            }
        }
        let first = group.wait().await.unwrap_err();
        assert_eq!(order.lock().unwrap()[0], first);
    });
}

#[test]
fn no_more_run_than_the_limit() {
    let _watch = watch();
    let body = || async {
        let (running, most, ran) =
            (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)), Count::shared());
        let mut group = Group::<()>::new().limit(3);
        for _ in 0..40 {
            let (running, most, ran) = (running.clone(), most.clone(), ran.clone());
            let member = async move {
                most.fetch_max(running.fetch_add(1, SeqCst) + 1, SeqCst);
                for _ in 0..3 {
                    task::yield_now().await;
                }
                running.fetch_sub(1, SeqCst);
                ran.add();
                Ok(())
            };
            group.go(member).await;
            assert!(group.len() <= 3, "those that ended are struck off");
        }
        assert_eq!(group.wait().await, Ok(()));
        assert_eq!((ran.get(), most.load(SeqCst)), (40, 3));
    };
    for rt in both() {
        rt.block_on(body());
    }
    sim::Builder::new().run(body());
}

#[test]
fn beyond_the_limit_try_go_gives_the_future_back_and_go_waits() {
    let _watch = watch();
    for rt in both() {
        rt.block_on(async {
            let (gate, ran) = (Gate::default(), Count::shared());
            let mut group = Group::new().limit(1);
            let first = gate.clone();
            let member = async move {
                first.await;
                Outcome::Ok(())
            };
            assert!(group.try_go(member).is_ok());
            let inner = ran.clone();
            let member = async move {
                inner.add();
                Ok(())
            };
            let Err(member) = group.try_go(member) else { panic!("it was one too many") };
            // Given up, `go` drops what it was given and loses nothing else.
            let dropped = Count::shared();
            let guard = dropped.on_drop();
            let given_up = async move {
                drop(guard);
                Err("it was started")
            };
            assert!(now(group.go(given_up)).is_none());
            assert_eq!((dropped.get(), group.len()), (1, 1));
            let opener = gate.clone();
            task::go(async move { opener.open() });
            let mut go = pin!(group.go(member));
            assert!(!go.is_terminated());
            go.as_mut().await;
            assert!(go.is_terminated());
            assert!(panics(|| now(go)).contains("after it was ready"));
            assert_eq!(group.wait().await, Ok(()));
            assert_eq!(ran.get(), 1);
        });
    }
    assert!(panics(|| Group::<()>::new().limit(0)).contains("limit of 0"));
}

#[test]
fn a_failure_ends_the_wait_for_room() {
    let _watch = watch();
    for rt in both() {
        rt.block_on(async {
            let gate = Gate::default();
            let inner = gate.clone();
            let mut group = Group::new().limit(2);
            group.go(pending::<Outcome>()).await;
            let member = async move {
                inner.await;
                Err("over")
            };
            group.go(member).await;
            let opener = gate.clone();
            task::go(async move { opener.open() });
            group.go(async { panic!("it was started") }).await;
            assert!(group.has_failed());
            assert_eq!(group.wait().await, Err("over"));
        });
    }
}

/// Fails, and keeps what it has until it is dropped.
struct Fails<G>(G);
impl<G: Unpin> Future for Fails<G> {
    type Output = Outcome;
    fn poll(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Outcome> {
        Poll::Ready(Err("failed"))
    }
}

#[test]
fn after_a_failure_nobody_waits_for_room() {
    let _watch = watch();
    for rt in both() {
        let group = Arc::new(Mutex::new(Group::new().limit(1)));
        let inner = group.clone();
        let guard = on_drop(move || {
            // The member that has failed is still in the group.
            let mut group = inner.lock().unwrap();
            assert_eq!((group.len(), group.has_failed()), (1, true));
            assert!(now(group.go(pending())).is_some());
            assert!(group.try_go(pending()).is_ok());
        });
        rt.block_on(async {
            group.lock().unwrap().go(Fails(guard)).now_or_never().unwrap();
            settle(|| group.lock().unwrap().has_failed()).await;
        });
        let mut group = group.lock().unwrap();
        assert_eq!(rt.block_on(group.wait()), Err("failed"));
    }
}

#[test]
fn a_failure_beside_a_start_cancels_that_one_too() {
    let _watch = watch();
    let rt = Builder::multi_thread().worker_threads(2).build().unwrap();
    rt.block_on(async {
        for _ in 0..3_000 {
            let mut group = Group::new();
            for n in 0..4 {
                let member = async move {
                    if n == 1 {
                        return Err("failed");
                    }
                    pending::<Outcome>().await
                };
                group.go(member).await;
            }
            assert_eq!(group.wait().await, Err("failed"));
        }
    });
}

#[test]
fn a_panic_goes_on_in_wait() {
    let _watch = watch();
    for rt in both() {
        rt.block_on(async {
            let dropped = Count::shared();
            let guard = dropped.on_drop();
            let mut group = Group::new();
            let member = async move {
                let _guard = guard;
                pending::<Outcome>().await
            };
            group.go(member).await;
            group.go(async { panic!("member") }).await;
            assert_eq!(panic_of(&mut group).await, "member");
            assert_eq!(dropped.get(), 1, "the others are over before");
            group.go(async { Err("an error before") }).await;
            settle_failed(&group).await;
            assert_eq!(group.wait().await, Err("an error before"), "it can be used again");
            // In a destructor, beside an error.
            let bomb = on_drop(|| panic!("late"));
            let member = async move {
                let _bomb = bomb;
                pending::<Outcome>().await
            };
            group.go(member).await;
            task::yield_now().await;
            group.go(async { Err("hidden") }).await;
            assert_eq!(panic_of(&mut group).await, "late");
        });
    }
}

async fn settle_failed<E>(group: &Group<E>) {
    settle(|| group.has_failed()).await;
}

#[test]
fn a_panic_that_nobody_waits_for_meets_the_policy() {
    let _watch = watch();
    for joined in [false, true] {
        let failure = sim::Builder::new().try_run(async move {
            let mut group = Group::<()>::new();
            group.go(async { panic!("unread") }).await;
            settle_failed(&group).await;
            task::yield_now().await;
            if joined {
                // It is struck off.
                group.go(async { Ok(()) }).await;
                assert_eq!(group.len(), 0);
            }
            drop(group);
            task::yield_now().await;
        });
        let failure = failure.unwrap_err();
        assert_eq!(failure.kind(), FailureKind::Panic, "{failure}");
        assert!(failure.to_string().contains("nobody joins it: unread"), "{failure}");
    }
}

/// The first one goes on in `wait`; nobody joins the other.
#[test]
fn the_second_panic_meets_the_policy() {
    let _watch = watch();
    let failure = sim::Builder::new().try_run(async {
        let mut group = Group::<()>::new();
        let second = async {
            let _bad = on_drop(|| panic!("the second"));
            pending().await
        };
        group.go(second).await;
        let first = async {
            time::sleep(Duration::from_millis(1)).await;
            panic!("the first")
        };
        group.go(first).await;
        assert_eq!(panic_of(&mut group).await, "the first");
        task::yield_now().await;
    });
    let failure = failure.unwrap_err();
    assert_eq!(failure.kind(), FailureKind::Panic, "{failure}");
    assert!(failure.to_string().contains("nobody joins it: the second"), "{failure}");
}

#[test]
fn a_dropped_wait_loses_nothing_and_a_dropped_group_aborts() {
    let _watch = watch();
    for rt in both() {
        rt.block_on(async {
            let (gate, dropped) = (Gate::default(), Count::shared());
            let inner = gate.clone();
            let mut group = Group::new();
            group.go(async { Err("early") }).await;
            settle_failed(&group).await;
            assert_eq!(group.wait().await, Err("early"));
            let member = async move {
                inner.await;
                Err("error")
            };
            group.go(member).await;
            let guard = dropped.on_drop();
            let member = async move {
                let _guard = guard;
                pending::<Outcome>().await
            };
            group.go(member).await;
            assert!(now(group.wait()).is_none());
            gate.open();
            let mut given_up = 0;
            let outcome = loop {
                match now(group.wait()) {
                    Some(outcome) => break outcome,
                    None => given_up += 1,
                }
                task::yield_now().await;
            };
            assert!(given_up > 0 && outcome == Err("error") && dropped.get() == 1);
            let guard = dropped.on_drop();
            let member = async move {
                let _guard = guard;
                pending::<Outcome>().await
            };
            group.go(member).await;
            drop(group);
            settle(|| dropped.get() == 2).await;
        });
    }
}

#[test]
fn the_error_that_is_not_given_is_dropped_and_may_panic() {
    let _watch = watch();
    let rt = Builder::multi_thread().worker_threads(2).build().unwrap();
    let tally = Tally::new();
    rt.block_on(async {
        let meeting = Arc::new(Barrier::new(2));
        let mut group = Group::new();
        for n in 0..2 {
            let (meeting, tally) = (meeting.clone(), tally.clone());
            let member = async move {
                // Both are in their last poll, so neither is cancelled.
                meeting.wait();
                Err(tally.bomb(n))
            };
            group.go(member).await;
        }
        let Err(error) = group.wait().await else { panic!("all is well") };
        assert_eq!(tally.dropped(1 - error.number), 1);
        panics(|| drop(error));
    });
    rt.shutdown_timeout(Duration::from_secs(60));
    tally.check();
}

#[test]
fn a_runtime_that_ends_cancels_its_members() {
    let _watch = watch();
    for rt in both() {
        let group = Arc::new(Mutex::new(Group::<()>::new()));
        let inner = group.clone();
        rt.block_on(async {
            let mut group = inner.lock().unwrap();
            group.go(pending()).now_or_never().unwrap();
        });
        rt.shutdown_timeout(Duration::from_secs(60));
        let mut group = group.lock().unwrap();
        let text = futures::executor::block_on(panic_of(&mut group));
        assert!(text.contains("did not end by itself"), "{text}");
    }
    // Outside of a runtime nothing is left behind.
    let mut group = Group::<()>::new();
    assert!(panics(|| now(group.go(pending()))).contains("outside of a runtime"));
    assert!(group.is_empty());
}

#[test]
fn in_a_simulated_run_with_faults() {
    let _watch = watch();
    sim::Builder::new().spurious_polls(0.2).explore(200, || async {
        let ended = Count::shared();
        let mut group = Group::new().limit(3);
        for n in 0..12 {
            let guard = ended.on_drop();
            let member = async move {
                let _guard = guard;
                time::sleep(Duration::from_millis(sim::rng().range(0..9))).await;
                if n == 8 { Err(n) } else { Ok(()) }
            };
            group.go(member).await;
        }
        assert_eq!(group.wait().await, Err(8));
        assert_eq!(ended.get(), 12);
    });
}

#[test]
fn types_are_send_as_promised() {
    use static_assertions::{assert_impl_all, assert_not_impl_any};
    assert_impl_all!(Group<u8>: Send, Sync, Unpin, Default);
    assert_not_impl_any!(Group<std::rc::Rc<u8>>: Send, Sync);
    assert_impl_all!(task::group::Wait<'static, u8>: Send, Unpin);
}
