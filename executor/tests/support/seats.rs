//! The wait until no slot is relieved any more.
use dormouse_executor::runtime::Runtime;
use dormouse_testing::until;

/// Waits until the seats are as many as the workers again.
pub(crate) fn until_back(rt: &Runtime, workers: usize) {
    until(|| {
        let counts = rt.metrics();
        assert!(counts.seated <= counts.seats);
        counts.seats == workers
    });
}
