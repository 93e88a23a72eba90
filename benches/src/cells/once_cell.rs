//! Cells whose value is made once. One operation is the value asked for, when it has long been made.
use crate::cells::tools::measured;
use crate::hosts::{Dormouse, Host, Tokio};
use crate::measure::Sample;
use crate::registry::{Cell, Scale};
use std::future::Future;
use std::hint::black_box;

pub(crate) fn cells() -> Vec<Cell> {
    vec![gets(Cell::new("sync/once-cell/get-or-init", "get", "ns"))]
}

/// A value that is made once.
trait Once: Send + Sync + 'static {
    const NAME: &'static str;
    const PEER: &'static str;

    fn new() -> Self;
    /// The value; it is 1.
    fn get(&self) -> impl Future<Output = u64> + Send;
}

macro_rules! once {
    ($Once:ident, $name:literal, $peer:literal, $Cell:ty) => {
        struct $Once($Cell);

        impl Once for $Once {
            const NAME: &'static str = $name;
            const PEER: &'static str = $peer;

            fn new() -> Self {
                $Once(<$Cell>::new())
            }

            async fn get(&self) -> u64 {
                *self.0.get_or_init(|| async { 1 }).await
            }
        }
    };
}

once!(Ours, "dormouse", "dormouse", dormouse_sync::OnceCell<u64>);
once!(TokioSync, "tokio::sync", "tokio", tokio::sync::OnceCell<u64>);
once!(AsyncLock, "async-lock", "async-lock", async_lock::OnceCell<u64>);

fn gets(cell: Cell) -> Cell {
    fn add<H: Host, O: Once>(cell: Cell, host: H) -> Cell {
        cell.with(host.with(O::NAME), O::PEER, move |scale| many::<H, O>(host, scale))
    }
    let cell = add::<_, Ours>(cell, Dormouse::ALL);
    let cell = add::<_, Ours>(cell, Tokio::ALL);
    let cell = add::<_, TokioSync>(cell, Tokio::ALL);
    add::<_, AsyncLock>(cell, Tokio::ALL)
}

fn many<H: Host, O: Once>(host: H, scale: Scale) -> Sample {
    async fn all<O: Once>(gets: u64) -> u64 {
        let (cell, mut sum) = (O::new(), 0);
        for _ in 0..gets {
            sum += black_box(&cell).get().await;
        }
        sum
    }
    host.run(measured(scale.of(20_000_000), 1, all::<O>))
}
