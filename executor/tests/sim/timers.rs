//! From when durations count, and what moves or ends a timer: exact, as the time is virtual.
use crate::{STRATEGIES, fails, secs};
use dormouse_executor::sim::{self, Builder, FailureKind};
use dormouse_executor::task;
use dormouse_executor::time::{
    Duration, Instant, Interval, MissedTickBehavior, after, interval, interval_at, sleep, ticker, timeout,
    timeout_at,
};
use dormouse_testing::watch;
use futures::future::FusedFuture;
use futures::stream::{FusedStream, Stream, StreamExt};
use std::future::pending;
use std::pin::pin;

/// A timeout counts from where its future has to wait, however long it was kept before.
#[test]
fn a_timeout_counts_from_the_first_poll_that_waits() {
    let _watch = watch();
    for strategy in STRATEGIES {
        Builder::new().strategy(strategy).run(async {
            let kept = timeout(secs(3), pending::<()>());
            assert_eq!(format!("{kept:?}"), "Timeout { future: Pending, duration: 3s }");
            sleep(secs(10)).await;
            assert!(kept.await.is_err());
            assert_eq!(sim::now(), secs(13));
            // A second poll does not move it, nor does one that is woken for nothing.
            let mut kept = pin!(timeout(secs(3), pending::<()>()));
            for _ in 0..5 {
                assert!(futures::poll!(kept.as_mut()).is_pending());
                sleep(Duration::from_millis(500)).await;
            }
            assert!(kept.await.is_err());
            assert_eq!(sim::now(), secs(16));
            assert!(timeout(Duration::ZERO, pending::<()>()).await.is_err());
            // From elsewhere: the same deadline for all.
            let deadline = Instant::now() + secs(2);
            let kept = timeout_at(deadline, pending::<()>());
            sleep(secs(10)).await;
            assert!(kept.await.is_err());
            assert_eq!(timeout_at(deadline, async { 1 }).await, Ok(1));
            assert_eq!(sim::now(), secs(26));
        });
    }
}

/// Go's `time.After`, and what is made before a loop in general: counts from the call.
#[test]
fn sleeps_and_after_count_from_the_call() {
    let _watch = watch();
    for strategy in STRATEGIES {
        Builder::new().strategy(strategy).run(async {
            let (kept, event) = (sleep(secs(3)), after(secs(4)));
            let deadline = event.deadline();
            sleep(secs(2)).await;
            kept.await;
            assert_eq!(sim::now(), secs(3));
            assert_eq!(event.await, deadline);
            assert_eq!(sim::now(), secs(4));
            let late = after(secs(1));
            let deadline = late.deadline();
            sleep(secs(5)).await;
            assert_eq!(late.await, deadline, "what was due, not when it was seen");
            assert_eq!(sim::now(), secs(9));
        });
    }
}

#[test]
fn after_is_a_fused_future_and_a_stream_of_one() {
    let _watch = watch();
    Builder::new().run(async {
        let mut event = pin!(after(secs(1)));
        let deadline = event.deadline();
        assert!(futures::poll!(event.as_mut()).is_pending());
        assert!(!FusedFuture::is_terminated(&*event));
        assert_eq!(event.as_mut().await, deadline);
        assert!(FusedFuture::is_terminated(&*event));
        assert_eq!(event.await, deadline, "polled again, it is ready again");

        let mut events = pin!(after(secs(1)));
        assert_eq!((events.size_hint(), FusedStream::is_terminated(&*events)), ((1, Some(1)), false));
        assert_eq!(events.next().await, Some(events.deadline()));
        assert_eq!(sim::now(), secs(2));
        assert_eq!((events.size_hint(), FusedStream::is_terminated(&*events)), ((0, Some(0)), true));
        assert_eq!(events.next().await, None);

        // In a loop, with the arm left out once it was taken.
        let (mut stop, mut ticks) = (pin!(after(secs(10))), ticker(secs(3)));
        let mut seen = 0;
        loop {
            futures::select! {
                _ = stop => break,
                _ = ticks.next() => seen += 1,
                complete => unreachable!("the ticks have no end"),
            }
        }
        assert_eq!(seen, 3);
    });
}

/// tokio#8252: what was polled and dropped is off the timers at once. (The first deadline is forgotten when it has come.)
#[test]
fn a_dropped_timer_leaves_nothing_behind() {
    let _watch = watch();
    let failure = fails(&Builder::new(), async {
        for _ in 0..100 {
            let mut sleeps: Vec<_> = (1..50).map(|n| Box::pin(sleep(secs(n * n)))).collect();
            for sleep in &mut sleeps {
                assert!(futures::poll!(sleep.as_mut()).is_pending());
            }
            assert_eq!(timeout(secs(5), task::yield_now()).await, Ok(()));
        }
        let mut ticks = interval(secs(1));
        ticks.tick().await;
        assert!(futures::poll!(pin!(ticks.tick())).is_pending());
        drop(ticks);
        pending::<()>().await;
    });
    assert_eq!(failure.kind(), FailureKind::Deadlock);
    assert!(failure.to_string().contains("virtual time 1s,"), "{failure}");
}

#[test]
fn an_interval_is_set_again() {
    let _watch = watch();
    for missed in [MissedTickBehavior::Skip, MissedTickBehavior::Burst, MissedTickBehavior::Delay] {
        Builder::new().run(async move {
            let start = Instant::now();
            let mut ticks = interval_at(start + secs(1), secs(10));
            ticks.set_missed_tick_behavior(missed);
            let tick = async |ticks: &mut Interval, at| {
                assert_eq!((ticks.tick().await - start, sim::now()), (at, at));
            };
            tick(&mut ticks, secs(1)).await;
            ticks.reset();
            tick(&mut ticks, secs(11)).await;
            ticks.reset_immediately();
            tick(&mut ticks, secs(11)).await;
            ticks.reset_after(secs(3));
            tick(&mut ticks, secs(14)).await;
            ticks.reset_at(start + secs(20));
            tick(&mut ticks, secs(20)).await;
            tick(&mut ticks, secs(30)).await;
            ticks.set_period(secs(7));
            tick(&mut ticks, secs(37)).await;
            tick(&mut ticks, secs(44)).await;
            assert_eq!(ticks.period(), secs(7));
        });
    }
}

/// Go's Ticker: the first tick after one period; a slow reader gets the first that it missed, and then the beat.
#[test]
fn a_ticker_is_gos() {
    let _watch = watch();
    Builder::new().run(async {
        let start = Instant::now();
        let mut ticks = ticker(secs(10));
        assert_eq!(ticks.tick().await - start, secs(10));
        sleep(secs(35)).await;
        assert_eq!((ticks.tick().await - start, sim::now()), (secs(20), secs(45)));
        assert_eq!((ticks.tick().await - start, sim::now()), (secs(50), secs(50)));
        // Stopped, also when a tick is due and not given: no stale one comes.
        sleep(secs(15)).await;
        ticks.stop();
        assert!(timeout(secs(1_000), ticks.tick()).await.is_err());
        assert!(timeout(secs(1_000), ticks.next()).await.is_err());
        ticks.set_period(secs(4));
        assert_eq!((ticks.tick().await - start, sim::now()), (secs(2_069), secs(2_069)));
        ticks.stop();
        ticks.reset();
        assert_eq!(ticks.tick().await - start, secs(2_073));
    });
    // A stopped one has no timer.
    let failure = fails(&Builder::new(), async {
        let mut ticks = ticker(secs(1));
        assert!(futures::poll!(pin!(ticks.tick())).is_pending());
        ticks.stop();
        ticks.tick().await;
    });
    assert_eq!(failure.kind(), FailureKind::Deadlock);
    assert!(failure.to_string().contains("virtual time 1s,"), "{failure}");
}
