//! For shuttle models: flows of a few tasks or threads, at random.
//!
//! Each flow runs some thousand times under a random scheduler, and as often under one that keeps priorities and changes
//! them at a few random points (PCT): it finds what needs few and rare switches. Both start from a fixed seed, so that a
//! failure repeats; it is printed with the run that failed, and shuttle prints the schedule. `SHUTTLE_RANDOM_SEED=n` takes
//! another one.
use crate::on_drop;
use shuttle::future::{JoinHandle, block_on, yield_now};
use shuttle::rand::{Rng, thread_rng};
use shuttle::scheduler::{PctScheduler, RandomScheduler, Scheduler};
use shuttle::{Config, Runner};
use std::future::{Future, poll_fn};
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::task::Poll;

const SEED: u64 = 0xD0_12_40_05_E0;
/// Shuttle's own variable, for another one.
const SEED_BY: &str = "SHUTTLE_RANDOM_SEED";
/// Changes of priority in a run under PCT, and one.
const DEPTH: usize = 4;

/// Runs `body` so often under both schedulers.
pub fn flow(runs: usize, body: impl Fn() + Send + Sync + 'static) {
    let body = Arc::new(body);
    run("random", RandomScheduler::new_from_seed(SEED, runs), runs, body.clone());
    run("PCT", PctScheduler::new_from_seed(SEED, DEPTH, runs), runs, body);
}

fn run(
    name: &'static str,
    scheduler: impl Scheduler + 'static,
    runs: usize,
    body: Arc<impl Fn() + Send + Sync + 'static>,
) {
    let count = Arc::new(AtomicUsize::new(0));
    let begun = count.clone();
    let failed = on_drop(move || {
        if std::thread::panicking() {
            let seed = std::env::var(SEED_BY).unwrap_or_else(|_| SEED.to_string());
            eprintln!("failed: scheduler {name}, {SEED_BY}={seed}, run {}", begun.load(SeqCst));
        }
    });
    let mut config = Config::new();
    config.stack_size = 1 << 18; // a debug build's frames are large
    let done = Runner::new(scheduler, config).run(move || {
        count.fetch_add(1, SeqCst);
        body();
    });
    assert_eq!(done, runs);
    drop(failed);
}

/// A task of the flow.
pub fn spawn<F: Future<Output: Send> + Send + 'static>(future: F) -> JoinHandle<F::Output> {
    shuttle::future::spawn(future)
}

/// Waits for a task's end.
pub fn join<R>(task: JoinHandle<R>) -> R {
    block_on(task).expect("nobody aborts it")
}

/// Polls `future` a few times, woken or not, and drops it if it is not done by then.
pub async fn impatient<F: Future>(future: F) -> Option<F::Output> {
    let mut future = pin!(future);
    for _ in 0..thread_rng().gen_range(1..5) {
        match poll_fn(|cx| Poll::Ready(future.as_mut().poll(cx))).await {
            Poll::Ready(output) => return Some(output),
            Poll::Pending => yield_now().await,
        }
    }
    None
}
