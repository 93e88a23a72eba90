//! Shuttle models: flows of three and four tasks, which are too long to be tried in every interleaving (`models`, by loom).
//!
//! `RUSTFLAGS="--cfg dormouse_shuttle -C debug-assertions" cargo test -p dormouse-sync --lib --release` runs them, each some
//! thousand times under a random scheduler, and as often under one that keeps priorities and changes them at a few random
//! points (PCT), from a fixed seed. Tasks that all wait are a deadlock, which shuttle reports. The clock stands, as in the
//! loom models.
mod condvar;
mod context;
mod rwlock;

use dormouse_wait::Instant;
use dormouse_wait::host::{Host, with_host};
use shuttle::future::{JoinHandle, block_on, yield_now};
use shuttle::rand::{Rng, thread_rng};
use shuttle::scheduler::{PctScheduler, RandomScheduler, Scheduler};
use shuttle::{Config, Runner};
use std::future::{Future, poll_fn};
use std::pin::pin;
use std::sync::Arc;
use std::task::{Poll, Waker};

const SEED: u64 = 0xD0_12_40_05_E0;
/// Runs of a flow per scheduler.
const RUNS: usize = 3000;
/// Changes of priority in a run under PCT, and one.
const DEPTH: usize = 4;

struct Clock(Instant);

impl Host for Clock {
    fn now(&self) -> Instant {
        self.0
    }
    fn alarm(&self, _: Instant, _: Waker) {
        unreachable!("nothing here sets alarms");
    }
}

/// Runs `body` under both schedulers.
fn flow(body: impl Fn() + Send + Sync + 'static) {
    let body = Arc::new(body);
    run(RandomScheduler::new_from_seed(SEED, RUNS), body.clone());
    run(PctScheduler::new_from_seed(SEED, DEPTH, RUNS), body);
}

fn run(scheduler: impl Scheduler + 'static, body: Arc<impl Fn() + Send + Sync + 'static>) {
    let mut config = Config::new();
    config.stack_size = 1 << 18; // a debug build's frames are large
    let done = with_host(&Clock(Instant::now()), || Runner::new(scheduler, config).run(move || body()));
    assert_eq!(done, RUNS);
}

/// A task of the flow.
fn spawn<F: Future<Output: Send> + Send + 'static>(future: F) -> JoinHandle<F::Output> {
    shuttle::future::spawn(future)
}

/// Waits for a task's end.
fn join<R>(task: JoinHandle<R>) -> R {
    block_on(task).expect("nobody aborts it")
}

/// Polls `future` a few times, woken or not, and drops it if it is not done by then.
async fn impatient<F: Future>(future: F) -> Option<F::Output> {
    let mut future = pin!(future);
    for _ in 0..thread_rng().gen_range(1..5) {
        match poll_fn(|cx| Poll::Ready(future.as_mut().poll(cx))).await {
            Poll::Ready(output) => return Some(output),
            Poll::Pending => yield_now().await,
        }
    }
    None
}
