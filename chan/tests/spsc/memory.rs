//! Memory follows the contents.
use crate::allocs::{NOTHING, allocated};
use dormouse_chan::spsc::{bounded, unbounded};
use dormouse_testing::watch;
use futures::FutureExt;

/// Blocks go round, however full the channel gets.
#[test]
fn a_bounded_channel_allocates_no_more_once_it_was_full() {
    let _watch = watch();
    let (mut tx, mut rx) = bounded(100);
    let mut round = || {
        (0..100).for_each(|n| tx.try_send(n).unwrap());
        (0..100).for_each(|n| assert_eq!(rx.try_recv(), Ok(n)));
    };
    (0..40).for_each(|_| round()); // from each place of a block
    assert_eq!(allocated(|| (0..100).for_each(|_| round())).0, NOTHING);
}

/// What a burst took is given back while it is drained, but for two blocks or so.
#[test]
fn an_unbounded_channel_gives_a_burst_back() {
    let _watch = watch();
    let (burst, halves) = allocated(|| {
        let (mut tx, mut rx) = unbounded();
        (0..100_000_u64).for_each(|n| tx.try_send(n).unwrap());
        (0..100_000).for_each(|n| assert_eq!(rx.try_recv(), Ok(n)));
        (tx, rx)
    });
    assert!(burst.kept < 2_000, "{burst:?}");
    let (_, ()) = allocated(|| drop(halves));
    let (steady, halves) = allocated(|| {
        let (mut tx, mut rx) = unbounded();
        for n in 0..100_000_u64 {
            tx.try_send(n).unwrap();
            assert_eq!(rx.try_recv(), Ok(n));
        }
        (tx, rx)
    });
    assert!(steady.times <= 4, "{steady:?} for a queue of one");
    drop(halves);
}

/// Nothing is left of a channel, whatever was in it.
#[test]
fn all_is_freed() {
    let _watch = watch();
    for (sent, received) in [(0, 0), (1, 0), (100, 0), (100, 50), (100, 100)] {
        let all = || {
            let (mut tx, mut rx) = unbounded();
            (0..sent).for_each(|n| tx.try_send(vec![n]).unwrap());
            (0..received).for_each(|_| drop(rx.try_recv()));
            (tx, rx)
        };
        assert_eq!(allocated(|| drop(all())).0.kept, 0);
        let reversed = || {
            let (tx, rx) = all();
            drop(rx);
            drop(tx);
        };
        assert_eq!(allocated(reversed).0.kept, 0);
    }
}

#[test]
fn waiting_allocates_nothing() {
    let _watch = watch();
    let (mut tx, mut rx) = bounded(1);
    let (waits, ()) = allocated(|| {
        for _ in 0..100_000 {
            assert!(rx.recv().now_or_never().is_none());
        }
    });
    assert_eq!(waits, NOTHING);
    tx.try_send(1).unwrap();
    let (waits, ()) = allocated(|| {
        for _ in 0..100_000 {
            assert!(tx.send(1).now_or_never().is_none());
        }
    });
    assert_eq!(waits, NOTHING);
}
