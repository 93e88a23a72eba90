//! The end of the receiver, and how the sender learns of it.
use dormouse_chan::oneshot::Receiver;
use dormouse_chan::{SendError, TryRecvError, oneshot};
use dormouse_testing::{Calls, Count, panics};
use futures::future::FusedFuture;
use std::future::Future;
use std::pin::Pin;
use std::task::Context;
use tokio_test::task::spawn;
use tokio_test::{assert_pending, assert_ready, assert_ready_eq};

/// Both ends of a receiver. `close` leaves it, and gives it back.
const ENDS: [fn(Receiver<u8>) -> Option<Receiver<u8>>; 2] = [
    |rx| {
        drop(rx);
        None
    },
    |mut rx| {
        assert!(rx.close());
        Some(rx)
    },
];

#[test]
fn a_send_to_nobody_gives_the_value_back() {
    for end in ENDS {
        let (tx, rx) = oneshot();
        assert!(!tx.is_closed());
        let _rx = end(rx);
        assert!(tx.is_closed());
        assert_eq!(tx.send(1), Err(SendError(1)));
    }
}

#[test]
fn close_says_whether_it_closed() {
    let (tx, mut rx) = oneshot::<u8>();
    assert!(!rx.is_closed());
    assert!(rx.close());
    assert!(!rx.close() && rx.is_closed());
    assert_eq!(rx.try_recv(), Err(TryRecvError::Closed));
    assert!(!rx.is_terminated());
    assert_ready_eq!(spawn(&mut rx).poll(), None);
    assert!(rx.is_terminated() && !rx.close());
    drop(tx);
    let (tx, mut rx) = oneshot::<u8>();
    drop(tx);
    assert!(rx.is_closed() && !rx.close());
    assert_ready_eq!(spawn(rx).poll(), None);
}

#[test]
fn a_value_sent_before_is_received() {
    let (tx, mut rx) = oneshot();
    tx.send(1).unwrap();
    assert!(rx.is_closed() && !rx.close(), "there was nothing to close any more");
    assert_ready_eq!(spawn(&mut rx).poll(), Some(1));
    // tokio#3552: and after it was received, nothing bad comes of a close.
    assert!(!rx.close() && rx.is_closed());
}

/// The receiver may be closed by somebody else than who polled it last, who waits for a value that cannot come.
#[test]
fn close_wakes_whoever_polled_the_receiver() {
    let (tx, mut rx) = oneshot::<u8>();
    let (wakes, waker) = Count::new();
    assert!(Pin::new(&mut rx).poll(&mut Context::from_waker(&waker)).is_pending());
    assert!(rx.close());
    assert_eq!(wakes.get(), 1);
    drop(waker);
    assert_eq!(std::sync::Arc::strong_count(&wakes), 1, "the channel keeps no waker");
    drop(tx);
    assert_ready_eq!(spawn(rx).poll(), None);
}

#[test]
fn closed_waits_for_the_end_of_the_receiver() {
    for end in ENDS {
        let (mut tx, rx) = oneshot();
        let mut closed = spawn(tx.closed());
        assert_pending!(closed.poll());
        assert!(!closed.is_woken());
        let _rx = end(rx);
        assert!(closed.is_woken());
        assert!(!closed.is_terminated());
        assert_ready!(closed.poll());
        assert!(closed.is_terminated());
        let words = "a finished future of oneshot::Sender::closed was polled again";
        assert_eq!(panics(|| closed.poll()), words);
        drop(closed);
        assert_ready!(spawn(tx.closed()).poll()); // and it stays so
        assert_eq!(tx.send(1), Err(SendError(1)));
    }
}

#[test]
fn closed_is_ready_at_once_if_it_is() {
    for end in ENDS {
        let (mut tx, rx) = oneshot();
        let _rx = end(rx);
        assert_ready!(spawn(tx.closed()).poll());
    }
}

/// Each half waits for the other: whichever ends first wakes the other one.
#[test]
fn both_halves_may_wait() {
    for end in ENDS {
        let (mut tx, mut rx) = oneshot();
        let mut closed = spawn(tx.closed());
        assert_pending!(closed.poll());
        assert_pending!(spawn(&mut rx).poll());
        let _rx = end(rx);
        assert!(closed.is_woken());
        assert_ready!(closed.poll());
    }
    let (mut tx, rx) = oneshot();
    let mut receive = spawn(rx);
    assert_pending!(receive.poll());
    assert_pending!(spawn(tx.closed()).poll());
    tx.send(1).unwrap();
    assert!(receive.is_woken());
    assert_ready_eq!(receive.poll(), Some(1));
}

#[test]
fn closed_polled_from_a_second_task() {
    for end in ENDS {
        let (mut tx, rx) = oneshot();
        let mut closed = tx.closed();
        let (first, first_waker) = Count::new();
        let (second, second_waker) = Count::new();
        for waker in [&first_waker, &first_waker, &second_waker, &second_waker] {
            assert!(Pin::new(&mut closed).poll(&mut Context::from_waker(waker)).is_pending());
        }
        let _rx = end(rx);
        assert_eq!((first.get(), second.get()), (0, 1), "the latest is woken, once");
    }
}

#[test]
fn a_closed_that_is_given_up_keeps_no_waker() {
    let (mut tx, mut rx) = oneshot();
    let calls = Calls::new(|_| ());
    let waker = calls.waker();
    let mut closed = tx.closed();
    assert!(Pin::new(&mut closed).poll(&mut Context::from_waker(&waker)).is_pending());
    drop(closed);
    drop(waker);
    assert_eq!(calls.alive(), 0);
    assert_pending!(spawn(tx.closed()).poll()); // as before
    tx.send(1).unwrap();
    assert_eq!((calls.woken(), rx.try_recv()), (0, Ok(1)));
}

/// The sender's task has other things to do when the value is on its way.
#[test]
fn futures_1490_nobody_wakes_a_sender_that_has_sent() {
    for forget in [false, true] {
        let (mut tx, rx) = oneshot();
        let calls = Calls::new(|_| ());
        let waker = calls.waker();
        let mut closed = tx.closed();
        assert!(Pin::new(&mut closed).poll(&mut Context::from_waker(&waker)).is_pending());
        if forget {
            std::mem::forget(closed);
        } else {
            drop(closed);
        }
        tx.send(1).unwrap();
        drop((waker, rx));
        assert_eq!((calls.woken(), calls.alive()), (0, 0));
    }
}
