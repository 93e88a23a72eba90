//! The value: who looks at it, who changes it, what becomes of the old one.
use dormouse_chan::watch;
use dormouse_testing::{Gate, Tally, panics, until, watch as watchdog};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering::SeqCst};
use std::sync::{Arc, mpsc};
use std::thread;
use tokio_test::task::spawn;
use tokio_test::{assert_pending, assert_ready_eq};

#[test]
fn a_look_is_a_look_at_one_value() {
    let (tx, rx) = watch(1);
    let (first, mine) = (rx.borrow(), tx.borrow());
    tx.send(2).unwrap(); // waits for nobody
    assert_eq!((*first, *mine, *rx.borrow(), *tx.borrow()), (1, 1, 2, 2));
    tx.send(3).unwrap();
    assert_eq!((*first, *mine, *rx.borrow()), (1, 1, 3));
    assert!(!first.has_changed() && rx.borrow().has_changed());
    assert_eq!((format!("{first:?} {first}"), format!("{:?}", rx.borrow())), ("1 1".into(), "3".into()));
}

#[test]
fn replaced_and_changed_in_place() {
    let (tx, rx) = watch(vec![1]);
    assert_eq!(tx.send_replace(vec![2]), [1]);
    tx.send_modify(|list| list.push(3));
    assert!(tx.send_if_modified(|list| list.pop() == Some(3)));
    assert!(!tx.send_if_modified(|list| list.pop() == Some(3)));
    assert!(rx.borrow().is_empty(), "what a closure has changed is changed, whatever it says");
}

#[test]
fn it_is_dropped_after_all_are_told() {
    struct Last(Arc<AtomicBool>, watch::Receiver<()>);
    let tally = Tally::new();
    let (tx, mut rx) = watch(tally.bomb(0));
    let mut changed = spawn(rx.changed());
    assert_pending!(changed.poll());
    assert_eq!(panics(|| tx.send(tally.value(1))), "value 0 panics in drop");
    assert!(changed.is_woken());
    assert_ready_eq!(changed.poll(), Ok(()));
    drop(changed);
    assert_eq!(rx.borrow().number, 1);
    drop((tx, rx));
    tally.check();

    // Not under the lock either.
    impl Drop for Last {
        fn drop(&mut self) {
            self.0.store(self.1.has_changed().is_ok(), SeqCst);
        }
    }
    let called = Arc::new(AtomicBool::new(false));
    let (other, events) = watch(());
    let (tx, rx) = watch(None);
    tx.send(Some(Last(called.clone(), events))).ok().unwrap();
    tx.send(None).ok().unwrap();
    assert!(called.load(SeqCst));
    drop((other, rx));
}

/// An old value whose drop uses its own channel.
#[test]
fn it_may_call_back_when_it_is_dropped() {
    let _watch = watchdog();
    struct Back(Option<watch::Sender<Option<Back>>>);
    impl Drop for Back {
        fn drop(&mut self) {
            let tx = self.0.take().unwrap();
            assert!(tx.borrow().is_none());
            tx.send_modify(|value| assert!(value.is_none()));
            tx.send(None).ok().unwrap();
        }
    }
    let (tx, rx) = watch(None);
    tx.send(Some(Back(Some(tx.clone())))).ok().unwrap();
    tx.send(None).ok().unwrap();
    tx.send(Some(Back(Some(tx.clone())))).ok().unwrap();
    let look = rx.borrow();
    assert!(look.is_some());
    tx.send(None).ok().unwrap();
    drop(look); // the last who looks drops it
}

#[test]
fn it_lives_as_long_as_somebody_looks() {
    let tally = Tally::new();
    let (tx, rx) = watch(tally.value(0));
    let (first, second) = (rx.borrow(), tx.borrow());
    tx.send(tally.value(1)).unwrap();
    drop(first);
    assert_eq!((tally.dropped(0), second.number), (0, 0));
    drop(second);
    assert_eq!(tally.dropped(0), 1);
    tx.send(tally.value(2)).unwrap();
    assert_eq!(tally.dropped(1), 1, "nobody looked at it");
    drop((tx, rx));
    tally.check();
}

/// Each that is sent is dropped once, also with the channel, also one that comes back.
#[test]
fn each_is_dropped_once() {
    let tally = Tally::new();
    let (tx, rx) = watch(tally.value(0));
    tx.send(tally.value(1)).unwrap();
    assert_eq!(tx.send_replace(tally.value(2)).number, 1);
    drop(rx);
    assert_eq!(tx.send(tally.value(3)).unwrap_err().into_inner().number, 3);
    assert_eq!(tx.send_replace(tally.value(4)).number, 2);
    drop(tx.clone());
    drop(tx);
    tally.check();
}

/// The channel goes on with what the closure left, and nobody is told.
#[test]
fn a_closure_that_panics() {
    let (tx, mut rx) = watch(1);
    let mut changed = spawn(rx.changed());
    assert_pending!(changed.poll());
    let told = panics(|| {
        tx.send_modify(|value| {
            *value = 2;
            panic!("half done");
        });
    });
    assert_eq!(told, "half done");
    assert!(!changed.is_woken());
    assert_pending!(changed.poll());
    assert_eq!(*tx.borrow(), 2);
    tx.send_modify(|value| *value += 1);
    assert_ready_eq!(changed.poll(), Ok(()));
    drop(changed);
    assert_eq!(panics(|| tx.send_if_modified(|_| panic!("again"))), "again");
    assert_eq!(tx.send_replace(9), 3);
    assert_eq!(*rx.borrow(), 9);
}

/// What would wait for a `Ref` of its own thread, or inside a closure for its end, says so instead.
#[test]
fn whoever_would_wait_for_itself_panics() {
    let _watch = watchdog();
    let (tx, mut rx) = watch(1);
    let (other, others) = watch(1);
    let advice = |words: String| assert!(words.contains("would wait for itself"), "{words}");
    {
        let elsewhere = others.borrow();
        tx.send_modify(|value| *value = 2); // another channel's is in nobody's way
        other.send(2).unwrap();
        assert_eq!((*elsewhere, tx.send_replace(3)), (1, 2));
    }
    let look = rx.borrow();
    advice(panics(|| tx.send_modify(|_| unreachable!())));
    advice(panics(|| tx.send_if_modified(|_| unreachable!())));
    advice(panics(|| tx.send_replace(4)));
    assert_eq!((*look, *tx.borrow()), (3, 4), "the new value is sent");
    tx.send_modify(|value| *value = 5); // the one that is looked at is not the channel's any more
    drop(look);
    {
        let (first, second) = (rx.borrow(), rx.borrow());
        drop(first);
        advice(panics(|| tx.send_modify(|_| unreachable!())));
        assert_eq!(*second, 5);
    }
    let receiver = rx.clone();
    tx.send_modify(|value| {
        assert_eq!(*value, 5);
        advice(panics(|| _ = tx.borrow()));
        advice(panics(|| _ = receiver.borrow()));
        advice(panics(|| _ = tx.send(6)));
        advice(panics(|| _ = tx.send_replace(6)));
        advice(panics(|| tx.send_modify(|_| unreachable!())));
        // What needs no value, goes on.
        assert_eq!((receiver.has_changed(), tx.receiver_count()), (Ok(true), 2));
        let _ = format!("{tx:?} {receiver:?}");
        *value = 6;
    });
    assert_eq!(*rx.borrow_and_update(), 6);
    tx.send(*rx.borrow() + 1).unwrap(); // a look of the same statement
    advice(panics(|| tx.send_replace(*rx.borrow() - 1)));
    assert_eq!(*rx.borrow_and_update(), 6);
    std::mem::forget(rx.borrow());
    advice(panics(|| tx.send_modify(|_| unreachable!())));
    tx.send(7).unwrap();
    tx.send_modify(|value| *value += 1);
    assert_eq!(*rx.borrow(), 8);
}

/// Who changes the value waits for looks of other threads, and other threads for the closure.
#[test]
fn threads_wait_for_each_other() {
    let _watch = watchdog();
    let (tx, rx) = watch(0);
    let (began, begun) = mpsc::channel();
    let dropped = Arc::new(AtomicBool::new(false));
    let look = rx.borrow();
    let changes = [true, false].map(|replace| {
        let (tx, began, dropped) = (tx.clone(), began.clone(), dropped.clone());
        thread::spawn(move || {
            began.send(()).unwrap();
            if replace {
                tx.send_replace(100);
            } else {
                tx.send_modify(|value| *value += 1);
            }
            assert!(dropped.load(SeqCst) || !replace, "it gave back what somebody looked at");
        })
    });
    begun.recv().unwrap();
    begun.recv().unwrap();
    assert_eq!(*look, 0);
    until(|| *rx.borrow() >= 100); // it is sent, though the old one cannot be given back yet
    assert_eq!(*look, 0);
    dropped.store(true, SeqCst);
    drop(look);
    changes.into_iter().for_each(|thread| thread.join().unwrap());
    assert!(matches!(*rx.borrow(), 100 | 101));

    // A closure is waited for.
    let gate = Gate::default();
    let inside = Arc::new(AtomicUsize::new(0));
    let (changing, entered, open) = (tx.clone(), inside.clone(), gate.clone());
    let closure = thread::spawn(move || {
        changing.send_modify(|value| {
            *value = -1;
            entered.store(1, SeqCst);
            futures::executor::block_on(open);
            *value = 5;
        });
    });
    until(|| inside.load(SeqCst) == 1);
    let (looker, ready) = (rx.clone(), inside.clone());
    let look = thread::spawn(move || {
        ready.store(2, SeqCst);
        *looker.borrow()
    });
    until(|| inside.load(SeqCst) == 2);
    gate.open();
    assert_eq!(look.join().unwrap(), 5, "a half-changed value was seen");
    closure.join().unwrap();
}
