//! Spawning tasks and joining them.
use crate::hosts::{AsyncExecutor, AsyncExecutorStatic, Dormouse, DormouseOne, Host, Tokio, TokioOne};
use crate::measure::{Sample, Stopwatch};
use crate::registry::{Cell, Scale};

pub(crate) fn cells() -> Vec<Cell> {
    [1_000, 100_000]
        .map(|batch| {
            Cell::new(format!("scheduler/spawn-join/{batch}"), "task", "ns")
                .with(Dormouse::NAME, Dormouse::PEER, move |scale| spawn_join::<Dormouse>(scale, batch))
                .with(DormouseOne::NAME, DormouseOne::PEER, move |scale| {
                    spawn_join::<DormouseOne>(scale, batch)
                })
                .with(Tokio::NAME, Tokio::PEER, move |scale| spawn_join::<Tokio>(scale, batch))
                .with(TokioOne::NAME, TokioOne::PEER, move |scale| spawn_join::<TokioOne>(scale, batch))
                .with(AsyncExecutor::NAME, AsyncExecutor::PEER, move |scale| {
                    spawn_join::<AsyncExecutor>(scale, batch)
                })
                .with(AsyncExecutorStatic::NAME, AsyncExecutorStatic::PEER, move |scale| {
                    spawn_join::<AsyncExecutorStatic>(scale, batch)
                })
        })
        .into()
}

/// Spawns batches of tasks that add up a number each, and joins them in order.
fn spawn_join<H: Host>(scale: Scale, batch: u64) -> Sample {
    let batches = (scale.of(500_000) / batch).max(1);
    H::run(async move {
        one_batch::<H>(batch).await; // warm
        let watch = Stopwatch::start();
        let mut sum = 0;
        for _ in 0..batches {
            sum += one_batch::<H>(batch).await;
        }
        watch.stop(batches * batch, sum)
    })
}

async fn one_batch<H: Host>(batch: u64) -> u64 {
    let tasks: Vec<_> = (0..batch).map(|n| H::spawn(async move { n })).collect();
    let mut sum = 0;
    for task in tasks {
        sum += task.await;
    }
    sum
}
