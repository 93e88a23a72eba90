//! Shapes of Go's own channel benchmarks (runtime/chan_test.go), which the other cells do not have.
//!
//! - ChanSync: one operation is one transfer over a channel of capacity 0 between two tasks that change roles every 1,000.
//! - ChanContended: one operation is 100 sends, then 100 receives, by each of as many tasks as there are workers, on one
//!   channel that has room for all of them.
//! - ChanUncontended: the same, each task on a channel of its own.
//! - ChanSem: one operation is an empty value sent and one received, by as many tasks as there are workers on one channel
//!   that has room for one of each.
//! - ChanClosed: one operation is a `try_recv` on a closed channel, by as many tasks as there are workers.
//! - SelectNonblock: one operation is four calls that do not wait, by as many tasks as there are workers: `try_recv` and
//!   `try_send` on a channel of capacity 0, then on one of capacity 1, each task with channels of its own.
use super::table::{Through, through};
use super::tools::measured;
use crate::channels::{Capacity, Channel, Shape};
use crate::hosts::Host;
use crate::measure::Sample;
use crate::registry::{Cell, Scale, WORKERS};
use std::hint::black_box;

/// What a task sends before it receives as much.
const BURST: u64 = 100;
/// How many transfers until the tasks change roles.
const BATCH: u64 = 1_000;

pub(crate) fn cells() -> Vec<Cell> {
    vec![
        through(Cell::new("channel/ChanSync", "message", "ns"), Sync),
        through(Cell::new("channel/ChanContended", "100 sends and receives", "ns"), Contended),
        through(Cell::new("channel/ChanUncontended", "100 sends and receives", "ns"), Uncontended),
        through(Cell::new("channel/ChanSem", "send and receive", "ns"), Semaphore),
        through(Cell::new("channel/ChanClosed", "call", "ns"), Closed),
        through(Cell::new("channel/SelectNonblock", "4 calls", "ns"), Nonblock),
    ]
}

#[derive(Clone, Copy)]
struct Sync;

impl Through for Sync {
    fn shape(self) -> Shape {
        Shape { capacity: Capacity::Bounded(0), senders: 2, receivers: 2 }
    }

    fn can<C: Channel>(self) -> Result<(), &'static str> {
        C::meets() // a task that has sent receives next, and would get its own value
    }

    fn run<H: Host, C: Channel>(self, host: H, scale: Scale) -> Sample {
        let batches = scale.of(400);
        let shape = self.shape();
        host.run(measured(batches, BATCH * 2, move |batches| {
            in_pairs::<H, C, _>(shape, move |ends, task| alternate::<C>(ends, task, batches))
        }))
    }
}

#[derive(Clone, Copy)]
struct Contended;

impl Through for Contended {
    fn shape(self) -> Shape {
        let capacity = Capacity::Bounded(BURST as usize * WORKERS);
        Shape { capacity, senders: WORKERS, receivers: WORKERS }
    }

    fn run<H: Host, C: Channel>(self, host: H, scale: Scale) -> Sample {
        let bursts = scale.of(5_000);
        let shape = self.shape();
        host.run(measured(bursts, WORKERS as u64, move |bursts| {
            in_pairs::<H, C, _>(shape, move |ends, _| burst::<C>(ends, bursts))
        }))
    }
}

#[derive(Clone, Copy)]
struct Uncontended;

impl Through for Uncontended {
    fn shape(self) -> Shape {
        Shape::pair(Capacity::Bounded(BURST as usize))
    }

    fn run<H: Host, C: Channel>(self, host: H, scale: Scale) -> Sample {
        let capacity = self.shape().capacity;
        host.run(measured(scale.of(5_000), WORKERS as u64, move |bursts| {
            together::<H, _>((0..WORKERS).map(move |_| burst::<C>(C::pair::<u64>(capacity), bursts)))
        }))
    }
}

#[derive(Clone, Copy)]
struct Semaphore;

impl Through for Semaphore {
    fn shape(self) -> Shape {
        Shape { capacity: Capacity::Bounded(WORKERS), senders: WORKERS, receivers: WORKERS }
    }

    fn run<H: Host, C: Channel>(self, host: H, scale: Scale) -> Sample {
        let shape = self.shape();
        host.run(measured(scale.of(500_000), WORKERS as u64, move |count| {
            let (senders, receivers) = C::make::<()>(shape);
            together::<H, _>(senders.into_iter().zip(receivers).map(
                move |(mut sender, mut receiver)| async move {
                    for _ in 0..count {
                        C::send(&mut sender, ()).await;
                        C::recv(&mut receiver).await.expect("what was sent");
                    }
                    count
                },
            ))
        }))
    }
}

#[derive(Clone, Copy)]
struct Closed;

impl Through for Closed {
    fn shape(self) -> Shape {
        Shape { capacity: Capacity::Bounded(1), senders: 1, receivers: WORKERS }
    }

    fn run<H: Host, C: Channel>(self, host: H, scale: Scale) -> Sample {
        let shape = self.shape();
        host.run(measured(scale.of(2_500_000), WORKERS as u64, move |count| {
            let (_, receivers) = C::make::<u64>(shape);
            together::<H, _>(receivers.into_iter().map(move |mut receiver| async move {
                (0..count).map(|_| u64::from(C::try_recv(black_box(&mut receiver)).is_none())).sum()
            }))
        }))
    }
}

#[derive(Clone, Copy)]
struct Nonblock;

impl Through for Nonblock {
    fn shape(self) -> Shape {
        Shape::pair(Capacity::Bounded(0))
    }

    fn run<H: Host, C: Channel>(self, host: H, scale: Scale) -> Sample {
        host.run(measured(scale.of(500_000), WORKERS as u64, move |count| {
            together::<H, _>((0..WORKERS).map(move |_| async move {
                let pairs = [0, 0, 1, 1].map(|capacity| C::pair::<u64>(Capacity::Bounded(capacity)));
                let [(_a, mut a), (mut b, _b), (_c, mut c), (mut d, _d)] = pairs;
                let mut misses = 0;
                for n in 0..count {
                    misses += u64::from(C::try_recv(black_box(&mut a)).is_none());
                    black_box(C::try_send(black_box(&mut b), n));
                    misses += u64::from(C::try_recv(black_box(&mut c)).is_none());
                    black_box(C::try_send(black_box(&mut d), n));
                }
                misses
            }))
        }))
    }
}

/// Runs tasks, and adds up what they return.
async fn together<H: Host, F>(work: impl Iterator<Item = F> + Send) -> u64
where
    F: Future<Output = u64> + Send + 'static,
{
    let tasks: Vec<_> = work.map(H::spawn).collect();
    let mut sum = 0;
    for task in tasks {
        sum += task.await;
    }
    sum
}

type Ends<C> = (<C as Channel>::Sender<u64>, <C as Channel>::Receiver<u64>);

/// Runs a task for each sender and receiver of a channel, and adds up what they return.
async fn in_pairs<H, C, F>(shape: Shape, mut work: impl FnMut(Ends<C>, u64) -> F + Send) -> u64
where
    H: Host,
    C: Channel,
    F: Future<Output = u64> + Send + 'static,
{
    let (senders, receivers) = C::make::<u64>(shape);
    let pairs = senders.into_iter().zip(receivers).zip(0..);
    together::<H, _>(pairs.map(move |(ends, task)| work(ends, task))).await
}

async fn alternate<C: Channel>((mut sender, mut receiver): Ends<C>, task: u64, batches: u64) -> u64 {
    let mut sum = 0;
    for batch in 0..batches {
        let receives_first = (batch + task).is_multiple_of(2);
        for n in 0..BATCH {
            if !receives_first {
                C::send(&mut sender, n).await;
            }
            sum += C::recv(&mut receiver).await.expect("the other task sends");
            if receives_first {
                C::send(&mut sender, n).await;
            }
        }
    }
    sum
}

async fn burst<C: Channel>((mut sender, mut receiver): Ends<C>, bursts: u64) -> u64 {
    let mut sum = 0;
    for _ in 0..bursts {
        for n in 0..BURST {
            C::send(&mut sender, n).await;
        }
        for _ in 0..BURST {
            sum += C::recv(&mut receiver).await.expect("a value for each that was sent");
        }
    }
    sum
}
