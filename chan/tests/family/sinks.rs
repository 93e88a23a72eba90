//! A sender as a sink.
use dormouse_chan::{SendError, SendSink, bounded, unbounded};
use dormouse_testing::{Tally, number, watch};
use futures::sink::{Sink, SinkExt};
use std::pin::Pin;
use std::task::{Context, Poll};
use tokio_test::task::spawn;
use tokio_test::{assert_pending, assert_ready_err, assert_ready_ok};

/// Polls by hand, with a task of its own each time.
fn poll<T, R>(sink: &mut SendSink<T>, f: impl FnOnce(Pin<&mut SendSink<T>>, &mut Context<'_>) -> R) -> R {
    spawn(()).enter(|cx, _| f(Pin::new(sink), cx))
}

#[test]
fn what_finds_room_is_sent_at_once() {
    let _watch = watch();
    let (tx, rx) = bounded(1);
    let mut sink = tx.into_sink();
    assert_ready_ok!(poll(&mut sink, |sink, cx| sink.poll_ready(cx)));
    Pin::new(&mut sink).start_send(1).unwrap();
    assert_eq!(rx.try_recv(), Ok(1), "without a flush");
    assert_ready_ok!(poll(&mut sink, |sink, cx| sink.poll_flush(cx)));
}

#[test]
fn what_finds_none_stays_until_it_is_flushed() {
    let _watch = watch();
    let (tx, rx) = bounded(1);
    let mut sink = tx.into_sink();
    for n in 0..2 {
        assert_ready_ok!(poll(&mut sink, |sink, cx| sink.poll_ready(cx)));
        Pin::new(&mut sink).start_send(n).unwrap();
    }
    assert_pending!(poll(&mut sink, |sink, cx| sink.poll_ready(cx)));
    assert_pending!(poll(&mut sink, |sink, cx| sink.poll_flush(cx)));
    assert_eq!(rx.try_recv(), Ok(0));
    assert_ready_ok!(poll(&mut sink, |sink, cx| sink.poll_ready(cx)));
    assert_eq!(rx.try_recv(), Ok(1));
}

#[test]
#[should_panic(expected = "`start_send` on a sink that was not ready")]
fn a_sink_that_is_not_ready_takes_nothing() {
    let (tx, _rx) = bounded(0);
    let mut sink = tx.into_sink();
    Pin::new(&mut sink).start_send(1).unwrap();
    let _ = Pin::new(&mut sink).start_send(2);
}

#[test]
fn a_dropped_flush_loses_nothing() {
    let _watch = watch();
    let (tx, rx) = bounded(0);
    let mut sink = tx.into_sink();
    {
        let mut send = spawn(sink.send("kept"));
        assert_pending!(send.poll());
    }
    let mut recv = spawn(rx.recv());
    assert_eq!(tokio_test::assert_ready!(recv.poll()), Some("kept"));
    assert_ready_ok!(poll(&mut sink, |sink, cx| sink.poll_flush(cx)));
}

#[test]
fn the_sender_comes_out_with_what_was_not_sent() {
    let _watch = watch();
    let tally = Tally::new();
    for polled in [false, true] {
        let (tx, rx) = bounded(0);
        let mut sink = tx.into_sink();
        Pin::new(&mut sink).start_send(tally.value(u32::from(polled))).unwrap();
        if polled {
            assert_pending!(poll(&mut sink, |sink, cx| sink.poll_flush(cx)));
        }
        let (tx, value) = sink.into_inner();
        assert_eq!(number(value), Some(u32::from(polled)));
        assert!(tx.is_some() && rx.try_recv().is_err());
    }
    tally.check();
}

#[test]
fn closing_flushes_and_lets_the_sender_go() {
    let _watch = watch();
    let (tx, rx) = bounded(0);
    let mut sink = tx.into_sink();
    Pin::new(&mut sink).start_send(1).unwrap();
    assert_pending!(poll(&mut sink, |sink, cx| sink.poll_close(cx)));
    assert!(!rx.is_closed());
    assert_eq!(rx.try_recv(), Ok(1));
    assert_ready_ok!(poll(&mut sink, |sink, cx| sink.poll_close(cx)));
    assert!(rx.is_closed());
    assert_ready_ok!(poll(&mut sink, |sink, cx| sink.poll_ready(cx)));
    assert_eq!(Pin::new(&mut sink).start_send(2), Err(SendError(2)));
}

#[test]
fn a_closed_channel_gives_the_value_back() {
    let _watch = watch();
    let (tx, rx) = bounded(0);
    let mut sink = tx.into_sink();
    Pin::new(&mut sink).start_send(1).unwrap();
    assert_pending!(poll(&mut sink, |sink, cx| sink.poll_flush(cx)));
    rx.close();
    assert_eq!(assert_ready_err!(poll(&mut sink, |sink, cx| sink.poll_flush(cx))), SendError(1));
    assert_eq!(Pin::new(&mut sink).start_send(2), Err(SendError(2)));
}

/// A sink that is always ready gives way to other tasks like any other operation.
#[test]
fn it_spends_the_polls_budget() {
    use dormouse_wait::frame::{BUDGET, Frame, Waits};
    let _watch = watch();
    let (tx, rx) = unbounded();
    let mut sink = tx.into_sink();
    let waits = Waits::new();
    Frame::new(&waits).enter(|| {
        let mut feed = spawn(async { while sink.feed(1).await.is_ok() {} });
        assert!(matches!(feed.poll(), Poll::Pending));
        assert!(feed.is_woken());
    });
    assert_eq!(rx.len(), BUDGET as usize);
}
