//! Tasks that are spawned, yield, and work: without channels.
//!
//! One operation: a task, for `detached`, `outside`, `chained`, `fan-out`, `skew` and `skynet` (whose inner nodes are tasks
//! as well); a yield, for `yield`.
use crate::cells::tools::{Latch, batches, crunch, measured, on_hosts};
use crate::hosts::Host;
use crate::measure::{Sample, Stopwatch};
use crate::registry::{Cell, Scale};
use std::sync::Arc;

/// Tasks of a fan-out, in batches.
const FAN_OUT: u64 = 1_000;
/// About 2 us of work.
const FAN_OUT_ROUNDS: u64 = 1_000;
/// Tasks that yield.
const YIELDERS: u64 = 1_000;

pub(crate) fn cells() -> Vec<Cell> {
    let cell = |name: &str, operation| Cell::new(format!("scheduler/{name}"), operation, "ns");
    vec![
        on_hosts!(cell("detached", "task"), detached),
        on_hosts!(cell("outside", "task"), outside),
        on_hosts!(cell("chained", "task"), chained),
        on_hosts!(cell("yield", "yield"), yields),
        on_hosts!(cell("fan-out-2us", "task"), fan_out).with("no tasks, one core", "machine", serial),
        on_hosts!(cell("skew", "task"), skew),
        on_hosts!(cell("skynet", "task"), skynet),
    ]
}

/// Spawns batches of tasks that nobody awaits; the last one of a batch wakes who waits.
fn detached<H: Host>(host: H, scale: Scale) -> Sample {
    async fn batch<H: Host>() -> u64 {
        let latch = Latch::new(1_000);
        for n in 0..1_000 {
            let latch = Arc::clone(&latch);
            H::go(async move { latch.done(n) });
        }
        latch.wait().await
    }
    host.run(batches(scale.of(500), 1_000, batch::<H>))
}

/// A thread that is no worker spawns all tasks, in one go.
fn outside<H: Host>(host: H, scale: Scale) -> Sample {
    async fn batch<H: Host>(tasks: u64) -> u64 {
        let (latch, handle) = (Latch::new(tasks), H::handle());
        let thread = std::thread::spawn({
            let latch = Arc::clone(&latch);
            move || {
                for n in 0..tasks {
                    let latch = Arc::clone(&latch);
                    H::go_from(&handle, async move { latch.done(n) });
                }
            }
        });
        let sum = latch.wait().await;
        thread.join().expect("the thread does not fail");
        sum
    }
    let tasks = scale.of(300_000);
    host.run(measured(tasks, 1, move |tasks| batch::<H>(tasks)))
}

/// Each task spawns the next one and ends.
fn chained<H: Host>(host: H, scale: Scale) -> Sample {
    fn link<H: Host>(left: u64, latch: Arc<Latch>) {
        H::go(async move {
            match left {
                0 => latch.done(1),
                _ => link::<H>(left - 1, latch),
            }
        });
    }
    async fn chain<H: Host>(tasks: u64) -> u64 {
        let latch = Latch::new(1);
        link::<H>(tasks - 1, Arc::clone(&latch));
        latch.wait().await * tasks
    }
    let tasks = scale.of(500_000);
    host.run(measured(tasks, 1, move |tasks| chain::<H>(tasks)))
}

/// Many tasks that do nothing but yield.
fn yields<H: Host>(host: H, scale: Scale) -> Sample {
    async fn round<H: Host>(yields: u64) -> u64 {
        let latch = Latch::new(YIELDERS);
        for _ in 0..YIELDERS {
            let latch = Arc::clone(&latch);
            H::go(async move {
                let mut sum = 0;
                for n in 0..yields {
                    H::yield_now().await;
                    sum += n;
                }
                latch.done(sum);
            });
        }
        latch.wait().await
    }
    let yields = scale.of(1_000);
    host.run(async move {
        round::<H>(10).await; // warm
        let watch = Stopwatch::start();
        let sum = round::<H>(yields).await;
        watch.stop(yields * YIELDERS, sum)
    })
}

/// Batches of short tasks for the CPU; ideal is what one core takes, by the number of cores.
fn fan_out<H: Host>(host: H, scale: Scale) -> Sample {
    async fn batch<H: Host>() -> u64 {
        let tasks: Vec<_> =
            (0..FAN_OUT).map(|n| H::spawn(async move { crunch(n, FAN_OUT_ROUNDS) })).collect();
        let mut sum = 0_u64;
        for task in tasks {
            sum = sum.wrapping_add(task.await);
        }
        sum
    }
    host.run_task(batches(scale.of(50), FAN_OUT, batch::<H>))
}

/// The same work by a loop: the reference of `fan_out`.
fn serial(scale: Scale) -> Sample {
    let batches = scale.of(50);
    let watch = Stopwatch::start();
    let mut sum = 0_u64;
    for _ in 0..batches {
        for n in 0..FAN_OUT {
            sum = sum.wrapping_add(crunch(n, FAN_OUT_ROUNDS));
        }
    }
    watch.stop(batches * FAN_OUT, sum)
}

/// One task spawns all others. Most are tiny; each 64th one takes a hundred times as long.
fn skew<H: Host>(host: H, scale: Scale) -> Sample {
    async fn batch<H: Host>(tasks: u64) -> u64 {
        let latch = Latch::new(tasks);
        for n in 0..tasks {
            let latch = Arc::clone(&latch);
            H::go(async move {
                let rounds = if n % 64 == 0 { 20_000 } else { 200 };
                latch.done(crunch(n, rounds) >> 32);
            });
        }
        latch.wait().await
    }
    let tasks = scale.of(150_000);
    host.run(measured(tasks, 1, move |tasks| batch::<H>(tasks)))
}

/// A tree of tasks, ten below each, that adds up the numbers of its leaves.
fn skynet<H: Host>(host: H, scale: Scale) -> Sample {
    fn node<H: Host>(first: u64, leaves: u64) -> H::Task<u64> {
        H::spawn(async move {
            if leaves == 1 {
                return first;
            }
            let below = leaves / 10;
            let tasks: Vec<_> = (0..10).map(|n| node::<H>(first + n * below, below)).collect();
            let mut sum = 0;
            for task in tasks {
                sum += task.await;
            }
            sum
        })
    }
    let leaves = match scale {
        Scale::Full => 1_000_000,
        Scale::Quick => 100_000,
    };
    host.run(async move {
        node::<H>(0, 1_000).await; // warm
        let watch = Stopwatch::start();
        let sum = node::<H>(0, leaves).await;
        // All nodes of the tree.
        watch.stop((leaves * 10 - 1) / 9, sum)
    })
}
