//! Bugs of this kind that other libraries had (those not named in the other files).
use crate::kinds::{Kind, each_receive, fill, receive, send};
use dormouse_chan::{TryRecvError, bounded, unbounded};
use dormouse_testing::{Tally, Value, number, watch};
use tokio_test::task::spawn;
use tokio_test::{assert_pending, assert_ready, assert_ready_eq};

/// async-channel#45, #49: a waiting sender that is never polled again strands the other senders.
#[test]
fn async_channel_45_a_sender_that_is_not_polled_again_strands_nobody() {
    let _watch = watch();
    let tally = Tally::new();
    let (tx, rx) = bounded(1);
    fill(&tx, &tally);
    let (mut idle, mut next) =
        (send(Kind::Plain, &tx, tally.value(0)), send(Kind::Plain, &tx, tally.value(1)));
    assert_pending!(idle.poll());
    assert_pending!(next.poll());
    assert_eq!(rx.try_recv().unwrap().number, 100);
    assert!(idle.is_woken() && !next.is_woken()); // and is not polled
    assert_eq!(rx.try_recv().unwrap().number, 0);
    assert!(next.is_woken());
    assert!(assert_ready!(next.poll()).is_ok());
    assert_eq!(rx.try_recv().unwrap().number, 1);
    drop((idle, next));
    tally.check();
}

/// async-channel#54, #105: a value was sent, a receiver waits, and nobody wakes it.
#[test]
fn async_channel_54_every_value_wakes_a_receiver_that_waits() {
    let _watch = watch();
    for capacity in [0, 1, 8] {
        let (tx, rx) = bounded(capacity);
        let mut idle = spawn(rx.recv()); // woken first, never polled again
        assert_pending!(idle.poll());
        tx.try_send(0).unwrap();
        for n in 1..100 {
            let mut receiver = spawn(rx.recv());
            assert_pending!(receiver.poll());
            tx.try_send(n).unwrap();
            assert!(receiver.is_woken());
            assert_ready_eq!(receiver.poll(), Some(n));
        }
        drop(idle);
        assert_eq!(rx.try_recv(), Ok(0));
    }
}

/// flume#44, #124: the last message before the last sender goes.
#[test]
fn flume_124_the_last_value_before_the_last_sender_goes_is_received() {
    let _watch = watch();
    for (tx, rx) in [bounded(1), bounded(4), unbounded()] {
        let mut receiver = spawn(rx.recv());
        assert_pending!(receiver.poll());
        tx.try_send(0).unwrap();
        tx.try_send(1).unwrap();
        drop(tx);
        assert_ready_eq!(receiver.poll(), Some(0));
        assert_ready_eq!(spawn(rx.recv()).poll(), Some(1));
        assert_ready_eq!(spawn(rx.recv()).poll(), None);
    }
}

/// kanal#24, #50, and its loss of 200 out of 200 values whose receive was cancelled in the middle of the hand-over.
#[test]
fn kanal_24_a_cancelled_receive_loses_nothing() {
    let _watch = watch();
    each_receive(&[0, 1], |kind, tx, rx, tally| {
        let mut received = 0;
        for n in 0..200 {
            let mut cancelled = receive(kind, &rx);
            assert_pending!(cancelled.poll());
            tx.try_send(tally.value(n)).unwrap();
            let mut parked = receive(kind, &rx);
            if n % 2 == 0 {
                assert_pending!(parked.poll());
            }
            drop(cancelled);
            assert_eq!(parked.is_woken(), n % 2 == 0);
            assert_eq!(number(assert_ready!(parked.poll())), Some(n));
            received += 1;
        }
        assert_eq!((received, rx.len()), (200, 0));
    });
}

/// kanal#8, #11, #12, #19, #62, #63: values that move between tasks are dropped once, whatever their size.
#[test]
fn kanal_63_values_of_all_sizes_are_dropped_once() {
    let _watch = watch();
    fn check<const PAD: usize>() {
        for capacity in [0, 1] {
            let tally = Tally::new();
            let (tx, rx) = bounded::<(Value, [u8; PAD])>(capacity);
            for n in 0..4 {
                let mut recv = spawn(rx.recv());
                let mut send = spawn(tx.send((tally.value(n), [7; PAD])));
                // Receiver first and sender first, polled to the end and dropped before it.
                if n % 2 == 0 {
                    assert_pending!(recv.poll());
                    assert!(assert_ready!(send.poll()).is_ok());
                } else {
                    let _ = send.poll();
                }
                if n < 2 {
                    let (value, pad) = assert_ready!(recv.poll()).unwrap();
                    assert!(value.number == n && pad.iter().all(|byte| *byte == 7));
                }
                drop((send, recv));
                while rx.try_recv().is_ok() {}
            }
            drop((tx, rx));
            tally.check();
        }
    }
    check::<0>();
    check::<1>();
    check::<15>();
    check::<64>();
    check::<5000>();
}

/// crossfire#22, #33: a stale waker (its wait is given up, or was served) takes a wake-up and does not pass it on.
#[test]
fn crossfire_22_a_stale_waker_takes_no_wake_up() {
    let _watch = watch();
    let (tx, rx) = bounded(1);
    tx.try_send(0).unwrap();
    let mut given_up = spawn(tx.send(1));
    let mut next = spawn(tx.send(2));
    assert_pending!(given_up.poll());
    assert_pending!(next.poll());
    drop(given_up);
    assert_eq!(rx.try_recv(), Ok(0));
    assert!(next.is_woken(), "the wake-up went to a send that was given up");
    assert_ready!(next.poll()).unwrap();
    assert_eq!(rx.try_recv(), Ok(2));

    // The same with one that was woken and then given up: the place that it was given is not lost.
    tx.try_send(3).unwrap();
    let mut served = spawn(tx.send(4));
    let mut next = spawn(tx.send(5));
    assert_pending!(served.poll());
    assert_pending!(next.poll());
    assert_eq!(rx.try_recv(), Ok(3));
    drop(served); // 4 was sent
    assert_eq!(rx.try_recv(), Ok(4));
    assert!(next.is_woken());
    assert_ready!(next.poll()).unwrap();
    assert_eq!(rx.try_recv(), Ok(5));
}

/// crossfire#39: a send that found room at its second look must not leave a waiter behind.
#[test]
fn crossfire_39_a_send_done_at_once_leaves_no_waiter() {
    let _watch = watch();
    let (tx, rx) = bounded(1);
    for n in 0..10 {
        let mut send = spawn(tx.send(n));
        assert_ready!(send.poll()).unwrap();
        assert_eq!(rx.try_recv(), Ok(n));
        assert!(!send.is_woken());
        assert_eq!(rx.try_recv(), Err(TryRecvError::Empty));
    }
}

/// crossfire 3.1.20: `try_recv` beside the drop of the last sender says Closed only when all was received.
#[test]
fn crossfire_3_1_20_try_recv_beside_the_last_senders_drop() {
    let _watch = watch();
    for _ in 0..200 {
        let (tx, rx) = unbounded();
        let sender = std::thread::spawn(move || {
            for n in 0..20 {
                tx.try_send(n).unwrap();
            }
        });
        let mut received = Vec::new();
        loop {
            match rx.try_recv() {
                Ok(n) => received.push(n),
                Err(TryRecvError::Empty) => std::thread::yield_now(),
                Err(TryRecvError::Closed) => break,
            }
        }
        assert_eq!(received, Vec::from_iter(0..20));
        sender.join().unwrap();
    }
}

/// crossfire 3.1.21, crossfire#38: a send that was never polled drops its value, once.
#[test]
fn crossfire_3_1_21_an_unpolled_send_drops_its_value_once() {
    let _watch = watch();
    let tally = Tally::new();
    let (tx, rx) = bounded(1);
    drop(tx.send(tally.value(0)));
    assert_eq!(tally.dropped(0), 1);
    let unpolled = tx.send(tally.value(1));
    rx.close();
    drop(unpolled);
    assert_eq!(tally.dropped(1), 1);
    let mut place = Some(tally.value(2));
    drop(tx.send_from(&mut place));
    assert_eq!(tally.dropped(2), 0);
    drop(place);
    tally.check();
}

/// tokio#3263, #7686: `try_recv` sees what was sent before, and Closed after a close.
#[test]
fn tokio_7686_try_recv_sees_what_happened_before() {
    let _watch = watch();
    for (tx, rx) in [bounded(64), unbounded()] {
        let others: Vec<_> = (0..8).map(|n| (n, tx.clone())).collect();
        let senders: Vec<_> = others
            .into_iter()
            .map(|(n, tx)| std::thread::spawn(move || (0..8).for_each(|m| tx.try_send(8 * n + m).unwrap())))
            .collect();
        for sender in senders {
            sender.join().unwrap();
        }
        let mut received: Vec<u32> = std::iter::from_fn(|| rx.try_recv().ok()).collect();
        received.sort_unstable();
        assert_eq!(received, Vec::from_iter(0..64));
        assert_eq!(rx.try_recv(), Err(TryRecvError::Empty));
        rx.close();
        assert_eq!(rx.try_recv(), Err(TryRecvError::Closed));
    }
}

/// tokio#7991, #8062, #6602: the length at block limits, while closing, and with values put back.
#[test]
fn tokio_8062_the_length_is_right_at_every_step() {
    let _watch = watch();
    let (tx, rx) = unbounded();
    for round in 0..5 {
        for n in 1..=100 {
            tx.try_send(n).unwrap();
            assert_eq!((tx.len(), rx.len(), rx.is_empty()), (n, n, false));
        }
        for n in (0..100).rev() {
            rx.try_recv().unwrap();
            assert_eq!((tx.len(), rx.len(), rx.is_empty()), (n, n, n == 0), "round {round}");
        }
    }
    let mut waiting = spawn(rx.recv());
    assert_pending!(waiting.poll());
    tx.try_send(1).unwrap();
    assert_eq!(rx.len(), 0, "it is handed over");
    drop(waiting);
    assert_eq!(rx.len(), 1, "it is back");
    drop(tx);
    assert_eq!(rx.len(), 1, "and closing counts nothing");
    rx.try_recv().unwrap();
    assert_eq!((rx.len(), rx.is_empty()), (0, true));
}

/// tokio#8074, #8075, #8260: on a closed channel, what a cancelled operation gives back is found, and Closed comes
/// after it; and the end is told to who waits.
#[test]
fn tokio_8074_closed_with_values_outstanding() {
    let _watch = watch();
    let (tx, rx) = bounded(1);
    let (mut granted, mut waiting) = (spawn(rx.recv()), spawn(rx.recv()));
    assert_pending!(granted.poll());
    assert_pending!(waiting.poll());
    tx.try_send(1).unwrap();
    tx.close();
    assert!(waiting.is_woken(), "the end was not told");
    assert_ready_eq!(waiting.poll(), None);
    drop(granted);
    assert_eq!(rx.try_recv(), Ok(1));
    assert_eq!(rx.try_recv(), Err(TryRecvError::Closed));
}

/// tokio#8546, #8560, and any ring: the places wrap around many times, with waits and cancelled waits in between.
#[test]
fn tokio_8546_places_wrap_around() {
    let _watch = watch();
    for capacity in [1, 2, 3, 7] {
        let (tx, rx) = bounded(capacity);
        let (mut sent, mut received) = (0_u32, 0_u32);
        for turn in 0..1000 {
            while tx.try_send(sent).is_ok() {
                sent += 1;
            }
            let mut given_up = spawn(tx.send(u32::MAX));
            assert_pending!(given_up.poll());
            let mut waiting = spawn(tx.send(sent));
            assert_pending!(waiting.poll());
            drop(given_up);
            for _ in 0..=turn % capacity {
                assert_eq!(rx.try_recv(), Ok(received));
                received += 1;
            }
            assert_ready!(waiting.poll()).unwrap();
            sent += 1;
        }
        while let Ok(n) = rx.try_recv() {
            assert_eq!(n, received);
            received += 1;
        }
        assert_eq!(sent, received);
    }
}

/// crossbeam RUSTSEC-2025-0024: values dropped twice when the channel goes while something is sent.
#[test]
fn crossbeam_2025_0024_the_channel_goes_during_sends() {
    let _watch = watch();
    for make in [|| bounded(2), || bounded(0), unbounded] {
        for _ in 0..100 {
            let tally = Tally::new();
            let (tx, rx) = make();
            let senders: Vec<_> = (0..2)
                .map(|id| {
                    let (tx, tally) = (tx.clone(), tally.clone());
                    std::thread::spawn(move || {
                        for n in 0..40 {
                            let _ = tx.try_send(tally.value(100 * id + n));
                        }
                    })
                })
                .collect();
            drop(tx);
            let _ = rx.try_recv();
            drop(rx);
            for sender in senders {
                sender.join().unwrap();
            }
            tally.check();
        }
    }
}
