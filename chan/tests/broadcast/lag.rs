//! `Overflow::DropOldest`: a send never waits, and who missed values learns how many, once.
use crate::kit::{Items, all, drain};
use dormouse_chan::broadcast;
use dormouse_chan::broadcast::{Lagged, Overflow, RecvError, TryRecvError};
use dormouse_testing::watch;
use tokio_test::task::spawn;
use tokio_test::{assert_pending, assert_ready_eq};

#[test]
fn a_lag_is_told_once_and_exactly_and_then_comes_the_oldest_that_is_kept() {
    let _watch = watch();
    for capacity in 1..=9u64 {
        for sent in 0..40 {
            let (tx, mut rx) = broadcast(capacity as usize, Overflow::DropOldest);
            for n in 0..sent {
                tx.try_send(n).unwrap();
                assert_eq!(tx.len() as u64, (n + 1).min(capacity));
            }
            let missed = sent.saturating_sub(capacity);
            assert_eq!(rx.len() as u64, sent - missed, "what it can receive, not what it missed");
            if missed > 0 {
                assert_eq!(rx.try_recv(), Err(TryRecvError::Lagged(missed)));
            }
            assert_eq!(all(&mut rx), (missed..sent).collect::<Vec<_>>());
            assert_eq!(rx.try_recv(), Err(TryRecvError::Empty));
        }
    }
}

#[test]
fn each_receiver_has_a_lag_of_its_own() {
    let _watch = watch();
    let (tx, mut slow) = broadcast(2, Overflow::DropOldest);
    let mut fast = tx.subscribe();
    for n in 0..10 {
        tx.try_send(n).unwrap();
        assert_eq!(fast.try_recv(), Ok(n));
        if n == 4 {
            assert_eq!(slow.try_recv(), Err(TryRecvError::Lagged(3)));
            assert_eq!(slow.try_recv(), Ok(3));
        }
    }
    let mut late = tx.subscribe();
    let mut copy = slow.clone(); // its lag is that of the original
    for rx in [&mut slow, &mut copy] {
        assert_eq!(rx.try_recv(), Err(TryRecvError::Lagged(4)));
        assert_eq!(all(rx), [8, 9]);
    }
    assert_eq!(late.try_recv(), Err(TryRecvError::Empty));
}

/// Woken for one value, polled after many: nothing was taken for it.
#[test]
fn a_receiver_that_was_woken_can_still_fall_behind() {
    let _watch = watch();
    let (tx, mut rx) = broadcast(2, Overflow::DropOldest);
    let mut recv = spawn(rx.recv());
    assert_pending!(recv.poll());
    for n in 0..5 {
        tx.try_send(n).unwrap();
    }
    assert!(recv.is_woken());
    assert_ready_eq!(recv.poll(), Err(RecvError::Lagged(3)));
    drop(recv);
    let mut stream = spawn(rx);
    assert_ready_eq!(stream.poll_next(), Some(Ok(3)));
    for n in 5..8 {
        tx.try_send(n).unwrap();
    }
    drop(tx);
    assert_ready_eq!(stream.poll_next(), Some(Err(Lagged(2))));
    assert_ready_eq!(stream.poll_next(), Some(Ok(6)));
    assert_ready_eq!(stream.poll_next(), Some(Ok(7)));
    assert_ready_eq!(stream.poll_next(), None);
}

#[test]
fn a_dropped_receiver_that_lagged_lets_go_of_no_more_than_it_had() {
    let _watch = watch();
    let items = Items::default();
    let (tx, slow) = broadcast(3, Overflow::DropOldest);
    let mut stays = tx.subscribe();
    for n in 0..10 {
        tx.try_send(items.item(n)).unwrap();
    }
    let copy = slow.clone();
    assert_eq!(items.alive(), 3);
    drop(slow);
    drop(copy);
    assert_eq!((items.alive(), tx.len(), stays.len()), (3, 3, 3));
    assert_eq!(stays.try_recv().unwrap_err(), TryRecvError::Lagged(7));
    assert_eq!(drain(&mut stays), [7, 8, 9]);
    assert_eq!(items.alive(), 0);
}

#[test]
fn errors_say_what_happened() {
    let _watch = watch();
    assert_eq!(RecvError::from(Lagged(3)), RecvError::Lagged(3));
    assert_eq!(TryRecvError::from(RecvError::Closed), TryRecvError::Closed);
    assert_eq!(TryRecvError::from(RecvError::Lagged(2)), TryRecvError::Lagged(2));
    let text = "the receiver lagged behind and missed 3 values";
    assert_eq!(Lagged(3).to_string(), text);
    assert_eq!(
        (RecvError::Lagged(3).to_string(), TryRecvError::Lagged(3).to_string()),
        (text.into(), text.into())
    );
    assert_eq!(RecvError::Closed.to_string(), TryRecvError::Closed.to_string());
    assert!(TryRecvError::Empty.is_empty() && TryRecvError::Closed.is_closed());
    assert!(!TryRecvError::Lagged(1).is_empty() && !TryRecvError::Lagged(1).is_closed());
    assert_ne!(TryRecvError::Empty.to_string(), TryRecvError::Closed.to_string());
}
