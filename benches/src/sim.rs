//! How fast the simulator is: steps per second, and a search over 1,000 seeds of a worker pool.
use dormouse_executor::sim::{Builder, Strategy};
use dormouse_executor::task::{go, spawn, yield_now};
use std::time::Instant;

/// Measures and prints both.
pub(crate) fn report() {
    for strategy in [Strategy::Random, Strategy::Pct { changes: 2 }, Strategy::RoundRobin] {
        let start = Instant::now();
        let run = Builder::new().strategy(strategy).max_steps(u64::MAX).try_run(async {
            let tasks: Vec<_> = (0..100)
                .map(|_| {
                    spawn(async {
                        for _ in 0..20_000 {
                            yield_now().await;
                        }
                    })
                })
                .collect();
            for task in tasks {
                task.await.expect("no panic");
            }
        });
        let steps = run.expect("it ends").steps;
        let per_second = steps as f64 / start.elapsed().as_secs_f64() / 1e6;
        println!("simulator, {strategy:?}: {per_second:.2} million steps per second");
    }
    let start = Instant::now();
    Builder::new().explore(1_000, worker_pool);
    println!("simulator, worker pool under 1,000 seeds: {:?}", start.elapsed());
}

/// Three workers, twenty jobs.
async fn worker_pool() {
    let (jobs, todo) = dormouse_chan::bounded(4);
    let (done, results) = dormouse_chan::bounded(4);
    for _ in 0..3 {
        let (todo, done) = (todo.clone(), done.clone());
        go(async move {
            while let Some(job) = todo.recv().await {
                done.send(job * 2).await.expect("main receives");
            }
        });
    }
    drop(done);
    go(async move {
        for job in 0..20 {
            jobs.send(job).await.expect("the workers receive");
        }
    });
    let mut sum = 0;
    while let Some(result) = results.recv().await {
        sum += result;
    }
    assert_eq!(sum, 380);
}
