//! Mutexes. One operation is the lock taken and released.
//!
//! - uncontended: one task.
//! - short: eight tasks that all run before the first one locks; 0.1 us of work in the lock, none outside.
//! - long: the same with 1 us of work.
//! - held-across-yield: eight tasks; each yields while it holds the lock, so that all others find it taken.
use crate::cells::tools::{Latch, crunch, measured};
use crate::hosts::{AsyncExecutor, Dormouse, Host, Tokio};
use crate::measure::Sample;
use crate::registry::{Cell, Scale};
use std::future::Future;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

/// Tasks that want the lock.
const TASKS: u64 = 8;
/// About 0.1 us of work.
const SHORT: u64 = 50;
/// About 1 us of work.
const LONG: u64 = 500;

pub(crate) fn cells() -> Vec<Cell> {
    let cell = |name: &str| Cell::new(format!("sync/mutex/{name}"), "lock", "ns");
    vec![
        locks(cell("uncontended"), Brief { tasks: 1, rounds: 0, locks: 2_000_000 }),
        locks(cell("short"), Brief { tasks: TASKS, rounds: SHORT, locks: 300_000 }),
        locks(cell("long"), Brief { tasks: TASKS, rounds: LONG, locks: 100_000 }),
        locks(cell("held-across-yield"), Held),
    ]
}

/// A lock around a number.
trait Lock: Send + Sync + 'static {
    const NAME: &'static str;
    const PEER: &'static str;

    /// May a task wait while it holds the lock? If not, why.
    fn across_await() -> Result<(), &'static str> {
        Ok(())
    }

    fn new() -> Self;

    /// Locks, does `work`, unlocks.
    fn with(&self, work: impl FnOnce(&mut u64) + Send) -> impl Future<Output = ()> + Send;

    /// Locks, adds one, yields, unlocks.
    fn across_yield<H: Host>(&self) -> impl Future<Output = ()> + Send;
}

macro_rules! asynchronous {
    ($Lock:ident, $name:literal, $peer:literal, $Mutex:ty) => {
        struct $Lock($Mutex);

        impl Lock for $Lock {
            const NAME: &'static str = $name;
            const PEER: &'static str = $peer;

            fn new() -> Self {
                $Lock(<$Mutex>::new(0))
            }

            async fn with(&self, work: impl FnOnce(&mut u64) + Send) {
                work(&mut *self.0.lock().await);
            }

            async fn across_yield<H: Host>(&self) {
                let mut guard = self.0.lock().await;
                *guard += 1;
                H::yield_now().await;
            }
        }
    };
}

asynchronous!(Ours, "dormouse", "dormouse", dormouse_sync::Mutex<u64>);
asynchronous!(TokioSync, "tokio::sync", "tokio", tokio::sync::Mutex<u64>);
asynchronous!(AsyncLock, "async-lock", "async-lock", async_lock::Mutex<u64>);
asynchronous!(FuturesLock, "futures::lock", "futures", futures::lock::Mutex<u64>);

/// Those that block the thread: for reference.
macro_rules! blocking {
    ($Lock:ident, $name:literal, $peer:literal, $Mutex:ty, |$mutex:ident| $guard:expr) => {
        struct $Lock($Mutex);

        impl Lock for $Lock {
            const NAME: &'static str = $name;
            const PEER: &'static str = $peer;

            fn across_await() -> Result<(), &'static str> {
                Err("its guard must not be held across an await")
            }

            fn new() -> Self {
                $Lock(<$Mutex>::new(0))
            }

            async fn with(&self, work: impl FnOnce(&mut u64) + Send) {
                let $mutex = &self.0;
                work(&mut *$guard);
            }

            async fn across_yield<H: Host>(&self) {
                unreachable!("{} does not", Self::NAME);
            }
        }
    };
}

blocking!(Std, "std, blocking", "std", std::sync::Mutex<u64>, |mutex| mutex.lock().expect("not poisoned"));
blocking!(ParkingLot, "parking_lot, blocking", "parking_lot", parking_lot::Mutex<u64>, |mutex| mutex.lock());

/// How a cell uses a lock.
trait Locking: Copy + 'static {
    /// Can the lock do it? If not, why.
    fn can<L: Lock>(self) -> Result<(), &'static str> {
        Ok(())
    }

    fn run<H: Host, L: Lock>(self, host: H, scale: Scale) -> Sample;
}

fn locks(cell: Cell, work: impl Locking) -> Cell {
    let cell = one::<_, Ours>(cell, work, Dormouse::ALL);
    let cell = one::<_, Ours>(cell, work, Dormouse::ONE);
    let cell = one::<_, Ours>(cell, work, Tokio::ALL);
    let cell = one::<_, TokioSync>(cell, work, Tokio::ALL);
    let cell = one::<_, TokioSync>(cell, work, Tokio::ONE);
    let cell = one::<_, AsyncLock>(cell, work, Tokio::ALL);
    let cell = one::<_, AsyncLock>(cell, work, AsyncExecutor);
    let cell = one::<_, FuturesLock>(cell, work, Tokio::ALL);
    let cell = one::<_, Std>(cell, work, Tokio::ALL);
    one::<_, ParkingLot>(cell, work, Tokio::ALL)
}

fn one<H: Host, L: Lock>(cell: Cell, work: impl Locking, host: H) -> Cell {
    let name = host.with(L::NAME);
    match work.can::<L>() {
        Ok(()) => cell.with(name, L::PEER, move |scale| work.run::<H, L>(host, scale)),
        Err(why) => cell.without(name, L::PEER, why),
    }
}

/// Nothing is awaited in the lock.
#[derive(Clone, Copy)]
struct Brief {
    tasks: u64,
    /// Of work while it is held.
    rounds: u64,
    /// In a full sample.
    locks: u64,
}

impl Locking for Brief {
    fn run<H: Host, L: Lock>(self, host: H, scale: Scale) -> Sample {
        let Brief { tasks, rounds, locks } = self;
        let contend = move |each| {
            among::<H, L, _, _>(tasks, move |lock| async move {
                for n in 0..each {
                    lock.with(|sum| {
                        *sum += n;
                        if rounds > 0 {
                            crunch(n, rounds);
                        }
                    })
                    .await;
                }
            })
        };
        host.run(measured(scale.of(locks) / tasks, tasks, contend))
    }
}

/// Tasks hold the lock while they yield, so that all others find it taken.
#[derive(Clone, Copy)]
struct Held;

impl Locking for Held {
    fn can<L: Lock>(self) -> Result<(), &'static str> {
        L::across_await()
    }

    fn run<H: Host, L: Lock>(self, host: H, scale: Scale) -> Sample {
        let hold = |each| {
            among::<H, L, _, _>(TASKS, move |lock| async move {
                for _ in 0..each {
                    lock.across_yield::<H>().await;
                }
            })
        };
        host.run(measured(scale.of(200_000) / TASKS, TASKS, hold))
    }
}

/// Tasks with one lock do `work`, until all are done: the lock's number. None begins before all have started.
async fn among<H: Host, L: Lock, W, F>(tasks: u64, work: W) -> u64
where
    W: Fn(Arc<L>) -> F + Send,
    F: Future<Output = ()> + Send + 'static,
{
    let (lock, latch, started) = (Arc::new(L::new()), Latch::new(tasks), Arc::new(AtomicU64::new(0)));
    for _ in 0..tasks {
        let (work, latch, started) = (work(Arc::clone(&lock)), Arc::clone(&latch), Arc::clone(&started));
        H::go(async move {
            started.fetch_add(1, Relaxed);
            while started.load(Relaxed) < tasks {
                H::yield_now().await;
            }
            work.await;
            latch.done(0);
        });
    }
    latch.wait().await;
    let mut sum = 0;
    lock.with(|number| sum = *number).await;
    sum
}
