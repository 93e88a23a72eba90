//! Waits that are given up, forgotten, spurious, or polled from elsewhere.
use dormouse_chan::watch;
use dormouse_testing::{Calls, Count, Event, hooked, watch as watchdog};
use futures::FutureExt;
use futures::stream::{FuturesUnordered, StreamExt};
use std::future::Future;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Waker};
use tokio_test::task::spawn;
use tokio_test::{assert_pending, assert_ready, assert_ready_eq};

/// The waits of a receiver, as futures that come to their end with a change to 1 and with the end of the senders.
type Wait<'a> = Pin<Box<dyn Future<Output = bool> + 'a>>;
const WAITS: [fn(&mut watch::Receiver<u8>) -> Wait<'_>; 3] = [
    |rx| Box::pin(rx.changed().map(|changed| changed.is_ok())),
    |rx| Box::pin(rx.wait_for(|n| *n == 1).map(|found| found.is_ok())),
    |rx| Box::pin(async { std::pin::pin!(rx.changes()).next().await.is_some() }),
];

#[test]
fn a_dropped_wait_leaves_the_change_unseen() {
    for wait in WAITS {
        for sent_first in [false, true] {
            let (tx, mut rx) = watch(0);
            let mut dropped = spawn(wait(&mut rx));
            assert_pending!(dropped.poll());
            if sent_first {
                tx.send(1).unwrap();
                assert!(dropped.is_woken());
                drop(dropped);
            } else {
                drop(dropped);
                tx.send(1).unwrap();
            }
            assert_eq!(rx.has_changed(), Ok(true));
            assert_ready_eq!(spawn(wait(&mut rx)).poll(), true);
            assert_eq!(rx.has_changed(), Ok(false));
        }
    }
}

/// A wait that is dropped takes no wake-up from others, and leaves the queue.
#[test]
fn the_middle_of_three_is_dropped() {
    for wait in WAITS {
        for sent_first in [false, true] {
            let (tx, rx) = watch(0);
            let [mut a, mut b, mut c] = [(); 3].map(|()| rx.clone());
            let [mut first, mut middle, mut last] = [&mut a, &mut b, &mut c].map(|rx| spawn(wait(rx)));
            assert_pending!(first.poll());
            assert_pending!(middle.poll());
            assert_pending!(last.poll());
            if sent_first {
                tx.send(1).unwrap();
                drop(middle);
            } else {
                drop(middle);
                tx.send(1).unwrap();
            }
            assert!(first.is_woken() && last.is_woken());
            assert_ready_eq!(first.poll(), true);
            assert_ready_eq!(last.poll(), true);
        }
    }
}

#[test]
fn a_dropped_wait_keeps_no_waker() {
    for wait in WAITS {
        let (tx, mut rx) = watch(0);
        let calls = Calls::new(|_| ());
        let waker = calls.waker();
        let mut waiting = wait(&mut rx);
        assert!(waiting.as_mut().poll(&mut Context::from_waker(&waker)).is_pending());
        drop((waiting, waker));
        assert_eq!(calls.alive(), 0);
        tx.send(1).unwrap();
        assert_eq!(calls.woken(), 0);
    }
}

#[test]
fn x7_spurious_polls_complete_nothing() {
    for wait in WAITS {
        let (tx, mut rx) = watch(0);
        let mut waiting = spawn(wait(&mut rx));
        for _ in 0..100 {
            assert_pending!(waiting.poll());
        }
        tx.send(1).unwrap();
        assert_ready_eq!(waiting.poll(), true);
    }
}

#[test]
fn x7_polled_from_a_second_task() {
    for wait in WAITS {
        for ends in [false, true] {
            let (tx, mut rx) = watch(0);
            let ((first, first_waker), (second, second_waker)) = (Count::new(), Count::new());
            let mut waiting = wait(&mut rx);
            for waker in [&first_waker, &first_waker, &second_waker, &second_waker] {
                assert!(waiting.as_mut().poll(&mut Context::from_waker(waker)).is_pending());
            }
            drop(first_waker);
            assert_eq!(Arc::strong_count(&first), 1, "the first waker is dropped");
            if ends {
                drop(tx)
            } else {
                tx.send(1).unwrap()
            }
            assert_eq!((first.get(), second.get()), (0, 1), "the latest is woken, once");
            assert_ready_eq!(spawn(waiting).poll(), !ends);
        }
    }
}

#[test]
fn x8_a_wait_that_was_never_polled_does_nothing() {
    for wait in WAITS {
        let (tx, mut rx) = watch(0);
        drop(wait(&mut rx));
        drop(tx.closed());
        tx.send(1).unwrap();
        drop(wait(&mut rx));
        assert_eq!(rx.has_changed(), Ok(true));
    }
}

#[test]
fn x10_a_forgotten_wait_only_leaks() {
    for wait in WAITS {
        let (tx, mut rx) = watch(0);
        let (wakes, waker) = Count::new();
        let mut forgotten = wait(&mut rx);
        assert!(forgotten.as_mut().poll(&mut Context::from_waker(&waker)).is_pending());
        std::mem::forget(forgotten);
        assert_pending!(spawn(wait(&mut rx)).poll());
        tx.send(1).unwrap();
        assert_eq!(wakes.get(), 1);
        assert_ready_eq!(spawn(wait(&mut rx)).poll(), true);
        drop((tx, rx));
    }
    let (tx, rx) = watch(0);
    let mut forgotten = Box::pin(tx.closed());
    assert!(forgotten.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_pending());
    std::mem::forget(forgotten);
    drop(rx);
    drop(tx);
}

#[test]
fn closed_is_given_up_and_polled_from_elsewhere() {
    let (tx, rx) = watch(0);
    let ((first, first_waker), (second, second_waker)) = (Count::new(), Count::new());
    let mut dropped = Box::pin(tx.closed());
    assert!(dropped.as_mut().poll(&mut Context::from_waker(&first_waker)).is_pending());
    drop(dropped);
    let mut closed = Box::pin(tx.closed());
    for waker in [&first_waker, &first_waker, &second_waker, &second_waker] {
        assert!(closed.as_mut().poll(&mut Context::from_waker(waker)).is_pending());
    }
    drop(rx);
    assert_eq!((first.get(), second.get()), (0, 1));
    drop(first_waker);
    assert_eq!(Arc::strong_count(&first), 1);
    assert_ready!(spawn(closed).poll());
}

/// A poll that panics in the waker's clone leaves the wait as it was, queued or not.
#[test]
fn a_clone_that_panics() {
    for wait in WAITS {
        for queued in [false, true] {
            let (tx, mut rx) = watch(0);
            let (wakes, waker) = Count::new();
            let mut waiting = wait(&mut rx);
            if queued {
                assert!(waiting.as_mut().poll(&mut Context::from_waker(&waker)).is_pending());
            }
            let bad = hooked(|event| assert_ne!(event, Event::Clone, "no clone"));
            let mut poll = || waiting.as_mut().poll(&mut Context::from_waker(&bad));
            assert!(catch_unwind(AssertUnwindSafe(&mut poll)).is_err());
            drop(waiting);
            assert_pending!(spawn(wait(&mut rx)).poll());
            tx.send(1).unwrap();
            assert_eq!(wakes.get(), 0);
            assert_ready_eq!(spawn(wait(&mut rx)).poll(), true);
        }
    }
}

/// In the combinators of `futures`, and in our own select, nothing is lost.
#[test]
fn in_combinators() {
    let _watch = watchdog();
    futures::executor::block_on(async {
        let (tx, mut rx) = watch(0);
        for n in 1..=10 {
            {
                let mut changed = std::pin::pin!(rx.changed());
                let mut turn = futures::future::ready(());
                futures::select_biased! { _ = changed => unreachable!("nothing was sent"), () = turn => {} }
            }
            dormouse_chan::select! { _ = rx.changed() => unreachable!("nothing was sent"), default => {} }
            tx.send(n).unwrap();
            dormouse_chan::select! {
                changed = rx.changed() => assert!(changed.is_ok()),
                () = std::future::pending() => {}
            }
        }
        let waits: FuturesUnordered<_> = (0..20)
            .map(|n| {
                let mut rx = rx.clone();
                async move { rx.wait_for(|now| *now >= 20 + n).await.map(|now| *now) }
            })
            .collect();
        let sends = async {
            for n in 11..=40 {
                tx.send(n).unwrap();
                tokio::task::yield_now().await;
            }
        };
        let (found, ()) = futures::join!(waits.collect::<Vec<_>>(), sends);
        assert!(found.iter().all(|found| found.is_ok_and(|now| now >= 20)), "{found:?}");
    });
}
