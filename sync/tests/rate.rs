//! The rate limiter: Go's tables of x/time/rate, exactness, order, what is given back, and waits in a clock that is moved by
//! hand.
mod common;

use common::Clock;
use dormouse_sync::futures::RateWait;
use dormouse_sync::{Instant, Limit, RateLimiter, Reservation};
use dormouse_testing::{Count, watch};
use dormouse_wait::frame::{BUDGET, Frame, Reason, Waits};
use futures::future::FusedFuture;
use std::task::Waker;
use std::time::Duration;
use tokio_test::task::{Spawn, spawn};
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

fn waits(limiter: &RateLimiter, count: usize) -> Vec<Spawn<RateWait<'_>>> {
    let mut waits: Vec<_> = (0..count).map(|_| spawn(limiter.wait())).collect();
    waits.iter_mut().for_each(|wait| assert_pending!(wait.poll()));
    waits
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
fn cancels_as_in_go() {
    // The last one: all of it comes back.
    Clock::with(|clock| {
        let limiter = RateLimiter::new(TEN, 2);
        clock.reserve(&limiter, 0, 2, 0);
        let reservation = limiter.reserve_n(2).unwrap();
        clock.tenth(1);
        reservation.cancel();
        clock.reserve(&limiter, 1, 2, 2);
    });
    // At the last instant.
    Clock::with(|clock| {
        let limiter = RateLimiter::new(TEN, 2);
        clock.reserve(&limiter, 0, 2, 0);
        let reservation = limiter.reserve_n(2).unwrap();
        clock.tenth(2);
        reservation.cancel();
        clock.reserve(&limiter, 2, 2, 2);
    });
    // Too late.
    Clock::with(|clock| {
        let limiter = RateLimiter::new(TEN, 2);
        clock.reserve(&limiter, 0, 2, 0);
        let reservation = limiter.reserve_n(2).unwrap();
        clock.tenth(3);
        reservation.cancel();
        clock.reserve(&limiter, 3, 2, 4);
    });
    // Others have taken as many after it, or fewer.
    for (later, acts) in [(2, 6), (1, 4)] {
        Clock::with(|clock| {
            let limiter = RateLimiter::new(TEN, 2);
            clock.reserve(&limiter, 0, 2, 0);
            let reservation = limiter.reserve_n(2).unwrap();
            clock.reserve(&limiter, 0, later, 2 + later);
            clock.tenth(1);
            reservation.cancel();
            clock.reserve(&limiter, 1, 2, acts);
        });
    }
    // Several: the last one's, and then of the first one's what was not taken after it.
    Clock::with(|clock| {
        let limiter = RateLimiter::new(TEN, 4);
        clock.reserve(&limiter, 0, 4, 0);
        let first = limiter.reserve_n(3).unwrap();
        clock.reserve(&limiter, 0, 1, 4);
        let last = limiter.reserve_n(1).unwrap();
        assert_eq!((clock.acts(&first), clock.acts(&last)), (3.0, 5.0));
        clock.tenth(1);
        last.cancel();
        first.cancel();
        clock.reserve(&limiter, 1, 3, 5);
    });
}

/// The last one in the queue is gone: what came back is for whoever comes next, at once.
#[test]
fn a_cancelled_reservation_holds_nobody_up() {
    Clock::with(|clock| {
        let limiter = RateLimiter::new(TEN, 3);
        clock.reserve(&limiter, 0, 3, 0);
        let large = limiter.reserve_n(3).unwrap();
        clock.tenth(2);
        large.cancel();
        clock.reserve(&limiter, 2, 1, 2);
        assert!(limiter.allow() && !limiter.allow());
    });
    // The one before it keeps its place.
    Clock::with(|clock| {
        let limiter = RateLimiter::new(TEN, 4);
        clock.reserve(&limiter, 0, 4, 0);
        let first = limiter.reserve_n(3).unwrap();
        clock.reserve(&limiter, 0, 2, 5);
        first.cancel();
        let third = limiter.reserve().unwrap();
        assert_eq!(clock.acts(&third), 5.0);
        clock.tenth(4);
        third.cancel();
        assert_eq!(limiter.tokens(), 0.0);
        clock.tenth(5);
        assert!(limiter.allow());
    });
}

/// Who comes after a cancel does not pass who came before it, and nothing comes back twice. (In Go's it may.)
#[test]
fn a_cancel_lets_nobody_pass() {
    Clock::with(|clock| {
        let limiter = RateLimiter::new(TEN, 4);
        clock.reserve(&limiter, 0, 4, 0);
        let large = limiter.reserve_n(3).unwrap();
        let middle = limiter.reserve_n(2).unwrap();
        large.cancel();
        clock.reserve(&limiter, 0, 1, 5);
        middle.cancel();
        clock.reserve(&limiter, 0, 1, 5);
    });
    Clock::with(|clock| {
        let limiter = RateLimiter::new(TEN, 4);
        clock.reserve(&limiter, 0, 4, 0);
        let large = limiter.reserve_n(3).unwrap();
        let small = limiter.reserve().unwrap();
        assert_eq!(clock.acts(&small), 4.0);
        large.cancel();
        clock.reserve(&limiter, 0, 1, 4);
        small.cancel();
        assert_eq!(limiter.tokens(), -2.0, "of five, two came back of the large one, and the small one");
    });
    Clock::with(|clock| {
        let limiter = RateLimiter::new(TEN, 4);
        clock.reserve(&limiter, 0, 4, 0);
        let large = limiter.reserve_n(4).unwrap();
        clock.reserve(&limiter, 0, 1, 5);
        large.cancel();
        clock.tenth(4);
        assert_eq!(limiter.tokens(), 2.0);
        assert!(!limiter.allow(), "one who came before acts later");
        clock.tenth(5);
        assert!(limiter.allow());
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

/// A reservation made under another limit gives back what was not taken after it.
#[test]
fn a_cancel_of_the_last_holds_nobody_up() {
    Clock::with(|clock| {
        let limiter = RateLimiter::new(TEN, 2);
        assert!(limiter.allow_n(2));
        let last = limiter.reserve_n(2).unwrap();
        assert_eq!(clock.acts(&last), 2.0);
        clock.set(TENTH * 3 / 2);
        last.cancel();
        assert_eq!(limiter.tokens(), 1.5);
        assert!(limiter.allow(), "there is a token, and nobody waits");
    });
}

#[test]
fn a_cancel_after_the_limit_was_changed() {
    Clock::with(|clock| {
        let limiter = RateLimiter::new(TEN, 4);
        clock.reserve(&limiter, 0, 4, 0);
        let first = limiter.reserve_n(3).unwrap();
        clock.reserve(&limiter, 0, 1, 4);
        assert_eq!(limiter.tokens(), -4.0);
        limiter.set_limit(Limit::per_second(5));
        assert_eq!(limiter.tokens(), -4.0);
        first.cancel();
        assert_eq!(limiter.tokens(), -2.0);
        limiter.set_limit(Limit::INF);
        assert_eq!(limiter.tokens(), 4.0);
        limiter.set_limit(TEN);
        assert_eq!(limiter.tokens(), 4.0);
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
