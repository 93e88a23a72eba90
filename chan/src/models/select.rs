//! Models of `select!`: exactly one arm happens, nothing committed is lost, nobody is left asleep.
mod dynamic;
mod pairs;
mod snapshot;

use super::*;
use crate::select;

/// HELD: a foreign future that is ready in the poll in which a counterpart comes. Either it wins and nothing was
/// sent, or the value was sent and the future does not win.
#[test]
fn select_send_beside_a_ready_future() {
    model(None, || {
        let values = Values::new();
        let (tx, rx) = bounded(0);
        let flag = AtomicBool::new(false);
        let mut place = Some(values.make(0));
        let mut task = Task::waiting(async {
            select! {
                send_from(tx, place) -> sent => { sent.unwrap(); true }
                () = raised(&flag) => false,
            }
        });
        let receiver = spawn(move || number(rx.try_recv().ok()));
        flag.store(true, Release);
        let Poll::Ready(sent) = task.poll() else { panic!("an arm is ready") };
        drop(task);
        let received = receiver.join().unwrap();
        assert_eq!(received, sent.then_some(0), "sent is what was received");
        assert_eq!(place.is_some(), !sent, "kept is what was not sent");
        drop((place, tx));
        values.check();
    });
}

/// The same with a receive: a value that was sent is received by the select, or by who comes next.
#[test]
fn select_recv_beside_a_ready_future() {
    model(None, || {
        let values = Values::new();
        let (tx, rx) = bounded(0);
        let flag = AtomicBool::new(false);
        let mut task = Task::waiting(async {
            select! {
                recv(rx) -> value => number(value),
                () = raised(&flag) => None,
            }
        });
        let value = values.make(0);
        let sender = spawn(move || block_on(tx.send(value)).unwrap());
        flag.store(true, Release);
        let Poll::Ready(received) = task.poll() else { panic!("an arm is ready") };
        drop(task);
        if received.is_none() {
            assert_eq!(number(block_on(rx.recv())), Some(0));
        }
        sender.join().unwrap();
        drop(rx);
        values.check();
    });
}

/// The second look: who passes over a held select and goes to sleep is found before the select waits on.
#[test]
fn select_looks_again_before_it_waits_on() {
    model(None, || {
        let values = Values::new();
        let (tx, rx) = bounded(0);
        let never = AtomicBool::new(false);
        let mut task = Task::waiting(async {
            select! {
                recv(rx) -> value => number(value),
                () = raised(&never) => None,
            }
        });
        let value = values.make(0);
        let sender = spawn(move || block_on(tx.send(value)).unwrap());
        // The second poll holds the claim; the rest waits for the sender, or is waited for.
        match task.poll() {
            Poll::Ready(received) => assert_eq!(received, Some(0)),
            Poll::Pending => assert_eq!(block_on(task.future.as_mut()), Some(0)),
        }
        sender.join().unwrap();
        drop(task);
        drop(rx);
        values.check();
    });
}

/// The same for a send arm, a channel with room for one, and another waker at the second poll.
#[test]
fn select_send_looks_again() {
    model(None, || {
        let values = Values::new();
        let (tx, rx) = bounded(1);
        tx.try_send(values.make(0)).ok().unwrap();
        let mut place = Some(values.make(1));
        let never = AtomicBool::new(false);
        let mut task = Task::waiting(async {
            select! {
                send_from(tx, place) -> sent => sent.unwrap(),
                () = raised(&never) => unreachable!(),
            }
        });
        let receiver = spawn(move || [number(block_on(rx.recv())), number(block_on(rx.recv()))]);
        if task.poll().is_pending() {
            block_on(task.future.as_mut());
        }
        assert_eq!(receiver.join().unwrap(), [Some(0), Some(1)]);
        drop(task);
        drop((place, tx));
        values.check();
    });
}

/// Two selects on the same two channels: exactly one value passes, and both know which.
#[test]
fn select_against_select() {
    model(Some(2), || {
        let values = Values::new();
        let [(a, from_a), (b, from_b)] = two_channels(0);
        let (zero, one) = (values.make(0), values.make(1));
        // Some(n): received n; None: sent its own.
        let other = {
            let (b, from_a) = (b.clone(), from_a.clone());
            spawn(move || {
                block_on(async {
                    select! {
                        send(b, one) -> sent => { sent.unwrap(); None }
                        recv(from_a) -> value => number(value),
                    }
                })
            })
        };
        let mine = block_on(async {
            select! {
                send(a, zero) -> sent => { sent.unwrap(); None }
                recv(from_b) -> value => number(value),
            }
        });
        let theirs = other.join().unwrap();
        assert!(matches!((mine, theirs), (None, Some(0)) | (Some(1), None)), "{mine:?} {theirs:?}");
        drop((a, b, from_a, from_b));
        values.check();
    });
}

/// Two selects, each with both directions of one channel: they meet each other, and never themselves.
fn both_directions(capacity: usize) {
    model(Some(2), move || {
        let values = Values::new();
        let (tx, rx) = bounded(capacity);
        let exchange = |value: Value| {
            let (tx, rx) = (tx.clone(), rx.clone());
            move || {
                block_on(async {
                    select! {
                        send(tx, value) -> sent => { sent.unwrap(); None }
                        recv(rx) -> value => number(value),
                    }
                })
            }
        };
        let other = spawn(exchange(values.make(1)));
        let mine = exchange(values.make(0))();
        let theirs = other.join().unwrap();
        if capacity == 0 {
            assert!(matches!((mine, theirs), (None, Some(0)) | (Some(1), None)), "{mine:?} {theirs:?}");
        } else {
            let left = number(rx.try_recv().ok());
            let sent = usize::from(mine.is_none()) + usize::from(theirs.is_none());
            let received = mine.iter().len() + theirs.iter().len() + left.iter().len();
            assert_eq!(sent, received);
        }
        drop((tx, rx));
        values.check();
    });
}

#[test]
fn select_both_directions_0() {
    both_directions(0);
}

#[test]
fn select_both_directions_1() {
    both_directions(1);
}

/// X3, W9: a select is dropped while a counterpart wins its arm; the other receiver has the value in the end.
#[test]
fn select_dropped_beside_a_sender() {
    model(Some(3), || {
        let values = Values::new();
        let [(a, from_a), (_b, from_b)] = two_channels(0);
        let other = from_a.clone();
        let task = Task::waiting(async {
            select! {
                recv(from_a) -> value => number(value),
                recv(from_b) -> value => number(value),
            }
        });
        let (sender, value) = (a.clone(), values.make(0));
        let sender = spawn(move || block_on(sender.send(value)).unwrap());
        let receiver = spawn(move || number(block_on(other.recv())));
        drop(task);
        assert_eq!(receiver.join().unwrap(), Some(0));
        sender.join().unwrap();
        drop((a, from_a));
        values.check();
    });
}

/// The same with send arms: the value was received, or is in its place again; the other one always is.
#[test]
fn select_dropped_beside_a_receiver() {
    model(None, || {
        let values = Values::new();
        let [(a, from_a), (b, from_b)] = two_channels(0);
        let (mut x, mut y) = (Some(values.make(0)), Some(values.make(1)));
        let task = Task::waiting(async {
            select! {
                send_from(a, x) -> sent => sent.unwrap(),
                send_from(b, y) -> sent => sent.unwrap(),
            }
        });
        let receiver = spawn(move || number(from_a.try_recv().ok()));
        drop(task);
        let received = receiver.join().unwrap();
        assert_eq!(x.is_none(), received == Some(0), "received, or back, and not both");
        assert!(y.is_some());
        drop((x, y, a, b, from_b));
        values.check();
    });
}

/// Two counterparts race for one select: one arm happens, the other value stays with its sender.
#[test]
fn select_between_two_senders() {
    model(Some(2), || {
        let values = Values::new();
        let [(a, from_a), (b, from_b)] = two_channels(0);
        let (zero, one) = (values.make(0), values.make(1));
        let senders =
            [spawn(move || block_on(a.send(zero)).unwrap()), spawn(move || block_on(b.send(one)).unwrap())];
        let first = block_on(async {
            select! {
                recv(from_a) -> value => number(value),
                recv(from_b) -> value => number(value),
            }
        });
        let rest = if first == Some(0) { &from_b } else { &from_a };
        let second = number(block_on(rest.recv()));
        assert!(matches!((first, second), (Some(0), Some(1)) | (Some(1), Some(0))), "{first:?} {second:?}");
        for sender in senders {
            sender.join().unwrap();
        }
        drop((from_a, from_b));
        values.check();
    });
}

/// X7: a select that is polled with another waker wakes that one.
#[test]
fn select_polled_with_another_waker() {
    model(None, || {
        let values = Values::new();
        let [(tx, rx), (_other, idle)] = two_channels(0);
        let mut task = Task::waiting(async {
            select! {
                recv(rx) -> value => number(value),
                recv(idle) -> value => number(value),
            }
        });
        let value = values.make(0);
        let sender = spawn(move || block_on(tx.send(value)).unwrap());
        let received = match task.poll() {
            Poll::Ready(received) => received,
            Poll::Pending => {
                sender.join().unwrap();
                assert!(task.rung(), "the waker of the second poll was owed a wake-up");
                match task.poll() {
                    Poll::Ready(received) => received,
                    Poll::Pending => panic!("woken for nothing"),
                }
            }
        };
        assert_eq!(received, Some(0));
        drop(task);
        drop(rx);
        values.check();
    });
}

/// A select polled again with the waker it has takes the short way: it must see a win in full (W3).
#[test]
fn select_polled_with_the_same_waker() {
    model(None, || {
        let values = Values::new();
        let [(tx, rx), (_other, idle)] = two_channels(0);
        let mut task = Task::new(async {
            select! {
                recv(rx) -> value => number(value),
                recv(idle) -> value => number(value),
            }
        });
        let waker = Waker::from(task.bell.clone());
        let mut cx = Context::from_waker(&waker);
        assert!(task.future.as_mut().poll(&mut cx).is_pending());
        let value = values.make(0);
        let sender = spawn(move || tx.try_send(value).ok().unwrap());
        let early = task.future.as_mut().poll(&mut cx);
        sender.join().unwrap();
        let received = match early {
            Poll::Ready(received) => received,
            Poll::Pending => {
                assert!(task.rung());
                match task.future.as_mut().poll(&mut cx) {
                    Poll::Ready(received) => received,
                    Poll::Pending => panic!("woken for nothing"),
                }
            }
        };
        assert_eq!(received, Some(0));
        drop(task);
        drop(rx);
        values.check();
    });
}

/// `close` beside a waiting select.
#[test]
fn select_beside_close() {
    model(Some(3), || {
        let [(a, from_a), (_b, from_b)] = two_channels::<u8>(0);
        let closer = spawn(move || drop(a));
        let value = block_on(async {
            select! {
                recv(from_a) -> value => value,
                recv(from_b) -> value => value,
            }
        });
        assert_eq!(value, None);
        closer.join().unwrap();
    });
}

/// Who comes while the arms are being queued passes over those that are: it leaves a note, and is found.
#[test]
fn select_queues_beside_two_senders() {
    model(Some(3), || {
        let values = Values::new();
        let [(a, from_a), (b, from_b)] = two_channels(1);
        let (zero, one) = (values.make(0), values.make(1));
        let senders =
            [spawn(move || a.try_send(zero).ok().unwrap()), spawn(move || b.try_send(one).ok().unwrap())];
        let first = block_on(async {
            select! {
                recv(from_a) -> value => number(value),
                recv(from_b) -> value => number(value),
            }
        });
        for sender in senders {
            sender.join().unwrap();
        }
        let left = [number(from_a.try_recv().ok()), number(from_b.try_recv().ok())];
        assert!(
            matches!((first, left), (Some(0), [None, Some(1)]) | (Some(1), [Some(0), None])),
            "{first:?} {left:?}"
        );
        drop((from_a, from_b));
        values.check();
    });
}
