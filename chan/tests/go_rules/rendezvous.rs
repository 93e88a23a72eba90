//! F12: on a channel without a buffer, a send is done exactly when a receive has the value.
use dormouse_chan::{TryRecvError, TrySendError, bounded};
use dormouse_testing::watch;
use tokio_test::task::spawn;
use tokio_test::{assert_pending, assert_ready, assert_ready_eq};

#[test]
fn a_send_waits_until_a_receive_has_the_value() {
    let _watch = watch();
    let (tx, rx) = bounded(0);
    let mut send = spawn(tx.send(1));
    assert_pending!(send.poll());
    let mut recv = spawn(rx.recv());
    assert!(!send.is_woken(), "a receive that was not polled has not begun");
    assert_ready_eq!(recv.poll(), Some(1));
    assert!(send.is_woken());
    assert_ready_eq!(send.poll(), Ok(()));
}

#[test]
fn a_send_to_a_waiting_receive_is_done_at_once() {
    let _watch = watch();
    let (tx, rx) = bounded(0);
    let mut recv = spawn(rx.recv());
    assert_pending!(recv.poll());
    let mut send = spawn(tx.send(1));
    assert_ready_eq!(send.poll(), Ok(()));
    assert!(recv.is_woken());
    assert_ready_eq!(recv.poll(), Some(1));
}

#[test]
fn each_send_needs_a_receive_of_its_own() {
    let _watch = watch();
    let (tx, rx) = bounded(0);
    let mut sends: Vec<_> = (0..5).map(|n| spawn(tx.send(n))).collect();
    for send in &mut sends {
        assert_pending!(send.poll());
    }
    for n in 0..5 {
        let done = sends.iter_mut().filter(|send| send.is_woken()).count();
        assert_eq!(done, n, "one more send is done with each receive");
        assert_ready_eq!(spawn(rx.recv()).poll(), Some(n));
    }
    for send in &mut sends {
        assert_ready_eq!(send.poll(), Ok(()));
    }
}

#[test]
fn try_send_needs_a_waiting_receive() {
    let _watch = watch();
    let (tx, rx) = bounded(0);
    assert_eq!(tx.try_send(1), Err(TrySendError::Full(1)));
    let mut recv = spawn(rx.recv());
    assert_eq!(tx.try_send(2), Err(TrySendError::Full(2)), "it was not polled yet");
    assert_pending!(recv.poll());
    assert_eq!(tx.try_send(3), Ok(()));
    assert_eq!(tx.try_send(4), Err(TrySendError::Full(4)), "that receive has its value");
    assert_ready_eq!(recv.poll(), Some(3));
}

#[test]
fn try_recv_needs_a_waiting_send() {
    let _watch = watch();
    let (tx, rx) = bounded(0);
    assert_eq!(rx.try_recv(), Err(TryRecvError::Empty));
    let mut send = spawn(tx.send(1));
    assert_eq!(rx.try_recv(), Err(TryRecvError::Empty), "it was not polled yet");
    assert_pending!(send.poll());
    assert_eq!(rx.try_recv(), Ok(1));
    assert_eq!(rx.try_recv(), Err(TryRecvError::Empty), "that send is done");
    assert!(send.is_woken());
    assert_ready_eq!(send.poll(), Ok(()));
}

#[test]
fn a_wait_that_was_dropped_is_no_counterpart() {
    let _watch = watch();
    let (tx, rx) = bounded(0);
    let mut recv = spawn(rx.recv());
    assert_pending!(recv.poll());
    drop(recv);
    assert_eq!(tx.try_send(1), Err(TrySendError::Full(1)));
    let mut send = spawn(tx.send(2));
    assert_pending!(send.poll());
    drop(send);
    assert_eq!(rx.try_recv(), Err(TryRecvError::Empty));
}

#[test]
fn nothing_is_ever_in_the_channel() {
    let _watch = watch();
    let (tx, rx) = bounded(0);
    let mut sends: Vec<_> = (0..3).map(|n| spawn(tx.send(n))).collect();
    for send in &mut sends {
        assert_pending!(send.poll());
        assert_eq!((tx.len(), rx.len(), tx.capacity()), (0, 0, Some(0)));
        assert!(tx.is_empty() && tx.is_full() && rx.is_empty() && rx.is_full());
    }
}

#[test]
fn a_select_that_waits_is_a_counterpart() {
    let _watch = watch();
    let (tx, rx) = bounded(0);
    let (other, _other_rx) = bounded::<()>(0);
    let mut receives = spawn(async {
        dormouse_chan::select! {
            recv(rx) -> value => value,
            send(other, ()) -> _ => unreachable!("nobody receives there"),
        }
    });
    assert_pending!(receives.poll());
    assert_eq!(tx.try_send(1), Ok(()));
    assert_eq!(tx.try_send(2), Err(TrySendError::Full(2)));
    assert_ready_eq!(receives.poll(), Some(1));

    let mut sends = spawn(async {
        dormouse_chan::select! {
            send(tx, 3) -> sent => sent,
            send(other, ()) -> _ => unreachable!("nobody receives there"),
        }
    });
    assert_pending!(sends.poll());
    assert_eq!(rx.try_recv(), Ok(3));
    assert_eq!(rx.try_recv(), Err(TryRecvError::Empty));
    assert!(sends.is_woken());
    assert_ready!(sends.poll()).unwrap();
}
