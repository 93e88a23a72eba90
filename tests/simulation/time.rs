//! Timers in virtual time: sleeps, resets, timeouts, intervals, of nanoseconds to years, given up at random. All are on
//! time to the nanosecond.
use crate::kit::{ALL, NO_ABORTS, Seen, after_turns, below, join_all, one_in, search, turns};
use dormouse::prelude::*;
use dormouse::sim;
use dormouse::time::MissedTickBehavior;
use std::future::{pending, poll_fn};
use std::pin::{Pin, pin};

/// Any duration: each order of magnitude up to months is as likely, and so are neighbours.
fn some_time() -> Duration {
    Duration::from_nanos(below(1 << below(53)) / 4 * 4)
}

/// Polls once.
async fn poll_once<F: Future>(mut future: Pin<&mut F>) -> bool {
    poll_fn(|cx| std::task::Poll::Ready(future.as_mut().poll(cx).is_ready())).await
}

/// Waits in some way, and ends exactly when it should.
async fn wait_somehow(seen: &Seen<5>) {
    let begun = sim::now();
    let (a, b) = (some_time(), some_time());
    let expected = match below(8) {
        0 => {
            time::sleep(a).await;
            a
        }
        1 => {
            time::sleep_until(Instant::now() + a).await;
            a
        }
        2 => {
            let inner = async {
                time::sleep(a).await;
                sim::now()
            };
            match time::timeout(b, inner).await {
                Ok(at) => assert_eq!(at, begun + a),
                Err(_) => {
                    assert!(b <= a);
                    seen.note(0);
                }
            }
            a.min(b)
        }
        3 => {
            assert!(time::timeout(a, pending::<()>()).await.is_err());
            a
        }
        4 => {
            if after_turns(below(3), time::sleep(a)).await.is_none() {
                seen.note(1);
                assert_eq!(sim::now(), begun, "turns take no time");
                return;
            }
            a
        }
        5 => {
            let event = time::after(a);
            let deadline = event.deadline();
            assert_eq!(event.await, deadline);
            a
        }
        6 => {
            let (done, is_done) = chan::bounded(1);
            let set = a + Duration::from_nanos(1);
            let timer = time::after_func(set, move || _ = done.try_send(sim::now()));
            // Later, or sooner.
            assert!(timer.reset(b), "it was set");
            drop(timer);
            // None: the task of the call was aborted.
            let called = is_done.recv().await;
            assert!(called.is_none_or(|at| at == begun + b), "called at {called:?}");
            b
        }
        _ => {
            let first = select! { () = time::sleep(a) => a, () = time::sleep(b) => b };
            assert_eq!(first, a.min(b), "the later of two sleeps was first");
            first
        }
    };
    assert_eq!(sim::now(), begun + expected);
    if expected > Duration::from_secs(60) {
        seen.note(2);
    }
}

/// A sleep that is reset before, while and after it waits.
async fn resets(seen: &Seen<5>) {
    let mut sleep = pin!(time::sleep(some_time()));
    for _ in 0..1 + below(5) {
        match below(4) {
            0 => {
                let deadline = sleep.deadline();
                let due = deadline.max(Instant::now());
                sleep.as_mut().await;
                assert_eq!(Instant::now(), due);
                assert!(sleep.is_elapsed());
                seen.note(3);
            }
            1 => {
                let ready = poll_once(sleep.as_mut()).await;
                assert!(!ready || sleep.deadline() <= Instant::now(), "early");
            }
            2 => {
                // Forward or back from where it was, also into the past.
                let deadline = sleep.deadline();
                let to = if one_in(2) {
                    deadline + some_time()
                } else {
                    deadline.checked_sub(some_time()).unwrap_or(deadline)
                };
                sleep.as_mut().reset(to);
                assert_eq!(sleep.deadline(), to);
                assert!(!sleep.is_elapsed());
            }
            _ => time::sleep(some_time()).await,
        }
    }
    let due = sleep.deadline().max(Instant::now());
    sleep.await;
    assert_eq!(Instant::now(), due);
}

/// An interval against Go's and tokio's rules, computed here: when each tick is due, when it is given.
async fn ticks(seen: &Seen<5>) {
    let period = some_time() + Duration::from_nanos(1);
    let base = Instant::now();
    let (mut ticks, mut due) = match below(3) {
        0 => (time::interval(period), base),
        1 => (time::ticker(period), base + period),
        _ => (time::interval_at(base + period / 2, period), base + period / 2),
    };
    let missed =
        [MissedTickBehavior::Skip, MissedTickBehavior::Burst, MissedTickBehavior::Delay][below(3) as usize];
    ticks.set_missed_tick_behavior(missed);
    for _ in 0..1 + below(6) {
        match below(5) {
            0 => time::sleep(some_time().min(period * 5)).await,
            1 => {
                ticks.reset();
                due = Instant::now() + period;
            }
            2 if due > Instant::now() => {
                assert!(after_turns(below(3), ticks.tick()).await.is_none(), "turns take no time");
            }
            _ => {
                let given = due.max(Instant::now());
                assert_eq!(ticks.tick().await, due, "the time at which it was due");
                assert_eq!(Instant::now(), given);
                due += period;
                if given >= due {
                    seen.note(4);
                    due = match missed {
                        MissedTickBehavior::Burst => due,
                        MissedTickBehavior::Delay => given + period,
                        MissedTickBehavior::Skip => {
                            let behind = given.duration_since(due).as_nanos() / period.as_nanos();
                            due + period * (u32::try_from(behind).unwrap() + 1)
                        }
                    };
                }
            }
        }
    }
}

#[test]
fn on_time_to_the_nanosecond() {
    search(ALL, async |seen: Seen<5>| {
        let tasks = (0..1 + below(5)).map(|_| {
            let seen = seen.clone();
            spawn(async move {
                for _ in 0..1 + below(4) {
                    match below(3) {
                        0 => wait_somehow(&seen).await,
                        1 => resets(&seen).await,
                        _ => ticks(&seen).await,
                    }
                }
            })
        });
        join_all(tasks.collect()).await;
    });
}

/// Timers of the same instant, many of them cancelled as others fire: each that is left fires at its time, in any order.
#[test]
fn many_at_one_instant() {
    search(NO_ABORTS, async |seen: Seen<1>| {
        let at = Instant::now() + some_time();
        let tasks = (0..2 + below(12)).map(|_| {
            let seen = seen.clone();
            spawn(async move {
                let mut others: Vec<_> = (0..below(4)).map(|_| Box::pin(time::sleep_until(at))).collect();
                for other in &mut others {
                    poll_once(other.as_mut()).await;
                }
                turns(below(3)).await;
                time::sleep_until(at).await;
                assert!(Instant::now() >= at);
                if one_in(2) {
                    for other in others {
                        other.await;
                        seen.note(0);
                    }
                }
                Instant::now()
            })
        });
        let tasks: Vec<_> = tasks.collect();
        let begun = Instant::now();
        for done in join_all(tasks).await {
            assert_eq!(done, Some(at.max(begun)));
        }
    });
}
