//! Selects.
//!
//! - ready/2: one operation is a select of two receivers that both have a value, and a `try_send` that makes up for it.
//! - recv/2, recv/8, recv/64: one operation is a value that a select of so many receivers got; each has a producer of its
//!   own, and room for 128 values.
//! - send/2: one operation is a value that a select sent to one of two channels of capacity 1, with a consumer each.
//! - default: one operation is a select of two empty receivers that does not wait.
//! - timeout: one operation is a value that a select got beside a new timeout of an hour; capacity 128, one producer.
use super::table::{Drops, Selecting, selecting};
use super::tools::measured;
use crate::channels::{Capacity, Channel, Shape};
use crate::hosts::Host;
use crate::measure::{Sample, Stopwatch};
use crate::registry::{Cell, Scale};
use crate::selects::{Receiver, Selects, Sender};

pub(crate) fn cells() -> Vec<Cell> {
    let cell = |name: &str, operation| Cell::new(format!("select/{name}"), operation, "ns");
    vec![
        selecting(cell("ready/2", "select"), Ready),
        selecting(cell("recv/2", "message"), Recv::<2>),
        selecting(cell("recv/8", "message"), Recv::<8>),
        selecting(cell("recv/64", "message"), Recv::<64>),
        selecting(cell("send/2", "message"), Send),
        selecting(cell("default", "select"), Default),
        selecting(cell("timeout", "message"), Timeout),
    ]
}

const fn one_to_one(capacity: usize) -> Shape {
    Shape::pair(Capacity::Bounded(capacity))
}

/// As many channels, each with one sender and one receiver.
fn channels<S: Selects, const COUNT: usize>(
    capacity: Capacity,
) -> ([Sender<S>; COUNT], [Receiver<S>; COUNT]) {
    let pairs: Vec<_> = (0..COUNT).map(|_| S::Channel::pair(capacity)).collect();
    let (senders, receivers): (Vec<_>, Vec<_>) = pairs.into_iter().unzip();
    let senders = senders.try_into().unwrap_or_else(|_| unreachable!("as many"));
    (senders, receivers.try_into().unwrap_or_else(|_| unreachable!("as many")))
}

#[derive(Clone, Copy)]
struct Ready;

impl Selecting for Ready {
    fn shape(self) -> Shape {
        one_to_one(4)
    }

    fn drops(self) -> Drops {
        Drops::Idle // each select is over before it waits
    }

    fn run<H: Host, S: Selects>(self, host: H, scale: Scale) -> Sample {
        let count = scale.of(1_000_000);
        let capacity = self.shape().capacity;
        host.run(measured(count, 1, move |count| always_ready::<S>(capacity, count)))
    }
}

/// The lowest bit of a value names its channel, so that the same one is filled again.
async fn always_ready<S: Selects>(capacity: Capacity, count: u64) -> u64 {
    let (mut senders, mut receivers) = channels::<S, 2>(capacity);
    for (sender, value) in senders.iter_mut().zip([0, 1]) {
        assert!(S::Channel::try_send(sender, value));
    }
    let mut sum = 0;
    for n in 0..count {
        let value = S::recv_2(&mut receivers).await.expect("open");
        sum += value >> 1;
        let channel = value & 1;
        assert!(S::Channel::try_send(&mut senders[channel as usize], n << 1 | channel), "room");
    }
    for receiver in &mut receivers {
        sum += S::Channel::try_recv(receiver).expect("the last one") >> 1;
    }
    sum
}

#[derive(Clone, Copy)]
struct Recv<const COUNT: usize>;

impl<const COUNT: usize> Selecting for Recv<COUNT> {
    fn shape(self) -> Shape {
        one_to_one(128)
    }

    fn drops(self) -> Drops {
        Drops::Receives
    }

    fn run<H: Host, S: Selects>(self, host: H, scale: Scale) -> Sample {
        let each = scale.of(if COUNT > 8 { 128_000 } else { 400_000 }) / COUNT as u64;
        let capacity = self.shape().capacity;
        host.run_task(measured(each, COUNT as u64, move |each| from_producers::<H, S, COUNT>(capacity, each)))
    }
}

async fn from_producers<H: Host, S: Selects, const COUNT: usize>(capacity: Capacity, each: u64) -> u64 {
    let (senders, mut receivers) = channels::<S, COUNT>(capacity);
    let producers = senders.map(|mut sender| {
        H::spawn(async move {
            for n in 0..each {
                S::Channel::send(&mut sender, n).await;
            }
            sender // stays open
        })
    });
    let mut sum = 0;
    for _ in 0..each * COUNT as u64 {
        sum += select_recv::<S, COUNT>(&mut receivers).await.expect("open");
    }
    for producer in producers {
        drop(producer.await);
    }
    sum
}

/// The select of so many.
async fn select_recv<S: Selects, const COUNT: usize>(receivers: &mut [Receiver<S>; COUNT]) -> Option<u64> {
    let receivers = receivers.as_mut_slice();
    match COUNT {
        2 => S::recv_2(receivers.try_into().expect("2")).await,
        8 => S::recv_8(receivers.try_into().expect("8")).await,
        64 => S::recv_64(receivers.try_into().expect("64")).await,
        _ => unreachable!("no select of {COUNT}"),
    }
}

#[derive(Clone, Copy)]
struct Send;

impl Selecting for Send {
    fn shape(self) -> Shape {
        one_to_one(1)
    }

    fn drops(self) -> Drops {
        Drops::Sends
    }

    fn run<H: Host, S: Selects>(self, host: H, scale: Scale) -> Sample {
        let count = scale.of(100_000);
        let capacity = self.shape().capacity;
        host.run_task(measured(count, 1, move |count| to_either::<H, S>(capacity, count)))
    }
}

async fn to_either<H: Host, S: Selects>(capacity: Capacity, count: u64) -> u64 {
    let (mut senders, receivers) = channels::<S, 2>(capacity);
    let consumers = receivers.map(|mut receiver| {
        H::spawn(async move {
            let mut sum = 0;
            while let Some(value) = S::Channel::recv(&mut receiver).await {
                sum += value;
            }
            sum
        })
    });
    for n in 0..count {
        S::send_2(&mut senders, n).await;
    }
    drop(senders);
    let mut sum = 0;
    for consumer in consumers {
        sum += consumer.await;
    }
    sum
}

#[derive(Clone, Copy)]
struct Default;

impl Selecting for Default {
    fn shape(self) -> Shape {
        one_to_one(128)
    }

    fn drops(self) -> Drops {
        Drops::Idle
    }

    fn run<H: Host, S: Selects>(self, host: H, scale: Scale) -> Sample {
        let count = scale.of(2_000_000);
        let capacity = self.shape().capacity;
        host.run(async move {
            let (senders, mut receivers) = channels::<S, 2>(capacity);
            let mut misses = 0;
            for _ in 0..count / 10 {
                S::recv_2_or_default(&mut receivers).await; // warm
            }
            let watch = Stopwatch::start();
            for _ in 0..count {
                misses += u64::from(S::recv_2_or_default(&mut receivers).await.is_none());
            }
            let sample = watch.stop(count, misses);
            drop(senders);
            sample
        })
    }
}

#[derive(Clone, Copy)]
struct Timeout;

impl Selecting for Timeout {
    fn shape(self) -> Shape {
        one_to_one(128)
    }

    fn drops(self) -> Drops {
        Drops::Idle // the receive wins each time
    }

    fn run<H: Host, S: Selects>(self, host: H, scale: Scale) -> Sample {
        let count = scale.of(400_000);
        let capacity = self.shape().capacity;
        host.run_task(measured(count, 1, move |count| beside_a_timeout::<H, S>(capacity, count)))
    }
}

async fn beside_a_timeout<H: Host, S: Selects>(capacity: Capacity, count: u64) -> u64 {
    let (mut sender, mut receiver) = S::Channel::pair(capacity);
    let producer = H::spawn(async move {
        for n in 0..count {
            S::Channel::send(&mut sender, n).await;
        }
    });
    let mut sum = 0;
    while let Some(value) = S::recv_or_timeout::<H>(&mut receiver).await {
        sum += value;
    }
    producer.await;
    sum
}
