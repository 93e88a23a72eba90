//! Shuttle models: flows of three and four tasks, which are too long to be tried in every interleaving (`models`, by loom).
//!
//! `RUSTFLAGS="--cfg dormouse_shuttle -C debug-assertions" cargo test -p dormouse-sync --lib --release` runs them, as
//! [`dormouse_testing::flow`] says. Tasks that all wait are a deadlock, which shuttle reports. The clock stands, as in the
//! loom models.
mod condvar;
mod context;
mod rwlock;

use dormouse_testing::flow::{impatient, join, spawn};
use dormouse_wait::Instant;
use dormouse_wait::alarm::Alarm;
use dormouse_wait::host::{Host, with_host};
use shuttle::future::{block_on, yield_now};
use shuttle::rand::{Rng, thread_rng};
use std::sync::Arc;
use std::task::Waker;

/// Runs of a flow per scheduler.
const RUNS: usize = 3000;

struct Clock(Instant);

impl Host for Clock {
    fn now(&self) -> Instant {
        self.0
    }
    fn alarm(&self, _: Instant, _: Waker) -> Alarm {
        crate::watch::silent()
    }
}

/// Runs `body` under both schedulers.
fn flow(body: impl Fn() + Send + Sync + 'static) {
    let clock = Clock(Instant::now());
    dormouse_testing::flow::flow(RUNS, move || with_host(&clock, &body));
}
