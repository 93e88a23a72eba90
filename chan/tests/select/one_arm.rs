//! Exactly one arm happens, whoever comes, whatever stands in the arms.
use crate::now;
use dormouse_chan::{SendError, TryRecvError, TrySendError, bounded, select, unbounded};
use dormouse_testing::watch;
use dormouse_wait::random::with_seed;
use tokio_test::task::spawn;
use tokio_test::{assert_pending, assert_ready_eq};

#[test]
fn what_loses_did_not_take_place() {
    let _watch = watch();
    for seed in 0..50 {
        let ((a_tx, a), (b_tx, b), (c_tx, c)) = (bounded(1), unbounded(), bounded(1));
        a_tx.try_send(1).unwrap();
        b_tx.try_send(2).unwrap();
        let arm = with_seed(seed, || {
            now(async {
                select! {
                    recv(a) -> v => { assert_eq!(v, Some(1)); 0 }
                    recv(b) -> v => { assert_eq!(v, Some(2)); 1 }
                    send(c_tx, 3) -> sent => { sent.unwrap(); 2 }
                }
            })
        });
        assert_eq!(
            (a.len(), b.len(), c.len()),
            (usize::from(arm != 0), usize::from(arm != 1), usize::from(arm == 2))
        );
    }
}

#[test]
fn a_waiting_select_is_won_once() {
    let _watch = watch();
    let ((a_tx, a), (b_tx, b), (c, c_rx)) = (bounded(0), bounded(0), bounded(0));
    let mut task = spawn(async {
        select! {
            recv(a) -> v => format!("a {v:?}"),
            recv(b) -> v => format!("b {v:?}"),
            send(c, 3) -> sent => format!("c {sent:?}"),
        }
    });
    assert_pending!(task.poll());
    b_tx.try_send(2).unwrap();
    assert!(task.is_woken());
    // Won and not yet polled: for all others it is gone.
    assert_eq!(a_tx.try_send(1), Err(TrySendError::Full(1)));
    assert_eq!(b_tx.try_send(2), Err(TrySendError::Full(2)));
    assert_eq!(c_rx.try_recv(), Err(TryRecvError::Empty));
    assert_ready_eq!(task.poll(), "b Some(2)".to_string());
    assert_eq!(a_tx.try_send(1), Err(TrySendError::Full(1)));
    assert_eq!(c_rx.try_recv(), Err(TryRecvError::Empty));
}

#[test]
fn a_waiting_send_arm_is_taken_once() {
    let _watch = watch();
    let ((a, a_rx), (b, b_rx)) = (bounded(0), bounded(1));
    b.try_send(0).unwrap();
    let mut task = spawn(async {
        select! { send(a, 1) -> sent => (1, sent), send(b, 2) -> sent => (2, sent) }
    });
    assert_pending!(task.poll());
    assert_eq!(b_rx.try_recv(), Ok(0)); // moves 2 in
    assert_eq!(b_rx.len(), 1);
    assert_eq!(a_rx.try_recv(), Err(TryRecvError::Empty));
    assert_ready_eq!(task.poll(), (2, Ok(())));
    assert_eq!(b_rx.try_recv(), Ok(2));
}

#[test]
fn one_channel_in_several_arms() {
    let _watch = watch();
    let (tx, rx) = bounded(0);
    let mut task = spawn(async {
        select! { recv(rx) -> v => (1, v), recv(&rx) -> v => (2, v), recv(rx) -> v => (3, v) }
    });
    assert_pending!(task.poll());
    tx.try_send(5).unwrap();
    assert!(tx.try_send(6).unwrap_err().is_full(), "three arms, but one receive");
    let std::task::Poll::Ready((arm, value)) = task.poll() else { panic!("it has a value") };
    assert!((1..=3).contains(&arm) && value == Some(5));
    drop(task);

    let mut task = spawn(async {
        select! { send(tx, 1) -> sent => (1, sent), send(&tx, 2) -> sent => (2, sent) }
    });
    assert_pending!(task.poll());
    let value = rx.try_recv().unwrap();
    assert_eq!(rx.try_recv(), Err(TryRecvError::Empty));
    assert_ready_eq!(task.poll(), (value, Ok(())));
}

#[test]
fn both_directions_of_one_channel_never_meet_themselves() {
    let _watch = watch();
    for receive in [true, false] {
        let (tx, rx) = bounded(0);
        let mut task = spawn(async {
            select! { recv(rx) -> v => format!("got {v:?}"), send(tx, 1) -> sent => format!("sent {sent:?}") }
        });
        for _ in 0..10 {
            assert_pending!(task.poll());
        }
        assert_eq!(select! { recv(rx) -> _, if false => 1, default => 2 }, 2);
        if receive {
            assert_eq!(rx.try_recv(), Ok(1));
            assert!(tx.try_send(7).unwrap_err().is_full());
            assert_ready_eq!(task.poll(), "sent Ok(())".to_string());
        } else {
            assert_eq!(tx.try_send(7), Ok(()));
            assert_eq!(rx.try_recv(), Err(TryRecvError::Empty));
            assert_ready_eq!(task.poll(), "got Some(7)".to_string());
        }
    }
    let (tx, rx) = bounded(0);
    assert!(select! { recv(rx) -> _ => false, send(tx, 1) -> _ => false, default => true });
    // With a buffer, the send is ready first and the receive after it.
    let (tx, rx) = bounded(1);
    let step = || select! { recv(rx) -> v => format!("{v:?}"), send(tx, 1) -> _ => "sent".to_string(), default => unreachable!() };
    assert_eq!((step(), step(), step()), ("sent".into(), "Some(1)".into(), "sent".into()));
}

#[test]
fn two_selects_meet_in_one_arm() {
    let _watch = watch();
    let mut met = [0; 2];
    for seed in 0..40 {
        with_seed(seed, || {
            let ((a_tx, a), (b_tx, b)) = (bounded(0), bounded(0));
            let mut first = spawn(async {
                select! { send(a_tx, 1) -> sent => { sent.unwrap(); None } recv(b) -> v => v }
            });
            let mut second = spawn(async {
                select! { send(b_tx, 2) -> sent => { sent.unwrap(); None } recv(a) -> v => v }
            });
            assert_pending!(first.poll());
            let (std::task::Poll::Ready(second), std::task::Poll::Ready(first)) =
                (second.poll(), first.poll())
            else {
                panic!("they meet")
            };
            match (first, second) {
                (None, Some(1)) => met[0] += 1,
                (Some(2), None) => met[1] += 1,
                other => panic!("not one arm: {other:?}"),
            }
        });
    }
    assert!(met[0] > 5 && met[1] > 5, "{met:?}");
}

#[test]
fn two_selects_with_futures_meet_too() {
    let _watch = watch();
    let (tx, rx) = bounded(0);
    let mut sends = spawn(async {
        select! { send(tx, 1) -> sent => sent, () = std::future::pending() => unreachable!() }
    });
    let mut receives = spawn(async {
        select! { recv(rx) -> v => v, () = std::future::pending() => unreachable!() }
    });
    assert_pending!(sends.poll());
    assert_pending!(sends.poll());
    assert_ready_eq!(receives.poll(), Some(1));
    assert_ready_eq!(sends.poll(), Ok(()));
}

#[test]
fn a_close_wins_one_arm() {
    let _watch = watch();
    let ((a_tx, a), (b, b_rx)) = (bounded::<u8>(0), bounded(0));
    let mut task = spawn(async {
        select! { recv(a) -> v => Err(v), send(b, 4) -> sent => Ok(sent) }
    });
    assert_pending!(task.poll());
    b_rx.close();
    drop(a_tx);
    assert!(task.is_woken());
    assert_ready_eq!(task.poll(), Ok(Err(SendError(4))));
    drop(task);
    let mut task = spawn(async {
        select! { recv(a) -> v => v, () = std::future::pending() => unreachable!() }
    });
    assert_ready_eq!(task.poll(), None);
}

/// Sixty-four arms, the most there may be.
macro_rules! sixty_four {
    ($select:ident; $rxs:ident; [$($last:tt)*] $($i:literal)*) => {
        $select! { $(recv($rxs[$i]) -> v => ($i, v.unwrap()),)* $($last)* }
    };
    ($select:ident; $rxs:ident $($last:tt)*) => {
        sixty_four!($select; $rxs; [$($last)*]
            0 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20 21 22 23 24 25 26 27 28 29 30 31
            32 33 34 35 36 37 38 39 40 41 42 43 44 45 46 47 48 49 50 51 52 53 54 55 56 57 58 59 60 61 62 63)
    };
}

#[test]
fn sixty_four_arms() {
    let _watch = watch();
    let (txs, rxs): (Vec<_>, Vec<_>) = (0..64).map(|_| bounded(0)).unzip();
    for i in 0..64 {
        let mut task = spawn(async { sixty_four!(select; rxs) });
        assert_pending!(task.poll());
        assert_pending!(task.poll());
        txs[i].try_send(i).unwrap();
        assert_ready_eq!(task.poll(), (i, i));
        // And one that is ready at once.
        let mut send = spawn(txs[63 - i].send(7));
        assert_pending!(send.poll());
        assert_eq!(now(async { sixty_four!(select; rxs) }), (63 - i, 7));
    }
    assert!(txs.iter().all(|tx| tx.try_send(0).unwrap_err().is_full()), "nothing waits any more");
}

/// The same with a `default`, which takes all 64 locks when nothing is ready.
#[test]
fn sixty_four_arms_at_one_instant() {
    let _watch = watch();
    let (txs, rxs): (Vec<_>, Vec<_>) = (0..64).map(|_| bounded(1)).unzip();
    for (i, tx) in txs.iter().enumerate() {
        assert_eq!(sixty_four!(select; rxs default => (64, 64)), (64, 64));
        tx.try_send(i).unwrap();
        assert_eq!(sixty_four!(select; rxs default => (64, 64)), (i, i));
    }
}
