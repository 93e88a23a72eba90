//! Waits that are given up, forgotten, spurious, or polled from elsewhere.
use dormouse_chan::{SendError, TryRecvError, oneshot};
use dormouse_testing::{Calls, Count, Event, Tally, hooked, number, watch};
use futures::FutureExt;
use futures::stream::{FuturesUnordered, StreamExt};
use std::future::Future;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Waker};
use tokio_test::task::spawn;
use tokio_test::{assert_pending, assert_ready_eq};

#[test]
fn x1_a_wait_that_is_given_up_leaves_the_value() {
    for sent_first in [true, false] {
        let (tx, mut rx) = oneshot();
        let mut receive = spawn(&mut rx);
        assert_pending!(receive.poll());
        if sent_first {
            tx.send(1).unwrap();
            assert!(receive.is_woken());
            drop(receive);
        } else {
            drop(receive);
            tx.send(1).unwrap();
        }
        assert_ready_eq!(spawn(rx).poll(), Some(1));
    }
}

#[test]
fn x1_the_value_of_a_dropped_receiver_is_dropped() {
    let tally = Tally::new();
    let (tx, rx) = oneshot();
    let mut receive = spawn(rx);
    assert_pending!(receive.poll());
    tx.send(tally.value(0)).unwrap();
    assert_eq!(tally.dropped(0), 0);
    drop(receive);
    assert_eq!(tally.dropped(0), 1);
}

#[test]
fn x7_spurious_polls_complete_nothing() {
    let (tx, rx) = oneshot();
    let mut receive = spawn(rx);
    for _ in 0..100 {
        assert_pending!(receive.poll());
    }
    tx.send(1).unwrap();
    assert_ready_eq!(receive.poll(), Some(1));
}

#[test]
fn x7_polled_from_a_second_task() {
    for sends in [true, false] {
        let (tx, mut rx) = oneshot();
        let (first, first_waker) = Count::new();
        let (second, second_waker) = Count::new();
        for waker in [&first_waker, &first_waker, &second_waker, &second_waker] {
            assert!(Pin::new(&mut rx).poll(&mut Context::from_waker(waker)).is_pending());
        }
        drop(first_waker);
        assert_eq!(Arc::strong_count(&first), 1, "the first waker is dropped");
        if sends {
            tx.send(1).unwrap()
        } else {
            drop(tx)
        }
        assert_eq!((first.get(), second.get()), (0, 1), "the latest is woken, once");
        assert_ready_eq!(spawn(rx).poll(), sends.then_some(1));
    }
}

#[test]
fn x8_a_receiver_that_was_never_polled_holds_no_waker() {
    let tally = Tally::new();
    let (tx, rx) = oneshot();
    tx.send(tally.value(0)).unwrap();
    drop(rx);
    tally.check();
    let (mut tx, rx) = oneshot::<u8>();
    drop(tx.closed());
    drop(rx);
    assert_eq!(tx.send(1), Err(SendError(1)));
}

/// tokio#7886: the waker of a dropped receiver goes with it, not with the sender.
#[test]
fn tokio_7886_a_dropped_receiver_drops_its_waker() {
    let (tx, mut rx) = oneshot::<u8>();
    let calls = Calls::new(|_| ());
    let waker = calls.waker();
    assert!(Pin::new(&mut rx).poll(&mut Context::from_waker(&waker)).is_pending());
    drop(waker);
    assert_eq!(calls.alive(), 1);
    drop(rx);
    assert_eq!((calls.alive(), calls.woken()), (0, 0));
    assert_eq!(tx.send(1), Err(SendError(1)));
}

/// tokio#6558: the message is dropped with the receiver, also one that was closed or is forgotten by its task.
#[test]
fn tokio_6558_the_value_is_dropped_with_a_closed_receiver() {
    let tally = Tally::new();
    let (tx, mut rx) = oneshot();
    tx.send(tally.value(0)).unwrap();
    rx.close();
    drop(rx);
    tally.check();
}

#[test]
fn x10_what_is_forgotten_only_leaks() {
    let (wakes, waker) = Count::new();
    let cx = &mut Context::from_waker(&waker);
    let (tx, mut rx) = oneshot();
    assert!(Pin::new(&mut rx).poll(cx).is_pending());
    std::mem::forget(rx);
    tx.send(1).unwrap();
    assert_eq!(wakes.get(), 1);
    let (mut tx, mut rx) = oneshot();
    let mut closed = tx.closed();
    assert!(Pin::new(&mut closed).poll(cx).is_pending());
    std::mem::forget(closed);
    assert!(Pin::new(&mut tx.closed()).poll(&mut Context::from_waker(Waker::noop())).is_pending());
    tx.send(2).unwrap();
    assert_eq!(rx.try_recv(), Ok(2));
    let (tx, mut rx) = oneshot::<u8>();
    std::mem::forget(tx);
    assert_eq!(rx.try_recv(), Err(TryRecvError::Empty));
}

/// In the combinators of `futures` nothing is lost.
#[test]
fn in_combinators() {
    let _watch = watch();
    let tally = Tally::new();
    futures::executor::block_on(async {
        let (tx, mut rx) = oneshot();
        for _ in 0..3 {
            let mut turn = futures::future::ready(());
            futures::select_biased! { value = &mut rx => unreachable!("{value:?}"), () = turn => {} }
        }
        tx.send(tally.value(0)).unwrap();
        let mut done = futures::future::ready(());
        let value = futures::select_biased! { value = &mut rx => value, () = done => None };
        assert_eq!(number(value), Some(0));

        let (senders, mut replies): (Vec<_>, FuturesUnordered<_>) = (1..=20).map(|_| oneshot()).unzip();
        assert!(replies.next().now_or_never().is_none());
        for (n, tx) in (1..).zip(senders) {
            tx.send(tally.value(n)).unwrap();
        }
        let mut numbers: Vec<_> = replies.map(|value| value.unwrap().number).collect().await;
        numbers.sort_unstable();
        assert!(numbers.into_iter().eq(1..=20));
    });
    tally.check();
}

/// A poll that panics in the waker's clone leaves all as it was.
#[test]
fn a_clone_that_panics_leaves_the_wait_as_it_was() {
    let (tx, mut rx) = oneshot();
    let (wakes, waker) = Count::new();
    assert!(Pin::new(&mut rx).poll(&mut Context::from_waker(&waker)).is_pending());
    let bad = hooked(|event| assert_ne!(event, Event::Clone, "no clone"));
    let polled = catch_unwind(AssertUnwindSafe(|| Pin::new(&mut rx).poll(&mut Context::from_waker(&bad))));
    assert!(polled.is_err());
    tx.send(1).unwrap();
    assert_eq!(wakes.get(), 1);
    assert_ready_eq!(spawn(rx).poll(), Some(1));
}
