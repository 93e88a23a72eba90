//! What a runtime is built with.
use crate::task::OnPanic;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

/// A hook of a thread's begin or end.
pub(crate) type Hook = Arc<dyn Fn() + Send + Sync>;

/// What a runtime does when all tasks are asleep and nothing will ever wake them: Go's "all goroutines are asleep -
/// deadlock!".
///
/// It is seen when, for 100 ms, nothing ran, no timer was set, no blocking job was there, a thread was in `block_on`, and
/// that and every task waited for a channel, a `select!`, a lock, a wait group or another task. A plain thread that is in
/// a blocking call (as `recv_blocking`), or holds a half of a channel and said so with `into_foreign`, may still change
/// that.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Deadlock {
    /// Nothing. An idle runtime then sleeps without a single wake-up.
    Off,
    /// Say so on stderr, once, with a line for each task: what it waits for, where, and where it was spawned; and if
    /// [holders are tracked](crate::runtime::Builder::track_holders), one for each lock: who holds it, who waits for it, and
    /// who waits for whom in a circle.
    Warn,
}

impl Default for Deadlock {
    /// `Warn` with debug assertions, else `Off`.
    fn default() -> Deadlock {
        if cfg!(debug_assertions) { Deadlock::Warn } else { Deadlock::Off }
    }
}

/// What a simulated runtime does with a blocking job.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Simulated {
    /// The call panics with advice.
    RefuseBlocking,
    /// The job runs as a task.
    InlineBlocking,
}

#[derive(Clone)]
pub(crate) struct Config {
    /// Does a simulator run it, with a clock of its own, on one thread?
    pub(crate) simulated: Option<Simulated>,
    /// At first.
    pub(crate) workers: usize,
    /// As many as `set_workers` may ask for.
    pub(crate) max_workers: usize,
    /// May it have threads of its own for its slots?
    pub(crate) threads: bool,
    pub(crate) max_blocking_threads: usize,
    /// How long a poll that computes may last before another thread does the slot's work.
    pub(crate) blocked_after: Duration,
    pub(crate) max_spare_threads: usize,
    /// How long a thread more than the N sleeps before it leaves.
    pub(crate) spare_threads_stay: Duration,
    pub(crate) report_long_polls: bool,
    pub(crate) measure_poll_time: bool,
    pub(crate) track_holders: bool,
    pub(crate) measure_schedule_latency: bool,
    pub(crate) thread_name: Arc<dyn Fn() -> String + Send + Sync>,
    pub(crate) on_thread_start: Option<Hook>,
    pub(crate) on_thread_stop: Option<Hook>,
    pub(crate) on_panic: OnPanic,
    pub(crate) deadlock: Deadlock,
}

impl Config {
    pub(crate) fn new(threads: bool) -> Config {
        Config {
            simulated: None,
            workers: 1,
            max_workers: 1,
            threads,
            max_blocking_threads: 512,
            blocked_after: Duration::from_millis(10),
            max_spare_threads: 64,
            spare_threads_stay: Duration::from_secs(10),
            report_long_polls: false,
            measure_poll_time: false,
            track_holders: cfg!(debug_assertions),
            measure_schedule_latency: false,
            thread_name: Arc::new(|| "dormouse-worker".into()),
            on_thread_start: None,
            on_thread_stop: None,
            on_panic: OnPanic::default(),
            deadlock: Deadlock::default(),
        }
    }

    /// One slot, no threads.
    pub(crate) fn simulated(blocking: Simulated) -> Config {
        Config { simulated: Some(blocking), deadlock: Deadlock::Off, ..Config::new(false) }
    }
}

impl fmt::Debug for Config {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Config")
            .field("workers", &self.workers)
            .field("max_blocking_threads", &self.max_blocking_threads)
            .field("on_panic", &self.on_panic)
            .finish_non_exhaustive()
    }
}
