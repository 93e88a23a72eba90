//! How often the monitor looks when there is next to nothing to look at.
use crate::asleep::until_asleep;
use crate::kit::runtime;
use dormouse_executor::runtime::{Handle, Runtime};
use dormouse_executor::time::{self, Duration};
use dormouse_testing::{Count, until, watch};

fn looks(rt: &Runtime) -> u64 {
    rt.metrics().monitor_looks
}

/// The one in the middle: a busy machine may stretch a few.
fn median(mut counts: Vec<u64>) -> u64 {
    counts.sort_unstable();
    counts[counts.len() / 2]
}

/// A look or two for each tick, whoever waits for it; not one for each millisecond.
#[test]
fn a_program_that_only_its_timers_wake_has_a_look_for_each() {
    let _watch = watch();
    let ticks = async || {
        let mut ticks = time::ticker(Duration::from_millis(40));
        // Whoever called the monitor before has made it wary for a second.
        for _ in 0..30 {
            ticks.tick().await;
        }
        let mut counts = Vec::new();
        for _ in 0..15 {
            let before = Handle::current().metrics().monitor_looks;
            ticks.tick().await;
            counts.push(Handle::current().metrics().monitor_looks - before);
        }
        median(counts)
    };
    let rt = runtime(2);
    assert!(rt.block_on(ticks()) <= 5);
    let task = rt.spawn(ticks());
    assert!(futures::executor::block_on(task).unwrap() <= 5);
}

/// What wakes the program once in a while from outside calls the monitor, which does not stay long.
#[test]
fn a_call_after_a_long_sleep_keeps_the_monitor_awake_for_a_short_time() {
    let _watch = watch();
    let rt = runtime(2);
    let done = Count::shared();
    let mut counts = Vec::new();
    for round in 0..4 {
        until_asleep(&rt);
        // As long as a long sleep is.
        std::thread::sleep(Duration::from_millis(600));
        let before = looks(&rt);
        let count = done.clone();
        drop(rt.spawn(async move { count.add() }));
        until(|| done.get() == round + 1);
        until_asleep(&rt);
        counts.push(looks(&rt) - before);
    }
    assert!(counts.iter().all(|&looks| looks > 0), "it was called");
    assert!(median(counts[1..].to_vec()) <= 30, "{counts:?}");
}
