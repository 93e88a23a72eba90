//! What it tells the runtime that polls it: each operation spends of the poll's budget; a wait says why and where.
use crate::frames::{gives_way, waits_for};
use dormouse_chan::oneshot;
use dormouse_wait::frame::{self, BUDGET, Frame, Reason, Waits};
use tokio_test::task::spawn;
use tokio_test::{assert_pending, assert_ready, assert_ready_eq};

fn use_up() {
    for _ in 0..BUDGET {
        assert!(frame::spend());
    }
}

#[test]
fn operations_that_are_always_ready_give_way() {
    let turns = std::cell::Cell::new(0);
    let count = || {
        turns.set(turns.get() + 1);
        turns.get() <= 10 * BUDGET // else it never gives way
    };
    gives_way(|| turns.get(), async {
        loop {
            let (tx, rx) = oneshot();
            tx.send(1).unwrap();
            assert_eq!(rx.await, Some(1));
            assert!(count());
        }
    });
    turns.set(0);
    gives_way(|| turns.get(), async {
        loop {
            let (mut tx, rx) = oneshot::<u8>();
            drop(rx);
            tx.closed().await;
            assert!(count());
        }
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

#[test]
fn a_wait_says_why_and_where() {
    let (mut tx, rx) = oneshot::<u8>();
    waits_for(Reason::ChanSend, line!(), tx.closed());
    // A receiver is no method's: it has the line of the await.
    #[rustfmt::skip]
    waits_for(Reason::ChanReceive, line!(), async { assert!(rx.await.is_none()) });
}
