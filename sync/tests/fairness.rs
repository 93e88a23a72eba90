//! Go's fairness, by a clock that the tests move: who barges, who is handed the lock, and when the clock is read; and in
//! which order those are woken who go on together.
mod common;

use common::{Clock, poll, two_wait};
use dormouse_sync::{Barrier, Condvar, Context, Mutex, Notify, OnceCell, RwLock, Semaphore, WaitGroup};
use dormouse_testing::{Event, hooked};
use std::future::Future;
use std::sync::Arc;
use tokio_test::task::spawn;
use tokio_test::{assert_pending, assert_ready};

/// Nobody looks at the clock as long as nobody waits, and an unlock never does.
#[test]
fn the_clock_is_read_by_waiters_only() {
    Clock::with(|clock| {
        let mutex = Mutex::new(());
        for _ in 0..10 {
            drop(assert_ready!(spawn(mutex.lock()).poll()));
        }
        let guard = mutex.try_lock().unwrap();
        assert_eq!(clock.looks(), 0);
        let mut waiter = spawn(mutex.lock());
        assert_pending!(waiter.poll());
        assert_eq!(clock.looks(), 1);
        drop(guard);
        drop(assert_ready!(waiter.poll()));
        assert_eq!(clock.looks(), 1);
    });
}

/// A woken waiter that finds the lock taken again goes before those who came after it.
#[test]
fn a_loser_goes_to_the_front() {
    Clock::with(|_| {
        let mutex = Mutex::new(());
        let (guard, mut a, mut b) = two_wait(&mutex);
        drop(guard);
        let barged = mutex.try_lock().expect("a free lock is for all");
        assert_pending!(a.poll());
        drop(barged);
        assert!(a.is_woken() && !b.is_woken());
        drop(assert_ready!(a.poll()));
        assert!(b.is_woken());
        drop(assert_ready!(b.poll()));
    });
}

/// Two waiters of which the first one loses after `micros` since it queued: then the lock is given up once more.
fn lost_after(micros: u64, check: impl FnOnce(&Arc<Mutex<()>>, [Waiter; 2])) {
    Clock::with(|clock| {
        let mutex = Arc::new(Mutex::new(()));
        let guard = mutex.try_lock().unwrap();
        let mut waiters = [spawn(mutex.clone().lock_owned()), spawn(mutex.clone().lock_owned())];
        assert_pending!(waiters[0].poll());
        clock.pass(micros);
        assert_pending!(waiters[1].poll());
        drop(guard);
        let barged = mutex.try_lock().expect("a free lock is for all");
        assert_pending!(waiters[0].poll());
        drop(barged);
        assert!(waiters[0].is_woken() && !waiters[1].is_woken());
        check(&mutex, waiters);
    });
}

type Waiter = tokio_test::task::Spawn<dormouse_sync::futures::LockOwned<()>>;

#[test]
fn just_below_a_millisecond_all_compete() {
    lost_after(999, |mutex, _waiters| assert!(mutex.try_lock().is_some()));
}

#[test]
fn after_a_millisecond_the_lock_is_handed_over() {
    lost_after(1000, |mutex, [mut a, mut b]| {
        assert!(mutex.try_lock().is_none() && mutex.is_locked(), "try_lock takes what was handed over");
        let mut newcomer = spawn(mutex.lock());
        assert_pending!(newcomer.poll());
        let guard = assert_ready!(a.poll());
        drop(guard);
        // Nobody starves any more.
        assert!(b.is_woken() && !newcomer.is_woken());
        drop(mutex.try_lock().expect("a free lock is for all again"));
        drop(assert_ready!(b.poll()));
        drop(assert_ready!(newcomer.poll()));
    });
}

/// X4: dropped after the hand-over, it passes the lock on.
#[test]
fn dropped_owner_passes_on() {
    lost_after(1000, |mutex, [a, mut b]| {
        drop(a);
        assert!(b.is_woken() && !mutex.is_locked());
        drop(assert_ready!(b.poll()));
    });
    lost_after(1000, |mutex, [a, b]| {
        drop(b);
        drop(a);
        assert!(mutex.try_lock().is_some());
    });
}

/// A starving waiter that goes away takes its claim along.
#[test]
fn dropped_starving_waiter_claims_nothing() {
    Clock::with(|clock| {
        let mutex = Mutex::new(());
        let (guard, mut a, mut b) = two_wait(&mutex);
        drop(guard);
        let barged = mutex.try_lock().unwrap();
        clock.pass(5000);
        assert_pending!(a.poll());
        drop(a);
        drop(barged);
        assert!(b.is_woken());
        assert!(mutex.try_lock().is_some(), "the next one was handed what it had no claim to");
        drop(assert_ready!(b.poll()));
    });
}

/// However long a waiter has waited: before it was woken and polled it is not made owner (futurelock).
#[test]
fn who_is_not_polled_is_not_made_owner() {
    Clock::with(|clock| {
        let mutex = Mutex::new(());
        let guard = mutex.try_lock().unwrap();
        let mut a = spawn(mutex.lock());
        assert_pending!(a.poll());
        clock.pass(5_000_000);
        drop(guard);
        assert!(a.is_woken());
        assert!(mutex.try_lock().is_some());
    });
}

/// Ten waiters against one who takes the lock again at once, every time, and keeps it for 100 us: all of them get it,
/// in order, each within eleven of his turns after the one before.
#[test]
fn nobody_waits_for_ever() {
    Clock::with(|clock| {
        let mutex = Mutex::new(());
        let mut guard = mutex.try_lock();
        let mut waiters: Vec<_> = (0..10).map(|_| spawn(mutex.lock())).collect();
        for waiter in &mut waiters {
            assert_pending!(waiter.poll());
        }
        for (n, waiter) in waiters.iter_mut().enumerate() {
            let mut turns = 0;
            loop {
                clock.pass(100);
                drop(guard);
                guard = mutex.try_lock();
                turns += 1;
                assert!(turns <= 11, "waiter {n} is passed over for ever");
                assert!(waiter.is_woken(), "waiter {n}");
                if waiter.poll().map(drop).is_ready() {
                    break;
                }
            }
            guard = mutex.try_lock();
            assert!(guard.is_some());
        }
        drop(guard);
        assert!(mutex.try_lock().is_some());
    });
}

/// Readers and writers that come again and again take turns: each writer waits for those before it and one crowd of readers
/// each, and no reader for more than one writer.
#[test]
fn readers_and_writers_take_turns() {
    let lock = RwLock::new(());
    let mut held = vec![lock.try_read()];
    for _ in 0..20 {
        let mut writers = [spawn(lock.write()), spawn(lock.write())];
        for writer in &mut writers {
            assert_pending!(writer.poll());
        }
        let mut readers: Vec<_> = (0..40).map(|_| spawn(lock.read())).collect();
        for reader in &mut readers {
            assert_pending!(reader.poll());
        }
        assert!(lock.try_read().is_none());
        held.clear();
        let writing = assert_ready!(writers[0].poll());
        drop(writing);
        // The readers before the second writer, though they came after it.
        assert_pending!(writers[1].poll());
        let reading: Vec<_> = readers.iter_mut().map(|reader| assert_ready!(reader.poll())).collect();
        assert!(lock.try_read().is_none(), "a reader more before the second writer");
        drop(reading);
        drop(assert_ready!(writers[1].poll()));
        held.push(lock.try_read());
        assert!(held[0].is_some());
    }
}

/// Small requests that come again and again do not keep a large one waiting: it is next when what is out has come back.
#[test]
fn a_large_request_is_not_passed_over() {
    let semaphore = Semaphore::new(4);
    for _ in 0..20 {
        let out: Vec<_> = (0..4).map(|_| semaphore.try_acquire().unwrap()).collect();
        let mut large = spawn(semaphore.acquire_many(4));
        assert_pending!(large.poll());
        for permit in out {
            assert!(!large.is_woken());
            drop(permit);
            assert!(semaphore.try_acquire().is_err());
        }
        drop(assert_ready!(large.poll()).unwrap());
    }
}

/// Those who wait, of more than one batch of wakers, are woken in the order in which they came.
#[track_caller]
fn in_order<F: Future>(mut wait: impl FnMut() -> F, release: impl FnOnce()) {
    const WAIT: usize = 70;
    let woken = Arc::new(std::sync::Mutex::new(Vec::new()));
    let mut one_more = |n| {
        let (mut wait, woken) = (Box::pin(wait()), woken.clone());
        let waker = hooked(move |event| {
            if event == Event::Wake {
                woken.lock().unwrap().push(n);
            }
        });
        assert!(poll(wait.as_mut(), &waker).is_pending());
        wait
    };
    let _waits: Vec<_> = (0..WAIT).map(&mut one_more).collect();
    release();
    assert!(woken.lock().unwrap().iter().copied().eq(0..WAIT), "{:?}", woken.lock().unwrap());
}

#[test]
fn the_longest_waiting_is_woken_first() {
    let group = WaitGroup::new();
    group.add(1);
    in_order(|| group.wait(), || group.done());
    let notify = Notify::new();
    in_order(|| notify.notified(), || notify.notify_waiters());
    let barrier = Barrier::new(71);
    in_order(|| barrier.wait(), || assert!(spawn(barrier.wait()).poll().is_ready()));
    let (context, cancel) = Context::background().with_cancel();
    in_order(|| context.done(), || cancel.cancel());
    let cell = OnceCell::new();
    in_order(|| cell.wait(), || cell.set(1).unwrap());
    let (mutex, condvar) = (Mutex::new(()), Condvar::new());
    in_order(|| condvar.wait(mutex.try_lock().unwrap()), || condvar.notify_all());
    let semaphore = Semaphore::new(0);
    in_order(|| semaphore.acquire(), || semaphore.add_permits(70));
    let semaphore = Semaphore::new(0);
    in_order(|| semaphore.acquire(), || semaphore.close());
    let lock = RwLock::new(());
    let held = lock.try_write();
    in_order(|| lock.read(), || drop(held));
}
