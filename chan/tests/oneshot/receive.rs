//! Sending and receiving.
use dormouse_chan::{SendError, TryRecvError, bounded, oneshot, select};
use dormouse_testing::{panics, until, watch};
use dormouse_wait::frame::{Frame, Waits};
use dormouse_wait::outside;
use futures::future::FusedFuture;
use std::thread;
use tokio_test::task::spawn;
use tokio_test::{assert_pending, assert_ready, assert_ready_eq};

#[test]
fn a_value_sent_before_is_received_at_once() {
    let (tx, rx) = oneshot();
    assert_eq!(tx.send(1), Ok(()));
    let mut receive = spawn(rx);
    assert_ready_eq!(receive.poll(), Some(1));
}

#[test]
fn a_value_sent_later_wakes_the_receiver() {
    let (tx, rx) = oneshot();
    let mut receive = spawn(rx);
    assert_pending!(receive.poll());
    assert!(!receive.is_woken());
    assert_eq!(tx.send(1), Ok(()));
    assert!(receive.is_woken());
    assert_ready_eq!(receive.poll(), Some(1));
}

#[test]
fn a_sender_dropped_before_is_none_at_once() {
    let (tx, rx) = oneshot::<u8>();
    drop(tx);
    assert_ready_eq!(spawn(rx).poll(), None);
}

#[test]
fn postage_44_a_dropped_sender_wakes_the_receiver() {
    let (tx, rx) = oneshot::<u8>();
    let mut receive = spawn(rx);
    assert_pending!(receive.poll());
    drop(tx);
    assert!(receive.is_woken());
    assert_ready_eq!(receive.poll(), None);
}

#[test]
fn try_recv_says_what_is_there() {
    let (tx, mut rx) = oneshot();
    assert_eq!(rx.try_recv(), Err(TryRecvError::Empty));
    tx.send(1).unwrap();
    assert_eq!(rx.try_recv(), Ok(1));
    assert_eq!(rx.try_recv(), Err(TryRecvError::Closed), "it was received");
    assert!(rx.is_terminated() && rx.is_closed());
}

/// tokio#3674: a look at an empty channel is no end of it.
#[test]
fn a_try_recv_that_finds_nothing_changes_nothing() {
    let (tx, mut rx) = oneshot::<u8>();
    let mut receive = spawn(&mut rx);
    assert_pending!(receive.poll());
    let woken = receive.waker_ref_count();
    drop(receive);
    assert!(woken > 1, "the channel holds the waker");
    assert_eq!(rx.try_recv(), Err(TryRecvError::Empty));
    drop(tx);
    assert_eq!(rx.try_recv(), Err(TryRecvError::Closed));
    assert_eq!(rx.try_recv(), Err(TryRecvError::Closed));
    assert!(!rx.is_terminated(), "it can still be awaited");
    assert_ready_eq!(spawn(&mut rx).poll(), None);
    assert!(rx.is_terminated());
    assert_eq!(rx.try_recv(), Err(TryRecvError::Closed));
}

#[test]
fn x7_a_poll_after_the_end_panics() {
    let polled_again = |end: &dyn Fn(&mut oneshot::Receiver<u8>)| {
        let (tx, mut rx) = oneshot();
        tx.send(1).unwrap();
        assert!(!rx.is_terminated());
        end(&mut rx);
        assert!(rx.is_terminated());
        panics(|| spawn(&mut rx).poll())
    };
    let words = "a finished oneshot::Receiver was polled again";
    assert_eq!(polled_again(&|rx| assert_eq!(assert_ready!(spawn(rx).poll()), Some(1))), words);
    assert_eq!(polled_again(&|rx| assert_eq!(rx.try_recv(), Ok(1))), words);
}

#[test]
fn a_plain_thread_waits() {
    let _watch = watch();
    let (tx, rx) = oneshot();
    tx.send(1).unwrap();
    assert_eq!(rx.recv_blocking(), Some(1));
    let (tx, rx) = oneshot::<u8>();
    drop(tx);
    assert_eq!(rx.recv_blocking(), None);
    let (tx, rx) = oneshot();
    let waiting = thread::spawn(|| rx.recv_blocking());
    until(outside::any); // a runtime must know that a plain thread waits
    tx.send(2).unwrap();
    assert_eq!(waiting.join().unwrap(), Some(2));
}

#[test]
fn a_thread_does_not_wait_inside_a_task() {
    let (tx, rx) = oneshot();
    let (sent, full) = oneshot();
    sent.send(1).unwrap();
    let waits = Waits::new();
    // Whether it has to wait or not.
    let words = Frame::new(&waits).enter(|| [panics(|| rx.recv_blocking()), panics(|| full.recv_blocking())]);
    for words in words {
        assert!(
            words.contains("oneshot::Receiver::recv_blocking") && words.contains("`rx.await`"),
            "{words}"
        );
    }
    assert_eq!(tx.send(2), Err(SendError(2)));
}

/// As an arm of a select, by reference: it loses nothing when another arm wins.
#[test]
fn in_a_select() {
    let _watch = watch();
    futures::executor::block_on(async {
        let (tx, mut rx) = oneshot();
        let (other, others) = bounded(1);
        other.send('a').await.unwrap();
        select! {
            biased;
            value = &mut rx => unreachable!("{value:?}: nothing was sent"),
            recv(others) -> value => assert_eq!(value, Some('a')),
        }
        select! { value = &mut rx => unreachable!("{value:?}: nothing was sent"), default => {} }
        tx.send('b').unwrap();
        select! { recv(others) -> _ => unreachable!(), value = &mut rx => assert_eq!(value, Some('b')) }
    });
}

#[test]
fn debug_needs_nothing_of_the_value() {
    struct Plain;
    let (mut tx, mut rx) = oneshot::<Plain>();
    assert_eq!(format!("{tx:?} {rx:?}"), "Sender { closed: false } Receiver { closed: false, done: false }");
    assert_eq!(format!("{:?}", tx.closed()), "ClosedFuture { done: false, .. }");
    tx.send(Plain).ok().unwrap();
    assert_eq!(format!("{rx:?}"), "Receiver { closed: true, done: false }");
    assert!(rx.try_recv().is_ok());
    assert_eq!(format!("{rx:?}"), "Receiver { closed: true, done: true }");
}
