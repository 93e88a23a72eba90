//! Shapes of Go's own channel benchmarks (runtime/chan_test.go), which the other cells do not have.
//!
//! - ChanSync: one operation is one transfer over a channel of capacity 0 between two tasks that change roles every 1,000.
//! - ChanContended: one operation is 100 sends, then 100 receives, by each of as many tasks as there are workers, on one
//!   channel that has room for all of them.
use super::table::{Through, through};
use super::tools::measured;
use crate::channels::{Capacity, Channel, Shape};
use crate::hosts::Host;
use crate::measure::Sample;
use crate::registry::{Cell, Scale, WORKERS};

/// What a task sends before it receives as much.
const BURST: u64 = 100;
/// How many transfers until the tasks change roles.
const BATCH: u64 = 1_000;

pub(crate) fn cells() -> Vec<Cell> {
    vec![
        through(Cell::new("channel/ChanSync", "message", "ns"), Sync),
        through(Cell::new("channel/ChanContended", "100 sends and receives", "ns"), Contended),
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

type Ends<C> = (<C as Channel>::Sender<u64>, <C as Channel>::Receiver<u64>);

/// Runs a task for each sender and receiver of a channel, and adds up what they return.
async fn in_pairs<H, C, F>(shape: Shape, work: impl Fn(Ends<C>, u64) -> F + Send) -> u64
where
    H: Host,
    C: Channel,
    F: Future<Output = u64> + Send + 'static,
{
    let (senders, receivers) = C::make::<u64>(shape);
    let pairs = senders.into_iter().zip(receivers);
    let tasks: Vec<_> = pairs.zip(0..).map(|(ends, task)| H::spawn(work(ends, task))).collect();
    let mut sum = 0;
    for task in tasks {
        sum += task.await;
    }
    sum
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
