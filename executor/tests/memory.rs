//! What a task that sleeps takes, and what a burst leaves behind: in bytes as the allocator is asked for them.
#![allow(missing_docs)]
#[path = "../../chan/tests/support/allocs.rs"]
mod allocs;

use allocs::{NOTHING, allocated};
use dormouse_executor::runtime::Builder;
use dormouse_executor::task;
use dormouse_executor::time::{Duration, after, sleep, timeout};
use dormouse_testing::{Gate, watch};
use dormouse_wait::Reason;
use std::future::Future;
use std::pin::pin;

/// A power of two, so that what grows by doubling is full.
const MANY: usize = 1 << 14;

#[test]
fn a_task_that_sleeps_takes_at_most_200_bytes_registry_included() {
    let _watch = watch();
    let rt = Builder::current_thread().build().unwrap();
    let (sleepers, ()) = allocated(|| {
        rt.block_on(async {
            for _ in 0..MANY {
                task::go(sleep(Duration::from_secs(1_000)));
            }
            while rt.handle().task_waits().iter().any(|wait| wait.2 != Reason::Sleep) {
                task::yield_now().await;
            }
        });
    });
    assert_eq!(rt.handle().task_waits().len(), MANY);
    // (Divided: the runtime's own queues, which have grown, take a fraction of a byte.)
    let each = sleepers.kept / MANY as isize;
    assert!(each <= 200, "{each} bytes each");
}

#[test]
fn timers_allocate_nothing() {
    let _watch = watch();
    let rt = Builder::current_thread().build().unwrap();
    rt.block_on(async {
        let (polled, ()) = allocated(|| {
            for _ in 0..100 {
                let mut sleep = pin!(sleep(Duration::from_secs(1_000)));
                let mut event = pin!(after(Duration::from_secs(1_000)));
                let mut limited = pin!(timeout(Duration::from_secs(1_000), std::future::pending::<()>()));
                let mut cx = std::task::Context::from_waker(std::task::Waker::noop());
                assert!(sleep.as_mut().poll(&mut cx).is_pending());
                assert!(event.as_mut().poll(&mut cx).is_pending());
                assert!(limited.as_mut().poll(&mut cx).is_pending());
            }
        });
        assert_eq!(polled, NOTHING);
    });
}

/// First in, first out and the reverse: the registry's memory goes with the tasks.
#[test]
fn a_burst_of_tasks_leaves_next_to_nothing_behind() {
    let _watch = watch();
    const EACH: usize = 1_000;
    for (stays, backwards) in [(false, false), (false, true), (true, false), (true, true)] {
        let rt = Builder::current_thread().build().unwrap();
        // One that stays, as a program's main task does.
        let main = stays.then(|| rt.spawn(std::future::pending::<()>()));
        let (left, most) = allocated(|| {
            rt.block_on(async {
                let gates: Vec<_> = (0..50).map(|_| Gate::default()).collect();
                let mut tasks = Vec::new();
                let (most, ()) = allocated(|| {
                    let gate = |n: usize| gates[n / EACH].clone();
                    tasks = (0..50 * EACH).map(|n| task::spawn(gate(n))).collect();
                });
                task::yield_now().await;
                if backwards {
                    gates.iter().rev().for_each(Gate::open);
                } else {
                    gates.iter().for_each(Gate::open);
                }
                for task in tasks {
                    task.await.unwrap();
                }
                most.kept
            })
        });
        assert!(most > 100 * 50 * EACH as isize, "{most} bytes for the tasks themselves");
        assert!(left.kept < 100_000, "{} bytes of {most}", left.kept);
        assert!(main.is_none_or(|main| !main.is_finished()));
    }
}
