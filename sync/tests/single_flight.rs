//! Single flights: who does the work, who waits, who takes over.
mod common;

use dormouse_sync::{Flown, SingleFlight};
use dormouse_testing::{Count, Gate, panics, watch};
use dormouse_wait::frame::{Frame, Reason, Waits};
use std::cell::{Cell, RefCell};
use std::future::{pending, ready};
use std::hash::{Hash, Hasher};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use tokio_test::task::spawn;
use tokio_test::{assert_pending, assert_ready_eq};

type Flight = SingleFlight<&'static str, u32>;

fn alone(value: u32) -> Flown<u32> {
    Flown { value, shared: false }
}

fn shared(value: u32) -> Flown<u32> {
    Flown { value, shared: true }
}

#[test]
fn those_who_come_meanwhile_join() {
    let (flight, gate) = (Flight::new(), Gate::default());
    let mut leader = spawn(flight.work("key", async {
        gate.clone().await;
        1
    }));
    assert_pending!(leader.poll());
    let mut others: Vec<_> = (0..3).map(|_| spawn(flight.work("key", ready(2)))).collect();
    others.iter_mut().for_each(|other| assert_pending!(other.poll()));
    assert_ready_eq!(spawn(flight.work("another key", ready(3))).poll(), alone(3));
    assert_eq!(flight.len(), 1);
    gate.open();
    assert_ready_eq!(leader.poll(), shared(1));
    assert!(flight.is_empty());
    // What is finished is not kept, also while some have not taken it yet.
    assert_ready_eq!(spawn(flight.work("key", ready(4))).poll(), alone(4));
    for other in &mut others {
        assert!(other.is_woken());
        assert_ready_eq!(other.poll(), shared(1));
    }
    assert!(flight.is_empty());
}

/// The leader goes away in one of three ways; `test` has the flight and what makes it go.
fn each_end(test: impl Fn(&Flight, &dyn Fn())) {
    let flight = Flight::new();
    let mut leader = spawn(flight.work("key", pending()));
    assert_pending!(leader.poll());
    let leader = RefCell::new(Some(leader));
    test(&flight, &|| drop(leader.take()));

    let (flight, gate) = (Flight::new(), Gate::default());
    let mut leader = spawn(flight.work("key", async {
        gate.clone().await;
        panic!("a bad work")
    }));
    assert_pending!(leader.poll());
    let leader = RefCell::new(leader);
    test(&flight, &|| {
        gate.open();
        assert_eq!(panics(|| leader.borrow_mut().poll()), "a bad work");
    });
}

#[test]
fn a_follower_takes_over_with_its_own_future() {
    each_end(|flight, end| {
        let mut followers: Vec<_> = (2..5).map(|n| spawn(flight.work("key", ready(n)))).collect();
        followers.iter_mut().for_each(|follower| assert_pending!(follower.poll()));
        end();
        assert!(followers[0].is_woken() && !followers[1].is_woken());
        drop(followers.remove(0)); // woken and dropped: the next one
        assert!(followers[0].is_woken() && !followers[1].is_woken());
        assert_ready_eq!(followers[0].poll(), shared(3));
        assert!(flight.is_empty());
        assert_ready_eq!(followers[1].poll(), shared(3));
    });
}

#[test]
fn the_last_one_leaves_nothing() {
    each_end(|flight, end| {
        assert_eq!(flight.len(), 1);
        let mut follower = spawn(flight.work("key", ready(2)));
        assert_pending!(follower.poll());
        drop(follower);
        end();
        assert!(flight.is_empty());
        drop(flight.work("key", ready(1))); // never polled: no effect
        assert!(flight.is_empty());
    });
}

#[test]
fn forgotten_calls_go_on_alone() {
    let (flight, gate) = (SingleFlight::<String, u32>::new(), Gate::default());
    assert!(!flight.forget("key"));
    let work = || {
        let gate = gate.clone();
        async move {
            gate.await;
            1
        }
    };
    let (mut old, mut old_too) =
        (spawn(flight.work("key".into(), work())), spawn(flight.work("key".into(), work())));
    assert_pending!(old.poll());
    assert_pending!(old_too.poll());
    assert!(flight.forget("key") && !flight.forget("key"));
    let mut new = spawn(flight.work("key".into(), ready(2)));
    assert_ready_eq!(new.poll(), alone(2));
    let mut newer = spawn(flight.work("key".into(), work()));
    assert_pending!(newer.poll());
    gate.open();
    assert_ready_eq!(old.poll(), shared(1));
    assert_ready_eq!(old_too.poll(), shared(1));
    assert_eq!(flight.len(), 1, "the old ones did not end the new call");
    assert_ready_eq!(newer.poll(), alone(1));
}

/// All have one hash.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Same(u32);

impl Hash for Same {
    fn hash<H: Hasher>(&self, state: &mut H) {
        0.hash(state);
    }
}

#[test]
fn keys_with_one_hash_are_kept_apart() {
    let flight = SingleFlight::new();
    let gates: Vec<_> = (0..5).map(|_| Gate::default()).collect();
    let works = |offset| {
        let (flight, gates) = (&flight, &gates);
        (0..5u32).map(move |n| {
            let gate = gates[n as usize].clone();
            spawn(flight.work(Same(n), async move {
                gate.await;
                n + offset
            }))
        })
    };
    let (mut leaders, mut followers): (Vec<_>, Vec<_>) = (works(0).collect(), works(100).collect());
    leaders.iter_mut().for_each(|leader| assert_pending!(leader.poll()));
    followers.iter_mut().for_each(|follower| assert_pending!(follower.poll()));
    for n in [3, 0, 4, 2, 1] {
        gates[n].open();
        assert_ready_eq!(leaders[n].poll(), shared(n as u32));
        assert_ready_eq!(followers[n].poll(), shared(n as u32));
    }
    assert!(flight.is_empty());
}

thread_local! {
    static NOSY: SingleFlight<Nosy, Nosy> = const { SingleFlight::new() };
    static INSIDE: Cell<bool> = const { Cell::new(false) };
}

/// A key, or a result, whose every function comes back to the flight: that would hang if a lock were held. 13 panics.
#[derive(Debug)]
struct Nosy(u32);

impl Nosy {
    fn look(&self) {
        if !INSIDE.replace(true) {
            NOSY.with(|flight| {
                assert!(!format!("{flight:?}").is_empty() && !flight.forget(&Nosy(99)));
                assert_pending!(spawn(flight.work(Nosy(98), pending())).poll());
            });
            INSIDE.set(false);
        }
    }
}
impl Hash for Nosy {
    fn hash<H: Hasher>(&self, _: &mut H) {
        self.look();
    }
}
impl PartialEq for Nosy {
    fn eq(&self, other: &Nosy) -> bool {
        self.look();
        assert!(self.0 != 13 && other.0 != 13, "a bad key");
        self.0 == other.0
    }
}
impl Eq for Nosy {}
impl Clone for Nosy {
    fn clone(&self) -> Nosy {
        self.look();
        Nosy(self.0)
    }
}
impl Drop for Nosy {
    fn drop(&mut self) {
        self.look();
    }
}

#[test]
fn user_code_runs_with_no_lock_held() {
    let _watch = watch();
    NOSY.with(|flight| {
        let gate = Gate::default();
        let mut leader = spawn(flight.work(Nosy(1), async {
            gate.clone().await;
            Nosy(7)
        }));
        assert_pending!(leader.poll());
        let mut follower = spawn(flight.work(Nosy(1), pending()));
        assert_pending!(follower.poll());
        assert!(spawn(flight.work(Nosy(2), async { Nosy(8) })).poll().is_ready());
        let mut bad = spawn(flight.work(Nosy(13), pending()));
        assert_eq!(panics(|| bad.poll().is_ready()), "a bad key");
        drop(bad);
        gate.open();
        assert!(leader.poll().is_ready() && follower.poll().is_ready());
        assert!(flight.is_empty());
    });
}

/// Each has the result of a work that was done while it took part; nothing is left.
#[test]
fn many_tasks_on_tokio() {
    let _watch = watch();
    const TASKS: usize = 8;
    static FLIGHT: SingleFlight<usize, usize> = SingleFlight::new();
    static WORKS: [AtomicUsize; 3] = [const { AtomicUsize::new(0) }; 3];
    let host = tokio::runtime::Builder::new_multi_thread().worker_threads(4).build().unwrap();
    let joined = Arc::new(AtomicUsize::new(0));
    host.block_on(async {
        let tasks: Vec<_> = (0..TASKS)
            .map(|task| {
                let joined = joined.clone();
                tokio::spawn(async move {
                    for turn in 0..1500 {
                        let key = (task + turn) % 3;
                        let before = WORKS[key].load(SeqCst);
                        let work = FLIGHT.work(key, async move {
                            tokio::task::yield_now().await;
                            WORKS[key].fetch_add(1, SeqCst)
                        });
                        let mut work = Box::pin(work);
                        if turn % 5 == 0 {
                            // Given up after one poll.
                            let polled = std::future::poll_fn(|cx| {
                                std::task::Poll::Ready(work.as_mut().poll(cx).is_ready())
                            });
                            polled.await;
                            continue;
                        }
                        let flown = work.await;
                        // One that was being finished as it came may have been counted already.
                        assert!(flown.value + 1 >= before, "a stale result");
                        assert!(flown.value < WORKS[key].load(SeqCst), "a result that nobody made");
                        joined.fetch_add(usize::from(flown.shared), SeqCst);
                    }
                })
            })
            .collect();
        for task in tasks {
            task.await.unwrap();
        }
    });
    assert!(FLIGHT.is_empty());
    assert!(joined.load(SeqCst) > 0, "nobody ever joined");
}

#[test]
fn wait_reason_and_words() {
    let flight = Flight::default();
    let mut leader = spawn(flight.work("key", pending()));
    assert_pending!(leader.poll());
    let waits = Waits::new();
    let (mut follower, line) = (spawn(flight.work("key", ready(1))), line!());
    Frame::new(&waits).enter(|| assert_pending!(follower.poll()));
    let (reason, site) = waits.get();
    assert_eq!((reason, site.unwrap().line(), site.unwrap().file()), (Reason::SingleFlight, line, file!()));
    assert_eq!(format!("{flight:?}"), "SingleFlight { len: 1 }");
}

/// What is given up is dropped at once, and each work that was never needed, once.
#[test]
fn futures_are_dropped_once() {
    let (flight, dropped) = (Flight::new(), Count::shared());
    let work = || {
        let guard = dropped.on_drop();
        async move {
            let _guard = guard;
            pending().await
        }
    };
    let (mut leader, mut follower) = (spawn(flight.work("key", work())), spawn(flight.work("key", work())));
    assert_pending!(leader.poll());
    assert_pending!(follower.poll());
    drop(leader);
    assert_eq!(dropped.get(), 1);
    assert_pending!(follower.poll());
    drop(follower);
    assert_eq!(dropped.get(), 2);
}
