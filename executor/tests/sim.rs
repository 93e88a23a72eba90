//! The simulator: same seed, same run; virtual time; what fails a run, and what it says.
#![allow(missing_docs)]
#[path = "sim/failures.rs"]
mod failures;
#[path = "sim/faults.rs"]
mod faults;
#[path = "sim/limits.rs"]
mod limits;
#[path = "sim/repeat.rs"]
mod repeat;
#[path = "sim/time.rs"]
mod time;
#[path = "sim/timers.rs"]
mod timers;

use dormouse_executor::sim::{self, Builder, Failure, Strategy};
use dormouse_executor::task;
use dormouse_executor::time::sleep;
use std::sync::{Arc, Mutex};
use std::time::Duration;

const STRATEGIES: [Strategy; 4] =
    [Strategy::Mixed, Strategy::Random, Strategy::Pct { changes: 2 }, Strategy::RoundRobin];

fn secs(n: u64) -> Duration {
    Duration::from_secs(n)
}

/// Tasks that yield and sleep, and note the order in which they did.
async fn noisy(tasks: u32) -> Vec<u32> {
    let order = Arc::new(Mutex::new(Vec::new()));
    let handles: Vec<_> = (0..tasks)
        .map(|n| {
            let order = order.clone();
            task::spawn(async move {
                for _ in 0..3 {
                    task::yield_now().await;
                    sleep(secs(sim::rng().range(0..3))).await;
                    order.lock().unwrap().push(n);
                }
            })
        })
        .collect();
    for handle in handles {
        handle.await.unwrap();
    }
    Arc::into_inner(order).unwrap().into_inner().unwrap()
}

fn fails(builder: &Builder, future: impl Future<Output = ()>) -> Failure {
    builder.try_run(future).map(|_| ()).unwrap_err()
}

#[track_caller]
fn says(failure: &Failure, parts: &[&str]) {
    let text = failure.to_string();
    for part in parts {
        assert!(text.contains(part), "{part:?} is not in:\n{text}");
    }
}
