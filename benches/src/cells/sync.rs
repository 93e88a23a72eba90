//! Locks and wait groups.
//!
//! One operation: a lock taken and released; a task that a wait group counts, from its spawn to the end of the wait.
use crate::cells::tools::{Latch, crunch};
use crate::hosts::{AsyncExecutor, Dormouse, DormouseOne, Host, Tokio, TokioOne};
use crate::measure::{Sample, Stopwatch};
use crate::registry::{Cell, Scale};
use std::future::Future;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

/// Tasks that want the lock.
const TASKS: u64 = 8;
/// About 1 us of work.
const LONG: u64 = 500;
/// Tasks of a round of a wait group.
const ROUND: u64 = 100;

pub(crate) fn cells() -> Vec<Cell> {
    let lock = |name: &str| Cell::new(format!("sync/mutex/{name}"), "lock", "ns");
    vec![
        locks(lock("uncontended"), Use { tasks: 1, rounds: 0 }, 2_000_000),
        locks(lock("short"), Use { tasks: TASKS, rounds: 0 }, 1_000_000),
        locks(lock("long"), Use { tasks: TASKS, rounds: LONG }, 100_000),
        held(lock("held-across-yield")),
        groups(Cell::new("sync/wait-group", "task", "ns")),
    ]
}

/// A lock around a number.
trait Lock: Send + Sync + 'static {
    const NAME: &'static str;
    const PEER: &'static str;

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

            fn new() -> Self {
                $Lock(<$Mutex>::new(0))
            }

            async fn with(&self, work: impl FnOnce(&mut u64) + Send) {
                let $mutex = &self.0;
                work(&mut *$guard);
            }

            async fn across_yield<H: Host>(&self) {
                unreachable!("{} has no contender that does", Self::NAME);
            }
        }
    };
}

blocking!(Std, "std, blocking", "std", std::sync::Mutex<u64>, |mutex| mutex.lock().expect("not poisoned"));
blocking!(ParkingLot, "parking_lot, blocking", "parking_lot", parking_lot::Mutex<u64>, |mutex| mutex.lock());

/// How a cell uses the lock.
#[derive(Clone, Copy)]
struct Use {
    tasks: u64,
    /// Of work while it is held.
    rounds: u64,
}

fn name<H: Host, L: Lock>() -> String {
    if L::PEER == "dormouse" && H::PEER == "dormouse" {
        return H::NAME.into();
    }
    format!("{} on {}", L::NAME, H::NAME)
}

fn locks(cell: Cell, used: Use, full: u64) -> Cell {
    fn add<H: Host, L: Lock>(cell: Cell, used: Use, full: u64) -> Cell {
        cell.with(name::<H, L>(), L::PEER, move |scale| locking::<H, L>(scale.of(full), used))
    }
    let cell = add::<Dormouse, Ours>(cell, used, full);
    let cell = add::<DormouseOne, Ours>(cell, used, full);
    let cell = add::<Tokio, Ours>(cell, used, full);
    let cell = add::<Tokio, TokioSync>(cell, used, full);
    let cell = add::<TokioOne, TokioSync>(cell, used, full);
    let cell = add::<Tokio, AsyncLock>(cell, used, full);
    let cell = add::<AsyncExecutor, AsyncLock>(cell, used, full);
    let cell = add::<Tokio, FuturesLock>(cell, used, full);
    let cell = add::<Tokio, Std>(cell, used, full);
    add::<Tokio, ParkingLot>(cell, used, full)
}

/// Tasks take the lock in turn, and add to its number.
fn locking<H: Host, L: Lock>(locks: u64, used: Use) -> Sample {
    let each = locks / used.tasks;
    H::run(async move {
        contend::<H, L>(each / 10, used).await; // warm
        let watch = Stopwatch::start();
        let sum = contend::<H, L>(each, used).await;
        watch.stop(each * used.tasks, sum)
    })
}

async fn contend<H: Host, L: Lock>(each: u64, used: Use) -> u64 {
    among::<H, L, _, _>(used.tasks, move |lock| async move {
        for n in 0..each {
            lock.with(|sum| {
                *sum += n;
                if used.rounds > 0 {
                    crunch(n, used.rounds);
                }
            })
            .await;
        }
    })
    .await
}

/// Tasks with one lock each do `work`, until all are done: the lock's number.
async fn among<H: Host, L: Lock, W, F>(tasks: u64, work: W) -> u64
where
    W: Fn(Arc<L>) -> F + Send,
    F: Future<Output = ()> + Send + 'static,
{
    let (lock, latch) = (Arc::new(L::new()), Latch::new(tasks));
    for _ in 0..tasks {
        let (work, latch) = (work(Arc::clone(&lock)), Arc::clone(&latch));
        H::go(async move {
            work.await;
            latch.done(0);
        });
    }
    latch.wait().await;
    let mut sum = 0;
    lock.with(|number| sum = *number).await;
    sum
}

fn held(cell: Cell) -> Cell {
    fn add<H: Host, L: Lock>(cell: Cell) -> Cell {
        cell.with(name::<H, L>(), L::PEER, holding::<H, L>)
    }
    const WHY: &str = "its guard must not be held across an await";
    let cell = add::<Dormouse, Ours>(cell);
    let cell = add::<DormouseOne, Ours>(cell);
    let cell = add::<Tokio, Ours>(cell);
    let cell = add::<Tokio, TokioSync>(cell);
    let cell = add::<TokioOne, TokioSync>(cell);
    let cell = add::<Tokio, AsyncLock>(cell);
    let cell = add::<AsyncExecutor, AsyncLock>(cell);
    let cell = add::<Tokio, FuturesLock>(cell);
    let cell = cell.without(name::<Tokio, Std>(), Std::PEER, WHY);
    cell.without(name::<Tokio, ParkingLot>(), ParkingLot::PEER, WHY)
}

/// Tasks hold the lock while they yield, so that all others find it taken.
fn holding<H: Host, L: Lock>(scale: Scale) -> Sample {
    async fn round<H: Host, L: Lock>(each: u64) -> u64 {
        among::<H, L, _, _>(TASKS, move |lock| async move {
            for _ in 0..each {
                lock.across_yield::<H>().await;
            }
        })
        .await
    }
    let each = scale.of(200_000) / TASKS;
    H::run(async move {
        round::<H, L>(each / 10).await; // warm
        let watch = Stopwatch::start();
        let sum = round::<H, L>(each).await;
        watch.stop(each * TASKS, sum)
    })
}

/// A count of tasks that can be waited for, again and again.
trait Group: Send + 'static {
    const NAME: &'static str;
    const PEER: &'static str;

    fn new() -> Self;
    /// Spawns what it counts.
    fn go<H: Host>(&self, work: impl Future<Output = ()> + Send + 'static);
    /// All that it counted have ended.
    fn wait(&mut self) -> impl Future<Output = ()> + Send;
}

struct OurGroup(dormouse_sync::WaitGroup);

impl Group for OurGroup {
    const NAME: &'static str = "dormouse";
    const PEER: &'static str = "dormouse";

    fn new() -> Self {
        OurGroup(dormouse_sync::WaitGroup::new())
    }

    fn go<H: Host>(&self, work: impl Future<Output = ()> + Send + 'static) {
        H::go(self.0.track(work));
    }

    async fn wait(&mut self) {
        self.0.wait().await;
    }
}

struct Crossfire(crossfire::waitgroup::WaitGroup<()>);

impl Group for Crossfire {
    const NAME: &'static str = "crossfire";
    const PEER: &'static str = "crossfire";

    fn new() -> Self {
        Crossfire(crossfire::waitgroup::WaitGroup::new((), 0))
    }

    fn go<H: Host>(&self, work: impl Future<Output = ()> + Send + 'static) {
        let guard = self.0.add_guard();
        H::go(async move {
            work.await;
            drop(guard);
        });
    }

    fn wait(&mut self) -> impl Future<Output = ()> + Send {
        self.0.wait_async() // this future is Send, the group is not Sync
    }
}

struct Tracker(tokio_util::task::TaskTracker);

impl Group for Tracker {
    const NAME: &'static str = "tokio-util TaskTracker";
    const PEER: &'static str = "tokio";

    fn new() -> Self {
        let tracker = tokio_util::task::TaskTracker::new();
        tracker.close(); // it can be waited for, and still counts
        Tracker(tracker)
    }

    fn go<H: Host>(&self, work: impl Future<Output = ()> + Send + 'static) {
        H::go(self.0.track_future(work));
    }

    async fn wait(&mut self) {
        self.0.wait().await;
    }
}

fn groups(cell: Cell) -> Cell {
    fn add<H: Host, G: Group>(cell: Cell) -> Cell {
        let name = if G::PEER == H::PEER && H::PEER == "dormouse" {
            H::NAME.into()
        } else {
            format!("{} on {}", G::NAME, H::NAME)
        };
        cell.with(name, G::PEER, rounds::<H, G>)
    }
    let cell = add::<Dormouse, OurGroup>(cell);
    let cell = add::<DormouseOne, OurGroup>(cell);
    let cell = add::<Tokio, OurGroup>(cell);
    let cell = add::<Tokio, Tracker>(cell);
    let cell = add::<TokioOne, Tracker>(cell);
    let cell = add::<Tokio, Crossfire>(cell);
    add::<AsyncExecutor, Crossfire>(cell)
}

/// A hundred tasks are spawned and waited for, and again.
fn rounds<H: Host, G: Group>(scale: Scale) -> Sample {
    async fn all<H: Host, G: Group>(rounds: u64) -> u64 {
        let (mut group, sum) = (G::new(), Arc::new(AtomicU64::new(0)));
        for _ in 0..rounds {
            for n in 0..ROUND {
                let sum = Arc::clone(&sum);
                group.go::<H>(async move {
                    sum.fetch_add(n, Relaxed);
                });
            }
            group.wait().await;
        }
        sum.load(Relaxed)
    }
    let count = scale.of(3_000);
    H::run(async move {
        all::<H, G>(count / 10).await; // warm
        let watch = Stopwatch::start();
        let sum = all::<H, G>(count).await;
        watch.stop(count * ROUND, sum)
    })
}
