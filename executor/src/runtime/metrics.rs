//! What a runtime counts.
use crate::sched::shared::Shared;
use crate::sched::slots::Slot;
use crate::sched::stats::{self, Durations};
use std::ops::Range;
use std::sync::atomic::Ordering::Relaxed;
use std::time::Duration;

/// What a runtime has counted since it began, and how it stands: given by [`Handle::metrics`](super::Handle::metrics).
///
/// Counting is always on and costs nothing that shows; only the two histograms must be [asked](super::Builder::measure_poll_time)
/// [for](super::Builder::measure_schedule_latency). While the runtime runs, the numbers are not of one instant: each is
/// right for itself.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Metrics {
    /// How many threads are to work at the same time.
    pub workers: usize,
    /// Seats that there are: one per worker, and one more in the place of each whose poll blocks.
    pub seats: usize,
    /// Threads that have a seat: they run tasks, or look for some.
    pub seated: usize,
    /// Threads that look for work beyond their own queues, or were woken to.
    pub searching: usize,
    /// The runtime's own threads for tasks, those that sleep included. (Whoever is in `block_on` is not its own.)
    pub threads: usize,
    /// Of these, how many there are beyond one per worker, because polls blocked.
    pub spare_threads: usize,
    /// Threads for blocking jobs.
    pub blocking_threads: usize,
    /// Blocking jobs that wait for a thread.
    pub blocking_depth: usize,
    /// Live tasks: spawned and not ended, blocking jobs included.
    pub tasks_alive: usize,
    /// Live tasks of the [local sets](crate::task::LocalSet) that were last polled in this runtime. (Not among
    /// `tasks_alive`.)
    pub local_tasks_alive: usize,
    /// Tasks that were ever spawned, blocking jobs included.
    pub tasks_spawned: u64,
    /// Polls, those of futures in `block_on` included. One in which `block_in_place` was called may count twice.
    pub polls: u64,
    /// Tasks that a thread took out of another one's queue.
    pub stolen: u64,
    /// Runnable tasks in the queue that all share.
    pub injector_depth: usize,
    /// How often a thread went to sleep, as it found nothing to do.
    pub parks: u64,
    /// How often a sleeping thread was woken, or one was started, for work: each is a system call.
    pub wakeups: u64,
    /// Polls that lasted for [`blocked_after`](super::Builder::blocked_after) or longer.
    pub long_polls: u64,
    /// How often the monitor, which sees that nobody waits for a poll that does not end, has looked: each is a wake-up of
    /// its thread.
    pub monitor_looks: u64,
    /// Timers that are set: each `sleep` that somebody waits for, and the like.
    pub timers: usize,
    /// The slots, each a place where one thread works at a time: one per worker, then those in use for spare threads.
    pub slots: Vec<SlotMetrics>,
    /// How long polls last, if [`measure_poll_time`](super::Builder::measure_poll_time) is on.
    pub poll_time: Option<Histogram>,
    /// How long tasks that can go on wait for their poll, if
    /// [`measure_schedule_latency`](super::Builder::measure_schedule_latency) is on.
    pub schedule_latency: Option<Histogram>,
}

/// What one slot of a runtime has counted.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct SlotMetrics {
    /// Polls.
    pub polls: u64,
    /// Tasks that were taken out of other slots' queues.
    pub stolen: u64,
    /// Runnable tasks that wait here.
    pub queue_depth: usize,
}

impl Metrics {
    pub(super) fn of(shared: &Shared) -> Metrics {
        let idle = shared.idle.counts();
        let (blocking_threads, blocking_depth) = shared.pool.counts();
        let slot = |slot: &Slot| SlotMetrics {
            polls: slot.turn.epoch() / 2,
            stolen: slot.stats.stolen.load(Relaxed),
            queue_depth: slot.queue.len() as usize + usize::from(slot.turn.has_next()),
        };
        let sum = |of: fn(&Slot) -> u64| shared.slots.all.iter().map(of).sum::<u64>();
        let (tasks_alive, tasks_spawned) = shared
            .parts
            .iter()
            .map(|part| part.tasks.counts())
            .fold((0, 0), |sum, part| (sum.0 + part.0, sum.1 + part.1));
        Metrics {
            workers: idle.workers,
            seats: idle.seats,
            seated: idle.seated,
            searching: idle.searching,
            threads: idle.threads,
            spare_threads: idle.threads.saturating_sub(idle.workers),
            blocking_threads,
            blocking_depth,
            tasks_alive,
            local_tasks_alive: shared.locals.homes().iter().map(|home| home.tasks.len()).sum(),
            tasks_spawned,
            polls: sum(|slot| slot.turn.epoch() / 2),
            stolen: sum(|slot| slot.stats.stolen.load(Relaxed)),
            injector_depth: shared.injector.len(),
            parks: idle.parks,
            wakeups: idle.wakeups,
            long_polls: shared.long_polls.load(Relaxed),
            monitor_looks: shared.monitor.looks(),
            timers: shared.parts.iter().map(|part| part.timers.len()).sum(),
            slots: shared.slots.reached().iter().map(slot).collect(),
            poll_time: Histogram::of(shared, |slot| slot.stats.poll_times.as_deref()),
            schedule_latency: Histogram::of(shared, |slot| slot.stats.latencies.as_deref()),
        }
    }
}

/// How many durations there were of each length.
///
/// All under 1.024 us are in one bucket, all from 68.7 s on in another; between, the buckets' ends are a fifth or a
/// quarter apart.
///
/// ```
/// use dormouse_executor::{runtime::Builder, task};
/// let runtime = Builder::multi_thread().measure_poll_time(true).build()?;
/// runtime.block_on(async { task::spawn(async {}).await.unwrap() });
/// let poll_time = runtime.metrics().poll_time.unwrap();
/// assert!(poll_time.count() >= 1);
/// println!("99 of 100 polls are shorter than {:?}", poll_time.quantile(0.99).unwrap());
/// # Ok::<(), dormouse_executor::runtime::BuildError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Histogram(Vec<u64>);

impl Histogram {
    fn of(shared: &Shared, durations: impl Fn(&Slot) -> Option<&Durations>) -> Option<Histogram> {
        let mut sums = None;
        for durations in shared.slots.all.iter().chain([&shared.slots.nowhere]).filter_map(durations) {
            durations.add_to(sums.get_or_insert_with(Vec::new));
        }
        sums.map(Histogram)
    }

    /// How many there were.
    pub fn count(&self) -> u64 {
        self.0.iter().sum()
    }

    /// The buckets that are not empty, from the shortest durations to the longest, with their counts. The last one there
    /// can be ends at [`Duration::MAX`].
    pub fn buckets(&self) -> impl Iterator<Item = (Range<Duration>, u64)> {
        (0..self.0.len())
            .filter(|&bucket| self.0[bucket] > 0)
            .map(|bucket| (self.range(bucket), self.0[bucket]))
    }

    /// The end of the bucket in which the `q`-th part of all is reached: at least so many were shorter. `None` if there
    /// were none.
    ///
    /// # Panics
    /// If `q` is not between 0 and 1.
    #[track_caller]
    pub fn quantile(&self, q: f64) -> Option<Duration> {
        assert!((0.0..=1.0).contains(&q), "dormouse: `quantile` of {q}: it must be from 0 to 1");
        let wanted = (self.count() as f64 * q).ceil() as u64;
        let mut count = 0;
        let reached = |(_, of): &(Range<Duration>, u64)| {
            count += of;
            count >= wanted
        };
        self.buckets().find(reached).map(|(range, _)| range.end)
    }

    fn range(&self, bucket: usize) -> Range<Duration> {
        let end = if bucket + 1 == self.0.len() { Duration::MAX } else { stats::begin(bucket + 1) };
        stats::begin(bucket)..end
    }
}
