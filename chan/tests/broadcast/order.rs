//! Who sees what, in which order.
use crate::kit::{Items, POLICIES, all, drain};
use dormouse_chan::broadcast;
use dormouse_chan::broadcast::{Overflow, RecvError, TryRecvError};
use dormouse_testing::{panics, watch};
use futures::stream::StreamExt;
use tokio_test::task::spawn;
use tokio_test::{assert_pending, assert_ready_eq};

#[test]
fn every_receiver_sees_what_was_sent_after_it_subscribed() {
    let _watch = watch();
    for overflow in POLICIES {
        let (tx, mut a) = broadcast(8, overflow);
        tx.try_send(1).unwrap();
        let mut b = tx.subscribe();
        tx.try_send(2).unwrap();
        let mut c = b.resubscribe();
        let mut d = b.clone();
        tx.try_send(3).unwrap();
        assert_eq!([a.len(), b.len(), c.len(), d.len(), tx.len()], [3, 2, 1, 2, 3]);
        assert_eq!(all(&mut a), [1, 2, 3]);
        assert_eq!(all(&mut b), [2, 3]);
        assert_eq!(all(&mut c), [3]);
        assert_eq!(all(&mut d), [2, 3]);
        assert!(tx.is_empty() && a.is_empty());
    }
}

/// Each capacity exactly, over many rounds of the ring and the wrap-around of positions, which comes early.
#[test]
fn positions_wrap_around() {
    let _watch = watch();
    for overflow in POLICIES {
        for capacity in 1..=9 {
            let (tx, mut fast) = broadcast(capacity, overflow);
            let mut slow = tx.subscribe();
            assert_eq!((tx.capacity(), slow.capacity(), tx.overflow()), (capacity, capacity, overflow));
            for round in 0..20 {
                let sent: Vec<usize> = (0..capacity).map(|n| round * capacity + n).collect();
                for (n, &value) in sent.iter().enumerate() {
                    assert_eq!((tx.len(), tx.is_full()), (n, false));
                    tx.try_send(value).unwrap();
                    assert_eq!(fast.try_recv(), Ok(value));
                    assert_eq!(fast.try_recv(), Err(TryRecvError::Empty));
                }
                assert!(tx.is_full());
                if overflow != Overflow::DropOldest {
                    assert!(tx.try_send(0).unwrap_err().is_full());
                }
                assert_eq!((slow.len(), fast.len()), (capacity, 0));
                assert_eq!(all(&mut slow), sent);
            }
        }
    }
}

#[test]
fn a_clone_stands_where_the_original_stands() {
    let _watch = watch();
    let items = Items::default();
    let (tx, mut rx) = broadcast(100, Overflow::Error);
    for n in 0..100 {
        tx.try_send(items.item(n)).unwrap();
    }
    for n in 0..10 {
        assert_eq!(rx.try_recv().unwrap().number, n);
    }
    let mut clone = rx.clone(); // over 90 values, more than one section goes
    drop(rx);
    assert_eq!((clone.len(), tx.len(), tx.receiver_count()), (90, 90, 1));
    assert_eq!(drain(&mut clone), (10..100).collect::<Vec<_>>());
    assert_eq!((items.alive(), tx.len()), (0, 0));
}

#[test]
fn a_dropped_receiver_lets_go_of_what_only_it_needed() {
    let _watch = watch();
    let items = Items::default();
    let (tx, mut fast) = broadcast(100, Overflow::Error);
    let mut middle = tx.subscribe();
    let slow = tx.subscribe();
    for n in 0..100 {
        tx.try_send(items.item(n)).unwrap();
    }
    assert_eq!(drain(&mut fast).len(), 100);
    for _ in 0..60 {
        middle.try_recv().unwrap();
    }
    assert_eq!((items.alive(), tx.len(), tx.is_full()), (100, 100, true));
    drop(slow);
    assert_eq!((items.alive(), tx.len(), tx.is_full(), middle.len()), (40, 40, false, 40));
    tx.try_send(items.item(100)).unwrap();
    assert_eq!(drain(&mut middle), (60..=100).collect::<Vec<_>>());
    drop(fast); // did not receive 100: it only let go of it
    assert_eq!((items.alive(), tx.len(), tx.receiver_count()), (0, 0, 1));
}

#[test]
fn what_was_sent_before_the_last_sender_went_is_received() {
    let _watch = watch();
    let (tx, mut rx) = broadcast(4, Overflow::Wait);
    let mut late = rx.clone();
    for n in 0..3 {
        tx.clone().try_send(n).unwrap();
    }
    drop(tx); // flume#44, flume#124
    assert!(rx.is_closed());
    assert_eq!(all(&mut rx), [0, 1, 2]);
    for _ in 0..2 {
        assert_eq!(rx.try_recv(), Err(TryRecvError::Closed));
        assert_ready_eq!(spawn(rx.recv()).poll(), Err(RecvError::Closed));
    }
    assert_eq!(late.recv_blocking(), Ok(0));
    let mut subscribed_late = late.resubscribe();
    assert_eq!(subscribed_late.recv_blocking(), Err(RecvError::Closed));
}

#[test]
fn the_stream_gives_all_and_ends_with_the_close() {
    let _watch = watch();
    let (tx, rx) = broadcast(4, Overflow::Wait);
    let mut stream = spawn(rx);
    assert_pending!(stream.poll_next());
    tx.try_send(1).unwrap();
    assert!(stream.is_woken());
    assert_ready_eq!(stream.poll_next(), Some(Ok(1)));
    tx.try_send(2).unwrap();
    drop(tx);
    assert_ready_eq!(stream.poll_next(), Some(Ok(2)));
    assert!(!futures::stream::FusedStream::is_terminated(&*stream));
    assert_ready_eq!(stream.poll_next(), None);
    assert!(futures::stream::FusedStream::is_terminated(&*stream));
    assert_ready_eq!(stream.poll_next(), None);
    let rest = futures::executor::block_on(stream.into_inner().collect::<Vec<_>>());
    assert_eq!(rest, []);
}

#[test]
fn a_receive_in_a_select_is_an_arm_like_any_future() {
    let _watch = watch();
    let (tx, mut rx) = broadcast(4, Overflow::Wait);
    let (jobs, todo) = dormouse_chan::bounded(0);
    let mut task = spawn(async {
        let mut seen = Vec::new();
        while seen.len() < 4 {
            dormouse_chan::select! {
                value = rx.recv() => seen.push(value.unwrap()),
                recv(todo) -> job => seen.push(job.unwrap()),
            }
        }
        seen
    });
    assert_pending!(task.poll());
    for n in 0..2 {
        tx.try_send(n).unwrap();
        assert_pending!(task.poll());
        jobs.try_send(10 + n).unwrap();
        if n == 0 {
            assert_pending!(task.poll());
        }
    }
    assert_ready_eq!(task.poll(), vec![0, 10, 1, 11]);
}

#[test]
fn what_cannot_be_is_refused_with_advice() {
    let _watch = watch();
    let said = panics(|| dormouse_chan::broadcast::<u8>(0, Overflow::Wait));
    assert!(said.contains("capacity 0") && said.contains("at least 1"), "{said}");
    for huge in [usize::MAX, usize::MAX / 2, 1 << 62] {
        let said = panics(|| dormouse_chan::broadcast::<u8>(huge, Overflow::Wait));
        assert!(said.contains("cannot be allocated") && said.contains("smaller"), "{said}");
    }
}

/// The panic is said to be the caller's.
#[test]
fn capacity_0_is_the_callers_fault() {
    let _watch = watch();
    let place = std::sync::Arc::new(std::sync::Mutex::new(0));
    let seen = place.clone();
    let hook = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |info| {
        if let Some(at) = info.location().filter(|at| at.file() == file!()) {
            *seen.lock().unwrap() = at.line();
        }
        hook(info);
    }));
    #[rustfmt::skip]
    let line = { panics(|| dormouse_chan::broadcast::<u8>(0, Overflow::Error)); line!() };
    assert_eq!(*place.lock().unwrap(), line);
}

#[test]
fn handles_are_counted_and_shown() {
    let _watch = watch();
    let (tx, rx) = broadcast::<u8>(3, Overflow::Wait);
    let (more, also) = (tx.clone(), rx.clone());
    assert_eq!((tx.sender_count(), tx.receiver_count(), rx.receiver_count()), (2, 2, 2));
    assert!(tx.same_channel(&more) && rx.same_channel(&also));
    let (other, its) = broadcast::<u8>(3, Overflow::Wait);
    assert!(!tx.same_channel(&other) && !rx.same_channel(&its));
    tx.try_send(1).unwrap();
    assert_eq!(
        format!("{tx:?}"),
        "Sender { len: 1, capacity: 3, overflow: Wait, receivers: 2, closed: false }"
    );
    assert_eq!(format!("{rx:?}"), "Receiver { len: 1, capacity: 3, closed: false }");
    assert_eq!(format!("{:?}", tx.send(1)), "SendFuture { phase: Idle, .. }");
    assert_eq!(format!("{:?}", tx.closed()), "ClosedFuture { phase: Idle, .. }");
    assert_eq!(format!("{:?}", tx.downgrade()), "WeakSender { senders: 2 }");
    drop((more, also));
    assert_eq!((tx.sender_count(), tx.receiver_count()), (1, 1));
}
