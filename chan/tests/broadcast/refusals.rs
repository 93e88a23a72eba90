//! Sends that fail, and the value that comes back; the close.
use crate::kit::{Items, POLICIES, all, drain};
use dormouse_chan::broadcast;
use dormouse_chan::broadcast::{Overflow, RecvError, SendError, TryRecvError};
use dormouse_testing::watch;
use tokio_test::task::spawn;
use tokio_test::{assert_pending, assert_ready, assert_ready_eq};

#[test]
fn a_full_channel_refuses_under_error_and_keeps_what_it_has() {
    let _watch = watch();
    let (tx, mut rx) = broadcast(2, Overflow::Error);
    assert_ready_eq!(spawn(tx.send(1)).poll(), Ok(()));
    assert_eq!(tx.send_blocking(2), Ok(()));
    assert_eq!(tx.try_send(3), Err(SendError::Full(3)));
    assert_ready_eq!(spawn(tx.send(4)).poll(), Err(SendError::Full(4)));
    assert_eq!(tx.send_blocking(5), Err(SendError::Full(5)));
    assert_eq!(all(&mut rx), [1, 2]);
    assert_eq!(tx.try_send(6), Ok(()));
}

/// Having no receivers does not close the channel.
#[test]
fn without_receivers_the_value_comes_back_until_there_is_one() {
    let _watch = watch();
    for overflow in POLICIES {
        let (tx, rx) = broadcast(2, overflow);
        tx.try_send(0).unwrap();
        drop(rx);
        assert_eq!((tx.len(), tx.receiver_count(), tx.is_closed()), (0, 0, false));
        assert_eq!(tx.try_send(1), Err(SendError::NoReceivers(1)));
        assert_ready_eq!(spawn(tx.send(2)).poll(), Err(SendError::NoReceivers(2)));
        assert_eq!(tx.send_blocking(3), Err(SendError::NoReceivers(3)));
        let mut rx = tx.subscribe();
        tx.try_send(4).unwrap();
        assert_eq!(all(&mut rx), [4]);
    }
}

#[test]
fn senders_that_wait_learn_that_the_last_receiver_went() {
    let _watch = watch();
    let items = Items::default();
    let (tx, rx) = broadcast(1, Overflow::Wait);
    tx.try_send(items.item(0)).unwrap();
    let mut senders: Vec<_> = (1..=70).map(|n| spawn(tx.send(items.item(n)))).collect();
    for sender in &mut senders {
        assert_pending!(sender.poll());
    }
    drop(rx);
    assert_eq!(items.alive(), 70, "the one that was in the channel is gone");
    for (n, sender) in senders.iter_mut().enumerate() {
        assert!(sender.is_woken());
        match assert_ready!(sender.poll()) {
            Err(SendError::NoReceivers(item)) => assert_eq!(item.number as usize, n + 1),
            other => panic!("{other:?}"),
        }
    }
    drop(senders);
    assert_eq!((items.alive(), tx.is_closed()), (0, false));
}

#[test]
fn after_a_close_nothing_is_sent_and_what_is_kept_is_received() {
    let _watch = watch();
    for overflow in POLICIES {
        let (tx, mut rx) = broadcast(2, overflow);
        let other = tx.clone();
        tx.try_send(1).unwrap();
        assert!(tx.close() && !other.close() && other.is_closed() && rx.is_closed());
        assert_eq!(other.try_send(2), Err(SendError::Closed(2)));
        assert_ready_eq!(spawn(tx.send(3)).poll(), Err(SendError::Closed(3)));
        assert_eq!(tx.send_blocking(4), Err(SendError::Closed(4)));
        assert_eq!(all(&mut rx), [1]);
        assert_eq!(rx.try_recv(), Err(TryRecvError::Closed));
        let mut late = tx.subscribe();
        assert_eq!(late.try_recv(), Err(TryRecvError::Closed));
        drop((rx, late));
        assert_eq!(tx.try_send(5), Err(SendError::Closed(5)), "closed is what stays");
    }
}

#[test]
fn a_close_tells_all_who_wait() {
    let _watch = watch();
    let items = Items::default();
    let (tx, mut slow) = broadcast(1, Overflow::Wait);
    let mut fast: Vec<_> = (0..70).map(|_| tx.subscribe()).collect();
    tx.try_send(items.item(0)).unwrap();
    fast.iter_mut().for_each(|rx| assert_eq!(drain(rx), [0]));
    let mut receivers: Vec<_> = fast.iter_mut().map(|rx| spawn(rx.recv())).collect();
    let mut senders: Vec<_> = (1..=70).map(|n| spawn(tx.send(items.item(n)))).collect();
    let mut closers: Vec<_> = (0..70).map(|_| spawn(tx.closed())).collect();
    receivers.iter_mut().for_each(|task| assert_pending!(task.poll()));
    senders.iter_mut().for_each(|task| assert_pending!(task.poll()));
    closers.iter_mut().for_each(|task| assert_pending!(task.poll()));
    assert!(tx.close());
    for task in &mut receivers {
        assert!(task.is_woken());
        assert_eq!(assert_ready!(task.poll()).unwrap_err(), RecvError::Closed);
    }
    for task in &mut senders {
        assert!(task.is_woken());
        assert!(assert_ready!(task.poll()).unwrap_err().is_closed());
    }
    for task in &mut closers {
        assert!(task.is_woken());
        assert_ready!(task.poll());
    }
    assert_ready!(spawn(tx.closed()).poll());
    assert_eq!(drain(&mut slow), [0]);
    drop(senders);
    assert_eq!(items.alive(), 0);
}

#[test]
fn a_closed_future_leaves_when_dropped() {
    let _watch = watch();
    let (tx, _rx) = broadcast::<u8>(1, Overflow::Wait);
    let mut stays = spawn(tx.closed());
    let mut goes = spawn(tx.closed());
    assert_pending!(goes.poll());
    assert_pending!(stays.poll());
    assert_pending!(stays.poll());
    drop(goes);
    drop(_rx);
    assert!(!stays.is_woken(), "no receivers is not closed");
    tx.close();
    assert!(stays.is_woken());
    assert_ready!(stays.poll());
}

#[test]
fn a_weak_sender_keeps_nothing_open_and_opens_nothing() {
    let _watch = watch();
    let (tx, mut rx) = broadcast(1, Overflow::Wait);
    let weak = tx.downgrade();
    let strong = weak.clone().upgrade().unwrap();
    drop(tx);
    strong.try_send(1).unwrap();
    assert!(!rx.is_closed());
    drop(strong);
    assert!(rx.is_closed() && weak.upgrade().is_none());
    assert_eq!(rx.try_recv(), Ok(1));
    let (tx, _rx) = broadcast::<u8>(1, Overflow::Wait);
    let weak = tx.downgrade();
    tx.close();
    assert!(weak.upgrade().is_none(), "async-channel#105: closed, though a sender is alive");
}

#[test]
fn errors_say_what_happened_and_give_the_value_back() {
    let _watch = watch();
    let errors = [SendError::Full(1), SendError::NoReceivers(1), SendError::Closed(1)];
    let kinds = errors.map(|error| (error.is_full(), error.is_no_receivers(), error.is_closed()));
    assert_eq!(kinds, [(true, false, false), (false, true, false), (false, false, true)]);
    assert_eq!(errors.map(SendError::into_inner), [1; 3]);
    assert_eq!(errors.map(|error| format!("{error:?}")), ["Full(..)", "NoReceivers(..)", "Closed(..)"]);
    assert!(errors.map(|error| error.to_string()).iter().all(|text| text.contains("broadcast channel")));
}
