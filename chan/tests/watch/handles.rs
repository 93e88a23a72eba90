//! Handles: what they count, what their ends mean.
use crate::is_over;
use dormouse_chan::{SendError, watch};
use dormouse_testing::panics;
use tokio_test::task::spawn;
use tokio_test::{assert_pending, assert_ready, assert_ready_eq};

#[test]
fn receivers_are_counted() {
    let (tx, rx) = watch(());
    let (a, b) = (rx.clone(), tx.subscribe());
    assert_eq!((tx.receiver_count(), tx.is_closed()), (3, false));
    drop((rx, a));
    assert_eq!((tx.clone().receiver_count(), tx.is_closed()), (1, false));
    drop(b);
    assert_eq!((tx.receiver_count(), tx.is_closed()), (0, true));
    let _rx = tx.subscribe();
    assert_eq!((tx.receiver_count(), tx.is_closed()), (1, false));
}

#[test]
fn same_channel() {
    let ((tx, rx), (_other, others)) = (watch(1), watch(1));
    assert!(rx.same_channel(&rx.clone()) && rx.same_channel(&tx.subscribe()));
    assert!(!rx.same_channel(&others));
}

/// To nobody: `send` keeps the value out, the others put it in, for whoever subscribes.
#[test]
fn a_send_without_receivers() {
    let (tx, rx) = watch(1);
    drop(rx);
    assert_eq!(tx.send(2), Err(SendError(2)));
    assert_eq!((tx.send_replace(3), *tx.borrow()), (1, 3));
    tx.send_modify(|value| *value += 1);
    let rx = tx.subscribe();
    assert_eq!((*rx.borrow(), rx.has_changed()), (4, Ok(false)));
    tx.send(5).unwrap();
    assert_eq!(rx.has_changed(), Ok(true));
}

#[test]
fn a_subscriber_has_seen_what_it_finds() {
    let (tx, mut old) = watch(1);
    tx.send(2).unwrap();
    let mut new = tx.subscribe();
    let mut clone = old.clone();
    assert_pending!(spawn(new.changed()).poll());
    assert_ready_eq!(spawn(clone.changed()).poll(), Ok(()));
    assert_ready_eq!(spawn(old.changed()).poll(), Ok(()));
}

#[test]
fn the_channel_closes_with_the_last_sender() {
    let (tx, rx) = watch(1);
    let more = [tx.clone(), tx.clone()];
    drop(tx);
    assert_eq!(rx.has_changed(), Ok(false));
    drop(more);
    assert!(rx.has_changed().is_err() && rx.clone().has_changed().is_err());
    assert_eq!(*rx.borrow(), 1);
}

#[test]
fn closed_waits_for_the_last_receiver() {
    let (tx, rx) = watch(1);
    let other = tx.clone();
    let (mut first, mut second) = (spawn(tx.closed()), spawn(other.closed()));
    assert_pending!(first.poll());
    assert_pending!(second.poll());
    drop(rx.clone());
    tx.send(2).unwrap();
    assert!(!first.is_woken() && !is_over(&mut first));
    drop(rx);
    assert!(first.is_woken() && second.is_woken());
    assert_ready!(first.poll());
    assert_ready!(second.poll());
    assert!(is_over(&mut first));
    assert_eq!(panics(|| first.poll().is_ready()), "a finished future of a watch channel was polled again");
    assert_ready!(spawn(tx.closed()).poll());
}

/// A new receiver, before `closed` has looked: it waits on, and is woken again.
#[test]
fn closed_is_not_ready_beside_a_new_receiver() {
    let (tx, rx) = watch(1);
    let mut closed = spawn(tx.closed());
    assert_pending!(closed.poll());
    drop(rx);
    assert!(closed.is_woken());
    let rx = tx.subscribe();
    assert_pending!(closed.poll());
    drop(rx);
    assert!(closed.is_woken());
    assert_ready!(closed.poll());
}

#[test]
fn debug_needs_nothing_of_the_value() {
    struct Plain;
    let (tx, mut rx) = watch(Plain);
    assert_eq!(format!("{tx:?}"), "Sender { closed: false, senders: 1, receivers: 1, .. }");
    assert_eq!(format!("{:?}", tx.closed()), "ClosedFuture { done: false, .. }");
    assert_eq!(format!("{:?}", rx.changed()), "ChangedFuture { done: false, .. }");
    assert_eq!(format!("{:?}", rx.wait_for(|_| true)), "WaitForFuture { done: false, .. }");
    drop(tx);
    assert_eq!(format!("{rx:?}"), "Receiver { closed: true, senders: 0, receivers: 1, .. }");
    let (_tx, mut rx) = watch(1);
    assert_eq!(format!("{:?}", rx.changes()), "Changes { done: false, .. }");
    assert_eq!(watch::RecvError.to_string(), "wait for a change on a closed watch channel");
}
