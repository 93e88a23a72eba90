//! Models of the channel between two tasks. A block has two places here.
use super::*;
use crate::spsc::{self, Receiver, Sender};
use crate::{SendError, TryRecvError, TrySendError};

fn make(capacity: Option<usize>) -> (Sender<Value>, Receiver<Value>) {
    capacity.map_or_else(spsc::unbounded, spsc::bounded)
}

/// Three values through a channel, then the end: places and blocks are used again, both sides may wait.
fn send_recv(capacity: Option<usize>) {
    model(Some(4), move || {
        let values = Values::new();
        let (mut tx, mut rx) = make(capacity);
        let sent: Vec<_> = (0..3).map(|n| values.make(n)).collect();
        let sender = spawn(move || {
            for value in sent {
                block_on(tx.send(value)).unwrap();
            }
        });
        for n in 0..3 {
            assert_eq!(number(block_on(rx.recv())), Some(n));
        }
        assert_eq!(number(block_on(rx.recv())), None);
        assert_eq!(number(block_on(rx.recv())), None);
        sender.join().unwrap();
        drop(rx);
        values.check();
    });
}

#[test]
fn send_recv_1() {
    send_recv(Some(1));
}

#[test]
fn send_recv_2() {
    send_recv(Some(2));
}

#[test]
fn send_recv_unbounded() {
    send_recv(None);
}

/// A receive that waits is dropped beside a send: the value is in the channel, and a later receive has it.
#[test]
fn recv_dropped_beside_a_send() {
    model(None, || {
        let values = Values::new();
        let (mut tx, mut rx) = make(Some(1));
        let value = values.make(0);
        let dropped = Task::waiting(rx.recv());
        let sender = spawn(move || block_on(tx.send(value)).unwrap());
        drop(dropped);
        assert_eq!(number(block_on(rx.recv())), Some(0));
        assert_eq!(number(block_on(rx.recv())), None);
        sender.join().unwrap();
        drop(rx);
        values.check();
    });
}

/// A send that waits is dropped beside a receive: it was not sent, and a later send wakes and goes through.
#[test]
fn send_dropped_beside_a_recv() {
    model(None, || {
        let values = Values::new();
        let (mut tx, mut rx) = make(Some(1));
        let (first, lost, last) = (values.make(0), values.make(1), values.make(2));
        assert!(tx.try_send(first).is_ok());
        let dropped = Task::waiting(tx.send(lost));
        let receiver = spawn(move || {
            let got = [number(block_on(rx.recv())), number(block_on(rx.recv()))];
            (got, number(block_on(rx.recv())))
        });
        drop(dropped);
        block_on(tx.send(last)).unwrap();
        drop(tx);
        assert_eq!(receiver.join().unwrap(), ([Some(0), Some(2)], None));
        values.check();
    });
}

/// A wait that is polled again, with another waker, beside what it waits for: that waker is woken.
#[test]
fn recv_polled_with_another_waker() {
    model(None, || {
        let values = Values::new();
        let (mut tx, mut rx) = make(None);
        let value = values.make(0);
        let mut task = Task::waiting(rx.recv());
        let sender = spawn(move || {
            assert!(tx.try_send(value).is_ok());
            tx
        });
        let got = match task.poll() {
            Poll::Ready(value) => value,
            Poll::Pending => {
                let _tx = sender.join().unwrap();
                assert!(task.rung(), "nobody woke the waker of the last poll");
                let Poll::Ready(value) = task.poll() else { panic!("it was sent") };
                drop(task);
                drop(rx);
                assert_eq!(number(value), Some(0));
                return values.check();
            }
        };
        assert_eq!(number(got), Some(0));
        drop(task);
        sender.join().unwrap();
        drop(rx);
        values.check();
    });
}

/// Closed by the receiver beside sends: what was said to be sent arrives, the rest comes back, and nothing after the end.
fn close_beside_sends(capacity: Option<usize>) {
    model(Some(4), move || {
        let values = Values::new();
        let (mut tx, mut rx) = make(capacity);
        let all = [values.make(0), values.make(1), values.make(2)];
        let sender = spawn(move || {
            all.map(|value| match block_on(tx.send(value)) {
                Ok(()) => true,
                Err(SendError(value)) => {
                    drop(value);
                    assert!(tx.is_closed());
                    false
                }
            })
        });
        rx.close();
        let mut got = Vec::new();
        while let Some(value) = block_on(rx.recv()) {
            got.push(value.number);
        }
        let sent = sender.join().unwrap();
        assert!(matches!(rx.try_recv(), Err(TryRecvError::Closed)), "None is for ever");
        let said: Vec<_> = (0..3).filter(|&n| sent[n]).collect();
        assert_eq!(got, said);
        drop(rx);
        values.check();
    });
}

#[test]
fn close_beside_sends_1() {
    close_beside_sends(Some(1));
}

#[test]
fn close_beside_sends_unbounded() {
    close_beside_sends(None);
}

/// The sender closes and tries to go on beside a receiver that waits.
#[test]
fn closed_by_the_sender() {
    model(None, || {
        let values = Values::new();
        let (mut tx, mut rx) = make(Some(2));
        let (sent, refused) = (values.make(0), values.make(1));
        let sender = spawn(move || {
            assert!(tx.try_send(sent).is_ok());
            assert!(tx.close() && !tx.close());
            assert!(matches!(tx.try_send(refused), Err(TrySendError::Closed(_))));
        });
        assert_eq!(number(block_on(rx.recv())), Some(0));
        assert_eq!(number(block_on(rx.recv())), None);
        sender.join().unwrap();
        drop(rx);
        values.check();
    });
}

/// The receiver goes beside sends, of which one waits: each value is dropped once.
#[test]
fn receiver_dropped_beside_sends() {
    model(Some(4), || {
        let values = Values::new();
        let (mut tx, rx) = make(Some(2));
        let all = [values.make(0), values.make(1), values.make(2)];
        let sender = spawn(move || {
            let sent = all.map(|value| block_on(tx.send(value)).is_ok());
            assert!(!sent[2], "there is room for two");
        });
        drop(rx);
        sender.join().unwrap();
        values.check();
    });
}

/// Closed by the receiver, which takes nothing, beside a send that finds no room: it learns of it.
#[test]
fn close_beside_a_send_without_room() {
    model(None, || {
        let (mut tx, mut rx) = spsc::bounded(1);
        assert!(tx.try_send(0).is_ok());
        let sender = spawn(move || block_on(tx.send(1)));
        rx.close();
        assert_eq!(sender.join().unwrap(), Err(SendError(1)));
        assert_eq!(rx.try_recv(), Ok(0));
    });
}

/// As many values as it takes until a block is written again.
#[test]
fn a_block_that_goes_round() {
    model(Some(2), || {
        let (mut tx, mut rx) = spsc::unbounded();
        let sender = spawn(move || (0..5).for_each(|n| tx.try_send(n).unwrap()));
        for n in 0..5 {
            assert_eq!(block_on(rx.recv()), Some(n));
        }
        sender.join().unwrap();
    });
}

/// Go's memory model: a receive comes before the send that it made room for.
#[test]
fn room_follows_happens_before() {
    model(None, || {
        let (mut tx, mut rx) = spsc::bounded(1);
        tx.try_send(0).unwrap();
        let before = loom::sync::Arc::new(AtomicBool::new(false));
        let set = before.clone();
        let receiver = spawn(move || {
            set.store(true, Relaxed);
            rx.try_recv().unwrap();
            rx
        });
        if tx.try_send(1).is_ok() {
            assert!(before.load(Relaxed));
        }
        receiver.join().unwrap();
    });
}
