//! Contexts: the tree, cancels, causes, deadlines, values.
mod common;
#[path = "context/functions.rs"]
mod functions;
#[path = "context/lives.rs"]
mod lives;
#[path = "context/waits.rs"]
mod waits;

use common::Clock;
use dormouse_sync::{Cancel, Context, ContextError, Instant};
use dormouse_testing::{Count, panics, watch};
use dormouse_wait::alarm::Alarm;
use dormouse_wait::host::{Host, with_host};
use std::future::{pending, ready};
use std::task::Waker;
use std::time::Duration;
use tokio_test::task::spawn;
use tokio_test::{assert_pending, assert_ready_eq};

use ContextError::{Cancelled, DeadlineExceeded};

const SECOND: Duration = Duration::from_secs(1);

fn root() -> (Context, Cancel) {
    Context::background().with_cancel()
}

#[test]
fn the_background_is_never_done() {
    static BACKGROUND: Context = Context::background();
    let context = BACKGROUND.with_value(1);
    assert_eq!((context.err(), context.deadline()), (None, None));
    assert!(context.cause().is_none() && !context.is_done());
    assert_pending!(spawn(context.done()).poll());
    assert_ready_eq!(spawn(context.run(ready(1))).poll(), Ok(1));
}

#[test]
fn a_cancel_reaches_all_below_and_nobody_else() {
    let (root, _root) = root();
    let (sibling, _sibling) = root.with_cancel();
    let (middle, cancel) = root.with_cancel();
    let below: Vec<_> = (0..3).map(|_| middle.with_cancel()).collect();
    let (deep, _deep) = below[1].0.with_value(1).with_cancel();
    cancel.cancel();
    assert_eq!((middle.err(), deep.err()), (Some(Cancelled), Some(Cancelled)));
    assert!(below.iter().all(|(below, _)| below.err() == Some(Cancelled)));
    assert_eq!((root.err(), sibling.err()), (None, None));
    cancel.cancel(); // again: nothing
    assert_eq!(deep.with_cancel().0.err(), Some(Cancelled), "a child of a done one is born done");
}

#[test]
fn the_first_cancel_counts() {
    let (parent, cancel) = root();
    let (early, cancel_early) = parent.with_cancel();
    let (late, _late) = parent.with_cancel();
    assert!(parent.cause().is_none());
    cancel_early.cancel();
    cancel.cancel_because("the house is on fire");
    cancel.cancel_because("too late");
    let cause = |context: &Context| context.cause().unwrap().to_string();
    assert_eq!(cause(&early), "context canceled");
    assert_eq!(cause(&late), "the house is on fire");
    assert_eq!(cause(&late.with_cancel().0), "the house is on fire");
    assert_eq!(cause(&parent), "the house is on fire");
    let error = std::io::Error::other("a type of its own");
    let (typed, cancel) = root();
    cancel.cancel_because(error);
    assert!(typed.cause().unwrap().downcast_ref::<std::io::Error>().is_some());
}

#[test]
fn the_earlier_deadline_counts() {
    Clock::with(|clock| {
        let now = Instant::now();
        let (outer, _outer) = Context::background().with_timeout(2 * SECOND);
        let (earlier, _earlier) = outer.with_deadline(now + SECOND);
        let (later, _later) = outer.with_timeout(3 * SECOND);
        let (none, _none) = later.with_timeout(Duration::MAX);
        assert_eq!(earlier.deadline(), Some(now + SECOND));
        assert_eq!((later.deadline(), none.deadline()), (Some(now + 2 * SECOND), Some(now + 2 * SECOND)));
        assert_eq!(clock.alarms().len(), 2, "one that an ancestor's deadline precedes sets no alarm");
        clock.pass(1_000_000);
        assert_eq!((earlier.err(), outer.err()), (Some(DeadlineExceeded), None));
        clock.pass(1_000_000);
        assert_eq!((outer.err(), none.err()), (Some(DeadlineExceeded), Some(DeadlineExceeded)));
        assert_eq!(earlier.cause().unwrap().to_string(), "context deadline exceeded");
    });
}

#[test]
fn deadlines_that_have_passed_or_never_come() {
    Clock::with(|clock| {
        let (past, _past) = Context::background().with_deadline(Instant::now());
        assert_eq!(past.err(), Some(DeadlineExceeded));
        let (never, _never) = Context::background().with_timeout(Duration::MAX);
        assert_eq!((never.err(), never.deadline()), (None, None));
        let (cancelled, cancel) = Context::background().with_timeout(SECOND);
        cancel.cancel();
        clock.pass(1_000_000);
        assert_eq!(cancelled.err(), Some(Cancelled), "the first one counts");
        let (parent, cancel) = root();
        cancel.cancel();
        let alarms = clock.alarms().len();
        assert_eq!(parent.with_timeout(SECOND).0.err(), Some(Cancelled));
        assert_eq!(clock.alarms().len(), alarms);
    });
}

/// What the host keeps until the deadline does not keep the context.
#[test]
fn an_alarm_keeps_nothing_alive() {
    Clock::with(|clock| {
        let gone = Count::shared();
        let (context, cancel) = Context::background().with_timeout(SECOND);
        let guard = gone.on_drop();
        drop(context.after_func(move || drop(guard)));
        drop((context, cancel));
        assert_eq!(gone.get(), 1);
        clock.pass(1_000_000);
    });
}

/// A runtime that ends wakes its alarms: that is no reason to be done early. The shared thread takes over.
#[test]
fn a_deadline_outlives_its_host() {
    struct Closed;
    impl Host for Closed {
        fn now(&self) -> Instant {
            Instant::from_std(std::time::Instant::now())
        }
        fn alarm(&self, _: Instant, waker: Waker) -> Alarm {
            waker.wake();
            Alarm::rung()
        }
    }
    let _watch = watch();
    let at = Instant::now() + Duration::from_millis(300);
    let (context, _cancel) = with_host(&Closed, || Context::background().with_deadline(at));
    let err = context.err();
    assert!(err.is_none() || Instant::now() >= at, "early");
    assert_eq!(context.done_blocking(), DeadlineExceeded);
    assert!(Instant::now() >= at, "early");
}

#[test]
fn values_are_found_by_type() {
    #[derive(Debug, PartialEq)]
    struct Id(u32);
    let (parent, cancel) = Context::background().with_value(Id(1)).with_value("text").with_cancel();
    let child = parent.with_value(Id(2));
    assert_eq!((parent.value(), child.value()), (Some(&Id(1)), Some(&Id(2))));
    assert_eq!(child.value(), Some(&"text"));
    assert_eq!(child.value::<u32>(), None);
    cancel.cancel();
    assert_eq!(child.err(), Some(Cancelled));
    let free = child.without_cancel();
    assert_eq!((free.err(), free.deadline(), free.value()), (None, None, Some(&Id(2))));
}

#[test]
fn a_guard_cancels_when_dropped() {
    let (context, cancel) = root();
    let guard = cancel.guard();
    assert!(!context.is_done());
    panics(|| {
        let _guard = guard;
        panic!("{}", "early");
    });
    assert!(context.is_done());
    let (context, cancel) = root();
    let cancel = cancel.guard().disarm();
    assert!(!context.is_done());
    drop(cancel);
    assert!(!context.is_done());
}

/// Random trees against a plain model.
#[test]
fn trees_against_a_model() {
    let _watch = watch();
    struct Known {
        parent: Option<usize>,
        held: Option<(Context, Cancel)>,
        done: bool,
    }
    for seed in 1..200u64 {
        let mut dice = seed.wrapping_mul(0x9E37_79B9_7F4A_7C15);
        let mut roll = |sides: usize| {
            dice ^= dice << 13;
            dice ^= dice >> 7;
            dice ^= dice << 17;
            (dice % sides as u64) as usize
        };
        let mut all = vec![Known { parent: None, held: Some(root()), done: false }];
        for _ in 0..300 {
            let chosen = roll(all.len());
            let Some((context, cancel)) = &all[chosen].held else { continue };
            match roll(8) {
                0..=4 => {
                    let (held, done) = (Some(context.with_cancel()), all[chosen].done);
                    all.push(Known { parent: Some(chosen), held, done });
                }
                5 => {
                    cancel.cancel();
                    all[chosen].done = true;
                    for index in chosen..all.len() {
                        // Parents come before their children.
                        all[index].done |= all[index].parent.is_some_and(|parent| all[parent].done);
                    }
                }
                _ => all[chosen].held = None,
            }
            for known in &all {
                if let Some((context, _)) = &known.held {
                    assert_eq!(context.is_done(), known.done, "seed {seed}");
                }
            }
        }
    }
}

/// Tasks and threads make, wait for, run under, drop and cancel contexts of one tree: each function is called or dropped or
/// stopped, and each wait ends.
#[test]
fn many_tasks_on_tokio() {
    let _watch = watch();
    let host = tokio::runtime::Builder::new_multi_thread().worker_threads(4).build().unwrap();
    let (made, ended) = (Count::shared(), Count::shared());
    for round in 0..200 {
        let (top, cancel) = root();
        let tasks: Vec<_> = (0..8)
            .map(|task| {
                let (top, made, ended) = (top.clone(), made.clone(), ended.clone());
                host.spawn(async move {
                    let mut held = vec![top.with_cancel()];
                    for turn in 0..50usize {
                        let chosen = (turn * 7 + task) % held.len();
                        let child = held[chosen].0.with_cancel();
                        let guard = ended.on_drop();
                        made.add();
                        let function = child.0.after_func(move || drop(guard));
                        match (turn + task + round) % 6 {
                            0 => held[chosen].1.cancel(),
                            1 => drop(held.swap_remove(chosen)),
                            2 => _ = function.stop(),
                            3 => {
                                let waiting = child.0.clone();
                                let wait = tokio::spawn(async move { waiting.done().await });
                                tokio::task::yield_now().await;
                                child.1.cancel();
                                assert_eq!(wait.await.unwrap(), Cancelled);
                            }
                            4 => _ = child.0.run(tokio::task::yield_now()).await,
                            _ => {}
                        }
                        held.push(child);
                    }
                    let (last, _) = held.pop().unwrap();
                    drop(held);
                    last.run(pending::<()>()).await
                })
            })
            .collect();
        if round % 2 == 0 {
            std::thread::yield_now();
        } else {
            host.block_on(tokio::task::yield_now());
        }
        cancel.cancel();
        for task in tasks {
            assert_eq!(host.block_on(task).unwrap(), Err(Cancelled));
        }
    }
    assert_eq!(made.get(), 200 * 8 * 50);
    assert_eq!(ended.get(), made.get());
}

#[test]
fn words() {
    assert_eq!(Cancelled.to_string(), "context canceled");
    assert_eq!(DeadlineExceeded.to_string(), "context deadline exceeded");
    let (context, cancel) = root();
    cancel.cancel();
    assert_eq!(format!("{context:?}"), "Context { err: Some(Cancelled), deadline: None, .. }");
    assert_eq!(format!("{cancel:?}"), "Cancel { err: Some(Cancelled), .. }");
}
