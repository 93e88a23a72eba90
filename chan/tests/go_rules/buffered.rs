//! F13: a buffer is filled and drained in order; who waits beside it is served within the same operation.
use dormouse_chan::{Receiver, Sender, TryRecvError, TrySendError, bounded, unbounded};
use dormouse_testing::watch;
use tokio_test::task::spawn;
use tokio_test::{assert_pending, assert_ready_eq};

#[test]
fn a_send_waits_only_if_the_buffer_is_full() {
    let _watch = watch();
    for capacity in [1, 2, 7] {
        let (tx, rx) = bounded(capacity);
        for n in 0..capacity {
            assert_eq!((tx.len(), tx.is_full(), tx.is_empty()), (n, false, n == 0));
            assert_ready_eq!(spawn(tx.send(n)).poll(), Ok(()));
        }
        assert!(tx.is_full() && rx.is_full());
        assert_eq!(tx.try_send(99), Err(TrySendError::Full(99)));
        let mut last = spawn(tx.send(capacity));
        assert_pending!(last.poll());
        assert_ready_eq!(spawn(rx.recv()).poll(), Some(0));
        assert!(last.is_woken());
        assert_ready_eq!(last.poll(), Ok(()));
        for n in 1..=capacity {
            assert_eq!(rx.try_recv(), Ok(n));
        }
        assert_eq!(rx.try_recv(), Err(TryRecvError::Empty));
    }
}

/// Two values in the buffer, two sends that wait; then `receive` takes the head.
#[track_caller]
fn moves_up(receive: fn(&Receiver<i32>) -> Option<i32>) {
    let (tx, rx) = bounded(2);
    tx.try_send(1).unwrap();
    tx.try_send(2).unwrap();
    let (mut third, mut fourth) = (spawn(tx.send(3)), spawn(tx.send(4)));
    assert_pending!(third.poll());
    assert_pending!(fourth.poll());
    assert_eq!(tx.len(), 2, "waiting sends are not in the channel");
    assert_eq!(receive(&rx), Some(1));
    // Before anybody is polled: the longest-waiting send is done, its value is in, and there is no room.
    assert!(third.is_woken() && !fourth.is_woken());
    assert_eq!(tx.len(), 2);
    assert_eq!(tx.try_send(99), Err(TrySendError::Full(99)));
    assert_ready_eq!(third.poll(), Ok(()));
    assert_pending!(fourth.poll());
    assert_eq!(receive(&rx), Some(2));
    assert_eq!(receive(&rx), Some(3));
    assert_eq!(receive(&rx), Some(4));
    assert_ready_eq!(fourth.poll(), Ok(()));
}

#[test]
fn a_receive_moves_the_longest_waiting_value_in() {
    let _watch = watch();
    moves_up(|rx| rx.try_recv().ok());
    moves_up(|rx| match spawn(rx.recv()).poll() {
        std::task::Poll::Ready(value) => value,
        std::task::Poll::Pending => panic!("there is a value"),
    });
    moves_up(|rx| rx.recv_blocking());
    moves_up(|rx| dormouse_chan::select! { recv(rx) -> value => value, default => None });
}

#[test]
fn a_send_to_a_waiting_receive_bypasses_the_buffer() {
    let _watch = watch();
    for (tx, rx) in [bounded(1), bounded(5), unbounded()] {
        let (mut first, mut second) = (spawn(rx.recv()), spawn(rx.recv()));
        assert_pending!(first.poll());
        assert_pending!(second.poll());
        tx.try_send(1).unwrap();
        assert_eq!(tx.len(), 0, "the receive has it");
        assert!(first.is_woken() && !second.is_woken());
        assert_ready_eq!(spawn(tx.send(2)).poll(), Ok(()));
        assert_eq!(tx.len(), 0);
        assert_eq!(rx.try_recv(), Err(TryRecvError::Empty));
        tx.try_send(3).unwrap();
        assert_eq!(tx.len(), 1);
        assert_ready_eq!(second.poll(), Some(2));
        assert_ready_eq!(first.poll(), Some(1));
        assert_eq!(rx.try_recv(), Ok(3));
    }
}

/// Keeps the channel at every length up to `most`, through many turns of the ring or many blocks.
fn in_order((tx, rx): (Sender<usize>, Receiver<usize>), most: usize) {
    let (mut sent, mut received) = (0, 0);
    for length in (0..=most).chain((0..most).rev()) {
        for _ in 0..(3 * most + 1) {
            while sent - received < length.max(1) {
                tx.try_send(sent).unwrap();
                sent += 1;
            }
            assert_eq!(tx.len(), sent - received);
            assert_eq!(rx.try_recv(), Ok(received));
            received += 1;
        }
        while sent - received > length {
            assert_eq!(rx.try_recv(), Ok(received));
            received += 1;
        }
    }
    while let Ok(value) = rx.try_recv() {
        assert_eq!(value, received);
        received += 1;
    }
    assert_eq!(sent, received);
}

#[test]
fn values_leave_in_the_order_in_which_they_entered() {
    let _watch = watch();
    for capacity in [1, 2, 3, 8, 33] {
        in_order(bounded(capacity), capacity);
    }
    in_order(unbounded(), 100);
}

#[test]
fn an_unbounded_send_never_waits() {
    let _watch = watch();
    let (tx, rx) = unbounded();
    for n in 0..10_000 {
        assert_ready_eq!(spawn(tx.send(n)).poll(), Ok(()));
    }
    assert_eq!((tx.len(), tx.capacity(), tx.is_full()), (10_000, None, false));
    for n in 0..10_000 {
        assert_eq!(rx.try_recv(), Ok(n));
    }
    assert!(rx.is_empty());
}
