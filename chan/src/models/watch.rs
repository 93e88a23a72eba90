//! Models of the channel for the latest value. The value is a cell whose accesses loom checks.
use super::*;
use crate::watch;
use crate::watch::{Receiver, Sender};
use dormouse_wait::prim::UnsafeCell;

/// A value that is written by whoever may change it, and read by whoever looks at it.
struct Cell(UnsafeCell<usize>);

// SAFETY: the channel's rules say who touches it when; that is what is checked.
unsafe impl Sync for Cell {}

fn cell(number: usize) -> Cell {
    Cell(UnsafeCell::new(number))
}

impl Cell {
    fn get(&self) -> usize {
        self.0.with(|number| {
            // SAFETY: checked by loom.
            unsafe { *number }
        })
    }

    fn set(&mut self, to: usize) {
        self.write(to);
    }

    fn write(&self, to: usize) {
        self.0.with_mut(|number| {
            // SAFETY: checked by loom.
            unsafe { *number = to }
        });
    }
}

fn channel() -> (Sender<Cell>, Receiver<Cell>) {
    watch(cell(0))
}

fn latest(rx: &Receiver<Cell>) -> usize {
    step();
    rx.borrow().get()
}

/// Whoever waits for a change learns of it, and finds it; then of the end.
fn send_changed(send: fn(&Sender<Cell>)) {
    model(None, move || {
        let (tx, mut rx) = channel();
        let sender = spawn(move || {
            step();
            send(&tx);
            step();
        });
        assert_eq!(block_on(rx.changed()), Ok(()));
        assert_eq!(latest(&rx), 1);
        assert!(block_on(rx.changed()).is_err());
        sender.join().unwrap();
    });
}

#[test]
fn send_changed_by_send() {
    send_changed(|tx| tx.send(cell(1)).ok().unwrap());
}

#[test]
fn send_changed_by_replace() {
    send_changed(|tx| assert_eq!(tx.send_replace(cell(1)).get(), 0));
}

#[test]
fn send_changed_by_modify() {
    send_changed(|tx| tx.send_modify(|value| value.set(1)));
}

/// Two receivers race for nothing: each learns of it.
#[test]
fn send_changed_twice() {
    model(Some(2), || {
        let (tx, mut rx) = channel();
        let mut other = rx.clone();
        let receiver = spawn(move || {
            assert_eq!(block_on(other.changed()), Ok(()));
            assert_eq!(latest(&other), 1);
        });
        let sender = spawn(move || {
            step();
            tx.send(cell(1)).ok().unwrap();
        });
        assert_eq!(block_on(rx.changed()), Ok(()));
        receiver.join().unwrap();
        sender.join().unwrap();
    });
}

/// A wait that is dropped beside a change leaves it to the next wait.
#[test]
fn changed_dropped_beside_send() {
    model(None, || {
        let (tx, mut rx) = channel();
        let dropped = Task::waiting(rx.changed());
        let sender = spawn(move || {
            step();
            tx.send(cell(1)).ok().unwrap();
            tx // the end of it is no matter here
        });
        drop(dropped);
        assert_eq!(block_on(rx.changed()), Ok(()));
        sender.join().unwrap();
    });
}

/// X7: the waker of the latest poll is owed the wake-up.
#[test]
fn changed_polled_with_another_waker() {
    model(None, || {
        let (tx, mut rx) = channel();
        let mut changed = Task::waiting(rx.changed());
        let sender = spawn(move || {
            step();
            tx.send(cell(1)).ok().unwrap();
            tx
        });
        let early = changed.poll();
        sender.join().unwrap();
        if early.is_pending() {
            assert!(changed.rung(), "the waker of the second poll was owed a wake-up");
            assert!(changed.poll().is_ready());
        }
    });
}

/// The value and its version fit: who has seen the latest version has seen the latest value.
#[test]
fn borrow_beside_send() {
    model(None, || {
        let (tx, mut rx) = channel();
        let sender = spawn(move || {
            tx.send(cell(1)).ok().unwrap();
            tx
        });
        step();
        let (seen, changed) = {
            let value = rx.borrow_and_update();
            (value.get(), value.has_changed())
        };
        assert_eq!(changed, seen == 1);
        let tx = sender.join().unwrap();
        assert_eq!(rx.has_changed(), Ok(seen == 0));
        assert_eq!(latest(&rx), 1);
        drop(tx);
    });
}

/// A look at a value is a look at one value, whatever is sent meanwhile; nobody waits for it but who needs the old value.
fn ref_beside(send: fn(&Sender<Cell>)) {
    model(None, move || {
        let (tx, rx) = channel();
        let sender = spawn(move || {
            send(&tx);
            tx
        });
        step();
        {
            let value = rx.borrow();
            let first = value.get();
            step();
            assert_eq!(value.get(), first);
        }
        drop(sender.join().unwrap());
        assert_eq!(latest(&rx), 1);
    });
}

#[test]
fn ref_beside_send() {
    ref_beside(|tx| tx.send(cell(1)).ok().unwrap());
}

#[test]
fn ref_beside_replace() {
    ref_beside(|tx| {
        let mut old = tx.send_replace(cell(1));
        old.set(5); // it is this thread's alone
    });
}

#[test]
fn modify_beside_borrow() {
    ref_beside(|tx| tx.send_modify(|value| value.set(1)));
}

#[test]
fn modify_beside_modify() {
    model(None, || {
        let (tx, mut rx) = channel();
        let add = |tx: Sender<Cell>| {
            step();
            tx.send_modify(|value| value.set(value.get() + 1));
        };
        let other = tx.clone();
        let sender = spawn(move || add(other));
        add(tx);
        sender.join().unwrap();
        assert_eq!(rx.borrow_and_update().get(), 2);
    });
}

#[test]
fn modify_beside_send() {
    model(None, || {
        let (tx, rx) = channel();
        let other = tx.clone();
        let sender = spawn(move || {
            step();
            other.send_modify(|value| value.set(value.get() + 1));
        });
        step();
        tx.send(cell(5)).ok().unwrap();
        sender.join().unwrap();
        assert!(matches!(latest(&rx), 5 | 6));
    });
}

/// A new receiver has seen what it finds; what it does not find is a change.
#[test]
fn subscribe_beside_send() {
    model(None, || {
        let (tx, rx) = channel();
        let other = tx.clone();
        let sender = spawn(move || {
            step();
            other.send(cell(1)).ok().unwrap();
        });
        step();
        let new = tx.subscribe();
        let seen = new.borrow().has_changed();
        sender.join().unwrap();
        assert_eq!(latest(&new), 1);
        assert!(!seen || new.borrow().has_changed(), "it has forgotten a change");
        let changed = new.has_changed().unwrap();
        drop((rx, tx));
        let mut new = new;
        assert_eq!(block_on(new.changed()).is_ok(), changed);
    });
}

/// The last of two senders goes: who waits learns of it.
#[test]
fn last_sender_changed() {
    model(None, || {
        let (tx, mut rx) = channel();
        let other = tx.clone();
        let sender = spawn(move || {
            step();
            drop(other);
        });
        let mut changed = Task::waiting(rx.changed());
        step();
        drop(tx);
        sender.join().unwrap();
        assert!(changed.rung());
        assert!(matches!(changed.poll(), Poll::Ready(Err(_))));
    });
}

#[test]
fn last_sender_beside_changed() {
    model(None, || {
        let (tx, mut rx) = channel();
        let sender = spawn(move || {
            step();
            drop(tx);
        });
        assert!(block_on(rx.changed()).is_err());
        sender.join().unwrap();
    });
}

/// The last of two receivers goes: who waits for that learns of it, and a send fails.
#[test]
fn last_receiver_closed() {
    model(Some(3), || {
        let (tx, rx) = channel();
        let other = rx.clone();
        let receiver = spawn(move || {
            step();
            drop(other);
        });
        let waiting = tx.clone();
        let waiter = spawn(move || block_on(waiting.closed()));
        step();
        drop(rx);
        waiter.join().unwrap();
        assert_eq!(tx.send(cell(1)).unwrap_err().into_inner().get(), 1);
        receiver.join().unwrap();
    });
}

/// The last receiver goes beside a send: the value stays or comes back.
#[test]
fn last_receiver_beside_send() {
    model(None, || {
        let (tx, rx) = channel();
        let receiver = spawn(move || {
            step();
            drop(rx);
        });
        step();
        let sent = tx.send(cell(1)).is_ok();
        receiver.join().unwrap();
        assert_eq!(tx.borrow().get(), usize::from(sent));
        assert!(tx.send(cell(2)).is_err());
    });
}

/// A receiver comes as the last one goes: `closed` ends now or with the new one.
#[test]
fn subscribe_beside_closed() {
    model(Some(2), || {
        let (tx, rx) = channel();
        let receiver = spawn(move || {
            step();
            drop(rx);
        });
        let waiting = tx.clone();
        let waiter = spawn(move || block_on(waiting.closed()));
        step();
        drop(tx.subscribe());
        waiter.join().unwrap();
        receiver.join().unwrap();
    });
}

/// What came before a send, and before the end of either side, is seen by whoever learns of it.
#[test]
fn whoever_learns_of_it_sees_what_came_before() {
    model(None, || {
        let (tx, rx) = channel();
        let before = Arc::new([cell(0), cell(0)]);
        let there = before.clone();
        let sender = spawn(move || {
            there[0].write(1);
            tx.send(cell(1)).ok().unwrap();
            step();
            there[1].write(1);
            drop(tx);
        });
        step();
        let changed = rx.has_changed();
        assert!(changed == Ok(false) || before[0].get() == 1);
        assert!(changed.is_ok() || before[1].get() == 1);
        sender.join().unwrap();
    });
    model(None, || {
        let (tx, rx) = channel();
        let before = Arc::new(cell(0));
        let there = before.clone();
        let receiver = spawn(move || {
            there.write(1);
            drop(rx);
        });
        step();
        assert!(!tx.is_closed() || before.get() == 1);
        receiver.join().unwrap();
    });
}
