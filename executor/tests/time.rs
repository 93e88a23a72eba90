//! Timers: never early, any duration, cancel and reset, batches, foreign polls.
#![allow(missing_docs)]
use dormouse_executor::runtime::{Builder, Runtime};
use dormouse_executor::task;
use dormouse_executor::time::{
    Duration, Instant, Interval, MissedTickBehavior, interval, interval_at, sleep, sleep_until, ticker,
    timeout, timeout_at,
};
use dormouse_testing::{Count, until, watch, watch_for};
use dormouse_wait::host::{SOON, alarm, soon};
use std::future::{Future, pending};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};

fn runtimes() -> [Runtime; 2] {
    [Builder::multi_thread().worker_threads(2).build().unwrap(), Builder::current_thread().build().unwrap()]
}

#[test]
fn never_early() {
    let _watch = watch();
    for rt in runtimes() {
        rt.block_on(async {
            let sleeps: Vec<_> = (0..2_000u64)
                .map(|number| {
                    task::spawn(async move {
                        let wait = Duration::from_nanos(number * 17_771 + 1);
                        let begin = Instant::now();
                        sleep(wait).await;
                        assert!(begin.elapsed() >= wait);
                    })
                })
                .collect();
            for sleep in sleeps {
                sleep.await.unwrap();
            }
        });
    }
}

#[test]
fn zero_and_past_deadlines_are_ready_at_once() {
    let _watch = watch();
    let mut cx = Context::from_waker(Waker::noop());
    // Even outside of a runtime.
    assert!(pin!(sleep(Duration::ZERO)).poll(&mut cx).is_ready());
    let mut past = pin!(sleep_until(Instant::now()));
    assert!(past.as_mut().poll(&mut cx).is_ready());
    assert!(past.is_elapsed());
    assert!(past.poll(&mut cx).is_ready(), "and stays ready");
}

#[test]
fn outside_of_a_runtime_it_panics_with_advice() {
    let error = catch_unwind(|| {
        let mut cx = Context::from_waker(Waker::noop());
        let _ = pin!(sleep(Duration::from_secs(1))).poll(&mut cx);
    })
    .unwrap_err();
    assert!(error.downcast_ref::<&str>().unwrap().contains("enter"));
}

/// tokio#6612, #5710: `Duration::MAX`, and deadlines at the numbers that mean "none" inside.
#[test]
fn the_longest_durations_are_fine() {
    let _watch = watch();
    let nanos = [u64::MAX, u64::MAX - 1, u64::MAX - (1 << 16), 1 << 63].map(Duration::from_nanos);
    let secs = [u64::MAX, u64::MAX / 4, 400 * 365 * 86_400].map(Duration::from_secs);
    for rt in runtimes() {
        rt.block_on(async {
            for far in nanos.into_iter().chain(secs).chain([Duration::MAX]) {
                let forever = task::spawn(async move {
                    sleep(far).await;
                });
                let limited = timeout(far, async { 1 }).await;
                assert_eq!(limited, Ok(1));
                sleep(Duration::from_millis(1)).await;
                assert!(!forever.is_finished());
                forever.abort();
                assert!(forever.await.unwrap_err().is_cancelled());
            }
        });
    }
}

/// tokio#6612, #8385: the tick after one that is due lies beyond the end of the clock.
#[test]
fn intervals_of_the_longest_periods() {
    let _watch = watch();
    let mut cx = Context::from_waker(Waker::noop());
    for rt in runtimes() {
        let _guard = rt.enter();
        for period in [Duration::MAX, Duration::from_secs(u64::MAX / 4), Duration::from_nanos(u64::MAX)] {
            for missed in [MissedTickBehavior::Skip, MissedTickBehavior::Burst, MissedTickBehavior::Delay] {
                let begin = Instant::now();
                let mut ticks = interval(period);
                ticks.set_missed_tick_behavior(missed);
                assert!(ticks.poll_tick(&mut cx).is_ready(), "the first comes at once");
                assert!(ticks.poll_tick(&mut cx).is_pending());
                ticks.reset();
                assert!(ticks.poll_tick(&mut cx).is_pending());
                assert!(ticker(period).poll_tick(&mut cx).is_pending());
                assert_eq!(interval_at(begin, period).poll_tick(&mut cx), Poll::Ready(begin));
            }
        }
    }
}

/// tokio#8252: cancel against insert and fire.
#[test]
fn cancelled_from_another_thread_while_it_fires() {
    let _watch = watch();
    let rt = Builder::multi_thread().worker_threads(2).build().unwrap();
    rt.block_on(async {
        for round in 0..50 {
            let mut sleeps = Vec::new();
            for _ in 0..100 {
                let mut sleep = Box::pin(sleep(Duration::from_micros(50 * (round % 10))));
                let _ = sleep.as_mut().poll(&mut Context::from_waker(Waker::noop()));
                sleeps.push(sleep);
            }
            let gone = std::thread::spawn(move || drop(sleeps));
            sleep(Duration::from_micros(100)).await;
            gone.join().unwrap();
        }
    });
}

#[test]
fn the_last_waker_is_the_one_that_is_woken() {
    let _watch = watch();
    for rt in runtimes() {
        rt.block_on(async {
            let ((first, old), (last, waker)) = (Count::new(), Count::new());
            let mut timer = pin!(sleep(Duration::from_millis(2)));
            assert!(timer.as_mut().poll(&mut Context::from_waker(&old)).is_pending());
            for _ in 0..1_000 {
                // The same waker again and again takes no memory, and is not doubled.
                let _ = timer.as_mut().poll(&mut Context::from_waker(&waker));
            }
            while !timer.is_elapsed() || last.get() == 0 {
                sleep(Duration::from_millis(1)).await;
            }
            assert_eq!((first.get(), last.get()), (0, 1));
        });
    }
}

#[test]
fn reset_moves_the_end_in_both_directions() {
    let _watch = watch();
    for rt in runtimes() {
        rt.block_on(async {
            let mut timer = pin!(sleep(Duration::MAX));
            let mut cx = Context::from_waker(Waker::noop());
            assert!(timer.as_mut().poll(&mut cx).is_pending());
            let soon = Instant::now() + Duration::from_millis(1);
            timer.as_mut().reset(soon);
            assert_eq!(timer.deadline(), soon);
            timer.as_mut().await;
            assert!(Instant::now() >= soon);
            let later = Instant::now() + Duration::from_millis(2);
            timer.as_mut().reset(later);
            assert!(!timer.is_elapsed());
            timer.await;
            assert!(Instant::now() >= later);
        });
    }
}

#[test]
fn timeouts() {
    let _watch = watch();
    for rt in runtimes() {
        rt.block_on(async {
            assert_eq!(timeout(Duration::ZERO, async { 1 }).await, Ok(1), "the future is polled first");
            assert!(timeout(Duration::from_millis(1), pending::<()>()).await.is_err());
            assert!(timeout_at(Instant::now(), pending::<()>()).await.is_err());
            let late = timeout(Duration::from_secs(50), async {
                sleep(Duration::from_millis(1)).await;
                2
            });
            assert_eq!(late.await, Ok(2));
            let error = timeout(Duration::from_millis(1), pending::<()>()).await.unwrap_err();
            assert_eq!(std::io::Error::from(error).kind(), std::io::ErrorKind::TimedOut);
        });
    }
}

#[test]
fn a_timeout_ends_a_future_that_uses_up_its_budget() {
    let _watch = watch();
    for rt in runtimes() {
        rt.block_on(async {
            let busy = async {
                loop {
                    drop(task::spawn(async {}).await);
                }
            };
            assert!(timeout(Duration::from_millis(5), busy).await.is_err());
        });
    }
}

#[test]
fn intervals() {
    let _watch = watch();
    for rt in runtimes() {
        rt.block_on(async {
            let period = Duration::from_millis(1);
            let begin = Instant::now();
            let mut ticks = interval(period);
            let first = ticks.tick().await;
            assert!(first >= begin && first <= Instant::now(), "at once");
            for _ in 0..5 {
                let due = ticks.tick().await;
                assert!(Instant::now() >= due);
                assert_eq!((due - first).as_nanos() % period.as_nanos(), 0, "on the beat");
            }
            let begin = Instant::now();
            let first = ticker(period).tick().await;
            assert!(first >= begin + period, "after one period");
            let start = Instant::now() + period;
            assert_eq!(interval_at(start, period).tick().await, start);
        });
    }
}

/// An interval whose ticks are 10 s apart and whose first was due 35 s ago.
fn late(rt: &Runtime, behavior: MissedTickBehavior) -> (Instant, Interval) {
    let start = Instant::now().checked_sub(Duration::from_secs(35)).unwrap();
    let _guard = rt.enter();
    let mut ticks = interval_at(start, Duration::from_secs(10));
    ticks.set_missed_tick_behavior(behavior);
    (start, ticks)
}

#[test]
fn missed_ticks() {
    let _watch = watch();
    for rt in runtimes() {
        let mut cx = Context::from_waker(Waker::noop());
        let secs = Duration::from_secs;
        let (start, mut ticks) = late(&rt, MissedTickBehavior::Burst);
        for tick in 0..4 {
            assert_eq!(ticks.poll_tick(&mut cx), Poll::Ready(start + secs(10) * tick));
        }
        let _guard = rt.enter();
        assert!(ticks.poll_tick(&mut cx).is_pending());
        let (start, mut ticks) = late(&rt, MissedTickBehavior::Skip);
        assert_eq!(ticks.poll_tick(&mut cx), Poll::Ready(start));
        assert!(ticks.poll_tick(&mut cx).is_pending());
        assert!(format!("{ticks:?}").contains("Skip"));
        let (start, mut ticks) = late(&rt, MissedTickBehavior::Delay);
        assert_eq!(ticks.poll_tick(&mut cx), Poll::Ready(start));
        assert!(ticks.poll_tick(&mut cx).is_pending());
    }
}

#[test]
fn a_zero_period_panics() {
    let set = |period| {
        let mut ticks = ticker(Duration::from_secs(1));
        ticks.set_period(period);
        ticks
    };
    for make in [interval as fn(Duration) -> Interval, ticker, |at| interval_at(Instant::now(), at), set] {
        let error = catch_unwind(AssertUnwindSafe(|| drop(make(Duration::ZERO)))).unwrap_err();
        assert!(error.downcast_ref::<String>().unwrap().contains("must not be zero"));
    }
}

#[test]
fn a_foreign_thread_sets_an_earlier_timer_while_all_sleep() {
    let _watch = watch();
    let rt = Builder::multi_thread().worker_threads(2).build().unwrap();
    // The watcher waits for this one; the foreign one is due before it.
    let long = rt.spawn(sleep(Duration::from_secs(1_000)));
    until(|| rt.handle().task_waits().iter().all(|wait| wait.2 == dormouse_wait::Reason::Sleep));
    for _ in 0..20 {
        let _guard = rt.enter();
        futures::executor::block_on(sleep(Duration::from_millis(2)));
    }
    assert!(!long.is_finished());
}

#[test]
fn a_guest_that_watched_hands_the_watch_over() {
    let _watch = watch();
    let rt = Builder::multi_thread().worker_threads(2).build().unwrap();
    for _ in 0..50 {
        let slow = rt.spawn(sleep(Duration::from_millis(3)));
        rt.block_on(sleep(Duration::from_millis(1)));
        until(|| slow.is_finished());
    }
}

#[test]
fn alarms_ring_through_the_hosts_clock() {
    let _watch = watch();
    for rt in runtimes() {
        rt.block_on(async {
            let at = Instant::now() + Duration::from_millis(2);
            let mut set = None;
            std::future::poll_fn(|cx| {
                if Instant::now() >= at {
                    return Poll::Ready(());
                }
                set.get_or_insert_with(|| alarm(at, cx.waker().clone()));
                Poll::Pending
            })
            .await;
            let (mut set, mut polls) = (None, 0);
            std::future::poll_fn(|cx| {
                polls += 1;
                let (_, since) = set.get_or_insert_with(|| (soon(cx.waker()).expect("set"), Instant::now()));
                if polls == 1 {
                    return Poll::Pending;
                }
                assert!(since.elapsed() >= SOON, "early");
                Poll::Ready(())
            })
            .await;
        });
    }
}

#[test]
fn an_alarm_that_is_dropped_is_not_set_any_more() {
    let _watch = watch();
    for rt in runtimes() {
        let (dropped, later) = (Count::shared(), Count::shared());
        rt.block_on(async {
            let at = Instant::now() + Duration::from_secs(3600);
            let alarms: Vec<_> = (0..100).map(|_| alarm(at, Waker::from(dropped.clone()))).collect();
            assert_eq!(rt.metrics().timers, 100);
            assert!(alarms.iter().all(|alarm| alarm.rewake(&Waker::from(later.clone()))));
            assert_eq!((Arc::strong_count(&dropped), Arc::strong_count(&later)), (1, 101));
            drop(alarms);
            assert_eq!((rt.metrics().timers, Arc::strong_count(&later)), (0, 1));
            // One that has rung has no waker to be replaced.
            let rung = alarm(Instant::now(), Waker::from(dropped.clone()));
            while dropped.get() == 0 {
                sleep(Duration::from_millis(1)).await;
            }
            assert!(!rung.rewake(&Waker::from(later.clone())));
            assert_eq!(Arc::strong_count(&later), 1);
            // The same with those of one length.
            let (first, second) = (Waker::from(dropped.clone()), Waker::from(later.clone()));
            let alarms: Vec<_> = (0..100).map(|_| soon(&first).expect("set")).collect();
            assert_eq!(rt.metrics().timers, 100);
            assert!(alarms.iter().all(|alarm| alarm.rewake(&second)));
            assert_eq!((Arc::strong_count(&dropped), Arc::strong_count(&later)), (2, 102));
            drop((alarms, second));
            assert_eq!((rt.metrics().timers, Arc::strong_count(&later)), (0, 1));
            let rung = soon(&first).expect("set");
            while dropped.get() == 1 {
                sleep(Duration::from_millis(1)).await;
            }
            assert!(!rung.rewake(&Waker::from(later.clone())));
            assert_eq!(Arc::strong_count(&later), 1);
        });
        assert_eq!((dropped.get(), later.get()), (2, 0));
    }
}

/// How many of [`MANY`] timers that are due together expired between two turns of a task that yields, at most.
fn most_between_two_turns(set: impl FnOnce(Instant, &Arc<Count>)) -> usize {
    let rt = Builder::current_thread().build().unwrap();
    let expired = Count::shared();
    rt.block_on(async {
        let end = Instant::now() + Duration::from_millis(200);
        set(end, &expired);
        // Behind all that are spawned: they wait now. And then nobody looks at the timers until all are due.
        task::yield_now().await;
        while Instant::now() <= end + Duration::from_millis(1) {
            std::thread::sleep(Duration::from_millis(1));
        }
        let (mut before, mut most) = (expired.get(), 0);
        while before < MANY {
            task::yield_now().await;
            most = most.max(expired.get() - before);
            before = expired.get();
        }
        most
    })
}

const MANY: usize = 10_000;

/// Whoever is runnable has its turn while thousands of timers of one tick are woken, and while what they woke runs.
#[test]
fn thousands_that_expire_together_let_others_run() {
    let _watch = watch();
    let tasks = most_between_two_turns(|end, expired| {
        for _ in 0..MANY {
            let expired = expired.clone();
            task::go(async move {
                sleep_until(end).await;
                expired.add();
            });
        }
    });
    let mut sleeps = Vec::new();
    let wakers = most_between_two_turns(|end, expired| {
        let waker = Waker::from(expired.clone());
        for _ in 0..MANY {
            let mut sleep = Box::pin(sleep_until(end));
            if sleep.as_mut().poll(&mut Context::from_waker(&waker)).is_ready() {
                expired.add();
            }
            sleeps.push(sleep);
        }
    });
    let mut set = Vec::new();
    let alarms = most_between_two_turns(|end, expired| {
        set.extend((0..MANY).map(|_| alarm(end, Waker::from(expired.clone()))));
    });
    let mut set = Vec::new();
    let soon = most_between_two_turns(|_, expired| {
        let waker = Waker::from(expired.clone());
        set.extend((0..MANY).map(|_| soon(&waker)));
    });
    for most in [tasks, wakers, alarms, soon] {
        assert!(
            most < MANY / 20,
            "{tasks} tasks, {wakers} wakers, {alarms} and {soon} alarms between two turns"
        );
    }
}

/// Tasks that come from another thread take turns with timers that are due: neither waits until the others are done, nor
/// do those that the timers wake go round by the queue that all slots share.
#[test]
fn what_comes_from_outside_takes_turns_with_timers() {
    const INJECTED: usize = 1_000;
    let _watch = watch();
    let rt = Builder::current_thread().build().unwrap();
    let (asleep, expired, injected) = (Count::shared(), Count::shared(), Count::shared());
    let handle = rt.handle().clone();
    rt.block_on(async {
        let end = Instant::now() + Duration::from_millis(500);
        for _ in 0..MANY {
            let (asleep, expired) = (asleep.clone(), expired.clone());
            task::go(async move {
                asleep.add();
                sleep_until(end).await;
                expired.add();
            });
        }
        while asleep.get() < MANY {
            task::yield_now().await;
        }
        let outside = std::thread::spawn({
            let injected = injected.clone();
            move || {
                for _ in 0..INJECTED {
                    let injected = injected.clone();
                    drop(handle.spawn(async move { injected.add() }));
                }
            }
        });
        outside.join().unwrap();
        while Instant::now() <= end + Duration::from_millis(1) {
            std::thread::sleep(Duration::from_millis(1));
        }
        let (mut met, mut deepest) = (None, 0);
        while expired.get() < MANY || injected.get() < INJECTED {
            task::yield_now().await;
            deepest = deepest.max(rt.metrics().injector_depth);
            if injected.get() == INJECTED {
                met.get_or_insert(expired.get());
            }
        }
        let met = met.expect("all have run");
        assert!(
            (INJECTED / 4..MANY / 2).contains(&met),
            "{met} timers before the last of those from outside"
        );
        assert!(deepest <= INJECTED, "{deepest} tasks wait in the shared queue");
    });
}

/// A million, but for debug builds: fewer.
#[test]
fn a_million_sleepers_end_together() {
    let _watch = watch_for(Duration::from_secs(120));
    let rt = Builder::multi_thread().worker_threads(2).build().unwrap();
    rt.run_main(async {
        // Whoever is made later than that does not wait.
        let end = Instant::now() + Duration::from_secs(if cfg!(debug_assertions) { 1 } else { 4 });
        let sleepers: Vec<_> = (0..if cfg!(debug_assertions) { 100_000 } else { 1_000_000 })
            .map(|_| task::spawn(sleep_until(end)))
            .collect();
        for sleeper in sleepers {
            sleeper.await.unwrap();
        }
        assert!(Instant::now() >= end);
    });
}
