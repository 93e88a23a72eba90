//! Values through a channel: one or several senders and receivers, at several capacities, of 8 and 256 bytes.
use crate::channels::{self, Capacity, Channel, Shape};
use crate::hosts::{self, Host};
use crate::measure::{Sample, Stopwatch};
use crate::registry::{Cell, Scale};

/// Values per sample of a full run.
const VALUES: u64 = 400_000;

/// A value of `WORDS` times 8 bytes.
type Value<const WORDS: usize> = [u64; WORDS];

pub(crate) fn cells() -> Vec<Cell> {
    let shapes = [("spsc", 1, 1), ("mpsc2", 2, 1), ("mpsc4", 4, 1), ("mpmc4x4", 4, 4)];
    let capacities =
        [Capacity::Bounded(0), Capacity::Bounded(1), Capacity::Bounded(128), Capacity::Unbounded];
    let mut cells = Vec::new();
    for (name, senders, receivers) in shapes {
        for capacity in capacities {
            let shape = Shape { capacity, senders, receivers };
            cells.push(contenders::<1>(
                Cell::new(format!("channel/{name}/{capacity}/8"), "message", "ns"),
                shape,
            ));
            cells.push(contenders::<32>(
                Cell::new(format!("channel/{name}/{capacity}/256"), "message", "ns"),
                shape,
            ));
        }
    }
    cells
}

fn contenders<const WORDS: usize>(cell: Cell, shape: Shape) -> Cell {
    let cell = contender::<hosts::Dormouse, channels::Dormouse, WORDS>(cell, shape);
    let cell = contender::<hosts::Tokio, channels::Dormouse, WORDS>(cell, shape);
    let cell = contender::<hosts::Tokio, channels::Kanal, WORDS>(cell, shape);
    let cell = contender::<hosts::Dormouse, channels::Kanal, WORDS>(cell, shape);
    contender::<hosts::Tokio, channels::Tokio, WORDS>(cell, shape)
}

fn contender<H: Host, C: Channel, const WORDS: usize>(cell: Cell, shape: Shape) -> Cell {
    let name = if H::NAME == C::NAME { H::NAME.to_string() } else { format!("{} on {}", C::NAME, H::NAME) };
    match C::supports(shape) {
        Ok(()) => cell.with(name, C::PEER, move |scale| through::<H, C, WORDS>(scale, shape)),
        Err(why) => cell.without(name, C::PEER, why),
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
