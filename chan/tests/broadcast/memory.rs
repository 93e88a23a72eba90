//! What polls, drops and messages leave in memory: nothing.
use crate::allocs::{NOTHING, allocated};
use dormouse_chan::broadcast;
use dormouse_chan::broadcast::Overflow;
use dormouse_testing::{watch, watch_for};
use futures::stream::StreamExt;
use std::future::Future;
use std::pin::pin;
use std::task::Context;
use std::time::Duration;
use tokio_test::task::spawn;

const MILLION: u32 = 1_000_000;

/// flume#88, flume#182, and tokio's mpsc: waiters that pile up.
#[test]
fn a_million_polls_and_dropped_futures_allocate_nothing() {
    let _watch = watch_for(Duration::from_secs(300));
    let (tx, mut rx) = broadcast::<u32>(1, Overflow::Wait);
    let wakers = [spawn(()), spawn(())].map(|mut task| task.enter(|cx, _| cx.waker().clone()));
    let cx = |n: u32| Context::from_waker(&wakers[n as usize % 2]);
    let mut slow = tx.subscribe();
    tx.try_send(0).unwrap();
    rx.try_recv().unwrap();
    let (made, ()) = allocated(|| {
        let (mut recv, mut send, mut closed) = (pin!(rx.recv()), pin!(tx.send(1)), pin!(tx.closed()));
        for n in 0..MILLION {
            let cx = &mut cx(n);
            assert!(recv.as_mut().poll(cx).is_pending());
            assert!(send.as_mut().poll(cx).is_pending());
            assert!(closed.as_mut().poll(cx).is_pending());
        }
    });
    assert_eq!(made, NOTHING, "polls");
    let (made, ()) = allocated(|| {
        for n in 0..MILLION {
            let cx = &mut cx(n);
            assert!(pin!(rx.recv()).poll(cx).is_pending());
            assert!(pin!(rx.next()).poll(cx).is_pending());
            assert!(pin!(tx.send(1)).poll(cx).is_pending());
            assert!(pin!(tx.closed()).poll(cx).is_pending());
        }
    });
    assert_eq!(made, NOTHING, "dropped futures");
    assert_eq!(slow.try_recv(), Ok(0));
}

/// Memory for a value is got once per place.
#[test]
fn messages_allocate_nothing_after_the_first_round() {
    let _watch = watch();
    for overflow in [Overflow::Wait, Overflow::DropOldest] {
        let (tx, mut a) = broadcast::<u32>(4, overflow);
        let mut b = tx.subscribe();
        let mut round = |n: u32| {
            for k in 0..4u32 {
                tx.try_send(n + k).unwrap();
            }
            for k in 0..4u32 {
                assert_eq!((a.try_recv(), b.try_recv()), (Ok(n + k), Ok(n + k)));
            }
        };
        round(0);
        let (made, ()) = allocated(|| (0..1000).for_each(&mut round));
        assert_eq!(made, NOTHING, "{overflow:?}");
    }
    let (tx, _slow) = broadcast::<u32>(4, Overflow::DropOldest);
    (0..4).for_each(|n| tx.try_send(n).unwrap());
    let (made, ()) = allocated(|| (0..1000).for_each(|n| tx.try_send(n).unwrap()));
    assert_eq!(made, NOTHING, "overtaking");
}

#[test]
fn a_channel_gives_all_its_memory_back() {
    let _watch = watch();
    let (made, ()) = allocated(|| {
        let (tx, mut a) = broadcast(8, Overflow::DropOldest);
        let b = tx.subscribe();
        (0..20).for_each(|n| tx.try_send(vec![n; 10]).unwrap());
        assert!(a.try_recv().is_err());
        assert_eq!(a.try_recv(), Ok(vec![12; 10]));
        drop((b, tx, a));
    });
    assert_eq!(made.kept, 0);
}
