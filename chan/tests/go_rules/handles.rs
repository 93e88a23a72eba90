//! F10, F11, F19: handles, their counts and snapshots; the nil channel; what `Debug` shows.
use dormouse_chan::{Receiver, Sender, TryRecvError, TrySendError, bounded, never, unbounded};
use dormouse_testing::watch;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Waker};
use tokio_test::task::spawn;
use tokio_test::{assert_pending, assert_ready_eq};

#[test]
fn handles_are_counted() {
    let _watch = watch();
    let (tx, rx) = bounded::<u8>(1);
    assert_eq!((tx.sender_count(), tx.receiver_count()), (1, 1));
    let txs: Vec<_> = (0..5).map(|_| tx.clone()).collect();
    let rxs: Vec<_> = (0..3).map(|_| rx.clone()).collect();
    assert_eq!((rx.sender_count(), rx.receiver_count()), (6, 4));
    drop(tx);
    drop(rx);
    assert_eq!((txs[0].sender_count(), txs[0].receiver_count()), (5, 3));
    drop(txs);
    assert_eq!((rxs[0].sender_count(), rxs[0].receiver_count()), (0, 3));
    assert!(rxs[0].is_closed());
}

#[test]
fn clones_are_of_the_same_channel() {
    let _watch = watch();
    let ((tx, rx), (other_tx, other_rx)) = (bounded(1), bounded(1));
    assert!(tx.same_channel(&tx.clone()) && rx.same_channel(&rx.clone()));
    assert!(!tx.same_channel(&other_tx) && !rx.same_channel(&other_rx));
    tx.clone().try_send(1).unwrap();
    assert_eq!(rx.clone().try_recv(), Ok(1));
    other_tx.try_send(2).unwrap();
    assert_eq!(rx.try_recv(), Err(TryRecvError::Empty));
}

/// Each value goes to exactly one of the clones, any of which may receive it.
#[test]
fn values_are_shared_out_among_the_receivers() {
    let _watch = watch();
    let (tx, rx) = bounded(10);
    let clones = [rx.clone(), rx.clone(), rx];
    for n in 0..9 {
        tx.try_send(n).unwrap();
    }
    for n in 0..9 {
        assert_eq!(clones[n % 3].try_recv(), Ok(n));
    }
    assert_eq!(clones[0].try_recv(), Err(TryRecvError::Empty));
}

#[test]
fn lengths_and_capacities() {
    let _watch = watch();
    let (tx, rx) = bounded(2);
    let view = |tx: &Sender<i32>, rx: &Receiver<i32>| {
        assert_eq!(
            (tx.len(), tx.is_empty(), tx.is_full(), tx.is_closed(), tx.capacity()),
            (rx.len(), rx.is_empty(), rx.is_full(), rx.is_closed(), rx.capacity())
        );
        (tx.len(), tx.is_empty(), tx.is_full(), tx.is_closed(), tx.capacity())
    };
    assert_eq!(view(&tx, &rx), (0, true, false, false, Some(2)));
    tx.try_send(1).unwrap();
    assert_eq!(view(&tx, &rx), (1, false, false, false, Some(2)));
    tx.try_send(2).unwrap();
    assert_eq!(view(&tx, &rx), (2, false, true, false, Some(2)));
    tx.close();
    assert_eq!(view(&tx, &rx), (2, false, true, true, Some(2)));
    rx.try_recv().unwrap();
    rx.try_recv().unwrap();
    assert_eq!(view(&tx, &rx), (0, true, false, true, Some(2)));
    let (tx, rx) = bounded(0);
    assert_eq!(view(&tx, &rx), (0, true, true, false, Some(0)));
    let (tx, rx) = unbounded();
    assert_eq!(view(&tx, &rx), (0, true, false, false, None));
    tx.try_send(1).unwrap();
    assert_eq!(view(&tx, &rx), (1, false, false, false, None));
}

/// A value that came back from a dropped receive is in the channel, but not in the buffer.
#[test]
fn a_value_that_came_back_counts_but_takes_no_room() {
    let _watch = watch();
    let (tx, rx) = bounded(1);
    let mut recv = spawn(rx.recv());
    assert_pending!(recv.poll());
    tx.try_send(1).unwrap();
    drop(recv);
    assert_eq!((tx.len(), tx.is_empty(), tx.is_full()), (1, false, false));
    assert_eq!(tx.try_send(2), Ok(()), "there is room");
    assert_eq!((tx.len(), tx.is_full()), (2, true));
    assert_eq!((rx.try_recv(), rx.try_recv()), (Ok(1), Ok(2)));
}

#[test]
fn never_is_never_ready() {
    let _watch = watch();
    let (tx, rx) = never::<i32>();
    let (mut send, mut recv) = (spawn(tx.send(1)), spawn(rx.recv()));
    for _ in 0..3 {
        assert_pending!(send.poll());
        assert_pending!(recv.poll());
    }
    assert_eq!(tx.try_send(1), Err(TrySendError::Full(1)));
    assert_eq!(rx.try_recv(), Err(TryRecvError::Empty));
    assert_eq!((tx.len(), tx.capacity(), rx.len(), rx.capacity()), (0, Some(0), 0, Some(0)));
    assert!(!send.is_woken() && !recv.is_woken());
}

#[test]
fn never_cannot_be_closed() {
    let _watch = watch();
    let (tx, rx) = never::<i32>();
    assert!(!tx.close() && !rx.close() && !tx.is_closed() && !rx.is_closed());
    let clone = rx.clone();
    let mut recv = spawn(clone.recv());
    assert_pending!(recv.poll());
    drop(tx);
    drop(rx);
    assert!(!recv.is_woken());
    assert_pending!(recv.poll());
    let (tx, rx) = never::<i32>();
    drop(rx);
    let mut send = spawn(tx.send(1));
    assert_pending!(send.poll());
    let (other, _) = never();
    assert!(!tx.same_channel(&other));
}

#[test]
fn never_is_never_chosen() {
    let _watch = watch();
    let (tx, rx) = never::<i32>();
    let (real_tx, real_rx) = bounded(1);
    for n in 0..100 {
        real_tx.try_send(n).unwrap();
        let got = dormouse_chan::select! {
            send(tx, 1) -> _ => None,
            recv(rx) -> _ => None,
            recv(real_rx) -> value => value,
            default => None,
        };
        assert_eq!(got, Some(n));
    }
}

/// Neither its value nor anything else of it can be printed.
struct Opaque;

#[test]
fn debug_asks_nothing_of_the_value() {
    let _watch = watch();
    let (tx, rx) = bounded::<Opaque>(2);
    assert!(tx.try_send(Opaque).is_ok());
    assert_eq!(format!("{tx:?}"), "Sender { len: 1, capacity: Some(2), closed: false }");
    assert_eq!(format!("{rx:?}"), "Receiver { len: 1, capacity: Some(2), closed: false }");
    tx.close();
    assert_eq!(format!("{rx:?}"), "Receiver { len: 1, capacity: Some(2), closed: true }");
    let (tx, rx) = unbounded::<Opaque>();
    assert_eq!(format!("{tx:?}"), "Sender { len: 0, capacity: None, closed: false }");

    let mut recv = rx.recv();
    assert_eq!(format!("{recv:?}"), "RecvFuture { phase: Idle, .. }");
    // SAFETY: it does not move any more.
    let pinned = unsafe { Pin::new_unchecked(&mut recv) };
    assert!(pinned.poll(&mut Context::from_waker(Waker::noop())).is_pending());
    assert_eq!(format!("{recv:?}"), "RecvFuture { phase: Queued, .. }");
    assert_eq!(format!("{:?}", tx.send(Opaque)), "SendFuture { phase: Idle, .. }");
    let mut place = Some(Opaque);
    assert_eq!(format!("{:?}", tx.send_from(&mut place)), "SendFromFuture { done: false, .. }");
    assert!(format!("{:?}", rx.iter()).starts_with("Iter { receiver: Receiver {"));
}

#[test]
fn a_send_from_without_a_value_is_never_ready() {
    let _watch = watch();
    let (tx, rx) = bounded::<i32>(1);
    let mut place = None;
    let mut send = spawn(tx.send_from(&mut place));
    for _ in 0..3 {
        assert_pending!(send.poll());
    }
    drop(send);
    rx.close();
    assert_pending!(spawn(tx.send_from(&mut place)).poll());
}

#[test]
fn a_send_from_takes_its_value_only_for_good() {
    let _watch = watch();
    let (tx, rx) = bounded(1);
    let mut place = Some(1);
    drop(tx.send_from(&mut place));
    assert_eq!(place, Some(1), "never polled");
    assert_ready_eq!(spawn(tx.send_from(&mut place)).poll(), Ok(()));
    assert_eq!(place, None);
    place = Some(2);
    let mut send = spawn(tx.send_from(&mut place));
    assert_pending!(send.poll());
    drop(send);
    assert_eq!(place, Some(2), "given up");
    let mut send = spawn(tx.send_from(&mut place));
    assert_pending!(send.poll());
    assert_eq!(rx.try_recv(), Ok(1));
    drop(send); // granted, though nobody has polled it since
    assert_eq!(place, None, "it was sent");
    assert_eq!(rx.try_recv(), Ok(2));
}
