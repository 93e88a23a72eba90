//! The wait group poll by poll: rounds, waiters, guards, misuse.
mod common;

use common::{all_released, many_wait, poll};
use dormouse_sync::WaitGroup;
use dormouse_testing::{Event, hooked, panics, watch};
use dormouse_wait::frame::{BUDGET, Frame, Reason, Waits};
use futures::future::FusedFuture;
use std::future::{pending, ready};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::SeqCst};
use std::task::Waker;
use tokio_test::task::spawn;
use tokio_test::{assert_pending, assert_ready};

#[test]
fn at_zero_wait_is_ready() {
    let group = WaitGroup::new();
    let mut wait = pin!(group.wait());
    assert!(!wait.is_terminated());
    assert_ready!(poll(wait.as_mut(), Waker::noop()));
    assert!(wait.is_terminated());
}

#[test]
fn all_waiters_are_released_at_zero() {
    let group = WaitGroup::new();
    group.add(2);
    // More than one batch of wake-ups.
    let waits = many_wait(&group, 100);
    group.done();
    assert!(waits.iter().all(|wait| !wait.is_woken()));
    group.done();
    all_released(waits);
}

/// Released is released: what is counted afterwards belongs to the next round.
#[test]
fn rounds() {
    let group = WaitGroup::default();
    for round in 0..3 {
        group.add(1);
        let mut wait = spawn(group.wait());
        assert_pending!(wait.poll(), "round {}", round);
        group.done();
        group.add(1);
        let mut next = spawn(group.wait());
        assert_pending!(next.poll());
        assert_ready!(wait.poll());
        assert!(!next.is_woken());
        group.done();
        assert_ready!(next.poll());
    }
}

/// A waker that queues a waiter of the next round while a release of more than one batch is going on: it stays.
#[test]
fn a_release_ends_with_its_round() {
    let group = WaitGroup::new();
    group.add(1);
    let next = Arc::new(std::sync::Mutex::new(None));
    let first = {
        let (group, next) = (group.clone(), next.clone());
        hooked(move |call| {
            if call == Event::Wake {
                group.add(1);
                let group = group.clone();
                let mut wait = spawn(async move { group.wait().await });
                assert_pending!(wait.poll());
                *next.lock().unwrap() = Some(wait);
            }
        })
    };
    let mut wait = pin!(group.wait());
    assert!(poll(wait.as_mut(), &first).is_pending());
    drop(first);
    let others = many_wait(&group, 70);
    group.done();
    all_released(others);
    assert!(poll(wait.as_mut(), Waker::noop()).is_ready());
    let mut next = next.lock().unwrap().take().expect("the first waiter was woken");
    assert!(!next.is_woken(), "released before its round ended");
    assert_pending!(next.poll());
    group.done();
    assert_ready!(next.poll());
}

/// Go's words; the group stays as it was and can be used on.
#[test]
fn below_zero_panics() {
    let group = WaitGroup::new();
    for _ in 0..2 {
        assert_eq!(panics(|| group.done()), "sync: negative WaitGroup counter");
        assert_eq!(group.count(), 0);
        assert_ready!(spawn(group.wait()).poll());
    }
    group.add(1);
    let mut wait = spawn(group.wait());
    assert_pending!(wait.poll());
    group.done();
    assert_ready!(wait.poll());
}

#[test]
fn overflow_panics_and_changes_nothing() {
    let group = WaitGroup::new();
    group.add(3);
    for n in [usize::MAX, usize::MAX / 2 - 2] {
        assert_eq!(panics(|| group.add(n)), "sync: WaitGroup counter overflow");
        assert_eq!(group.count(), 3);
    }
    group.add(usize::MAX / 2 - 3);
    assert_eq!(group.count(), usize::MAX / 2);
    let mut wait = spawn(group.wait());
    assert_pending!(wait.poll());
    group.done();
    assert_eq!(group.count(), usize::MAX / 2 - 1);
}

#[test]
fn add_of_nothing() {
    let group = WaitGroup::new();
    group.add(0);
    assert_ready!(spawn(group.wait()).poll());
}

#[test]
fn clones_are_the_same_group_and_count_nothing() {
    let group = WaitGroup::new();
    let clone = group.clone();
    assert_eq!(group.count(), 0);
    clone.add(1);
    assert_eq!(group.count(), 1);
    drop(clone);
    assert_eq!(group.count(), 1);
}

#[test]
fn guards_count_while_they_live() {
    let group = WaitGroup::new();
    let (a, b) = (group.guard(), group.guard());
    assert_eq!((group.count(), b.group().count()), (2, 2));
    let mut wait = spawn(group.wait());
    assert_pending!(wait.poll());
    drop(a);
    let panicked = catch_unwind(AssertUnwindSafe(move || {
        let _b = b;
        panic!("at work");
    }));
    assert!(panicked.is_err());
    assert_ready!(wait.poll());
}

/// A `done` too many elsewhere: the guard's own panics as `done`, but not while a panic unwinds (it would abort).
#[test]
fn guard_below_zero() {
    let group = WaitGroup::new();
    let guard = group.guard();
    group.done();
    assert_eq!(panics(|| drop(guard)), "sync: negative WaitGroup counter");
    let guard = group.guard();
    group.done();
    let text = panics(|| {
        let _guard = guard;
        panic!("the first one");
    });
    assert_eq!(text, "the first one");
}

#[test]
fn tracked_future_counts_from_the_call_to_its_end() {
    let group = WaitGroup::new();
    let mut tracked = pin!(group.track(ready(7)));
    assert_eq!(group.count(), 1);
    assert!(!tracked.is_terminated());
    assert_eq!(assert_ready!(poll(tracked.as_mut(), Waker::noop())), 7);
    assert!(tracked.is_terminated());
    assert_eq!(group.count(), 0);
    let dropped = group.track(pending::<()>());
    assert_eq!(group.count(), 1);
    drop(dropped);
    assert_eq!(group.count(), 0);
}

/// The group counts a tracked future until its destructor has run, at its end as well as when it is dropped early.
#[test]
fn tracked_future_is_dropped_before_it_is_done() {
    struct Check(WaitGroup, Arc<AtomicBool>);
    impl Drop for Check {
        fn drop(&mut self) {
            assert_eq!(self.0.count(), 1);
            self.1.store(true, SeqCst);
        }
    }
    for finished in [true, false] {
        let (group, dropped) = (WaitGroup::new(), Arc::new(AtomicBool::new(false)));
        let check = Check(group.clone(), dropped.clone());
        let mut tracked = spawn(group.track(futures::future::poll_fn(move |_| {
            let _held = &check;
            if finished { std::task::Poll::Ready(()) } else { std::task::Poll::Pending }
        })));
        assert_eq!(tracked.poll().is_ready(), finished);
        assert_eq!(dropped.load(SeqCst), finished);
        drop(tracked);
        assert!(dropped.load(SeqCst));
        assert_eq!(group.count(), 0);
    }
}

#[test]
#[should_panic(expected = "polled after it had finished")]
fn repolled_track_panics() {
    let mut tracked = spawn(WaitGroup::new().track(ready(())));
    assert_ready!(tracked.poll());
    let _ = tracked.poll();
}

#[test]
#[should_panic(expected = "polled after it had finished")]
fn repolled_wait_panics() {
    let group = WaitGroup::new();
    let mut wait = spawn(group.wait());
    assert_ready!(wait.poll());
    let _ = wait.poll();
}

/// Dropped before its first poll, queued, released: no other waiter is touched.
#[test]
fn dropped_wait_has_no_effect() {
    for state in 0..3 {
        let group = WaitGroup::new();
        group.add(1);
        let (mut before, mut gone, mut after) =
            (spawn(group.wait()), spawn(group.wait()), spawn(group.wait()));
        assert_pending!(before.poll());
        if state > 0 {
            assert_pending!(gone.poll());
        }
        assert_pending!(after.poll());
        if state == 2 {
            group.done();
            drop(gone);
        } else {
            drop(gone);
            group.done();
        }
        assert_ready!(before.poll());
        assert_ready!(after.poll());
    }
}

/// The only waiter goes, and the count still reaches zero.
#[test]
fn last_wait_dropped() {
    let group = WaitGroup::new();
    group.add(1);
    let mut wait = spawn(group.wait());
    assert_pending!(wait.poll());
    drop(wait);
    group.done();
    assert_eq!(group.count(), 0);
    assert_ready!(spawn(group.wait()).poll());
}

#[test]
fn another_task_is_woken() {
    let group = WaitGroup::new();
    group.add(1);
    common::another_task_is_woken(pin!(group.wait()), 0, || group.done());
}

#[test]
fn formats() {
    let group = WaitGroup::new();
    let guard = group.guard();
    assert_eq!(format!("{group:?}"), "WaitGroup { count: 1 }");
    assert_eq!(format!("{guard:?}"), "WaitGroupGuard { group: WaitGroup { count: 1 } }");
    assert_eq!(format!("{:?}", group.wait()), "Wait { done: false, .. }");
    assert_eq!(format!("{:?}", group.track(ready(1))), "Track { done: false, .. }");
}

#[test]
fn wait_reason() {
    let group = WaitGroup::new();
    group.add(1);
    let waits = Waits::new();
    let frame = Frame::new(&waits);
    let (mut wait, line) = (spawn(group.wait()), line!());
    frame.enter(|| assert_pending!(wait.poll()));
    let (reason, site) = waits.get();
    assert_eq!((reason, site.unwrap().line(), site.unwrap().file()), (Reason::WaitGroupWait, line, file!()));
}

/// One operation per wait; a released one does not ask.
#[test]
fn budget() {
    let group = WaitGroup::new();
    group.add(1);
    Frame::new(&Waits::new()).enter(|| {
        let mut released = spawn(group.wait());
        assert_pending!(released.poll());
        group.done();
        for _ in 1..BUDGET {
            assert_ready!(spawn(group.wait()).poll());
        }
        let mut refused = spawn(group.wait());
        assert_pending!(refused.poll());
        assert!(refused.is_woken());
        assert_ready!(released.poll());
    });
}

/// `add` from zero beside `wait`: no panic, no hang, whoever comes first.
#[test]
fn add_beside_wait() {
    let _watch = watch();
    let group = WaitGroup::new();
    std::thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| {
                for _ in 0..2000 {
                    group.add(1);
                    group.done();
                }
            });
        }
        for _ in 0..2000 {
            futures::executor::block_on(group.wait());
        }
    });
    assert_eq!(group.count(), 0);
}
