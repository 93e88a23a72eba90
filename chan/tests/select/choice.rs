//! Which of the ready arms is chosen, and when `default` is.
use crate::now;
use dormouse_chan::{Receiver, Sender, bounded, never, select};
use dormouse_testing::watch;
use dormouse_wait::random::with_seed;
use std::cell::Cell;
use std::future::{pending, ready};
use tokio_test::assert_pending;
use tokio_test::task::spawn;

const PICKS: u32 = 100_000;

/// Asks that `PICKS` calls of `pick` choose uniformly among its `N` answers. One run in 10,000 would fail by chance;
/// but the seed makes each run the same.
#[track_caller]
pub(crate) fn uniform<const N: usize>(mut pick: impl FnMut() -> usize) {
    // The quantile 0.9999 of chi square with N - 1 degrees of freedom.
    let bound = match N {
        2 => 15.14,
        3 => 18.42,
        5 => 23.51,
        8 => 29.88,
        _ => unreachable!("no bound is known for {N} arms"),
    };
    let mut counts = [0_u32; N];
    with_seed(7, || (0..PICKS).for_each(|_| counts[pick()] += 1));
    let expected = f64::from(PICKS) / N as f64;
    let chi_square: f64 = counts.iter().map(|&n| (f64::from(n) - expected).powi(2) / expected).sum();
    assert!(chi_square < bound, "{counts:?}: {chi_square:.2} is not below {bound}");
}

/// A channel with one value in it.
fn full() -> (Sender<u8>, Receiver<u8>) {
    let (tx, rx) = bounded(1);
    tx.try_send(0).unwrap();
    (tx, rx)
}

/// A channel with room for one.
fn empty() -> (Sender<u8>, Receiver<u8>) {
    bounded(1)
}

#[test]
fn two_receives() {
    let _watch = watch();
    let ((a_tx, a), (b_tx, b)) = (full(), full());
    uniform::<2>(|| {
        now(async {
            select! {
                recv(a) -> v => { a_tx.try_send(v.unwrap()).unwrap(); 0 }
                recv(b) -> v => { b_tx.try_send(v.unwrap()).unwrap(); 1 }
            }
        })
    });
}

#[test]
fn two_sends_on_one_channel() {
    let _watch = watch();
    let (tx, rx) = empty();
    uniform::<2>(|| {
        let arm = now(async {
            select! { send(tx, 0) -> _ => 0, send(tx, 1) -> _ => 1 }
        });
        assert_eq!(rx.try_recv(), Ok(arm as u8));
        arm
    });
}

#[test]
fn three_of_every_kind() {
    let _watch = watch();
    let ((a_tx, a), (b, b_rx)) = (full(), empty());
    uniform::<3>(|| {
        now(async {
            select! {
                recv(a) -> v => { a_tx.try_send(v.unwrap()).unwrap(); 0 }
                send(b, 1) -> _ => { b_rx.try_recv().unwrap(); 1 }
                v = ready(2) => v,
            }
        })
    });
}

/// Arms that are not ready, or disabled, take no part and shift nobody's chances.
#[test]
fn five_of_nine() {
    let _watch = watch();
    let ((a_tx, a), (b, b_rx), (c, c_rx)) = (full(), empty(), empty());
    let (closed_tx, closed) = bounded::<u8>(0);
    closed_tx.close();
    let (never_tx, never_rx) = never::<u8>();
    let nobody = bounded::<u8>(0);
    uniform::<5>(|| {
        let mut place = Some(9);
        now(async {
            select! {
                recv(never_rx) -> _ => unreachable!(),
                recv(a) -> v => { a_tx.try_send(v.unwrap()).unwrap(); 0 }
                send(b, 1) -> _ => { b_rx.try_recv().unwrap(); 1 }
                recv(closed) -> _, if false => unreachable!(),
                send(nobody.0, 1) -> _ => unreachable!(),
                recv(closed) -> v => { assert_eq!(v, None); 2 }
                send(never_tx, 1) -> _ => unreachable!(),
                send(closed_tx, 1) -> sent => { assert!(sent.is_err()); 3 }
                send_from(c, place) -> _ => { c_rx.try_recv().unwrap(); 4 }
            }
        })
    });
}

#[test]
fn eight_arms() {
    let _watch = watch();
    let (txs, rxs): (Vec<_>, Vec<_>) = (0..8).map(|i| if i % 2 == 0 { full() } else { empty() }).unzip();
    uniform::<8>(|| {
        let arm = now(async {
            select! {
                recv(rxs[0]) -> _ => 0, send(txs[1], 0) -> _ => 1, recv(rxs[2]) -> _ => 2, send(txs[3], 0) -> _ => 3,
                recv(rxs[4]) -> _ => 4, send(txs[5], 0) -> _ => 5, recv(rxs[6]) -> _ => 6, send(txs[7], 0) -> _ => 7,
            }
        });
        if arm % 2 == 0 {
            txs[arm].try_send(0).unwrap()
        } else {
            rxs[arm].try_recv().map(|_| ()).unwrap()
        }
        arm
    });
}

#[test]
fn with_a_default_as_without() {
    let _watch = watch();
    let ((a_tx, a), (b, b_rx), (c_tx, c)) = (full(), empty(), full());
    uniform::<3>(|| {
        select! {
            recv(a) -> v => { a_tx.try_send(v.unwrap()).unwrap(); 0 }
            send(b, 1) -> _ => { b_rx.try_recv().unwrap(); 1 }
            default => unreachable!("arms are ready"),
            recv(c) -> v => { c_tx.try_send(v.unwrap()).unwrap(); 2 }
        }
    });
}

#[test]
fn with_a_default_and_futures_too() {
    let _watch = watch();
    let ((a_tx, a), (b, b_rx)) = (full(), empty());
    uniform::<3>(|| {
        now(async {
            select! {
                v = ready(0) => v,
                recv(a) -> v => { a_tx.try_send(v.unwrap()).unwrap(); 1 }
                send(b, 1) -> _ => { b_rx.try_recv().unwrap(); 2 }
                default => unreachable!("arms are ready"),
            }
        })
    });
}

/// A select that had queued, and finds several arms ready when it looks again.
#[test]
fn at_the_second_look_as_at_the_first() {
    let _watch = watch();
    let ((a_tx, a), (b_tx, b)) = (empty(), empty());
    let asked = Cell::new(false);
    uniform::<2>(|| {
        let mut task = spawn(async {
            select! {
                recv(a) -> _ => 0,
                recv(b) -> _ => 1,
                // Its poll makes both ready: the select is held meanwhile, and passed over.
                _ = std::future::poll_fn::<(), _>(|_| {
                    if asked.replace(true) {
                        a_tx.try_send(0).unwrap();
                        b_tx.try_send(0).unwrap();
                    }
                    std::task::Poll::Pending
                }) => unreachable!(),
            }
        });
        asked.set(false);
        assert_pending!(task.poll());
        let std::task::Poll::Ready(arm) = task.poll() else { panic!("both are ready") };
        if arm == 0 {
            assert_eq!(b.try_recv(), Ok(0))
        } else {
            assert_eq!(a.try_recv(), Ok(0))
        }
        arm
    });
}

#[test]
fn the_same_seed_chooses_the_same() {
    let _watch = watch();
    let (closed_tx, closed) = bounded::<u8>(0);
    drop(closed_tx);
    let run = |seed| {
        with_seed(seed, || -> Vec<u8> {
            let pick = || select! { recv(closed) -> _ => 0, recv(closed) -> _ => 1, recv(closed) -> _ => 2, default => 3 };
            (0..100).map(|_| pick()).collect()
        })
    };
    assert_eq!(run(1), run(1));
    assert_ne!(run(1), run(2));
}

#[test]
fn biased_takes_the_first_in_order() {
    let _watch = watch();
    let ((a_tx, a), (b, b_rx)) = (full(), empty());
    for _ in 0..100 {
        let arm = now(async {
            select! {
                biased;
                send(a_tx, 1) -> _ => 0, // full: not ready
                recv(b_rx) -> _ => 1, // empty
                () = pending() => 2,
                send(b, 1) -> _ => 3,
                recv(a) -> _ => unreachable!("ready, but later"),
                () = ready(()) => unreachable!("ready, but later"),
            }
        });
        assert_eq!((arm, b_rx.try_recv()), (3, Ok(1)));
        let arm = now(async {
            select! { biased; v = ready(0) => v, recv(a) -> _ => unreachable!("ready, but later") }
        });
        assert_eq!(arm, 0);
    }
}

#[test]
fn biased_holds_with_a_default() {
    let _watch = watch();
    let ((a_tx, a), (b_tx, b)) = (full(), full());
    for _ in 0..100 {
        let arm = select! { biased; recv(a) -> _ => 0, recv(b) -> _ => 1, default => 2 };
        assert_eq!(arm, 0);
        a_tx.try_send(0).unwrap();
        let arm = now(async {
            select! { biased; recv(a) -> _ => 0, v = ready(1) => v, recv(b) -> _ => 2, default => 3 }
        });
        assert_eq!(arm, 0, "the future is ready, but later");
        a_tx.try_send(0).unwrap();
    }
    assert_eq!(b_tx.len(), 1);
}

#[test]
fn default_only_if_nothing_is_ready() {
    let _watch = watch();
    let ((tx, rx), (rendezvous_tx, rendezvous)) = (bounded(1), bounded::<u8>(0));
    let look = || {
        select! {
            recv(rx) -> v => v,
            recv(rendezvous) -> v => v,
            default => Some(99),
        }
    };
    assert_eq!(look(), Some(99));
    tx.try_send(1).unwrap();
    assert_eq!(look(), Some(1));
    assert_eq!(look(), Some(99));
    {
        let mut send = spawn(rendezvous_tx.send(2));
        assert_eq!(look(), Some(99));
        assert_pending!(send.poll());
        assert_eq!(look(), Some(2));
    }
    assert_eq!(look(), Some(99));
    drop(tx);
    assert_eq!(look(), None, "a closed channel is ready");
}

/// F22 with futures among the arms: one of the two channels has a value at each instant, and moves on to the other while
/// a future is polled, after the one was tried and before the other is.
#[test]
fn default_with_futures_is_a_snapshot() {
    let _watch = watch();
    let ((a_tx, a), (b_tx, b)) = (bounded(1), bounded(1));
    a_tx.try_send(1).unwrap();
    let (from_a, to_b) = (a.clone(), b_tx.clone());
    let moves = std::future::poll_fn(|_| {
        to_b.try_send(2).unwrap();
        assert_eq!(from_a.try_recv(), Ok(1));
        std::task::Poll::<()>::Pending
    });
    let got = now(async {
        select! { biased; recv(b) -> v => v, () = moves => None, recv(a) -> v => v, default => None }
    });
    assert_eq!(got, Some(2));
}

#[test]
fn default_with_one_channel_or_none() {
    let _watch = watch();
    let (tx, rx) = bounded(1);
    assert_eq!(select! { recv(rx) -> v => v, default => None }, None);
    assert!(select! { send(tx, 1) -> sent => sent.is_ok(), default => false });
    assert!(!select! { send(tx, 2) -> sent => sent.is_ok(), default => false });
    assert_eq!(select! { recv(rx) -> v => v, default => None }, Some(1));
    assert_eq!(select! { default => 5 }, 5);
    assert_eq!(select! { recv(rx) -> _, if false => 1, default => 2 }, 2);
}

#[test]
fn default_polls_each_future_once() {
    let _watch = watch();
    let polls = Cell::new(0);
    let (_tx, rx) = bounded::<u8>(0);
    let waits = || {
        std::future::poll_fn::<(), _>(|_| {
            polls.set(polls.get() + 1);
            std::task::Poll::Pending
        })
    };
    let mut task = spawn(async {
        select! {
            () = waits() => 0,
            recv(rx) -> _ => 1,
            () = waits() => 2,
            default => 3,
        }
    });
    assert_eq!(task.poll(), std::task::Poll::Ready(3));
    assert_eq!(polls.get(), 2);
}
