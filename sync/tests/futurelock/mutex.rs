//! The mutex: handed over and not claimed, woken and not coming.
use crate::common::Clock;
use crate::common::load::Dice;
use crate::{Wait, drop_one, poll_one, poll_woken, served_alone, within};
use dormouse_sync::Mutex;
use dormouse_sync::futures::Lock;
use dormouse_testing::watch;
use std::sync::Arc;
use std::time::Duration;
use tokio_test::task::{Spawn, spawn};
use tokio_test::{assert_pending, assert_ready};

/// One that was woken and lost, and is handed the lock by the next unlock; and one that waits behind it.
fn handed_over<'a>(clock: &Clock, mutex: &'a Mutex<()>) -> [Spawn<Lock<'a, ()>>; 2] {
    let guard = mutex.try_lock().unwrap();
    let mut owner = spawn(mutex.lock());
    assert_pending!(owner.poll());
    clock.pass(1000);
    drop(guard);
    let guard = mutex.try_lock().unwrap();
    assert_pending!(owner.poll());
    let mut behind = spawn(mutex.lock());
    assert_pending!(behind.poll());
    drop(guard);
    assert!(owner.is_woken() && mutex.try_lock().is_none());
    [owner, behind]
}

/// The mutex was handed over to one that is not polled: the next one has it; the other is owed it when it comes back.
#[test]
fn a_mutex_that_was_handed_over() {
    Clock::with(|clock| {
        let mutex = Mutex::new(());
        let [mut gone, mut next] = handed_over(clock, &mutex);
        let guard = within(clock, 2, &mut next);
        assert_pending!(gone.poll());
        let mut last = spawn(mutex.lock());
        assert_pending!(last.poll());
        drop(guard);
        assert!(mutex.try_lock().is_none(), "it is handed over again");
        drop(assert_ready!(gone.poll()));
        drop(assert_ready!(last.poll()));
        assert!(mutex.try_lock().is_some());
    });
}

/// Claimed in its time, passed over and dropped, or taken when it is free: each time the lock moves on.
#[test]
fn a_mutex_that_was_claimed_or_dropped() {
    for case in 0..3 {
        Clock::with(|clock| {
            let mutex = Mutex::new(());
            let [mut first, mut next] = handed_over(clock, &mutex);
            if case == 0 {
                clock.pass(1000);
                assert_pending!(next.poll());
                clock.pass(999);
                assert_pending!(next.poll());
                drop(assert_ready!(first.poll()));
                drop(assert_ready!(next.poll()));
            } else {
                drop(within(clock, 2, &mut next));
                match case {
                    1 => drop(first),
                    _ => drop(assert_ready!(first.poll())),
                }
            }
            assert!(mutex.try_lock().is_some());
        });
    }
}

/// A free mutex whose next one was woken and is not polled: those behind it wake themselves, and take it.
#[test]
fn a_woken_one_that_does_not_come() {
    for held in [0, 10_000] {
        Clock::with(|clock| {
            let mutex = Mutex::new(());
            let guard = mutex.try_lock().unwrap();
            let mut waits: Vec<_> = (0..3).map(|_| spawn(mutex.lock())).collect();
            for wait in &mut waits {
                assert_pending!(wait.poll());
            }
            clock.pass(held);
            poll_woken(&mut waits);
            drop(guard);
            // The first two are not polled.
            drop(within(clock, 3, &mut waits[2]));
            drop(waits);
            assert!(mutex.try_lock().is_some());
        });
    }
}

/// The same if the lock was taken again meanwhile, for longer than their alarms: its unlock wakes the next one (M6).
#[test]
fn a_woken_one_that_does_not_come_and_a_long_section() {
    Clock::with(|clock| {
        let mutex = Mutex::new(());
        let guard = mutex.try_lock().unwrap();
        let mut waits: Vec<_> = (0..6).map(|_| spawn(mutex.lock())).collect();
        for wait in &mut waits {
            assert_pending!(wait.poll());
        }
        drop(guard);
        let guard = mutex.try_lock().unwrap();
        let gone = waits.remove(0);
        for _ in 0..5 {
            clock.pass(1000);
            poll_woken(&mut waits);
        }
        drop(guard);
        assert!(waits[0].is_woken());
        drop(assert_ready!(waits[0].poll()));
        drop(gone);
    });
}

/// However long it is held, those who wait are woken once.
#[test]
fn nobody_is_woken_while_it_is_locked() {
    Clock::with(|clock| {
        let mutex = Mutex::new(());
        let guard = mutex.try_lock().unwrap();
        let mut waits: Vec<_> = (0..20).map(|_| spawn(mutex.lock())).collect();
        for wait in &mut waits {
            assert_pending!(wait.poll());
        }
        let mut woken = 0;
        for _ in 0..100 {
            clock.pass(1000);
            woken += poll_woken(&mut waits);
        }
        assert_eq!((woken, clock.rung()), (19, 19));
        drop(guard);
        // Those next behind the first one are, and leave the lock to it.
        assert_eq!(poll_woken(&mut waits[1..]), 4);
        drop(assert_ready!(waits[0].poll()));
    });
}

/// Without a host, whoever comes takes it back.
#[test]
fn whoever_comes_locks() {
    let mutex = Mutex::new(());
    let guard = mutex.try_lock().unwrap();
    let mut gone = spawn(mutex.lock());
    assert_pending!(gone.poll());
    std::thread::sleep(Duration::from_millis(1));
    drop(guard);
    let guard = mutex.try_lock().unwrap();
    assert_pending!(gone.poll());
    drop(guard);
    let mut first = spawn(mutex.lock());
    assert_pending!(first.poll());
    std::thread::sleep(Duration::from_millis(2));
    drop(assert_ready!(spawn(mutex.lock()).poll()));
    assert!(first.is_woken());
    drop(assert_ready!(first.poll()));
}

/// As `nothing_is_lost`: in the end the mutex is free.
#[test]
fn the_mutex_is_free_in_the_end() {
    let _watch = watch();
    for seed in 1..300 {
        Clock::with(|clock| {
            let mut dice = Dice(seed * 0x9E37_79B9);
            let mutex = Arc::new(Mutex::new(()));
            let mut waits: Vec<Wait<_>> = Vec::new();
            let mut held = Vec::new();
            for _ in 0..300 {
                match dice.roll(10) {
                    0..2 => waits.push(Box::pin(mutex.clone().lock_owned())),
                    2..6 => poll_one(&mut dice, &mut waits, &mut held),
                    6 => drop_one(&mut dice, &mut waits),
                    7 => drop(held.pop()),
                    8 => held.extend(mutex.clone().try_lock_owned()),
                    _ => clock.pass(400),
                }
                assert!(held.len() <= 1);
            }
            drop(held);
            served_alone(clock, Box::pin(mutex.clone().lock_owned()));
            drop(waits);
            assert!(mutex.try_lock().is_some());
        });
    }
}

/// The only one in the queue of a mutex whose woken one does not come has an alarm.
#[test]
fn the_only_one_behind_a_woken_one() {
    Clock::with(|clock| {
        let mutex = Mutex::new(());
        let guard = mutex.try_lock().unwrap();
        let mut gone = spawn(mutex.lock());
        assert_pending!(gone.poll());
        drop(guard);
        let guard = mutex.try_lock().unwrap();
        let mut next = spawn(mutex.lock());
        assert_pending!(next.poll());
        drop(guard);
        assert!(gone.is_woken() && !next.is_woken());
        drop(within(clock, 1, &mut next));
    });
}
