//! Futurelock where many wait: those who sleep through a long section are served though one is gone and others leave, and
//! a task with several waits is not kept awake by them.
mod common;

use common::load::Dice;
use common::{Clock, acquiring, poll, reader, writer};
use dormouse_sync::futures::Lock;
use dormouse_sync::{Mutex, RwLock, Semaphore};
use dormouse_testing::{Count, watch};
use std::sync::Arc;
use std::task::Poll;
use tokio_test::assert_pending;
use tokio_test::task::{Spawn, spawn};

/// Those who wait, fast asleep.
fn asleep<F: Future>(clock: &Clock, waits: impl IntoIterator<Item = F>) -> Vec<Spawn<F>> {
    let mut waits: Vec<_> = waits.into_iter().map(spawn).collect();
    waits.iter_mut().for_each(|wait| assert!(wait.poll().is_pending()));
    for _ in 0..3 {
        clock.pass(1000);
        waits.iter_mut().filter(|wait| wait.is_woken()).for_each(|wait| assert!(wait.poll().is_pending()));
    }
    clock.pass(3000);
    assert!(waits.iter().all(|wait| !wait.is_woken()));
    waits
}

/// Those who are woken are polled; whoever is served gives it back at once. All are, within so many alarms.
#[track_caller]
fn all_served<F: Future>(clock: &Clock, alarms: usize, mut waits: Vec<Spawn<F>>) {
    for _ in 0..=alarms {
        while waits.extract_if(.., |wait| wait.is_woken() && wait.poll().is_ready()).count() > 0 {}
        clock.pass(1000);
    }
    assert_eq!(waits.len(), 0, "nobody wakes them");
}

/// A mutex that was let go of while twelve slept, and of those the first one, which was woken, and does not come; and the
/// others.
fn first_of_twelve_is_gone<'m>(clock: &Clock, mutex: &'m Mutex<()>) -> (Locking<'m>, Vec<Locking<'m>>) {
    let guard = mutex.try_lock().unwrap();
    let mut waits = asleep(clock, (0..12).map(|_| mutex.lock()));
    drop(guard);
    let gone = waits.remove(0);
    assert!(gone.is_woken());
    (gone, waits)
}

type Locking<'m> = Spawn<Lock<'m, ()>>;

/// Those who were roused look at what the first one was given, and go away.
#[track_caller]
fn four_leave<F: Future>(waits: &mut Vec<Spawn<F>>) {
    for mut wait in waits.drain(..4) {
        assert!(wait.is_woken() && wait.poll().is_pending());
    }
}

/// A mutex is free, and the one that was woken does not come: of those behind it each wakes the next.
#[test]
fn one_does_not_come_and_all_others_do() {
    Clock::with(|clock| {
        let mutex = Mutex::new(());
        let (_gone, waits) = first_of_twelve_is_gone(clock, &mutex);
        all_served(clock, 2, waits);
    });
}

/// The same if one that waits was polled without cause, and so took the lock.
#[test]
fn one_does_not_come_and_others_are_polled_without_cause() {
    Clock::with(|clock| {
        let mutex = Mutex::new(());
        let (_gone, mut waits) = first_of_twelve_is_gone(clock, &mutex);
        for mut wait in waits.drain(..4) {
            assert!((0..2).any(|_| wait.poll().is_ready()));
        }
        all_served(clock, 2, waits);
    });
}

#[test]
fn those_roused_for_a_mutex_leave() {
    Clock::with(|clock| {
        let mutex = Mutex::new(());
        let (_gone, mut waits) = first_of_twelve_is_gone(clock, &mutex);
        four_leave(&mut waits);
        all_served(clock, 3, waits);
    });
}

#[test]
fn those_roused_for_a_semaphore_leave() {
    Clock::with(|clock| {
        let semaphore = Semaphore::new(0);
        let mut waits = asleep(clock, (0..12).map(|_| semaphore.acquire()));
        semaphore.add_permits(1);
        let _gone = waits.remove(0);
        four_leave(&mut waits);
        all_served(clock, 3, waits);
    });
}

/// The one that is gone is a writer, or a reader.
#[test]
fn those_roused_for_a_lock_leave() {
    for writes in [false, true] {
        Clock::with(|clock| {
            let lock = RwLock::new(());
            let guard = lock.try_write().unwrap();
            let _gone = if writes { (None, Some(writer(&lock))) } else { (Some(reader(&lock)), None) };
            let mut waits = asleep(clock, (0..12).map(|_| lock.write()));
            drop(guard);
            four_leave(&mut waits);
            all_served(clock, 3, waits);
        });
    }
}

/// Nobody who waits is polled any more, nor are those who watch: who comes then sees to it, though they have no alarm.
fn rescued<F: Future>(clock: &Clock, mut come: impl FnMut() -> F) {
    let mut waits = Vec::new();
    // One in eight looks; one that does so 1 ms later takes it back.
    for _ in 0..16 {
        clock.pass(200);
        let mut wait = spawn(come());
        if wait.poll().is_pending() {
            waits.push(wait);
        }
    }
    // The watchers, one after the other.
    all_served(clock, 4, waits);
}

#[test]
fn who_comes_looks_though_others_watch() {
    Clock::with(|clock| {
        let semaphore = Semaphore::new(0);
        let _gone = acquiring(&semaphore, [1; 4]);
        semaphore.add_permits(1);
        rescued(clock, || semaphore.acquire());
    });
    Clock::with(|clock| {
        let lock = RwLock::new(());
        let held = lock.try_read().unwrap();
        let _gone = [(); 4].map(|()| writer(&lock));
        drop(held);
        rescued(clock, || lock.write());
    });
    // Readers behind writers.
    Clock::with(|clock| {
        let lock = RwLock::new(());
        let held = lock.try_read().unwrap();
        let _gone = [(); 4].map(|()| writer(&lock));
        drop(held);
        rescued(clock, || lock.read());
    });
}

/// Two waits of one task, each behind another, whose alarms ring at different times.
fn quiet_in_one_task<F: Future>(clock: &Clock, [a, b]: [F; 2]) {
    let (mut a, mut b) = (Box::pin(a), Box::pin(b));
    let (count, waker) = Count::new();
    let mut polls = 0;
    assert!(poll(a.as_mut(), &waker).is_pending());
    clock.pass(500);
    for _ in 0..100 {
        if polls <= count.get() {
            polls = count.get() + 1;
            let pending = [poll(a.as_mut(), &waker), poll(b.as_mut(), &waker)];
            assert!(pending.iter().all(Poll::is_pending));
        }
        clock.pass(500);
    }
    assert_eq!(count.get(), 2, "once for each alarm");
}

/// What is held for long wakes nobody, however many waits a task has.
#[test]
fn two_waits_of_one_task_let_each_other_sleep() {
    Clock::with(|clock| {
        let mutexes = [Mutex::new(()), Mutex::new(())];
        let _guards = mutexes.each_ref().map(|mutex| mutex.try_lock().unwrap());
        let mut first = mutexes.each_ref().map(|mutex| spawn(mutex.lock()));
        first.iter_mut().for_each(|wait| assert!(wait.poll().is_pending()));
        quiet_in_one_task(clock, mutexes.each_ref().map(Mutex::lock));
    });
    Clock::with(|clock| {
        let semaphores = [Semaphore::new(0), Semaphore::new(0)];
        let mut first = semaphores.each_ref().map(|semaphore| spawn(semaphore.acquire()));
        first.iter_mut().for_each(|wait| assert!(wait.poll().is_pending()));
        quiet_in_one_task(clock, semaphores.each_ref().map(Semaphore::acquire));
    });
    Clock::with(|clock| {
        let locks = [RwLock::new(()), RwLock::new(())];
        let _guards = locks.each_ref().map(|lock| lock.try_write().unwrap());
        let mut first = locks.each_ref().map(|lock| spawn(lock.write()));
        first.iter_mut().for_each(|wait| assert!(wait.poll().is_pending()));
        quiet_in_one_task(clock, locks.each_ref().map(RwLock::write));
    });
}

/// Waits and short holds in any order: three at most are kept and not polled; the others are polled as they are woken, now
/// and then without cause, and some give up. All of them are served.
fn others_are_served<F: Future>(seed: u32, mut wait: impl FnMut(&mut Dice) -> F) {
    Clock::with(|clock| {
        let mut dice = Dice(u64::from(seed) * 0x9E37_79B9);
        let (mut waits, mut gone, mut held) = (Vec::new(), Vec::new(), Vec::new());
        for _ in 0..200 {
            match dice.roll(12) {
                0..2 | 11 => {
                    let mut wait = spawn(wait(&mut dice));
                    if let Poll::Ready(guard) = wait.poll() {
                        held.push(guard);
                    } else {
                        waits.push(wait);
                    }
                }
                2 if gone.len() < 3 && !waits.is_empty() => {
                    gone.push(waits.remove(dice.roll(waits.len() as u64) as usize));
                }
                3 if !waits.is_empty() => drop(waits.remove(dice.roll(waits.len() as u64) as usize)),
                4 if !waits.is_empty() => {
                    let at = dice.roll(waits.len() as u64) as usize;
                    if let Poll::Ready(guard) = waits[at].poll() {
                        held.push(guard);
                        drop(waits.remove(at));
                    }
                }
                5 | 10 => drop(held.pop()),
                6 => clock.pass(3000),
                _ => {
                    clock.pass(400);
                    let served = waits.extract_if(.., |wait| match wait.is_woken().then(|| wait.poll()) {
                        Some(Poll::Ready(guard)) => {
                            held.push(guard);
                            true
                        }
                        _ => false,
                    });
                    drop(served.collect::<Vec<_>>());
                }
            }
        }
        drop(held);
        let left = waits.len();
        for _ in 0..20 {
            while waits.extract_if(.., |wait| wait.is_woken() && wait.poll().is_ready()).count() > 0 {}
            clock.pass(1000);
        }
        assert_eq!(waits.len(), 0, "seed {seed}: nobody wakes them, of {left}");
    });
}

#[test]
fn others_are_served_by_each() {
    let _watch = watch();
    for seed in 1..400 {
        let semaphore = Arc::new(Semaphore::fixed(3));
        others_are_served(seed, |dice| semaphore.clone().acquire_many_owned(1 + dice.roll(3) as u32));
        let mutex = Arc::new(Mutex::new(()));
        others_are_served(seed, |_| mutex.clone().lock_owned());
        let lock = Arc::new(RwLock::new(()));
        others_are_served(seed, |dice| {
            let (lock, reads) = (lock.clone(), dice.roll(2) == 0);
            async move {
                match reads {
                    true => (Some(lock.read_owned().await), None),
                    false => (None, Some(lock.write_owned().await)),
                }
            }
        });
    }
}

/// One that was passed over is owed the mutex again; another one that is, behind it, goes away.
#[test]
fn owed_though_another_leaves() {
    Clock::with(|clock| {
        let mutex = Mutex::new(());
        let guard = mutex.try_lock().unwrap();
        let (mut gone, mut second) = (spawn(mutex.lock()), spawn(mutex.lock()));
        assert_pending!(gone.poll());
        assert_pending!(second.poll());
        clock.pass(2000);
        assert_pending!(second.poll());
        drop(guard);
        let guard = mutex.try_lock().unwrap();
        assert_pending!(gone.poll());
        drop(guard);
        assert!(mutex.try_lock().is_none());
        // It is passed over, and comes back before another one that starves, too.
        let served = (0..4).any(|_| {
            clock.pass(1000);
            second.poll().is_ready()
        });
        assert!(served);
        let guard = mutex.try_lock().unwrap();
        let mut second = spawn(mutex.lock());
        assert_pending!(second.poll());
        clock.pass(2000);
        drop(guard);
        let guard = mutex.try_lock().unwrap();
        assert_pending!(second.poll());
        assert_pending!(gone.poll());
        drop(second);
        drop(guard);
        assert!(mutex.try_lock().is_none(), "it is handed over");
    });
}
