//! Models of the channel for one value. That each cell is freed, and once, loom's own check of leaks shows.
use super::*;
use crate::oneshot::{Receiver, Sender};
use crate::{TryRecvError, oneshot};

fn channel() -> (Sender<Value>, Receiver<Value>, Values) {
    let (tx, rx) = oneshot();
    (tx, rx, Values::new())
}

/// Sends beside `body`, which has the receiver. Gives what `body` gave, and whether it was sent.
fn beside_send<R>(
    prepare: impl FnOnce(&mut Sender<Value>, &mut Receiver<Value>),
    body: impl FnOnce(Receiver<Value>) -> R,
) -> (R, bool) {
    let (mut tx, mut rx, values) = channel();
    prepare(&mut tx, &mut rx);
    let value = values.make(0);
    let sender = spawn(move || {
        step();
        tx.send(value).map_err(|error| assert_eq!(error.into_inner().number, 0)).is_ok()
    });
    step();
    let result = body(rx);
    let sent = sender.join().unwrap();
    values.check();
    (result, sent)
}

/// The same beside a sender that is dropped.
fn beside_drop<R>(prepare: impl FnOnce(&mut Receiver<Value>), body: impl FnOnce(Receiver<Value>) -> R) -> R {
    let (tx, mut rx, _) = channel();
    prepare(&mut rx);
    let sender = spawn(move || {
        step();
        drop(tx);
    });
    step();
    let result = body(rx);
    sender.join().unwrap();
    result
}

/// One poll that has to wait.
fn wait<F: Future + Unpin>(future: F) {
    drop(Task::waiting(future));
}

#[test]
fn send_recv() {
    model(None, || {
        let (got, sent) = beside_send(|_, _| (), |rx| number(block_on(rx)));
        assert_eq!((got, sent), (Some(0), true));
    });
}

#[test]
fn drop_recv() {
    model(None, || assert!(beside_drop(|_| (), block_on).is_none()));
}

/// What was sent before the sender went is received before Closed is seen.
#[test]
fn try_recv_beside_send() {
    model(None, || {
        let tries = |mut rx: Receiver<Value>| {
            for _ in 0..2 {
                step();
                match rx.try_recv() {
                    Ok(value) => {
                        assert_eq!(rx.try_recv().map(number_of), Err(TryRecvError::Closed));
                        return Some(value.number);
                    }
                    Err(error) => assert_eq!(error, TryRecvError::Empty, "Closed was seen before the value"),
                }
            }
            number(block_on(rx))
        };
        assert_eq!(beside_send(|_, _| (), tries), (Some(0), true));
    });
}

fn number_of(value: Value) -> usize {
    value.number
}

#[test]
fn try_recv_beside_drop() {
    model(None, || {
        beside_drop(
            |_| (),
            |mut rx| {
                let error = rx.try_recv().map(number_of).unwrap_err();
                let none = block_on(&mut rx);
                assert!(none.is_none() && (error.is_empty() || error.is_closed()));
            },
        );
    });
}

/// The receiver is dropped beside a send: the value is dropped with it, or comes back.
#[test]
fn send_dropped_receiver() {
    model(None, || _ = beside_send(|_, _| (), drop));
}

/// A receiver that waits is dropped beside a send: nobody wakes what is freed.
#[test]
fn faern_87_a_waiting_receiver_is_dropped_beside_a_send() {
    model(None, || _ = beside_send(|_, rx| wait(rx), drop));
}

#[test]
fn dropped_both() {
    model(None, || {
        beside_drop(|_| (), drop);
        beside_drop(|rx| wait(rx), drop);
    });
}

/// `close` beside a send decides: sent and received, or given back. Waiting or not, and with one that waits for the close.
fn close_send(prepare: fn(&mut Sender<Value>, &mut Receiver<Value>)) {
    model(None, move || {
        let close = |mut rx: Receiver<Value>| {
            let closed = rx.close();
            assert!(!rx.close() && rx.is_closed());
            assert_eq!(rx.try_recv().is_ok(), !closed);
            closed
        };
        let (closed, sent) = beside_send(prepare, close);
        assert_eq!(closed, !sent);
    });
}

#[test]
fn close_send_plain() {
    close_send(|_, _| ());
}

#[test]
fn close_send_waiting() {
    close_send(|_, rx| wait(rx));
}

#[test]
fn close_send_after_a_forgotten_closed() {
    close_send(|tx, _| std::mem::forget(Task::waiting(tx.closed())));
}

/// A receiver that has waited closes and goes on to receive, while the sender sends.
#[test]
fn tokio_4226_close_then_receive_beside_a_send() {
    model(None, || {
        let close = |mut rx: Receiver<Value>| {
            let closed = rx.close();
            step();
            (closed, number(block_on(rx)))
        };
        let ((closed, got), sent) = beside_send(|_, rx| wait(rx), close);
        assert_eq!((closed, got), (!sent, sent.then_some(0)));
    });
}

/// X7: the waker of the latest poll is the one that is owed the wake-up.
fn polled_with_another_waker(sends: bool) {
    model(None, move || {
        let (tx, rx, values) = channel();
        let value = sends.then(|| values.make(0));
        let mut receive = Task::waiting(rx);
        let sender = spawn(move || {
            step();
            match value {
                Some(value) => tx.send(value).ok().unwrap(),
                None => drop(tx),
            }
        });
        let early = receive.poll();
        sender.join().unwrap();
        let got = match early {
            Poll::Ready(value) => value,
            Poll::Pending => {
                assert!(receive.rung(), "the waker of the second poll was owed a wake-up");
                let Poll::Ready(value) = receive.poll() else { panic!("woken for nothing") };
                value
            }
        };
        assert_eq!(number(got), sends.then_some(0));
        drop(receive);
        values.check();
    });
}

#[test]
fn polled_with_another_waker_beside_send() {
    polled_with_another_waker(true);
}

#[test]
fn polled_with_another_waker_beside_drop() {
    polled_with_another_waker(false);
}

/// `closed` beside the receiver's end by `end`; the sender then fails.
fn closed(end: fn(Receiver<Value>)) {
    model(None, move || {
        let (mut tx, rx, values) = channel();
        let receiver = spawn(move || {
            step();
            end(rx);
        });
        block_on(tx.closed());
        assert!(tx.is_closed());
        assert_eq!(tx.send(values.make(0)).unwrap_err().into_inner().number, 0);
        receiver.join().unwrap();
        values.check();
    });
}

#[test]
fn closed_beside_drop() {
    closed(drop);
}

#[test]
fn closed_beside_close() {
    closed(|mut rx| assert!(rx.close()));
}

/// The same where both wait, each for the other.
#[test]
fn closed_beside_the_drop_of_a_waiting_receiver() {
    closed(|mut rx| wait(&mut rx));
}

#[test]
fn closed_polled_with_another_waker() {
    model(None, || {
        let (mut tx, rx, _) = channel();
        let mut closed = Task::waiting(tx.closed());
        let receiver = spawn(move || {
            step();
            drop(rx);
        });
        let early = closed.poll();
        receiver.join().unwrap();
        if early.is_pending() {
            assert!(closed.rung(), "the waker of the second poll was owed a wake-up");
            assert!(closed.poll().is_ready());
        }
        drop(closed);
    });
}

/// `closed` is given up, and the value sent, beside the receiver's drop.
#[test]
fn closed_given_up_beside_drop() {
    model(None, || {
        let (mut tx, rx, values) = channel();
        let closed = Task::waiting(tx.closed());
        let receiver = spawn(move || {
            step();
            drop(rx);
        });
        drop(closed);
        drop(tx.send(values.make(0)));
        receiver.join().unwrap();
        values.check();
    });
}

/// A forgotten `closed` is in nobody's way: its waker is dropped or woken.
#[test]
fn closed_forgotten_beside_drop() {
    model(None, || {
        let forget = |tx: &mut Sender<Value>, rx: &mut Receiver<Value>| {
            std::mem::forget(Task::waiting(tx.closed()));
            wait(rx);
        };
        beside_send(forget, drop);
    });
}
