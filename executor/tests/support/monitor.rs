//! The wait until the monitor sleeps.
use dormouse_executor::runtime::Runtime;
use dormouse_testing::until;
use std::time::Duration;

/// Waits until the monitor looks no more.
pub(crate) fn until_asleep(rt: &Runtime) {
    until(|| {
        let before = rt.metrics().monitor_looks;
        std::thread::sleep(Duration::from_millis(20));
        before == rt.metrics().monitor_looks
    });
}
