//! What a slot counts, beside its turns.
use std::sync::atomic::{AtomicU64, Ordering::*};
use std::time::Duration;

/// Counts of one slot.
#[derive(Debug)]
pub(crate) struct Stats {
    /// Tasks taken out of other slots' rings.
    pub(crate) stolen: AtomicU64,
    /// How long polls last, if that is measured.
    pub(crate) poll_times: Option<Box<Durations>>,
    /// How long tasks wait for their poll once they can go on, if that is measured.
    pub(crate) latencies: Option<Box<Durations>>,
}

impl Stats {
    pub(crate) fn new(poll_times: bool, latencies: bool) -> Stats {
        let durations = |wanted: bool| wanted.then(|| Box::new(Durations::new()));
        Stats {
            stolen: AtomicU64::new(0),
            poll_times: durations(poll_times),
            latencies: durations(latencies),
        }
    }
}

/// Below this, all durations are one: 2^10 ns.
const LEAST: u32 = 10;
/// Buckets for each doubling: 2^2.
const PARTS: u32 = 2;
/// Doublings: up to 2^36 ns, some 69 s. What is longer counts in the last bucket.
const DOUBLINGS: u32 = 26;
/// Buckets.
const LEN: usize = 1 + (DOUBLINGS << PARTS) as usize + 1;

/// How many durations there were of each length, in buckets that grow by a fifth or a quarter.
#[derive(Debug)]
pub(crate) struct Durations([AtomicU64; LEN]);

impl Durations {
    fn new() -> Durations {
        Durations([const { AtomicU64::new(0) }; LEN])
    }

    pub(crate) fn add(&self, nanos: u64) {
        self.0[bucket(nanos)].fetch_add(1, Relaxed);
    }

    /// Adds the counts to those in `sums`, which has or gets a place per bucket.
    pub(crate) fn add_to(&self, sums: &mut Vec<u64>) {
        sums.resize(LEN, 0);
        for (sum, count) in sums.iter_mut().zip(&self.0) {
            *sum += count.load(Relaxed);
        }
    }
}

fn bucket(nanos: u64) -> usize {
    if nanos < 1 << LEAST {
        return 0;
    }
    let doubling = nanos.ilog2();
    let part = (nanos >> (doubling - PARTS)) & ((1 << PARTS) - 1);
    let bucket = 1 + (u64::from(doubling - LEAST) << PARTS) + part;
    (bucket as usize).min(LEN - 1)
}

/// Where a bucket begins.
pub(crate) fn begin(bucket: usize) -> Duration {
    let Some(bucket) = bucket.checked_sub(1) else { return Duration::ZERO };
    let (doubling, part) = (bucket as u32 >> PARTS, bucket as u64 & ((1 << PARTS) - 1));
    Duration::from_nanos(((1 << PARTS) + part) << (LEAST + doubling - PARTS))
}

#[cfg(all(test, not(dormouse_loom)))]
mod tests {
    use super::*;

    #[test]
    fn a_duration_is_in_the_bucket_that_begins_at_or_before_it() {
        for shift in 0..64 {
            for nanos in [1_u64 << shift, (1 << shift) + 1, (1 << shift) - 1, (1 << shift) + (1 << shift) / 3]
            {
                let found = bucket(nanos);
                let at = Duration::from_nanos(nanos);
                assert!(begin(found) <= at, "{nanos} in {found}");
                assert!(found == LEN - 1 || at < begin(found + 1), "{nanos} in {found}");
            }
        }
        assert_eq!(begin(LEN - 1), Duration::from_nanos(1 << 36));
    }
}
