//! `after_func`: called once, when its time has come, unless it was stopped; whoever stops, resets, drops or ends.
#![allow(missing_docs)]
#[path = "support/monitor.rs"]
mod asleep;

use dormouse_executor::runtime::{Builder, Runtime};
use dormouse_executor::sim::{self, FailureKind, rng};
use dormouse_executor::task::{self, OnPanic};
use dormouse_executor::time::{Duration, Instant, TimerHandle, after_func, sleep, sleep_until};
use dormouse_testing::{Count, hide_panics, until, watch};
use std::panic::catch_unwind;
use std::sync::{Arc, Mutex, OnceLock};

fn runtimes() -> [Runtime; 2] {
    [Builder::multi_thread().worker_threads(2).build().unwrap(), Builder::current_thread().build().unwrap()]
}

fn ms(n: u64) -> Duration {
    Duration::from_millis(n)
}

/// A timer that notes when it is called.
fn noting(duration: Duration) -> (TimerHandle, Arc<Mutex<Vec<Duration>>>) {
    let calls = Arc::new(Mutex::new(Vec::new()));
    let noted = calls.clone();
    (after_func(duration, move || noted.lock().unwrap().push(sim::now())), calls)
}

#[test]
fn called_once_when_its_time_has_come_with_or_without_handles() {
    let _watch = watch();
    sim::explore(20, || async {
        let (timer, calls) = noting(ms(7));
        let (dropped, others) = noting(ms(9));
        drop(dropped);
        sleep(ms(6)).await;
        assert!(calls.lock().unwrap().is_empty());
        sim::sleep(ms(100)).await;
        assert_eq!((&*calls.lock().unwrap(), &*others.lock().unwrap()), (&vec![ms(7)], &vec![ms(9)]));
        assert!(!timer.stop());
    });
}

#[test]
fn stop_says_whether_it_prevented_the_call() {
    let _watch = watch();
    sim::explore(20, || async {
        let (timer, calls) = noting(ms(7));
        assert!(timer.stop());
        assert!(!timer.stop());
        sim::sleep(ms(10)).await;
        assert!(calls.lock().unwrap().is_empty());
        assert!(!timer.reset(ms(1)), "it was stopped");
        assert!(timer.clone().stop(), "a clone is the same timer");
        assert!(!timer.reset(Duration::MAX));
        sim::sleep(Duration::from_secs(1 << 29)).await;
        assert!(calls.lock().unwrap().is_empty());
    });
}

#[test]
fn reset_moves_the_call_in_both_directions_and_lets_it_be_called_again() {
    let _watch = watch();
    sim::explore(20, || async {
        let (timer, calls) = noting(ms(7));
        assert!(timer.reset(ms(20)), "later");
        assert!(timer.reset(ms(3)), "sooner");
        sim::sleep(ms(50)).await;
        assert_eq!(*calls.lock().unwrap(), [ms(3)]);
        assert!(!timer.reset(ms(5)), "it was called");
        sim::sleep(ms(50)).await;
        assert_eq!(*calls.lock().unwrap(), [ms(3), ms(55)]);
    });
}

#[test]
fn at_once() {
    let _watch = watch();
    sim::explore(20, || async {
        let (timer, calls) = noting(Duration::ZERO);
        sim::wait().await;
        assert_eq!(*calls.lock().unwrap(), [Duration::ZERO]);
        timer.reset(ms(5));
        assert!(timer.reset(Duration::ZERO), "it was set");
        sim::sleep(ms(5)).await;
        assert_eq!(*calls.lock().unwrap(), [Duration::ZERO; 2]);
    });
}

/// Random calls, against what Go says of them.
#[test]
fn random_stops_and_resets() {
    let _watch = watch();
    sim::explore(200, || async {
        let (timer, calls) = noting(ms(1));
        let (mut due, mut expected) = (Some(ms(1)), Vec::new());
        for _ in 0..30 {
            match rng().range(0..3) {
                0 => assert_eq!(timer.stop(), due.take().is_some()),
                1 => {
                    let duration = ms(rng().range(1..20)) + Duration::from_micros(250);
                    assert_eq!(timer.reset(duration), due.is_some());
                    due = Some(sim::now() + duration);
                }
                // To the middle of a millisecond: never the time of a call.
                _ => {
                    let to =
                        Duration::from_micros(1_000 * (sim::now().as_millis() as u64 + rng().range(1..9)));
                    sleep(to - sim::now() + Duration::from_micros(500)).await;
                }
            }
            expected.extend(due.take_if(|due| *due < sim::now()));
            assert_eq!(*calls.lock().unwrap(), expected);
        }
    });
}

/// What nobody calls any more is dropped with the run; it is no task, so no leak.
#[test]
fn a_timer_that_is_set_at_the_end_is_no_leak() {
    let _watch = watch();
    let (called, dropped) = (Count::shared(), Count::shared());
    let (count, guard) = (called.clone(), dropped.on_drop());
    sim::Builder::new().run(async move {
        after_func(ms(1), move || {
            let _guard = &guard;
            count.add();
        });
    });
    assert_eq!((called.get(), dropped.get()), (0, 1));
}

#[test]
fn a_panic_is_that_of_a_task_that_nobody_joins() {
    let _watch = watch();
    hide_panics("in the function");
    let failure = sim::Builder::new().try_run(async {
        after_func(ms(1), || panic!("in the function"));
        sleep(ms(2)).await;
    });
    let failure = failure.unwrap_err();
    assert_eq!(failure.kind(), FailureKind::Panic);
    assert!(failure.to_string().contains("executor/tests/after_func.rs"), "{failure}");
    let rt = Builder::multi_thread().worker_threads(1).on_panic(OnPanic::Report).build().unwrap();
    rt.block_on(async {
        let called = Count::shared();
        let count = called.clone();
        let timer = after_func(Duration::ZERO, move || {
            count.add();
            panic!("in the function");
        });
        while called.get() == 0 {
            task::yield_now().await;
        }
        timer.reset(ms(1));
        while called.get() == 1 {
            task::yield_now().await;
        }
    });
}

/// The function uses its own timer, and others of the same slot: it runs under no lock. Go's chain of zero timers.
#[test]
fn a_chain_of_timers_that_set_themselves() {
    let _watch = watch();
    for rt in runtimes() {
        rt.block_on(async {
            for step in [Duration::ZERO, Duration::from_nanos(1)] {
                let calls = Count::shared();
                let own = Arc::new(OnceLock::<TimerHandle>::new());
                let (count, itself) = (calls.clone(), Arc::downgrade(&own));
                let timer = after_func(Duration::MAX, move || {
                    count.add();
                    assert!(after_func(Duration::from_secs(60), || unreachable!()).stop());
                    if count.get() < 1_000 {
                        assert!(!itself.upgrade().unwrap().get().unwrap().reset(step));
                    }
                });
                assert!(own.get_or_init(|| timer).reset(step));
                while calls.get() < 1_000 {
                    task::yield_now().await;
                }
            }
        });
    }
}

/// Each time it was set has one end: a call, or a `stop` that says so.
#[test]
fn stopped_from_another_thread_while_it_fires() {
    let _watch = watch();
    let rt = Builder::multi_thread().worker_threads(2).build().unwrap();
    let (called, stopped) = (Count::shared(), Count::shared());
    const TIMERS: usize = 2_000;
    rt.block_on(async {
        let start = Instant::now();
        let timers: Vec<_> = (0..TIMERS)
            .map(|number| {
                let count = called.clone();
                after_func(Duration::from_micros(number as u64), move || count.add())
            })
            .collect();
        let threads: Vec<_> = (0..2)
            .map(|_| {
                let (timers, count) = (timers.clone(), stopped.clone());
                std::thread::spawn(move || {
                    for timer in timers {
                        if timer.stop() {
                            count.add();
                        }
                    }
                })
            })
            .collect();
        sleep_until(start + Duration::from_micros(TIMERS as u64)).await;
        threads.into_iter().for_each(|thread| thread.join().unwrap());
        while called.get() + stopped.get() < TIMERS {
            sleep(ms(1)).await;
        }
        sleep(ms(5)).await;
    });
    assert_eq!(called.get() + stopped.get(), TIMERS);
}

/// S5: nobody watches for a timer that is due so soon.
#[test]
fn reset_by_a_foreign_thread_while_all_sleep() {
    let _watch = watch();
    let rt = Builder::multi_thread().worker_threads(2).build().unwrap();
    let calls = Count::shared();
    let count = calls.clone();
    let guard = rt.enter();
    let timer = after_func(Duration::from_secs(10_000), move || count.add());
    drop(guard);
    for round in 1..=5 {
        // Who is awake anyway finds the timer.
        asleep::until_asleep(&rt);
        until(|| rt.metrics().seated == 0);
        assert_eq!(timer.reset(Duration::from_micros(200 * round)), round == 1);
        until(|| calls.get() == round as usize);
    }
}

#[test]
fn the_end_of_its_runtime_drops_the_function() {
    let _watch = watch();
    for rt in runtimes() {
        let dropped = Count::shared();
        let set = |duration| {
            let guard = dropped.on_drop();
            after_func(duration, move || {
                let _guard = &guard;
                unreachable!("it was not called in time");
            })
        };
        let _guard = rt.enter();
        let (kept, stopped) = (set(Duration::from_secs(1_000)), set(Duration::from_secs(1_000)));
        drop(set(Duration::from_secs(1_000)));
        assert!(stopped.stop());
        drop(_guard);
        drop(rt);
        assert_eq!(dropped.get(), 1, "the one without a handle");
        for timer in [kept, stopped] {
            assert!(!timer.stop());
            assert!(!timer.reset(Duration::ZERO) && !timer.reset(Duration::from_nanos(1)));
            assert!(format!("{timer:?}").contains("after_func.rs"));
        }
        assert_eq!(dropped.get(), 3);
    }
}

#[test]
fn outside_of_a_runtime_it_panics_with_advice() {
    let error = catch_unwind(|| drop(after_func(ms(1), || ()))).unwrap_err();
    assert!(error.downcast_ref::<&str>().unwrap().contains("enter"));
}
