//! What the operations tell the runtime that polls them: each spends of the poll's budget, what was granted costs nothing,
//! and a wait says why and where.
use crate::frames::{gives_way, waits_for};
use dormouse_chan::broadcast;
use dormouse_chan::broadcast::Overflow;
use dormouse_testing::watch;
use dormouse_wait::frame::{BUDGET, Frame, Reason, Waits};
use futures::stream::StreamExt;
use tokio_test::task::spawn;
use tokio_test::{assert_pending, assert_ready, assert_ready_eq};

#[test]
fn operations_that_are_always_ready_give_way() {
    let _watch = watch();
    let many = 10 * BUDGET;
    let (tx, mut rx) = broadcast(many as usize, Overflow::Wait);
    (0..many).for_each(|n| tx.try_send(n).unwrap());
    gives_way(|| many - tx.len() as u32, async { while rx.recv().await.is_ok() {} });
    let before = tx.len() as u32;
    gives_way(|| before - tx.len() as u32, async { while rx.next().await.is_some() {} });
    let (tx, rx) = broadcast(many as usize, Overflow::Wait);
    gives_way(|| rx.len() as u32, async { while tx.send(0).await.is_ok() {} });
    let (tx, _rx) = broadcast::<u8>(1, Overflow::Wait);
    tx.close();
    let turns = std::cell::Cell::new(0);
    gives_way(|| turns.get(), async {
        loop {
            tx.closed().await;
            turns.set(turns.get() + 1);
        }
    });
}

#[test]
fn what_was_granted_is_ready_without_a_budget() {
    let _watch = watch();
    let (tx, mut rx) = broadcast(1, Overflow::Wait);
    let mut slow = tx.subscribe();
    let mut recv = spawn(rx.recv());
    assert_pending!(recv.poll());
    tx.try_send(1).unwrap();
    let mut send = spawn(tx.send(2));
    assert_pending!(send.poll());
    assert_eq!(slow.try_recv(), Ok(1));
    Frame::new(&Waits::new()).enter(|| {
        let (ready, _keep) = dormouse_chan::unbounded();
        for _ in 0..BUDGET {
            assert_ready!(spawn(ready.send(0)).poll()).unwrap();
        }
        assert_pending!(spawn(slow.recv()).poll());
        assert_ready_eq!(recv.poll(), Ok(1));
        assert_ready_eq!(send.poll(), Ok(()));
    });
}

#[test]
fn a_wait_says_why_and_where() {
    let _watch = watch();
    let (tx, mut rx) = broadcast(1, Overflow::Wait);
    waits_for(Reason::ChanReceive, line!(), rx.recv());
    tx.try_send(1).unwrap();
    waits_for(Reason::ChanSend, line!(), tx.send(2));
    waits_for(Reason::ChanReceive, line!(), tx.closed());
}

#[test]
fn blocking_inside_a_poll_is_refused_with_advice() {
    let _watch = watch();
    let (tx, mut rx) = broadcast(1, Overflow::Wait);
    let waits = Waits::new();
    let said = Frame::new(&waits).enter(|| dormouse_testing::panics(|| rx.recv_blocking()));
    assert!(said.contains("recv().await"), "{said}");
    tx.send_blocking(1).unwrap();
    let said = Frame::new(&waits).enter(|| dormouse_testing::panics(|| tx.send_blocking(2)));
    assert!(said.contains("send(value).await"), "{said}");
}
