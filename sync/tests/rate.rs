//! The rate limiter in a clock that is moved by hand: Go's tables of x/time/rate, changed limits, exactness.
#[path = "rate/cancels.rs"]
mod cancels;
mod common;
#[path = "rate/waits.rs"]
mod waits;

use common::Clock;
use dormouse_sync::{Limit, RateLimiter, Reservation};
use std::time::Duration;
use tokio_test::task::spawn;
use tokio_test::{assert_pending, assert_ready, assert_ready_ok};

/// A tenth of a second: at 10 per second, the time of a token.
const TENTH: Duration = Duration::from_millis(100);
const TEN: Limit = Limit::per_second(10);

/// The clock, in tenths of a second after its start.
trait Tenths {
    fn tenth(&self, number: u32);
    /// When it may act.
    fn acts(&self, reservation: &Reservation<'_>) -> f64;
    /// At `now` a reservation of `n` may act at `acts`.
    fn reserve(&self, limiter: &RateLimiter, now: u32, n: u32, acts: u32);
}

impl Tenths for Clock {
    fn tenth(&self, number: u32) {
        self.set(TENTH * number);
    }
    fn acts(&self, reservation: &Reservation<'_>) -> f64 {
        let at = reservation.act_at().unwrap();
        at.duration_since(self.start).as_secs_f64() * 10.0
    }
    #[track_caller]
    fn reserve(&self, limiter: &RateLimiter, now: u32, n: u32, acts: u32) {
        self.tenth(now);
        let reservation = limiter.reserve_n(n).unwrap();
        assert_eq!(self.acts(&reservation), acts.into(), "{n} at {now}");
    }
}

#[test]
fn limits() {
    assert_eq!(Limit::per(30, Duration::from_secs(60)), Limit::every(Duration::from_secs(2)));
    assert_eq!(Limit::every(Duration::ZERO), Limit::INF);
    assert_eq!(Limit::per_second(0), Limit::ZERO);
    assert_eq!(Limit::every(TENTH), TEN);
    let odd = Limit::per(u64::MAX, Duration::MAX);
    assert_eq!(format!("{TEN:?} {:?} {:?}", Limit::INF, Limit::ZERO), "1 per 100ms Limit::INF Limit::ZERO");
    let limiter = RateLimiter::new(odd, u32::MAX);
    assert!(limiter.allow_n(u32::MAX));
    assert!(limiter.tokens() < u32::MAX.into());
}

#[test]
fn allow_as_in_go() {
    Clock::with(|clock| {
        for (burst, table) in [
            (
                1,
                vec![
                    (0, 1, true),
                    (0, 1, false),
                    (0, 1, false),
                    (1, 1, true),
                    (1, 1, false),
                    (2, 2, false),
                    (2, 1, true),
                    (2, 1, false),
                ],
            ),
            (
                3,
                vec![
                    (0, 2, true),
                    (0, 2, false),
                    (0, 1, true),
                    (0, 1, false),
                    (1, 4, false),
                    (2, 1, true),
                    (3, 1, true),
                    (4, 1, true),
                    (4, 1, true),
                    (4, 1, false),
                    (4, 1, false),
                    (9, 3, true),
                    (9, 1, false),
                ],
            ),
        ] {
            clock.tenth(0);
            let limiter = RateLimiter::new(TEN, burst);
            for (at, n, allowed) in table {
                clock.tenth(at);
                assert_eq!(limiter.allow_n(n), allowed, "{n} of {burst} at {at}");
            }
        }
    });
}

#[test]
fn a_clock_that_goes_back() {
    Clock::with(|clock| {
        let limiter = RateLimiter::new(TEN, 3);
        for (at, allowed) in [(1, true), (0, true), (0, true), (0, false), (1, false), (2, true), (2, false)]
        {
            clock.tenth(at);
            assert_eq!(limiter.allow(), allowed, "at {at}");
        }
    });
}

#[test]
fn reservations_as_in_go() {
    Clock::with(|clock| {
        let limiter = RateLimiter::new(TEN, 2);
        clock.reserve(&limiter, 0, 2, 0);
        clock.reserve(&limiter, 0, 2, 2);
        clock.reserve(&limiter, 3, 2, 4);
    });
    Clock::with(|clock| {
        let limiter = RateLimiter::new(TEN, 2);
        assert!(limiter.reserve_n(3).is_err());
        clock.reserve(&limiter, 0, 2, 0);
        assert!(limiter.reserve_n(3).is_err());
        clock.tenth(1);
        assert!(!limiter.allow_n(2));
        clock.reserve(&limiter, 1, 2, 2);
        clock.tenth(3);
        assert!(!limiter.allow_n(2) && limiter.allow());
    });
}

#[test]
fn changed_limits_as_in_go() {
    Clock::with(|clock| {
        let limiter = RateLimiter::new(Limit::per_second(5), 2);
        clock.reserve(&limiter, 0, 2, 0);
        clock.reserve(&limiter, 0, 2, 4);
        clock.tenth(2);
        limiter.set_limit(TEN);
        assert_eq!(limiter.limit(), TEN);
        clock.reserve(&limiter, 2, 1, 4);
    });
    Clock::with(|clock| {
        let limiter = RateLimiter::new(TEN, 2);
        clock.reserve(&limiter, 0, 2, 0);
        clock.reserve(&limiter, 0, 1, 1);
        limiter.set_burst(4);
        assert_eq!(limiter.burst(), 4);
        clock.reserve(&limiter, 0, 4, 5);
        clock.tenth(20);
        assert_eq!(limiter.tokens(), 4.0);
        limiter.set_burst(1);
        assert_eq!(limiter.tokens(), 1.0, "what is beyond it is gone");
        limiter.set_burst(4);
        assert_eq!(limiter.tokens(), 1.0);
    });
}

/// A limit that lets more through does so for those who come later, behind those who wait.
#[test]
fn a_changed_limit_lets_nobody_pass() {
    Clock::with(|clock| {
        let limiter = RateLimiter::new(TEN, 4);
        clock.reserve(&limiter, 0, 4, 0);
        clock.reserve(&limiter, 0, 3, 3);
        limiter.set_limit(Limit::per_second(1000));
        clock.reserve(&limiter, 1, 1, 3);
    });
}

#[test]
fn without_limit_and_without_events() {
    Clock::with(|clock| {
        let open = RateLimiter::new(Limit::INF, 0);
        assert!(open.allow_n(u32::MAX) && open.reserve().unwrap().delay().is_zero());
        assert_ready_ok!(spawn(open.wait_n(7)).poll());
        let shut = RateLimiter::new(Limit::ZERO, 2);
        assert!(shut.allow() && shut.allow() && !shut.allow());
        let never = shut.reserve().unwrap();
        assert_eq!((never.delay(), never.act_at()), (Duration::MAX, None));
        let mut wait = spawn(shut.wait());
        assert_pending!(wait.poll());
        clock.set(Duration::from_secs(1 << 30));
        assert_pending!(wait.poll());
        assert!(clock.alarms().is_empty());
        drop(wait);
        never.cancel();
        shut.set_limit(Limit::every(TENTH));
        assert!(!shut.allow());
        let none = RateLimiter::new(TEN, 0);
        assert!(!none.allow() && none.reserve().is_err());
        let error = assert_ready!(spawn(none.wait()).poll()).unwrap_err();
        assert_eq!(error.to_string(), "rate: 1 at once exceeds the limiter's burst of 0");
    });
}

/// 3 per second is no whole number of nanoseconds: after a billion events not one is early or late.
#[test]
fn a_billion_events_do_not_drift() {
    Clock::with(|clock| {
        const BURST: u32 = 1000;
        const EVENTS: u64 = 1_000_000_000;
        let limiter = RateLimiter::new(Limit::per_second(3), BURST);
        let mut taken = 0u64;
        while taken < EVENTS {
            let reservation = limiter.reserve_n(BURST).unwrap();
            taken += u64::from(BURST);
            let nanos = (taken - u64::from(BURST)) as u128 * 1_000_000_000;
            let exact = Duration::from_nanos(nanos.div_ceil(3) as u64);
            assert_eq!(reservation.act_at(), Some(clock.start + exact), "after {taken}");
            // As a program would: it acts then, and asks again.
            clock.set(exact);
        }
    });
}

/// A reservation given back each time leaves nothing behind, whatever the moment.
#[test]
fn a_million_cancels_do_not_drift() {
    Clock::with(|clock| {
        let limiter = RateLimiter::new(Limit::per_second(3), 1);
        assert!(limiter.allow());
        let first = limiter.reserve().unwrap().act_at();
        for turn in 0..1_000_000u64 {
            clock.set(Duration::from_nanos(turn % 333_000_000));
            let second = limiter.reserve().unwrap();
            assert_eq!(second.act_at(), Some(clock.start + Duration::from_nanos(666_666_667)));
            second.cancel();
        }
        assert_eq!(first, Some(clock.start + Duration::from_nanos(333_333_334)));
    });
}
