//! Timers, and how late they are when others keep the workers.
//!
//! One operation: a sleep, for `sleepers` and `naps`; a timer made and dropped, for `start-cancel`; a call, for
//! `timeout-ready`; for `fairness`, the whole run, of which the worst nap of 1 ms counts.
use crate::cells::tools::{Latch, crunch, measured, on_hosts};
use crate::channels::{self, Capacity, Channel, Shape};
use crate::hosts::{AsyncExecutor, AsyncExecutorStatic, Dormouse, Host, Tokio};
use crate::measure::{Sample, Stopwatch};
use crate::registry::{Cell, Scale, WORKERS};
use std::future::{Future, poll_fn};
use std::pin::{Pin, pin};
use std::sync::{Arc, Mutex};
use std::task::Poll;
use std::time::{Duration, Instant};

/// Naps of each napper.
const NAPS: u64 = 10;

pub(crate) fn cells() -> Vec<Cell> {
    vec![
        on_hosts!(Cell::new("timers/sleepers", "sleep", "us late"), sleepers),
        on_hosts!(Cell::new("timers/naps/10000", "sleep", "us late"), naps, 10_000, mean_of),
        on_hosts!(Cell::new("timers/naps/10000/p99", "sleep", "us late"), naps, 10_000, p99_of),
        on_hosts!(Cell::new("timers/naps/100000/worst", "sleep", "us late"), naps, 100_000, worst_of),
        on_hosts!(Cell::new("timers/start-cancel", "timer", "ns"), start_cancel),
        on_hosts!(Cell::new("timers/timeout-ready", "call", "ns"), timeout_ready),
        on_hosts!(Cell::new("fairness/nap-beside-blocked", "run", "us late"), beside_blocked),
        on_hosts!(Cell::new("fairness/nap-beside-busy", "run", "us late"), beside_busy),
        greedy(Cell::new("fairness/nap-beside-greedy-channel", "run", "us late")),
    ]
}

fn greedy(cell: Cell) -> Cell {
    fn add<H: Host, C: Channel>(cell: Cell, host: H) -> Cell {
        cell.with(channels::on_host::<H, C>(host), C::PEER, move |scale| beside_greedy::<H, C>(host, scale))
    }
    let cell = add::<_, channels::Dormouse>(cell, Dormouse::ALL);
    let cell = add::<_, channels::Dormouse>(cell, Dormouse::ONE);
    let cell = add::<_, channels::Tokio>(cell, Tokio::ALL);
    let cell = add::<_, channels::Tokio>(cell, Tokio::ONE);
    let cell = add::<_, channels::Dormouse>(cell, Tokio::ALL);
    let cell = add::<_, channels::Kanal>(cell, Tokio::ALL);
    let cell = add::<_, channels::Kanal>(cell, AsyncExecutor);
    add::<_, channels::Kanal>(cell, AsyncExecutorStatic)
}

/// Sleeps, and tells how many nanoseconds too long.
async fn late<H: Host>(duration: Duration) -> u64 {
    let start = Instant::now();
    H::sleep(duration).await;
    start.elapsed().saturating_sub(duration).as_nanos() as u64
}

/// A number of sleeps and how late they were, as one number that can be added up: a million sleeps, 4 hours in all.
fn marked(sleeps: u64, late: u64) -> u64 {
    sleeps << 44 | late
}

fn unmarked(sum: u64) -> (u64, u64) {
    (sum >> 44, sum & ((1 << 44) - 1))
}

/// Mean lateness in microseconds.
fn mean(late: u64, sleeps: u64) -> f64 {
    late as f64 / sleeps as f64 / 1_000.0
}

/// Many tasks sleep as long as each other; all sleep before the first one wakes.
fn sleepers<H: Host>(host: H, scale: Scale) -> Sample {
    let (tasks, nap) = match scale {
        Scale::Full => (100_000, Duration::from_millis(500)),
        Scale::Quick => (20_000, Duration::from_millis(100)),
    };
    host.run(async move {
        let watch = Stopwatch::start();
        let latch = Latch::new(tasks);
        for _ in 0..tasks {
            let latch = Arc::clone(&latch);
            H::go(async move { latch.done(marked(1, late::<H>(nap).await)) });
        }
        let (done, late) = unmarked(latch.wait().await);
        watch.stop_with(tasks, done, mean(late, tasks))
    })
}

/// Tasks that sleep again and again, 1 to 100 ms each time. `figure` makes one of how late the sleeps were, in
/// nanoseconds.
fn naps<H: Host>(host: H, scale: Scale, tasks: u64, figure: fn(Vec<u64>) -> f64) -> Sample {
    let tasks = scale.of(tasks);
    host.run(async move {
        let watch = Stopwatch::start();
        let latch = Latch::new(tasks);
        let all = Arc::new(Mutex::new(Vec::with_capacity((tasks * NAPS) as usize)));
        for n in 0..tasks {
            let (latch, all) = (Arc::clone(&latch), Arc::clone(&all));
            H::go(async move {
                let mut own = [0; NAPS as usize];
                for (own, k) in own.iter_mut().zip(0..) {
                    *own = late::<H>(Duration::from_millis(1 + (n * 37 + k * 13) % 100)).await;
                }
                all.lock().expect("nobody panics").extend(own);
                latch.done(NAPS);
            });
        }
        let done = latch.wait().await;
        let all = std::mem::take(&mut *all.lock().expect("nobody panics"));
        watch.stop_with(tasks * NAPS, done, figure(all) / 1_000.0)
    })
}

fn mean_of(all: Vec<u64>) -> f64 {
    all.iter().sum::<u64>() as f64 / all.len() as f64
}

fn p99_of(mut all: Vec<u64>) -> f64 {
    let place = all.len() * 99 / 100;
    *all.select_nth_unstable(place).1 as f64
}

fn worst_of(all: Vec<u64>) -> f64 {
    all.into_iter().max().unwrap_or(0) as f64
}

/// A timer is started, as by a timeout, and given up.
fn start_cancel<H: Host>(host: H, scale: Scale) -> Sample {
    async fn timers<H: Host>(count: u64) -> u64 {
        let mut pending = 0;
        for n in 0..count {
            let mut sleep = pin!(H::sleep(Duration::from_secs(60) + Duration::from_millis(n % 1_000)));
            pending += poll_fn(|cx| Poll::Ready(u64::from(sleep.as_mut().poll(cx).is_pending()))).await;
            if n % 64 == 63 {
                H::yield_now().await; // a poll of a timer may spend the task's budget
            }
        }
        pending
    }
    let count = scale.of(400_000);
    host.run(measured(count, 1, timers::<H>))
}

/// A timeout around what is ready at once.
fn timeout_ready<H: Host>(host: H, scale: Scale) -> Sample {
    async fn calls<H: Host>(count: u64) -> u64 {
        let mut sum = 0;
        for n in 0..count {
            sum += H::timeout(Duration::from_secs(1), std::future::ready(n)).await.expect("in time");
        }
        sum
    }
    let count = scale.of(2_000_000);
    host.run(measured(count, 1, calls::<H>))
}

/// How long those keep the workers that a napper is beside of.
fn keep(scale: Scale) -> Duration {
    Duration::from_millis(scale.of(500))
}

/// Starts as many tasks as there are workers, and naps until all of them are done: the worst of the naps.
fn worst_nap<H: Host>(
    host: H,
    keeper: impl Fn() -> Pin<Box<dyn Future<Output = ()> + Send>> + Send + 'static,
) -> Sample {
    const NAP: Duration = Duration::from_millis(1);
    let keepers = WORKERS as u64;
    host.run(async move {
        late::<H>(NAP).await; // warm
        let watch = Stopwatch::start();
        let latch = Latch::new(keepers);
        for _ in 0..keepers {
            let (latch, work) = (Arc::clone(&latch), keeper());
            H::go(async move {
                work.await;
                latch.done(1);
            });
        }
        let mut worst = 0;
        while latch.left() > 0 {
            worst = worst.max(late::<H>(NAP).await);
        }
        let done = latch.wait().await;
        watch.stop_with(1, done, worst as f64 / 1_000.0)
    })
}

/// All workers sit in a blocking call.
fn beside_blocked<H: Host>(host: H, scale: Scale) -> Sample {
    let keep = keep(scale);
    worst_nap(host, move || Box::pin(async move { std::thread::sleep(keep) }))
}

/// All workers compute, and never await.
fn beside_busy<H: Host>(host: H, scale: Scale) -> Sample {
    let keep = keep(scale);
    worst_nap(host, move || {
        Box::pin(async move {
            let start = Instant::now();
            while start.elapsed() < keep {
                crunch(1, 1_000);
            }
        })
    })
}

/// All workers have a task whose awaits are always ready.
fn beside_greedy<H: Host, C: Channel>(host: H, scale: Scale) -> Sample {
    const SHAPE: Shape = Shape::pair(Capacity::Bounded(1));
    let keep = keep(scale);
    worst_nap(host, move || {
        Box::pin(async move {
            let (mut senders, mut receivers) = C::make::<u64>(SHAPE);
            let start = Instant::now();
            while start.elapsed() < keep {
                C::send(&mut senders[0], 1).await;
                C::recv(&mut receivers[0]).await.expect("what was sent");
            }
        })
    })
}
