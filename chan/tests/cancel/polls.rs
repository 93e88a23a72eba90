//! X7: spurious polls, polls from other tasks, polls after the end; and a stream, which has none.
use crate::kinds::{Receive, drain, each_receive, each_send, fill, receive, send};
use dormouse_chan::{Select, bounded, oneshot, watch as watched};
use dormouse_testing::{Tally, number, panics, watch};
use futures::future::FusedFuture;
use futures::stream::{FusedStream, StreamExt};
use std::future::Future;
use std::pin::{Pin, pin};
use std::task::{Context, Poll, Waker};
use std::time::Duration;
use tokio_test::task::{Spawn, spawn};
use tokio_test::{assert_pending, assert_ready, assert_ready_eq};

#[test]
fn x7_spurious_polls_complete_nothing() {
    let _watch = watch();
    each_receive(&[0, 1], |kind, tx, rx, tally| {
        let mut future = receive(kind, &rx);
        for _ in 0..10 {
            assert_pending!(future.poll());
        }
        tx.try_send(tally.value(0)).unwrap();
        assert_eq!(number(assert_ready!(future.poll())), Some(0));
        drop(future);
        fill(&tx, tally);
        assert!(tx.try_send(tally.value(1)).is_err(), "it stood in the queue once");
    });
    each_send(&[0, 1], |kind, tx, rx, tally| {
        fill(&tx, tally);
        let mut future = send(kind, &tx, tally.value(0));
        for _ in 0..10 {
            assert_pending!(future.poll());
        }
        assert_eq!(drain(&rx).len(), 1 + tx.capacity().unwrap());
        assert!(assert_ready!(future.poll()).is_ok());
    });
}

/// Polls `future` in the context of `task`, which is woken in its place from then on.
fn poll_as<F: Future + ?Sized>(task: &mut Spawn<()>, mut future: Pin<&mut F>) -> Poll<F::Output> {
    task.enter(|cx, _| future.as_mut().poll(cx))
}

fn check_second_task<F: Future<Output: std::fmt::Debug>>(future: F, serve: impl FnOnce()) -> F::Output {
    let mut future = pin!(future);
    let (mut first, mut second) = (spawn(()), spawn(()));
    assert_pending!(poll_as(&mut first, future.as_mut()));
    assert_pending!(poll_as(&mut second, future.as_mut()));
    assert_pending!(poll_as(&mut first, future.as_mut()));
    assert_pending!(poll_as(&mut second, future.as_mut()));
    serve();
    assert!(!first.is_woken(), "the task of an earlier poll was woken");
    assert!(second.is_woken(), "the task of the latest poll was not woken");
    assert_ready!(poll_as(&mut second, future.as_mut()))
}

#[test]
fn x7_polled_from_a_second_task() {
    let _watch = watch();
    each_receive(&[0, 1], |kind, tx, rx, tally| {
        let value =
            check_second_task(receive(kind, &rx).into_inner(), || tx.try_send(tally.value(0)).unwrap());
        assert_eq!(number(value), Some(0));
        let closed = check_second_task(receive(kind, &rx).into_inner(), || drop(tx));
        assert!(closed.is_none());
    });
    each_send(&[0, 1], |kind, tx, rx, tally| {
        fill(&tx, tally);
        let sent =
            check_second_task(send(kind, &tx, tally.value(0)).into_inner(), || drop(rx.try_recv().unwrap()));
        assert!(sent.is_ok());
        drain(&rx);
        fill(&tx, tally);
        let sent = check_second_task(send(kind, &tx, tally.value(1)).into_inner(), || drop(rx));
        assert_eq!(sent.unwrap_err().into_inner().number, 1);
    });
}

fn check_end<F: FusedFuture>(future: F) {
    let mut future = Box::pin(future);
    let cx = &mut Context::from_waker(Waker::noop());
    assert!(!future.is_terminated());
    assert!(future.as_mut().poll(cx).is_ready());
    assert!(future.is_terminated());
    let message = panics(|| future.as_mut().poll(cx).is_ready());
    assert!(message.contains("polled again"), "{message}");
    assert!(future.is_terminated());
}

#[test]
fn x7_a_poll_after_the_end_panics() {
    let _watch = watch();
    let (tx, rx) = bounded(2);
    check_end(tx.send(1));
    check_end(tx.send_from(&mut Some(2)));
    check_end(rx.recv());
    assert_eq!(rx.len(), 1, "the polls after the end did nothing");
    tx.close();
    check_end(tx.send(3));
    check_end(tx.send_from(&mut Some(4)));
    check_end(rx.recv());
    check_end(rx.recv()); // None
    assert!(rx.try_recv().is_err());
}

/// The same for what else can be waited for. (`broadcast`: `tests/broadcast/cancel.rs`.)
#[test]
fn x7_a_poll_after_the_end_of_any_other_wait_panics() {
    let _watch = watch();
    let (tx, rx) = bounded(3);
    check_end(tx.send_timeout(1, Duration::MAX));
    check_end(tx.send_many([2, 3]));
    check_end(rx.recv_many(&mut Vec::new(), 1));
    check_end(tx.reserve());
    assert_eq!(rx.len(), 2, "the polls after the end did nothing");
    let mut select = Select::new();
    select.recv(&rx);
    check_end(select.wait());
    drop(select);
    tx.close();
    check_end(tx.closed());
    check_end(rx.closed());
    check_end(tx.reserve());
    check_end(tx.send_many([4]));
    check_end(rx.recv_many(&mut Vec::new(), 8));
    check_end(rx.recv_many(&mut Vec::new(), 8)); // 0: closed and drained

    let (one, answer) = oneshot();
    one.send(1).unwrap();
    check_end(answer);
    let (mut one, answer) = oneshot::<u8>();
    drop(answer);
    check_end(one.closed());

    let (tx, mut rx) = watched(0);
    tx.send(1).unwrap();
    check_end(rx.changed());
    check_end(rx.wait_for(|value| *value == 1));
    drop(rx);
    check_end(tx.closed());
}

/// A stream is no future: after its None it goes on to say None, and it says Some again after a Some.
#[test]
fn x7_a_stream_goes_on() {
    let _watch = watch();
    let (tx, rx) = bounded(0);
    let mut stream = spawn(rx);
    for n in 0..3 {
        assert_pending!(stream.poll_next());
        tx.try_send(n).unwrap();
        assert_ready_eq!(stream.poll_next(), Some(n));
    }
    assert_pending!(stream.poll_next());
    drop(tx);
    assert!(stream.is_woken() && !stream.is_terminated());
    for _ in 0..3 {
        assert_ready_eq!(stream.poll_next(), None);
        assert!(stream.is_terminated());
    }
}

/// A stream's wait that was given up keeps its place; the receiver's next operation has what it was given.
#[test]
fn a_streams_dropped_next_and_what_comes_after() {
    let _watch = watch();
    let tally = Tally::new();
    let (tx, mut rx) = bounded(0);
    let mut next = spawn(rx.next());
    assert_pending!(next.poll());
    drop(next);
    tx.try_send(tally.value(0)).unwrap(); // it kept its place
    assert_eq!(rx.try_recv().unwrap().number, 0);
    assert!(tx.try_send(tally.value(1)).is_err(), "try_recv took its wait off the queue");

    assert_pending!(spawn(rx.next()).poll());
    tx.try_send(tally.value(2)).unwrap();
    assert_eq!(number(assert_ready!(spawn(rx.next()).poll())), Some(2));

    assert_pending!(spawn(rx.next()).poll());
    tx.try_send(tally.value(3)).unwrap();
    let other = rx.clone();
    let mut waiting = receive(Receive::Recv, &other);
    assert_pending!(waiting.poll());
    drop(rx.recv()); // by creating it, the stream's wait is left: its value goes to who waits
    assert!(waiting.is_woken());
    assert_eq!(number(assert_ready!(waiting.poll())), Some(3));

    assert_pending!(spawn(rx.next()).poll());
    tx.try_send(tally.value(4)).unwrap();
    drop(rx); // the receiver goes: its value is the other's
    assert_eq!(other.try_recv().unwrap().number, 4);
    drop((waiting, other, tx));
    tally.check();
}
