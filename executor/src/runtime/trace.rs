//! A line on stderr every so often that says how the runtime stands, as Go's `GODEBUG=schedtrace=1000` does.
//!
//! A thread of its own writes it: nothing else must be late for it, nor it for anything else.
use super::Metrics;
use super::builder::BuildError;
use crate::panics;
use crate::sched::shared::Shared;
use crate::sched::threads::{self, Began};
use std::fmt;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// The environment variable that says how many milliseconds are between two lines.
const VARIABLE: &str = "DORMOUSE_SCHEDTRACE";

/// The time between two lines, if they are wanted.
pub(super) fn period() -> Result<Option<Duration>, BuildError> {
    let Some(value) = std::env::var_os(VARIABLE) else { return Ok(None) };
    let value = value.to_string_lossy();
    match value.trim().parse() {
        Ok(0) => Ok(None),
        Ok(millis @ 1..=86_400_000) => Ok(Some(Duration::from_millis(millis))),
        _ => Err(BuildError::count(
            VARIABLE,
            &value,
            "a whole number of milliseconds from 1 to 86400000, or 0 for off",
        )),
    }
}

/// Writes a line every `period` until the runtime has ended.
pub(super) fn start(shared: &Arc<Shared>, period: Duration) -> std::io::Result<()> {
    let this = Arc::clone(shared);
    threads::start_named(shared, "dormouse-trace".into(), false, move || trace(&this, period))
}

fn trace(shared: &Arc<Shared>, period: Duration) {
    let _began = Began::without_hooks(shared);
    let mut next = Instant::now();
    let mut threads = panics::lock(&shared.threads);
    while !shared.is_ended() {
        let left = next.saturating_duration_since(Instant::now());
        if left.is_zero() {
            drop(threads);
            let millis = shared.now() / 1_000_000;
            panics::say(format_args!("SCHED {millis}ms: {}", Line(&Metrics::of(shared))));
            // What was missed, as the machine slept, is not made up for.
            next = (next + period).max(Instant::now());
            threads = panics::lock(&shared.threads);
        } else {
            let woken = shared.changed.wait_timeout(threads, left);
            threads = woken.unwrap_or_else(|poisoned| poisoned.into_inner()).0;
        }
    }
}

struct Line<'m>(&'m Metrics);

impl fmt::Display for Line<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let m = self.0;
        write!(
            f,
            "workers={} seats={} seated={} searching={} threads={} tasks={} timers={} injector={} queues=[",
            m.workers, m.seats, m.seated, m.searching, m.threads, m.tasks_alive, m.timers, m.injector_depth
        )?;
        for (number, slot) in m.slots.iter().enumerate() {
            write!(f, "{}{}", if number > 0 { " " } else { "" }, slot.queue_depth)?;
        }
        write!(
            f,
            "] blocking={}+{} spawned={} polls={} stolen={} parks={} wakeups={} long_polls={}",
            m.blocking_threads,
            m.blocking_depth,
            m.tasks_spawned,
            m.polls,
            m.stolen,
            m.parks,
            m.wakeups,
            m.long_polls
        )
    }
}
