//! Values that panic in their `Drop`, wherever they are dropped.
use crate::{check_usable, drain};
use dormouse_chan::{Receiver, Sender, TryRecvError, bounded, select, unbounded};
use dormouse_testing::{Tally, Value, number, panics, watch};
use futures::stream::StreamExt;
use std::future::Future;
use std::task::{Context, Waker};
use tokio_test::task::spawn;
use tokio_test::{assert_pending, assert_ready};

fn channels() -> Vec<(Sender<Value>, Receiver<Value>)> {
    vec![bounded(8), unbounded()]
}

#[test]
fn a_buffered_value_panics_when_the_last_receiver_goes() {
    let _watch = watch();
    for (tx, rx) in channels() {
        let tally = Tally::new();
        tx.try_send(tally.value(0)).unwrap();
        tx.try_send(tally.bomb(1)).unwrap();
        tx.try_send(tally.value(2)).unwrap();
        tx.try_send(tally.value(3)).unwrap();
        assert_eq!(panics(|| drop(rx)), "value 1 panics in drop");
        assert!(tx.is_closed() && tx.is_empty());
        assert_eq!(tx.try_send(tally.value(4)).unwrap_err().into_inner().number, 4);
        assert_eq!(assert_ready!(spawn(tx.send(tally.value(5))).poll()).unwrap_err().into_inner().number, 5);
        drop(tx);
        tally.check();
    }
}

/// Also if all of them panic: the first panic goes on, the others end where they are, the process lives.
#[test]
fn all_buffered_values_panic_when_the_last_receiver_goes() {
    let _watch = watch();
    for (tx, rx) in channels() {
        let tally = Tally::new();
        for n in 0..8 {
            tx.try_send(tally.bomb(n)).unwrap();
        }
        assert_eq!(panics(|| drop(rx)), "value 0 panics in drop");
        assert!(tx.is_closed() && tx.is_empty());
        tally.check();
    }
}

/// The same for values that were put back, with buffered ones behind them.
#[test]
fn all_values_put_back_panic_when_the_last_receiver_goes() {
    let _watch = watch();
    for (tx, rx) in channels() {
        let tally = Tally::new();
        let mut waiting = [(); 3].map(|()| spawn(rx.recv()));
        for task in &mut waiting {
            assert_pending!(task.poll());
        }
        for n in 0..6 {
            tx.try_send(tally.bomb(n)).unwrap();
        }
        drop(waiting); // gives back, drops nothing
        assert_eq!((tx.len(), tally.dropped(0)), (6, 0));
        assert_eq!(panics(|| drop(rx)), "value 0 panics in drop");
        assert!(tx.is_closed() && tx.is_empty());
        tally.check();
    }
}

#[test]
fn a_value_panics_in_a_queued_send_that_is_dropped() {
    let _watch = watch();
    let tally = Tally::new();
    let (tx, rx) = bounded(0);
    let mut bomb = Box::pin(tx.send(tally.bomb(0)));
    let cx = &mut Context::from_waker(Waker::noop());
    assert!(bomb.as_mut().poll(cx).is_pending());
    let mut next = spawn(tx.send(tally.value(1)));
    assert_pending!(next.poll());
    assert_eq!(panics(|| drop(bomb)), "value 0 panics in drop");
    assert_eq!(rx.try_recv().unwrap().number, 1);
    assert!(next.is_woken());
    assert!(assert_ready!(next.poll()).is_ok());
    drop(next);
    assert_eq!(panics(|| drop(tx.send(tally.bomb(2)))), "value 2 panics in drop"); // never polled
    check_usable(&tx, &rx, &tally);
    tally.check();
}

/// `send_from` drops nothing: the value goes home.
#[test]
fn a_send_from_that_is_dropped_does_not_drop_the_value() {
    let _watch = watch();
    let tally = Tally::new();
    let (tx, rx) = bounded(0);
    let mut place = Some(tally.bomb(0));
    assert_pending!(spawn(tx.send_from(&mut place)).poll());
    assert_eq!(tally.dropped(0), 0);
    panics(|| drop(place.take()));
    check_usable(&tx, &rx, &tally);
    tally.check();
}

/// A receive that is dropped with a value puts it back: its `Drop` does not run.
#[test]
fn a_receive_that_is_dropped_does_not_drop_the_value() {
    let _watch = watch();
    let tally = Tally::new();
    let (tx, rx) = bounded(0);
    let mut task = spawn(rx.recv());
    assert_pending!(task.poll());
    tx.try_send(tally.bomb(0)).unwrap();
    drop(task);
    assert_eq!(tally.dropped(0), 0);
    panics(|| drop(rx.try_recv()));
    check_usable(&tx, &rx, &tally);
    tally.check();
}

#[test]
fn a_value_panics_in_an_error() {
    let _watch = watch();
    let tally = Tally::new();
    let (tx, rx) = bounded(1);
    tx.try_send(tally.value(0)).unwrap();
    panics(|| drop(tx.try_send(tally.bomb(1)))); // full
    assert_eq!(drain(&rx), [0]);
    check_usable(&tx, &rx, &tally);
    let mut waiting = {
        tx.try_send(tally.value(2)).unwrap();
        spawn(Box::pin(tx.send(tally.bomb(3))))
    };
    assert_pending!(waiting.poll());
    rx.close();
    panics(|| drop(waiting.poll())); // told of close
    drop(waiting);
    panics(|| drop(tx.try_send(tally.bomb(4)))); // closed
    panics(|| drop(spawn(tx.send(tally.bomb(5))).poll()));
    assert_eq!(drain(&rx), [2]);
    assert_eq!(rx.try_recv().unwrap_err(), TryRecvError::Closed);
    tally.check();
}

/// A received value that the caller drops with a panic is the caller's affair, also in a stream and an iterator.
#[test]
fn a_received_value_panics() {
    let _watch = watch();
    let tally = Tally::new();
    let (tx, mut rx) = bounded(2);
    for n in 0..2 {
        tx.try_send(tally.bomb(2 * n)).unwrap();
        tx.try_send(tally.value(2 * n + 1)).unwrap();
        panics(|| if n == 0 { drop(rx.iter().next()) } else { drop(spawn(rx.next()).poll()) });
        assert_eq!(drain(&rx), [2 * n + 1]);
    }
    check_usable(&tx, &rx, &tally);
    tally.check();
}

/// A losing send arm drops its value before the body: if that panics, what the winner received is in its channel.
#[test]
fn a_value_panics_in_a_losing_arm() {
    let _watch = watch();
    for queued in [false, true] {
        let tally = Tally::new();
        let ((a, from_a), (b, from_b)) = (bounded(1), bounded(0));
        let mut task = spawn(Box::pin(async {
            select! {
                recv(from_a) -> value => number(value),
                send(b, tally.bomb(1)) -> _ => unreachable!(),
                send(b, tally.value(2)) -> _ => unreachable!(),
            }
        }));
        if queued {
            assert_pending!(task.poll());
        }
        a.try_send(tally.value(0)).unwrap();
        assert_eq!(panics(|| task.poll()), "value 1 panics in drop");
        drop(task);
        assert_eq!((tally.dropped(1), tally.dropped(2)), (1, 1));
        assert_eq!(drain(&from_a), [0], "received by nobody, so it is back");
        check_usable(&a, &from_a, &tally);
        check_usable(&b, &from_b, &tally);
        tally.check();
    }
}

/// What comes back from there keeps its turn (X1): behind what was handed out before it, though that comes back later.
/// By the first look, and by the look at all channels at once that `default` takes.
#[test]
fn what_a_losing_value_brings_back_keeps_its_turn() {
    let _watch = watch();
    for default in [false, true] {
        let tally = Tally::new();
        let ((a, from_a), (b, from_b)) = (bounded(1), bounded(0));
        let mut first = spawn(from_a.recv());
        assert_pending!(first.poll());
        a.try_send(tally.value(0)).unwrap(); // handed to `first`
        a.try_send(tally.value(1)).unwrap(); // buffered
        let message = panics(|| {
            let bomb = tally.bomb(2);
            if default {
                select! { send(b, bomb) -> _ => (), recv(from_a) -> _ => (), default => () }
            } else {
                assert_ready!(
                    spawn(async {
                        select! { send(b, bomb) -> _ => (), recv(from_a) -> _ => () }
                    })
                    .poll()
                )
            }
        });
        assert_eq!(message, "value 2 panics in drop");
        drop(first);
        assert_eq!(drain(&from_a), [0, 1], "default: {default}");
        check_usable(&a, &from_a, &tally);
        check_usable(&b, &from_b, &tally);
        tally.check();
    }
}

/// The same in a select that is dropped while it waits.
#[test]
fn a_value_panics_in_a_select_that_is_dropped() {
    let _watch = watch();
    let tally = Tally::new();
    let ((a, from_a), (b, from_b)) = (bounded(0), bounded(0));
    let mut place = Some(tally.value(2));
    let mut task = Box::pin(async {
        select! {
            recv(from_a) -> _ => (),
            send(b, tally.bomb(1)) -> _ => (),
            send_from(b, place) -> _ => (),
        }
    });
    assert!(task.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_pending());
    a.try_send(tally.value(0)).unwrap(); // it is won, and has a value
    assert_eq!(panics(|| drop(task)), "value 1 panics in drop");
    assert!(place.take().is_some());
    assert_eq!(drain(&from_a), [0]);
    check_usable(&a, &from_a, &tally);
    check_usable(&b, &from_b, &tally);
    tally.check();
}
