//! Models of places set aside, batches, and the wait for the close.
use super::*;
use crate::unbounded;

/// A permit sends beside a receive.
#[test]
fn permit_recv() {
    model(None, || {
        let values = Values::new();
        let (tx, rx) = bounded(1);
        let value = values.make(0);
        let sender = spawn(move || block_on(tx.reserve()).unwrap().send(value).ok().unwrap());
        assert_eq!(number(block_on(rx.recv())), Some(0));
        sender.join().unwrap();
        drop(rx);
        values.check();
    });
}

/// A permit is dropped beside a waiting send, which must have its place.
#[test]
fn permit_dropped_beside_a_send() {
    model(None, || {
        let values = Values::new();
        let (tx, rx) = bounded(1);
        let (other, value) = (tx.clone(), values.make(0));
        let permit = tx.try_reserve().unwrap();
        let sender = spawn(move || block_on(other.send(value)).unwrap());
        drop(permit);
        sender.join().unwrap();
        assert_eq!(rx.try_recv().unwrap().number, 0);
        drop((tx, rx));
        values.check();
    });
}

/// A reservation is dropped, waiting or with its place, while a receive makes room: the send behind it goes on.
#[test]
fn reservation_dropped_beside_a_recv() {
    model(Some(3), || {
        let values = Values::new();
        let (tx, rx) = bounded(1);
        tx.try_send(values.make(0)).ok().unwrap();
        let dropped = Task::waiting(tx.reserve());
        let mut send = Task::waiting(tx.send(values.make(1)));
        let receiver = spawn(move || {
            assert_eq!(number(block_on(rx.recv())), Some(0));
            assert_eq!(number(block_on(rx.recv())), Some(1));
        });
        drop(dropped);
        receiver.join().unwrap();
        assert!(send.rung());
        assert!(send.poll().is_ready());
        drop(send);
        drop(tx);
        values.check();
    });
}

/// `close` beside a reservation and the send of its permit: the value is in the channel, or comes back.
#[test]
fn permit_close() {
    model(None, || {
        let values = Values::new();
        let (tx, rx) = bounded(1);
        let value = values.make(0);
        let sender = spawn(move || match block_on(tx.reserve()) {
            Ok(permit) => permit.send(value).is_ok(),
            Err(_) => false,
        });
        rx.close();
        assert_eq!(sender.join().unwrap(), rx.try_recv().is_ok());
        drop(rx);
        values.check();
    });
}

/// The last receiver goes, and its buffer with it, beside a permit that comes back and one that sends.
#[test]
fn permits_beside_the_last_receiver() {
    model(None, || {
        let values = Values::new();
        let (tx, rx) = bounded(2);
        let (one, other) = (tx.try_reserve().unwrap(), tx.try_reserve().unwrap());
        let last = spawn(move || drop(rx));
        drop(one);
        let _ = other.send(values.make(0));
        last.join().unwrap();
        assert!(tx.try_send(values.make(1)).is_err());
        drop(tx);
        values.check();
    });
}

/// A batch beside two senders, of which one has to wait.
#[test]
fn recv_many_lets_the_next_move_up() {
    model(Some(3), || {
        let values = Values::new();
        let (tx, rx) = bounded(1);
        let (a, b) = (values.make(0), values.make(1));
        let sender = spawn(move || {
            block_on(tx.send(a)).unwrap();
            block_on(tx.send(b)).unwrap();
        });
        let mut into = Vec::new();
        while into.len() < 2 {
            assert!(block_on(rx.recv_many(&mut into, 2)) > 0);
        }
        assert_eq!([into[0].number, into[1].number], [0, 1]);
        sender.join().unwrap();
        drop((into, rx));
        values.check();
    });
}

/// Who waits for the close learns of it, from the last drop too.
#[test]
fn closed_beside_the_last_drop() {
    model(None, || {
        let (tx, rx) = unbounded::<u8>();
        let waiter = spawn(move || block_on(tx.closed()));
        drop(rx);
        waiter.join().unwrap();
    });
}

/// A weak sender is upgraded beside the last drop: either there is a sender and its value arrives, or there is none.
#[test]
fn upgrade_beside_the_last_drop() {
    model(None, || {
        let values = Values::new();
        let (tx, rx) = bounded(1);
        let (weak, value) = (tx.downgrade(), values.make(0));
        let last = spawn(move || drop(tx));
        let sent = weak.upgrade().is_some_and(|tx| tx.try_send(value).is_ok());
        last.join().unwrap();
        assert_eq!(number(block_on(rx.recv())), sent.then_some(0));
        assert_eq!(number(block_on(rx.recv())), None);
        drop((weak, rx));
        values.check();
    });
}
