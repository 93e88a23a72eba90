//! The code and the report that the guide, `docs/simulation.md`, shows, as they are when run.
use super::{ab_ba_locks, lost_update};
use crate::GUIDE;

mod a_test {
    use dormouse::prelude::*;
    use std::sync::Arc;

    #[dormouse::test(sim, seeds = 500)]
    async fn every_visit_is_counted() {
        let visits = Arc::new(Mutex::new(0));
        let group = WaitGroup::new();
        for _ in 0..3 {
            let visits = visits.clone();
            go(group.track(async move {
                time::sleep(Duration::from_secs(3600)).await; // an hour, at once
                *visits.lock().await += 1;
            }));
        }
        group.wait().await;
        assert_eq!(*visits.lock().await, 3);
        assert_eq!(dormouse::sim::now(), Duration::from_secs(3600));
    }
}

mod a_search {
    use dormouse::{sim, spawn};

    #[test]
    fn adds_up() {
        sim::explore(500, || async {
            let (a, b) = (spawn(async { 1 }), spawn(async { 2 }));
            assert_eq!(a.await.unwrap() + b.await.unwrap(), 3);
        });
    }
}

mod a_builder {
    use dormouse::prelude::*;
    use dormouse::sim::{Builder, Strategy};

    async fn ping_pong() {
        let (ping, pings) = bounded(0);
        let (pong, pongs) = bounded(0);
        let echo = spawn(async move {
            while let Some(n) = pings.recv().await {
                pong.send(n).await.unwrap();
            }
        });
        for n in 0..10 {
            ping.send(n).await.unwrap();
            assert_eq!(pongs.recv().await, Some(n));
        }
        ping.close();
        echo.await.unwrap();
    }

    #[test]
    fn ping_pong_in_odd_weather() {
        Builder::new()
            .strategy(Strategy::Pct { changes: 3 })
            .spurious_polls(0.1) // one step in ten wakes some waiting task for nothing
            .max_steps(10_000)
            .max_time(Duration::from_secs(60))
            .explore(500, ping_pong);
    }

    #[test]
    fn ping_pong_takes_no_time() {
        let run = Builder::new().seed(7).try_run(ping_pong()).unwrap();
        assert_eq!(run.elapsed(), Duration::ZERO);
        println!("{} steps, trace {:016x}", run.steps, run.hash);
    }
}

mod aborts {
    use dormouse::{sim::Builder, spawn, sync::Mutex, task::yield_now};
    use std::sync::Arc;

    /// What holds a lock when it is aborted gives it back.
    #[test]
    fn aborted_anywhere() {
        Builder::new().random_aborts(0.2).explore(500, || async {
            let shared = Arc::new(Mutex::new(0));
            let tasks: Vec<_> = (0..3)
                .map(|_| {
                    let shared = shared.clone();
                    spawn(async move {
                        let mut number = shared.lock().await;
                        yield_now().await;
                        *number += 1;
                    })
                })
                .collect();
            let mut done = 0;
            for task in tasks {
                match task.await {
                    Ok(()) => done += 1,
                    Err(error) => assert!(error.is_cancelled()),
                }
            }
            assert_eq!(*shared.try_lock().expect("nobody is left who could hold it"), done);
        });
    }
}

mod quiet {
    use dormouse::prelude::*;
    use dormouse::sim;

    #[dormouse::test(sim, seeds = 100)]
    async fn a_batch_waits_for_more_or_for_its_time() {
        let (items, incoming) = bounded(10);
        let (batches, sent) = unbounded();
        go(async move {
            while let Some(first) = incoming.recv().await {
                time::sleep(Duration::from_secs(5)).await; // more may come
                let mut batch = vec![first];
                while let Ok(item) = incoming.try_recv() {
                    batch.push(item);
                }
                batches.send(batch).await.unwrap();
            }
        });
        items.send("a").await.unwrap();
        sim::sleep(Duration::from_secs(4)).await; // four seconds later, when nothing more can happen:
        assert!(sent.is_empty());
        items.send("b").await.unwrap();
        sim::wait().await; // as soon as nothing more can happen, and the clock stands still:
        assert!(sent.is_empty());
        sim::sleep(Duration::from_secs(1)).await;
        assert_eq!(sent.try_recv(), Ok(vec!["a", "b"]));
    }
}

mod dice {
    use dormouse::prelude::*;
    use dormouse::sim;

    #[dormouse::test(sim, seeds = 100)]
    async fn any_number_of_senders() {
        let (tx, rx) = bounded(sim::rng().range(0..3) as usize);
        let senders = sim::rng().range(1..10);
        for n in 0..senders {
            let tx = tx.clone();
            let pause = Duration::from_millis(sim::rng().range(0..5));
            go(async move {
                time::sleep(pause).await;
                tx.send(n).await.unwrap();
            });
        }
        drop(tx);
        let mut seen = 0;
        while rx.recv().await.is_some() {
            seen += 1;
        }
        assert_eq!(seen, senders);
    }
}

mod blocking {
    use dormouse::{sim::Builder, task::spawn_blocking};

    #[test]
    fn a_job_runs_as_a_task() {
        let sum = Builder::new().inline_blocking().run(async { spawn_blocking(|| 1 + 1).await.unwrap() });
        assert_eq!(sum, 2);
    }
}

/// Only Rust that stands in this file, or in one of the programs, line by line.
#[test]
fn all_code_of_the_guide_is_tested() {
    let sources = [include_str!("guide.rs"), include_str!("lost_update.rs")]
        .map(|source| source.lines().map(str::trim).collect::<Vec<_>>());
    let mut blocks = 0;
    for block in GUIDE.split("```rust\n").skip(1) {
        let code = block.split("```").next().unwrap();
        let lines: Vec<_> = code.lines().map(str::trim).collect();
        let tested = |source: &Vec<&str>| source.windows(lines.len()).any(|window| window == lines);
        assert!(sources.iter().any(tested), "not in the sources:\n{code}");
        blocks += 1;
    }
    assert!(blocks >= 7, "only {blocks} blocks of code in the guide");
}

/// The reports of the guide are what comes out of a run.
#[test]
fn the_reports_of_the_guide_are_real() {
    for failure in [lost_update::failure(), ab_ba_locks::failure()] {
        let block = format!("```text\n{failure}```");
        assert!(GUIDE.contains(&block), "the guide should have:\n{block}");
    }
}
