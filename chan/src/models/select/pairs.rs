//! The plain pairs with a select, without a buffer and with room for one: a select beside a send, a receive, a select.
use super::*;

/// A select that receives beside a send.
fn select_send(capacity: usize) {
    model(Some(3), move || {
        let values = Values::new();
        let [(a, from_a), (b, from_b)] = two_channels(capacity);
        let value = values.make(0);
        let sender = spawn(move || block_on(a.send(value)).unwrap());
        let got = block_on(async {
            select! {
                recv(from_b) -> value => number(value),
                recv(from_a) -> value => number(value),
            }
        });
        assert_eq!(got, Some(0));
        sender.join().unwrap();
        drop((b, from_a, from_b));
        values.check();
    });
}

#[test]
fn select_send_0() {
    select_send(0);
}

#[test]
fn select_send_1() {
    select_send(1);
}

/// A select that sends beside a receive: one value passes, the other one is in its place.
fn select_recv(capacity: usize) {
    model(Some(3), move || {
        let values = Values::new();
        let [(a, from_a), (b, from_b)] = two_channels(capacity);
        for (tx, n) in [(&a, 2), (&b, 3)].into_iter().take(2 * capacity) {
            tx.try_send(values.make(n)).ok().unwrap(); // full, so that it has to wait
        }
        let (mut x, mut y) = (Some(values.make(0)), Some(values.make(1)));
        let receiver = spawn(move || {
            if capacity == 1 {
                assert_eq!(number(block_on(from_a.recv())), Some(2));
            }
            (number(block_on(from_a.recv())), from_a)
        });
        block_on(async {
            select! {
                send_from(a, x) -> sent => sent.unwrap(),
                send_from(b, y) -> sent => sent.unwrap(),
            }
        });
        assert!(x.is_none() && y.is_some(), "only `a` is received from");
        let (got, from_a) = receiver.join().unwrap();
        assert_eq!(got, Some(0));
        drop((x, y, a, b, from_a, from_b));
        values.check();
    });
}

#[test]
fn select_recv_0() {
    select_recv(0);
}

#[test]
fn select_recv_1() {
    select_recv(1);
}

/// Two selects, each with a send to the other and a receive from it: what was sent was received, or is in a buffer.
#[test]
fn select_select_1() {
    model(Some(2), || {
        let values = Values::new();
        let [(a, from_a), (b, from_b)] = two_channels(1);
        let rest = [from_a.clone(), from_b.clone()];
        let exchange = |tx: Sender<Value>, rx: Receiver<Value>, value: Value| {
            move || {
                block_on(async {
                    select! {
                        send(tx, value) -> sent => { sent.unwrap(); None }
                        recv(rx) -> value => number(value),
                    }
                })
            }
        };
        let other = spawn(exchange(b, from_a, values.make(1)));
        let mine = exchange(a, from_b, values.make(0))();
        let theirs = other.join().unwrap();
        assert!(mine.is_none_or(|n| n == 1) && theirs.is_none_or(|n| n == 0), "from the other one");
        let left = rest.each_ref().map(|rx| number(rx.try_recv().ok()));
        let sent = usize::from(mine.is_none()) + usize::from(theirs.is_none());
        assert_eq!(sent, [mine, theirs, left[0], left[1]].into_iter().flatten().count());
        drop(rest);
        values.check();
    });
}

/// A select given up beside a close of one of its channels: who waits behind it learns of the close.
fn select_dropped_beside_close(capacity: usize) {
    model(Some(3), move || {
        let values = Values::new();
        let [(a, from_a), (_b, from_b)] = two_channels(capacity);
        let task = Task::waiting(async {
            select! {
                recv(from_a) -> value => number(value),
                recv(from_b) -> value => number(value),
            }
        });
        let mut behind = Task::waiting(from_a.recv());
        let closer = spawn(move || drop(a));
        drop(task);
        closer.join().unwrap();
        assert!(behind.rung());
        assert!(matches!(behind.poll(), Poll::Ready(None)));
        drop(behind);
        values.check();
    });
}

#[test]
fn select_dropped_beside_close_0() {
    select_dropped_beside_close(0);
}

#[test]
fn select_dropped_beside_close_1() {
    select_dropped_beside_close(1);
}
