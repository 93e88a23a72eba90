//! The kinds of receives and sends, each as a future that owns what it works on, and a test run over all of them.
use dormouse_chan::{Receiver, Select, SendError, Sender, bounded, select};
use dormouse_testing::{Tally, Value};
use futures::sink::SinkExt;
use futures::stream::StreamExt;
use std::fmt::Debug;
use std::future::{Future, pending};
use std::pin::{Pin, pin};
use std::time::Duration;
use tokio_test::task::{Spawn, spawn};

pub(crate) type Boxed<T> = Pin<Box<dyn Future<Output = T>>>;

#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Receive {
    Recv,
    Many,
    Stream,
    Borrowed,
    Select,
    SelectWithFuture,
    Dynamic,
}

pub(crate) const RECEIVES: [Receive; 7] = [
    Receive::Recv,
    Receive::Many,
    Receive::Stream,
    Receive::Borrowed,
    Receive::Select,
    Receive::SelectWithFuture,
    Receive::Dynamic,
];

/// A receive that owns its receiver.
pub(crate) fn receive(kind: Receive, rx: &Receiver<Value>) -> Spawn<Boxed<Option<Value>>> {
    let mut rx = rx.clone();
    let future: Boxed<Option<Value>> = match kind {
        Receive::Recv => Box::pin(async move { rx.recv().await }),
        Receive::Many => Box::pin(async move {
            let mut values = Vec::new();
            assert_eq!(rx.recv_many(&mut values, 1).await, values.len());
            values.pop()
        }),
        Receive::Stream => Box::pin(async move { rx.next().await }),
        Receive::Borrowed => Box::pin(async move { pin!(rx.stream()).next().await }),
        Receive::Select => Box::pin(async move {
            let (_tx, idle) = bounded::<Value>(0);
            select! {
                recv(idle) -> _ => unreachable!(),
                recv(rx) -> value => value,
            }
        }),
        Receive::SelectWithFuture => Box::pin(async move {
            select! {
                recv(rx) -> value => value,
                () = pending() => unreachable!(),
            }
        }),
        Receive::Dynamic => Box::pin(async move {
            let (_tx, idle) = bounded::<Value>(0);
            let mut select = Select::new();
            select.recv(&idle);
            select.recv(&rx);
            select.wait().await.recv(&rx)
        }),
    };
    spawn(future)
}

#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Kind {
    Plain,
    From,
    Timeout,
    Many,
    Sink,
    Select,
    SelectFrom,
    Dynamic,
}

pub(crate) const SENDS: [Kind; 8] = [
    Kind::Plain,
    Kind::From,
    Kind::Timeout,
    Kind::Many,
    Kind::Sink,
    Kind::Select,
    Kind::SelectFrom,
    Kind::Dynamic,
];

/// A send that owns its sender and its value.
pub(crate) fn send(
    kind: Kind,
    tx: &Sender<Value>,
    value: Value,
) -> Spawn<Boxed<Result<(), SendError<Value>>>> {
    let tx = tx.clone();
    let mut place = Some(value);
    let future: Boxed<Result<(), SendError<Value>>> = match kind {
        Kind::Plain => Box::pin(async move { tx.send(place.take().unwrap()).await }),
        Kind::From => Box::pin(async move { tx.send_from(&mut place).await }),
        Kind::Timeout => Box::pin(async move {
            let sent = tx.send_timeout(place.take().unwrap(), Duration::from_secs(3600)).await;
            sent.map_err(|error| SendError(error.into_inner()))
        }),
        Kind::Many => Box::pin(async move { tx.send_many(place).await.map(|sent| assert_eq!(sent, 1)) }),
        Kind::Sink => Box::pin(async move { tx.into_sink().send(place.take().unwrap()).await }),
        Kind::Select => Box::pin(async move {
            let (_tx, idle) = bounded::<Value>(0);
            select! {
                recv(idle) -> _ => unreachable!(),
                send(tx, place.take().unwrap()) -> sent => sent,
            }
        }),
        Kind::SelectFrom => Box::pin(async move {
            select! {
                send_from(tx, place) -> sent => sent,
                () = pending() => unreachable!(),
            }
        }),
        Kind::Dynamic => Box::pin(async move {
            let (_tx, idle) = bounded::<Value>(0);
            let mut select = Select::new();
            select.recv(&idle);
            select.send(&tx, place.take().unwrap());
            select.wait().await.send(&tx)
        }),
    };
    spawn(future)
}

pub(crate) fn fill(tx: &Sender<Value>, tally: &Tally) {
    for n in 0..tx.capacity().unwrap() {
        tx.try_send(tally.value(100 + n as u32)).unwrap();
    }
}

pub(crate) fn drain(rx: &Receiver<Value>) -> Vec<u32> {
    std::iter::from_fn(|| rx.try_recv().ok()).map(|value| value.number).collect()
}

/// Runs `test` for each kind and each capacity, and checks that each value was dropped once.
fn each<K: Copy + Debug>(
    kinds: &[K],
    capacities: &[usize],
    test: impl Fn(K, Sender<Value>, Receiver<Value>, &Tally),
) {
    for &kind in kinds {
        for &capacity in capacities {
            println!("{kind:?}, capacity {capacity}");
            let tally = Tally::new();
            let (tx, rx) = bounded(capacity);
            test(kind, tx, rx, &tally);
            tally.check();
        }
    }
}

pub(crate) fn each_receive(
    capacities: &[usize],
    test: impl Fn(Receive, Sender<Value>, Receiver<Value>, &Tally),
) {
    each(&RECEIVES, capacities, test);
}

pub(crate) fn each_send(capacities: &[usize], test: impl Fn(Kind, Sender<Value>, Receiver<Value>, &Tally)) {
    each(&SENDS, capacities, test);
}
