//! What it tells the runtime that polls it, and plain threads.
use dormouse_chan::spsc::{bounded, unbounded};
use dormouse_testing::{panics, watch};
use dormouse_wait::frame::{BUDGET, Frame, Reason, Waits};
use futures::FutureExt;
use std::thread;

#[test]
fn operations_that_are_always_ready_give_way() {
    let _watch = watch();
    let turns = |turn: &mut dyn FnMut() -> bool| {
        let waits = Waits::new();
        let mut turns = 0;
        Frame::new(&waits).enter(|| {
            while turns <= BUDGET && turn() {
                turns += 1;
            }
        });
        assert_eq!(waits.get().0, Reason::Yield);
        turns
    };
    let (mut tx, mut rx) = unbounded();
    assert_eq!(turns(&mut || tx.send(1).now_or_never().is_some()), BUDGET);
    assert_eq!(rx.len(), BUDGET as usize);
    drop(tx);
    assert_eq!(turns(&mut || rx.recv().now_or_never().is_some()), BUDGET);
}

#[test]
fn a_wait_says_why_and_where() {
    let _watch = watch();
    let waits = Waits::new();
    let (mut tx, mut rx) = bounded(1);
    Frame::new(&waits).enter(|| assert!(rx.recv().now_or_never().is_none()));
    let (reason, site) = waits.get();
    assert_eq!((reason, site.unwrap().line()), (Reason::ChanReceive, line!() - 2));
    tx.try_send(1).unwrap();
    Frame::new(&waits).enter(|| assert!(tx.send(1).now_or_never().is_none()));
    let (reason, site) = waits.get();
    assert_eq!((reason, site.unwrap().line()), (Reason::ChanSend, line!() - 2));
}

#[test]
fn threads_block() {
    let _watch = watch();
    let (mut tx, mut rx) = bounded(2);
    let sender = thread::spawn(move || {
        (0..1_000).for_each(|n| tx.send_blocking(n).unwrap());
        tx
    });
    (0..1_000).for_each(|n| assert_eq!(rx.recv_blocking(), Some(n)));
    let mut tx = sender.join().unwrap();
    drop(rx);
    assert_eq!(tx.send_blocking(7).unwrap_err().into_inner(), 7);
}

#[test]
fn a_task_is_refused_with_advice() {
    let _watch = watch();
    let waits = Waits::new();
    let (mut tx, mut rx) = bounded(1);
    let says = Frame::new(&waits).enter(|| panics(|| tx.send_blocking(1)));
    assert!(says.contains("send(value).await"), "{says}");
    let says = Frame::new(&waits).enter(|| panics(|| rx.recv_blocking()));
    assert!(says.contains("recv().await"), "{says}");
    assert!(tx.try_send(1).is_ok() && rx.try_recv().is_ok());
}
