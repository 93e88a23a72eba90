//! The mutex.
use super::*;
use crate::{Mutex, MutexGuard};

fn data() -> Arc<Mutex<Data>> {
    Arc::new(Mutex::new(UnsafeCell::new(0)))
}

fn try_lock(mutex: &Mutex<Data>) -> Option<MutexGuard<'_, Data>> {
    step();
    mutex.try_lock()
}

fn total(mutex: &Mutex<Data>) -> usize {
    assert!(mutex.is_idle(), "everybody has unlocked, and nobody waits: {mutex:?}");
    read(&mutex.try_lock().expect("idle"))
}

fn lock_and_bump(mutex: &Arc<Mutex<Data>>, times: usize) -> thread::JoinHandle<()> {
    let mutex = mutex.clone();
    thread::spawn(move || {
        for _ in 0..times {
            let guard = block_on(mutex.lock());
            bump(&guard);
            let_go(guard);
        }
    })
}

#[test]
fn excludes() {
    check(None, STILL, || {
        let mutex = data();
        let other = lock_and_bump(&mutex, 1);
        bump(&block_on(mutex.lock()));
        if let Some(guard) = try_lock(&mutex) {
            bump(&guard);
            bump(&guard);
        }
        other.join().unwrap();
        assert!([2, 4].contains(&total(&mutex)));
    });
}

/// Two wait, one unlocks: both get it. And the one who unlocks comes back and barges.
#[test]
fn no_lost_wake_up() {
    for step in [STILL, STARVING] {
        check(Some(3), step, || {
            let mutex = data();
            let guard = try_lock(&mutex).unwrap();
            let others = [lock_and_bump(&mutex, 1), lock_and_bump(&mutex, 1)];
            bump(&guard);
            let_go(guard);
            bump(&block_on(mutex.lock()));
            for other in others {
                other.join().unwrap();
            }
            assert_eq!(total(&mutex), 4);
        });
    }
}

/// Two threads lock twice each while every loser starves: hand-overs against `try_lock` and barging.
#[test]
fn hand_over() {
    check(Some(3), STARVING, || {
        let mutex = data();
        let other = lock_and_bump(&mutex, 2);
        for _ in 0..2 {
            bump(&block_on(mutex.lock()));
        }
        let extra = try_lock(&mutex).map(|guard| bump(&guard)).is_some();
        other.join().unwrap();
        assert_eq!(total(&mutex), 4 + usize::from(extra));
    });
}

/// A future dropped after one poll, and after a second one, against an unlock; another waits behind it.
fn dropped_waiter(step: Duration, polls: usize, relock: bool) {
    check(Some(3), step, move || {
        let mutex = data();
        let guard = try_lock(&mutex).unwrap();
        let dropper = {
            let mutex = mutex.clone();
            thread::spawn(move || {
                let (_, waker) = Signal::new();
                let mut lock = pin!(mutex.lock());
                for _ in 0..polls {
                    if let Poll::Ready(guard) = poll(lock.as_mut(), &waker) {
                        bump(&guard);
                        return 1;
                    }
                }
                0
            })
        };
        let waiter = lock_and_bump(&mutex, 1);
        bump(&guard);
        let_go(guard);
        let mut count = 2;
        if relock && let Some(guard) = try_lock(&mutex) {
            bump(&guard);
            count += 1;
        }
        waiter.join().unwrap();
        count += dropper.join().unwrap();
        assert_eq!(total(&mutex), count);
    });
}

#[test]
fn drop_of_queued_or_woken_waiter() {
    dropped_waiter(STILL, 1, false);
}

#[test]
fn drop_against_barging() {
    dropped_waiter(STILL, 2, true);
}

#[test]
fn drop_against_hand_over() {
    dropped_waiter(STARVING, 2, true);
}

/// X4: a waiter that is certainly owed the lock is dropped while the owner hands it over.
#[test]
fn drop_of_starving_waiter() {
    check(Some(3), STARVING, || {
        let mutex = data();
        let guard = try_lock(&mutex).unwrap();
        let (signal, waker) = Signal::new();
        let mut starving = Box::pin(mutex.clone().lock_owned());
        assert!(poll(starving.as_mut(), &waker).is_pending());
        let_go(guard); // wakes it
        assert!(signal.is_woken());
        let guard = mutex.clone().try_lock_owned().expect("free, barging is allowed");
        assert!(poll(starving.as_mut(), &waker).is_pending()); // it lost, and is owed the lock from now on
        let waiter = lock_and_bump(&mutex, 1);
        let unlocker = thread::spawn(move || let_go(guard));
        let_go(starving);
        unlocker.join().unwrap();
        waiter.join().unwrap();
        assert_eq!(total(&mutex), 1);
    });
}

/// A woken waiter that nobody polls: after `PATIENCE` unlocks the next one is woken as well.
#[test]
fn passes_over_a_lost_waiter() {
    check(None, STILL, || {
        let mutex = data();
        let guard = try_lock(&mutex).unwrap();
        let (signal, waker) = Signal::new();
        let mut lost = Box::pin(mutex.clone().lock_owned());
        assert!(poll(lost.as_mut(), &waker).is_pending());
        let (second, waker) = Signal::new();
        let mut next = Box::pin(mutex.clone().lock_owned());
        assert!(poll(next.as_mut(), &waker).is_pending());
        let_go(guard);
        assert!(signal.is_woken() && !second.is_woken());
        let other = {
            let mutex = mutex.clone();
            thread::spawn(move || try_lock(&mutex).map(drop).is_some())
        };
        let here = try_lock(&mutex).map(drop).is_some();
        // The first unlock is counted, the second one wakes; one `try_lock` may have failed beside the other.
        let there = other.join().unwrap();
        drop(try_lock(&mutex).unwrap());
        assert!(here || there);
        if !(here && there) {
            drop(try_lock(&mutex).unwrap());
        }
        assert!(second.is_woken());
        drop(next);
        drop(lost);
        assert!(mutex.is_idle());
    });
}

/// Futurelock: the lock is handed over to one that comes back, or goes, at any moment while another looks at it, with a clock
/// that steps by 1 ms at each look: it is taken back, or claimed, or given up, once.
#[test]
fn taken_back_against_claim_and_drop() {
    for dropped in [false, true] {
        check(Some(2), STARVING, move || {
            let mutex = data();
            let guard = try_lock(&mutex).unwrap();
            let mut first = Box::pin(mutex.clone().lock_owned());
            let (_, waker) = Signal::new();
            assert!(poll(first.as_mut(), &waker).is_pending());
            let_go(guard);
            // It is woken, and loses: now it is owed the lock, and gets it.
            let guard = try_lock(&mutex).unwrap();
            assert!(poll(first.as_mut(), &waker).is_pending());
            let_go(guard);
            assert!(try_lock(&mutex).is_none());
            let other = come_or_go(first, dropped, |guard| bump(guard));
            // It queues, sees it, and takes it back, or is served.
            let guard = block_on_looking(mutex.lock());
            bump(&guard);
            let_go(guard);
            other.join().unwrap();
            assert_eq!(total(&mutex), 1 + usize::from(!dropped));
        });
    }
}
