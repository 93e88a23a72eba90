//! Our simulator: how fast it goes.
//!
//! One operation: for `step`, a poll of a task that yields; for `explore`, a seed under which a worker pool runs.
use crate::measure::{Sample, Stopwatch};
use crate::registry::{Cell, Scale};
use dormouse_executor::sim::{Builder, Strategy};
use dormouse_executor::task::{go, spawn, yield_now};

const TASKS: u64 = 100;

pub(crate) fn cells() -> Vec<Cell> {
    let step = |strategy| move |scale| steps(scale, strategy);
    vec![
        Cell::new("sim/step", "step", "ns")
            .with("dormouse, random", "dormouse", step(Strategy::Random))
            .with("dormouse, pct", "dormouse", step(Strategy::Pct { changes: 2 }))
            .with("dormouse, round-robin", "dormouse", step(Strategy::RoundRobin)),
        Cell::new("sim/explore-worker-pool", "seed", "ns").with("dormouse", "dormouse", explore),
    ]
}

/// Tasks that yield.
fn steps(scale: Scale, strategy: Strategy) -> Sample {
    let yields = scale.of(5_000);
    let watch = Stopwatch::start();
    let run = Builder::new().strategy(strategy).max_steps(u64::MAX).try_run(async move {
        let tasks: Vec<_> = (0..TASKS)
            .map(|_| {
                spawn(async move {
                    let mut sum = 0;
                    for n in 0..yields {
                        yield_now().await;
                        sum += n;
                    }
                    sum
                })
            })
            .collect();
        let mut sum = 0;
        for task in tasks {
            sum += task.await.expect("no panic");
        }
        sum
    });
    let run = run.expect("it ends");
    let steps = TASKS * yields; // and a few more for main, of which strategies differ
    assert!((steps..steps + 3 * TASKS).contains(&run.steps), "{} steps", run.steps);
    watch.stop(steps, run.output)
}

fn explore(scale: Scale) -> Sample {
    let seeds = scale.of(5_000);
    let watch = Stopwatch::start();
    let mut sum = 0_u64;
    Builder::new().explore(seeds, async || {
        let jobs = worker_pool().await;
        sum += jobs;
    });
    watch.stop(seeds, sum)
}

/// Three workers, twenty jobs.
async fn worker_pool() -> u64 {
    let (jobs, todo) = dormouse_chan::bounded::<u64>(4);
    let (done, results) = dormouse_chan::bounded(4);
    for _ in 0..3 {
        let (todo, done) = (todo.clone(), done.clone());
        go(async move {
            while let Some(job) = todo.recv().await {
                done.send(job * 2).await.expect("main receives");
            }
        });
    }
    drop((done, todo));
    go(async move {
        for job in 0..20 {
            jobs.send(job).await.expect("the workers receive");
        }
    });
    let mut sum = 0;
    while let Some(result) = results.recv().await {
        sum += result;
    }
    sum
}
