//! Building a runtime: how many threads, what they are called, what happens to panics.
use super::{Runtime, trace};
use crate::config::{Config, Deadlock, Hook};
use crate::sched::context;
use crate::sched::monitor;
use crate::sched::shared::{Bodies, Shared};
use crate::sched::work;
use crate::task::OnPanic;
use crate::task::spawn;
use std::borrow::Cow;
use std::fmt;
use std::io;
use std::sync::Arc;
use std::time::Duration;

/// The most worker threads that a runtime may have.
const MAX_WORKERS: usize = 4096;
/// The environment variable that says how many worker threads a runtime has by default.
const WORKERS: &str = "DORMOUSE_WORKERS";
/// The environment variable that lets long polls be reported.
const LONG_POLLS: &str = "DORMOUSE_LONG_POLLS";
/// The environment variable that lets locks note who holds them.
const TRACK_HOLDERS: &str = "DORMOUSE_TRACK_HOLDERS";

/// Builds a [`Runtime`].
///
/// ```
/// use dormouse_executor::runtime::Builder;
/// let runtime = Builder::multi_thread().worker_threads(2).thread_name("my-service").build()?;
/// runtime.block_on(async { println!("hello") });
/// # Ok::<(), dormouse_executor::runtime::BuildError>(())
/// ```
#[derive(Clone, Debug)]
#[must_use = "a builder does nothing until `build`"]
pub struct Builder {
    workers: Option<usize>,
    max_workers: Option<usize>,
    config: Config,
}

impl Builder {
    /// A runtime that works on several threads and steals between them.
    ///
    /// By default as many as the process may use ([`std::thread::available_parallelism`], which knows the quota of its
    /// cgroup), or what the environment variable `DORMOUSE_WORKERS` says. A thread in [`Runtime::block_on`] is one of
    /// them: a runtime of `n` workers starts `n - 1` threads, and the last one when it is needed. One more thread watches
    /// them, a look per millisecond while tasks run, so that a task that [blocks](Builder::blocked_after) does not stall
    /// the others.
    pub fn multi_thread() -> Builder {
        Builder { workers: None, max_workers: None, config: Config::new(true) }
    }

    /// A runtime that works on the thread that calls [`Runtime::block_on`], and only meanwhile. Its tasks run there one
    /// at a time. (Blocking jobs have their threads.)
    pub fn current_thread() -> Builder {
        Builder { workers: Some(1), max_workers: None, config: Config::new(false) }
    }

    /// How many threads work at the same time: 1 to 4096, checked by [`build`](Builder::build). It goes before
    /// `DORMOUSE_WORKERS`. A [`current_thread`](Builder::current_thread) runtime has one in any case.
    pub fn worker_threads(mut self, workers: usize) -> Builder {
        if self.config.threads {
            self.workers = Some(workers);
        }
        self
    }

    /// The most workers that [`Handle::set_workers`](super::Handle::set_workers) may ask for: from the number of
    /// [`worker_threads`](Builder::worker_threads) to 4096, checked by [`build`](Builder::build). By default that number,
    /// or that of the CPUs which the process may use if that is more. Each costs 2 KB once it is used, some hundred
    /// bytes before. No effect on a
    /// [`current_thread`](Builder::current_thread) runtime.
    pub fn max_worker_threads(mut self, workers: usize) -> Builder {
        if self.config.threads {
            self.max_workers = Some(workers);
        }
        self
    }

    /// How many threads may run blocking jobs at the same time: at least 1, by default 512.
    pub fn max_blocking_threads(mut self, threads: usize) -> Builder {
        self.config.max_blocking_threads = threads;
        self
    }

    /// How long a poll may compute before the runtime lets another thread do the work that waits behind it: a duration
    /// from 0 to [`Duration::MAX`], by default 10 ms.
    ///
    /// Such a poll keeps one of the runtime's threads from all other tasks. While work waits, a spare thread takes that
    /// one's place until the poll ends. A poll that does not compute, but sleeps in a system call, is relieved after 1
    /// to 2 ms in any case (on Linux, where that can be told). At 0 every poll that the monitor, which looks every
    /// millisecond, finds twice is relieved like that; at `Duration::MAX` one that computes never is.
    ///
    /// A poll that lasts for this long is counted as a long one, and with the environment variable
    /// `DORMOUSE_LONG_POLLS=1` reported on stderr, once for each place where such tasks are spawned. (With the feature
    /// `tracing`, as an event with the target `dormouse` and the level WARN, if somebody listens to that.)
    ///
    /// No effect on a [`current_thread`](Builder::current_thread) runtime.
    pub fn blocked_after(mut self, limit: Duration) -> Builder {
        self.config.blocked_after = limit;
        self
    }

    /// How many threads there may be beside the [`worker_threads`](Builder::worker_threads), in the place of those that
    /// a poll keeps for too long or that are in [`block_in_place`](crate::task::block_in_place): 0 to 4096, checked by
    /// [`build`](Builder::build), by default 64.
    ///
    /// They are started when they are needed, and leave after 10 s without work. At 0 nobody is relieved, and never more
    /// than `worker_threads` tasks are polled at the same time, but for those in `block_in_place`.
    pub fn max_spare_threads(mut self, threads: usize) -> Builder {
        self.config.max_spare_threads = threads;
        self
    }

    /// How long a spare thread stays without work: for tests.
    #[doc(hidden)]
    pub fn spare_threads_stay(mut self, stay: Duration) -> Builder {
        self.config.spare_threads_stay = stay;
        self
    }

    /// Measures how long each poll lasts, for [`Metrics::poll_time`](super::Metrics::poll_time). Off by default: it costs two
    /// looks at the clock per poll, some 50 ns.
    pub fn measure_poll_time(mut self, on: bool) -> Builder {
        self.config.measure_poll_time = on;
        self
    }

    /// Measures how long each task that can go on waits for its poll, for
    /// [`Metrics::schedule_latency`](super::Metrics::schedule_latency). Off by default: it costs two looks at the clock per
    /// poll, some 50 ns. A wait of more than 18 minutes counts as a short one.
    pub fn measure_schedule_latency(mut self, on: bool) -> Builder {
        self.config.measure_schedule_latency = on;
        self
    }

    /// Lets locks and semaphores note who holds them, and tasks what they wait for, so that
    /// [dumps](super::Handle::dump), [deadlock reports](Builder::deadlock) and those of the [simulator](crate::sim) name
    /// the holders and say which tasks wait for each other in a circle.
    ///
    /// By default so in builds with debug assertions; in others with the environment variable `DORMOUSE_TRACK_HOLDERS=1`,
    /// whatever is said here. Once a runtime was built with it, it is on in the whole process, to its end, and so are
    /// simulated runs. What was taken before has no holder. It costs some hundred nanoseconds each time something is taken,
    /// given back or waited for; without it, a look at a flag.
    ///
    /// ```
    /// use dormouse_executor::runtime::Builder;
    /// let runtime = Builder::multi_thread().track_holders(true).build()?;
    /// # drop(runtime);
    /// # Ok::<(), dormouse_executor::runtime::BuildError>(())
    /// ```
    pub fn track_holders(mut self, on: bool) -> Builder {
        self.config.track_holders = on;
        self
    }

    /// What the runtime's threads are called; by default `dormouse-worker`.
    pub fn thread_name(self, name: impl Into<String>) -> Builder {
        let name = name.into();
        self.thread_name_fn(move || name.clone())
    }

    /// What each of the runtime's threads is called. (Not the one that watches the others: `dormouse-watch`.)
    pub fn thread_name_fn(mut self, name: impl Fn() -> String + Send + Sync + 'static) -> Builder {
        self.config.thread_name = Arc::new(name);
        self
    }

    /// What happens to the panic of a task that nobody joins; by default it is [reported](OnPanic::Report).
    pub fn on_panic(mut self, policy: OnPanic) -> Builder {
        self.config.on_panic = policy;
        self
    }

    /// What happens when all tasks are asleep for good; by default it is [reported](Deadlock::Warn) in builds with
    /// debug assertions.
    pub fn deadlock(mut self, policy: Deadlock) -> Builder {
        self.config.deadlock = policy;
        self
    }

    /// Called on each thread that the runtime starts, before it works. (Not on the one that only watches the others.)
    pub fn on_thread_start(mut self, hook: impl Fn() + Send + Sync + 'static) -> Builder {
        self.config.on_thread_start = Some(Arc::new(hook) as Hook);
        self
    }

    /// Called on each thread that the runtime started, before it ends. (Not on the one that only watches the others.)
    pub fn on_thread_stop(mut self, hook: impl Fn() + Send + Sync + 'static) -> Builder {
        self.config.on_thread_stop = Some(Arc::new(hook) as Hook);
        self
    }

    /// Builds the runtime and starts its threads.
    ///
    /// # Errors
    /// Inside a [simulated](crate::sim) run; if a count is 0 or too large; if `DORMOUSE_WORKERS` is needed and no number
    /// from 1 to 4096, or `DORMOUSE_SCHEDTRACE` is set and no number of milliseconds; or if a thread cannot be started.
    pub fn build(self) -> Result<Runtime, BuildError> {
        if context::with_current(|shared, _| shared.config.simulated.is_some()) == Some(true) {
            return Err(BuildError(Kind::Simulated));
        }
        let mut config = self.config;
        config.workers = match self.workers {
            Some(workers) => check("worker_threads", &workers.to_string())?,
            None => default_workers()?,
        };
        config.max_workers = match self.max_workers {
            Some(most) if (config.workers..=MAX_WORKERS).contains(&most) => most,
            None if !config.threads => config.workers,
            None => config.workers.max(cpus()),
            Some(most) => {
                let allowed = format!("a whole number from {} (the workers) to 4096", config.workers);
                return Err(BuildError::count("max_worker_threads", &most.to_string(), allowed));
            }
        };
        if config.max_blocking_threads == 0 {
            return Err(BuildError::count("max_blocking_threads", "0", "at least 1"));
        }
        if config.max_spare_threads > MAX_WORKERS {
            let value = config.max_spare_threads.to_string();
            return Err(BuildError::count("max_spare_threads", &value, "a whole number from 0 to 4096"));
        }
        config.report_long_polls = std::env::var_os(LONG_POLLS).is_some_and(|value| value == "1");
        let trace = trace::period()?;
        if config.track_holders || std::env::var_os(TRACK_HOLDERS).is_some_and(|value| value == "1") {
            spawn::track_holders();
        }
        let (own, threads) = (config.workers - 1, config.threads);
        let bodies = Bodies { worker: work::worker, monitor: monitor::monitor };
        let runtime = Runtime::from_shared(Shared::new(config, bodies));
        for _ in 0..if threads { own } else { 0 } {
            // What was started before ends with `runtime`.
            runtime.shared().start_thread(false, true).map_err(BuildError::thread)?;
        }
        if let Some(period) = trace {
            trace::start(runtime.shared(), period).map_err(BuildError::thread)?;
        }
        Ok(runtime)
    }
}

fn check(what: &'static str, value: &str) -> Result<usize, BuildError> {
    match value.trim().parse() {
        Ok(workers @ 1..=MAX_WORKERS) => Ok(workers),
        _ => Err(BuildError::count(what, value, "a whole number from 1 to 4096")),
    }
}

fn default_workers() -> Result<usize, BuildError> {
    match std::env::var_os(WORKERS) {
        Some(value) => check(WORKERS, &value.to_string_lossy()),
        None => Ok(cpus()),
    }
}

/// The CPUs that this process may use.
fn cpus() -> usize {
    // Where the system does not tell, one thread is right in any case.
    std::thread::available_parallelism().map_or(1, |cpus| cpus.get().min(MAX_WORKERS))
}

/// Why a runtime could not be built, or not be given so many workers.
#[derive(Debug)]
pub struct BuildError(Kind);

#[derive(Debug)]
enum Kind {
    Count { what: &'static str, value: String, allowed: Cow<'static, str> },
    Thread(io::Error),
    Simulated,
}

impl BuildError {
    pub(super) fn count(
        what: &'static str,
        value: &str,
        allowed: impl Into<Cow<'static, str>>,
    ) -> BuildError {
        BuildError(Kind::Count { what, value: value.into(), allowed: allowed.into() })
    }

    fn thread(error: io::Error) -> BuildError {
        BuildError(Kind::Thread(error))
    }
}

impl fmt::Display for BuildError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Kind::Count { what, value, allowed } => write!(f, "{what} is \"{value}\", but must be {allowed}"),
            Kind::Thread(error) => write!(f, "a worker thread could not be started: {error}"),
            Kind::Simulated => f.write_str(
                "a runtime cannot be built inside a simulated run, which has no control over its threads: \
                 spawn tasks instead",
            ),
        }
    }
}

impl std::error::Error for BuildError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match &self.0 {
            Kind::Count { .. } | Kind::Simulated => None,
            Kind::Thread(error) => Some(error),
        }
    }
}

impl From<BuildError> for io::Error {
    fn from(error: BuildError) -> io::Error {
        match error.0 {
            Kind::Thread(error) => error,
            Kind::Count { .. } | Kind::Simulated => io::Error::new(io::ErrorKind::InvalidInput, error),
        }
    }
}
