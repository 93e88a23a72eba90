//! `reserve`, `try_reserve`, and what a permit does.
use dormouse_chan::{Permit, Receiver, SendError, Sender, TryRecvError, bounded, never, unbounded};
use dormouse_testing::{Event, Tally, Value, hooked, number, watch};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::task::{Context, Poll};
use tokio_test::task::spawn;
use tokio_test::{assert_pending, assert_ready, assert_ready_err, assert_ready_ok};

#[test]
fn a_place_that_is_set_aside_is_no_room_for_others() {
    let _watch = watch();
    let (tx, rx) = bounded(2);
    let permit = tx.try_reserve().unwrap();
    assert!(!tx.is_full());
    tx.try_send(1).unwrap();
    assert!(tx.is_full());
    assert!(tx.try_send(2).unwrap_err().is_full());
    assert!(tx.try_reserve().unwrap_err().is_full());
    assert_eq!(rx.try_recv(), Ok(1), "nothing is sent yet");
    assert_eq!(rx.try_recv(), Err(TryRecvError::Empty));
    permit.send(3).unwrap();
    assert_eq!((rx.len(), rx.try_recv()), (1, Ok(3)));
    tx.try_send(4).unwrap();
    tx.try_send(5).unwrap();
    assert!(tx.try_send(6).unwrap_err().is_full(), "the capacity is what it was");
}

#[test]
fn a_permit_that_is_dropped_gives_its_place_to_the_next_sender() {
    let _watch = watch();
    let (tx, rx) = bounded(1);
    let permit = tx.try_reserve().unwrap();
    let mut send = spawn(tx.send(7));
    assert_pending!(send.poll());
    drop(permit);
    assert!(send.is_woken());
    assert_ready_ok!(send.poll());
    assert_eq!(rx.try_recv(), Ok(7));
}

#[test]
fn sends_and_reservations_stand_in_one_queue() {
    let _watch = watch();
    let (tx, rx) = bounded(1);
    tx.try_send(0).unwrap();
    let (mut first, mut second, mut third) = (spawn(tx.reserve()), spawn(tx.send(2)), spawn(tx.reserve()));
    assert_pending!(first.poll());
    assert_pending!(second.poll());
    assert_pending!(third.poll());
    assert_eq!(rx.try_recv(), Ok(0));
    assert!(first.is_woken() && !second.is_woken());
    assert!(tx.try_send(9).unwrap_err().is_full(), "nobody overtakes");
    assert_ready_ok!(first.poll()).send(1).unwrap();
    assert!(!second.is_woken());
    assert_eq!(rx.try_recv(), Ok(1));
    assert!(second.is_woken() && !third.is_woken());
    assert_eq!(rx.try_recv(), Ok(2));
    assert_ready_ok!(third.poll()).send(3).unwrap();
    assert_eq!(rx.try_recv(), Ok(3));
    assert_ready_ok!(second.poll());
}

#[test]
fn a_permit_hands_its_value_to_who_waits_and_the_place_goes_on() {
    let _watch = watch();
    let (tx, rx) = bounded(1);
    let permit = tx.try_reserve().unwrap();
    let (mut recv, mut reserve) = (spawn(rx.recv()), spawn(tx.reserve()));
    assert_pending!(recv.poll());
    assert_pending!(reserve.poll());
    permit.send(1).unwrap();
    assert!(recv.is_woken() && reserve.is_woken());
    assert_eq!(assert_ready!(recv.poll()), Some(1));
    assert_ready_ok!(reserve.poll()).send(2).unwrap();
    assert_eq!(rx.try_recv(), Ok(2));
}

/// What needs no place need not wait for one: a receiver and a sender that meet go on, whoever came first, also past one
/// who waits for a permit.
#[test]
fn with_all_places_set_aside_values_pass_by_hand() {
    let _watch = watch();
    let (tx, rx) = bounded(1);
    let permit = tx.try_reserve().unwrap();
    let (mut reserve, mut send) = (spawn(tx.reserve()), spawn(tx.send(1)));
    assert_pending!(reserve.poll());
    assert_pending!(send.poll());
    assert_eq!(rx.try_recv(), Ok(1));
    assert_ready_ok!(send.poll());
    assert!(!reserve.is_woken());
    assert_eq!(rx.try_recv(), Err(TryRecvError::Empty), "who waits for a permit has no value");
    let mut recv = spawn(rx.recv());
    assert_pending!(recv.poll());
    assert_ready_ok!(spawn(tx.send(2)).poll());
    assert_eq!(assert_ready!(recv.poll()), Some(2));
    drop(permit);
    assert_ready_ok!(reserve.poll()).send(3).unwrap();
    assert_eq!(rx.try_recv(), Ok(3));
}

/// tokio#8062 and its kin: a place that comes back wakes who waits for one.
#[test]
fn a_reservation_dropped_in_each_state_keeps_no_place() {
    let _watch = watch();
    let (tx, rx) = bounded(1);
    drop(tx.reserve()); // never polled
    tx.try_send(0).unwrap();
    let (mut queued, mut granted, mut send) = (spawn(tx.reserve()), spawn(tx.reserve()), spawn(tx.send(1)));
    assert_pending!(queued.poll());
    assert_pending!(granted.poll());
    assert_pending!(send.poll());
    drop(queued);
    assert_eq!(rx.try_recv(), Ok(0));
    assert!(granted.is_woken() && !send.is_woken());
    drop(granted); // with its place
    assert!(send.is_woken());
    assert_ready_ok!(send.poll());
    assert_eq!(rx.try_recv(), Ok(1));
    drop(assert_ready_ok!(spawn(tx.reserve()).poll()));
    tx.try_send(2).unwrap();
    assert!(tx.try_send(3).unwrap_err().is_full());
}

#[test]
fn a_forgotten_reservation_or_permit_only_costs_its_place() {
    let _watch = watch();
    let (tx, rx) = bounded(2);
    std::mem::forget(tx.try_reserve().unwrap());
    tx.try_send(1).unwrap();
    let mut forgotten = Box::pin(tx.reserve());
    let mut task = spawn(());
    assert!(task.enter(|cx, _| forgotten.as_mut().poll(cx).is_pending()));
    std::mem::forget(forgotten);
    assert_eq!(rx.try_recv(), Ok(1)); // its place is the forgotten one's now
    assert!(task.is_woken());
    assert!(tx.try_reserve().unwrap_err().is_full());
    let mut recv = spawn(rx.recv());
    assert_pending!(recv.poll());
    assert!(tx.try_send(2).is_ok(), "a receiver that waits takes it by hand");
    assert_eq!(assert_ready!(recv.poll()), Some(2));
}

#[test]
fn a_close_ends_waiting_reservations_and_fails_permits() {
    let _watch = watch();
    let (tx, rx) = bounded(1);
    let permit = tx.try_reserve().unwrap();
    let mut waiting = spawn(tx.reserve());
    assert_pending!(waiting.poll());
    rx.close();
    assert!(waiting.is_woken());
    assert_eq!(assert_ready_err!(waiting.poll()), SendError(()));
    assert_eq!(permit.send("back").unwrap_err().into_inner(), "back");
    assert!(tx.try_reserve().unwrap_err().is_closed());
    assert_ready_err!(spawn(tx.reserve()).poll());
    assert_eq!(rx.try_recv(), Err(TryRecvError::Closed));
}

/// The buffer is gone with the last receiver; a permit that comes back later must not make room in it.
#[test]
fn permits_outlive_the_receivers() {
    let _watch = watch();
    let tally = Tally::new();
    let (tx, rx) = bounded(2);
    let (one, other) = (tx.try_reserve().unwrap(), tx.try_reserve().unwrap());
    drop(rx);
    drop(one);
    assert_eq!(other.send(tally.value(0)).unwrap_err().into_inner().number, 0);
    assert!(tx.try_send(tally.value(1)).unwrap_err().is_closed());
    tally.check();
}

#[test]
fn without_a_bound_there_is_always_a_place() {
    let _watch = watch();
    let (tx, rx) = unbounded();
    let permits: Vec<Permit<'_, u32>> = (0..1000).map(|_| tx.try_reserve().unwrap()).collect();
    permits.into_iter().zip(0..).for_each(|(permit, n)| permit.send(n).unwrap());
    assert_eq!(rx.drain().collect::<Vec<_>>(), Vec::from_iter(0..1000));
}

#[test]
fn a_nil_channel_has_no_place_ever() {
    let _watch = watch();
    let (tx, _rx) = never::<u8>();
    assert!(tx.try_reserve().unwrap_err().is_full());
    assert_pending!(spawn(tx.reserve()).poll());
}

#[test]
#[should_panic(
    expected = "`reserve` on a channel of capacity 0, which has no place to set aside; use `send`"
)]
fn without_a_buffer_there_is_nothing_to_set_aside() {
    let (tx, _rx) = bounded::<u8>(0);
    drop(tx.reserve());
}

#[test]
#[should_panic(expected = "a finished channel future was polled again")]
fn a_poll_after_the_end_panics() {
    let (tx, _rx) = bounded::<u8>(1);
    let mut reserve = spawn(tx.reserve());
    drop(assert_ready_ok!(reserve.poll()));
    let _ = reserve.poll();
}

#[test]
fn the_latest_task_that_polled_is_woken() {
    let _watch = watch();
    let (tx, rx) = bounded(1);
    tx.try_send(0).unwrap();
    let mut reserve = Box::pin(tx.reserve());
    let (mut before, mut now) = (spawn(()), spawn(()));
    assert!(before.enter(|cx, _| reserve.as_mut().poll(cx).is_pending()));
    assert!(now.enter(|cx, _| reserve.as_mut().poll(cx).is_pending()));
    rx.try_recv().unwrap();
    assert!(!before.is_woken() && now.is_woken());
    assert!(now.enter(|cx, _| reserve.as_mut().poll(cx).is_ready()));
}

/// Wakers that use the channel from their clone, wake and drop find it unlocked.
#[test]
fn wakers_may_use_the_channel() {
    let _watch = watch();
    let (tx, rx) = bounded::<u32>(1);
    let calls = Arc::new(AtomicUsize::new(0));
    let hook = {
        let (tx, rx, calls) = (tx.clone(), rx.clone(), calls.clone());
        move |_: Event| {
            calls.fetch_add(1, SeqCst);
            drop(tx.try_reserve());
            assert!(rx.len() <= 1);
        }
    };
    let wakers = [hooked(hook.clone()), hooked(hook)];
    for rounds in 1..=3 {
        tx.try_send(1).unwrap();
        let mut reserve = Box::pin(tx.reserve());
        for waker in &wakers[..rounds.min(2)] {
            assert!(reserve.as_mut().poll(&mut Context::from_waker(waker)).is_pending());
        }
        if rounds < 3 {
            rx.try_recv().unwrap();
            assert!(reserve.as_mut().poll(&mut Context::from_waker(&wakers[0])).is_ready());
        }
        drop(reserve);
        rx.drain().for_each(drop);
    }
    assert!(calls.load(SeqCst) >= 6, "cloned, woken and dropped in each round");
}

/// sent = received + returned + dropped, with permits, sends, and reservations that are given up.
#[test]
fn under_threads_each_value_has_one_fate() {
    let _watch = watch();
    let tally = Tally::new();
    let (tx, rx) = bounded(3);
    let received = std::thread::scope(|scope| {
        for sender in 0..3 {
            let (tx, tally) = (tx.clone(), &tally);
            scope.spawn(move || {
                (0..2000).for_each(|n| send_somehow(&tx, tally.value(10_000 * sender + n), n))
            });
        }
        drop(tx);
        let receivers = [(); 2].map(|()| {
            let rx: Receiver<Value> = rx.clone();
            scope.spawn(move || rx.iter().count())
        });
        receivers.map(|receiver| receiver.join().unwrap())
    });
    assert_eq!(received.iter().sum::<usize>(), 6000);
    drop(rx);
    tally.check();
}

fn send_somehow(tx: &Sender<Value>, value: Value, n: u32) {
    match n % 4 {
        0 => tx.send_blocking(value).unwrap(),
        1 => {
            // One reservation is given up after its first poll; the next one sends.
            let mut given_up = spawn(tx.reserve());
            let permit = match given_up.poll() {
                Poll::Ready(permit) => permit,
                Poll::Pending => {
                    drop(given_up);
                    tokio_test::block_on(tx.reserve())
                }
            };
            permit.unwrap().send(value).unwrap();
        }
        2 => {
            drop(tx.try_reserve());
            tokio_test::block_on(tx.reserve()).unwrap().send(value).unwrap();
        }
        _ => tokio_test::block_on(tx.send(value)).unwrap(),
    }
}

#[test]
fn a_permit_is_a_value_like_others() {
    let _watch = watch();
    let (tx, rx) = bounded(4);
    let tally = Tally::new();
    std::thread::scope(|scope| {
        let permit = tx.try_reserve().unwrap();
        scope.spawn(|| permit.send(tally.value(1)).unwrap());
    });
    assert_eq!(number(rx.try_recv().ok()), Some(1));
    tally.check();
}

#[test]
fn a_permit_outlives_the_values_that_go_with_the_last_receiver() {
    let _watch = watch();
    let (tx, rx) = bounded(3);
    let (dropped, sent) = (tx.try_reserve().unwrap(), tx.try_reserve().unwrap());
    tx.try_send(1).unwrap();
    drop(rx);
    drop(dropped);
    assert_eq!(sent.send(2), Err(SendError(2)));
    assert_eq!((tx.capacity(), tx.len()), (Some(3), 0));
}
