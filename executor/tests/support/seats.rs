//! Who sits, and the wait until no slot is relieved any more.
use dormouse_executor::runtime::{Runtime, SchedulerCounts};
use dormouse_testing::until;

pub(crate) fn counts(rt: &Runtime) -> SchedulerCounts {
    rt.handle().scheduler_counts()
}

/// Waits until the seats are as many as the workers again.
pub(crate) fn until_back(rt: &Runtime, workers: usize) {
    until(|| {
        let counts = counts(rt);
        assert!(counts.seated <= counts.seats);
        counts.seats == workers
    });
}
