//! What a channel tells the runtime that polls it: each operation spends of the poll's budget, so that a task whose
//! channels are always ready gives others their turn; what was granted already costs nothing; and a wait says why.

#[path = "support/frames.rs"]
mod frames;

use dormouse_chan::{bounded, never, select, unbounded};
use dormouse_testing::watch;
use dormouse_wait::frame::{BUDGET, Frame, Reason, Waits};
use frames::{gives_way, waits_for};
use futures::stream::StreamExt;
use std::future::pending;
use tokio_test::task::spawn;
use tokio_test::{assert_pending, assert_ready, assert_ready_eq};

#[test]
fn operations_that_are_always_ready_give_way() {
    let _watch = watch();
    let filled = || {
        let (tx, rx) = unbounded();
        (0..10 * BUDGET).for_each(|n| tx.try_send(n).unwrap());
        (tx, rx)
    };
    let left = 10 * BUDGET;
    let ((_tx, rx), (other, idle)) = (filled(), bounded::<u32>(0));
    gives_way(|| left - rx.len() as u32, async { while rx.recv().await.is_some() {} });
    let (_tx, rx) = filled();
    gives_way(|| left - rx.len() as u32, async {
        loop {
            select! { recv(rx) -> _ => {}, recv(idle) -> _ => {}, () = pending() => {} }
        }
    });
    let (tx, rx) = unbounded();
    gives_way(|| rx.len() as u32, async { while tx.send(0).await.is_ok() {} });
    let (tx, rx) = unbounded();
    gives_way(|| rx.len() as u32, async { while tx.send_from(&mut Some(0)).await.is_ok() {} });
    let (tx, rx) = unbounded();
    gives_way(|| rx.len() as u32, async {
        loop {
            select! { send(tx, 1) -> _ => {}, send(other, 1) -> _ => {} }
        }
    });
}

#[test]
fn a_stream_that_never_waited_gives_way_too() {
    let _watch = watch();
    let (tx, mut rx) = unbounded();
    (0..10 * BUDGET).for_each(|n| tx.try_send(n).unwrap());
    gives_way(|| 10 * BUDGET - tx.len() as u32, async { while rx.next().await.is_some() {} });
}

#[test]
fn what_was_granted_is_ready_without_a_budget() {
    let _watch = watch();
    let ((tx, rx), (to, from)) = (bounded(0), bounded(0));
    let mut recv = spawn(rx.recv());
    let mut send = spawn(to.send(2));
    assert_pending!(recv.poll());
    assert_pending!(send.poll());
    tx.try_send(1).unwrap();
    assert_eq!(from.try_recv(), Ok(2));
    let mut select = spawn(async {
        select! { recv(rx) -> v => v, recv(from) -> v => v }
    });
    assert_pending!(select.poll());
    tx.try_send(3).unwrap();
    let (ready, _keep) = unbounded();
    Frame::new(&Waits::new()).enter(|| {
        for _ in 0..BUDGET {
            assert_ready!(spawn(ready.send(0)).poll()).unwrap();
        }
        assert_pending!(spawn(ready.send(0)).poll());
        assert_ready_eq!(recv.poll(), Some(1));
        assert_ready_eq!(send.poll(), Ok(()));
        assert_ready_eq!(select.poll(), Some(3));
    });
}

#[test]
fn a_wait_says_why_and_where() {
    let _watch = watch();
    let ((tx, rx), (nil_tx, nil_rx)) = (bounded(0), never::<u8>());
    waits_for(Reason::ChanReceive, line!(), rx.recv());
    waits_for(Reason::ChanSend, line!(), tx.send(1));
    waits_for(Reason::ChanSend, line!(), tx.send_from(&mut Some(1)));
    waits_for(Reason::ChanReceiveNil, line!(), nil_rx.recv());
    waits_for(Reason::ChanSendNil, line!(), nil_tx.send(1));
    waits_for(Reason::ChanSendNil, line!(), tx.send_from(&mut None));
    #[rustfmt::skip]
    waits_for(Reason::Select, line!(), async { select! { recv(rx) -> _ => (), send(tx, 1) -> _ => () } });
    #[rustfmt::skip]
    waits_for(Reason::Select, line!(), async { select! { recv(rx) -> _ => (), _ = nil_rx.recv() => () } });
    // Nobody knows what a future of somebody else waits for.
    #[rustfmt::skip]
    waits_for(Reason::SelectExternal, line!(), async { select! { recv(rx) -> _ => (), () = pending() => () } });
    #[rustfmt::skip]
    waits_for(Reason::SelectNoCases, line!(), async { select! { recv(rx) -> _, if false => () } });
}
