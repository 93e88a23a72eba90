//! `recv_many`, `drain`, `send_many`.
use crate::allocs::allocated;
use dormouse_chan::{SendError, bounded, unbounded};
use dormouse_testing::{Tally, watch};
use futures::future::FusedFuture;
use tokio_test::task::spawn;
use tokio_test::{assert_pending, assert_ready, assert_ready_err, assert_ready_ok};

#[test]
fn recv_many_takes_what_is_there_up_to_its_limit() {
    let _watch = watch();
    let (tx, rx) = unbounded();
    (0..10).for_each(|n| tx.try_send(n).unwrap());
    let mut into = vec![99];
    assert_eq!(assert_ready!(spawn(rx.recv_many(&mut into, 4)).poll()), 4);
    assert_eq!(into, [99, 0, 1, 2, 3]);
    assert_eq!(assert_ready!(spawn(rx.recv_many(&mut into, usize::MAX)).poll()), 6);
    assert_eq!(into, [99, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
    assert_eq!(assert_ready!(spawn(rx.recv_many(&mut into, 0)).poll()), 0);
}

#[test]
fn recv_many_waits_for_the_first() {
    let _watch = watch();
    let (tx, rx) = bounded(8);
    let mut into = Vec::new();
    let mut recv = spawn(rx.recv_many(&mut into, 8));
    assert_pending!(recv.poll());
    (0..3).for_each(|n| tx.try_send(n).unwrap());
    assert!(recv.is_woken());
    assert_eq!(assert_ready!(recv.poll()), 3);
    assert!(recv.enter(|_, recv| recv.is_terminated()));
    drop(recv);
    assert_eq!(into, [0, 1, 2]);
}

#[test]
fn recv_many_gives_what_is_left_and_then_0() {
    let _watch = watch();
    let (tx, rx) = bounded(8);
    tx.try_send(1).unwrap();
    drop(tx);
    let mut into = Vec::new();
    assert_eq!(assert_ready!(spawn(rx.recv_many(&mut into, 8)).poll()), 1);
    assert_eq!(assert_ready!(spawn(rx.recv_many(&mut into, 8)).poll()), 0);
    assert_eq!(into, [1]);
}

/// Each place that a batch makes free is taken by a sender that waits, more of them than are woken in one go.
#[test]
fn recv_many_lets_waiting_senders_move_up() {
    let _watch = watch();
    const SENDERS: usize = 100;
    // One that it waits for, and as many as the channel holds; at capacity 0 a batch of senders.
    for (capacity, at_once) in [(0, 33), (1, 2), (40, 41)] {
        let (tx, rx) = bounded(capacity);
        (0..capacity).for_each(|n| tx.try_send(n).unwrap());
        let mut sends: Vec<_> = (0..SENDERS).map(|n| spawn(tx.send(capacity + n))).collect();
        sends.iter_mut().for_each(|send| assert_pending!(send.poll()));
        let mut into = Vec::new();
        let first = assert_ready!(spawn(rx.recv_many(&mut into, usize::MAX)).poll());
        assert_eq!(first, at_once, "capacity {capacity}");
        assert_eq!(sends.iter().filter(|send| send.is_woken()).count(), first);
        while into.len() < SENDERS + capacity {
            assert!(assert_ready!(spawn(rx.recv_many(&mut into, 7)).poll()) > 0);
        }
        assert_eq!(into, Vec::from_iter(0..SENDERS + capacity));
        sends.iter_mut().for_each(|send| assert_ready_ok!(send.poll()));
    }
}

/// W5: the caller's Vec is not lent out while the future waits, nor grown before there is something.
#[test]
fn recv_many_leaves_the_vec_alone_until_it_is_ready() {
    let _watch = watch();
    let (tx, rx) = bounded::<u64>(1024);
    let mut into = Vec::new();
    let mut recv = spawn(rx.recv_many(&mut into, 1024));
    assert_pending!(recv.poll());
    tx.try_send(1).unwrap();
    std::mem::forget(recv); // with a value that was handed to it: it leaks, and nothing else
    assert_eq!(into.capacity(), 0);
    (0..1024).for_each(|n| tx.try_send(n).unwrap());
    let mut recv = spawn(rx.recv_many(&mut into, 1024));
    assert_eq!(assert_ready!(recv.poll()), 1024);
    drop(recv);
    // What is there already is counted first, so that the Vec grows at most twice.
    let (made, taken) = allocated(|| {
        (0..1024).for_each(|n| tx.try_send(n).unwrap());
        let mut into = Vec::new();
        let taken = assert_ready!(spawn(rx.recv_many(&mut into, 1024)).poll());
        taken + into.len()
    });
    assert_eq!(taken, 2048);
    assert!(made.times <= 2 + 2, "the Vec's two, the task's two: {made:?}");
}

#[test]
fn drain_gives_what_was_there() {
    let _watch = watch();
    let (tx, rx) = bounded(4);
    (0..4).for_each(|n| tx.try_send(n).unwrap());
    let mut send = spawn(tx.send(4));
    assert_pending!(send.poll());
    let mut drain = rx.drain();
    assert_eq!(drain.size_hint(), (0, Some(4)));
    assert_eq!(drain.next(), Some(0));
    assert_ready_ok!(send.poll());
    assert_eq!(rx.clone().try_recv(), Ok(1), "others take their share");
    assert_eq!(drain.by_ref().collect::<Vec<_>>(), [2, 3, 4]);
    tx.try_send(5).unwrap();
    assert_eq!(drain.next(), None, "it had its four, less one");
    assert_eq!(rx.drain().collect::<Vec<_>>(), [5]);
    assert_eq!(rx.drain().next(), None);
}

#[test]
fn drain_at_capacity_0_takes_what_senders_offer() {
    let _watch = watch();
    let (tx, rx) = bounded(0);
    let mut sends = [1, 2].map(|n| spawn(tx.send(n)));
    sends.iter_mut().for_each(|send| assert_pending!(send.poll()));
    assert_eq!(rx.drain().collect::<Vec<_>>(), [1, 2]);
    sends.iter_mut().for_each(|send| assert_ready_ok!(send.poll()));
}

#[test]
fn drain_of_a_closed_channel_ends() {
    let _watch = watch();
    let (tx, rx) = unbounded();
    tx.try_send(1).unwrap();
    drop(tx);
    assert_eq!(rx.drain().collect::<Vec<_>>(), [1]);
    assert_eq!(rx.drain().next(), None);
}

#[test]
fn send_many_sends_one_after_the_other_and_waits_where_it_must() {
    let _watch = watch();
    let (tx, rx) = bounded(2);
    let mut asked = 0;
    let mut send = spawn(tx.send_many((0..5).inspect(|_| asked += 1)));
    assert_pending!(send.poll());
    assert_eq!(rx.try_recv(), Ok(0));
    assert!(send.is_woken());
    assert_pending!(send.poll());
    assert_eq!((rx.try_recv(), rx.try_recv(), rx.try_recv()), (Ok(1), Ok(2), Ok(3)));
    assert_eq!(assert_ready_ok!(send.poll()), 5);
    assert!(send.enter(|_, send| send.is_terminated()));
    drop(send);
    assert_eq!(asked, 5);
    assert_eq!(rx.try_recv(), Ok(4));
}

#[test]
fn send_many_asks_for_no_value_before_it_can_use_it() {
    let _watch = watch();
    let (tx, rx) = bounded(1);
    let mut values = 0..10;
    let mut send = spawn(tx.send_many(values.by_ref()));
    assert_pending!(send.poll());
    drop(send); // 1 waited, and is gone
    assert_eq!(values, 2..10);
    assert_eq!(rx.drain().collect::<Vec<_>>(), [0]);
}

#[test]
fn send_many_stops_at_the_close_and_gives_that_value_back() {
    let _watch = watch();
    let (tx, rx) = bounded(2);
    let mut values = 0..10;
    let mut send = spawn(tx.send_many(values.by_ref()));
    assert_pending!(send.poll());
    rx.close();
    assert!(send.is_woken());
    assert_eq!(assert_ready_err!(send.poll()), SendError(2));
    drop(send);
    assert_eq!(values, 3..10);
    assert_eq!(assert_ready_err!(spawn(tx.send_many([7])).poll()), SendError(7));
    assert_eq!(assert_ready_ok!(spawn(tx.send_many([])).poll()), 0, "nothing to send is no failure");
}

/// A panic of the iterator leaves what was sent, and a channel that can be used.
#[test]
fn an_iterator_that_panics() {
    let _watch = watch();
    let tally = Tally::new();
    let (tx, rx) = bounded(8);
    let values = (0..).map(|n| if n < 2 { tally.value(n) } else { panic!("no more") });
    let caught = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
        let _ = spawn(tx.send_many(values)).poll();
    }));
    assert!(caught.is_err());
    assert_eq!(rx.drain().map(|value| value.number).collect::<Vec<_>>(), [0, 1]);
    tx.try_send(tally.value(2)).unwrap();
    drop((tx, rx));
    tally.check();
}
