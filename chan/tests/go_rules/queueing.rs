//! I4, I7, X7, X8: who waits is served first come, first served; nobody overtakes, whatever is polled or dropped.
use crate::allocs::{NOTHING, allocated};
use dormouse_chan::{Receiver, TryRecvError, TrySendError, bounded};
use dormouse_testing::{Calls, Count, panics, watch};
use std::future::Future;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::task::{Context, Poll, Wake, Waker};
use tokio_test::task::spawn;
use tokio_test::{assert_pending, assert_ready_eq};

#[test]
fn receives_are_served_in_the_order_in_which_they_came() {
    let _watch = watch();
    for capacity in [0, 1, 4] {
        let (tx, rx) = bounded(capacity);
        let mut recvs: Vec<_> = (0..6).map(|_| spawn(rx.recv())).collect();
        // Waiting begins with the first poll, not with the call.
        let order = [3, 0, 5, 1, 4, 2];
        for i in order {
            assert_pending!(recvs[i].poll());
        }
        for (n, i) in order.into_iter().enumerate() {
            tx.try_send(n).unwrap();
            assert!(recvs[i].is_woken(), "receive {i} is number {n} in the queue");
        }
        for (n, i) in order.into_iter().enumerate().rev() {
            assert_ready_eq!(recvs[i].poll(), Some(n));
        }
    }
}

#[test]
fn sends_are_served_in_the_order_in_which_they_came() {
    let _watch = watch();
    for capacity in [0, 1, 4] {
        let (tx, rx) = bounded(capacity);
        for _ in 0..capacity {
            tx.try_send(99).unwrap();
        }
        let mut sends: Vec<_> = (0..6).map(|n| spawn(tx.send(n))).collect();
        let order = [3, 0, 5, 1, 4, 2];
        for i in order {
            assert_pending!(sends[i].poll());
        }
        for i in order {
            rx.try_recv().unwrap();
            assert!(sends[i].is_woken());
            assert_eq!(sends.iter_mut().filter(|send| send.is_woken()).count(), 1);
            assert_ready_eq!(sends[i].poll(), Ok(()));
        }
        // The last `capacity` values are still in the buffer, in that order.
        for i in &order[6 - capacity.min(6)..] {
            assert_eq!(rx.try_recv(), Ok(*i));
        }
    }
}

#[test]
fn waits_that_are_dropped_leave_the_order_of_the_others() {
    let _watch = watch();
    for gone in 0..5 {
        let (tx, rx) = bounded(0);
        let mut recvs: Vec<_> = (0..5).map(|_| spawn(rx.recv())).collect();
        for recv in &mut recvs {
            assert_pending!(recv.poll());
        }
        drop(recvs.remove(gone));
        for (n, recv) in recvs.iter_mut().enumerate() {
            tx.try_send(n).unwrap();
            assert_ready_eq!(recv.poll(), Some(n));
        }
        assert!(tx.try_send(9).unwrap_err().is_full());

        let mut sends: Vec<_> = (0..5).map(|n| spawn(tx.send(n))).collect();
        for send in &mut sends {
            assert_pending!(send.poll());
        }
        drop(sends.remove(gone));
        for n in (0..5).filter(|&n| n != gone) {
            assert_eq!(rx.try_recv(), Ok(n));
        }
        assert_eq!(rx.try_recv(), Err(TryRecvError::Empty));
    }
}

/// I7, and no clock: if leaving walked along the queue, these would be 10^11 steps, and the watchdog would end it.
#[test]
fn leaving_a_long_queue_is_one_step() {
    const WAITS: u32 = 300_000;
    let _watch = watch();
    let (tx, rx) = bounded(0);
    let mut recvs: Vec<_> = (0..WAITS).map(|_| spawn(rx.recv())).collect();
    for recv in &mut recvs {
        assert_pending!(recv.poll());
    }
    let first = recvs.remove(0);
    while let Some(last) = recvs.pop() {
        drop(last);
    }
    drop(first);
    let mut sends: Vec<_> = (0..WAITS).map(|n| spawn(tx.send(n))).collect();
    for send in &mut sends {
        assert_pending!(send.poll());
    }
    // From the middle outwards, so that neither end is near.
    let tail = sends.split_off(sends.len() / 2);
    for (before, after) in sends.into_iter().rev().zip(tail) {
        drop((before, after));
    }
    assert_eq!(rx.try_recv(), Err(TryRecvError::Empty));
}

#[test]
fn nobody_takes_what_a_waiting_receive_was_given() {
    let _watch = watch();
    for capacity in [0, 2] {
        let (tx, rx) = bounded(capacity);
        let mut first = spawn(rx.recv());
        assert_pending!(first.poll());
        for round in 0..100 {
            tx.try_send(round).unwrap();
            // It is woken, but has not run: others try.
            for _ in 0..3 {
                assert_eq!(rx.try_recv(), Err(TryRecvError::Empty));
                assert_eq!(rx.clone().try_recv(), Err(TryRecvError::Empty));
            }
            let mut late = spawn(rx.recv());
            assert_pending!(late.poll());
            assert_ready_eq!(first.poll(), Some(round));
            drop(late);
            first = spawn(rx.recv());
            assert_pending!(first.poll());
        }
    }
}

#[test]
fn nobody_takes_the_room_of_a_waiting_send() {
    let _watch = watch();
    let (tx, rx) = bounded(1);
    tx.try_send(0).unwrap();
    let mut first = spawn(tx.send(1));
    assert_pending!(first.poll());
    for round in 1..100 {
        assert_eq!(rx.try_recv(), Ok(round - 1));
        for _ in 0..3 {
            assert_eq!(tx.try_send(-1), Err(TrySendError::Full(-1)));
        }
        let mut late = spawn(tx.send(-2));
        assert_pending!(late.poll());
        assert_ready_eq!(first.poll(), Ok(()));
        drop(late);
        first = spawn(tx.send(round + 1));
        assert_pending!(first.poll());
    }
}

#[test]
fn spurious_polls_complete_nothing_and_keep_the_place() {
    let _watch = watch();
    let (tx, rx) = bounded(0);
    let (mut first, mut second) = (spawn(rx.recv()), spawn(rx.recv()));
    assert_pending!(first.poll());
    assert_pending!(second.poll());
    for _ in 0..1000 {
        assert_pending!(first.poll());
    }
    tx.try_send(1).unwrap();
    assert!(first.is_woken() && !second.is_woken());
    assert_ready_eq!(first.poll(), Some(1));
    drop(second);

    let (mut first, mut second) = (spawn(tx.send(1)), spawn(tx.send(2)));
    assert_pending!(first.poll());
    assert_pending!(second.poll());
    for _ in 0..1000 {
        assert_pending!(first.poll());
    }
    assert_eq!(rx.try_recv(), Ok(1));
    assert_pending!(second.poll());
}

#[test]
fn waiting_and_polling_again_allocates_nothing() {
    let _watch = watch();
    let (tx, rx) = bounded(0);
    let (_wakes, waker) = Count::new();
    let mut cx = Context::from_waker(&waker);
    let mut recv = pin!(rx.recv());
    let (made, ()) = allocated(|| {
        for _ in 0..100_000 {
            assert_eq!(recv.as_mut().poll(&mut cx), Poll::Pending);
        }
        tx.try_send(1).unwrap();
        assert_eq!(recv.as_mut().poll(&mut cx), Poll::Ready(Some(1)));
        let mut send = pin!(tx.send(2));
        assert_eq!(send.as_mut().poll(&mut cx), Poll::Pending);
        assert_eq!(rx.try_recv(), Ok(2));
        assert_eq!(send.as_mut().poll(&mut cx), Poll::Ready(Ok(())));
    });
    assert_eq!(made, NOTHING);
}

#[test]
fn the_task_that_polled_last_is_woken() {
    let _watch = watch();
    let (tx, rx) = bounded(0);
    let ((old, old_waker), (new, new_waker)) = (Count::new(), Count::new());
    let mut recv = pin!(rx.recv());
    assert!(recv.as_mut().poll(&mut Context::from_waker(&old_waker)).is_pending());
    assert!(recv.as_mut().poll(&mut Context::from_waker(&new_waker)).is_pending());
    assert_eq!(Arc::strong_count(&old), 2, "the old waker is no longer kept: `old` and `old_waker` are left");
    tx.try_send(1).unwrap();
    assert_eq!((old.get(), new.get()), (0, 1));
    assert_eq!(recv.as_mut().poll(&mut Context::from_waker(&old_waker)), Poll::Ready(Some(1)));

    let mut send = pin!(tx.send(2));
    assert!(send.as_mut().poll(&mut Context::from_waker(&old_waker)).is_pending());
    assert!(send.as_mut().poll(&mut Context::from_waker(&new_waker)).is_pending());
    assert_eq!(rx.try_recv(), Ok(2));
    assert_eq!((old.get(), new.get()), (0, 2));
}

/// `Waker::will_wake` may be false for a waker and its clone.
#[test]
fn a_waker_may_be_a_stranger_to_its_clones() {
    let _watch = watch();
    let (tx, rx) = bounded(0);
    let calls = Calls::new(|_| ());
    let waker = calls.waker();
    assert!(!waker.will_wake(&waker.clone()));
    let mut cx = Context::from_waker(&waker);
    {
        let mut recv = pin!(rx.recv());
        for _ in 0..3 {
            assert!(recv.as_mut().poll(&mut cx).is_pending());
        }
        tx.try_send(1).unwrap();
        assert_eq!(calls.woken(), 1);
        assert_eq!(recv.as_mut().poll(&mut cx), Poll::Ready(Some(1)));
        let mut send = pin!(tx.send(2));
        for _ in 0..3 {
            assert!(send.as_mut().poll(&mut cx).is_pending());
        }
        assert_eq!(rx.try_recv(), Ok(2));
        assert_eq!(calls.woken(), 2);
        assert_eq!(send.as_mut().poll(&mut cx), Poll::Ready(Ok(())));
        let mut select = pin!(async {
            dormouse_chan::select! { recv(rx) -> value => value }
        });
        for _ in 0..3 {
            assert!(select.as_mut().poll(&mut cx).is_pending());
        }
        tx.try_send(3).unwrap();
        assert_eq!(calls.woken(), 3);
        assert_eq!(select.as_mut().poll(&mut cx), Poll::Ready(Some(3)));
    }
    drop(waker);
    assert_eq!(calls.alive(), 0, "no clone is kept");
}

#[test]
fn one_operation_wakes_once() {
    let _watch = watch();
    let (tx, rx) = bounded(0);
    let (wakes, waker) = Count::new();
    let mut cx = Context::from_waker(&waker);
    let (mut a, mut b) = (pin!(rx.recv()), pin!(rx.recv()));
    assert!(a.as_mut().poll(&mut cx).is_pending());
    assert!(b.as_mut().poll(&mut cx).is_pending());
    tx.try_send(1).unwrap();
    assert_eq!(wakes.get(), 1);
    assert_eq!(a.as_mut().poll(&mut cx), Poll::Ready(Some(1)));
    tx.try_send(2).unwrap();
    assert_eq!(wakes.get(), 2);
    assert_eq!(b.as_mut().poll(&mut cx), Poll::Ready(Some(2)));
    assert_eq!(Arc::strong_count(&wakes), 2, "no waker is kept");
}

#[test]
fn a_future_that_is_not_polled_does_nothing() {
    let _watch = watch();
    let (tx, rx) = bounded(1);
    let value = Arc::new(());
    drop(tx.send(value.clone()));
    assert_eq!((Arc::strong_count(&value), tx.len()), (1, 0), "never sent, dropped with its future");
    tx.try_send(value).unwrap();
    drop(rx.recv());
    assert_eq!(tx.len(), 1);
}

#[test]
fn a_finished_future_says_so_and_panics_if_polled_again() {
    use futures::future::FusedFuture;
    let _watch = watch();
    let (tx, rx) = bounded(1);
    fn twice<F: FusedFuture>(future: F) {
        let mut future = pin!(future);
        let mut cx = Context::from_waker(Waker::noop());
        assert!(!future.is_terminated());
        assert!(future.as_mut().poll(&mut cx).is_ready());
        assert!(future.is_terminated());
        let text = panics(|| future.as_mut().poll(&mut cx).is_ready());
        assert_eq!(text, "a finished channel future was polled again");
    }
    twice(tx.send(1));
    twice(rx.recv());
    twice(tx.send_from(&mut Some(2)));
    tx.close();
    twice(tx.send(3));
    twice(tx.send_from(&mut Some(3)));
    assert_eq!(rx.try_recv(), Ok(2), "the channel is as it was");
    twice(rx.recv());
}

/// A waker that receives all it can: user code that would hang if it ran under the channel's lock.
struct Takes {
    rx: Receiver<i32>,
    taken: AtomicUsize,
}

impl Wake for Takes {
    fn wake(self: Arc<Self>) {
        while self.rx.try_recv().is_ok() {
            self.taken.fetch_add(1, SeqCst);
        }
        assert!(format!("{:?}", self.rx).contains("Receiver"));
    }
}

#[test]
fn wakers_may_use_the_channel() {
    let _watch = watch();
    let (tx, rx) = bounded(1);
    let takes = Arc::new(Takes { rx: rx.clone(), taken: AtomicUsize::new(0) });
    let waker = Waker::from(takes.clone());
    let mut cx = Context::from_waker(&waker);
    tx.try_send(1).unwrap();
    let (mut second, mut third) = (pin!(tx.send(2)), pin!(tx.send(3)));
    assert!(second.as_mut().poll(&mut cx).is_pending());
    assert!(third.as_mut().poll(&mut cx).is_pending());
    assert_eq!(rx.try_recv(), Ok(1)); // moves 2 in and wakes; the waker takes 2, which moves 3 in, and takes 3
    assert_eq!(takes.taken.load(SeqCst), 2);
    assert_eq!(second.as_mut().poll(&mut cx), Poll::Ready(Ok(())));
    assert_eq!(third.as_mut().poll(&mut cx), Poll::Ready(Ok(())));
    assert_eq!(tx.len(), 0);
}
