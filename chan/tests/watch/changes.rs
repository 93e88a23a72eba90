//! Changes, and the waits for them.
use crate::is_over;
use dormouse_chan::watch;
use dormouse_chan::watch::RecvError;
use dormouse_testing::{Count, Event, hooked, panics};
use futures::FutureExt;
use futures::stream::{FusedStream, StreamExt};
use std::future::Future;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::pin;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, Waker};
use tokio_test::task::spawn;
use tokio_test::{assert_pending, assert_ready, assert_ready_eq};

#[test]
fn the_first_value_is_seen() {
    let (tx, mut rx) = watch(1);
    assert_eq!((*rx.borrow(), *tx.borrow(), rx.has_changed()), (1, 1, Ok(false)));
    assert_pending!(spawn(rx.changed()).poll());
}

#[test]
fn a_change_before_the_wait_is_learned_of_at_once() {
    let (tx, mut rx) = watch(1);
    tx.send(2).unwrap();
    assert_eq!(rx.has_changed(), Ok(true));
    let mut changed = spawn(rx.changed());
    assert!(!is_over(&mut changed));
    assert_ready_eq!(changed.poll(), Ok(()));
    assert!(is_over(&mut changed));
    drop(changed);
    assert_eq!((rx.has_changed(), *rx.borrow()), (Ok(false), 2));
    assert_pending!(spawn(rx.changed()).poll());
}

#[test]
fn a_change_wakes_who_waits() {
    let (tx, mut rx) = watch(1);
    type Send = fn(&watch::Sender<i32>);
    let sends: [Send; 4] = [
        |tx| tx.send(2).unwrap(),
        |tx| _ = tx.send_replace(2),
        |tx| tx.send_modify(|value| *value = 2),
        |tx| assert!(tx.send_if_modified(|value| *value != 1 || std::mem::replace(value, 2) == 1)),
    ];
    for send in sends {
        let mut changed = spawn(rx.changed());
        assert_pending!(changed.poll());
        send(&tx);
        assert!(changed.is_woken());
        assert_ready_eq!(changed.poll(), Ok(()));
        drop(changed);
        assert_eq!(*rx.borrow(), 2);
    }
}

/// tokio#3234: an equal value is a change as well, and nothing else is.
#[test]
fn a_change_is_what_is_sent_and_nothing_else() {
    let (tx, mut rx) = watch(1);
    let mut changed = spawn(rx.changed());
    assert_pending!(changed.poll());
    assert!(!tx.send_if_modified(|_| false));
    drop((tx.borrow(), tx.clone(), tx.subscribe()));
    assert!(!changed.is_woken());
    assert_pending!(changed.poll());
    tx.send(1).unwrap();
    assert!(changed.is_woken());
}

#[test]
fn a_change_wakes_all_in_order() {
    // More of them than are woken at once.
    let (tx, rx) = watch(0);
    let (order, count) = (Arc::new(Mutex::new(Vec::new())), 100);
    let mut receivers: Vec<_> = (0..count).map(|_| rx.clone()).collect();
    let mut waits: Vec<_> = receivers.iter_mut().map(|rx| Box::pin(rx.changed())).collect();
    for (n, wait) in waits.iter_mut().enumerate() {
        let order = order.clone();
        let waker = hooked(move |event| {
            if event == Event::Wake {
                order.lock().unwrap().push(n);
            }
        });
        assert!(wait.as_mut().poll(&mut Context::from_waker(&waker)).is_pending());
    }
    tx.send(1).unwrap();
    assert!(order.lock().unwrap().iter().copied().eq(0..count));
    for wait in waits {
        assert_eq!(wait.now_or_never(), Some(Ok(())));
    }
}

/// Whoever has seen the change and waits again, while others are still being woken for it, is not woken for it.
#[test]
fn who_queues_while_others_are_woken_waits_for_the_next() {
    let (tx, rx) = watch(0);
    // A wait that is made before the change, and queues once it is polled again.
    let mut seen = rx.clone();
    let mut again = Box::pin(async move {
        let wait = seen.wait_for(|n| *n == 2);
        tokio::task::yield_now().await;
        wait.await.is_ok()
    });
    assert!(again.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_pending());
    let again = Arc::new(Mutex::new(again));
    let (wakes, waker) = Count::new();
    let queues = hooked({
        let (again, waker) = (again.clone(), waker.clone());
        move |event| {
            if event == Event::Wake {
                assert!(again.lock().unwrap().as_mut().poll(&mut Context::from_waker(&waker)).is_pending());
            }
        }
    });
    // More than are woken at once; the first one queues the other wait.
    let mut receivers = vec![rx; 40];
    let mut waits: Vec<_> = receivers.iter_mut().map(|rx| Box::pin(rx.changed())).collect();
    for (n, wait) in waits.iter_mut().enumerate() {
        let waker = if n == 0 { &queues } else { Waker::noop() };
        assert!(wait.as_mut().poll(&mut Context::from_waker(waker)).is_pending());
    }
    tx.send(1).unwrap();
    for wait in waits {
        assert_eq!(wait.now_or_never(), Some(Ok(())));
    }
    assert_eq!(wakes.get(), 0, "it had seen that");
    tx.send(2).unwrap();
    assert_eq!(wakes.get(), 1);
    assert_eq!(again.lock().unwrap().as_mut().now_or_never(), Some(true));
}

/// After all senders have gone, the last value is learned of first.
#[test]
fn the_end_comes_after_the_last_value() {
    let (tx, mut rx) = watch(1);
    let other = tx.clone();
    drop(tx);
    assert_pending!(spawn(rx.changed()).poll());
    other.send(2).unwrap();
    drop(other);
    assert_eq!(rx.has_changed(), Err(RecvError), "as the field has it");
    assert!(rx.borrow().has_changed());
    assert_ready_eq!(spawn(rx.changed()).poll(), Ok(()));
    assert_ready_eq!(spawn(rx.changed()).poll(), Err(RecvError));
    assert_eq!(*rx.borrow(), 2);
    assert!(!rx.borrow_and_update().has_changed());
}

#[test]
fn the_end_wakes_all_who_wait() {
    let (tx, rx) = watch(1);
    let mut receivers = vec![rx; 100];
    let mut waits: Vec<_> = receivers.iter_mut().map(|rx| spawn(rx.changed())).collect();
    for wait in &mut waits {
        assert_pending!(wait.poll());
    }
    drop(tx);
    for wait in &mut waits {
        assert!(wait.is_woken());
        assert_ready_eq!(wait.poll(), Err(RecvError));
    }
}

#[test]
fn values_in_between_may_be_missed_but_not_the_last() {
    let (tx, mut rx) = watch(0);
    (1..=5).for_each(|n| tx.send(n).unwrap());
    assert_ready_eq!(spawn(rx.changed()).poll(), Ok(()));
    assert_eq!(*rx.borrow(), 5);
    assert_pending!(spawn(rx.changed()).poll());
}

/// A change that comes between `changed` and the look at the value is seen by `borrow_and_update`, and not by `borrow`.
#[test]
fn what_marks_a_value_as_seen() {
    let (tx, mut rx) = watch(0);
    for (update, again) in [(true, Ok(false)), (false, Ok(true))] {
        tx.send(1).unwrap();
        assert_ready_eq!(spawn(rx.changed()).poll(), Ok(()));
        tx.send(2).unwrap();
        let value = if update { *rx.borrow_and_update() } else { *rx.borrow() };
        assert_eq!((value, rx.has_changed()), (2, again));
    }
    rx.mark_unchanged();
    assert_eq!(rx.has_changed(), Ok(false));
    rx.mark_changed();
    assert_eq!(rx.has_changed(), Ok(true));
    let mut clone = rx.clone();
    assert_ready_eq!(spawn(clone.changed()).poll(), Ok(()));
    assert_eq!(rx.has_changed(), Ok(true), "each for itself");
    rx.mark_changed();
    rx.mark_changed();
    assert!(rx.borrow_and_update().has_changed());
    assert!(!rx.borrow_and_update().has_changed());
}

#[test]
fn wait_for_looks_at_the_present_value_first() {
    let (tx, mut rx) = watch(1);
    let mut wait = spawn(rx.wait_for(|n| *n == 1));
    assert!(!is_over(&mut wait));
    assert_eq!(*assert_ready!(wait.poll()).unwrap(), 1);
    assert!(is_over(&mut wait));
    assert_eq!(panics(|| wait.poll().is_ready()), "a finished future of a watch channel was polled again");
    drop(wait);
    tx.send(2).unwrap();
    let mut wait = spawn(rx.wait_for(|n| *n == 2));
    assert!(assert_ready!(wait.poll()).unwrap().has_changed());
    drop(wait);
    assert_eq!(rx.has_changed(), Ok(false), "what was looked at is seen");
}

#[test]
fn wait_for_looks_at_each_value_once() {
    let (tx, mut rx) = watch(0);
    let looks = std::cell::Cell::new(0);
    let mut wait = spawn(rx.wait_for(|n| {
        looks.set(looks.get() + 1);
        *n >= 3
    }));
    for n in 1..=3 {
        assert_pending!(wait.poll());
        assert_pending!(wait.poll()); // spurious
        assert_eq!(looks.get(), n);
        tx.send(n).unwrap();
        assert!(wait.is_woken());
    }
    assert_eq!(**assert_ready!(wait.poll()).as_ref().unwrap(), 3);
    assert_eq!(looks.get(), 4);
}

#[test]
fn wait_for_ends_with_the_senders() {
    let (tx, mut rx) = watch(0);
    let mut wait = spawn(rx.wait_for(|n| *n == 2));
    assert_pending!(wait.poll());
    tx.send(1).unwrap();
    drop(tx);
    assert!(wait.is_woken());
    assert_eq!(assert_ready!(wait.poll()).unwrap_err(), RecvError);
    assert!(is_over(&mut wait));
    drop(wait);
    assert!(spawn(rx.wait_for(|n| *n == 1)).poll().is_ready(), "the last value stays");
    assert_eq!(assert_ready!(spawn(rx.wait_for(|n| *n == 2)).poll()).unwrap_err(), RecvError);
}

/// tokio#6021: a predicate that panics spoils nothing.
#[test]
fn tokio_6021_a_predicate_that_panics() {
    let (tx, mut rx) = watch(1);
    tx.send(2).unwrap();
    let mut wait = Box::pin(rx.wait_for(|_| panic!("no")));
    assert!(catch_unwind(AssertUnwindSafe(|| (&mut wait).now_or_never().is_some())).is_err());
    drop(wait);
    assert_eq!(rx.has_changed(), Ok(false), "it was looked at");
    tx.send_modify(|value| *value += 1); // nobody looks any more
    assert_eq!(*rx.borrow(), 3);
    assert_ready_eq!(spawn(rx.changed()).poll(), Ok(()));
}

#[test]
fn the_stream_gives_each_change_and_the_end() {
    let (tx, mut rx) = watch(0);
    let (wakes, waker) = Count::new();
    let cx = &mut Context::from_waker(&waker);
    {
        let mut changes = pin!(rx.changes());
        assert!(changes.as_mut().poll_next_unpin(cx).is_pending());
        for n in 1..=3 {
            tx.send(n).unwrap();
            assert_eq!(wakes.get(), n);
            assert_eq!(changes.as_mut().poll_next_unpin(cx), Poll::Ready(Some(n)));
            assert!(changes.as_mut().poll_next_unpin(cx).is_pending());
        }
        tx.send(4).unwrap();
    }
    assert_eq!(rx.has_changed(), Ok(true), "a change that the stream did not give is unseen");
    let mut changes = pin!(rx.changes());
    drop(tx);
    assert_eq!(changes.as_mut().poll_next_unpin(cx), Poll::Ready(Some(4)));
    assert!(!changes.is_terminated());
    for _ in 0..2 {
        assert_eq!(changes.as_mut().poll_next_unpin(cx), Poll::Ready(None));
        assert!(changes.is_terminated());
    }
}

/// A clone that panics loses neither the stream nor the change.
#[test]
fn the_stream_of_values_whose_clone_panics() {
    struct Value(bool);
    impl Clone for Value {
        fn clone(&self) -> Self {
            assert!(!self.0, "no clone");
            Value(false)
        }
    }
    let (tx, mut rx) = watch(Value(false));
    let mut changes = pin!(rx.changes());
    tx.send(Value(true)).ok().unwrap();
    let mut next = || catch_unwind(AssertUnwindSafe(|| changes.next().now_or_never().is_some()));
    assert!(next().is_err());
    assert!(next().is_err(), "it is still unseen");
    tx.send_modify(|value| value.0 = false);
    assert_eq!(next().ok(), Some(true));
    assert_eq!(next().ok(), Some(false));
}

#[test]
fn a_poll_after_the_end_panics() {
    let (tx, mut rx) = watch(1);
    tx.send(2).unwrap();
    let mut changed = spawn(rx.changed());
    assert_ready_eq!(changed.poll(), Ok(()));
    assert_eq!(panics(|| changed.poll().is_ready()), "a finished future of a watch channel was polled again");
}
