//! Waits: who is woken, and what is left of a wait that is given up.
use dormouse_chan::spsc::{bounded, unbounded};
use dormouse_testing::{Calls, Tally, number, watch};
use futures::StreamExt;
use futures::future::FusedFuture;
use futures::stream::FusedStream;
use std::pin::pin;
use std::task::Context;
use tokio_test::task::spawn;
use tokio_test::{assert_pending, assert_ready, assert_ready_eq};

#[test]
fn a_receive_waits_for_a_send() {
    let _watch = watch();
    for (mut tx, mut rx) in [bounded(1), unbounded()] {
        let mut receive = spawn(rx.recv());
        assert_pending!(receive.poll());
        assert!(!receive.is_woken());
        tx.try_send(1).unwrap();
        assert!(receive.is_woken());
        assert_ready_eq!(receive.poll(), Some(1));
        assert!(receive.is_terminated());
    }
}

#[test]
fn a_send_waits_for_room() {
    let _watch = watch();
    let (mut tx, mut rx) = bounded(1);
    tx.try_send(1).unwrap();
    let mut send = spawn(tx.send(2));
    assert_pending!(send.poll());
    assert_eq!(rx.try_recv(), Ok(1));
    assert!(send.is_woken() && !send.is_terminated());
    // Its value comes when its task runs.
    assert!(rx.try_recv().unwrap_err().is_empty());
    assert_ready!(send.poll()).unwrap();
    assert!(send.is_terminated());
    drop(send);
    assert_eq!(rx.try_recv(), Ok(2));
}

/// X2: not sent, and dropped.
#[test]
fn a_send_dropped_while_it_waits_was_not_sent() {
    let _watch = watch();
    let tally = Tally::new();
    let (mut tx, mut rx) = bounded(1);
    assert!(tx.try_send(tally.value(0)).is_ok());
    let mut send = spawn(tx.send(tally.value(1)));
    assert_pending!(send.poll());
    drop(send);
    assert_eq!(tally.dropped(1), 1);
    assert_eq!(number(rx.try_recv().ok()), Some(0));
    assert!(rx.try_recv().is_err());
    // Woken, and dropped all the same.
    assert!(tx.try_send(tally.value(2)).is_ok());
    let mut send = spawn(tx.send(tally.value(3)));
    assert_pending!(send.poll());
    assert_eq!(number(rx.try_recv().ok()), Some(2));
    assert!(send.is_woken());
    drop(send);
    assert!(rx.try_recv().is_err());
    tally.check();
}

/// A value leaves the channel only with a receive that is ready.
#[test]
fn a_receive_dropped_when_it_was_woken_leaves_the_value() {
    let _watch = watch();
    let (mut tx, mut rx) = bounded(1);
    let mut receive = spawn(rx.recv());
    assert_pending!(receive.poll());
    tx.try_send(1).unwrap();
    assert!(receive.is_woken());
    drop(receive);
    assert_eq!(rx.try_recv(), Ok(1));
}

/// X8: and nothing is sent or received before the first poll.
#[test]
fn a_wait_that_was_never_polled_does_nothing() {
    let _watch = watch();
    let (mut tx, mut rx) = bounded(1);
    drop(tx.send(1));
    assert!(rx.is_empty());
    tx.try_send(2).unwrap();
    drop(rx.recv());
    assert_eq!(rx.try_recv(), Ok(2));
}

/// X7: spurious polls complete nothing; the waker of the last poll counts.
#[test]
fn a_wait_may_move_to_another_task() {
    let _watch = watch();
    let (wakers, other) = (Calls::new(|_| ()), Calls::new(|_| ()));
    let (mut tx, mut rx) = bounded(1);
    {
        let mut receive = pin!(rx.recv());
        for _ in 0..3 {
            assert_pending!(receive.as_mut().poll(&mut Context::from_waker(&wakers.waker())));
        }
        assert_pending!(receive.as_mut().poll(&mut Context::from_waker(&other.waker())));
        assert_eq!(wakers.alive(), 0, "the first task's waker is not kept");
        tx.try_send(1).unwrap();
        assert_eq!((wakers.woken(), other.woken()), (0, 1));
        assert_ready_eq!(receive.as_mut().poll(&mut Context::from_waker(&other.waker())), Some(1));
    }
    assert_eq!(other.alive(), 0);
}

/// X9: no waker is kept of a wait that was given up, or found what it waited for by itself.
#[test]
fn nothing_is_kept_of_a_wait() {
    let _watch = watch();
    let wakers = Calls::new(|_| ());
    let waker = || wakers.waker();
    let (mut tx, mut rx) = bounded(1);
    for _ in 0..2 {
        assert_pending!(pin!(rx.recv()).poll(&mut Context::from_waker(&waker())));
        assert_eq!(wakers.alive(), 0, "a receive that was dropped");
        tx.try_send(1).unwrap();
        assert_pending!(pin!(tx.send(2)).poll(&mut Context::from_waker(&waker())));
        assert_eq!(wakers.alive(), 0, "a send that was dropped");
        rx.try_recv().unwrap();
    }
    assert_eq!(wakers.woken(), 0, "nobody waited");
}

/// X10: it leaks nothing but its value, and the halves serve on.
#[test]
fn a_forgotten_wait_holds_up_nothing() {
    let _watch = watch();
    let tally = Tally::new();
    let wakers = Calls::new(|_| ());
    let waker = wakers.waker();
    let mut cx = Context::from_waker(&waker);
    let (mut tx, mut rx) = bounded(1);
    let mut receive = Box::pin(rx.recv());
    assert!(receive.as_mut().poll(&mut cx).is_pending());
    std::mem::forget(receive);
    assert!(tx.try_send(tally.value(0)).is_ok());
    assert_eq!(number(rx.try_recv().ok()), Some(0));
    assert!(tx.try_send(tally.value(1)).is_ok());
    let mut send = Box::pin(tx.send(tally.value(2)));
    assert!(send.as_mut().poll(&mut cx).is_pending());
    std::mem::forget(send);
    assert_eq!(number(rx.try_recv().ok()), Some(1));
    assert!(tx.try_send(tally.value(3)).is_ok());
    assert_eq!(number(rx.try_recv().ok()), Some(3));
    drop((tx, rx));
    drop(waker);
    assert_eq!(wakers.alive(), 0);
    assert_eq!(tally.dropped(2), 0, "leaked, as it was asked to be");
}

#[test]
#[should_panic(expected = "polled again")]
fn a_finished_receive_panics_when_polled() {
    let (mut tx, mut rx) = bounded(1);
    tx.try_send(1).unwrap();
    let mut receive = spawn(rx.recv());
    assert_ready_eq!(receive.poll(), Some(1));
    let _ = receive.poll();
}

#[test]
#[should_panic(expected = "polled again")]
fn a_finished_send_panics_when_polled() {
    let (mut tx, _rx) = bounded(1);
    let mut send = spawn(tx.send(1));
    assert_ready!(send.poll()).unwrap();
    let _ = send.poll();
}

#[test]
fn the_stream_gives_what_is_sent_and_ends_with_the_close() {
    let _watch = watch();
    let (mut tx, mut rx) = bounded(4);
    {
        let mut next = spawn(rx.next());
        assert_pending!(next.poll());
        tx.try_send(1).unwrap();
        assert!(next.is_woken());
        assert_ready_eq!(next.poll(), Some(1));
    }
    tx.try_send(2).unwrap();
    drop(tx);
    assert!(!rx.is_terminated());
    assert_eq!(futures::executor::block_on(rx.by_ref().collect::<Vec<_>>()), [2]);
    assert!(rx.is_terminated());
}
