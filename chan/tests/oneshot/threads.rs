//! Real threads: each value is received, comes back, or is dropped with its receiver; once.
use dormouse_chan::oneshot;
use dormouse_chan::oneshot::{Receiver, Sender};
use dormouse_testing::{Tally, Value, watch};
use dormouse_wait::random::below;
use futures::FutureExt;
use futures::executor::block_on;
use futures::future::FusedFuture;
use std::thread;

#[derive(Clone, Copy, Debug, PartialEq)]
enum Sent {
    Yes,
    Returned,
    /// The sender was dropped.
    Never,
}

fn send_somehow(mut tx: Sender<Value>, value: Value) -> Sent {
    match below(4) {
        0 => return Sent::Never,
        1 => _ = tx.closed().now_or_never(),
        2 => thread::yield_now(),
        _ => {}
    }
    match tx.send(value) {
        Ok(()) => Sent::Yes,
        Err(_) => Sent::Returned,
    }
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Received {
    Value(u32),
    /// There was none, and will be none.
    Nothing,
    /// The receiver was dropped without a last look.
    Unknown,
}

async fn receive_somehow(mut rx: Receiver<Value>) -> Received {
    let value = match below(6) {
        0 => return Received::Unknown,
        1 => match (&mut rx).now_or_never() {
            Some(value) => value,
            None => return Received::Unknown, // dropped while it waits
        },
        2 => {
            let early = (&mut rx).now_or_never();
            rx.close();
            if let Some(value) = early { value } else { rx.try_recv().ok() }
        }
        3 => {
            if let Ok(value) = rx.try_recv() {
                assert!(rx.is_terminated());
                Some(value)
            } else {
                rx.await
            }
        }
        _ => rx.await,
    };
    value.map_or(Received::Nothing, |value| Received::Value(value.number))
}

#[track_caller]
fn check(outcomes: impl IntoIterator<Item = (Sent, Received)>) {
    let mut seen = [0; 6];
    for (n, (sent, received)) in (0..).zip(outcomes) {
        let place = match (sent, received) {
            (Sent::Yes, Received::Value(number)) => {
                assert_eq!(number, n, "another one's value");
                0
            }
            (Sent::Yes, Received::Unknown) => 1,
            (Sent::Returned, Received::Nothing) => 2,
            (Sent::Returned, Received::Unknown) => 3,
            (Sent::Never, Received::Nothing) => 4,
            (Sent::Never, Received::Unknown) => 5,
            wrong => panic!("channel {n}: {wrong:?}"),
        };
        seen[place] += 1;
    }
    assert!(seen.iter().all(|&count| count > 0), "something never happened: {seen:?}");
}

/// The halves of many channels, with a value for each.
fn halves(tally: &Tally, count: u32) -> impl Iterator<Item = ((Sender<Value>, Value), Receiver<Value>)> {
    let tally = tally.clone();
    (0..count).map(move |n| {
        let (tx, rx) = oneshot();
        ((tx, tally.value(n)), rx)
    })
}

/// One thread has all the senders, another one all the receivers, in the same order.
#[test]
fn two_threads() {
    let _watch = watch();
    let tally = Tally::new();
    let (senders, receivers): (Vec<_>, Vec<_>) = halves(&tally, 20_000).unzip();
    let send = |(tx, value)| send_somehow(tx, value);
    let sending = thread::spawn(move || senders.into_iter().map(send).collect::<Vec<_>>());
    let received: Vec<_> = receivers.into_iter().map(|rx| block_on(receive_somehow(rx))).collect();
    check(sending.join().unwrap().into_iter().zip(received));
    tally.check();
}

/// A task for each half, on several workers.
#[test]
fn a_task_for_each_half() {
    let _watch = watch();
    let tally = Tally::new();
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(3).build().unwrap();
    let outcomes = runtime.block_on(async {
        let mut tasks = Vec::new();
        for ((tx, value), rx) in halves(&tally, 10_000) {
            let receiving = tokio::spawn(receive_somehow(rx));
            tasks.push((tokio::spawn(async { send_somehow(tx, value) }), receiving));
        }
        let mut outcomes = Vec::new();
        for (sending, receiving) in tasks {
            outcomes.push((sending.await.unwrap(), receiving.await.unwrap()));
        }
        outcomes
    });
    drop(runtime);
    check(outcomes);
    tally.check();
}
