//! What a cancelled reservation gives back, and who may act then.
use crate::common::Clock;
use crate::{TEN, TENTH, Tenths};
use dormouse_sync::{Limit, RateLimiter};

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

/// A reservation made under another limit gives back what was not taken after it.
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
