//! Values: in order, as many as fit, of every shape, each dropped once.
use dormouse_chan::spsc::{self, Receiver, Sender, bounded, unbounded};
use dormouse_testing::{Tally, number, panics, watch};

#[test]
fn they_arrive_in_order_and_as_many_as_fit_wait() {
    let _watch = watch();
    for capacity in [1, 2, 31, 32, 33, 100] {
        let (mut tx, mut rx) = bounded(capacity);
        assert_eq!((tx.capacity(), rx.capacity()), (Some(capacity), Some(capacity)));
        // Starting at each place of a block.
        for start in 0..70 {
            for n in 0..capacity {
                assert_eq!((tx.len(), tx.is_empty(), tx.is_full()), (n, n == 0, false));
                tx.try_send(n).unwrap();
            }
            assert!(tx.is_full() && rx.is_full());
            assert_eq!(tx.try_send(usize::MAX).unwrap_err().into_inner(), usize::MAX);
            for n in 0..capacity {
                assert_eq!((rx.len(), rx.try_recv()), (capacity - n, Ok(n)), "round {start}");
            }
            assert!(rx.try_recv().unwrap_err().is_empty() && rx.is_empty());
            tx.try_send(0).unwrap();
            rx.try_recv().unwrap();
        }
    }
}

#[test]
fn without_a_bound_any_number_waits() {
    let _watch = watch();
    let (mut tx, mut rx) = unbounded();
    assert_eq!((tx.capacity(), rx.capacity(), tx.is_full()), (None, None, false));
    (0..10_000).for_each(|n| tx.try_send(n).unwrap());
    assert_eq!((tx.len(), rx.len()), (10_000, 10_000));
    (0..10_000).for_each(|n| assert_eq!(rx.try_recv(), Ok(n)));
    assert_eq!(rx.len(), 0);
}

#[test]
fn values_of_every_shape_pass() {
    let _watch = watch();
    fn pass<T: PartialEq + std::fmt::Debug + Clone>(value: T) {
        for (mut tx, mut rx) in [bounded(2), unbounded()] {
            for _ in 0..100 {
                tx.try_send(value.clone()).unwrap();
                assert_eq!(rx.try_recv().as_ref(), Ok(&value));
            }
        }
    }
    #[derive(Clone, Debug, PartialEq)]
    #[repr(align(256))]
    struct Aligned(u8);
    pass(());
    pass(7_u8);
    pass(String::from("a heap of it"));
    pass([7_u64; 100]);
    pass(Aligned(7));
    let (mut tx, mut rx) = bounded(1);
    tx.try_send(Aligned(1)).unwrap();
    let value = rx.try_recv().unwrap();
    assert_eq!(std::ptr::from_ref(&value).addr() % 256, 0);
}

#[test]
fn what_nobody_receives_is_dropped_once() {
    let _watch = watch();
    let ways: [fn(Sender<_>, Receiver<_>); 3] =
        [|tx, rx| drop((tx, rx)), |tx, rx| drop((rx, tx)), |mut tx, rx| drop((tx.close(), rx))];
    for drop_all in ways {
        for count in [0, 1, 32, 33, 100] {
            let tally = Tally::new();
            let (mut tx, mut rx) = unbounded();
            for n in 0..count {
                assert!(tx.try_send(tally.value(n)).is_ok());
            }
            assert_eq!(number(rx.try_recv().ok()), (count > 0).then_some(0));
            drop_all(tx, rx);
            tally.check();
            (0..count).for_each(|n| assert_eq!(tally.dropped(n), 1));
        }
    }
}

#[test]
fn impossible_capacities_are_refused_with_advice() {
    let _watch = watch();
    let zero = panics(|| bounded::<u8>(0));
    assert!(zero.contains("capacity 0") && zero.contains("chan::bounded(0)"), "{zero}");
    let most = isize::MAX as usize / 16;
    let huge = panics(|| bounded::<[u64; 2]>(usize::MAX / 2));
    assert!(huge.contains("16 bytes each") && huge.contains(&most.to_string()), "{huge}");
    drop(bounded::<[u64; 2]>(most));
}

#[test]
fn the_halves_and_futures_may_go_to_other_threads() {
    fn check<T: Send + Sync + Unpin>() {}
    check::<Sender<u8>>();
    check::<Receiver<u8>>();
    check::<spsc::SendFuture<'_, u8>>();
    check::<spsc::RecvFuture<'_, u8>>();
}
