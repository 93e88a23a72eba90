//! Shuttle models: flows of three and four tasks, which are too long to be tried in every interleaving (`models`, by loom).
//!
//! `RUSTFLAGS="--cfg dormouse_shuttle -C debug-assertions" cargo test -p dormouse-chan --lib --release` runs them. Each
//! flow runs some thousand times under a random scheduler, and as often under one that keeps priorities and changes them
//! at a few random points (PCT): it finds what needs few and rare switches. Both start from a fixed seed, so that a
//! failure repeats; it is printed with the run that failed, and shuttle prints the schedule. `SHUTTLE_RANDOM_SEED=n` takes
//! another one.
//!
//! Two nets, as in the loom models: tasks that all wait are a deadlock, which shuttle reports; and each value has one fate:
//! sent = received + given back + dropped, counted by a [`Ledger`] and a [`Tally`]. All accesses are sequentially
//! consistent here: what the orderings are for, the loom models show.
mod broadcast;
mod dynamic;
mod mpmc;
mod oneshot;
mod permits;
mod pipeline;
mod ring;
mod threads;
mod token;
mod watch;

use crate::{Receiver, SendError, Sender, bounded, select};
use dormouse_testing::{Tally, Value, on_drop};
use dormouse_wait::random;
use shuttle::future::{JoinHandle, block_on, yield_now};
use shuttle::rand::{Rng, thread_rng};
use shuttle::scheduler::{PctScheduler, RandomScheduler, Scheduler};
use shuttle::{Config, Runner};
use std::future::{Future, poll_fn};
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, AtomicUsize, Ordering::SeqCst};
use std::task::Poll;

const SEED: u64 = 0xD0_12_40_05_E0;
/// Shuttle's own variable, for another one.
const SEED_BY: &str = "SHUTTLE_RANDOM_SEED";
/// Runs of a flow per scheduler.
const RUNS: usize = 5000;
/// Changes of priority in a run under PCT, and one.
const DEPTH: usize = 4;

/// Runs `body` under both schedulers.
fn flow(body: impl Fn() + Send + Sync + 'static) {
    let body = Arc::new(body);
    run("random", RandomScheduler::new_from_seed(SEED, RUNS), body.clone());
    run("PCT", PctScheduler::new_from_seed(SEED, DEPTH, RUNS), body);
}

fn run<B: Fn() + Send + Sync + 'static>(
    name: &'static str,
    scheduler: impl Scheduler + 'static,
    body: Arc<B>,
) {
    let runs = Arc::new(AtomicUsize::new(0));
    let begun = runs.clone();
    let failed = on_drop(move || {
        if std::thread::panicking() {
            let seed = std::env::var(SEED_BY).unwrap_or_else(|_| SEED.to_string());
            eprintln!("failed: scheduler {name}, {SEED_BY}={seed}, run {}", begun.load(SeqCst));
        }
    });
    let mut config = Config::new();
    config.stack_size = 1 << 18; // a debug build's frames are large
    let done = Runner::new(scheduler, config).run({
        let runs = runs.clone();
        move || {
            runs.fetch_add(1, SeqCst);
            // The choices of selects are part of the schedule.
            let seed = thread_rng().r#gen();
            random::with_seed(seed, &*body);
        }
    });
    assert_eq!(done, RUNS);
    drop(failed);
}

/// A task of the flow.
fn spawn<F: Future<Output: Send> + Send + 'static>(future: F) -> JoinHandle<F::Output> {
    shuttle::future::spawn(future)
}

/// Waits for a task's end.
fn join<R>(task: JoinHandle<R>) -> R {
    block_on(task).expect("nobody aborts it")
}

/// Lets others go first, some random number of times.
async fn pause() {
    for _ in 0..thread_rng().gen_range(0..8) {
        yield_now().await;
    }
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

/// How many values had which fate. (Not shuttle's atomics: counting shall add no switches.)
#[derive(Clone, Default)]
struct Ledger {
    tally: Tally,
    counts: Arc<[AtomicU32; 3]>,
}

impl Ledger {
    fn new() -> Self {
        Ledger::default()
    }

    fn value(&self, number: u32) -> Value {
        self.tally.value(number)
    }

    /// A send said Ok.
    fn sent(&self) {
        self.counts[0].fetch_add(1, SeqCst);
    }

    /// A receive gave this value.
    fn received(&self, value: Value) -> u32 {
        self.counts[1].fetch_add(1, SeqCst);
        value.number
    }

    /// A value was not sent, and is with its owner.
    fn kept(&self, value: Value) {
        self.counts[2].fetch_add(1, SeqCst);
        drop(value);
    }

    /// What a send came to.
    fn outcome(&self, sent: Result<(), SendError<Value>>) -> bool {
        match sent {
            Ok(()) => self.sent(),
            Err(SendError(value)) => {
                self.kept(value);
                return false;
            }
        }
        true
    }

    /// What became of a value that was sent from `place`, by a send that may have been given up.
    fn place(&self, place: Option<Value>) {
        match place {
            Some(value) => self.kept(value),
            None => self.sent(),
        }
    }

    /// When all tasks are done, with what they left in `channels` and cannot be received any more: what was made was sent or
    /// kept, and what was sent was received.
    fn settle(self, made: u32, channels: Vec<Receiver<Value>>) {
        for channel in channels {
            while let Ok(value) = channel.try_recv() {
                self.received(value);
            }
            assert!(channel.is_empty());
        }
        let [sent, received, kept] = self.counts.each_ref().map(|count| count.load(SeqCst));
        assert_eq!((sent + kept, received), (made, sent), "made = sent + kept, sent = received");
        self.tally.check();
    }
}
