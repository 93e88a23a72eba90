//! X10: forgotten futures.
use crate::kinds::{Kind, RECEIVES, Receive, SENDS, drain, receive, send};
use dormouse_chan::bounded;
use dormouse_testing::{Tally, number, watch};
use std::future::Future;
use std::task::{Context, Waker};
use tokio_test::task::spawn;
use tokio_test::{assert_pending, assert_ready};

/// Takes the channel's halves apart while a forgotten wait stands in it: only what it holds is leaked.
#[test]
fn x10_a_forgotten_receive() {
    let _watch = watch();
    for kind in RECEIVES {
        let (tx, rx) = bounded(1);
        let tally = Tally::new();
        let mut forgotten = receive(kind, &rx);
        assert_pending!(forgotten.poll());
        std::mem::forget(forgotten);
        let mut other = receive(Receive::Recv, &rx);
        assert_pending!(other.poll());
        tx.try_send(tally.value(0)).unwrap(); // to the forgotten one
        tx.try_send(tally.value(1)).unwrap();
        assert_eq!(number(assert_ready!(other.poll())), Some(1), "who comes after it is not stranded");
        tx.try_send(tally.value(2)).unwrap();
        assert_eq!(rx.try_recv().unwrap().number, 2);
        tx.close();
        drop((tx, rx, other));
        assert_eq!((tally.dropped(0), tally.dropped(1), tally.dropped(2)), (0, 1, 1));
    }
}

#[test]
fn x10_a_forgotten_send() {
    let _watch = watch();
    for kind in SENDS {
        let (tx, rx) = bounded(0);
        let tally = Tally::new();
        let mut forgotten = send(kind, &tx, tally.value(0));
        assert_pending!(forgotten.poll());
        std::mem::forget(forgotten);
        let mut other = send(Kind::Plain, &tx, tally.value(1));
        assert_pending!(other.poll());
        assert_eq!(drain(&rx), [0, 1]);
        assert!(assert_ready!(other.poll()).is_ok());
        drop(other);
        tally.check();
    }
}

/// Beside it, who waits for the close learns of it.
#[test]
fn x10_a_forgotten_wait_for_the_close() {
    let _watch = watch();
    let (tx, rx) = bounded::<u8>(0);
    let cx = &mut Context::from_waker(Waker::noop());
    let mut forgotten = Box::pin(tx.closed());
    assert!(forgotten.as_mut().poll(cx).is_pending());
    std::mem::forget(forgotten);
    let mut other = spawn(rx.closed());
    assert_pending!(other.poll());
    tx.close();
    assert!(other.is_woken());
    assert_ready!(other.poll());
}

/// The borrow ends with the `forget`, the channel goes, and the node stands in freed lists: nobody may touch it.
#[test]
fn x10_a_forgotten_wait_outlives_its_channel() {
    let _watch = watch();
    let (tx, rx) = bounded::<String>(0);
    let cx = &mut Context::from_waker(Waker::noop());
    let mut recv = Box::pin(rx.recv());
    assert!(recv.as_mut().poll(cx).is_pending());
    std::mem::forget(recv);
    drop((tx, rx));

    let (tx, rx) = bounded(0);
    let mut place = Some(String::from("in the node"));
    let mut send = Box::pin(tx.send_from(&mut place));
    assert!(send.as_mut().poll(cx).is_pending());
    std::mem::forget(send);
    assert_eq!(place, None, "the value is in the leaked node, and the place free again");
    place = Some(String::from("new"));
    assert_eq!(rx.try_recv().unwrap(), "in the node");
    drop((tx, rx));
    assert_eq!(place.as_deref(), Some("new"));
}
