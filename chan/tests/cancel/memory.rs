//! What polls and drops leave in memory: nothing.
use crate::allocs::{NOTHING, allocated};
use dormouse_chan::{bounded, select};
use dormouse_testing::watch;
use futures::stream::StreamExt;
use std::future::{Future, pending};
use std::pin::{Pin, pin};
use std::task::Context;
use tokio_test::task::spawn;

const MILLION: u32 = 1_000_000;

/// flume#88, flume#182: each poll of one pending receive queued one more waiter.
#[test]
fn a_million_polls_of_one_pending_future_allocate_nothing() {
    let _watch = watch();
    let (tx, mut rx) = bounded::<u32>(0);
    let wakers = [spawn(()), spawn(())].map(|mut task| task.enter(|cx, _| cx.waker().clone()));
    let polls = |mut poll: &mut dyn FnMut(&mut Context<'_>) -> bool| {
        let poll = &mut poll;
        assert!(poll(&mut Context::from_waker(&wakers[0])));
        let (made, ()) = allocated(|| {
            for n in 0..MILLION / 5 {
                assert!(poll(&mut Context::from_waker(&wakers[n as usize % 2])));
            }
        });
        assert_eq!(made, NOTHING);
    };
    {
        let mut recv = pin!(rx.recv());
        polls(&mut |cx| recv.as_mut().poll(cx).is_pending());
    }
    {
        let mut send = pin!(tx.send(1));
        polls(&mut |cx| send.as_mut().poll(cx).is_pending());
    }
    {
        let mut chosen = pin!(async {
            select! {
                recv(rx) -> _ => (),
                send(tx, 1) -> _ => (),
                () = pending() => (),
            }
        });
        polls(&mut |cx| chosen.as_mut().poll(cx).is_pending());
    }
    {
        let mut stream = Pin::new(&mut rx);
        polls(&mut |cx| futures::Stream::poll_next(stream.as_mut(), cx).is_pending());
    }
}

/// flume#88 again, and tokio-mpsc: waiters that are given up are gone at once.
#[test]
fn a_million_dropped_futures_leave_nothing() {
    let _watch = watch();
    let (tx, mut rx) = bounded::<u32>(0);
    let waker = spawn(()).enter(|cx, _| cx.waker().clone());
    let cx = &mut Context::from_waker(&waker);
    let (made, ()) = allocated(|| {
        for _ in 0..MILLION {
            assert!(pin!(rx.recv()).poll(cx).is_pending());
        }
    });
    assert_eq!(made, NOTHING, "recv");
    let (made, ()) = allocated(|| {
        for n in 0..MILLION / 5 {
            assert!(pin!(tx.send(n)).poll(cx).is_pending());
            let mut place = Some(n);
            assert!(pin!(tx.send_from(&mut place)).poll(cx).is_pending());
            assert!(place.is_some());
        }
    });
    assert_eq!(made, NOTHING, "send");
    let (made, ()) = allocated(|| {
        for n in 0..MILLION / 5 {
            let chosen = pin!(async {
                select! {
                    recv(rx) -> _ => (),
                    send(tx, n) -> _ => (),
                }
            });
            assert!(chosen.poll(cx).is_pending());
        }
    });
    assert_eq!(made, NOTHING, "select");
    assert!(pin!(rx.next()).poll(cx).is_pending()); // boxes its one wait
    let (made, ()) = allocated(|| {
        for _ in 0..MILLION / 5 {
            assert!(pin!(rx.next()).poll(cx).is_pending());
        }
    });
    assert_eq!(made, NOTHING, "stream");
}
