//! Handles that do not count.
use dormouse_chan::{TryRecvError, bounded, unbounded};
use dormouse_testing::{Tally, watch};
use std::sync::Barrier;
use std::thread;

#[test]
fn they_do_not_keep_the_channel_open() {
    let _watch = watch();
    let (tx, rx) = bounded::<u8>(1);
    let weak = tx.downgrade();
    assert_eq!((tx.sender_count(), rx.receiver_count()), (1, 1));
    let again = weak.clone().upgrade().unwrap();
    assert!(again.same_channel(&tx));
    assert_eq!(tx.sender_count(), 2);
    drop(tx);
    again.try_send(1).unwrap();
    drop(again);
    assert!(rx.is_closed() && weak.upgrade().is_none());
    assert_eq!((rx.try_recv(), rx.try_recv()), (Ok(1), Err(TryRecvError::Closed)));
}

#[test]
fn a_weak_receiver_keeps_no_values() {
    let _watch = watch();
    let tally = Tally::new();
    let (tx, rx) = unbounded();
    let weak = rx.downgrade();
    tx.try_send(tally.value(0)).unwrap();
    drop(weak.upgrade().unwrap());
    assert_eq!(tally.dropped(0), 0);
    drop(rx);
    assert_eq!(tally.dropped(0), 1);
    assert!(weak.upgrade().is_none() && tx.is_closed());
}

/// async-channel#105: a weak sender was upgraded on a channel that was closed by hand.
#[test]
fn async_channel_105_after_a_close_there_is_no_sender_to_be_had() {
    let _watch = watch();
    let (tx, rx) = bounded::<u8>(1);
    let (weak_tx, weak_rx) = (tx.downgrade(), rx.downgrade());
    tx.try_send(1).unwrap();
    tx.close();
    assert!(weak_tx.upgrade().is_none());
    assert_eq!(tx.sender_count(), 1);
    assert_eq!(weak_rx.upgrade().unwrap().try_recv(), Ok(1), "a receiver still has something to do");
}

/// Either the sender came in time, and the channel is open until it goes; or there is none.
#[test]
fn an_upgrade_beside_the_last_drop() {
    let _watch = watch();
    let (mut in_time, mut too_late) = (0, 0);
    for _ in 0..500 {
        let (tx, rx) = bounded(1);
        let (weak, start) = (tx.downgrade(), Barrier::new(2));
        thread::scope(|scope| {
            scope.spawn(|| {
                start.wait();
                drop(tx);
            });
            start.wait();
            match weak.upgrade() {
                Some(tx) => {
                    in_time += 1;
                    tx.try_send(1).unwrap();
                }
                None => too_late += 1,
            }
        });
        assert!(rx.is_closed());
    }
    assert_eq!(in_time + too_late, 500);
}
