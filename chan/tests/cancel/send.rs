//! X2, and X8 for sends: a send is dropped, in each state it can be in.
use crate::kinds::{Receive, drain, each_send, fill, receive, send};
use dormouse_chan::{TryRecvError, bounded, select};
use dormouse_testing::{Tally, number, watch};
use tokio_test::task::spawn;
use tokio_test::{assert_pending, assert_ready};

#[test]
fn x8_a_send_that_was_never_polled_does_nothing() {
    let _watch = watch();
    each_send(&[0, 1], |kind, tx, rx, tally| {
        let mut receiver = receive(Receive::Recv, &rx);
        assert_pending!(receiver.poll());
        drop(send(kind, &tx, tally.value(0)));
        assert_eq!(tally.dropped(0), 1);
        assert_pending!(receiver.poll());
    });
}

#[test]
fn x2_a_send_dropped_while_queued_was_not_sent_and_the_next_moves_up() {
    let _watch = watch();
    each_send(&[0, 1], |kind, tx, rx, tally| {
        fill(&tx, tally);
        let (mut future, mut next) = (send(kind, &tx, tally.value(0)), send(kind, &tx, tally.value(1)));
        assert_pending!(future.poll());
        assert_pending!(next.poll());
        drop(future);
        assert_eq!(tally.dropped(0), 1);
        assert!(!next.is_woken());
        let received = drain(&rx);
        assert_eq!(received.last(), Some(&1));
        assert!(!received.contains(&0));
        assert!(next.is_woken());
        assert!(assert_ready!(next.poll()).is_ok());
    });
}

#[test]
fn x2_a_send_dropped_after_the_match_was_sent() {
    let _watch = watch();
    each_send(&[0, 1, 2], |kind, tx, rx, tally| {
        fill(&tx, tally);
        let mut future = send(kind, &tx, tally.value(0));
        assert_pending!(future.poll());
        let first = rx.try_recv().unwrap(); // takes it, or moves it into the buffer
        assert!(future.is_woken());
        drop(future);
        assert_eq!(tally.dropped(0), 0);
        let mut received = vec![first.number];
        received.extend(drain(&rx));
        assert_eq!(received.last(), Some(&0));
    });
}

#[test]
fn x2_a_send_dropped_after_it_was_told_of_close() {
    let _watch = watch();
    each_send(&[0, 1], |kind, tx, rx, tally| {
        fill(&tx, tally);
        let mut future = send(kind, &tx, tally.value(0));
        assert_pending!(future.poll());
        assert!(rx.close());
        assert!(future.is_woken());
        drop(future);
        assert_eq!(tally.dropped(0), 1);
        assert!(!drain(&rx).contains(&0));
        assert_eq!(rx.try_recv().unwrap_err(), TryRecvError::Closed);
    });
}

#[test]
fn a_send_dropped_after_it_was_done() {
    let _watch = watch();
    each_send(&[0, 1], |kind, tx, rx, tally| {
        let mut receiver = receive(Receive::Recv, &rx);
        assert_pending!(receiver.poll());
        let mut future = send(kind, &tx, tally.value(0));
        assert!(assert_ready!(future.poll()).is_ok());
        drop(future);
        assert_eq!(number(assert_ready!(receiver.poll())), Some(0));
    });
}

#[test]
fn a_send_gets_its_value_back_when_the_channel_closes() {
    let _watch = watch();
    each_send(&[0, 1], |kind, tx, rx, tally| {
        fill(&tx, tally);
        let mut waiting = send(kind, &tx, tally.value(0));
        assert_pending!(waiting.poll());
        drop(rx);
        assert!(waiting.is_woken());
        assert_eq!(assert_ready!(waiting.poll()).unwrap_err().into_inner().number, 0);
        let late = assert_ready!(send(kind, &tx, tally.value(1)).poll());
        assert_eq!(late.unwrap_err().into_inner().number, 1);
    });
}

/// The value of `send_from` is in its place again whenever it was not sent.
#[test]
fn x2_send_from_gives_the_value_back() {
    let _watch = watch();
    let tally = Tally::new();
    let (tx, rx) = bounded(0);
    let mut place = Some(tally.value(0));

    drop(tx.send_from(&mut place)); // never polled
    assert!(place.is_some());

    let mut future = spawn(tx.send_from(&mut place)); // queued
    assert_pending!(future.poll());
    drop(future);
    assert!(place.is_some());
    assert!(rx.try_recv().is_err());

    let mut future = spawn(tx.send_from(&mut place)); // told of the match, not polled
    assert_pending!(future.poll());
    assert_eq!(rx.try_recv().unwrap().number, 0);
    drop(future);
    assert!(place.is_none());

    let mut future = spawn(tx.send_from(&mut place)); // empty: never ready
    assert_pending!(future.poll());
    drop(future);
    assert!(place.is_none());

    place = Some(tally.value(1));
    let mut future = spawn(tx.send_from(&mut place)); // told of close, not polled
    assert_pending!(future.poll());
    rx.close();
    drop(future);
    assert_eq!(place.as_ref().map(|value| value.number), Some(1));

    let mut future = spawn(tx.send_from(&mut place)); // closed: the error has it
    assert_eq!(assert_ready!(future.poll()).unwrap_err().into_inner().number, 1);
    drop(future);
    assert!(place.is_none());
    drop((tx, rx));
    tally.check();
}

#[test]
fn x2_a_select_gives_back_what_its_send_from_arms_did_not_send() {
    let _watch = watch();
    let tally = Tally::new();
    let ((a, from_a), (b, from_b)) = (bounded(0), bounded(0));
    let (mut x, mut y) = (Some(tally.value(0)), Some(tally.value(1)));
    let mut task = spawn(async {
        select! {
            send_from(a, x) -> _ => (),
            send_from(b, y) -> _ => (),
        }
    });
    assert_pending!(task.poll());
    drop(task); // queued
    assert!(x.is_some() && y.is_some());

    let mut task = spawn(async {
        select! {
            send_from(a, x) -> _ => (),
            send_from(b, y) -> _ => (),
        }
    });
    assert_pending!(task.poll());
    assert_eq!(from_b.try_recv().unwrap().number, 1);
    assert!(task.is_woken());
    assert!(from_a.try_recv().is_err(), "one arm has happened, the other cannot any more");
    drop(task); // won, not polled
    assert!(x.is_some() && y.is_none());

    let mut task = spawn(async {
        select! {
            send_from(a, x) -> sent => sent.is_ok(),
            send_from(b, y) -> _ => unreachable!("it is disabled"),
        }
    });
    assert_pending!(task.poll());
    assert_eq!(from_a.try_recv().unwrap().number, 0);
    assert!(assert_ready!(task.poll()));
    drop(task);
    assert!(x.is_none());
    tally.check();
}
