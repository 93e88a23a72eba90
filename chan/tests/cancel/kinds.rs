//! The kinds of receives and sends, each as a future that owns what it works on, and a test run over all of them.
use dormouse_chan::{Receiver, SendError, Sender, bounded, select};
use dormouse_testing::{Tally, Value};
use futures::stream::StreamExt;
use std::fmt::Debug;
use std::future::{Future, pending};
use std::pin::Pin;
use tokio_test::task::{Spawn, spawn};

pub(crate) type Boxed<T> = Pin<Box<dyn Future<Output = T>>>;

#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Receive {
    Recv,
    Stream,
    Select,
    SelectWithFuture,
}

pub(crate) const RECEIVES: [Receive; 4] =
    [Receive::Recv, Receive::Stream, Receive::Select, Receive::SelectWithFuture];

/// A receive that owns its receiver.
pub(crate) fn receive(kind: Receive, rx: &Receiver<Value>) -> Spawn<Boxed<Option<Value>>> {
    let mut rx = rx.clone();
    let future: Boxed<Option<Value>> = match kind {
        Receive::Recv => Box::pin(async move { rx.recv().await }),
        Receive::Stream => Box::pin(async move { rx.next().await }),
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
    };
    spawn(future)
}

#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Kind {
    Plain,
    From,
    Select,
    SelectFrom,
}

pub(crate) const SENDS: [Kind; 4] = [Kind::Plain, Kind::From, Kind::Select, Kind::SelectFrom];

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
