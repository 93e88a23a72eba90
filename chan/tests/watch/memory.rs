//! What it allocates: its place, and a second one only for a value that is sent while somebody looks at another.
use crate::allocs::{Allocated, NOTHING, allocated};
use dormouse_chan::watch;
use dormouse_testing::watch_for;
use std::future::Future;
use std::pin::pin;
use std::task::Context;
use std::time::Duration;
use tokio_test::task::spawn;

#[test]
fn waits_and_changes_allocate_nothing() {
    let wakers = [spawn(()), spawn(())].map(|mut task| task.enter(|cx, _| cx.waker().clone()));
    let (tx, mut rx) = watch([0_u64; 10]);
    drop(rx.borrow()); // this thread's list of looks
    let (made, ()) = allocated(|| {
        for n in 0..10_000 {
            let cx = &mut Context::from_waker(&wakers[n % 2]);
            {
                let mut changed = pin!(rx.changed());
                for waker in &wakers {
                    assert!(changed.as_mut().poll(&mut Context::from_waker(waker)).is_pending());
                }
                tx.send([n as u64; 10]).unwrap();
                assert!(changed.as_mut().poll(cx).is_ready());
            }
            assert!(pin!(rx.wait_for(|_| false)).poll(cx).is_pending());
            assert!(pin!(tx.closed()).poll(cx).is_pending());
            tx.send_modify(|value| value[0] += 1);
            let value = *rx.borrow_and_update();
            tx.send_replace(value);
            rx.mark_unchanged();
        }
    });
    assert_eq!(made, NOTHING);
}

/// flume#88's rule: polls of one wait are no waiters of their own, and waits that are dropped are gone.
#[test]
fn a_million_polls_and_dropped_waits_allocate_nothing() {
    let _watch = watch_for(Duration::from_secs(300));
    let wakers = [spawn(()), spawn(())].map(|mut task| task.enter(|cx, _| cx.waker().clone()));
    let (tx, mut rx) = watch(0_u64);
    let (made, ()) = allocated(|| {
        let mut other = rx.clone();
        let (mut changed, mut closed) = (pin!(other.changed()), pin!(tx.closed()));
        for n in 0..1_000_000 {
            let cx = &mut Context::from_waker(&wakers[n % 2]);
            assert!(changed.as_mut().poll(cx).is_pending());
            assert!(closed.as_mut().poll(cx).is_pending());
            assert!(pin!(rx.changed()).poll(cx).is_pending());
            assert!(pin!(tx.closed()).poll(cx).is_pending());
        }
    });
    assert_eq!(made, NOTHING);
}

#[test]
fn a_look_costs_the_next_send_a_place_and_gives_it_back() {
    let (tx, rx) = watch(0);
    drop(rx.borrow());
    let (made, ()) = allocated(|| {
        for n in 0..100 {
            let look = rx.borrow();
            tx.send(n).unwrap();
            drop(look);
        }
    });
    assert_eq!(made, Allocated { times: 100, kept: 0 });
}

#[test]
fn nothing_is_kept() {
    let life = || {
        let (tx, rx) = watch(vec![1]);
        let other = (tx.clone(), rx.clone(), tx.subscribe());
        tx.send(vec![2]).unwrap();
        let look = rx.borrow();
        tx.send(vec![3]).unwrap();
        drop((look, other, tx));
        drop(rx);
    };
    life();
    assert_eq!(allocated(life).0.kept, 0);
}
