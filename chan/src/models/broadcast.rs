//! Models of broadcast channels. Loom sees each access to a value's memory; each value and each clone must be dropped once.
use super::{AtomicBool, Plain, Task, block_on, model, spawn, step};
use crate::broadcast;
use crate::broadcast::{Overflow, Receiver, RecvError, Sender, TryRecvError};
use dormouse_wait::prim::atomic::Ordering::*;
use std::sync::Arc;
use std::sync::atomic::AtomicIsize;
use std::task::Poll;

/// A value that counts itself. (Not loom's atomics: counting shall add no interleavings.)
struct Item {
    number: u8,
    alive: Alive,
    /// Each is dropped once.
    gone: Plain,
}

#[derive(Clone, Default)]
struct Alive(Arc<AtomicIsize>);

impl Alive {
    fn item(&self, number: u8) -> Item {
        self.0.fetch_add(1, SeqCst);
        Item { number, alive: self.clone(), gone: Plain::new(0) }
    }

    /// To be called when all receivers and futures are gone.
    fn check(&self) {
        assert_eq!(self.0.load(SeqCst), 0, "values that were not dropped, or twice");
    }
}

impl Clone for Item {
    fn clone(&self) -> Self {
        step(); // others may come while it is copied
        self.alive.item(self.number)
    }
}

impl Drop for Item {
    fn drop(&mut self) {
        let again = self.gone.swap(1, SeqCst) == 1;
        assert!(!again || std::thread::panicking(), "value {} was dropped twice", self.number);
        self.alive.0.fetch_sub(1, SeqCst);
    }
}

fn channel(capacity: usize, overflow: Overflow) -> (Alive, Sender<Item>, Receiver<Item>) {
    let (tx, rx) = broadcast(capacity, overflow);
    (Alive::default(), tx, rx)
}

fn recv(rx: &mut Receiver<Item>) -> Result<u8, RecvError> {
    block_on(rx.recv()).map(|item| item.number)
}

fn try_recv(rx: &mut Receiver<Item>) -> Result<u8, TryRecvError> {
    step();
    rx.try_recv().map(|item| item.number)
}

/// Two values from one thread to another, through one place.
#[test]
fn send_recv() {
    model(Some(3), || {
        let (alive, tx, mut rx) = channel(1, Overflow::Wait);
        let (a, b) = (alive.item(0), alive.item(1));
        let sender = spawn(move || {
            block_on(tx.send(a)).unwrap();
            block_on(tx.send(b)).unwrap();
        });
        assert_eq!((recv(&mut rx), recv(&mut rx), recv(&mut rx)), (Ok(0), Ok(1), Err(RecvError::Closed)));
        sender.join().unwrap();
        drop(rx);
        alive.check();
    });
}

/// Two receivers on one value: both have it, whoever is last; and a send that waits has its place at once, though one of
/// them may still copy.
#[test]
fn copy_beside_the_last_receiver() {
    model(Some(3), || {
        let (alive, tx, mut rx) = channel(1, Overflow::Wait);
        let mut other = tx.subscribe();
        tx.try_send(alive.item(0)).unwrap();
        let mut send = Task::waiting(tx.send(alive.item(1)));
        let receiver = spawn(move || {
            assert_eq!(try_recv(&mut other), Ok(0));
            other
        });
        assert_eq!(try_recv(&mut rx), Ok(0));
        let early = try_recv(&mut rx);
        let mut other = receiver.join().unwrap();
        assert!(send.rung() && matches!(send.poll(), Poll::Ready(Ok(()))));
        assert_eq!(early.or_else(|_| try_recv(&mut rx)), Ok(1));
        assert_eq!(try_recv(&mut other), Ok(1));
        drop(send);
        drop((rx, other, tx));
        alive.check();
    });
}

/// A value is overtaken while it is copied, or before, or not at all.
#[test]
fn copy_beside_overtaking() {
    model(Some(3), || {
        let (alive, tx, mut rx) = channel(1, Overflow::DropOldest);
        let mut other = tx.subscribe();
        tx.try_send(alive.item(0)).unwrap();
        let next = alive.item(1);
        let sender = spawn(move || {
            tx.try_send(next).unwrap();
            tx
        });
        let first = try_recv(&mut rx);
        let tx = sender.join().unwrap();
        match first {
            Ok(0) => assert_eq!(try_recv(&mut rx), Ok(1)),
            Err(TryRecvError::Lagged(1)) => assert_eq!(try_recv(&mut rx), Ok(1)),
            wrong => panic!("{wrong:?}"),
        }
        assert_eq!(try_recv(&mut other), Err(TryRecvError::Lagged(1)));
        assert_eq!(try_recv(&mut other), Ok(1));
        drop((tx, rx, other));
        alive.check();
    });
}

/// Two copy while the value is overtaken; the last of them gives it up.
#[test]
fn copy_beside_copy_and_overtaking() {
    model(Some(2), || {
        let (alive, tx, mut rx) = channel(1, Overflow::DropOldest);
        let mut other = tx.subscribe();
        let third = tx.subscribe();
        tx.try_send(alive.item(0)).unwrap();
        let receiver = spawn(move || {
            let first = try_recv(&mut other);
            assert!(matches!(first, Ok(0) | Err(TryRecvError::Lagged(1))));
            other
        });
        let next = alive.item(1);
        let sender = spawn(move || tx.try_send(next).unwrap());
        let first = try_recv(&mut rx);
        assert!(matches!(first, Ok(0) | Err(TryRecvError::Lagged(1))));
        sender.join().unwrap();
        let other = receiver.join().unwrap();
        drop((rx, other, third));
        alive.check();
    });
}

/// The slowest receiver goes beside a send that waits for it.
#[test]
fn send_beside_dropped_receiver() {
    model(Some(3), || {
        let (alive, tx, slow) = channel(1, Overflow::Wait);
        let mut rx = tx.subscribe();
        tx.try_send(alive.item(0)).unwrap();
        assert_eq!(try_recv(&mut rx), Ok(0));
        let value = alive.item(1);
        let sender = spawn(move || block_on(tx.send(value)).map_err(|error| error.is_no_receivers()));
        step();
        drop(slow);
        assert_eq!(sender.join().unwrap(), Ok(()));
        assert_eq!(try_recv(&mut rx), Ok(1));
        drop(rx);
        alive.check();
    });
}

/// The last receiver goes beside a send that waits: it is sent in time, and gone, or comes back.
#[test]
fn send_beside_dropped_last_receiver() {
    model(Some(3), || {
        let (alive, tx, rx) = channel(1, Overflow::Wait);
        tx.try_send(alive.item(0)).unwrap();
        let value = alive.item(1);
        let sender = spawn(move || {
            let sent = block_on(tx.send(value));
            assert!(sent.unwrap_err().is_no_receivers(), "there was no room before");
            assert!(tx.is_empty());
        });
        step();
        drop(rx);
        sender.join().unwrap();
        alive.check();
    });
}

/// Who subscribes sees all or the last or nothing of two values, and nothing twice.
#[test]
fn subscribe_beside_send() {
    model(None, || {
        let (alive, tx, mut rx) = channel(2, Overflow::Wait);
        let (a, b) = (alive.item(0), alive.item(1));
        let sender = spawn(move || {
            tx.try_send(a).unwrap();
            step();
            tx.try_send(b).unwrap();
        });
        step();
        let mut new = rx.resubscribe();
        let early = [try_recv(&mut new), try_recv(&mut new)];
        sender.join().unwrap();
        let mut seen: Vec<u8> = early.into_iter().flatten().collect();
        seen.extend(std::iter::from_fn(|| try_recv(&mut new).ok()));
        assert!([&[0, 1][..], &[1], &[]].contains(&&seen[..]), "{seen:?}");
        assert_eq!((try_recv(&mut rx), try_recv(&mut rx)), (Ok(0), Ok(1)));
        drop((rx, new));
        alive.check();
    });
}

/// A receiver is cloned while others receive the same values and one is overtaken.
#[test]
fn clone_beside_recv_and_overtaking() {
    model(Some(2), || {
        let (alive, tx, mut rx) = channel(2, Overflow::DropOldest);
        let mut other = tx.subscribe();
        tx.try_send(alive.item(0)).unwrap();
        tx.try_send(alive.item(1)).unwrap();
        let next = alive.item(2);
        let beside = spawn(move || {
            let first = try_recv(&mut other);
            assert_eq!(first, Ok(0));
            step();
            tx.try_send(next).unwrap();
        });
        step();
        let mut clone = rx.clone();
        beside.join().unwrap();
        for rx in [&mut rx, &mut clone] {
            assert_eq!(try_recv(rx), Err(TryRecvError::Lagged(1)));
            assert_eq!((try_recv(rx), try_recv(rx)), (Ok(1), Ok(2)));
        }
        drop((rx, clone));
        alive.check();
    });
}

/// A close beside a receive and a send that wait.
#[test]
fn close_beside_recv_and_send() {
    model(Some(2), || {
        let (alive, tx, slow) = channel(1, Overflow::Wait);
        let mut rx = slow.resubscribe();
        tx.try_send(alive.item(0)).unwrap();
        assert_eq!(try_recv(&mut rx), Ok(0));
        let receiver = spawn(move || recv(&mut rx));
        let (closer, value) = (tx.clone(), alive.item(1));
        let sender = spawn(move || block_on(tx.send(value)).map_err(|error| error.is_closed()));
        step();
        assert!(closer.close());
        assert_eq!(receiver.join().unwrap(), Err(RecvError::Closed));
        assert_eq!(sender.join().unwrap(), Err(true));
        drop(slow);
        alive.check();
    });
}

/// A send that waits is dropped while a receiver makes room: it was sent, or the next moves up.
#[test]
fn dropped_send_beside_recv() {
    model(None, || {
        let (alive, tx, mut rx) = channel(1, Overflow::Wait);
        tx.try_send(alive.item(0)).unwrap();
        let dropped = Task::waiting(tx.send(alive.item(1)));
        let mut next = Task::waiting(tx.send(alive.item(2)));
        let receiver = spawn(move || {
            assert_eq!(try_recv(&mut rx), Ok(0));
            rx
        });
        drop(dropped);
        let mut rx = receiver.join().unwrap();
        match try_recv(&mut rx) {
            Ok(1) => assert!(next.rung(), "room was made for it"),
            Ok(2) => assert!(next.rung(), "its value is gone, and it was not told"),
            wrong => panic!("{wrong:?}"),
        }
        assert!(matches!(next.poll(), Poll::Ready(Ok(()))));
        drop(next);
        drop((tx, rx));
        alive.check();
    });
}

/// A receive that waits is dropped beside a send: nothing is lost by that, and the other is woken.
#[test]
fn dropped_recv_beside_send() {
    model(Some(3), || {
        let (alive, tx, mut rx) = channel(1, Overflow::Wait);
        let mut other = tx.subscribe();
        let dropped = Task::waiting(rx.recv());
        let receiver = spawn(move || recv(&mut other));
        let value = alive.item(0);
        let sender = spawn(move || tx.try_send(value).unwrap());
        drop(dropped);
        assert_eq!(receiver.join().unwrap(), Ok(0));
        sender.join().unwrap();
        assert_eq!(try_recv(&mut rx), Ok(0));
        drop(rx);
        alive.check();
    });
}

/// X7: a receive, a send and a wait for the close that are polled from a second task wake that one.
#[test]
fn polled_with_another_waker() {
    model(None, || {
        let (alive, tx, mut rx) = channel(1, Overflow::Wait);
        let mut receive = Task::waiting(rx.recv());
        let (sender, value) = (tx.clone(), alive.item(0));
        let sender = spawn(move || sender.try_send(value).unwrap());
        let early = receive.poll();
        sender.join().unwrap();
        if early.is_pending() {
            assert!(receive.rung(), "the waker of the second poll was owed a wake-up");
            assert!(receive.poll().is_ready());
        }
        drop((early, receive));
        tx.try_send(alive.item(1)).unwrap();
        let mut send = Task::waiting(tx.send(alive.item(2)));
        let receiver = spawn(move || {
            assert_eq!(try_recv(&mut rx), Ok(1));
            rx
        });
        let early = send.poll();
        let rx = receiver.join().unwrap();
        if early.is_pending() {
            assert!(send.rung(), "the waker of the second poll was owed a wake-up");
            assert!(send.poll().is_ready());
        }
        drop((send, rx));
        alive.check();
    });
}

/// The wait for the close, and the last sender that a weak one may revive.
#[test]
fn closed_and_weak() {
    model(None, || {
        let (alive, tx, mut rx) = channel(1, Overflow::Wait);
        let weak = tx.downgrade();
        let value = alive.item(0);
        let reviver = spawn(move || {
            step();
            let Some(tx) = weak.upgrade() else { return false };
            tx.try_send(value).unwrap();
            assert!(!tx.is_closed(), "a sender is alive, and nobody has closed it");
            true
        });
        step();
        drop(tx);
        let revived = reviver.join().unwrap();
        let first = try_recv(&mut rx);
        assert_eq!(first, if revived { Ok(0) } else { Err(TryRecvError::Closed) });
        assert_eq!(try_recv(&mut rx), Err(TryRecvError::Closed));
        drop(rx);
        alive.check();
    });
    model(None, || {
        let (_, tx, _rx) = channel(1, Overflow::Wait);
        let closer = tx.clone();
        let waits = spawn(move || block_on(tx.closed()));
        step();
        assert!(closer.close());
        waits.join().unwrap();
    });
}

/// The hint: whoever knows that a value was sent, or the channel closed, finds it.
#[test]
fn hint_follows_happens_before() {
    model(None, || {
        let (alive, tx, mut rx) = channel(1, Overflow::Wait);
        let flag = loom::sync::Arc::new(AtomicBool::new(false));
        let (there, value) = (flag.clone(), alive.item(0));
        let sender = spawn(move || {
            tx.try_send(value).unwrap();
            drop(tx);
            // Ordering: Release pairs with the Acquire below.
            there.store(true, Release);
        });
        if flag.load(Acquire) {
            assert_eq!(try_recv(&mut rx), Ok(0));
            assert_eq!(try_recv(&mut rx), Err(TryRecvError::Closed));
        }
        sender.join().unwrap();
        drop(rx);
        alive.check();
    });
}
