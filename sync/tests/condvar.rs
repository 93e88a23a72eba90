//! The condition variable poll by poll: tickets, each drop, deadlines.
mod common;

use common::{Clock, poll};
use dormouse_sync::futures::CondvarWait;
use dormouse_sync::{Condvar, Mutex};
use dormouse_testing::{Count, Event, hooked, panics, watch};
use dormouse_wait::frame::{BUDGET, Frame, Reason, Waits};
use futures::future::FusedFuture;
use std::mem::ManuallyDrop;
use std::pin::pin;
use std::sync::Arc;
use std::task::Waker;
use std::thread::panicking;
use std::time::Duration;
use tokio_test::task::{Spawn, spawn};
use tokio_test::{assert_pending, assert_ready};

type Wait<'a> = Spawn<CondvarWait<'a, 'a, u32>>;

fn waiting<'a>(mutex: &'a Mutex<u32>, condvar: &'a Condvar) -> Wait<'a> {
    let mut wait = spawn(condvar.wait(mutex.try_lock().expect("free")));
    assert_pending!(wait.poll());
    wait
}

#[test]
fn waits_unlocked_and_comes_back_locked() {
    let (mutex, condvar) = (Mutex::new(1), Condvar::new());
    let mut wait = spawn(condvar.wait(mutex.try_lock().unwrap()));
    assert!(mutex.is_locked(), "unlocked before it waits");
    assert_pending!(wait.poll());
    let mut guard = mutex.try_lock().expect("unlocked while it waits");
    *guard = 2;
    condvar.notify_one();
    assert!(wait.is_woken());
    assert_pending!(wait.poll(), "the mutex is locked");
    drop(guard);
    assert!(wait.is_woken());
    let guard = assert_ready!(wait.poll());
    assert!(*guard == 2 && mutex.is_locked());
}

/// F36: oldest ticket first; a signal without waiters is lost.
#[test]
fn signalled_in_order_and_not_stored() {
    let (mutex, condvar) = (Mutex::new(0), Condvar::new());
    condvar.notify_one();
    condvar.notify_all();
    let mut waits = [waiting(&mutex, &condvar), waiting(&mutex, &condvar), waiting(&mutex, &condvar)];
    for n in 0..3 {
        assert!(waits.iter().all(|wait| !wait.is_woken()));
        condvar.notify_one();
        assert_eq!(waits.each_ref().map(|wait| wait.is_woken()), [n == 0, n == 1, n == 2]);
        drop(assert_ready!(waits[n].poll()));
    }
}

/// It waits before its mutex is unlocked: who locks that at once, and signals, finds it.
#[test]
fn a_signal_at_the_unlock_is_seen() {
    let shared = Arc::new((Mutex::new(0), Condvar::new()));
    let mut wait = spawn(shared.1.wait(shared.0.try_lock().unwrap()));
    let waker = hooked({
        let shared = shared.clone();
        move |call| {
            if call == Event::Wake {
                shared.1.notify_one();
            }
        }
    });
    let mut next = pin!(shared.0.lock());
    assert!(poll(next.as_mut(), &waker).is_pending());
    drop(assert_ready!(wait.poll()));
}

/// No spurious wake-up: however often it is polled, without a signal it waits.
#[test]
fn waits_for_a_signal_only() {
    let (mutex, condvar) = (Mutex::new(0), Condvar::new());
    let mut wait = waiting(&mutex, &condvar);
    for _ in 0..100 {
        drop(mutex.try_lock().unwrap());
        assert_pending!(wait.poll());
    }
}

/// Beyond one batch of wakers.
#[test]
fn all_who_wait_are_signalled() {
    let (mutex, condvar) = (Mutex::new(0), Condvar::new());
    let mut waits: Vec<_> = (0..100).map(|_| waiting(&mutex, &condvar)).collect();
    condvar.notify_all();
    let mut late = waiting(&mutex, &condvar);
    for wait in &mut waits {
        assert!(wait.is_woken());
        drop(assert_ready!(wait.poll()));
    }
    assert_pending!(late.poll());
}

/// While a `notify_all` of more than one batch is on, who begins to wait then is not woken by it; and a `notify_one`
/// goes to that one, not to somebody who is woken anyway.
#[test]
fn a_batch_is_no_mark() {
    for one_more in [false, true] {
        let shared = Arc::new((Mutex::new(0), Condvar::new()));
        let next = Arc::new(std::sync::Mutex::new(None));
        let hook = {
            let (shared, next) = (shared.clone(), next.clone());
            hooked(move |call| {
                if call == Event::Wake {
                    let own = shared.clone();
                    let mut wait = spawn(Box::pin(async move {
                        drop(own.1.wait(own.0.lock().await).await);
                    }));
                    assert_pending!(wait.poll());
                    *next.lock().unwrap() = Some(wait);
                    if one_more {
                        shared.1.notify_one();
                    }
                }
            })
        };
        let mut first = pin!(shared.1.wait(shared.0.try_lock().unwrap()));
        assert!(poll(first.as_mut(), &hook).is_pending());
        drop(hook);
        let mut others: Vec<_> = (0..70).map(|_| waiting(&shared.0, &shared.1)).collect();
        shared.1.notify_all();
        for wait in &mut others {
            assert!(wait.is_woken());
            drop(assert_ready!(wait.poll()));
        }
        drop(poll(first.as_mut(), Waker::noop()));
        let mut next = next.lock().unwrap().take().expect("the first one was woken");
        assert_eq!(next.is_woken(), one_more);
        assert_eq!(next.poll().is_ready(), one_more);
    }
}

/// Dropped before its first poll it has unlocked; queued, it is gone.
#[test]
fn dropped_unsignalled() {
    let (mutex, condvar) = (Mutex::new(0), Condvar::new());
    drop(condvar.wait(mutex.try_lock().unwrap()));
    assert!(!mutex.is_locked());
    for gone in 0..3 {
        let mut waits: Vec<_> = (0..3).map(|_| waiting(&mutex, &condvar)).collect();
        drop(waits.remove(gone));
        for wait in &mut waits {
            condvar.notify_one();
            assert!(wait.is_woken());
            drop(assert_ready!(wait.poll()));
        }
        assert_eq!(format!("{condvar:?}"), "Condvar { waiters: false }");
    }
}

/// X5: signalled, and dropped before it could tell: the next one has the signal. Also while it waits for the mutex, which it
/// leaves to others then.
#[test]
fn dropped_signalled_forwards() {
    let (mutex, condvar) = (Mutex::new(0), Condvar::new());
    let (first, mut second) = (waiting(&mutex, &condvar), waiting(&mutex, &condvar));
    condvar.notify_one();
    drop(first);
    assert!(second.is_woken());
    let mut third = waiting(&mutex, &condvar);
    let guard = mutex.try_lock().unwrap();
    assert_pending!(second.poll());
    assert!(!third.is_woken());
    drop(guard);
    assert!(second.is_woken());
    drop(second); // woken for the mutex
    assert!(third.is_woken() && !mutex.is_locked());
    drop(assert_ready!(third.poll()));
    // What has returned keeps its signal.
    let (mut first, second) = (waiting(&mutex, &condvar), waiting(&mutex, &condvar));
    condvar.notify_one();
    drop(assert_ready!(first.poll()));
    drop(first);
    assert!(!second.is_woken());
}

/// Signalled together, nobody has a signal to leave.
#[test]
fn dropped_after_notify_all_forwards_nothing() {
    let (mutex, condvar) = (Mutex::new(0), Condvar::new());
    let first = waiting(&mutex, &condvar);
    condvar.notify_all();
    let late = waiting(&mutex, &condvar);
    drop(first);
    assert!(!late.is_woken());
}

#[test]
fn waits_while_the_condition_holds() {
    let (mutex, condvar) = (Mutex::new(0), Condvar::new());
    let asked = Count::shared();
    let mut wait = spawn(condvar.wait_while(mutex.try_lock().unwrap(), |n| {
        asked.add();
        *n < 2
    }));
    assert_eq!(asked.get(), 0);
    assert_pending!(wait.poll());
    for n in 1..=2 {
        *mutex.try_lock().unwrap() = n;
        assert!(!wait.is_woken());
        condvar.notify_one();
        assert!(wait.is_woken());
        assert_eq!(asked.get(), n as usize);
        if n == 1 {
            assert_pending!(wait.poll());
        }
    }
    assert_eq!(*assert_ready!(wait.poll()), 2);
    drop(wait);
    // It need not wait.
    let mut at_once = spawn(condvar.wait_while(mutex.try_lock().unwrap(), |_| false));
    drop(assert_ready!(at_once.poll()));
    assert!(!mutex.is_locked());
    // The condition's panic unlocks.
    let mut bad = Box::pin(condvar.wait_while(mutex.try_lock().unwrap(), |_| panic!("bad")));
    assert_eq!(panics(|| drop(poll(bad.as_mut(), Waker::noop()))), "bad");
    drop(bad);
    assert!(!mutex.is_locked());
}

const SECOND: Duration = Duration::from_secs(1);

#[test]
fn times_out() {
    Clock::with(|clock| {
        let (mutex, condvar) = (Mutex::new(0), Condvar::new());
        let mut wait = spawn(condvar.wait_timeout(mutex.try_lock().unwrap(), SECOND));
        clock.pass(5_000_000); // it begins with the first poll
        assert_pending!(wait.poll());
        clock.pass(999_000);
        assert_pending!(wait.poll());
        assert!(!wait.is_woken());
        let guard = mutex.try_lock().unwrap();
        clock.pass(1000);
        assert!(wait.is_woken());
        assert_pending!(wait.poll(), "the mutex is locked");
        // It waits no more: a signal is for others.
        let mut other = spawn(condvar.wait(guard));
        assert_pending!(other.poll());
        condvar.notify_one();
        assert!(other.is_woken() && wait.is_woken());
        let (guard, result) = assert_ready!(wait.poll());
        assert!(result.timed_out());
        drop(guard);
        drop(wait);
        drop(assert_ready!(other.poll()));
    });
}

#[test]
fn signalled_in_time() {
    Clock::with(|clock| {
        let (mutex, condvar) = (Mutex::new(0), Condvar::new());
        let mut wait = spawn(condvar.wait_timeout(mutex.try_lock().unwrap(), SECOND));
        assert_pending!(wait.poll());
        condvar.notify_one();
        clock.pass(1_000_000); // signalled first, though it is polled later
        assert!(!assert_ready!(wait.poll()).1.timed_out());
        // In time: its alarm is taken back, also while the future is kept.
        let mut wait = spawn(condvar.wait_timeout(mutex.try_lock().unwrap(), SECOND));
        assert_pending!(wait.poll());
        condvar.notify_one();
        drop(assert_ready!(wait.poll()));
        clock.pass(1_000_000);
        assert!(!wait.is_woken());
        // Dropped when signalled, it forwards.
        let mut gone = spawn(condvar.wait_timeout(mutex.try_lock().unwrap(), SECOND));
        assert_pending!(gone.poll());
        let next = waiting(&mutex, &condvar);
        condvar.notify_one();
        drop(gone);
        assert!(next.is_woken());
        // Dropped when its time is over, it has nothing.
        let mut gone = spawn(condvar.wait_timeout(mutex.try_lock().unwrap(), Duration::ZERO));
        let guard = mutex.try_lock();
        assert!(guard.is_none());
        assert!(assert_ready!(gone.poll()).1.timed_out());
        let mut ever = spawn(condvar.wait_timeout(mutex.try_lock().unwrap(), Duration::MAX));
        let alarms = clock.alarms();
        assert_pending!(ever.poll());
        assert_eq!(clock.alarms(), alarms, "there is no such time");
        condvar.notify_all();
        assert!(!assert_ready!(ever.poll()).1.timed_out());
    });
}

/// X7: a future polled from another task wakes that one, by a signal and by its alarm.
#[test]
fn another_task_is_woken() {
    Clock::with(|clock| {
        for timeout in [false, true] {
            let (mutex, condvar) = (Mutex::new(0), Condvar::new());
            let mut wait = pin!(condvar.wait_timeout(mutex.try_lock().unwrap(), SECOND));
            let end = || if timeout { clock.pass(1_000_000) } else { condvar.notify_one() };
            let (guard, result) = common::another_task_is_woken(wait.as_mut(), 1, end);
            assert_eq!((result.timed_out(), *guard), (timeout, 0));
            assert!(wait.is_terminated());
        }
    });
}

#[test]
fn repolled_panics() {
    let (mutex, condvar) = (Mutex::new(0), Condvar::new());
    let mut wait = waiting(&mutex, &condvar);
    condvar.notify_one();
    drop(assert_ready!(wait.poll()));
    assert!(panics(|| drop(wait.poll())).contains("polled after it had finished"));
}

#[test]
fn formats() {
    let (mutex, condvar) = (Mutex::new(0), Condvar::default());
    let _waits = waiting(&mutex, &condvar);
    let wait = condvar.wait(mutex.try_lock().unwrap());
    assert!(!wait.is_terminated());
    assert_eq!(format!("{condvar:?} {wait:?}"), "Condvar { waiters: true } CondvarWait { done: false, .. }");
    drop(wait);
    let wait = condvar.wait_while(mutex.try_lock().unwrap(), |_| true);
    assert_eq!(format!("{wait:?}"), "CondvarWaitWhile { done: false, .. }");
    drop(wait);
    let wait = condvar.wait_timeout(mutex.try_lock().unwrap(), SECOND);
    assert_eq!(format!("{wait:?}"), "CondvarWaitTimeout { done: false, .. }");
}

#[test]
fn wait_reason() {
    let (mutex, condvar) = (Mutex::new(0), Condvar::new());
    let waits = Waits::new();
    let frame = Frame::new(&waits);
    let (mut wait, line) = (spawn(condvar.wait(mutex.try_lock().unwrap())), line!());
    frame.enter(|| assert_pending!(wait.poll()));
    let (reason, site) = waits.get();
    assert_eq!((reason, site.unwrap().line(), site.unwrap().file()), (Reason::CondWait, line, file!()));
    let _guard = mutex.try_lock().unwrap();
    condvar.notify_one();
    frame.enter(|| assert_pending!(wait.poll()));
    let (reason, site) = waits.get();
    assert_eq!((reason, site.unwrap().line()), (Reason::MutexLock, line));
}

/// A wait costs an operation; a refused one has not begun, and holds its guard.
#[test]
fn budget() {
    let (mutex, condvar) = (Mutex::new(0), Condvar::new());
    Frame::new(&Waits::new()).enter(|| {
        for _ in 0..BUDGET {
            drop(waiting(&mutex, &condvar));
        }
        let mut refused = spawn(condvar.wait(mutex.try_lock().unwrap()));
        assert_pending!(refused.poll());
        assert!(refused.is_woken() && mutex.is_locked());
    });
    assert!(!mutex.is_locked());
}

#[test]
fn blocking_threads() {
    let _watch = watch();
    let (mutex, condvar) = (Mutex::new(0), Condvar::new());
    std::thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| {
                for _ in 0..500 {
                    let mut guard = mutex.lock_blocking();
                    while *guard == 0 {
                        guard = condvar.wait_blocking(guard);
                    }
                    *guard -= 1;
                }
            });
        }
        for _ in 0..1000 {
            *mutex.lock_blocking() += 1;
            condvar.notify_one();
        }
    });
    assert_eq!(mutex.into_inner(), 0);
}

#[test]
#[should_panic(expected = "use `wait(guard).await` there")]
fn blocking_inside_a_task_panics() {
    let (mutex, condvar) = (Mutex::new(0), Condvar::new());
    Frame::new(&Waits::new()).enter(|| drop(condvar.wait_blocking(mutex.try_lock().unwrap())));
}

#[test]
fn a_waker_that_panics_when_dropped_costs_no_guard() {
    let (condvar, mutex) = (Condvar::new(), Mutex::new(()));
    let waker = ManuallyDrop::new(hooked(|call| assert!(call != Event::Drop || panicking(), "a bad waker")));
    let mut wait = Box::pin(condvar.wait_timeout(mutex.try_lock().unwrap(), Duration::from_secs(3600)));
    assert_pending!(poll(wait.as_mut(), &waker));
    assert_pending!(poll(wait.as_mut(), &waker)); // another clone for the alarm
    condvar.notify_one();
    let (_guard, result) = assert_ready!(poll(wait.as_mut(), &waker));
    assert!(!result.timed_out());
}
