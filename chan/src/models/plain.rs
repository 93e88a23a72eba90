//! Models of sends, receives, close and drops.
use super::*;
use crate::{TryRecvError, unbounded};
use futures_core::Stream;

/// Two values from one thread to another, then the end.
fn send_recv(capacity: usize) {
    model(None, move || {
        let values = Values::new();
        let (tx, rx) = bounded(capacity);
        let (a, b) = (values.make(0), values.make(1));
        let sender = spawn(move || {
            block_on(tx.send(a)).unwrap();
            block_on(tx.send(b)).unwrap();
        });
        assert_eq!(number(block_on(rx.recv())), Some(0));
        assert_eq!(number(block_on(rx.recv())), Some(1));
        assert_eq!(number(block_on(rx.recv())), None);
        sender.join().unwrap();
        drop(rx);
        values.check();
    });
}

#[test]
fn send_recv_0() {
    send_recv(0);
}

#[test]
fn send_recv_1() {
    send_recv(1);
}

/// `close` beside a send: the value is in the channel if the send says Ok, else it comes back.
fn send_close(capacity: usize) {
    model(None, move || {
        let values = Values::new();
        let (tx, rx) = bounded(capacity);
        let value = values.make(0);
        let sender = spawn(move || block_on(tx.send(value)).map_err(|error| error.into_inner().number));
        rx.close();
        match sender.join().unwrap() {
            Ok(()) => assert_eq!(rx.try_recv().unwrap().number, 0),
            Err(back) => assert_eq!(back, 0),
        }
        assert_eq!(rx.try_recv().map(|_| ()), Err(TryRecvError::Closed));
        drop(rx);
        values.check();
    });
}

#[test]
fn send_close_0() {
    send_close(0);
}

#[test]
fn send_close_1() {
    send_close(1);
}

/// `close` beside waiting receivers: all learn of it.
fn recv_close(capacity: usize) {
    model(Some(3), move || {
        let (tx, rx) = bounded::<u8>(capacity);
        let other = rx.clone();
        let receivers = [spawn(move || block_on(rx.recv())), spawn(move || block_on(other.recv()))];
        tx.close();
        for receiver in receivers {
            assert_eq!(receiver.join().unwrap(), None);
        }
    });
}

#[test]
fn recv_close_0() {
    recv_close(0);
}

#[test]
fn recv_close_1() {
    recv_close(1);
}

fn two_senders(capacity: usize) {
    model(Some(3), move || {
        let values = Values::new();
        let (tx, rx) = bounded(capacity);
        let senders = [(tx.clone(), values.make(0)), (tx, values.make(1))]
            .map(|(tx, value)| spawn(move || block_on(tx.send(value)).unwrap()));
        let (first, second) = (number(block_on(rx.recv())), number(block_on(rx.recv())));
        assert!(matches!((first, second), (Some(0), Some(1)) | (Some(1), Some(0))), "{first:?} {second:?}");
        assert_eq!(number(block_on(rx.recv())), None);
        for sender in senders {
            sender.join().unwrap();
        }
        drop(rx);
        values.check();
    });
}

#[test]
fn two_senders_0() {
    two_senders(0);
}

#[test]
fn two_senders_1() {
    two_senders(1);
}

/// X1: a queued receive is dropped while a value comes; the other receiver has it in the end.
fn recv_dropped(capacity: usize) {
    model(Some(3), move || {
        let values = Values::new();
        let (tx, rx) = bounded(capacity);
        let other = rx.clone();
        let dropped = Task::waiting(rx.recv());
        let receiver = spawn(move || number(block_on(other.recv())));
        let (sender, value) = (tx.clone(), values.make(0));
        let sender = spawn(move || block_on(sender.send(value)).unwrap());
        drop(dropped);
        assert_eq!(receiver.join().unwrap(), Some(0));
        sender.join().unwrap();
        drop((tx, rx));
        values.check();
    });
}

#[test]
fn recv_dropped_0() {
    recv_dropped(0);
}

#[test]
fn recv_dropped_1() {
    recv_dropped(1);
}

/// X1 on a channel that closes meanwhile: whoever looks after all is quiet finds the value.
#[test]
fn recv_dropped_beside_close() {
    model(None, || {
        let values = Values::new();
        let (tx, rx) = bounded(0);
        let dropped = Task::waiting(rx.recv());
        let value = values.make(0);
        let sender = spawn(move || tx.try_send(value).is_ok());
        drop(dropped);
        let sent = sender.join().unwrap();
        assert_eq!(rx.try_recv().is_ok(), sent);
        assert_eq!(rx.try_recv().map(|_| ()), Err(TryRecvError::Closed));
        drop(rx);
        values.check();
    });
}

/// X1 twice: of two values whose receivers are dropped in two threads, the first sent is received first.
#[test]
fn two_recvs_dropped() {
    model(None, || {
        let values = Values::new();
        let (tx, rx) = bounded(0);
        let other = rx.clone();
        let mut pair = [Task::waiting(rx.recv()), Task::waiting(rx.recv())].map(Some);
        tx.try_send(values.make(0)).ok().unwrap();
        tx.try_send(values.make(1)).ok().unwrap();
        let got = loom::sync::Arc::new(AtomicUsize::new(9));
        let seen = got.clone();
        let thief = spawn(move || {
            if let Ok(value) = other.try_recv() {
                seen.store(value.number, Release);
            }
        });
        pair[1] = None;
        pair[0] = None;
        thief.join().unwrap();
        let mut rest = std::iter::from_fn(|| rx.try_recv().ok()).map(|value| value.number);
        match got.load(Acquire) {
            9 => assert!(rest.by_ref().eq([0, 1])),
            0 => assert!(rest.by_ref().eq([1])),
            _ => assert!(rest.by_ref().eq([0])),
        }
        drop(rest);
        drop(pair);
        drop((tx, rx));
        values.check();
    });
}

/// X2: a queued send is dropped while a receiver comes; the next sender moves up.
fn send_dropped(capacity: usize) {
    model(Some(3), move || {
        let values = Values::new();
        let (tx, rx) = bounded(capacity);
        for n in 0..capacity {
            tx.try_send(values.make(2 + n)).ok().unwrap();
        }
        let dropped = Task::waiting(tx.send(values.make(0)));
        let mut next = Task::waiting(tx.send(values.make(1)));
        let receiver = rx.clone();
        let receiver = spawn(move || {
            for n in 0..capacity {
                assert_eq!(receiver.try_recv().unwrap().number, 2 + n);
            }
            number(receiver.try_recv().ok())
        });
        drop(dropped);
        let got = receiver.join().unwrap().expect("a sender waited all the time");
        if got == 1 {
            assert!(next.rung(), "its value is gone, and it was not told");
        } else if !next.rung() {
            assert!(next.poll().is_pending());
            assert_eq!(rx.try_recv().unwrap().number, 1);
        }
        assert!(matches!(next.poll(), Poll::Ready(Ok(()))));
        drop(next);
        drop((tx, rx));
        values.check();
    });
}

#[test]
fn send_dropped_0() {
    send_dropped(0);
}

#[test]
fn send_dropped_1() {
    send_dropped(1);
}

/// X7: a receive that is polled from a second task wakes that one.
#[test]
fn recv_polled_with_another_waker() {
    model(None, || {
        let values = Values::new();
        let (tx, rx) = bounded(0);
        let mut receive = Task::waiting(rx.recv());
        let value = values.make(0);
        let sender = spawn(move || tx.try_send(value).ok().unwrap());
        let early = receive.poll();
        sender.join().unwrap();
        let value = match early {
            Poll::Ready(value) => value,
            Poll::Pending => {
                assert!(receive.rung(), "the waker of the second poll was owed a wake-up");
                match receive.poll() {
                    Poll::Ready(value) => value,
                    Poll::Pending => panic!("woken for nothing"),
                }
            }
        };
        assert_eq!(number(value), Some(0));
        drop(receive);
        drop(rx);
        values.check();
    });
}

/// The same for a send.
#[test]
fn send_polled_with_another_waker() {
    model(None, || {
        let values = Values::new();
        let (tx, rx) = bounded(0);
        let mut send = Task::waiting(tx.send(values.make(0)));
        let receiver = spawn(move || rx.try_recv().unwrap().number);
        let early = send.poll();
        assert_eq!(receiver.join().unwrap(), 0);
        if early.is_pending() {
            assert!(send.rung(), "the waker of the second poll was owed a wake-up");
            assert!(matches!(send.poll(), Poll::Ready(Ok(()))));
        }
        drop(send);
        drop(tx);
        values.check();
    });
}

/// What was sent before the last sender went is received before Closed is seen.
fn last_sender(capacity: Option<usize>) {
    model(None, move || {
        let values = Values::new();
        let (tx, rx) = capacity.map_or_else(unbounded, bounded);
        let value = values.make(0);
        let sender = spawn(move || {
            tx.try_send(value).ok().unwrap();
            drop(tx);
        });
        let mut received = 0;
        for _ in 0..3 {
            match rx.try_recv() {
                Ok(_) => received += 1,
                Err(TryRecvError::Empty) => {}
                Err(TryRecvError::Closed) => assert_eq!(received, 1, "Closed was seen before the value"),
            }
        }
        sender.join().unwrap();
        received += rx.try_recv().iter().len();
        assert_eq!(received, 1);
        assert_eq!(rx.try_recv().map(|_| ()), Err(TryRecvError::Closed));
        drop(rx);
        values.check();
    });
}

#[test]
fn last_sender_1() {
    last_sender(Some(1));
}

#[test]
fn last_sender_unbounded() {
    last_sender(None);
}

/// The hint: whoever knows that a value was sent finds it, and whoever knows that room was made finds it.
#[test]
fn hint_follows_happens_before() {
    model(None, || {
        let (tx, rx) = bounded(1);
        let sent = loom::sync::Arc::new(AtomicBool::new(false));
        let received = loom::sync::Arc::new(AtomicBool::new(false));
        let (there, back) = (sent.clone(), received.clone());
        let sender = spawn(move || {
            tx.try_send(0).unwrap();
            // Ordering: Release pairs with the Acquire below, and the other way round.
            there.store(true, Release);
            if back.load(Acquire) {
                tx.try_send(1).unwrap();
            }
        });
        if sent.load(Acquire) {
            assert_eq!(rx.try_recv(), Ok(0));
            received.store(true, Release);
        }
        sender.join().unwrap();
    });
}

/// The last receiver goes beside a send: the value is dropped or comes back.
fn abandon(capacity: usize) {
    model(None, move || {
        let values = Values::new();
        let (tx, rx) = bounded(capacity);
        let (a, b) = (values.make(0), values.make(1));
        let sender = spawn(move || {
            let first = block_on(tx.send(a)).is_ok();
            assert!(first || tx.is_closed());
            assert!(capacity > 0 || !first, "a rendezvous with nobody");
            let _ = tx.try_send(b);
            tx
        });
        drop(rx);
        let tx = sender.join().unwrap();
        assert_eq!(tx.len(), 0);
        values.check(); // while the sender lives: nothing is kept for nobody
    });
}

#[test]
fn abandon_0() {
    abandon(0);
}

#[test]
fn abandon_1() {
    abandon(1);
}

/// A stream's wait that was given up leaves the queue at the receiver's next operation, with its value.
#[test]
fn stream_left() {
    model(None, || {
        let values = Values::new();
        let (tx, mut rx) = bounded(0);
        let waker = Waker::from(Arc::new(Bell(AtomicUsize::new(0))));
        assert!(Pin::new(&mut rx).poll_next(&mut Context::from_waker(&waker)).is_pending());
        let value = values.make(0);
        let sender = spawn(move || block_on(tx.send(value)).unwrap());
        assert_eq!(number(block_on(rx.recv())), Some(0));
        sender.join().unwrap();
        drop(rx);
        values.check();
    });
}
