//! How long polls last, and how long tasks wait for them, where that is asked for.
//!
//! A task that becomes runnable is marked with the time, in the place of its count of polls: only one thread has a task
//! between then and its poll.
use super::ring::Raw;
use super::shared::Shared;
use super::stats::Stats;
use crate::task::meta::Meta;
use async_task::Runnable;
use std::mem::ManuallyDrop;

/// A mark is in units of 2^8 ns, and wraps around after some 18 minutes.
const UNIT: u32 = 8;

/// What is measured; for a seat's own memory.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Measure {
    poll_times: bool,
    latencies: bool,
}

impl Measure {
    pub(crate) fn of(shared: &Shared) -> Measure {
        let config = &shared.config;
        Measure { poll_times: config.measure_poll_time, latencies: config.measure_schedule_latency }
    }

    #[inline(always)]
    pub(crate) fn is_on(self) -> bool {
        self.poll_times | self.latencies
    }

    /// `task` is about to be queued.
    #[inline(always)]
    pub(crate) fn runnable(self, shared: &Shared, task: Raw) {
        if self.latencies {
            mark(shared, task);
        }
    }

    /// `task` is about to be polled, now: how long it has waited.
    pub(crate) fn waited(self, task: &Meta, now: u64, stats: &Stats) {
        if let Some(latencies) = &stats.latencies {
            let units = ((now >> UNIT) as u32).wrapping_sub(task.waits.polls());
            latencies.add(u64::from(units) << UNIT);
        }
    }

    /// A poll is over, which began at `began`.
    pub(crate) fn polled(self, shared: &Shared, began: u64, stats: &Stats) {
        if let Some(poll_times) = &stats.poll_times {
            poll_times.add(shared.now() - began);
        }
    }
}

#[cold]
fn mark(shared: &Shared, task: Raw) {
    // SAFETY: queues take what `Runnable::into_raw` gave, each once; this one is not run or dropped.
    let task = ManuallyDrop::new(unsafe { Runnable::<Meta>::from_raw(task) });
    task.metadata().waits.mark((shared.now() >> UNIT) as u32);
}
