//! The combinators of `futures`, which drop what loses, and keep it.
use crate::kinds::drain;
use dormouse_chan::{Sender, bounded};
use dormouse_testing::{Tally, Value, number, watch};
use futures::future::{Either, FutureExt};
use futures::stream::{FuturesUnordered, StreamExt};
use std::future::poll_fn;
use std::pin::pin;
use std::task::Poll;
use tokio_test::task::spawn;
use tokio_test::{assert_pending, assert_ready};

#[test]
fn futures_select_loses_nothing() {
    let _watch = watch();
    let tally = Tally::new();
    let ((a, from_a), (b, from_b)) = (bounded::<Value>(0), bounded::<Value>(1));
    let got = tokio_test::block_on(async {
        let send = |tx: Sender<Value>, parity: u32| {
            let tally = tally.clone();
            async move {
                for n in 0..50 {
                    tx.send(tally.value(2 * n + parity)).await.unwrap();
                }
            }
        };
        let receive = async {
            let mut got = Vec::new();
            loop {
                // A new pair of futures each time: the loser is dropped, whatever it has been given.
                let (mut x, mut y) = (pin!(from_a.recv()), pin!(from_b.recv()));
                let value = futures::select! { value = x => value, value = y => value };
                match value {
                    Some(value) => got.push(value.number),
                    None => break,
                }
            }
            // One of the two has ended; what is left is in the other.
            while let Some(value) = from_a.recv().await {
                got.push(value.number);
            }
            while let Some(value) = from_b.recv().await {
                got.push(value.number);
            }
            got
        };
        futures::join!(send(a, 0), send(b, 1), receive).2
    });
    let mut sorted = got.clone();
    sorted.sort_unstable();
    assert_eq!(sorted, Vec::from_iter(0..100));
    for parity in 0..2 {
        assert!(got.iter().filter(|n| *n % 2 == parity).is_sorted(), "each channel in order");
    }
    tally.check();
}

#[test]
fn futures_select_biased_keeps_futures_across_turns() {
    let _watch = watch();
    let tally = Tally::new();
    let ((a, from_a), (b, from_b)) = (bounded(1), bounded(1));
    let got = tokio_test::block_on(async {
        let mut got = Vec::new();
        let mut sends = FuturesUnordered::new();
        for n in 0..10 {
            sends.push(if n % 2 == 0 { a.send(tally.value(n)) } else { b.send(tally.value(n)) });
        }
        let (mut x, mut y) = (Box::pin(from_a.recv()), Box::pin(from_b.recv()));
        while got.len() < 10 {
            futures::select_biased! {
                sent = sends.select_next_some() => sent.unwrap(),
                value = x => { got.extend(number(value)); x = Box::pin(from_a.recv()); }
                value = y => { got.extend(number(value)); y = Box::pin(from_b.recv()); }
            }
        }
        got
    });
    let mut sorted = got;
    sorted.sort_unstable();
    assert_eq!(sorted, Vec::from_iter(0..10));
    tally.check();
}

#[test]
fn futures_unordered_dropped_half_way_gives_everything_back() {
    let _watch = watch();
    let tally = Tally::new();
    let (tx, rx) = bounded(0);
    let mut receives: FuturesUnordered<_> = (0..10).map(|_| rx.recv()).collect();
    let mut task = spawn(());
    task.enter(|cx, _| assert!(receives.poll_next_unpin(cx).is_pending()));
    for n in 0..6 {
        tx.try_send(tally.value(n)).unwrap();
    }
    assert!(task.is_woken());
    let mut got = Vec::new();
    for _ in 0..2 {
        let value = task.enter(|cx, _| assert_ready!(receives.poll_next_unpin(cx)));
        got.push(value.unwrap().unwrap().number);
    }
    drop(receives);
    let back = drain(&rx);
    assert!(back.is_sorted(), "{back:?}");
    got.extend(back);
    got.sort_unstable();
    assert_eq!(got, [0, 1, 2, 3, 4, 5]);
    assert!(tx.try_send(tally.value(9)).is_err(), "nobody waits any more");
    drop((tx, rx));
    tally.check();
}

/// `futures::future::select` gives the loser back; dropped later, it puts back what it was given meanwhile.
#[test]
fn futures_select_function_and_its_loser() {
    let _watch = watch();
    let tally = Tally::new();
    let (tx, rx) = bounded(0);
    let pair = futures::future::select(Box::pin(rx.recv()), Box::pin(rx.recv()));
    let mut task = spawn(pair);
    assert_pending!(task.poll());
    tx.try_send(tally.value(0)).unwrap();
    tx.try_send(tally.value(1)).unwrap();
    let Either::Left((value, loser)) = assert_ready!(task.poll()) else { panic!("the first is ready") };
    assert_eq!(number(value), Some(0));
    assert_eq!(rx.len(), 0);
    drop(loser);
    assert_eq!(rx.try_recv().unwrap().number, 1);
    assert!(rx.recv().now_or_never().is_none());
    drop(task);
    drop((tx, rx));
    tally.check();
}

/// A future that is ready at once in a lost race of `poll_fn` must not have touched the channel (X8 in a combinator).
#[test]
fn a_receive_behind_a_ready_future_is_not_polled() {
    let _watch = watch();
    let (tx, rx) = bounded(1);
    tx.try_send(1).unwrap();
    let ready = poll_fn(|_| Poll::Ready(()));
    let won = futures::future::select(ready, Box::pin(rx.recv())).now_or_never().unwrap();
    assert!(matches!(won, Either::Left(_)));
    drop(won);
    assert_eq!(rx.try_recv(), Ok(1));
}
