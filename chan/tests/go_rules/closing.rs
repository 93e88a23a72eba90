//! F14, I3: close in every state, by either half, by the last handle; nothing sent is lost, nothing unsent arrives.
use dormouse_chan::{Receiver, SendError, Sender, TryRecvError, TrySendError, bounded, unbounded};
use dormouse_testing::watch;
use std::future::Future;
use std::pin::Pin;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, Wake, Waker};
use tokio_test::task::spawn;
use tokio_test::{assert_pending, assert_ready_eq};

type Way = fn(Sender<i32>, Receiver<i32>) -> (Option<Sender<i32>>, Option<Receiver<i32>>);

/// The ways to close, each leaving one handle of either half if it can.
const WAYS: [Way; 3] = [
    |tx, rx| {
        assert!(tx.close());
        assert!(!tx.close() && !rx.close(), "only the first time");
        (Some(tx), Some(rx))
    },
    |tx, rx| {
        assert!(rx.close());
        assert!(!rx.close() && !tx.close(), "only the first time");
        (Some(tx), Some(rx))
    },
    |tx, rx| {
        drop(tx.clone());
        assert!(!rx.is_closed(), "one sender is left");
        drop(tx);
        (None, Some(rx))
    },
];

#[test]
fn what_is_buffered_is_received_then_none_for_ever() {
    let _watch = watch();
    for close in WAYS {
        for (tx, rx) in [bounded(0), bounded(1), bounded(3), unbounded()] {
            let room = tx.capacity().unwrap_or(5);
            for n in 0..room {
                tx.try_send(n as i32).unwrap();
            }
            let (_tx, rx) = close(tx, rx);
            let rx = rx.unwrap();
            assert!(rx.is_closed());
            assert_eq!(rx.len(), room);
            for n in 0..room {
                assert_ready_eq!(spawn(rx.recv()).poll(), Some(n as i32));
            }
            for _ in 0..3 {
                assert_ready_eq!(spawn(rx.recv()).poll(), None);
                assert_eq!(rx.try_recv(), Err(TryRecvError::Closed));
                assert_eq!(rx.recv_blocking(), None);
            }
        }
    }
}

#[test]
fn every_later_send_fails_with_its_value() {
    let _watch = watch();
    for (tx, rx) in [bounded(0), bounded(1), unbounded()] {
        let mut early = spawn(tx.send(1)); // made before, polled after
        rx.close();
        assert!(tx.is_closed());
        assert_ready_eq!(early.poll(), Err(SendError(1)));
        assert_ready_eq!(spawn(tx.send(2)).poll(), Err(SendError(2)));
        assert_eq!(tx.try_send(3), Err(TrySendError::Closed(3)));
        assert_eq!(tx.send_blocking(4), Err(SendError(4)));
        let mut place = Some(5);
        assert_ready_eq!(spawn(tx.send_from(&mut place)).poll(), Err(SendError(5)));
        assert_eq!(place, None);
        assert_eq!(tx.len(), 0);
    }
}

#[test]
fn waiting_receives_learn_of_it() {
    let _watch = watch();
    for close in WAYS {
        for (tx, rx) in [bounded(0), bounded(2), unbounded()] {
            let second = rx.clone();
            let mut recvs: Vec<_> = (0..70).map(|_| spawn(second.recv())).collect(); // more than one batch of wakers
            for recv in &mut recvs {
                assert_pending!(recv.poll());
            }
            let _left = close(tx, rx);
            for recv in &mut recvs {
                assert!(recv.is_woken());
                assert_ready_eq!(recv.poll(), None);
            }
        }
    }
}

#[test]
fn waiting_sends_get_their_values_back_and_deliver_nothing() {
    let _watch = watch();
    for close in &WAYS[..2] {
        for capacity in [0, 2] {
            let (tx, rx) = bounded(capacity);
            for _ in 0..capacity {
                tx.try_send(-1).unwrap();
            }
            let second = tx.clone();
            let mut sends: Vec<_> = (0..70).map(|n| spawn(second.send(n))).collect();
            for send in &mut sends {
                assert_pending!(send.poll());
            }
            let (_tx, rx) = close(tx, rx);
            let rx = rx.unwrap();
            assert_eq!(rx.len(), capacity);
            for _ in 0..capacity {
                assert_eq!(rx.try_recv(), Ok(-1));
            }
            assert_eq!(rx.try_recv(), Err(TryRecvError::Closed));
            for (n, send) in sends.iter_mut().enumerate() {
                assert!(send.is_woken());
                assert_ready_eq!(send.poll(), Err(SendError(n as i32)));
            }
        }
    }
}

#[test]
fn a_send_from_that_waits_fails_with_its_value() {
    let _watch = watch();
    let (tx, rx) = bounded(0);
    let mut place = Some(1);
    let mut send = spawn(tx.send_from(&mut place));
    assert_pending!(send.poll());
    rx.close();
    assert_ready_eq!(send.poll(), Err(SendError(1)));
    drop(send);
    assert_eq!(place, None, "the error has it");
    let mut place = Some(2);
    let (tx, rx) = bounded(0);
    let mut send = spawn(tx.send_from(&mut place));
    assert_pending!(send.poll());
    rx.close();
    drop(send); // without a look at the error
    assert_eq!(place, Some(2));
}

#[test]
fn a_value_that_was_handed_over_before_is_received_after() {
    let _watch = watch();
    let (tx, rx) = bounded(0);
    let mut recv = spawn(rx.recv());
    assert_pending!(recv.poll());
    tx.try_send(1).unwrap();
    drop(tx);
    assert_ready_eq!(recv.poll(), Some(1));
    drop(recv);
    assert_ready_eq!(spawn(rx.recv()).poll(), None);
}

#[test]
fn the_last_receiver_takes_what_is_left_with_it() {
    let _watch = watch();
    for (tx, rx) in [bounded(3), unbounded()] {
        let value = Arc::new(());
        for _ in 0..3 {
            tx.try_send(value.clone()).unwrap();
        }
        let clone = rx.clone();
        drop(rx);
        assert!(!tx.is_closed());
        assert_eq!((Arc::strong_count(&value), tx.len(), tx.receiver_count()), (4, 3, 1));
        drop(clone);
        assert!(tx.is_closed());
        assert_eq!((Arc::strong_count(&value), tx.len(), tx.receiver_count()), (1, 0, 0));
        assert!(!tx.is_full(), "nothing is in it");
        assert!(tx.try_send(value).unwrap_err().is_closed());
    }
}

#[test]
fn the_last_receiver_fails_the_waiting_sends() {
    let _watch = watch();
    let (tx, rx) = bounded(0);
    let mut send = spawn(tx.send(1));
    assert_pending!(send.poll());
    drop(rx);
    assert!(send.is_woken());
    assert_ready_eq!(send.poll(), Err(SendError(1)));
}

/// The waker of a waiting send, which receives all it can when the close wakes it.
struct Receives {
    rx: Receiver<i32>,
    found: Mutex<Vec<Result<i32, TryRecvError>>>,
}

impl Wake for Receives {
    fn wake(self: Arc<Self>) {
        let found = self.rx.try_recv(); // may wake another
        self.found.lock().unwrap().push(found);
    }
}

/// A close that has to wake many does so in batches; between them the rest must not look open.
#[test]
fn close_is_one_step_however_many_wait() {
    let _watch = watch();
    for capacity in [0, 2] {
        let (tx, rx) = bounded(capacity);
        for n in 0..capacity {
            tx.try_send(-(n as i32)).unwrap();
        }
        let receives = Arc::new(Receives { rx: rx.clone(), found: Mutex::default() });
        let waker = Waker::from(receives.clone());
        let mut cx = Context::from_waker(&waker);
        let mut sends: Vec<_> = (1..=100).map(|n| Box::pin(tx.send(n))).collect();
        for send in &mut sends {
            assert!(send.as_mut().poll(&mut cx).is_pending());
        }
        assert!(tx.close());
        for (n, send) in (1..).zip(&mut sends) {
            assert_eq!(send.as_mut().poll(&mut cx), Poll::Ready(Err(SendError(n))), "capacity {capacity}");
        }
        let found = receives.found.lock().unwrap();
        let mut expected: Vec<_> = (0..capacity).map(|n| Ok(-(n as i32))).collect();
        expected.resize(100, Err(TryRecvError::Closed));
        assert_eq!(*found, expected);
    }
}

/// A value whose `Drop` uses the channel it was in.
struct Calls {
    tx: Sender<Calls>,
    dropped: Arc<AtomicUsize>,
}

impl Drop for Calls {
    fn drop(&mut self) {
        assert!(self.tx.is_closed());
        assert_eq!(self.tx.len(), 0);
        assert!(format!("{:?}", self.tx).contains("Sender"));
        self.dropped.fetch_add(1, SeqCst);
    }
}

#[test]
fn a_dropped_value_may_use_the_channel() {
    let _watch = watch();
    let dropped = Arc::new(AtomicUsize::new(0));
    let (tx, rx) = bounded(3);
    for _ in 0..3 {
        assert!(tx.try_send(Calls { tx: tx.clone(), dropped: dropped.clone() }).is_ok());
    }
    drop(rx);
    assert_eq!(dropped.load(SeqCst), 3);
    assert!(tx.try_send(Calls { tx: tx.clone(), dropped: dropped.clone() }).is_err());
    assert_eq!(dropped.load(SeqCst), 4);
}

/// A receive that is given up after the close finds a place for its value.
#[test]
fn a_value_comes_back_to_a_closed_channel() {
    let _watch = watch();
    let (tx, rx) = bounded(1);
    let mut first: Pin<Box<_>> = Box::pin(rx.recv());
    let mut cx = Context::from_waker(Waker::noop());
    assert!(first.as_mut().poll(&mut cx).is_pending());
    tx.try_send(1).unwrap();
    tx.try_send(2).unwrap();
    tx.close();
    drop(first);
    assert_eq!(rx.len(), 2);
    assert_eq!((rx.try_recv(), rx.try_recv()), (Ok(1), Ok(2)));
    assert_eq!(rx.try_recv(), Err(TryRecvError::Closed));
}
