//! Shapes of Go's own select benchmarks (runtime/chan_test.go).
//!
//! - SelectProdCons: one operation is a value from one of as many producers as there are workers to one of as many
//!   consumers, capacity 128; both select beside a timer of an hour and a channel that would tell them to stop, and both do
//!   local work of 100 dependent steps.
//! - SelectSyncContended: one operation is a value that a select of three channels of capacity 0 received; as many tasks as
//!   there are workers receive so, and as many select among sends to the three and a channel that tells them to stop.
//! - SelectUncontended: one operation is a receive from one of two channels of capacity 1, and a send to the other one, by as
//!   many tasks as there are workers, each with channels of its own.
//! - ChanPopular: one operation is 1,000 sends, each to a task of its own that selects between its channel and one that all
//!   share; capacity 0.
use super::table::{Drops, Selecting, selecting};
use super::tools::measured;
use crate::channels::{Capacity, Channel, Shape};
use crate::hosts::Host;
use crate::measure::Sample;
use crate::registry::{Cell, Scale, WORKERS};
use crate::selects::{NEVER, Receiver, Selects, Sender};
use std::hint::black_box;
use std::pin::pin;

pub(crate) fn cells() -> Vec<Cell> {
    vec![
        selecting(Cell::new("select/SelectProdCons", "message", "ns"), ProdCons),
        selecting(Cell::new("select/SelectSyncContended", "message", "ns"), SyncContended),
        selecting(Cell::new("select/SelectUncontended", "select and send", "ns"), Uncontended),
        selecting(Cell::new("select/ChanPopular", "1000 messages", "ns"), Popular),
    ]
}

#[derive(Clone, Copy)]
struct ProdCons;

impl Selecting for ProdCons {
    fn shape(self) -> Shape {
        Shape { capacity: Capacity::Bounded(128), senders: WORKERS, receivers: WORKERS }
    }

    fn drops(self) -> Drops {
        Drops::Idle // the values' arms win each time
    }

    fn run<H: Host, S: Selects>(self, host: H, scale: Scale) -> Sample {
        let each = scale.of(100_000) / WORKERS as u64;
        let shape = self.shape();
        host.run(measured(each, WORKERS as u64, move |each| produce_and_consume::<H, S>(shape, each)))
    }
}

async fn produce_and_consume<H: Host, S: Selects>(shape: Shape, each: u64) -> u64 {
    let (senders, receivers) = S::Channel::make(shape);
    let (stop, stops) = S::Channel::make(Shape {
        capacity: Capacity::Bounded(1),
        senders: 1,
        receivers: shape.senders + shape.receivers,
    });
    let mut stops = stops.into_iter();
    let producers: Vec<_> = senders
        .into_iter()
        .zip(stops.by_ref())
        .map(|(sender, stop)| H::spawn(produce::<H, S>(sender, stop, each)))
        .collect();
    let consumers: Vec<_> = receivers
        .into_iter()
        .zip(stops)
        .map(|(receiver, stop)| H::spawn(consume::<H, S>(receiver, stop)))
        .collect();
    assert_eq!((producers.len(), consumers.len()), (shape.senders, shape.receivers));
    for producer in producers {
        producer.await;
    }
    let mut sum = 0;
    for consumer in consumers {
        sum += consumer.await;
    }
    drop(stop);
    sum
}

async fn produce<H: Host, S: Selects>(mut sender: Sender<S>, mut stop: Receiver<S>, each: u64) {
    let mut timer = pin!(H::sleep(NEVER));
    for n in 0..each {
        local_work();
        let sent = S::send_or_timer_or_done(&mut sender, n, timer.as_mut(), &mut stop).await;
        assert!(sent, "nobody stops it");
    }
}

/// Until the channel is closed.
async fn consume<H: Host, S: Selects>(mut receiver: Receiver<S>, mut stop: Receiver<S>) -> u64 {
    let mut timer = pin!(H::sleep(NEVER));
    let mut sum = 0;
    while let Some(value) = S::recv_or_timer_or_done(&mut receiver, timer.as_mut(), &mut stop).await {
        sum += value;
        local_work();
    }
    sum
}

/// What Go's benchmark calls so.
fn local_work() {
    let mut number = 1_u64;
    for _ in 0..100 {
        number = black_box(number * 2) / 2;
    }
}

#[derive(Clone, Copy)]
struct SyncContended;

impl Selecting for SyncContended {
    fn shape(self) -> Shape {
        Shape { capacity: Capacity::Bounded(0), senders: WORKERS, receivers: WORKERS }
    }

    fn drops(self) -> Drops {
        Drops::Both
    }

    fn run<H: Host, S: Selects>(self, host: H, scale: Scale) -> Sample {
        let each = scale.of(100_000) / WORKERS as u64;
        let shape = self.shape();
        host.run(measured(each, WORKERS as u64, move |each| all_select::<H, S>(shape, each)))
    }
}

/// How many sends took place, which is how many were received.
async fn all_select<H: Host, S: Selects>(shape: Shape, each: u64) -> u64 {
    let threes = [(); 3].map(|()| S::Channel::make(shape));
    let [a, b, c] = threes;
    let senders = a.0.into_iter().zip(b.0).zip(c.0).map(|((a, b), c)| [a, b, c]);
    let receivers = a.1.into_iter().zip(b.1).zip(c.1).map(|((a, b), c)| [a, b, c]);
    let (stop, stops) = S::Channel::make(Shape { senders: 1, ..shape });
    let sending: Vec<_> =
        senders.zip(stops).map(|(senders, stop)| H::spawn(send_until_stopped::<S>(senders, stop))).collect();
    let receiving: Vec<_> = receivers.map(|receivers| H::spawn(receive_some::<S>(receivers, each))).collect();
    let mut open = Vec::new();
    for task in receiving {
        open.push(task.await); // so that no channel closes before the senders are stopped
    }
    drop(stop);
    let mut sent = 0;
    for task in sending {
        sent += task.await;
    }
    sent
}

async fn send_until_stopped<S: Selects>(mut senders: [Sender<S>; 3], mut stop: Receiver<S>) -> u64 {
    let mut sent = 0;
    while S::send_3_or_done(&mut senders, sent, &mut stop).await {
        sent += 1;
    }
    sent
}

async fn receive_some<S: Selects>(mut receivers: [Receiver<S>; 3], count: u64) -> [Receiver<S>; 3] {
    for _ in 0..count {
        S::recv_3(&mut receivers).await.expect("open");
    }
    receivers
}

#[derive(Clone, Copy)]
struct Uncontended;

impl Selecting for Uncontended {
    fn shape(self) -> Shape {
        Shape::pair(Capacity::Bounded(1))
    }

    fn drops(self) -> Drops {
        Drops::Idle // one has a value each time
    }

    fn run<H: Host, S: Selects>(self, host: H, scale: Scale) -> Sample {
        let capacity = self.shape().capacity;
        host.run(measured(scale.of(500_000), WORKERS as u64, move |count| async move {
            let tasks = [(); WORKERS].map(|()| H::spawn(to_and_fro::<S>(capacity, count)));
            let mut sum = 0;
            for task in tasks {
                sum += task.await;
            }
            sum
        }))
    }
}

/// The lowest bit of a value names its channel.
async fn to_and_fro<S: Selects>(capacity: Capacity, count: u64) -> u64 {
    let (mut a, from_a) = S::Channel::pair(capacity);
    let (mut b, from_b) = S::Channel::pair(capacity);
    let mut receivers = [from_a, from_b];
    S::Channel::send(&mut a, 0).await;
    let mut sum = 0;
    for n in 1..=count {
        let value = S::recv_2(&mut receivers).await.expect("open");
        sum += value >> 1;
        let other = if value & 1 == 0 { (&mut b, 1) } else { (&mut a, 0) };
        S::Channel::send(other.0, n << 1 | other.1).await;
    }
    sum
}

/// Tasks that wait on the shared channel.
const TASKS: usize = 1_000;

#[derive(Clone, Copy)]
struct Popular;

impl Selecting for Popular {
    fn shape(self) -> Shape {
        Shape { capacity: Capacity::Bounded(0), senders: 1, receivers: TASKS }
    }

    fn drops(self) -> Drops {
        Drops::Idle // nothing is ever sent to what is dropped
    }

    fn run<H: Host, S: Selects>(self, host: H, scale: Scale) -> Sample {
        let rounds = scale.of(50);
        let shape = self.shape();
        host.run_task(measured(rounds, 1, move |rounds| popular::<H, S>(shape, rounds)))
    }
}

async fn popular<H: Host, S: Selects>(shape: Shape, rounds: u64) -> u64 {
    let (shared, waited_for) = S::Channel::make::<u64>(shape);
    let mut own = Vec::new();
    let mut tasks = Vec::new();
    for shared in waited_for {
        let (sender, receiver) = S::Channel::pair(shape.capacity);
        own.push(sender);
        let mut receivers = [shared, receiver];
        tasks.push(H::spawn(async move {
            let mut sum = 0;
            for _ in 0..rounds {
                sum += S::recv_2(&mut receivers).await.expect("open");
            }
            sum
        }));
    }
    for n in 0..rounds {
        for sender in &mut own {
            S::Channel::send(sender, n).await;
        }
    }
    let mut sum = 0;
    for task in tasks {
        sum += task.await;
    }
    drop(shared);
    sum
}
