//! F15: a receiver as a stream, fused, on its own and mixed with other receives.
use crate::allocs::{NOTHING, allocated};
use dormouse_chan::{TryRecvError, bounded, unbounded};
use dormouse_testing::watch;
use futures::stream::FusedStream;
use futures::{Stream, StreamExt};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};
use tokio_test::task::spawn;
use tokio_test::{assert_pending, assert_ready_eq};

#[test]
fn it_gives_what_is_sent_and_ends_with_the_close() {
    let _watch = watch();
    for (tx, mut rx) in [bounded(1), bounded(3), unbounded()] {
        tx.try_send(1).unwrap();
        assert_ready_eq!(spawn(rx.next()).poll(), Some(1));
        let mut next = spawn(rx.next());
        assert_pending!(next.poll());
        tx.try_send(2).unwrap();
        assert!(next.is_woken());
        assert_ready_eq!(next.poll(), Some(2));
        drop(next);
        tx.try_send(3).unwrap();
        drop(tx);
        assert!(!rx.is_terminated());
        assert_ready_eq!(spawn(rx.next()).poll(), Some(3));
        assert!(!rx.is_terminated(), "it has not said so yet");
        assert_ready_eq!(spawn(rx.next()).poll(), None);
        assert!(rx.is_terminated());
        assert_ready_eq!(spawn(rx.next()).poll(), None);
        assert!(rx.is_terminated());
    }
}

#[test]
fn a_waiting_stream_takes_part_in_a_rendezvous_and_learns_of_the_close() {
    let _watch = watch();
    let (tx, mut rx) = bounded(0);
    let mut next = spawn(rx.next());
    assert!(tx.try_send(0).unwrap_err().is_full());
    assert_pending!(next.poll());
    assert_eq!(tx.try_send(1), Ok(()));
    assert_ready_eq!(next.poll(), Some(1));
    drop(next);
    let mut send = spawn(tx.send(2));
    assert_pending!(send.poll());
    assert_ready_eq!(spawn(rx.next()).poll(), Some(2));
    assert_ready_eq!(send.poll(), Ok(()));
    drop(send);
    let mut next = spawn(rx.next());
    assert_pending!(next.poll());
    drop(tx);
    assert!(next.is_woken());
    assert_ready_eq!(next.poll(), None);
}

#[test]
fn it_waits_in_line_with_the_others() {
    let _watch = watch();
    let (tx, rx) = bounded(0);
    let mut stream = rx.clone();
    let mut first = spawn(rx.recv());
    assert_pending!(first.poll());
    let mut second = spawn(stream.next());
    assert_pending!(second.poll());
    let mut third = spawn(rx.recv());
    assert_pending!(third.poll());
    for n in 1..=3 {
        tx.try_send(n).unwrap();
    }
    assert_ready_eq!(third.poll(), Some(3));
    assert_ready_eq!(second.poll(), Some(2));
    assert_ready_eq!(first.poll(), Some(1));
}

/// A `next()` that is dropped leaves the receiver in its place; a value that it was given meanwhile is not lost.
#[test]
fn a_dropped_next_keeps_its_place_and_its_value() {
    let _watch = watch();
    let (tx, mut rx) = bounded(0);
    let clone = rx.clone();
    let mut next = spawn(rx.next());
    assert_pending!(next.poll());
    drop(next);
    let mut behind = spawn(clone.recv());
    assert_pending!(behind.poll());
    tx.try_send(1).unwrap();
    assert!(!behind.is_woken(), "the stream came first");
    assert_ready_eq!(spawn(rx.next()).poll(), Some(1));
}

#[test]
fn another_receive_on_the_same_receiver_has_what_the_stream_was_given() {
    let _watch = watch();
    let (tx, mut rx) = bounded(0);
    let park = |rx: &mut dormouse_chan::Receiver<i32>| assert_pending!(spawn(rx.next()).poll());
    park(&mut rx);
    tx.try_send(1).unwrap();
    assert_eq!(rx.try_recv(), Ok(1));
    park(&mut rx);
    tx.try_send(2).unwrap();
    assert_ready_eq!(spawn(rx.recv()).poll(), Some(2));
    park(&mut rx);
    tx.try_send(3).unwrap();
    assert_eq!(rx.recv_blocking(), Some(3));
    park(&mut rx);
    tx.try_send(4).unwrap();
    assert_eq!(dormouse_chan::select! { recv(rx) -> value => value, default => None }, Some(4));
    park(&mut rx);
    tx.try_send(5).unwrap();
    assert_ready_eq!(spawn(rx.next()).poll(), Some(5));
}

#[test]
fn another_receive_takes_the_stream_out_of_the_queue() {
    let _watch = watch();
    let (tx, mut rx) = bounded(0);
    assert_pending!(spawn(rx.next()).poll());
    assert_eq!(rx.try_recv(), Err(TryRecvError::Empty));
    assert!(tx.try_send(1).unwrap_err().is_full(), "nobody waits any more");
    assert_pending!(spawn(rx.next()).poll());
    drop(rx.recv());
    assert!(tx.try_send(1).unwrap_err().is_full());
    // And the stream goes on.
    let mut next = spawn(rx.next());
    assert_pending!(next.poll());
    tx.try_send(2).unwrap();
    assert_ready_eq!(next.poll(), Some(2));
}

/// A clone does not wait where the original does, and what a dropped receiver was given goes to the others.
#[test]
fn a_dropped_receiver_passes_on_what_its_stream_was_given() {
    let _watch = watch();
    let (tx, mut rx) = bounded(0);
    let other = rx.clone();
    assert_pending!(spawn(rx.next()).poll());
    let value = Arc::new(());
    tx.try_send(value.clone()).unwrap();
    let mut recv = spawn(other.recv());
    assert_pending!(recv.poll());
    drop(rx);
    assert!(recv.is_woken());
    assert!(matches!(recv.poll(), Poll::Ready(Some(_))));
    drop(recv);
    // The last one takes it with it.
    let mut last = other;
    assert_pending!(spawn(last.next()).poll());
    tx.try_send(value.clone()).unwrap();
    drop(last);
    assert_eq!(Arc::strong_count(&value), 1);
    assert!(tx.is_closed());
}

#[test]
fn only_the_first_wait_allocates() {
    let _watch = watch();
    let (tx, mut rx) = bounded(1);
    let mut cx = Context::from_waker(Waker::noop());
    let mut round = || {
        assert_eq!(Pin::new(&mut rx).poll_next(&mut cx), Poll::Pending);
        tx.try_send(1).unwrap();
        assert_eq!(Pin::new(&mut rx).poll_next(&mut cx), Poll::Ready(Some(1)));
    };
    assert_eq!(allocated(&mut round).0.times, 1);
    assert_eq!(allocated(|| (0..100).for_each(|_| round())).0, NOTHING);
}

#[test]
fn combinators_of_futures_take_it() {
    let _watch = watch();
    let (tx, rx) = unbounded();
    for n in 0..10 {
        tx.try_send(n).unwrap();
    }
    drop(tx);
    let halves = futures::stream::select(rx.clone(), rx).map(|n| n * 2).collect::<Vec<_>>();
    let mut sorted = futures::executor::block_on(halves);
    sorted.sort_unstable();
    assert_eq!(sorted, (0..10).map(|n| n * 2).collect::<Vec<_>>());
}
