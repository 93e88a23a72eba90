//! Resident memory, by tasks, connections and channels that wait. The value is bytes per task, connection or channel; each
//! sample is the first that its process does, so nothing is reused.
//!
//! One operation: a task, a connection, a channel. The handles to a channel count as part of it. What the system itself
//! keeps for a connection does not.
use crate::cells::sockets::{self, Sockets};
use crate::cells::tools::{Latch, on_best_channels, on_hosts};
use crate::channels::{Capacity, Channel, Shape, for_channels};
use crate::hosts::{Host, Tokio};
use crate::load::{self, Talk};
use crate::measure::{Sample, Stopwatch, resident};
use crate::registry::{Cell, Scale};
use std::future::Future;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::*};
use std::time::Duration;

/// Waits on nothing, for tasks that were started but may not have got to their wait.
const SETTLE: Duration = Duration::from_millis(50);
/// Longer than any sample.
const LONG: Duration = Duration::from_secs(3_600);

pub(crate) fn cells() -> Vec<Cell> {
    let mut cells = vec![
        on_hosts!(Cell::new("memory/parked-for-ever", "task", "bytes"), parked_for_ever),
        parked_on_receive(Cell::new("memory/parked-on-receive", "task", "bytes")),
        on_hosts!(Cell::new("memory/parked-on-sleep", "task", "bytes"), parked_on_sleep),
        on_hosts!(Cell::new("memory/after-burst", "task", "bytes"), after_burst),
    ];
    cells.push(
        on_hosts!(sockets: Cell::new("memory/idle-connection", "connection", "bytes"), idle_connection),
    );
    for capacity in [Capacity::Bounded(1), Capacity::Bounded(128), Capacity::Unbounded] {
        cells.push(channels(format!("memory/idle-channel/{capacity}"), capacity, Passed::ONE));
    }
    cells.push(channels("memory/drained-channel".into(), Capacity::Unbounded, Passed::BURST));
    cells
}

fn tasks(scale: Scale) -> u64 {
    scale.of(1_000_000)
}

/// What was added since `before`, per item; at least a page in all, so that ratios exist.
fn per_item(before: u64, items: u64) -> f64 {
    resident().saturating_sub(before).max(4_096) as f64 / items as f64
}

fn parked_on_receive(cell: Cell) -> Cell {
    // All tasks wait on one channel, which tokio's and others with a single receiver cannot.
    const MANY: Shape = Shape { capacity: Capacity::Bounded(1), senders: 1, receivers: 2 };
    on_best_channels!(cell, MANY, receive)
}

/// Tasks wait on an empty channel; then it closes, and all of them end.
fn receive<H: Host, C: Channel>(host: H, scale: Scale, shape: Shape) -> Sample {
    let count = tasks(scale);
    host.run(async move {
        let watch = Stopwatch::start();
        let before = resident();
        let (senders, receivers) = C::make::<u64>(Shape { receivers: count as usize, ..shape });
        let (latch, started) = (Latch::new(count), Arc::new(AtomicU64::new(0)));
        for mut receiver in receivers {
            let (latch, started) = (Arc::clone(&latch), Arc::clone(&started));
            H::go(async move {
                started.fetch_add(1, Relaxed);
                let closed = C::recv(&mut receiver).await.is_none();
                latch.done(u64::from(closed));
            });
        }
        settled::<H>(&started, count).await;
        let bytes = per_item(before, count);
        drop(senders);
        let closed = latch.wait().await;
        watch.stop_with(count, closed, bytes)
    })
}

/// Waits until all tasks have started and had time to get to their wait.
async fn settled<H: Host>(started: &AtomicU64, count: u64) {
    while started.load(Relaxed) < count {
        H::sleep(Duration::from_millis(1)).await;
    }
    H::sleep(SETTLE).await;
}

/// Tasks that nothing wakes.
fn parked_for_ever<H: Host>(host: H, scale: Scale) -> Sample {
    parked(host, scale, std::future::pending::<()>)
}

/// Tasks sleep, and do not wake: the process ends before.
fn parked_on_sleep<H: Host>(host: H, scale: Scale) -> Sample {
    parked(host, scale, || H::sleep(LONG))
}

/// Each task waits for what `make` gives it.
fn parked<H: Host, F>(host: H, scale: Scale, make: fn() -> F) -> Sample
where
    F: Future<Output = ()> + Send + 'static,
{
    let count = tasks(scale);
    host.run(async move {
        let watch = Stopwatch::start();
        let before = resident();
        let started = Arc::new(AtomicU64::new(0));
        for _ in 0..count {
            let started = Arc::clone(&started);
            H::go(async move {
                started.fetch_add(1, Relaxed);
                make().await;
            });
        }
        settled::<H>(&started, count).await;
        watch.stop_with(count, started.load(Relaxed), per_item(before, count))
    })
}

/// All tasks are there at once and then end: what stays, by the most that there were.
fn after_burst<H: Host>(host: H, scale: Scale) -> Sample {
    let count = tasks(scale);
    host.run(async move {
        let watch = Stopwatch::start();
        let before = resident();
        let (latch, gate) = (Latch::new(count), Arc::new(tokio::sync::Semaphore::new(0)));
        for n in 0..count {
            let (latch, gate) = (Arc::clone(&latch), Arc::clone(&gate));
            H::go(async move {
                let opened = gate.acquire().await.is_err();
                latch.done(n * u64::from(opened));
            });
        }
        H::sleep(SETTLE).await;
        gate.close();
        let sum = latch.wait().await;
        H::sleep(SETTLE).await;
        watch.stop_with(count, sum, per_item(before, count))
    })
}

/// Connections have sent back a message, and wait for the next one; their clients are another process.
fn idle_connection<H: Sockets>(host: H, scale: Scale) -> Sample {
    let count = scale.of(5_000);
    host.run(sockets::served::<H>(move |addr| {
        let connect = |connections, connected: &mut dyn FnMut()| {
            load::start(Talk::Echo, addr, connections, 0, connected).expect("a client connects")
        };
        connect(1, &mut || ()); // what all have in common is there
        let (watch, before, mut bytes) = (Stopwatch::start(), resident(), 0.0);
        let load = connect(count, &mut || bytes = per_item(before, count));
        watch.stop_with(count, load.checksum, bytes)
    }))
}

/// What the channels of a cell have passed before they are measured.
#[derive(Clone, Copy)]
struct Passed {
    channels: u64,
    values: u64,
}

impl Passed {
    /// Many channels of which each has passed one value.
    const ONE: Passed = Passed { channels: 100_000, values: 1 };
    /// Some channels, each of which has held a thousand values at once: a million in all.
    const BURST: Passed = Passed { channels: 1_000, values: 1_000 };
}

fn channels(name: String, capacity: Capacity, passed: Passed) -> Cell {
    let shape = Shape::pair(capacity);
    fn add<C: Channel>(cell: Cell, shape: Shape, passed: Passed) -> Cell {
        match C::supports(shape) {
            Ok(()) => cell.with(C::NAME, C::PEER, move |scale| empty::<C>(scale, shape, passed)),
            Err(why) => cell.without(C::NAME, C::PEER, why),
        }
    }
    let mut cell = Cell::new(name, "channel", "bytes");
    for_channels!(shape, C => cell = add::<C>(cell, shape, passed));
    cell
}

/// Channels of 8-byte values that have passed some and are empty.
fn empty<C: Channel>(scale: Scale, shape: Shape, passed: Passed) -> Sample {
    let count = scale.of(passed.channels);
    Tokio::ALL.run(async move {
        let mut all = Vec::with_capacity(count as usize);
        let watch = Stopwatch::start();
        let before = resident();
        let mut sum = 0;
        for n in 0..count {
            let (mut senders, mut receivers) = C::make::<u64>(shape);
            let mut sender = senders.pop().expect("a sender");
            let mut receiver = receivers.pop().expect("a receiver");
            for value in n..n + passed.values {
                C::send(&mut sender, value).await;
            }
            for _ in 0..passed.values {
                sum += C::recv(&mut receiver).await.expect("what was sent");
            }
            all.push((sender, receiver));
        }
        let bytes = per_item(before, count);
        let sample = watch.stop_with(count, sum, bytes);
        drop(all);
        sample
    })
}
