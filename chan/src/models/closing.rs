//! Models of a wait that is dropped beside a close: it takes its value with it or gives it back, once, and who waits behind
//! it learns of the close.
use super::*;
use crate::{SendError, TryRecvError};

/// Who learns of the close, woken or not, finds it in every other way too.
#[test]
fn close_is_known_before_its_waiters_are_told() {
    model(None, || {
        let (tx, rx) = bounded::<u8>(1);
        let mut recv = Task::waiting(rx.recv());
        let closer = spawn(move || drop(tx));
        if recv.poll().is_ready() {
            step();
            assert_eq!(rx.try_recv(), Err(TryRecvError::Closed));
        }
        closer.join().unwrap();
    });
}

/// X2: a send.
fn send_dropped_beside_close(capacity: usize) {
    model(None, move || {
        let values = Values::new();
        let (tx, rx) = bounded(capacity);
        for n in 0..capacity {
            tx.try_send(values.make(2 + n)).ok().unwrap();
        }
        let mut place = Some(values.make(0));
        let dropped = Task::waiting(tx.send_from(&mut place));
        let mut behind = Task::waiting(tx.send(values.make(1)));
        let closer = spawn(move || {
            rx.close();
            rx
        });
        drop(dropped);
        let rx = closer.join().unwrap();
        assert_eq!(number(place), Some(0), "not sent, so it is back");
        assert!(behind.rung());
        assert!(matches!(behind.poll(), Poll::Ready(Err(SendError(back))) if back.number == 1));
        assert_eq!(rx.drain().count(), capacity);
        drop((behind, rx));
        drop(tx);
        values.check();
    });
}

#[test]
fn send_dropped_beside_close_0() {
    send_dropped_beside_close(0);
}

#[test]
fn send_dropped_beside_close_1() {
    send_dropped_beside_close(1);
}

/// A receive that stands before another one. (With a value on its way: `recv_dropped_beside_close`.)
#[test]
fn waiting_recv_dropped_beside_close() {
    model(None, || {
        let (tx, rx) = bounded::<u8>(1);
        let dropped = Task::waiting(rx.recv());
        let mut behind = Task::waiting(rx.recv());
        let closer = spawn(move || drop(tx));
        drop(dropped);
        closer.join().unwrap();
        assert!(behind.rung());
        assert!(matches!(behind.poll(), Poll::Ready(None)));
    });
}

/// A permit, and a reservation that waits for its place.
#[test]
fn permit_dropped_beside_close() {
    model(None, || {
        let (tx, rx) = bounded::<u8>(1);
        let permit = tx.try_reserve().unwrap();
        let dropped = Task::waiting(tx.reserve());
        let mut behind = Task::waiting(tx.reserve());
        let closer = spawn(move || {
            rx.close();
            rx
        });
        drop(dropped);
        drop(permit); // its place is `behind`'s, unless the close was first
        let rx = closer.join().unwrap();
        assert!(behind.rung());
        match behind.poll() {
            Poll::Ready(Ok(permit)) => assert!(permit.send(1).is_err(), "it is closed by now"),
            Poll::Ready(Err(_)) => {}
            Poll::Pending => panic!("woken for nothing"),
        }
        assert_eq!(rx.try_recv(), Err(TryRecvError::Closed));
    });
}

/// A wait for the close itself.
#[test]
fn closed_dropped_beside_close() {
    model(None, || {
        let (tx, rx) = bounded::<u8>(1);
        let dropped = Task::waiting(tx.closed());
        let mut behind = Task::waiting(tx.closed());
        let closer = spawn(move || drop(rx));
        drop(dropped);
        closer.join().unwrap();
        assert!(behind.rung());
        assert!(behind.poll().is_ready());
    });
}

/// No barging: a thread that tries and tries takes nothing that a receive waits for.
fn no_barging(capacity: usize) {
    model(None, move || {
        let values = Values::new();
        let (tx, rx) = bounded(capacity);
        let mut first = Task::waiting(rx.recv());
        let value = values.make(0);
        let sender = spawn(move || {
            tx.try_send(value).ok().unwrap();
            tx
        });
        for _ in 0..2 {
            step();
            assert!(rx.try_recv().is_err(), "it is the first one's");
        }
        let tx = sender.join().unwrap();
        assert!(first.rung());
        assert!(matches!(first.poll(), Poll::Ready(Some(value)) if value.number == 0));
        drop(first);
        drop((tx, rx));
        values.check();
    });
}

#[test]
fn no_barging_0() {
    no_barging(0);
}

#[test]
fn no_barging_1() {
    no_barging(1);
}
