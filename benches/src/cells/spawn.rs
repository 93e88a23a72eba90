//! Spawning tasks and joining them.
use crate::cells::tools::{batches, on_hosts};
use crate::hosts::Host;
use crate::measure::Sample;
use crate::registry::{Cell, Scale};

pub(crate) fn cells() -> Vec<Cell> {
    let cell = |batch| Cell::new(format!("scheduler/spawn-join/{batch}"), "task", "ns");
    [1_000, 100_000].map(|batch| on_hosts!(cell(batch), spawn_join, batch)).into()
}

/// Spawns batches of tasks that give a number each, and joins them in order.
fn spawn_join<H: Host>(host: H, scale: Scale, batch: u64) -> Sample {
    async fn one<H: Host>(batch: u64) -> u64 {
        let tasks: Vec<_> = (0..batch).map(|n| H::spawn(async move { n })).collect();
        let mut sum = 0;
        for task in tasks {
            sum += task.await;
        }
        sum
    }
    host.run_task(batches((scale.of(500_000) / batch).max(1), batch, move || one::<H>(batch)))
}
