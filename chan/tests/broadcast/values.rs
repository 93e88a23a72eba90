//! What becomes of the values: moved, cloned and dropped at the right times, without the lock, whatever they do then.
use crate::kit::{Items, POLICIES, drain};
use dormouse_chan::broadcast;
use dormouse_chan::broadcast::{Overflow, TryRecvError};
use dormouse_testing::{panics, watch};
use std::cell::Cell;
use std::rc::Rc;
use std::sync::{Arc, Mutex};
use tokio_test::task::spawn;
use tokio_test::{assert_pending, assert_ready};

#[test]
fn the_last_receiver_gets_the_value_itself() {
    let _watch = watch();
    for receivers in 1..=4 {
        let items = Items::default();
        let (tx, rx) = broadcast(3, Overflow::Wait);
        let mut all: Vec<_> = (1..receivers).map(|_| tx.subscribe()).chain([rx]).collect();
        for n in 0..10 {
            tx.try_send(items.item(n)).unwrap();
            for rx in &mut all {
                assert_eq!(rx.try_recv().unwrap().number, n);
            }
            assert_eq!(items.alive(), 0, "nothing is kept of a value that all have received");
        }
        assert_eq!(items.clones(), 10 * (receivers - 1));
    }
}

#[test]
fn values_of_every_shape_pass() {
    let _watch = watch();
    let (tx, mut rx) = broadcast(2, Overflow::Wait);
    let mut other = tx.subscribe();
    tx.try_send(()).unwrap();
    assert_eq!((rx.try_recv(), other.try_recv()), (Ok(()), Ok(())));
    let (tx, mut rx) = broadcast(1, Overflow::DropOldest);
    let mut other = tx.subscribe();
    tx.try_send([7u64; 100]).unwrap();
    assert_eq!((rx.try_recv(), other.try_recv()), (Ok([7; 100]), Ok([7; 100])));
    #[derive(Clone, Debug, PartialEq)]
    #[repr(align(128))]
    struct Aligned(u8);
    let (tx, mut rx) = broadcast(3, Overflow::Error);
    let mut other = tx.subscribe();
    tx.try_send(Aligned(3)).unwrap();
    assert_eq!((rx.try_recv(), other.try_recv()), (Ok(Aligned(3)), Ok(Aligned(3))));
    // On one thread a value need be neither Send nor Sync.
    let (tx, mut rx) = broadcast(3, Overflow::Wait);
    let mut other = tx.subscribe();
    let value = Rc::new(Cell::new(1));
    tx.try_send(value.clone()).unwrap();
    rx.try_recv().unwrap().set(2);
    assert_eq!(other.try_recv().unwrap().get(), 2);
    assert_eq!(Rc::strong_count(&value), 1);
}

#[test]
fn a_clone_that_panics_loses_the_value_for_nobody_else() {
    let _watch = watch();
    let items = Items::default();
    let (tx, mut a) = broadcast(2, Overflow::Wait);
    let (mut b, mut c) = (tx.subscribe(), tx.subscribe());
    tx.try_send(items.item(0)).unwrap();
    tx.try_send(items.item(1)).unwrap();
    let mut send = spawn(tx.send(items.item(2)));
    assert_pending!(send.poll());
    items.on_clone(|number| panic!("clone {number} panics"));
    assert_eq!(panics(|| a.try_recv()), "clone 0 panics");
    {
        let mut recv = spawn(b.recv());
        assert_eq!(panics(|| recv.poll()), "clone 0 panics");
        // It was not done, and goes on with the next value.
        assert_eq!(panics(|| recv.poll()), "clone 1 panics");
    }
    assert_eq!(c.try_recv().unwrap().number, 0);
    items.quiet();
    assert!(send.is_woken());
    assert!(assert_ready!(send.poll()).is_ok());
    drop(send);
    assert_eq!((drain(&mut a), drain(&mut b), drain(&mut c)), (vec![1, 2], vec![2], vec![1, 2]));
    assert_eq!((items.alive(), tx.len()), (0, 0));
}

/// The value is overtaken by sends that its own clone makes: the copy is whole, and the value goes with the last who copies.
#[test]
fn a_value_that_is_overtaken_while_it_is_copied() {
    let _watch = watch();
    let items = Items::default();
    let (tx, mut a) = broadcast(1, Overflow::DropOldest);
    let mut b = tx.subscribe();
    tx.try_send(items.item(0)).unwrap();
    let (sender, maker) = (tx.clone(), items.clone());
    let alive = Arc::new(Mutex::new(Vec::new()));
    let seen = alive.clone();
    items.on_clone(move |number| {
        for n in 1..=3 {
            sender.try_send(maker.item(10 * number + n)).unwrap();
            seen.lock().unwrap().push(maker.alive());
        }
    });
    assert_eq!(a.try_recv().unwrap().number, 0);
    items.quiet();
    assert_eq!(*alive.lock().unwrap(), [2, 2, 2], "the one that is copied, and the newest");
    assert_eq!(items.alive(), 1);
    for rx in [&mut a, &mut b] {
        assert!(matches!(rx.try_recv(), Err(TryRecvError::Lagged(_))));
        assert_eq!(drain(rx), [3]);
    }
    assert_eq!(items.alive(), 0);
}

/// Both copy at the same time, one inside the other; whoever is last gives the value up.
#[test]
fn a_value_whose_last_receiver_comes_while_others_copy() {
    let _watch = watch();
    for overflow in POLICIES {
        let items = Items::default();
        let (tx, mut a) = broadcast(1, overflow);
        let mut b = tx.subscribe();
        tx.try_send(items.item(0)).unwrap();
        let (sender, maker) = (tx.clone(), items.clone());
        let place = Arc::new(Mutex::new(None));
        let inner = place.clone();
        items.on_clone(move |_| {
            let item = b.try_recv().unwrap(); // the last to come, but not alone
            sender.try_send(maker.item(1)).unwrap();
            assert_eq!(b.try_recv().unwrap().number, 1);
            *inner.lock().unwrap() = Some(item);
        });
        assert_eq!(a.try_recv().unwrap().number, 0);
        items.quiet();
        assert_eq!(place.lock().unwrap().take().unwrap().number, 0);
        assert_eq!(drain(&mut a), [1]);
        assert_eq!((items.alive(), tx.len()), (0, 0));
    }
}

/// A receiver is dropped while another copies.
#[test]
fn a_receiver_that_goes_while_others_copy() {
    let _watch = watch();
    let items = Items::default();
    let (tx, mut a) = broadcast(2, Overflow::Wait);
    let b = tx.subscribe();
    tx.try_send(items.item(0)).unwrap();
    let mut b = Some(b);
    items.on_clone(move |_| drop(b.take()));
    assert_eq!(a.try_recv().unwrap().number, 0);
    items.quiet();
    assert_eq!((items.alive(), tx.len(), tx.receiver_count()), (0, 0, 1));
    tx.try_send(items.item(1)).unwrap();
    assert_eq!(drain(&mut a), [1]);
}

#[test]
fn an_overtaken_value_that_panics_has_been_overtaken() {
    let _watch = watch();
    let items = Items::default();
    let (tx, mut rx) = broadcast(2, Overflow::DropOldest);
    let mut waits = tx.subscribe();
    tx.try_send(items.item(0)).unwrap();
    tx.try_send(items.item(1)).unwrap();
    drain(&mut waits);
    let mut recv = spawn(waits.recv());
    assert_pending!(recv.poll());
    items.on_drop(|number| panic!("value {number} panics in drop"));
    assert_eq!(panics(|| tx.try_send(items.item(2))), "value 0 panics in drop");
    assert!(recv.is_woken(), "value 2 is sent");
    let mut send = spawn(tx.send(items.item(3)));
    assert_eq!(panics(|| send.poll()), "value 1 panics in drop");
    drop(send); // has nothing any more
    items.quiet();
    drop(recv);
    assert_eq!(drain(&mut waits), [2, 3]);
    assert_eq!(rx.try_recv().unwrap_err(), TryRecvError::Lagged(2));
    assert_eq!(drain(&mut rx), [2, 3]);
    assert_eq!(items.alive(), 0);
}

/// The first panic goes on, when all are dropped and the senders that wait are served.
#[test]
fn values_that_all_panic_when_a_receiver_goes() {
    let _watch = watch();
    let items = Items::default();
    let (tx, slow) = broadcast(100, Overflow::Wait);
    let mut stays = tx.subscribe();
    (0..100).for_each(|n| tx.try_send(items.item(n)).unwrap());
    drain(&mut stays);
    let mut send = spawn(tx.send(items.item(100)));
    assert_pending!(send.poll());
    items.on_drop(|number| panic!("value {number} panics in drop"));
    assert_eq!(panics(|| drop(slow)), "value 0 panics in drop");
    items.quiet();
    assert!(send.is_woken());
    assert!(assert_ready!(send.poll()).is_ok());
    assert_eq!((items.alive(), tx.len(), tx.receiver_count()), (1, 1, 1));
    assert_eq!(drain(&mut stays), [100]);
}

#[test]
fn a_queued_send_that_is_dropped_may_panic() {
    let _watch = watch();
    let items = Items::default();
    let (tx, mut rx) = broadcast(1, Overflow::Wait);
    tx.try_send(items.item(0)).unwrap();
    let (mut bomb, mut next) = (Box::pin(tx.send(items.item(1))), spawn(tx.send(items.item(2))));
    assert_pending!(spawn(bomb.as_mut()).poll());
    assert_pending!(next.poll());
    items.on_drop(|number| panic!("value {number} panics in drop"));
    assert_eq!(panics(|| drop(bomb)), "value 1 panics in drop");
    assert_eq!(panics(|| drop(tx.send(items.item(3)))), "value 3 panics in drop"); // never polled
    items.quiet();
    assert_eq!(drain(&mut rx), [0, 2]);
    assert!(next.is_woken());
    drop(next);
    assert_eq!(items.alive(), 0);
}

/// Clones and drops use the channel in every way: nothing of it is locked then.
#[test]
fn values_that_call_back() {
    let _watch = watch();
    for overflow in POLICIES {
        let items = Items::default();
        let (tx, rx) = broadcast(2, overflow);
        let use_it = |maker: Items| {
            let (tx, mut rx) = (tx.clone(), rx.clone());
            move |_| {
                let mut new = (tx.subscribe(), rx.clone());
                let _ = (tx.try_send(maker.item(99)), rx.try_recv(), new.1.try_recv(), new.0.try_recv());
                let _ = (tx.len(), rx.len(), tx.is_full(), format!("{tx:?} {rx:?}"));
                assert!(spawn(tx.closed()).poll().is_pending());
                drop((spawn(rx.recv()).poll(), spawn(tx.send(maker.item(98))).poll()));
            }
        };
        items.on_clone(use_it(items.clone()));
        items.on_drop(use_it(items.clone()));
        let mut mine = (rx.clone(), rx.clone());
        for n in 0..20 {
            let _ = tx.try_send(items.item(n));
            let _ = (mine.0.try_recv(), mine.1.try_recv());
            if n % 5 == 4 {
                mine.0 = tx.subscribe();
            }
        }
        items.quiet();
        let cycle = (tx, rx, mine);
        drop(cycle);
        assert_eq!(items.alive(), 0);
    }
}

/// A value passes as it is whatever its size and alignment are, at once and after a wait: the place of the value in a wait
/// is not the place of the wait.
#[test]
fn values_of_every_alignment_pass() {
    fn pass<T: Clone + PartialEq + std::fmt::Debug>(value: T) {
        let (tx, mut rx) = broadcast(1, Overflow::Wait);
        assert_eq!(assert_ready!(spawn(tx.send(value.clone())).poll()), Ok(()));
        let mut waits = spawn(tx.send(value.clone()));
        assert_pending!(waits.poll());
        assert_eq!(rx.try_recv(), Ok(value.clone()));
        assert_eq!(assert_ready!(waits.poll()), Ok(()));
        assert_eq!(rx.try_recv(), Ok(value));
    }
    let _watch = watch();
    pass(77_u8);
    pass([7_u8, 8, 9]);
    pass(true);
    pass(7_u16);
    pass(7_u64);
    pass((1_u8, 7_u128));
    pass("text");
    pass(());
}
