//! What else tasks wait for: read-write locks, semaphores, notifications, barriers.
//!
//! - rwlock/read: one task, nobody else is there. One operation is the lock taken and released.
//! - rwlock/90-10: eight tasks; of ten locks nine read and one writes; 0.1 us of work in each.
//! - semaphore/uncontended: one task. One operation is a permit taken and given back.
//! - semaphore/held-across-yield: eight tasks and three permits; each yields while it holds one.
//! - notify: two tasks, which tell each other in turn. One operation is one way.
//! - barrier: eight tasks. One operation is one task's passage.
use crate::cells::tools::{Latch, crunch, measured};
use crate::hosts::{AsyncExecutor, Dormouse, Host, Tokio};
use crate::registry::Cell;
use std::future::Future;
use std::hint::black_box;
use std::sync::Arc;

const TASKS: u64 = 8;
const PERMITS: usize = 3;
/// About 0.1 us of work.
const SHORT: u64 = 50;

pub(crate) fn cells() -> Vec<Cell> {
    let cell = |name: &str, operation: &'static str| Cell::new(format!("sync/{name}"), operation, "ns");
    vec![
        everybody(cell("rwlock/read", "lock"), Work::Read),
        everybody(cell("rwlock/90-10", "lock"), Work::Mixed),
        everybody(cell("semaphore/uncontended", "permit"), Work::Permit),
        everybody(cell("semaphore/held-across-yield", "permit"), Work::PermitHeld),
        everybody(cell("notify", "message"), Work::Tell),
        everybody(cell("barrier", "task"), Work::Meet),
    ]
}

#[derive(Clone, Copy, PartialEq)]
enum Work {
    Read,
    Mixed,
    Permit,
    PermitHeld,
    Tell,
    Meet,
}

impl Work {
    fn tasks(self) -> u64 {
        match self {
            Work::Read | Work::Permit => 1,
            Work::Tell => 2,
            Work::Mixed | Work::PermitHeld | Work::Meet => TASKS,
        }
    }

    /// Operations of a full sample.
    fn operations(self) -> u64 {
        match self {
            Work::Read | Work::Permit => 2_000_000,
            Work::Mixed => 300_000,
            Work::PermitHeld | Work::Tell | Work::Meet => 200_000,
        }
    }
}

/// One library's.
trait Peer: Send + Sync + 'static {
    const NAME: &'static str;
    const PEER: &'static str;

    fn new() -> Self;
    /// With so many rounds of work.
    fn read(&self, rounds: u64) -> impl Future<Output = ()> + Send;
    fn write(&self) -> impl Future<Output = ()> + Send;
    fn permit(&self) -> impl Future<Output = ()> + Send;
    fn permit_held<H: Host>(&self) -> impl Future<Output = ()> + Send;
    /// Tells the other one of two.
    fn tell(&self, me: u64);
    /// Waits to be told.
    fn told(&self, me: u64) -> impl Future<Output = ()> + Send;
    fn meet(&self) -> impl Future<Output = ()> + Send;
}

/// A library whose types are named as ours; `$ok` takes the permit out of what `acquire` gives.
macro_rules! peer {
    ($Peer:ident, $name:literal, $peer:literal, $RwLock:ty, $Semaphore:ty, $Barrier:ty, $Notify:ty, $ok:path) => {
        struct $Peer {
            number: $RwLock,
            permits: $Semaphore,
            barrier: $Barrier,
            notify: [$Notify; 2],
        }

        impl Peer for $Peer {
            const NAME: &'static str = $name;
            const PEER: &'static str = $peer;

            fn new() -> Self {
                $Peer {
                    number: <$RwLock>::new(0),
                    permits: <$Semaphore>::new(PERMITS),
                    barrier: <$Barrier>::new(TASKS as usize),
                    notify: Default::default(),
                }
            }

            async fn read(&self, rounds: u64) {
                let number = self.number.read().await;
                black_box(*number);
                if rounds > 0 {
                    crunch(*number, rounds);
                }
            }

            async fn write(&self) {
                let mut number = self.number.write().await;
                *number += 1;
                crunch(*number, SHORT);
            }

            async fn permit(&self) {
                drop($ok(self.permits.acquire().await));
            }

            async fn permit_held<H: Host>(&self) {
                let _permit = $ok(self.permits.acquire().await);
                H::yield_now().await;
            }

            fn tell(&self, me: u64) {
                self.notify[1 - me as usize].notify_one();
            }

            async fn told(&self, me: u64) {
                self.notify[me as usize].notified().await;
            }

            async fn meet(&self) {
                self.barrier.wait().await;
            }
        }
    };
}

type R<T, E> = Result<T, E>;

peer!(
    Ours,
    "dormouse",
    "dormouse",
    dormouse_sync::RwLock<u64>,
    dormouse_sync::Semaphore,
    dormouse_sync::Barrier,
    dormouse_sync::Notify,
    R::unwrap
);
peer!(
    TokioSync,
    "tokio::sync",
    "tokio",
    tokio::sync::RwLock<u64>,
    tokio::sync::Semaphore,
    tokio::sync::Barrier,
    tokio::sync::Notify,
    R::unwrap
);
peer!(
    AsyncLock,
    "async-lock",
    "async-lock",
    async_lock::RwLock<u64>,
    async_lock::Semaphore,
    async_lock::Barrier,
    NoNotify,
    std::convert::identity
);

/// For a library without one.
#[derive(Default)]
struct NoNotify;

impl NoNotify {
    fn notify_one(&self) {
        unreachable!("it is left out");
    }

    async fn notified(&self) {
        unreachable!("it is left out");
    }
}

fn everybody(cell: Cell, work: Work) -> Cell {
    let cell = one::<_, Ours>(cell, work, Dormouse::ALL);
    let cell = one::<_, Ours>(cell, work, Dormouse::ONE);
    let cell = one::<_, Ours>(cell, work, Tokio::ALL);
    let cell = one::<_, TokioSync>(cell, work, Tokio::ALL);
    let cell = one::<_, TokioSync>(cell, work, Tokio::ONE);
    if work == Work::Tell {
        return cell.without(Tokio::ALL.with(AsyncLock::NAME), AsyncLock::PEER, "it has no Notify");
    }
    let cell = one::<_, AsyncLock>(cell, work, Tokio::ALL);
    one::<_, AsyncLock>(cell, work, AsyncExecutor)
}

fn one<H: Host, P: Peer>(cell: Cell, work: Work, host: H) -> Cell {
    cell.with(host.with(P::NAME), P::PEER, move |scale| {
        let tasks = work.tasks();
        let each = scale.of(work.operations()) / tasks;
        host.run(measured(each, tasks, move |each| all::<H, P>(work, each)))
    })
}

/// The tasks of a cell, each of which does its thing so many times.
async fn all<H: Host, P: Peer>(work: Work, each: u64) -> u64 {
    let (peer, latch) = (Arc::new(P::new()), Latch::new(work.tasks()));
    for task in 0..work.tasks() {
        let (peer, latch) = (Arc::clone(&peer), Arc::clone(&latch));
        H::go(async move {
            for n in 0..each {
                match work {
                    Work::Read => peer.read(0).await,
                    Work::Mixed if (n + task) % 10 == 0 => peer.write().await,
                    Work::Mixed => peer.read(SHORT).await,
                    Work::Permit => peer.permit().await,
                    Work::PermitHeld => peer.permit_held::<H>().await,
                    Work::Tell if task == 0 => {
                        peer.tell(task);
                        peer.told(task).await;
                    }
                    // In turn: two stored permits would be one.
                    Work::Tell => {
                        peer.told(task).await;
                        peer.tell(task);
                    }
                    Work::Meet => peer.meet().await,
                }
            }
            latch.done(each);
        });
    }
    latch.wait().await
}
