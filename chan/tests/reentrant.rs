//! One harness of wakers that call back, over every object of a channel: a waker whose clone, wake, wake_by_ref and
//! drop call into the channel that holds it, or panic.
//!
//! The rules: no waker is cloned, woken or dropped under the channel's lock (I8), so nothing here can deadlock. A
//! panic of `wake` or `drop` ends where it happens; a panic of `clone` leaves the poll that wanted the clone, before
//! anything has happened. Either way the channel goes on, no value is lost, and no waker is leaked.

#[path = "reentrant/runs.rs"]
mod runs;
#[path = "reentrant/world.rs"]
mod world;

use dormouse_chan::{bounded, select};
use dormouse_testing::{Calls, Event, hide_panics, watch};
use runs::{CALLS, poll, poll_with, run_all, serve};
use std::future::Future;
use std::pin::pin;
use std::task::{Context, Poll, Waker};
use tokio_test::assert_pending;
use tokio_test::task::spawn;
use world::{Act, OBJECTS, Object, World};

#[test]
fn wakers_that_call_back() {
    let _watch = watch();
    run_all(&CALLS);
}

#[test]
fn wakers_that_panic() {
    let _watch = watch();
    hide_panics("a waker panics");
    run_all(&[Act::Panic]);
}

/// A waker whose clones have addresses of their own is a new one at each poll, and that is no reason to spin.
#[test]
fn wakers_whose_clones_look_different() {
    let _watch = watch();
    for object in OBJECTS {
        let world = World::new(bounded(0));
        let calls = Calls::new(|_| ());
        let waker = calls.waker();
        let mut task = Some(world.task(object));
        for _ in 0..10 {
            poll(&mut task, &waker);
            assert!(task.is_some(), "{object:?}: nobody is there");
        }
        serve(&world, object);
        assert_eq!(calls.woken(), 1, "{object:?}");
        poll(&mut task, &waker);
        assert!(task.is_none(), "{object:?}");
        drop(waker);
        world.settle(0);
        assert_eq!(calls.alive(), 0);
    }
}

/// A closing channel wakes everybody, though every second waker panics, and more of them wait than are woken at once.
#[test]
fn close_wakes_all_though_some_wakers_panic() {
    let _watch = watch();
    hide_panics("a waker panics");
    for half in [true, false] {
        let world = World::new(bounded(0));
        let object = if half { Object::Recv } else { Object::Send };
        let mut tasks: Vec<_> = (0..100)
            .map(|n| {
                let calls = Calls::new(move |event| {
                    if n % 2 == 0 && event == Event::Wake {
                        panic!("a waker panics");
                    }
                });
                let mut task = Some(world.task(object));
                assert!(!poll_with(&mut task, &calls));
                assert!(task.is_some());
                (task, calls)
            })
            .collect();
        world.act(Act::Close);
        for (task, calls) in &mut tasks {
            assert_eq!(calls.woken(), 1);
            poll(task, Waker::noop());
            assert!(task.is_none());
            assert_eq!(calls.alive(), 0);
        }
        world.settle(0);
    }
}

/// Beside a select that was won through another arm, the hint says "maybe" and nothing is there: the waker is cloned
/// late, and not under the lock.
#[test]
fn wakers_cloned_late_call_back() {
    let _watch = watch();
    let ((a, from_a), (b, from_b)) = (bounded::<u32>(0), bounded::<u32>(0));
    let (observed, observer) = (b.clone(), from_b.clone());
    let calls = Calls::new(move |_| assert_eq!((observed.len(), observer.is_closed()), (0, false)));
    let waker = calls.waker();
    let cx = &mut Context::from_waker(&waker);
    {
        let mut won = spawn(async {
            select! {
                send(a, 1) -> sent => sent.is_ok(),
                send(b, 2) -> _ => unreachable!(),
            }
        });
        assert_pending!(won.poll());
        assert_eq!(from_a.try_recv(), Ok(1));
        assert!(pin!(from_b.recv()).poll(cx).is_pending()); // passes over the arm that still stands there
        assert!(matches!(won.poll(), Poll::Ready(true)));
    }
    {
        let mut won = spawn(async {
            select! {
                recv(from_a) -> value => value,
                recv(from_b) -> _ => unreachable!(),
            }
        });
        assert_pending!(won.poll());
        assert_eq!(a.try_send(3), Ok(()));
        assert!(pin!(b.send(4)).poll(cx).is_pending());
        assert!(matches!(won.poll(), Poll::Ready(Some(3))));
    }
    assert!(calls.hooked() >= 4);
    drop(waker);
    calls.quiet();
    assert_eq!(calls.alive(), 0);
}
