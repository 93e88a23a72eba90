//! What it tells the runtime that polls it: each operation spends of the poll's budget; a wait says why and where.
use dormouse_chan::oneshot;
use dormouse_wait::frame::{self, BUDGET, Frame, Reason, Waits};
use std::future::Future;
use std::pin::pin;
use std::task::{Context, Waker};
use tokio_test::task::spawn;
use tokio_test::{assert_pending, assert_ready, assert_ready_eq};

fn use_up() {
    for _ in 0..BUDGET {
        assert!(frame::spend());
    }
}

#[test]
fn operations_that_are_always_ready_give_way() {
    let polled = |what: &str, task: &mut dyn FnMut() -> bool| {
        let mut turns = 0;
        let waits = Waits::new();
        Frame::new(&waits).enter(|| {
            while turns <= BUDGET && task() {
                turns += 1;
            }
        });
        assert_eq!((turns, waits.get().0), (BUDGET, Reason::Yield), "{what}");
    };
    polled("a value that is there", &mut || {
        let (tx, rx) = oneshot();
        tx.send(1).unwrap();
        let mut receive = spawn(rx);
        let ready = receive.poll().is_ready();
        assert!(ready || receive.is_woken());
        ready
    });
    polled("closed", &mut || {
        let (mut tx, rx) = oneshot::<u8>();
        drop(rx);
        let mut closed = spawn(tx.closed());
        let ready = closed.poll().is_ready();
        assert!(ready || closed.is_woken());
        ready
    });
}

#[test]
fn what_was_waited_for_is_ready_without_a_budget() {
    let (tx, rx) = oneshot();
    let mut receive = spawn(rx);
    assert_pending!(receive.poll());
    tx.send(1).unwrap();
    let (mut tx, rx) = oneshot::<u8>();
    let mut closed = spawn(tx.closed());
    assert_pending!(closed.poll());
    drop(rx);
    Frame::new(&Waits::new()).enter(|| {
        use_up();
        assert_ready_eq!(receive.poll(), Some(1));
        assert_ready!(closed.poll());
    });
}

/// The reason of a wait, at its first poll and at each other; and whether its line is that of the operation, in this file.
#[track_caller]
fn waits_for(reason: Reason, line: u32, future: impl Future) {
    let mut future = pin!(future);
    for waker in [Waker::noop(), Waker::noop(), &futures::task::noop_waker()] {
        let waits = Waits::new();
        assert!(
            Frame::new(&waits).enter(|| future.as_mut().poll(&mut Context::from_waker(waker))).is_pending()
        );
        let (said, site) = waits.get();
        let site = site.expect("a site");
        assert_eq!((said, site.file(), site.line()), (reason, file!(), line));
    }
}

#[test]
fn a_wait_says_why_and_where() {
    let (mut tx, rx) = oneshot::<u8>();
    waits_for(Reason::ChanSend, line!(), tx.closed());
    // A receiver is no method's: it has the line of the await.
    #[rustfmt::skip]
    waits_for(Reason::ChanReceive, line!(), async { assert!(rx.await.is_none()) });
}
