//! A rate limiter in virtual time: exactly on time, in order, and what is given up is there for others.
use crate::kit::{ALL, Seen, below, give_up, join_all, pause, search, us};
use dormouse::prelude::*;
use dormouse::sync::{Limit, RateLimiter};
use std::sync::{Arc, Mutex};

/// 3 events in 10 us.
const EVENTS: u64 = 3;
const PERIOD: u64 = 10_000;

#[test]
fn waits() {
    search(ALL, async |seen: Seen<3>| {
        let burst = 1 + below(4) as u32;
        let limiter = Arc::new(RateLimiter::new(Limit::per(EVENTS, Duration::from_nanos(PERIOD)), burst));
        // When how many were admitted.
        let admitted = Arc::new(Mutex::new(Vec::new()));
        let mut tasks = Vec::new();
        for _ in 0..1 + below(12) {
            let (limiter, admitted, seen) = (limiter.clone(), admitted.clone(), seen.clone());
            let n = 1 + below(burst.into()) as u32;
            let admit = move || admitted.lock().unwrap().push((Instant::now(), u64::from(n)));
            match below(4) {
                0 => {
                    if limiter.allow_n(n) {
                        admit();
                        seen.note(0);
                    }
                }
                1 => {
                    if limiter.clone().wait_n(n).await.is_ok() {
                        admit();
                    }
                }
                2 => tasks.push(spawn(async move {
                    match give_up(limiter.wait_n(n)).await {
                        Some(_) => admit(),
                        None => seen.note(1),
                    }
                })),
                _ => {
                    let reservation = limiter.reserve_n(n).unwrap();
                    if below(2) == 0 {
                        reservation.cancel();
                    } else {
                        time::sleep(reservation.delay()).await;
                        assert!(reservation.delay().is_zero());
                        admit();
                        seen.note(2);
                    }
                }
            }
            pause().await;
        }
        join_all(tasks).await;
        // Between any two moments, no more than the bucket held and what has come meanwhile.
        let admitted = std::mem::take(&mut *admitted.lock().unwrap());
        for (index, (since, _)) in admitted.iter().enumerate() {
            let mut sum = 0;
            for (at, n) in &admitted[index..] {
                sum += n;
                // The first one may have acted up to a nanosecond late.
                let come = (at.duration_since(*since).as_nanos() as u64 + 1) * EVENTS;
                assert!(sum * PERIOD <= u64::from(burst) * PERIOD + come, "too many");
            }
        }
        // Nobody waits: the bucket fills up, and is full on time.
        time::sleep(us(10) * (burst + 20)).await;
        assert_eq!(limiter.tokens(), burst.into());
    });
}
