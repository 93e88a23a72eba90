//! The blocking calls on plain threads, and what happens before what (F50), as far as a run can show it: data beside
//! the channel that nothing else protects.
use dormouse_chan::{SendError, bounded, unbounded};
use dormouse_testing::watch;
use std::cell::UnsafeCell;
use std::thread;

#[test]
fn threads_send_and_receive() {
    let _watch = watch();
    for (tx, rx) in [bounded(0), bounded(1), bounded(16), unbounded()] {
        let sender = thread::spawn(move || (0..1000).try_for_each(|n| tx.send_blocking(n)));
        let received: Vec<_> = rx.iter().collect();
        assert_eq!(received, (0..1000).collect::<Vec<_>>());
        sender.join().unwrap().unwrap();
        assert_eq!(rx.recv_blocking(), None);
    }
}

#[test]
fn many_threads_share_the_work() {
    let _watch = watch();
    let (tx, rx) = bounded(2);
    let receivers: Vec<_> = (0..4)
        .map(|_| {
            let rx = rx.clone();
            thread::spawn(move || (&rx).into_iter().sum::<u64>())
        })
        .collect();
    drop(rx);
    thread::scope(|scope| {
        for _ in 0..4 {
            let tx = tx.clone();
            scope.spawn(move || (1..=500).for_each(|n| tx.send_blocking(n).unwrap()));
        }
    });
    drop(tx);
    let sum: u64 = receivers.into_iter().map(|receiver| receiver.join().unwrap()).sum();
    assert_eq!(sum, 4 * 500 * 501 / 2);
}

#[test]
fn a_close_ends_blocking_calls() {
    let _watch = watch();
    let (tx, rx) = bounded::<i32>(0);
    thread::scope(|scope| {
        let receives = scope.spawn(|| rx.recv_blocking());
        let waits = || {
            (0..1_000_000).any(|_| {
                tx.try_send(1).is_ok() || {
                    thread::yield_now();
                    false
                }
            })
        };
        assert!(waits(), "the receiver waits at last");
        assert_eq!(receives.join().unwrap(), Some(1));
        let receives = scope.spawn(|| rx.recv_blocking());
        tx.close();
        assert_eq!(receives.join().unwrap(), None);
    });
    let (tx, rx) = bounded::<i32>(1);
    tx.send_blocking(1).unwrap();
    thread::scope(|scope| {
        let sends = scope.spawn(|| tx.send_blocking(2));
        rx.close();
        assert_eq!(sends.join().unwrap(), Err(SendError(2)));
    });
    assert_eq!(rx.iter().collect::<Vec<_>>(), [1]);
}

#[test]
fn an_iterator_may_be_left_and_taken_up_again() {
    let _watch = watch();
    let (tx, rx) = unbounded();
    (0..6).for_each(|n| tx.try_send(n).unwrap());
    drop(tx);
    assert_eq!(rx.iter().take(2).collect::<Vec<_>>(), [0, 1]);
    let mut rest = Vec::new();
    for n in &rx {
        rest.push(n);
    }
    assert_eq!(rest, [2, 3, 4, 5]);
    assert_eq!(rx.iter().next(), None);
}

/// Plain data that only the channel under test protects.
struct Unprotected(UnsafeCell<u64>);

// SAFETY: each test says by which rule of the channel only one thread is at it.
unsafe impl Sync for Unprotected {}

impl Unprotected {
    fn add(&self, n: u64) {
        // SAFETY: the channel's rule under test excludes the others.
        unsafe { *self.0.get() += n };
    }
    fn get(&self) -> u64 {
        // SAFETY: the channel's rule under test excludes the others.
        unsafe { *self.0.get() }
    }
}

const ROUNDS: u64 = 5_000;

/// The k-th receive happens before the (k + capacity)-th send is done: a channel of one zero-sized place is a lock.
#[test]
fn a_place_that_becomes_free_passes_on_what_was_done() {
    let _watch = watch();
    let (tx, rx) = bounded::<()>(1);
    let data = Unprotected(UnsafeCell::new(0));
    thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                for _ in 0..ROUNDS {
                    tx.send_blocking(()).unwrap();
                    data.add(1);
                    rx.recv_blocking().unwrap();
                }
            });
        }
    });
    assert_eq!(data.get(), 4 * ROUNDS);
}

/// A send happens before its receive is done; a receive on a channel without a buffer, before its send is.
#[test]
fn a_rendezvous_passes_on_what_both_did() {
    let _watch = watch();
    let (there, here) = bounded::<()>(0);
    let (from_sender, from_receiver) = (Unprotected(UnsafeCell::new(0)), Unprotected(UnsafeCell::new(0)));
    thread::scope(|scope| {
        scope.spawn(|| {
            for round in 1..=ROUNDS {
                from_sender.add(1);
                there.send_blocking(()).unwrap();
                assert_eq!(from_receiver.get(), round, "what was done before the receive");
                there.send_blocking(()).unwrap(); // both have looked
            }
        });
        for round in 1..=ROUNDS {
            from_receiver.add(1);
            here.recv_blocking().unwrap();
            assert_eq!(from_sender.get(), round, "what was done before the send");
            here.recv_blocking().unwrap();
        }
    });
}

/// A close happens before the receive that returns because of it, waiting or not.
#[test]
fn a_close_passes_on_what_was_done_before() {
    let _watch = watch();
    for round in 0..500 {
        let (tx, rx) = bounded::<()>(round % 2);
        let data = Unprotected(UnsafeCell::new(0));
        thread::scope(|scope| {
            scope.spawn(|| {
                data.add(7);
                tx.close();
            });
            if round % 3 == 0 {
                while rx.try_recv() != Err(dormouse_chan::TryRecvError::Closed) {
                    thread::yield_now();
                }
            } else {
                assert_eq!(rx.recv_blocking(), None);
            }
            assert_eq!(data.get(), 7);
        });
    }
}
