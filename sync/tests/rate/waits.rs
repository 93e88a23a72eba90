//! Waits: in order, dropped, polled early; on tokio.
use crate::common::{self, Clock};
use crate::{TEN, TENTH, Tenths};
use dormouse_sync::futures::RateWait;
use dormouse_sync::{Instant, Limit, RateLimiter};
use dormouse_testing::{Count, watch};
use dormouse_wait::frame::{BUDGET, Frame, Reason, Waits};
use futures::future::FusedFuture;
use std::task::Waker;
use tokio_test::task::{Spawn, spawn};
use tokio_test::{assert_pending, assert_ready, assert_ready_ok};

fn waits(limiter: &RateLimiter, count: usize) -> Vec<Spawn<RateWait<'_>>> {
    let mut waits: Vec<_> = (0..count).map(|_| spawn(limiter.wait())).collect();
    waits.iter_mut().for_each(|wait| assert_pending!(wait.poll()));
    waits
}

#[test]
fn waits_are_served_in_order() {
    Clock::with(|clock| {
        let limiter = RateLimiter::new(TEN, 2);
        for _ in 0..2 {
            assert_ready_ok!(spawn(limiter.wait()).poll());
        }
        let unpolled = limiter.wait();
        let mut waits = waits(&limiter, 3);
        assert!(!limiter.allow(), "nobody passes");
        for next in 0..3 {
            clock.tenth(next as u32 + 1);
            for (number, wait) in waits.iter_mut().enumerate() {
                assert_eq!(wait.is_woken(), number == next);
            }
            assert!(!limiter.allow());
            assert_ready_ok!(waits[next].poll());
        }
        drop(unpolled);
        clock.tenth(4);
        assert!(limiter.allow(), "one that was never polled has taken nothing");
        let error = assert_ready!(spawn(limiter.wait_n(3)).poll()).unwrap_err();
        assert_eq!(error.to_string(), "rate: 3 at once exceeds the limiter's burst of 2");
    });
}

#[test]
fn a_dropped_wait_gives_its_tokens_back() {
    Clock::with(|clock| {
        let limiter = RateLimiter::new(TEN, 3);
        assert!(limiter.allow_n(3));
        let mut large = spawn(limiter.wait_n(3));
        assert_pending!(large.poll());
        drop(large);
        let mut next = spawn(limiter.wait());
        assert_pending!(next.poll());
        clock.tenth(1);
        assert!(next.is_woken());
        assert_ready_ok!(next.poll());
        drop(next); // it has acted: nothing comes back
        assert_eq!(limiter.tokens(), 0.0);
    });
}

/// Polled a thousand times before its time, it sets one alarm, and wakes the task that polled it last.
#[test]
fn polls_before_the_time() {
    Clock::with(|clock| {
        let limiter = RateLimiter::new(TEN, 1);
        assert!(limiter.allow());
        let mut wait = std::pin::pin!(limiter.wait());
        assert!(!wait.is_terminated());
        for _ in 0..1000 {
            assert!(common::poll(wait.as_mut(), Waker::noop()).is_pending());
        }
        let (count, waker) = Count::new();
        assert!(common::poll(wait.as_mut(), &waker).is_pending());
        assert_eq!(clock.alarms().len(), 1);
        clock.tenth(1);
        assert_eq!(count.get(), 1);
        assert!(common::poll(wait.as_mut(), &waker).is_ready());
        assert!(wait.is_terminated());
    });
}

/// An alarm that rings too early, as that of a runtime that ends, is set again.
#[test]
fn an_early_alarm() {
    Clock::with(|clock| {
        let limiter = RateLimiter::new(TEN, 1);
        assert!(limiter.allow());
        let mut wait = spawn(limiter.wait());
        assert_pending!(wait.poll());
        clock.ring(clock.start + TENTH);
        assert!(wait.is_woken());
        assert_pending!(wait.poll());
        clock.tenth(1);
        assert!(wait.is_woken());
        assert_ready_ok!(wait.poll());
    });
}

#[test]
fn wait_reason_and_budget() {
    Clock::with(|_| {
        let limiter = RateLimiter::new(TEN, 1);
        let seen = Waits::new();
        let mut first = spawn(limiter.wait());
        Frame::new(&seen).enter(|| assert_ready_ok!(first.poll()));
        let (mut wait, line) = (spawn(limiter.wait()), line!());
        Frame::new(&seen).enter(|| assert_pending!(wait.poll()));
        let (reason, site) = seen.get();
        assert_eq!((reason, site.unwrap().line(), site.unwrap().file()), (Reason::RateWait, line, file!()));
        let open = RateLimiter::new(Limit::INF, 0);
        Frame::new(&Waits::new()).enter(|| {
            for _ in 0..BUDGET {
                assert_ready_ok!(spawn(open.wait()).poll());
            }
            let mut refused = spawn(open.wait());
            assert_pending!(refused.poll());
            assert!(refused.is_woken());
        });
        assert_eq!(format!("{limiter:?}"), "RateLimiter { limit: 1 per 100ms, burst: 1, .. }");
    });
}

/// On tokio: no more than the bucket gives are admitted, and waits that are dropped take nothing.
#[test]
fn many_tasks_on_tokio() {
    let _watch = watch();
    static LIMITER: RateLimiter = RateLimiter::new(Limit::per_second(20_000), 10);
    let host = tokio::runtime::Builder::new_multi_thread().worker_threads(4).enable_all().build().unwrap();
    let begun = Instant::now();
    let admitted: u32 = host.block_on(async {
        let tasks: Vec<_> = (0..8)
            .map(|task| {
                tokio::spawn(async move {
                    let mut admitted = 0;
                    for turn in 0..100u32 {
                        let n = 1 + (turn + task) % 3;
                        let wait = LIMITER.wait_n(n);
                        if turn % 4 == 0 {
                            // Given up after one poll, unless it is ready.
                            let mut wait = spawn(wait);
                            admitted += if wait.poll().is_ready() { n } else { 0 };
                        } else {
                            wait.await.unwrap();
                            admitted += n;
                        }
                        admitted += u32::from(LIMITER.allow());
                    }
                    admitted
                })
            })
            .collect();
        let mut admitted = 0;
        for task in tasks {
            admitted += task.await.unwrap();
        }
        admitted
    });
    let most = 10.0 + begun.elapsed().as_secs_f64() * 20_000.0;
    assert!(f64::from(admitted) <= most, "{admitted} were admitted, {most} at most");
}
