//! Wait groups. One operation is a task that the group counts, from its spawn to the end of the wait.
use crate::cells::tools::measured;
use crate::hosts::{AsyncExecutor, Dormouse, Host, Tokio};
use crate::measure::Sample;
use crate::registry::{Cell, Scale};
use std::future::Future;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

/// Tasks of a round.
const ROUND: u64 = 100;

pub(crate) fn cells() -> Vec<Cell> {
    vec![groups(Cell::new("sync/wait-group", "task", "ns"))]
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
    fn add<H: Host, G: Group>(cell: Cell, host: H) -> Cell {
        cell.with(host.with(G::NAME), G::PEER, move |scale| rounds::<H, G>(host, scale))
    }
    let cell = add::<_, OurGroup>(cell, Dormouse::ALL);
    let cell = add::<_, OurGroup>(cell, Dormouse::ONE);
    let cell = add::<_, OurGroup>(cell, Tokio::ALL);
    let cell = add::<_, Tracker>(cell, Tokio::ALL);
    let cell = add::<_, Tracker>(cell, Tokio::ONE);
    let cell = add::<_, Crossfire>(cell, Tokio::ALL);
    add::<_, Crossfire>(cell, AsyncExecutor)
}

/// A hundred tasks are spawned and waited for, and again.
fn rounds<H: Host, G: Group>(host: H, scale: Scale) -> Sample {
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
    host.run(measured(count, ROUND, all::<H, G>))
}
