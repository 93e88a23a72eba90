//! F10, I5, I9: values of every shape pass unchanged, exactly once, and nothing of them is kept.
use crate::allocs::{NOTHING, allocated};
use dormouse_chan::{Receiver, Sender, bounded, unbounded};
use dormouse_testing::watch;
use std::fmt::Debug;
use std::sync::Arc;
use tokio_test::task::spawn;
use tokio_test::{assert_pending, assert_ready_eq};

/// Sends values by every way there is.
fn passes<T: PartialEq + Debug>(
    channel: impl Fn(usize) -> (Sender<T>, Receiver<T>),
    value: impl Fn(u8) -> T,
) {
    let (tx, rx) = channel(0);
    let mut send = spawn(tx.send(value(1)));
    if send.poll().is_pending() {
        assert_eq!(rx.try_recv(), Ok(value(1)));
        assert_ready_eq!(send.poll(), Ok(()));
    } else {
        assert_eq!(rx.try_recv(), Ok(value(1))); // no channel without a buffer
    }
    drop(send);
    let mut recv = spawn(rx.recv());
    assert_pending!(recv.poll());
    tx.try_send(value(2)).unwrap();
    assert_ready_eq!(recv.poll(), Some(value(2)));
    drop(recv);
    let mut recv = spawn(rx.recv());
    assert_pending!(recv.poll());
    tx.try_send(value(3)).unwrap();
    drop(recv); // comes back
    assert_eq!(rx.try_recv(), Ok(value(3)));

    let (tx, rx) = channel(3);
    for turn in 0..20 {
        for n in 0..3 {
            tx.try_send(value(turn * 3 + n)).unwrap();
        }
        for n in 0..3 {
            assert_eq!(rx.try_recv(), Ok(value(turn * 3 + n)));
        }
    }
    for n in 0..100 {
        if tx.try_send(value(n)).is_err() {
            break;
        }
    }
    let left = tx.len();
    tx.close();
    assert_eq!(rx.iter().count(), left);
    assert_eq!(tx.send_blocking(value(9)).unwrap_err().into_inner(), value(9));
}

fn passes_everywhere<T: PartialEq + Debug>(value: impl Fn(u8) -> T) {
    passes(bounded, &value);
    passes(|_| unbounded(), &value);
}

#[derive(Debug, PartialEq)]
#[repr(align(128))]
struct OverAligned(u8);

#[derive(Debug, PartialEq)]
#[repr(align(4096))]
struct PageAligned([u8; 5000]);

#[test]
fn values_of_every_shape_pass() {
    let _watch = watch();
    passes_everywhere(|_| ());
    passes_everywhere(|n| n);
    passes_everywhere(|n| [n; 3]);
    passes_everywhere(|n| u128::from(n) << 100);
    passes_everywhere(|n| [n; 256]);
    passes_everywhere(|n| [u64::from(n); 1000]);
    passes_everywhere(OverAligned);
    passes_everywhere(|n| PageAligned([n; 5000]));
    passes_everywhere(|n| (n, String::from("text"), Box::new(n)));
    passes_everywhere(|n| Arc::<[u8]>::from([n; 7]));
    passes_everywhere(|_| [OverAligned(0); 0]); // zero-sized, yet aligned
}

#[test]
fn an_over_aligned_value_stands_where_it_may() {
    let _watch = watch();
    for (tx, rx) in [bounded(3), unbounded()] {
        for n in 0..3 {
            tx.try_send(OverAligned(n)).unwrap();
        }
        let values: Vec<_> = rx.try_recv().into_iter().chain(rx.try_recv()).collect();
        for value in &values {
            assert_eq!(std::ptr::from_ref(value).addr() % 128, 0);
        }
    }
}

#[test]
fn zero_sized_values_need_no_buffer() {
    let _watch = watch();
    let (channel, (tx, rx)) = allocated(|| bounded::<()>(usize::MAX / 2));
    assert_eq!(channel.times, 1, "the channel itself");
    assert_eq!(tx.capacity(), Some(usize::MAX / 2));
    let (passing, ()) = allocated(|| {
        for _ in 0..1000 {
            tx.try_send(()).unwrap();
        }
        assert_eq!(tx.len(), 1000);
        for _ in 0..1000 {
            rx.try_recv().unwrap();
        }
    });
    assert_eq!(passing, NOTHING);
}

/// Whatever the capacity: an idle channel is small, and one that is used keeps its blocks.
#[test]
fn the_memory_of_a_bounded_channel_follows_its_contents() {
    let _watch = watch();
    for capacity in [0, 1, 10, 1_000_000] {
        let (made, (tx, rx)) = allocated(|| bounded::<u64>(capacity));
        assert_eq!(made.times, 1, "no block before the first value");
        assert_eq!(made.kept, 120, "bytes of a channel, whatever its capacity");
        if capacity == 0 {
            continue;
        }
        let (first, _) = allocated(|| tx.try_send(1));
        assert_eq!(first.times, 1);
        assert!(first.kept <= 40, "{first:?} for one value");
        let (passing, ()) = allocated(|| {
            for _ in 0..1_000 {
                rx.try_recv().unwrap();
                tx.try_send(1).unwrap();
            }
        });
        assert_eq!(passing, NOTHING);
    }
    let (tx, rx) = bounded(100);
    let rounds = |rounds: usize| {
        for _ in 0..rounds {
            (0..100).for_each(|n| tx.try_send(n).unwrap());
            (0..100).for_each(|n| assert_eq!(rx.try_recv(), Ok(n)));
        }
    };
    rounds(2); // all blocks are there
    assert_eq!(allocated(|| rounds(100)).0, NOTHING);
}

/// A queue of steady length lives without the allocator, and a drained burst is given back.
#[test]
fn the_memory_of_an_unbounded_channel_follows_its_contents() {
    let _watch = watch();
    let (tx, rx) = unbounded();
    tx.try_send(0).unwrap();
    let (steady, ()) = allocated(|| {
        for n in 1..10_000 {
            tx.try_send(n).unwrap();
            assert_eq!(rx.try_recv(), Ok(n - 1));
        }
    });
    assert!(steady.times <= 2, "{steady:?} for a queue of one value or two");
    let (tx, rx) = unbounded();
    let (left, ()) = allocated(|| {
        (0..100_000_u64).for_each(|n| tx.try_send(n).unwrap());
        (0..99_900).for_each(|n| assert_eq!(rx.try_recv(), Ok(n)));
    });
    assert!(left.kept < 6 * 33 * 8, "{left:?}: what holds 100 values, and a spare block");
    let (drained, ()) = allocated(|| (99_900..100_000).for_each(|n| assert_eq!(rx.try_recv(), Ok(n))));
    assert_eq!(left.kept + drained.kept, 0, "no block of a burst that was drained");
}

#[test]
fn a_capacity_beyond_any_memory_is_refused_with_advice() {
    let _watch = watch();
    for capacity in [usize::MAX, usize::MAX / 2, isize::MAX as usize / 8] {
        let payload = std::panic::catch_unwind(|| drop(bounded::<[u64; 2]>(capacity))).unwrap_err();
        let expected = format!(
            "dormouse::chan::bounded: {capacity} values of 16 bytes each are more than any memory holds; use a smaller \
             capacity, or `unbounded()`"
        );
        assert_eq!(payload.downcast_ref::<String>(), Some(&expected));
    }
}

#[test]
fn nothing_is_kept_of_a_value_that_was_received() {
    let _watch = watch();
    let value = Arc::new(());
    for (tx, rx) in [bounded(0), bounded(2), unbounded()] {
        let mut recv = spawn(rx.recv());
        assert_pending!(recv.poll());
        tx.try_send(value.clone()).unwrap();
        drop(recv.poll());
        assert_eq!(Arc::strong_count(&value), 1, "received by a future that still stands");
        drop(recv);
        let mut send = spawn(tx.send(value.clone()));
        let _ = send.poll();
        drop(rx.try_recv());
        assert_eq!(Arc::strong_count(&value), 1, "sent by a future that still stands");
    }
}

#[test]
fn what_nobody_receives_is_dropped_once() {
    let _watch = watch();
    let value = Arc::new(());
    for (tx, rx) in [bounded(40), unbounded()] {
        for _ in 0..40 {
            tx.try_send(value.clone()).unwrap();
        }
        for _ in 0..3 {
            rx.try_recv().unwrap();
        }
        assert_eq!(Arc::strong_count(&value), 38);
        drop(tx);
        assert_eq!(Arc::strong_count(&value), 38, "still to be received");
        drop(rx);
        assert_eq!(Arc::strong_count(&value), 1);
    }
}
