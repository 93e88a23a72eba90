//! A select that waits: its places in the queues, its wake-ups, and what happens while it polls its futures.
use dormouse_chan::{Receiver, Sender, TryRecvError, bounded, select};
use dormouse_testing::{Count, watch};
use std::cell::{Cell, RefCell};
use std::future::{Future, pending, poll_fn};
use std::pin::pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use tokio_test::task::spawn;
use tokio_test::{assert_pending, assert_ready_eq};

#[test]
fn it_stands_in_the_queue_as_any_waiter() {
    let _watch = watch();
    let (tx, rx) = bounded(0);
    let mut first = spawn(rx.recv());
    let mut second = spawn(async {
        select! { recv(rx) -> v => v, () = pending() => None }
    });
    let mut third = spawn(rx.recv());
    assert_pending!(first.poll());
    assert_pending!(second.poll());
    assert_pending!(third.poll());
    for n in 1..=3 {
        for _ in 0..5 {
            let _ = second.is_woken() || second.poll().is_ready(); // spurious polls keep the place
        }
        tx.try_send(n).unwrap();
    }
    assert_ready_eq!(third.poll(), Some(3));
    assert_ready_eq!(second.poll(), Some(2));
    assert_ready_eq!(first.poll(), Some(1));
}

#[test]
fn a_select_that_is_done_or_dropped_stands_in_no_queue() {
    let _watch = watch();
    let ((a_tx, a), (b_tx, b)) = (bounded(0), bounded(0));
    let mut done = spawn(async {
        select! { recv(a) -> v => v, recv(b) -> v => v }
    });
    let mut behind = spawn(b.recv());
    assert_pending!(done.poll());
    assert_pending!(behind.poll());
    a_tx.try_send(1).unwrap();
    b_tx.try_send(2).unwrap(); // passes over the arm that has lost
    assert_ready_eq!(behind.poll(), Some(2));
    assert_ready_eq!(done.poll(), Some(1));
    drop(done);
    let mut dropped = spawn(async {
        select! { recv(a) -> v => v, recv(b) -> v => v }
    });
    assert_pending!(dropped.poll());
    drop(dropped);
    assert!(a_tx.try_send(1).unwrap_err().is_full() && b_tx.try_send(1).unwrap_err().is_full());
}

/// A future that calls `act` in its second poll, and is never ready.
fn acts_in_its_second_poll(act: impl FnOnce()) -> impl Future<Output = ()> {
    let (mut polls, mut act) = (0, Some(act));
    poll_fn(move |_| {
        polls += 1;
        if polls == 2
            && let Some(act) = act.take()
        {
            act();
        }
        Poll::Pending
    })
}

#[test]
fn what_comes_while_it_polls_its_futures_is_seen_before_it_waits_on() {
    let _watch = watch();
    type Channel = (Sender<u8>, Receiver<u8>);
    let acts: [(usize, fn(&Channel), Option<u8>); 3] = [
        (1, |(tx, _)| tx.try_send(1).unwrap(), Some(1)), // into the buffer
        (0, |(tx, _)| assert!(tx.close()), None),
        (1, |(tx, _)| tx.try_send(1).map(|()| assert!(tx.close())).unwrap(), Some(1)),
    ];
    for (capacity, act, expected) in acts {
        let channel = bounded(capacity);
        let mut task = spawn(async {
            select! { recv(channel.1) -> v => v, () = acts_in_its_second_poll(|| act(&channel)) => unreachable!() }
        });
        assert_pending!(task.poll());
        assert_ready_eq!(task.poll(), expected);
    }
}

#[test]
fn a_send_that_queued_while_it_polled_is_taken() {
    let _watch = watch();
    let (tx, rx) = bounded(0);
    let send = RefCell::new(spawn(tx.send(1)));
    let mut task = spawn(async {
        let queues = acts_in_its_second_poll(|| assert_pending!(send.borrow_mut().poll()));
        select! { recv(rx) -> v => v, () = queues => unreachable!() }
    });
    assert_pending!(task.poll());
    assert_ready_eq!(task.poll(), Some(1));
    assert!(send.borrow().is_woken());
    assert_ready_eq!(send.borrow_mut().poll(), Ok(()));
}

#[test]
fn while_it_polls_its_futures_it_is_passed_over_and_keeps_its_place() {
    let _watch = watch();
    let (tx, rx) = bounded(0);
    let tries = Cell::new(0);
    let mut select_first = spawn(async {
        let sends = acts_in_its_second_poll(|| {
            tx.try_send(1).unwrap(); // to the receive behind it
            tries.set(1);
        });
        select! { recv(rx) -> v => v, () = sends => unreachable!() }
    });
    let (mut second, mut third) = (spawn(rx.recv()), spawn(rx.recv()));
    assert_pending!(select_first.poll());
    assert_pending!(second.poll());
    assert_pending!(third.poll());
    assert_pending!(select_first.poll());
    assert_eq!(tries.get(), 1);
    assert!(second.is_woken() && !third.is_woken());
    tx.try_send(2).unwrap(); // it is first again
    assert!(select_first.is_woken() && !third.is_woken());
    assert_ready_eq!(select_first.poll(), Some(2));
    assert_ready_eq!(second.poll(), Some(1));
    tx.try_send(3).unwrap();
    assert_ready_eq!(third.poll(), Some(3));
}

#[test]
fn a_held_select_is_no_counterpart() {
    let _watch = watch();
    let ((a_tx, a), (b, b_rx)) = (bounded(0), bounded(0));
    let found = Cell::new(None);
    let mut task = spawn(async {
        let looks = acts_in_its_second_poll(|| {
            found.set(Some((a_tx.try_send(1).is_err(), b_rx.try_recv() == Err(TryRecvError::Empty))));
        });
        select! { recv(a) -> v => v, send(b, 5) -> _ => Some(0), () = looks => unreachable!() }
    });
    assert_pending!(task.poll());
    assert_pending!(task.poll());
    assert_eq!(found.get(), Some((true, true)));
    assert_eq!(b_rx.try_recv(), Ok(5));
    assert_ready_eq!(task.poll(), Some(0));
}

/// Its future is ready in the same poll in which a counterpart comes: one of the two, and nothing lost.
#[test]
fn a_future_that_is_ready_wins_over_what_came_meanwhile() {
    let _watch = watch();
    let (tx, rx) = bounded(1);
    let polls = Cell::new(0);
    let mut task = spawn(async {
        select! {
            recv(rx) -> _ => 0,
            v = poll_fn(|_| {
                polls.set(polls.get() + 1);
                if polls.get() < 2 { return Poll::Pending }
                tx.try_send(7).unwrap();
                Poll::Ready(1)
            }) => v,
        }
    });
    assert_pending!(task.poll());
    assert_ready_eq!(task.poll(), 1);
    assert_eq!(rx.try_recv(), Ok(7), "still there");
}

/// Won before the poll: the future is not even polled.
#[test]
fn a_won_arm_goes_before_a_future() {
    let _watch = watch();
    let (tx, rx) = bounded(0);
    let polls = Cell::new(0);
    let mut task = spawn(async {
        select! {
            () = poll_fn(|_| {
                polls.set(polls.get() + 1);
                if polls.get() < 2 { Poll::Pending } else { Poll::Ready(()) }
            }) => None,
            recv(rx) -> v => v,
        }
    });
    assert_pending!(task.poll());
    tx.try_send(1).unwrap();
    assert_ready_eq!(task.poll(), Some(1));
    assert_eq!(polls.get(), 1);
}

#[test]
fn the_task_that_polled_last_is_woken_once() {
    let _watch = watch();
    let ((a_tx, a), (b_tx, b)) = (bounded(0), bounded(0));
    let ((old, old_waker), (new, new_waker)) = (Count::new(), Count::new());
    {
        let mut select = pin!(async {
            select! { recv(a) -> v => v, recv(b) -> v => v }
        });
        assert!(select.as_mut().poll(&mut Context::from_waker(&old_waker)).is_pending());
        assert!(select.as_mut().poll(&mut Context::from_waker(&new_waker)).is_pending());
        assert_eq!(Arc::strong_count(&old), 2, "`old` and `old_waker`: the select keeps none");
        assert_eq!(Arc::strong_count(&new), 3, "one clone for all arms");
        b_tx.try_send(1).unwrap();
        assert!(a_tx.try_send(1).is_err());
        assert_eq!((old.get(), new.get()), (0, 1));
        assert_eq!(select.as_mut().poll(&mut Context::from_waker(&old_waker)), Poll::Ready(Some(1)));
    }
    assert_eq!(Arc::strong_count(&new), 2);
}

#[test]
fn spurious_polls_complete_nothing() {
    let _watch = watch();
    let ((a_tx, a), (b, b_rx)) = (bounded(0), bounded(1));
    b.try_send(0).unwrap();
    let mut place = Some(5);
    let polls = Cell::new(0);
    {
        let mut task = spawn(async {
            select! {
                recv(a) -> v => v,
                send(b, 1) -> _ => unreachable!(),
                send_from(b, place) -> _ => unreachable!(),
                () = poll_fn(|_| { polls.set(polls.get() + 1); Poll::Pending }) => unreachable!(),
            }
        });
        for _ in 0..10_000 {
            assert_pending!(task.poll());
        }
        assert_eq!((polls.get(), b.len()), (10_000, 1));
        a_tx.try_send(3).unwrap();
        assert_ready_eq!(task.poll(), Some(3));
    }
    assert_eq!(place, Some(5));
    assert_eq!((b_rx.try_recv(), b_rx.try_recv()), (Ok(0), Err(TryRecvError::Empty)));
}

#[test]
fn a_dropped_select_passes_on_what_it_was_given() {
    let _watch = watch();
    let (tx, rx) = bounded(0);
    let other = bounded::<u8>(0);
    let mut given = spawn(async {
        select! { recv(rx) -> v => v, recv(other.1) -> _ => None }
    });
    let mut behind = spawn(rx.recv());
    assert_pending!(given.poll());
    assert_pending!(behind.poll());
    tx.try_send(1).unwrap();
    drop(given);
    assert!(behind.is_woken());
    assert_ready_eq!(behind.poll(), Some(1));
    // Nobody behind it: back to the front of the channel.
    let mut given = spawn(async {
        select! { recv(rx) -> v => v, recv(other.1) -> _ => None }
    });
    assert_pending!(given.poll());
    tx.try_send(2).unwrap();
    drop(given);
    assert_eq!((rx.len(), rx.try_recv()), (1, Ok(2)));
}
