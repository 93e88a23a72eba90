//! How often the monitor looks when there is next to nothing to look at.
use crate::asleep::until_asleep;
use crate::kit::runtime;
use dormouse_executor::runtime::{Handle, Runtime};
use dormouse_executor::time::{self, Duration};
use dormouse_testing::{Count, until, watch};

fn looks(rt: &Runtime) -> u64 {
    rt.metrics().monitor_looks
}

/// A look or two for a tick, whoever waits for it; not one for each millisecond. (Again and again, until it is so: a busy
/// machine stretches some.)
#[test]
fn a_program_that_only_its_timers_wake_has_a_look_for_each() {
    let _watch = watch();
    let ticks = async || {
        let mut ticks = time::ticker(Duration::from_millis(40));
        let mut looks = u64::MAX;
        while looks > 3 {
            let before = Handle::current().metrics().monitor_looks;
            ticks.tick().await;
            looks = Handle::current().metrics().monitor_looks - before;
        }
        looks
    };
    let rt = runtime(2);
    let looks = rt.block_on(ticks());
    let task = rt.spawn(ticks());
    assert!(looks + futures::executor::block_on(task).unwrap() <= 6);
}

/// What wakes the program once in a while from outside calls the monitor, which does not stay long.
#[test]
fn a_call_after_a_long_sleep_keeps_the_monitor_awake_for_a_short_time() {
    let _watch = watch();
    let rt = runtime(2);
    let done = Count::shared();
    let mut short = false;
    // Again and again, as above.
    while !short {
        until_asleep(&rt);
        // As long as a long sleep is.
        std::thread::sleep(Duration::from_millis(600));
        let (before, count) = (looks(&rt), done.get());
        let add = done.clone();
        drop(rt.spawn(async move { add.add() }));
        until(|| done.get() > count);
        until_asleep(&rt);
        let looks = looks(&rt) - before;
        assert!(looks > 0, "it was called");
        short = looks <= 30;
    }
}
