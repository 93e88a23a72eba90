//! The pool of threads for jobs that block.
//!
//! Jobs are tasks whose runnable goes here instead of into a slot: so they are registered, can be aborted before they
//! begin, and keep their runtime's memory like any task. A thread is started on need; one without a job leaves after
//! [`LINGER`].
//!
//! | state | event | after |
//! |---|---|---|
//! | a thread is idle | `push` | the job is queued, the thread is called (`called + 1`) |
//! | none idle, fewer than `max` | `push` | a thread is started for the job |
//! | none idle, `max` | `push` | the job waits for the first thread that ends its job |
//! | idle for 10 s, or the runtime has ended | | the thread leaves |
//!
//! Invariant: `idle` counts the threads that wait and are not called; a called thread finds a job, or somebody took it.
//! A thread that cannot be started is no reason to hang: other threads take the job, and if there are none it is
//! aborted (tokio#2309).
//!
//! Checked by `tests/blocking.rs`.
use crate::panics;
use crate::sched::ring::Raw;
use crate::task::meta::Meta;
use async_task::Runnable;
use std::collections::VecDeque;
use std::sync::{Condvar, Mutex};
use std::time::Duration;

/// How long a thread without a job stays.
const LINGER: Duration = Duration::from_secs(10);

#[derive(Debug)]
pub(crate) struct Pool {
    state: Mutex<State>,
    call: Condvar,
    max: usize,
}

#[derive(Debug, Default)]
struct State {
    jobs: VecDeque<Job>,
    threads: usize,
    idle: usize,
    called: usize,
}

#[derive(Debug)]
pub(crate) struct Job(Raw);

// SAFETY: a runnable task may be run by any thread: `spawn_blocking` demands Send jobs.
unsafe impl Send for Job {}

impl Job {
    /// The job, to be run or aborted.
    pub(crate) fn runnable(self) -> Runnable<Meta> {
        // SAFETY: a job is what `Runnable::into_raw` gave, and is used once.
        unsafe { Runnable::from_raw(self.0) }
    }
}

impl Pool {
    pub(crate) fn new(max: usize) -> Pool {
        Pool { state: Mutex::default(), call: Condvar::new(), max }
    }

    /// Lets all idle threads look whether the runtime has ended.
    pub(crate) fn wake_all(&self) {
        drop(panics::lock(&self.state));
        self.call.notify_all();
    }

    /// How many threads there are, and how many jobs wait for one.
    pub(crate) fn counts(&self) -> (usize, usize) {
        let state = panics::lock(&self.state);
        (state.threads, state.jobs.len())
    }

    /// Is a job queued, or being run?
    pub(crate) fn is_busy(&self) -> bool {
        let state = panics::lock(&self.state);
        !state.jobs.is_empty() || state.threads > state.idle
    }

    /// Queues a job. True if a thread must be started for it: it is counted already.
    #[must_use = "a job without a thread waits for ever"]
    pub(crate) fn push(&self, job: Raw) -> bool {
        let mut state = panics::lock(&self.state);
        state.jobs.push_back(Job(job));
        if state.idle > 0 {
            state.idle -= 1;
            state.called += 1;
            drop(state);
            self.call.notify_one();
            return false;
        }
        let start = state.threads < self.max;
        state.threads += usize::from(start);
        start
    }

    /// A thread could not be started. The jobs that no other thread will take.
    pub(crate) fn start_failed(&self) -> VecDeque<Job> {
        let mut state = panics::lock(&self.state);
        state.threads -= 1;
        if state.threads == 0 { std::mem::take(&mut state.jobs) } else { VecDeque::new() }
    }

    /// The next job, waiting for it; `None` if the thread is to leave. `ended`: no job will come.
    pub(crate) fn next(&self, ended: impl Fn() -> bool) -> Option<Job> {
        let mut state = panics::lock(&self.state);
        loop {
            if let Some(job) = state.jobs.pop_front() {
                return Some(job);
            }
            if ended() {
                state.threads -= 1;
                return None;
            }
            state.idle += 1;
            let woken = self.call.wait_timeout(state, LINGER);
            let (woken, waited) = woken.unwrap_or_else(|poisoned| poisoned.into_inner());
            state = woken;
            if state.called > 0 {
                state.called -= 1;
                continue;
            }
            state.idle -= 1;
            if waited.timed_out() && state.jobs.is_empty() {
                state.threads -= 1;
                return None;
            }
        }
    }
}
