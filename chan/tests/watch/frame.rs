//! What it tells the runtime that polls it: each wait spends of the poll's budget; a wait says why and where.
use crate::frames::{gives_way, waits_for};
use dormouse_chan::watch;
use dormouse_wait::frame::{self, BUDGET, Frame, Reason, Waits};
use futures::stream::StreamExt;
use std::pin::pin;
use tokio_test::task::spawn;
use tokio_test::{assert_pending, assert_ready, assert_ready_eq};

/// tokio#6846.
#[test]
fn operations_that_are_always_ready_give_way() {
    let turns = std::cell::Cell::new(0);
    let count = || {
        turns.set(turns.get() + 1);
        turns.get() <= 10 * BUDGET // else it never gives way
    };
    let (tx, mut rx) = watch(0);
    gives_way(|| turns.get(), async {
        loop {
            tx.send(1).unwrap();
            rx.changed().await.unwrap();
            assert!(count());
        }
    });
    turns.set(0);
    let (tx, mut rx) = watch(0);
    gives_way(|| turns.get(), async {
        rx.mark_changed();
        let mut changes = pin!(rx.changes());
        while changes.next().await.is_some() && count() {
            tx.send(1).unwrap();
        }
    });
    turns.set(0);
    let (tx, rx) = watch(0);
    drop(rx);
    gives_way(|| turns.get(), async {
        loop {
            tx.closed().await;
            assert!(count());
        }
    });
}

#[test]
fn what_was_waited_for_is_ready_without_a_budget() {
    let ((tx, mut rx), (other, others)) = (watch(0), watch(0));
    let mut changed = spawn(rx.changed());
    let mut closed = spawn(other.closed());
    assert_pending!(changed.poll());
    assert_pending!(closed.poll());
    tx.send(1).unwrap();
    drop(others);
    Frame::new(&Waits::new()).enter(|| {
        for _ in 0..BUDGET {
            assert!(frame::spend());
        }
        assert_ready_eq!(changed.poll(), Ok(()));
        assert_ready!(closed.poll());
    });
}

#[test]
fn a_wait_says_why_and_where() {
    let (tx, mut rx) = watch(0);
    waits_for(Reason::ChanReceive, line!(), rx.changed());
    waits_for(Reason::ChanReceive, line!(), rx.wait_for(|n| *n == 1));
    waits_for(Reason::ChanReceive, line!(), pin!(rx.changes()).next());
    waits_for(Reason::ChanSend, line!(), tx.closed());
}
