//! Values through a channel: one or several senders and receivers, at several capacities, of 8 and 256 bytes.
//! One operation is one value, sent and received.
use super::table::{Through, through, through_on_one_thread};
use super::tools::measured;
use crate::channels::{Capacity, Channel, Shape};
use crate::hosts::Host;
use crate::measure::Sample;
use crate::registry::{Cell, Scale, WORKERS};

/// Values per sample of a full run. At capacity 1 fewer: there, one who spins on a shared worker takes seconds.
const fn values(capacity: Capacity) -> u64 {
    match capacity {
        Capacity::Bounded(1) => 200_000,
        _ => 400_000,
    }
}

/// A value of `WORDS` times 8 bytes.
type Value<const WORDS: usize> = [u64; WORDS];

const CAPACITIES: [Capacity; 4] =
    [Capacity::Bounded(0), Capacity::Bounded(1), Capacity::Bounded(128), Capacity::Unbounded];

pub(crate) fn cells() -> Vec<Cell> {
    let shapes = [("spsc", 1, 1), ("mpsc2", 2, 1), ("mpsc4", 4, 1), ("mpmc4x4", 4, 4)];
    let mut cells = Vec::new();
    for (name, senders, receivers) in shapes {
        for capacity in CAPACITIES {
            let shape = Shape { capacity, senders, receivers };
            let cell = |bytes| Cell::new(format!("channel/{name}/{capacity}/{bytes}"), "message", "ns");
            cells.push(through(cell(8), Flow::<1>(shape)));
            cells.push(through(cell(256), Flow::<32>(shape)));
        }
    }
    for capacity in CAPACITIES {
        let cell = Cell::new(format!("channel/spsc/{capacity}/8/1 thread"), "message", "ns");
        cells.push(through_on_one_thread(cell, Flow::<1>(Shape::pair(capacity))));
    }
    // Go's, with as many producers and consumers as there are workers.
    for capacity in [0, 10, 100].map(Capacity::Bounded) {
        let cell = Cell::new(format!("channel/ChanProdCons/{capacity}"), "message", "ns");
        cells.push(through(cell, Flow::<1>(Shape { capacity, senders: WORKERS, receivers: WORKERS })));
    }
    cells
}

/// Sends numbers through one channel, from and to tasks, and adds up what arrives.
#[derive(Clone, Copy)]
struct Flow<const WORDS: usize>(Shape);

impl<const WORDS: usize> Through for Flow<WORDS> {
    fn shape(self) -> Shape {
        self.0
    }

    fn run<H: Host, C: Channel>(self, host: H, scale: Scale) -> Sample {
        let shape = self.0;
        let each = scale.of(values(shape.capacity)) / shape.senders as u64;
        host.run(measured(each, shape.senders as u64, move |each| flow::<H, C, WORDS>(shape, each)))
    }
}

async fn flow<H: Host, C: Channel, const WORDS: usize>(shape: Shape, each: u64) -> u64 {
    let (senders, receivers) = C::make::<Value<WORDS>>(shape);
    let receiving: Vec<_> = receivers
        .into_iter()
        .map(|mut receiver| {
            H::spawn(async move {
                let mut sum = 0_u64;
                while let Some(value) = C::recv(&mut receiver).await {
                    sum += value[WORDS - 1];
                }
                sum
            })
        })
        .collect();
    let sending: Vec<_> = senders
        .into_iter()
        .map(|mut sender| {
            H::spawn(async move {
                for n in 0..each {
                    C::send(&mut sender, [n; WORDS]).await;
                }
            })
        })
        .collect();
    for task in sending {
        task.await;
    }
    let mut sum = 0;
    for task in receiving {
        sum += task.await;
    }
    sum
}
