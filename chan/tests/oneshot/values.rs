//! What becomes of the value: of every shape, of one whose drop panics or calls back.
use dormouse_chan::oneshot;
use dormouse_testing::{Count, Tally, number, on_drop, panics};
use std::sync::{Arc, Mutex};
use tokio_test::task::spawn;
use tokio_test::{assert_pending, assert_ready};

#[test]
fn of_every_shape() {
    #[repr(align(128))]
    #[derive(Debug, PartialEq, Clone)]
    struct Wide([u8; 300]);
    fn pass<T: Clone + PartialEq + std::fmt::Debug>(value: T) {
        let (tx, rx) = oneshot();
        tx.send(value.clone()).ok().unwrap();
        assert_eq!(assert_ready!(spawn(rx).poll()), Some(value.clone()));
        let (tx, rx) = oneshot();
        let mut receive = spawn(rx);
        assert_pending!(receive.poll());
        tx.send(value.clone()).ok().unwrap();
        assert_eq!(assert_ready!(receive.poll()), Some(value.clone()));
        let (tx, rx) = oneshot();
        drop(rx);
        assert_eq!(tx.send(value.clone()).unwrap_err().into_inner(), value);
    }
    pass(());
    pass(1_u8);
    pass(String::from("text"));
    pass(Wide([7; 300]));
    pass(None::<Box<u8>>);
    pass(vec![1; 10_000]);
}

#[test]
fn each_is_dropped_once() {
    let tally = Tally::new();
    let (tx, rx) = oneshot();
    tx.send(tally.value(0)).unwrap();
    assert_eq!(number(assert_ready!(spawn(rx).poll())), Some(0));
    let (tx, mut rx) = oneshot();
    tx.send(tally.value(1)).unwrap();
    assert_eq!(rx.try_recv().unwrap().number, 1);
    drop(rx);
    let (tx, rx) = oneshot();
    tx.send(tally.value(2)).unwrap();
    drop(rx);
    let (tx, rx) = oneshot();
    drop(rx);
    drop(tx.send(tally.value(3)));
    tally.check();
}

#[test]
fn one_that_panics_when_the_receiver_drops_it() {
    let tally = Tally::new();
    for waits in [false, true] {
        let (tx, rx) = oneshot();
        let mut receive = spawn(rx);
        if waits {
            assert_pending!(receive.poll());
        }
        tx.send(tally.bomb(0)).unwrap();
        assert_eq!(panics(|| drop(receive)), "value 0 panics in drop");
    }
    let (tx, rx) = oneshot();
    drop(rx);
    assert_eq!(panics(|| drop(tx.send(tally.bomb(1)))), "value 1 panics in drop");
    tally.check();
}

/// A value may hold the end of another channel, or of its own.
#[test]
fn one_that_calls_back_when_it_is_dropped() {
    let (tx, rx) = oneshot();
    let (inner, mut answer) = oneshot();
    tx.send(on_drop(move || inner.send(1).unwrap())).ok().unwrap();
    drop(rx);
    assert_eq!(answer.try_recv(), Ok(1));

    // The place of its own receiver, which is being dropped.
    let dropped = Count::shared();
    let (tx, rx) = oneshot::<Box<dyn Send>>();
    let home = Arc::new(Mutex::new(Some(rx)));
    let (there, count) = (home.clone(), dropped.clone());
    let value = on_drop(move || {
        count.add();
        drop(there.lock().unwrap().take());
    });
    tx.send(Box::new(value)).ok().unwrap();
    let receiver = home.lock().unwrap().take();
    drop(receiver);
    assert_eq!(dropped.get(), 1);
}
