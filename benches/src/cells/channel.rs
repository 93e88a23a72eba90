//! Values through a channel: one or several senders and receivers, at several capacities, of 8 and 256 bytes.
//! One operation is one value, sent and received.
use crate::channels::{self, Capacity, Channel, Shape};
use crate::hosts::{self, Host};
use crate::measure::{Sample, Stopwatch};
use crate::registry::{Cell, Scale, WORKERS};

/// Values per sample of a full run.
const VALUES: u64 = 400_000;

/// A value of `WORDS` times 8 bytes.
type Value<const WORDS: usize> = [u64; WORDS];

pub(crate) fn cells() -> Vec<Cell> {
    let shapes = [("spsc", 1, 1), ("mpsc2", 2, 1), ("mpsc4", 4, 1), ("mpmc4x4", 4, 4)];
    let mut cells = Vec::new();
    for (name, senders, receivers) in shapes {
        for capacity in CAPACITIES {
            let shape = Shape { capacity, senders, receivers };
            let cell = |bytes| Cell::new(format!("channel/{name}/{capacity}/{bytes}"), "message", "ns");
            cells.push(contenders::<1>(cell(8), shape));
            cells.push(contenders::<32>(cell(256), shape));
        }
    }
    for capacity in CAPACITIES {
        let cell = Cell::new(format!("channel/spsc/{capacity}/8/1 thread"), "message", "ns");
        cells.push(on_one_thread(cell, Shape { capacity, senders: 1, receivers: 1 }));
    }
    // Go's, with as many producers and consumers as there are CPUs.
    for capacity in [0, 10, 100] {
        let cell = Cell::new(format!("channel/ChanProdCons/{capacity}"), "message", "ns");
        let capacity = Capacity::Bounded(capacity);
        cells.push(contenders::<1>(cell, Shape { capacity, senders: WORKERS, receivers: WORKERS }));
    }
    cells
}

const CAPACITIES: [Capacity; 4] =
    [Capacity::Bounded(0), Capacity::Bounded(1), Capacity::Bounded(128), Capacity::Unbounded];

fn contenders<const WORDS: usize>(cell: Cell, shape: Shape) -> Cell {
    let cell = contender::<hosts::Dormouse, channels::Dormouse, WORDS>(cell, shape);
    let cell = peers::<hosts::Tokio, WORDS>(cell, shape);
    contender::<hosts::Dormouse, channels::Kanal, WORDS>(cell, shape)
}

fn on_one_thread(cell: Cell, shape: Shape) -> Cell {
    let cell = contender::<hosts::DormouseOne, channels::Dormouse, 1>(cell, shape);
    let cell = peers::<hosts::TokioOne, 1>(cell, shape);
    contender::<hosts::DormouseOne, channels::Kanal, 1>(cell, shape)
}

/// Every channel on one host.
fn peers<H: Host, const WORDS: usize>(cell: Cell, shape: Shape) -> Cell {
    let cell = contender::<H, channels::Dormouse, WORDS>(cell, shape);
    let cell = contender::<H, channels::Kanal, WORDS>(cell, shape);
    let cell = match shape {
        Shape { senders: 1, receivers: 1, .. } => contender::<H, channels::CrossfireSpsc, WORDS>(cell, shape),
        Shape { receivers: 1, .. } => contender::<H, channels::CrossfireMpsc, WORDS>(cell, shape),
        _ => contender::<H, channels::CrossfireMpmc, WORDS>(cell, shape),
    };
    let cell = contender::<H, channels::Flume, WORDS>(cell, shape);
    let cell = contender::<H, channels::AsyncChannel, WORDS>(cell, shape);
    let cell = contender::<H, channels::Tokio, WORDS>(cell, shape);
    contender::<H, channels::Futures, WORDS>(cell, shape)
}

fn contender<H: Host, C: Channel, const WORDS: usize>(cell: Cell, shape: Shape) -> Cell {
    match C::supports(shape) {
        Ok(()) => cell
            .with(channels::on_host::<H, C>(), C::PEER, move |scale| through::<H, C, WORDS>(scale, shape)),
        Err(why) => cell.without(channels::on_host::<H, C>(), C::PEER, why),
    }
}

/// Sends numbers through one channel, from and to tasks, and adds up what arrives.
fn through<H: Host, C: Channel, const WORDS: usize>(scale: Scale, shape: Shape) -> Sample {
    let each = scale.of(VALUES) / shape.senders as u64;
    let values = each * shape.senders as u64;
    H::run(async move {
        flow::<H, C, WORDS>(shape, each / 10).await; // warm
        let watch = Stopwatch::start();
        let sum = flow::<H, C, WORDS>(shape, each).await;
        watch.stop(values, sum)
    })
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
