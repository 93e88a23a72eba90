//! Futures that are dropped, forgotten, polled by others, for nothing, or too often (rules X1 to X10), and peers' bugs.
use crate::kit::{Items, drain};
use dormouse_chan::broadcast;
use dormouse_chan::broadcast::Overflow;
use dormouse_testing::{Calls, Count, panics, watch};
use futures::future::FusedFuture;
use futures::stream::StreamExt;
use std::future::Future;
use std::mem::forget;
use std::pin::pin;
use std::task::Context;
use tokio_test::task::spawn;
use tokio_test::{assert_pending, assert_ready, assert_ready_eq};

#[test]
fn x1_a_receive_that_is_dropped_after_it_was_woken_has_taken_nothing() {
    let _watch = watch();
    let items = Items::default();
    let (tx, mut a) = broadcast(2, Overflow::Wait);
    let mut b = tx.subscribe();
    let (mut at_a, mut at_b) = (spawn(a.recv()), spawn(b.recv()));
    assert_pending!(at_a.poll());
    assert_pending!(at_b.poll());
    tx.try_send(items.item(0)).unwrap();
    assert!(at_a.is_woken() && at_b.is_woken());
    drop(at_a);
    assert_eq!(assert_ready!(at_b.poll()).unwrap().number, 0);
    drop(at_b);
    assert_eq!((tx.len(), drain(&mut a)), (1, vec![0]));
    let mut stream = spawn(a);
    assert_pending!(stream.poll_next());
    tx.try_send(items.item(1)).unwrap();
    assert_eq!(drain(&mut stream), [1], "by another operation than the one that was woken");
    assert_pending!(stream.poll_next());
    tx.try_send(items.item(2)).unwrap();
    assert!(stream.is_woken());
    assert_eq!(assert_ready!(stream.poll_next()).unwrap().unwrap().number, 2);
}

#[test]
fn x2_a_send_dropped_while_queued_was_not_sent_and_the_next_moves_up() {
    let _watch = watch();
    let items = Items::default();
    let (tx, mut rx) = broadcast(1, Overflow::Wait);
    tx.try_send(items.item(0)).unwrap();
    let mut sends: Vec<_> = (1..=3).map(|n| spawn(tx.send(items.item(n)))).collect();
    sends.iter_mut().for_each(|send| assert_pending!(send.poll()));
    drop(sends.remove(1)); // the middle one
    drop(sends.remove(0));
    assert_eq!(items.alive(), 2);
    assert_eq!(rx.try_recv().unwrap().number, 0);
    assert!(sends[0].is_woken());
    assert_eq!(drain(&mut rx), [3]);
    assert!(assert_ready!(sends[0].poll()).is_ok());
}

#[test]
fn x2_a_send_dropped_after_it_was_sent_was_sent() {
    let _watch = watch();
    let items = Items::default();
    let (tx, mut rx) = broadcast(1, Overflow::Wait);
    tx.try_send(items.item(0)).unwrap();
    let mut send = spawn(tx.send(items.item(1)));
    assert_pending!(send.poll());
    assert_eq!(rx.try_recv().unwrap().number, 0);
    drop(send);
    assert_eq!(drain(&mut rx), [1]);
    assert_eq!(items.alive(), 0);
}

/// async-channel#45, #49, #54: a woken waiter that is never polled again keeps its wake-up to itself.
#[test]
fn x6_a_woken_receive_that_is_forgotten_strands_nobody() {
    let _watch = watch();
    let (tx, mut a) = broadcast(1, Overflow::Wait);
    let mut b = tx.subscribe();
    let mut at_a = spawn(a.recv());
    assert_pending!(at_a.poll());
    let mut at_b = spawn(b.recv());
    assert_pending!(at_b.poll());
    tx.try_send(1).unwrap();
    let mut send = spawn(tx.send(2));
    assert_pending!(send.poll());
    forget(at_a);
    assert!(at_b.is_woken());
    assert_ready_eq!(at_b.poll(), Ok(1));
    drop(a); // with the value that it was woken for
    assert!(send.is_woken());
    assert_ready_eq!(send.poll(), Ok(()));
}

#[test]
fn x7_spurious_polls_complete_nothing() {
    let _watch = watch();
    let (tx, mut rx) = broadcast(1, Overflow::Wait);
    let mut recv = spawn(rx.recv());
    for _ in 0..3 {
        assert_pending!(recv.poll());
    }
    tx.try_send(1).unwrap();
    assert_ready_eq!(recv.poll(), Ok(1));
    drop(recv);
    tx.try_send(2).unwrap();
    let mut send = spawn(tx.send(3));
    let mut closed = spawn(tx.closed());
    for _ in 0..3 {
        assert_pending!(send.poll());
        assert_pending!(closed.poll());
    }
    assert_eq!((rx.try_recv(), rx.try_recv()), (Ok(2), Ok(3)));
    assert_ready_eq!(send.poll(), Ok(()));
    assert!(rx.try_recv().is_err(), "sent once");
}

#[test]
fn x7_polled_from_a_second_task() {
    let _watch = watch();
    let (tx, mut rx) = broadcast(1, Overflow::Wait);
    let wakers = [Count::new(), Count::new()];
    let woken = || [wakers[0].0.get(), wakers[1].0.get()];
    let mut cxs = [&wakers[0].1, &wakers[1].1].map(Context::from_waker);
    {
        let mut recv = pin!(rx.recv());
        cxs.iter_mut().for_each(|cx| assert!(recv.as_mut().poll(cx).is_pending()));
        tx.try_send(1).unwrap();
        assert_eq!(woken(), [0, 1]);
    }
    {
        let mut send = pin!(tx.send(2));
        cxs.iter_mut().for_each(|cx| assert!(send.as_mut().poll(cx).is_pending()));
        assert_eq!(rx.try_recv(), Ok(1));
        assert_eq!(woken(), [0, 2]);
    }
    let mut closed = pin!(tx.closed());
    cxs.iter_mut().for_each(|cx| assert!(closed.as_mut().poll(cx).is_pending()));
    assert_eq!(rx.try_recv(), Ok(2));
    cxs.iter_mut().for_each(|cx| assert!(rx.poll_next_unpin(cx).is_pending()));
    tx.close();
    assert_eq!(woken(), [0, 4]);
}

#[test]
fn x7_a_poll_after_the_end_panics() {
    let _watch = watch();
    let (tx, mut rx) = broadcast(1, Overflow::Wait);
    let mut send = spawn(tx.send(1));
    let mut recv = spawn(rx.recv());
    assert_ready_eq!(send.poll(), Ok(()));
    assert_ready_eq!(recv.poll(), Ok(1));
    for said in [panics(|| send.poll()), panics(|| recv.poll())] {
        assert_eq!(said, "a finished channel future was polled again");
    }
    tx.close();
    let mut refused = spawn(tx.send(2));
    assert!(assert_ready!(refused.poll()).is_err());
    let mut closed = spawn(tx.closed());
    assert_ready!(closed.poll());
    for said in [panics(|| refused.poll()), panics(|| closed.poll())] {
        assert_eq!(said, "a finished channel future was polled again");
    }
}

#[test]
fn a_finished_future_says_so() {
    let _watch = watch();
    let (tx, mut rx) = broadcast(1, Overflow::Wait);
    let cx = &mut Context::from_waker(std::task::Waker::noop());
    let (mut send, mut recv, mut closed) = (pin!(tx.send(1)), pin!(rx.recv()), pin!(tx.closed()));
    assert!(recv.as_mut().poll(cx).is_pending() && closed.as_mut().poll(cx).is_pending());
    assert!(!send.is_terminated() && !recv.is_terminated() && !closed.is_terminated());
    assert!(send.as_mut().poll(cx).is_ready() && recv.as_mut().poll(cx).is_ready());
    tx.close();
    assert!(closed.as_mut().poll(cx).is_ready());
    assert!(send.is_terminated() && recv.is_terminated() && closed.is_terminated());
}

/// crossfire#38: a send that was never polled drops its value, once.
#[test]
fn x8_what_was_never_polled_does_nothing() {
    let _watch = watch();
    let items = Items::default();
    let (tx, mut rx) = broadcast(1, Overflow::Wait);
    drop(tx.send(items.item(0)));
    assert_eq!((items.alive(), tx.len()), (0, 0));
    tx.try_send(items.item(1)).unwrap();
    drop(rx.recv());
    drop(tx.closed());
    assert_eq!(drain(&mut rx), [1]);
}

/// A dropped wait has left the queue, and its waker is gone.
#[test]
fn x9_a_dropped_wait_is_unlinked() {
    let _watch = watch();
    let (tx, mut rx) = broadcast(1, Overflow::Wait);
    let calls = Calls::new(|_| ());
    let waker = calls.waker();
    let cx = &mut Context::from_waker(&waker);
    assert!(pin!(rx.recv()).poll(cx).is_pending());
    assert_eq!(calls.alive(), 1, "receive");
    tx.try_send(1).unwrap();
    assert!(pin!(tx.send(2)).poll(cx).is_pending());
    assert_eq!(calls.alive(), 1, "send");
    assert!(pin!(tx.closed()).poll(cx).is_pending());
    assert_eq!(calls.alive(), 1, "closed");
    assert_eq!(rx.try_recv(), Ok(1));
    assert!(rx.next().poll_unpin_pending(cx));
    assert_eq!(calls.alive(), 2, "the stream keeps its place");
    drop(rx);
    assert_eq!(calls.alive(), 1, "until the receiver goes");
    drop(tx);
    assert_eq!(calls.woken(), 0);
}

trait PollPending {
    fn poll_unpin_pending(self, cx: &mut Context<'_>) -> bool;
}

impl<F: Future + Unpin> PollPending for F {
    fn poll_unpin_pending(mut self, cx: &mut Context<'_>) -> bool {
        std::pin::Pin::new(&mut self).poll(cx).is_pending()
    }
}

/// The place in the queue stays with the receiver, whose next operation takes it over.
#[test]
fn x10_a_forgotten_receive() {
    let _watch = watch();
    let (tx, mut rx) = broadcast(2, Overflow::Wait);
    let (first, waker) = Count::new();
    let mut recv = Box::new(rx.recv());
    assert!(std::pin::Pin::new(&mut recv).poll(&mut Context::from_waker(&waker)).is_pending());
    forget(recv);
    let mut recv = spawn(rx.recv());
    assert_pending!(recv.poll());
    tx.try_send(1).unwrap();
    assert!(recv.is_woken());
    assert_eq!(first.get(), 0);
    assert_ready_eq!(recv.poll(), Ok(1));
    drop(recv);
    let mut recv = Box::new(rx.recv());
    assert!(std::pin::Pin::new(&mut recv).poll(&mut Context::from_waker(&waker)).is_pending());
    forget(recv);
    drop(rx);
    assert!(tx.try_send(2).unwrap_err().is_no_receivers());
    assert_eq!(first.get(), 0, "unlinked by the receiver's drop");
}

/// A forgotten send keeps its place and is sent in its turn; a forgotten receiver is one that never receives.
#[test]
fn x10_a_forgotten_send() {
    let _watch = watch();
    let items = Items::default();
    let (tx, mut rx) = broadcast(1, Overflow::Wait);
    tx.try_send(items.item(0)).unwrap();
    let mut send = Box::pin(tx.send(items.item(1)));
    assert_pending!(spawn(send.as_mut()).poll());
    forget(send);
    assert_eq!(drain(&mut rx), [0, 1]);
    let mut send = Box::pin(tx.send(items.item(2)));
    tx.try_send(items.item(3)).unwrap();
    assert_pending!(spawn(send.as_mut()).poll());
    forget(send);
    let mut closed = Box::pin(tx.closed());
    assert_pending!(spawn(closed.as_mut()).poll());
    forget(closed);
    drop((tx, rx));
    assert_eq!(items.alive(), 1, "leaked, and nothing else");
}

#[test]
fn x10_a_forgotten_receiver_never_receives() {
    let _watch = watch();
    let items = Items::default();
    let (tx, mut rx) = broadcast(2, Overflow::Wait);
    forget(tx.subscribe());
    tx.try_send(items.item(0)).unwrap();
    tx.try_send(items.item(1)).unwrap();
    assert_eq!(drain(&mut rx), [0, 1]);
    assert!(tx.try_send(items.item(2)).unwrap_err().is_full());
    drop((tx, rx));
    assert_eq!(items.alive(), 2, "leaked with the channel");
}
