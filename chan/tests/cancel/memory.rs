//! What polls and drops leave in memory: nothing. (`watch`, `broadcast`, `oneshot`: their own `memory` files.)
use crate::allocs::{NOTHING, allocated};
use dormouse_chan::{Select, bounded, select};
use dormouse_testing::watch_for;
use futures::sink::Sink;
use futures::stream::{Stream, StreamExt};
use std::future::{Future, pending};
use std::pin::{Pin, pin};
use std::task::{Context, Waker};
use std::time::Duration;
use tokio_test::task::spawn;

const MILLION: u32 = 1_000_000;
const LIMIT: Duration = Duration::from_secs(300);

/// Two tasks take turns.
fn wakers() -> [Waker; 2] {
    [spawn(()), spawn(())].map(|mut task| task.enter(|cx, _| cx.waker().clone()))
}

/// Does `act` once, and then a million times, which must allocate nothing. It says whether it was pending.
#[track_caller]
fn a_million(mut act: impl FnMut(&mut Context<'_>) -> bool) {
    let wakers = wakers();
    let mut act = |n: u32| assert!(act(&mut Context::from_waker(&wakers[n as usize % 2])));
    act(0);
    let (made, ()) = allocated(|| (1..=MILLION).for_each(&mut act));
    assert_eq!(made, NOTHING);
}

/// flume#88, flume#182: each poll of one pending receive queued one more waiter.
#[test]
fn a_million_polls_of_one_pending_future_allocate_nothing() {
    let _watch = watch_for(LIMIT);
    let (tx, mut rx) = bounded::<u32>(0);
    {
        let mut recv = pin!(rx.recv());
        a_million(|cx| recv.as_mut().poll(cx).is_pending());
    }
    {
        let mut send = pin!(tx.send(1));
        a_million(|cx| send.as_mut().poll(cx).is_pending());
    }
    {
        let mut chosen = pin!(async {
            select! {
                recv(rx) -> _ => (),
                send(tx, 1) -> _ => (),
                () = pending() => (),
            }
        });
        a_million(|cx| chosen.as_mut().poll(cx).is_pending());
    }
    {
        let mut select = Select::new();
        select.recv(&rx);
        select.send(&tx, 1);
        let mut chosen = pin!(select.wait());
        a_million(|cx| chosen.as_mut().poll(cx).is_pending());
    }
    {
        let mut stream = Pin::new(&mut rx);
        a_million(|cx| stream.as_mut().poll_next(cx).is_pending());
    }
}

#[test]
fn a_million_polls_of_a_pending_batch_or_place_allocate_nothing() {
    let _watch = watch_for(LIMIT);
    let (tx, rx) = bounded::<u32>(1);
    {
        let mut into = Vec::new();
        let mut many = pin!(rx.recv_many(&mut into, 8));
        a_million(|cx| many.as_mut().poll(cx).is_pending());
    }
    {
        let mut closed = pin!(tx.closed());
        a_million(|cx| closed.as_mut().poll(cx).is_pending());
    }
    tx.try_send(0).unwrap();
    {
        let mut place = pin!(tx.reserve());
        a_million(|cx| place.as_mut().poll(cx).is_pending());
    }
    {
        let mut many = pin!(tx.send_many([1, 2]));
        a_million(|cx| many.as_mut().poll(cx).is_pending());
    }
    {
        let mut timed = pin!(tx.send_timeout(1, Duration::from_secs(3600)));
        a_million(|cx| timed.as_mut().poll(cx).is_pending());
    }
    {
        let mut sink = pin!(tx.into_sink());
        let mut cx = Context::from_waker(Waker::noop());
        assert!(sink.as_mut().poll_ready(&mut cx).is_ready());
        sink.as_mut().start_send(1).unwrap();
        a_million(|cx| sink.as_mut().poll_flush(cx).is_pending());
    }
}

/// flume#88 again, and tokio-mpsc: waiters that are given up are gone at once.
#[test]
fn a_million_dropped_futures_leave_nothing() {
    let _watch = watch_for(LIMIT);
    let (tx, mut rx) = bounded::<u32>(0);
    a_million(|cx| pin!(rx.recv()).poll(cx).is_pending());
    a_million(|cx| pin!(tx.send(1)).poll(cx).is_pending());
    a_million(|cx| {
        let mut place = Some(1);
        pin!(tx.send_from(&mut place)).poll(cx).is_pending() && place.is_some()
    });
    a_million(|cx| {
        let chosen = pin!(async {
            select! {
                recv(rx) -> _ => (),
                send(tx, 1) -> _ => (),
            }
        });
        chosen.poll(cx).is_pending()
    });
    let mut select = Select::new();
    select.recv(&rx);
    select.send(&tx, 1);
    a_million(|cx| pin!(select.wait()).poll(cx).is_pending());
    drop(select);
    a_million(|cx| pin!(rx.next()).poll(cx).is_pending()); // it boxes its wait, once
}

#[test]
fn a_million_dropped_batches_and_places_leave_nothing() {
    let _watch = watch_for(LIMIT);
    let (tx, rx) = bounded::<u32>(1);
    let mut into = Vec::new();
    a_million(|cx| pin!(rx.recv_many(&mut into, 8)).poll(cx).is_pending());
    a_million(|cx| pin!(rx.stream()).poll_next(cx).is_pending());
    a_million(|cx| pin!(tx.closed()).poll(cx).is_pending());
    tx.try_send(0).unwrap();
    a_million(|cx| pin!(tx.reserve()).poll(cx).is_pending());
    a_million(|cx| pin!(tx.send_many([1, 2])).poll(cx).is_pending());
    assert_eq!(rx.try_recv(), Ok(0));
    a_million(|_| tx.try_reserve().is_ok()); // each gives its place back
}
