//! Closing: by a drop or a call, of either half.
use dormouse_chan::spsc::{bounded, unbounded};
use dormouse_chan::{SendError, TryRecvError};
use dormouse_testing::watch;
use tokio_test::task::spawn;
use tokio_test::{assert_pending, assert_ready_eq};

#[test]
fn what_is_there_is_received_then_none_for_ever() {
    let _watch = watch();
    for (mut tx, mut rx) in [bounded(3), unbounded()] {
        (0..3).for_each(|n| tx.try_send(n).unwrap());
        assert!(tx.close() && !tx.close() && tx.is_closed() && rx.is_closed());
        assert!(tx.try_send(3).unwrap_err().is_closed());
        assert_eq!(rx.len(), 3);
        (0..3).for_each(|n| assert_eq!(rx.try_recv(), Ok(n)));
        for _ in 0..2 {
            assert_eq!(rx.try_recv(), Err(TryRecvError::Closed));
            assert_eq!(futures::executor::block_on(rx.recv()), None);
        }
    }
}

#[test]
fn closed_by_the_receiver() {
    let _watch = watch();
    for (mut tx, mut rx) in [bounded(3), unbounded()] {
        (0..2).for_each(|n| tx.try_send(n).unwrap());
        assert!(rx.close() && !rx.close() && tx.is_closed());
        for _ in 0..5 {
            assert!(tx.try_send(7).unwrap_err().is_closed());
        }
        assert_eq!((tx.len(), rx.len()), (2, 2), "failed sends do not count");
        assert!(!tx.close());
        (0..2).for_each(|n| assert_eq!(rx.try_recv(), Ok(n)));
        assert_eq!(rx.try_recv(), Err(TryRecvError::Closed));
    }
}

#[test]
fn a_waiting_receive_learns_of_it() {
    let _watch = watch();
    let (tx, mut rx) = bounded::<u8>(1);
    let mut receive = spawn(rx.recv());
    assert_pending!(receive.poll());
    drop(tx);
    assert!(receive.is_woken());
    assert_ready_eq!(receive.poll(), None);
}

#[test]
fn a_waiting_send_gets_its_value_back() {
    let _watch = watch();
    let (mut tx, mut rx) = bounded(1);
    tx.try_send(1).unwrap();
    {
        let mut send = spawn(tx.send(2));
        assert_pending!(send.poll());
        rx.close();
        assert!(send.is_woken());
        assert_ready_eq!(send.poll(), Err(SendError(2)));
    }
    assert_eq!(rx.try_recv(), Ok(1));
    let (mut tx, rx) = bounded(1);
    tx.try_send(1).unwrap();
    let mut send = spawn(tx.send(2));
    assert_pending!(send.poll());
    drop(rx);
    assert!(send.is_woken());
    assert_ready_eq!(send.poll(), Err(SendError(2)));
}
