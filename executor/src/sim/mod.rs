//! The same program under a seeded simulator: one thread, virtual time, every choice from a seed.
//!
//! [`Builder::run`] runs a future, and all that it spawns, as [`Runtime::block_on`](crate::runtime::Runtime::block_on)
//! does: tasks, timers, channels, locks and `select!` are the same code. But which runnable task is next, which ready
//! arm of a `select!` wins, which of two equal timers is first, the seed decides; and the clock jumps to the next timer
//! when nothing can run. [`explore`] tries many seeds. What fails, fails again with the same seed:
//! `DORMOUSE_SEED=7 cargo test NAME` repeats it.
//!
//! A run fails if nothing can go on (a deadlock), if tasks are left that nothing can wake, if a task panics and nobody
//! joins it, or if it does not end. The report names each live task, what it waits for, the source line of that await,
//! and the last 50 steps.
//!
//! A whole program with `#[dormouse::main]` runs under it with `DORMOUSE_SIM=7 cargo run`, 7 being the seed, in a build
//! with debug assertions: then main's end is the end of the run, blocking jobs run inline, and a line on stderr tells
//! what came of it.
//!
//! What the simulator has no control over: sockets, files, other threads, `std::time`, `HashMap`'s random order.
//! [`spawn_blocking`](crate::task::spawn_blocking) and a runtime of its own are errors at the call; a wake-up from
//! another thread fails the run; do not use the rest in a program that is to be repeated.
//!
//! ```
//! use dormouse_executor::{sim, task, time};
//! use std::sync::{Arc, atomic::{AtomicU32, Ordering::SeqCst}};
//! use std::time::Duration;
//!
//! // Two tasks add to a number, and await between reading and writing it: an update can get lost.
//! let failure = sim::Builder::new()
//!     .try_explore(100, || async {
//!         let number = Arc::new(AtomicU32::new(0));
//!         let add = |number: Arc<AtomicU32>| async move {
//!             let seen = number.load(SeqCst);
//!             task::yield_now().await;
//!             number.store(seen + 1, SeqCst);
//!         };
//!         let (a, b) = (task::spawn(add(number.clone())), task::spawn(add(number.clone())));
//!         a.await.unwrap();
//!         b.await.unwrap();
//!         assert_eq!(number.load(SeqCst), 2);
//!     })
//!     .unwrap_err();
//! assert_eq!(failure.kind(), sim::FailureKind::Main);
//! println!("{failure}");
//! ```
mod driver;
mod failure;
mod here;
mod program;
mod queue;
mod rng;
mod trace;

pub use failure::{Failure, FailureKind, Verdict};
pub(crate) use program::program;

pub use here::{Wait, is_active, now, sleep, wait};
pub use queue::Strategy;
pub use rng::{Rng, rng};

use crate::config::Simulated;
use crate::panics::{self, Payload};
use crate::sched::work;
use std::fmt;
use std::future::Future;
use std::panic::resume_unwind;
use std::time::Duration;

const SEED: &str = "DORMOUSE_SEED";
const SEEDS: &str = "DORMOUSE_SEEDS";

/// How a run is done.
#[derive(Clone, Debug)]
struct Options {
    strategy: Strategy,
    max_steps: u64,
    max_time: Duration,
    spurious: f64,
    aborts: f64,
    allow_leaks: bool,
    blocking: Simulated,
}

impl Options {
    fn max_nanos(&self) -> u64 {
        u64::try_from(self.max_time.as_nanos()).unwrap_or(u64::MAX)
    }
}

/// What a report says of options that are not the usual ones: a replay needs them, too.
impl fmt::Display for Options {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.strategy != Strategy::default() {
            write!(f, ", strategy {:?}", self.strategy)?;
        }
        if self.spurious > 0.0 {
            write!(f, ", spurious_polls {}", self.spurious)?;
        }
        if self.aborts > 0.0 {
            write!(f, ", random_aborts {}", self.aborts)?;
        }
        Ok(())
    }
}

/// Runs futures under the simulator.
///
/// ```
/// use dormouse_executor::{sim, time};
/// use std::time::Duration;
/// let sum = sim::Builder::new().seed(7).run(async {
///     time::sleep(Duration::from_secs(86_400)).await; // a day, at once
///     1 + 1
/// });
/// assert_eq!(sum, 2);
/// ```
#[derive(Clone, Debug)]
#[must_use = "a builder runs nothing by itself"]
pub struct Builder {
    seed: Option<u64>,
    options: Options,
}

impl Default for Builder {
    fn default() -> Builder {
        Builder::new()
    }
}

impl Builder {
    /// A run with seed 0 (or `DORMOUSE_SEED`), [mixed](Strategy::Mixed) strategies, no faults, at most a million steps,
    /// and any virtual time.
    pub fn new() -> Builder {
        let options = Options {
            strategy: Strategy::default(),
            max_steps: 1_000_000,
            max_time: Duration::MAX,
            spurious: 0.0,
            aborts: 0.0,
            allow_leaks: false,
            blocking: Simulated::RefuseBlocking,
        };
        Builder { seed: None, options }
    }

    /// The seed; for [`explore`](Builder::explore) the first one. `DORMOUSE_SEED` does not change what is set here for
    /// a single run.
    pub fn seed(mut self, seed: u64) -> Builder {
        self.seed = Some(seed);
        self
    }

    /// How to choose among runnable tasks.
    pub fn strategy(mut self, strategy: Strategy) -> Builder {
        self.options.strategy = strategy;
        self
    }

    /// After how many steps, each a poll of a task, a run is a livelock. By default a million.
    pub fn max_steps(mut self, steps: u64) -> Builder {
        self.options.max_steps = steps;
        self
    }

    /// After how much virtual time a run is a livelock. By default never.
    pub fn max_time(mut self, time: Duration) -> Builder {
        self.options.max_time = time;
        self
    }

    /// A fault: with this probability, before each step, a task that waits is woken for nothing. What is right must
    /// stand that.
    ///
    /// # Panics
    /// If `probability` is not from 0.0 to 1.0.
    #[track_caller]
    pub fn spurious_polls(mut self, probability: f64) -> Builder {
        self.options.spurious = probability_of("spurious_polls", probability);
        self
    }

    /// A fault: with this probability, before each step, some task is aborted at the await where it stands.
    ///
    /// # Panics
    /// If `probability` is not from 0.0 to 1.0.
    #[track_caller]
    pub fn random_aborts(mut self, probability: f64) -> Builder {
        self.options.aborts = probability_of("random_aborts", probability);
        self
    }

    /// Tasks may be left that nothing will wake when the main future is done: they are dropped then, as Go's
    /// goroutines are at the end of `main`.
    pub fn allow_leaks(mut self) -> Builder {
        self.options.allow_leaks = true;
        self
    }

    /// Lets the jobs of [`spawn_blocking`](crate::task::spawn_blocking) run as tasks on this thread, in one step,
    /// instead of refusing them. A job that calls `recv_blocking` or the like would hold up the whole run: the call
    /// panics, as in a task.
    pub fn inline_blocking(mut self) -> Builder {
        self.options.blocking = Simulated::InlineBlocking;
        self
    }

    /// Runs `future`, and all that it spawns, until all of that has ended. The clock stops when `future` is done.
    ///
    /// # Panics
    /// If the run fails, with the report; if `future` panics, the report goes to stderr, and the panic goes on. Inside
    /// an async task. If `DORMOUSE_SEED` is no number.
    #[track_caller]
    pub fn run<F: Future>(&self, future: F) -> F::Output {
        work::assert_may_block();
        match driver::run(&self.options, self.one_seed(), future, |_| None) {
            Ok(run) => run.output,
            Err((failure, None)) => panic!("{failure}"),
            Err((failure, Some(payload))) => {
                panics::say(format_args!("{failure}"));
                resume_unwind(payload)
            }
        }
    }

    /// Runs `future` as [`run`](Builder::run) does, and tells more of the run. What `future` returns is not judged: an
    /// `Err` is an output like any other.
    ///
    /// # Errors
    /// If the run fails.
    ///
    /// # Panics
    /// Inside an async task. If `DORMOUSE_SEED` is no number.
    #[track_caller]
    pub fn try_run<F: Future>(&self, future: F) -> Result<Run<F::Output>, Failure> {
        work::assert_may_block();
        driver::run(&self.options, self.one_seed(), future, |_| None).map_err(|(failure, _)| failure)
    }

    /// Runs what `body` makes under many seeds, one after the other; see [`explore`].
    ///
    /// # Panics
    /// If a run fails: with its report, after a line on stderr that says how many were well. Inside an async task. If
    /// an environment variable is no number.
    #[track_caller]
    pub fn explore<T: Verdict>(&self, seeds: u64, body: impl AsyncFnMut() -> T) {
        if let Err((failure, payload)) = self.search(seeds, body) {
            match payload {
                None => panic!("{failure}"),
                Some(payload) => {
                    panics::say(format_args!("{failure}"));
                    resume_unwind(payload)
                }
            }
        }
    }

    /// Runs what `body` makes under many seeds, until one fails; see [`explore`].
    ///
    /// # Errors
    /// The first run that failed.
    ///
    /// # Panics
    /// Inside an async task. If an environment variable is no number.
    #[track_caller]
    pub fn try_explore<T: Verdict>(&self, seeds: u64, body: impl AsyncFnMut() -> T) -> Result<(), Failure> {
        self.search(seeds, body).map_err(|(failure, _)| failure)
    }

    #[track_caller]
    fn search<T: Verdict>(
        &self,
        seeds: u64,
        mut body: impl AsyncFnMut() -> T,
    ) -> Result<(), (Failure, Option<Payload>)> {
        work::assert_may_block();
        let first = self.seed.unwrap_or(0);
        let (first, seeds) = match number(SEED) {
            Some(seed) => (seed, 1),
            None => (first, number(SEEDS).unwrap_or(seeds)),
        };
        assert!(seeds > 0, "dormouse: a search needs at least one seed");
        for seed in (0..seeds).map(|offset| first.wrapping_add(offset)) {
            driver::run(&self.options, seed, body(), Verdict::failed)?;
        }
        Ok(())
    }

    fn one_seed(&self) -> u64 {
        self.seed.or_else(|| number(SEED)).unwrap_or(0)
    }
}

#[track_caller]
fn probability_of(what: &str, probability: f64) -> f64 {
    assert!(
        (0.0..=1.0).contains(&probability),
        "`{what}` takes a probability from 0.0 to 1.0, not {probability}"
    );
    probability
}

/// The number in an environment variable.
#[track_caller]
fn number(variable: &str) -> Option<u64> {
    let value = std::env::var_os(variable)?;
    match value.to_str().and_then(|text| text.trim().parse().ok()) {
        Some(number) => Some(number),
        None => {
            panic!("dormouse: {variable} is {value:?}, but must be a whole number from 0 to {}", u64::MAX)
        }
    }
}

/// Runs what `body` makes under the seeds from 0 up to `seeds`, and fails with the first that fails: a search for bugs
/// that need an unlucky order.
///
/// `DORMOUSE_SEED=n` runs that seed alone, to repeat a failure; `DORMOUSE_SEEDS=n` sets the number of seeds. A
/// [`Builder`] has more options. The main future may return a `Result`, whose error fails the run.
///
/// # Panics
/// As [`Builder::explore`] does.
///
/// ```
/// use dormouse_executor::{sim, task};
/// sim::explore(100, || async {
///     let (a, b) = (task::spawn(async { 1 }), task::spawn(async { 2 }));
///     assert_eq!(a.await.unwrap() + b.await.unwrap(), 3);
/// });
/// ```
#[track_caller]
pub fn explore<T: Verdict>(seeds: u64, body: impl AsyncFnMut() -> T) {
    Builder::new().explore(seeds, body);
}

/// A simulated run that went well.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Run<T> {
    /// What the main future returned.
    pub output: T,
    /// The seed.
    pub seed: u64,
    /// How many steps it had, each a poll of a task.
    pub steps: u64,
    nanos: u64,
    /// A hash over all steps: who ran, when, and what it then waited for. A run with the same seed has the same one, in
    /// any process of the same build.
    pub hash: u64,
}

impl<T> Run<T> {
    /// The virtual time that it took.
    pub fn elapsed(&self) -> Duration {
        Duration::from_nanos(self.nanos)
    }
}
