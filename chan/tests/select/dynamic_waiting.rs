//! `chan::Select` while it waits: in the queues, cancelled, forgotten, moved between tasks; panics and wakers that call back.
use dormouse_chan::{Receiver, Select, SendError, Sender, bounded, select};
use dormouse_testing::{Count, EVENTS, Tally, Value, hooked, panics, watch};
use futures::FutureExt;
use std::future::{Future, poll_fn};
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::{Context, Poll, Waker};
use tokio_test::task::spawn;
use tokio_test::{assert_pending, assert_ready, assert_ready_eq};

/// Two channels without a buffer.
struct Pair {
    tally: Tally,
    a: Sender<Value>,
    from_a: Receiver<Value>,
    b: Sender<Value>,
    from_b: Receiver<Value>,
}

fn pair() -> Pair {
    let ((a, from_a), (b, from_b)) = (bounded(0), bounded(0));
    Pair { tally: Tally::new(), a, from_a, b, from_b }
}

#[test]
fn it_stands_in_the_queue_as_any_waiter() {
    let _watch = watch();
    let (tx, rx) = bounded(0);
    let mut first = spawn(rx.recv());
    assert_pending!(first.poll());
    let mut select = Select::new();
    select.recv(&rx);
    let mut second = spawn(select.wait());
    assert_pending!(second.poll());
    let mut third = spawn(rx.recv());
    assert_pending!(third.poll());
    assert!(rx.try_recv().is_err());
    for n in 0..3 {
        tx.try_send(n).unwrap();
    }
    assert!(second.is_woken());
    assert_ready_eq!(first.poll(), Some(0));
    assert_eq!(assert_ready!(second.poll()).recv(&rx), Some(1));
    assert_ready_eq!(third.poll(), Some(2));
}

/// X3: what a select was given before it was dropped goes to the next receiver, or back to the front.
#[test]
fn a_wait_that_is_dropped_after_it_was_won() {
    let _watch = watch();
    let pair = pair();
    let mut select = Select::new();
    select.recv(&pair.from_a);
    select.recv(&pair.from_b);
    let mut round = spawn(select.wait());
    assert_pending!(round.poll());
    pair.a.try_send(pair.tally.value(0)).unwrap_or_else(|_| unreachable!("it waits"));
    let mut next = spawn(pair.from_a.recv());
    assert_pending!(next.poll());
    drop(round);
    assert!(next.is_woken());
    assert_eq!(assert_ready!(next.poll()).unwrap().number, 0);

    let mut round = spawn(select.wait());
    assert_pending!(round.poll());
    pair.a.try_send(pair.tally.value(1)).unwrap_or_else(|_| unreachable!("it waits"));
    drop(round);
    assert_eq!(pair.from_a.len(), 1);
    assert_eq!(select.try_wait().unwrap().recv(&pair.from_a).unwrap().number, 1);
    drop(next);
    drop(select);
    pair.tally.check();
}

/// A send that took place stays so, and its arm is empty; one that did not has its value.
#[test]
fn a_wait_with_sends_that_is_dropped() {
    let _watch = watch();
    let pair = pair();
    let mut select = Select::new();
    let (x, y) = (select.send(&pair.a, pair.tally.value(0)), select.send(&pair.b, pair.tally.value(1)));
    let mut round = spawn(select.wait());
    assert_pending!(round.poll());
    assert_eq!(pair.from_a.try_recv().unwrap().number, 0);
    assert!(pair.from_b.try_recv().is_err(), "it was won");
    drop(round);
    assert!(pair.from_b.try_recv().is_err(), "it is in no queue");
    assert!(select.replace(x, &pair.a, None).is_none());
    assert_eq!(select.replace(y, &pair.b, None).unwrap().number, 1);
    drop(select);
    pair.tally.check();
}

#[test]
fn a_wait_that_is_dropped_stands_in_no_queue() {
    let _watch = watch();
    let pair = pair();
    let (count, waker) = Count::new();
    let mut select = Select::new();
    select.recv(&pair.from_a);
    select.recv(&pair.from_b);
    for _ in 0..3 {
        let mut round = pin!(select.wait());
        assert!(round.as_mut().poll(&mut Context::from_waker(&waker)).is_pending());
    }
    assert!(pair.a.try_send(pair.tally.value(0)).is_err());
    assert_eq!((count.get(), Arc::strong_count(&count)), (0, 2), "no waker is kept");
}

/// X10: a forgotten wait stands in the queues until the select is used again, or is dropped.
#[test]
fn a_wait_that_is_forgotten_is_ended_by_what_comes_next() {
    let _watch = watch();
    type Act = for<'s, 'a> fn(&'s mut Select<'a>);
    let acts: [Act; 6] = [
        |select| select.enable(0, true),
        |select| select.enable(1, false),
        |select| drop(select.try_wait()),
        |select| drop(select.wait().now_or_never()),
        |select| select.remove(1),
        |select| drop(std::mem::take(select)),
    ];
    for (which, act) in acts.into_iter().enumerate() {
        for won in [false, true] {
            let pair = pair();
            let mut select = Select::new();
            select.recv(&pair.from_a);
            select.recv(&pair.from_b);
            let mut round = spawn(select.wait());
            assert_pending!(round.poll());
            std::mem::forget(round);
            if won {
                pair.a.try_send(pair.tally.value(0)).unwrap_or_else(|_| unreachable!("it waits"));
            }
            act(&mut select);
            assert!(pair.b.try_send(pair.tally.value(1)).is_err(), "act {which}: it is in no queue");
            drop(select);
            let back = pair.from_a.try_recv().ok().map(|value| value.number);
            assert_eq!(back, won.then_some(0), "act {which}");
            pair.tally.check();
        }
    }
}

/// A select that is forgotten leaks, and harms nobody, not even when its channels are gone.
#[test]
fn a_select_that_is_forgotten() {
    let _watch = watch();
    let (tx, rx) = bounded(0);
    let (count, waker) = Count::new();
    {
        let mut select = Select::new();
        select.recv(&rx);
        let mut round = Box::pin(select.wait());
        assert!(round.as_mut().poll(&mut Context::from_waker(&waker)).is_pending());
        std::mem::forget(round);
        std::mem::forget(select);
    }
    tx.try_send(String::from("given to nobody")).unwrap();
    assert_eq!(count.get(), 1);
    drop((tx, rx));
}

#[test]
fn the_task_that_polled_last_is_woken() {
    let _watch = watch();
    let (tx, rx) = bounded(0);
    let mut select = Select::new();
    select.recv(&rx);
    let ((first, a), (second, b)) = (Count::new(), Count::new());
    let mut round = select.wait();
    for waker in [&a, &b, &b] {
        assert!(Pin::new(&mut round).poll(&mut Context::from_waker(waker)).is_pending());
    }
    tx.try_send(1).unwrap();
    assert_eq!((first.get(), second.get()), (0, 1));
    let Poll::Ready(selected) = Pin::new(&mut round).poll(&mut Context::from_waker(&a)) else {
        panic!("it was won")
    };
    assert_eq!(selected.recv(&rx), Some(1));
    let polled = panics(|| Pin::new(&mut round).poll(&mut Context::from_waker(&a)).is_pending());
    assert_eq!(polled, "a finished chan::Select::wait was polled again");
    assert!(futures::future::FusedFuture::is_terminated(&round));
}

/// A future among the arms makes both channels ready while the select is held.
#[test]
fn what_comes_while_it_polls_its_futures_is_seen() {
    let _watch = watch();
    let ((a, from_a), (b, from_b)) = (bounded(1), bounded(1));
    let mut polls = 0;
    let mut feeds = pin!(poll_fn(|_| {
        polls += 1;
        if polls == 2 {
            a.try_send(1).unwrap();
            b.try_send(2).unwrap();
        }
        Poll::Pending
    }));
    let mut select = Select::new_biased();
    select.future(feeds.as_mut());
    select.recv(&from_a);
    select.recv(&from_b);
    let mut round = spawn(select.wait());
    assert_pending!(round.poll());
    let selected = assert_ready!(round.poll());
    assert_eq!((selected.index(), selected.recv(&from_a)), (1, Some(1)));
    drop(round);
    assert_eq!(select.try_wait().unwrap().recv(&from_b), Some(2));
}

/// A future is polled until it is ready, round after round, and then never again.
#[test]
fn a_future_wins_once() {
    let _watch = watch();
    let (tx, rx) = bounded(1);
    let mut polls = 0;
    let mut third = pin!(poll_fn(|_| {
        polls += 1;
        assert!(polls <= 3, "polled after it was ready");
        if polls == 3 { Poll::Ready(()) } else { Poll::Pending }
    }));
    let mut select = Select::new_biased();
    let index = select.future(third.as_mut());
    select.recv(&rx);
    for n in 0..4 {
        tx.try_send(n).unwrap();
        let selected = select.wait().now_or_never().unwrap();
        if n == 2 {
            assert_eq!(selected.index(), index);
            drop(selected);
            assert_eq!(rx.try_recv(), Ok(2));
        } else {
            assert_eq!(selected.recv(&rx), Some(n));
        }
    }
}

#[test]
fn a_future_that_panics_costs_nothing() {
    let _watch = watch();
    for at in [1, 2] {
        let pair = pair();
        let mut polls = 0;
        let mut explodes = pin!(poll_fn(|_| {
            polls += 1;
            assert!(polls != at, "a future panics");
            Poll::Pending
        }));
        let mut select = Select::new_biased();
        let future = select.future(explodes.as_mut());
        select.recv(&pair.from_a);
        let sends = select.send(&pair.b, pair.tally.value(1));
        let mut round = spawn(select.wait());
        if at == 2 {
            assert_pending!(round.poll());
        }
        assert_eq!(panics(|| round.poll()), "a future panics");
        drop(round);
        assert!(pair.a.try_send(pair.tally.value(0)).is_err(), "it is in no queue");
        select.remove(future);
        let mut round = spawn(select.wait());
        assert_pending!(round.poll());
        assert_eq!(pair.from_b.try_recv().unwrap().number, 1);
        let selected = assert_ready!(round.poll());
        assert_eq!((selected.index(), selected.send(&pair.b).is_ok()), (sends, true));
        drop(round);
        drop(select);
        pair.tally.check();
    }
}

/// I8: wakers that use the channels, whatever is done to them.
#[test]
fn wakers_may_use_the_channels() {
    let _watch = watch();
    for event in EVENTS {
        for panic in [false, true] {
            let ((a, from_a), (b, from_b)) = (bounded::<u8>(0), bounded::<u8>(0));
            let waker = {
                let (a, from_b) = (a.clone(), from_b.clone());
                hooked(move |seen| {
                    if seen == event {
                        let _ = (a.len(), a.try_send(9), from_b.try_recv());
                        assert!(!panic || seen == dormouse_testing::Event::Clone, "a waker panics");
                    }
                })
            };
            let mut select = Select::new();
            select.recv(&from_a);
            select.recv(&from_b);
            let mut first = Box::pin(select.wait());
            assert!(first.as_mut().poll(&mut Context::from_waker(&waker)).is_pending());
            assert!(first.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_pending());
            assert!(first.as_mut().poll(&mut Context::from_waker(&waker)).is_pending());
            b.try_send(1).unwrap();
            drop(first);
            assert_eq!(from_b.try_recv(), Ok(1), "{event:?}: it went back");
            drop(select);
            std::mem::forget(waker); // its own drop may panic
        }
    }
}

/// Dynamic selects meet each other and `select!`, on threads, with both directions of each channel: what was sent was
/// received, once.
#[test]
fn selects_meet_selects() {
    let _watch = watch();
    const MEETINGS: usize = 4_000;
    let ((a, from_a), (b, from_b), (stop, stopped)) = (bounded(0), bounded(0), bounded::<()>(0));
    let count = Count::shared();
    let run = |number: usize| {
        let (a, from_a, b, from_b) = (a.clone(), from_a.clone(), b.clone(), from_b.clone());
        let (stop, stopped, count) = (stop.clone(), stopped.clone(), count.clone());
        std::thread::spawn(move || {
            let (mut sent, mut received) = (0, 0);
            let mut dynamic = Select::new();
            dynamic.recv(&from_a);
            dynamic.recv(&from_b);
            dynamic.send(&a, 0);
            dynamic.send(&b, 0);
            dynamic.recv(&stopped);
            for n in (number..).step_by(4) {
                // Received; sent; stopped.
                let (got, done) = futures::executor::block_on(async {
                    if number.is_multiple_of(2) {
                        return select! {
                            recv(from_a) -> got => (got, false),
                            recv(from_b) -> got => (got, false),
                            send(a, n) -> result => { result.unwrap(); (None, false) }
                            send(b, n) -> result => { result.unwrap(); (None, false) }
                            recv(stopped) -> _ => (None, true),
                        };
                    }
                    dynamic.replace(2, &a, Some(n));
                    dynamic.replace(3, &b, Some(n));
                    let selected = dynamic.wait().await;
                    match selected.index() {
                        0 => (selected.recv(&from_a), false),
                        1 => (selected.recv(&from_b), false),
                        2 => (selected.send(&a).err().map(SendError::into_inner), false),
                        3 => (selected.send(&b).err().map(SendError::into_inner), false),
                        _ => (None, true),
                    }
                });
                match got {
                    _ if done => break,
                    Some(got) => received += got,
                    None => sent += n,
                }
                count.add();
                if count.get() >= MEETINGS {
                    stop.close();
                }
            }
            (sent, received)
        })
    };
    let threads: Vec<_> = (0..4).map(run).collect();
    let sums: Vec<(usize, usize)> = threads.into_iter().map(|thread| thread.join().unwrap()).collect();
    let total = sums.iter().fold((0, 0), |total, sum| (total.0 + sum.0, total.1 + sum.1));
    assert!(total.0 > 0);
    assert_eq!(total.0, total.1, "{sums:?}");
}
