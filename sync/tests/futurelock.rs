//! Futurelock: what is handed over to a future that nobody polls any more is taken back after 1 ms. By a clock that the
//! tests move, as on a runtime of ours, and without one, as on any other.
mod common;

use common::load::Dice;
use common::{Clock, poll};
use dormouse_sync::futures::{Acquire, Lock, Read, Write};
use dormouse_sync::{Mutex, RwLock, Semaphore};
use dormouse_testing::{Count, watch};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Poll, Waker};
use std::time::Duration;
use tokio_test::task::{Spawn, spawn};
use tokio_test::{assert_pending, assert_ready, assert_ready_err, assert_ready_ok};

/// Those who wait, each for so many.
fn waiting<const N: usize>(semaphore: &Semaphore, counts: [u32; N]) -> [Spawn<Acquire<'_>>; N] {
    counts.map(|count| {
        let mut wait = spawn(semaphore.acquire_many(count));
        assert_pending!(wait.poll());
        wait
    })
}

/// Those of `waits` that are woken are polled, and wait on.
fn poll_woken<F: Future>(waits: &mut [Spawn<F>]) -> usize {
    let woken = waits.iter_mut().filter(|wait| wait.is_woken());
    woken.map(|wait| assert!(wait.poll().is_pending())).count()
}

/// The head is given its permit and nobody polls it: the one behind it has it after an alarm to see that, and one to take it.
#[test]
fn an_alarm_takes_it_back() {
    Clock::with(|clock| {
        let semaphore = Semaphore::new(0);
        let [mut gone, mut next] = waiting(&semaphore, [1, 1]);
        semaphore.add_permits(1);
        assert!(gone.is_woken() && !next.is_woken());
        clock.pass(1000);
        assert_eq!(poll_woken(std::slice::from_mut(&mut next)), 1);
        clock.pass(999);
        assert!(!next.is_woken());
        clock.pass(1);
        assert!(next.is_woken());
        let permit = assert_ready_ok!(next.poll());
        assert_eq!(semaphore.available_permits(), 0);
        // It waits again, and the permit is its own.
        assert_pending!(gone.poll());
        drop(permit);
        assert!(gone.is_woken());
        drop(assert_ready_ok!(gone.poll()));
        assert_eq!(semaphore.available_permits(), 1);
    });
}

/// Within its time it claims what it was given, though others have looked at it.
#[test]
fn claimed_in_time() {
    Clock::with(|clock| {
        let semaphore = Semaphore::new(0);
        let [mut slow, mut next] = waiting(&semaphore, [1, 1]);
        semaphore.add_permits(1);
        clock.pass(1000);
        assert_pending!(next.poll());
        clock.pass(999);
        assert_pending!(next.poll());
        drop(assert_ready_ok!(slow.poll()));
        drop(assert_ready_ok!(next.poll()));
        assert_eq!(semaphore.available_permits(), 1);
    });
}

/// Without a host there are no alarms: whoever comes sees it, and whoever comes 1 ms later takes it back.
#[test]
fn whoever_comes_takes_it_back() {
    let semaphore = Semaphore::new(0);
    let [gone] = waiting(&semaphore, [1]);
    semaphore.add_permits(1);
    let [mut first] = waiting(&semaphore, [1]);
    std::thread::sleep(Duration::from_millis(2));
    let [second] = waiting(&semaphore, [1]);
    // In order.
    assert!(first.is_woken() && !second.is_woken());
    drop(assert_ready_ok!(first.poll()));
    assert!(second.is_woken());
    drop((gone, second));
    assert_eq!(semaphore.available_permits(), 1);
}

/// One task that keeps a future and waits for another one of the same semaphore: as it is polled, it gets it.
#[test]
fn a_kept_future_does_not_block_its_own_task() {
    let semaphore = Semaphore::new(0);
    let (_, waker) = Count::new();
    let (mut kept, mut second) = (Box::pin(semaphore.acquire()), Box::pin(semaphore.acquire()));
    assert!(poll(kept.as_mut(), &waker).is_pending());
    semaphore.add_permits(1);
    assert!(poll(second.as_mut(), &waker).is_pending());
    std::thread::sleep(Duration::from_millis(2));
    assert!(poll(second.as_mut(), &waker).is_ready());
}

/// Several in a row that nobody polls: those that were given something, and those that would be next.
#[test]
fn several_in_a_row() {
    for served in 1..=3 {
        Clock::with(|clock| {
            let semaphore = Semaphore::new(0);
            let gone = waiting(&semaphore, [1, 1, 1]);
            let [mut next] = waiting(&semaphore, [1]);
            semaphore.add_permits(served);
            for _ in 0..4 {
                clock.pass(1000);
                if next.is_woken() && next.poll().is_ready() {
                    return;
                }
            }
            panic!("{served} were served, and the one behind them waits; {}", gone[0].is_woken());
        });
    }
}

/// What was passed over is next when it is polled again: before those who came later, and those who were there.
#[test]
fn it_keeps_its_place() {
    Clock::with(|clock| {
        let semaphore = Semaphore::new(0);
        let [mut gone, mut next, mut last] = waiting(&semaphore, [1, 1, 1]);
        semaphore.add_permits(1);
        for _ in 0..2 {
            clock.pass(1000);
            assert_pending!(last.poll());
        }
        let permit = assert_ready_ok!(next.poll());
        assert_pending!(gone.poll());
        drop(permit);
        assert_pending!(last.poll());
        assert!(gone.is_woken());
        // It may be passed over again.
        clock.pass(1000);
        drop(assert_ready_ok!(last.poll()));
        // And find what it waits for.
        assert_eq!(semaphore.available_permits(), 1);
        drop(assert_ready_ok!(gone.poll()));
    });
}

/// While all who wait are absent, others take what there is at once, and what is absent takes it when it is polled.
#[test]
fn the_absent_hold_up_nobody() {
    Clock::with(|clock| {
        let semaphore = Semaphore::new(0);
        let [gone, mut next] = waiting(&semaphore, [1, 1]);
        semaphore.add_permits(1);
        clock.pass(1000);
        assert_pending!(next.poll());
        clock.pass(1000);
        drop(assert_ready_ok!(next.poll()));
        for _ in 0..3 {
            drop(semaphore.try_acquire().expect("nobody waits"));
        }
        drop(gone);
        assert_eq!(semaphore.available_permits(), 1);
    });
}

/// Dropped after it was passed over: it had nothing any more, and gives nothing back.
#[test]
fn dropped_after_it_was_passed_over() {
    Clock::with(|clock| {
        let semaphore = Semaphore::new(0);
        let [gone, mut next] = waiting(&semaphore, [2, 1]);
        semaphore.add_permits(2);
        clock.pass(1000);
        assert_pending!(next.poll());
        clock.pass(1000);
        let permit = assert_ready_ok!(next.poll());
        assert_eq!(semaphore.available_permits(), 1);
        drop(gone);
        assert_eq!(semaphore.available_permits(), 1);
        drop(permit);
        assert_eq!(semaphore.available_permits(), 2);
    });
}

/// A large request is passed over with all that it was given; and those behind it are served with it, but not with the rest.
#[test]
fn large_requests() {
    Clock::with(|clock| {
        let semaphore = Semaphore::new(0);
        let [gone, mut large, mut small] = waiting(&semaphore, [3, 4, 1]);
        semaphore.add_permits(3);
        assert!(gone.is_woken());
        for _ in 0..3 {
            clock.pass(1000);
            assert_pending!(large.poll());
            assert_pending!(small.poll());
        }
        assert_eq!(semaphore.available_permits(), 3, "it is the turn of the large one");
        semaphore.add_permits(1);
        assert_pending!(small.poll());
        drop(assert_ready_ok!(large.poll()));
        drop(assert_ready_ok!(small.poll()));
        drop(gone);
        assert_eq!(semaphore.available_permits(), 4);
    });
}

/// Closed meanwhile: what was passed over learns of it, and what was granted is good.
#[test]
fn closed_meanwhile() {
    Clock::with(|clock| {
        let semaphore = Semaphore::new(0);
        let [mut gone, mut next, mut last] = waiting(&semaphore, [1, 1, 1]);
        semaphore.add_permits(1);
        for _ in 0..2 {
            clock.pass(1000);
            assert_pending!(last.poll());
        }
        assert!(next.is_woken());
        semaphore.close();
        assert_ready_err!(gone.poll());
        assert_ready_err!(last.poll());
        clock.pass(5000);
        drop(assert_ready_ok!(next.poll()));
        assert_eq!(semaphore.available_permits(), 1);
    });
}

/// However long permits are held, those who wait are woken once by their alarms; and by a hand-over then, which they are
/// to look at, those next behind it.
#[test]
fn nobody_is_woken_while_it_is_held() {
    Clock::with(|clock| {
        let semaphore = Semaphore::new(1);
        let held = semaphore.try_acquire().unwrap();
        let mut waits: Vec<_> = (0..20).map(|_| spawn(semaphore.acquire())).collect();
        for wait in &mut waits {
            assert_pending!(wait.poll());
        }
        let mut woken = 0;
        for _ in 0..100 {
            clock.pass(1000);
            woken += poll_woken(&mut waits);
        }
        // The first one stands behind nobody.
        assert_eq!((woken, clock.rung()), (19, 19));
        drop(held);
        let first = waits.remove(0);
        assert!(first.is_woken());
        assert_eq!(poll_woken(&mut waits), 4, "those next behind it");
        clock.pass(1000);
        assert!(waits[0].is_woken());
        drop(assert_ready_ok!(waits[0].poll()));
        drop(first);
    });
}

/// The same if the first of those who are roused are never polled either.
#[test]
fn those_roused_may_be_gone_too() {
    Clock::with(|clock| {
        let semaphore = Semaphore::new(0);
        let mut waits = Vec::from(waiting(&semaphore, [1; 5]));
        clock.pass(1000);
        poll_woken(&mut waits);
        clock.pass(10_000);
        semaphore.add_permits(1);
        let last = &mut waits[4];
        for _ in 0..10 {
            if last.is_woken() && last.poll().is_ready() {
                return;
            }
            clock.pass(1000);
        }
        panic!("nobody wakes the last one");
    });
}

/// A queue that moves rouses nobody and lets no alarm ring.
#[test]
fn a_queue_that_moves_wakes_each_once() {
    Clock::with(|clock| {
        let semaphore = Semaphore::new(0);
        let mut waits = Vec::from(waiting(&semaphore, [1; 3]));
        for _ in 0..100 {
            semaphore.add_permits(1);
            assert!(waits[0].is_woken() && !waits[1].is_woken() && !waits[2].is_woken());
            assert_ready_ok!(waits.remove(0).poll()).forget();
            clock.pass(100);
            waits.extend(waiting(&semaphore, [1]));
        }
    });
}

/// Waits that are kept and not polled, dropped, polled again, in any order: in the end all permits are there.
#[test]
fn nothing_is_lost() {
    let _watch = watch();
    const PERMITS: u32 = 4;
    for seed in 1..200 {
        Clock::with(|clock| {
            let mut dice = Dice(seed * 0x9E37_79B9);
            let semaphore = Arc::new(Semaphore::fixed(PERMITS));
            let mut waits: Vec<Pin<Box<dyn Future<Output = _>>>> = Vec::new();
            let mut held = Vec::new();
            for _ in 0..300 {
                match dice.roll(10) {
                    0..3 => {
                        let count = dice.roll(u64::from(PERMITS) + 1) as u32;
                        waits.push(Box::pin(semaphore.clone().acquire_many_owned(count)));
                    }
                    3..7 if !waits.is_empty() => {
                        let at = dice.roll(waits.len() as u64) as usize;
                        if let Poll::Ready(permit) = poll(waits[at].as_mut(), Waker::noop()) {
                            held.push(permit.unwrap());
                            drop(waits.swap_remove(at));
                        }
                    }
                    7 if !waits.is_empty() => drop(waits.swap_remove(dice.roll(waits.len() as u64) as usize)),
                    8 => drop(held.pop()),
                    _ => clock.pass(400),
                }
                let out: usize = held.iter().map(|permit| permit.num_permits()).sum();
                assert!(out + semaphore.available_permits() <= PERMITS as usize);
            }
            drop(held);
            // Who is polled now gets it, however many are not.
            let mut last: Pin<Box<dyn Future<Output = _>>> =
                Box::pin(semaphore.clone().acquire_many_owned(PERMITS));
            let served = (0..1000).any(|_| {
                clock.pass(1000);
                poll(last.as_mut(), Waker::noop()).is_ready()
            });
            assert!(served, "seed {seed}: the others hold it up");
            drop((waits, last));
            assert_eq!(semaphore.available_permits(), PERMITS as usize);
        });
    }
}

fn reader(lock: &RwLock<u32>) -> Spawn<Read<'_, u32>> {
    let mut wait = spawn(lock.read());
    assert_pending!(wait.poll());
    wait
}

fn writer(lock: &RwLock<u32>) -> Spawn<Write<'_, u32>> {
    let mut wait = spawn(lock.write());
    assert_pending!(wait.poll());
    wait
}

/// What `wait` gives within so many alarms.
#[track_caller]
fn within<F: Future>(clock: &Clock, alarms: usize, wait: &mut Spawn<F>) -> F::Output {
    for _ in 0..alarms {
        if wait.is_woken()
            && let Poll::Ready(output) = wait.poll()
        {
            return output;
        }
        clock.pass(1000);
    }
    assert!(wait.is_woken(), "nobody wakes it");
    assert_ready!(wait.poll())
}

/// One of the readers that were admitted is not polled: the writer behind them gets its turn all the same; the one passed
/// over reads with the next.
#[test]
fn a_reader_of_a_batch() {
    Clock::with(|clock| {
        let lock = RwLock::new(0);
        let held = lock.try_write().unwrap();
        let [mut a, mut gone, mut b] = [reader(&lock), reader(&lock), reader(&lock)];
        let (mut next, mut last) = (writer(&lock), writer(&lock));
        drop(held);
        let reading = (assert_ready!(a.poll()), assert_ready!(b.poll()));
        clock.pass(1000);
        assert_pending!(next.poll());
        clock.pass(1000);
        assert_pending!(next.poll());
        // Those who read do so.
        assert!(lock.try_write().is_none() && lock.try_read().is_none());
        drop(reading);
        let guard = assert_ready!(next.poll());
        assert_pending!(gone.poll());
        drop(guard);
        let guard = assert_ready!(gone.poll());
        assert_pending!(last.poll());
        drop(guard);
        drop(assert_ready!(last.poll()));
        assert!(lock.try_write().is_some());
    });
}

/// A writer that was handed the lock is not polled: those behind it, readers or writers, get their turn; it is the next writer.
#[test]
fn a_writer_is_passed_over() {
    for reads in [false, true] {
        Clock::with(|clock| {
            let lock = RwLock::new(0);
            let held = lock.try_read().unwrap();
            let (mut gone, mut behind) = (writer(&lock), writer(&lock));
            let mut readers = if reads { vec![reader(&lock)] } else { vec![] };
            drop(held);
            let guard = match readers.first_mut() {
                Some(reader) => Err(within(clock, 2, reader)),
                None => Ok(within(clock, 2, &mut behind)),
            };
            assert_pending!(gone.poll());
            let mut last = writer(&lock);
            drop(guard);
            let guard = assert_ready!(gone.poll());
            assert_pending!(last.poll());
            drop(guard);
            if reads {
                drop(assert_ready!(behind.poll()));
            }
            drop(assert_ready!(last.poll()));
            assert!(lock.try_write().is_some());
        });
    }
}

/// Several in a row, readers and writers, of which the last one is polled.
#[test]
fn readers_and_writers_in_a_row() {
    Clock::with(|clock| {
        let lock = RwLock::new(0);
        let held = lock.try_write().unwrap();
        let gone = (reader(&lock), writer(&lock), reader(&lock), writer(&lock));
        let mut last = writer(&lock);
        // All of them sleep.
        for _ in 0..3 {
            clock.pass(1000);
            let _ = last.is_woken() && last.poll().is_ready();
        }
        drop(held);
        drop(within(clock, 6, &mut last));
        assert!(lock.try_write().is_some(), "the others hold up nobody");
        drop(gone);
        assert!(lock.try_write().is_some());
    });
}

/// Without a host, as `whoever_comes_takes_it_back`.
#[test]
fn whoever_comes_reads() {
    let lock = RwLock::new(0);
    let held = lock.try_read().unwrap();
    let gone = writer(&lock);
    drop(held);
    let mut first = reader(&lock);
    std::thread::sleep(Duration::from_millis(2));
    let mut second = spawn(lock.read());
    drop(assert_ready!(second.poll()));
    assert!(first.is_woken());
    drop(assert_ready!(first.poll()));
    drop(gone);
    assert!(lock.try_write().is_some());
}

/// Dropped after it was passed over, polled never again, and the lock moves on.
#[test]
fn passed_over_and_dropped() {
    Clock::with(|clock| {
        let lock = RwLock::new(0);
        let held = lock.try_write().unwrap();
        let (reads, writes) = (reader(&lock), writer(&lock));
        let mut next = writer(&lock);
        drop(held);
        let guard = within(clock, 4, &mut next);
        drop((reads, writes));
        assert!(lock.try_read().is_none());
        drop(guard);
        assert!(lock.try_write().is_some());
    });
}

/// However long it is held, those who wait are woken once, and a hand-over rouses few.
#[test]
fn nobody_is_woken_while_it_is_written() {
    Clock::with(|clock| {
        let lock = RwLock::new(0);
        let held = lock.try_write().unwrap();
        let mut readers: Vec<_> = (0..20).map(|_| reader(&lock)).collect();
        let mut writers: Vec<_> = (0..20).map(|_| writer(&lock)).collect();
        let mut woken = 0;
        for _ in 0..100 {
            clock.pass(1000);
            woken += poll_woken(&mut readers) + poll_woken(&mut writers);
        }
        // The readers wait for the one that holds it only.
        assert_eq!((woken, clock.rung()), (20, 20));
        drop(held);
        assert_eq!(poll_woken(&mut writers), 4);
        for mut reader in readers {
            drop(assert_ready!(reader.poll()));
        }
        drop(assert_ready!(writers[0].poll()));
    });
}

/// As `nothing_is_lost`: in the end the lock is free.
#[test]
fn the_lock_is_free_in_the_end() {
    let _watch = watch();
    for seed in 1..200 {
        Clock::with(|clock| {
            let mut dice = Dice(seed * 0x9E37_79B9);
            let lock = Arc::new(RwLock::new(()));
            type Wait<G> = Pin<Box<dyn Future<Output = G>>>;
            let mut reads: Vec<Wait<_>> = Vec::new();
            let mut writes: Vec<Wait<_>> = Vec::new();
            let (mut reading, mut writing) = (Vec::new(), Vec::new());
            fn poll_one<G>(dice: &mut Dice, waits: &mut Vec<Wait<G>>, held: &mut Vec<G>) {
                if waits.is_empty() {
                    return;
                }
                let at = dice.roll(waits.len() as u64) as usize;
                if let Poll::Ready(guard) = poll(waits[at].as_mut(), Waker::noop()) {
                    held.push(guard);
                    drop(waits.swap_remove(at));
                }
            }
            for _ in 0..300 {
                match dice.roll(13) {
                    0..2 => reads.push(Box::pin(lock.clone().read_owned())),
                    2 => writes.push(Box::pin(lock.clone().write_owned())),
                    3..5 => poll_one(&mut dice, &mut reads, &mut reading),
                    5..7 => poll_one(&mut dice, &mut writes, &mut writing),
                    7 => drop((!reads.is_empty()).then(|| reads.swap_remove(0))),
                    8 => drop((!writes.is_empty()).then(|| writes.swap_remove(0))),
                    9 => drop(reading.pop()),
                    10 => drop(writing.pop()),
                    _ => clock.pass(400),
                }
                assert!(writing.len() <= 1 && (writing.is_empty() || reading.is_empty()));
            }
            drop((reading, writing));
            let mut last: Wait<_> = Box::pin(lock.clone().write_owned());
            let served = (0..1000).any(|_| {
                clock.pass(1000);
                poll(last.as_mut(), Waker::noop()).is_ready()
            });
            assert!(served, "seed {seed}: the others are polled no more, and hold it up");
            drop((last, reads, writes));
            assert!(lock.try_write().is_some());
        });
    }
}

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
            let mut waits: Vec<Pin<Box<dyn Future<Output = _>>>> = Vec::new();
            let mut held = Vec::new();
            for _ in 0..300 {
                match dice.roll(10) {
                    0..2 => waits.push(Box::pin(mutex.clone().lock_owned())),
                    2..6 if !waits.is_empty() => {
                        let at = dice.roll(waits.len() as u64) as usize;
                        if let Poll::Ready(guard) = poll(waits[at].as_mut(), Waker::noop()) {
                            held.push(guard);
                            drop(waits.swap_remove(at));
                        }
                    }
                    6 if !waits.is_empty() => drop(waits.swap_remove(dice.roll(waits.len() as u64) as usize)),
                    7 => drop(held.pop()),
                    8 => held.extend(mutex.clone().try_lock_owned()),
                    _ => clock.pass(400),
                }
                assert!(held.len() <= 1);
            }
            drop(held);
            let mut last: Pin<Box<dyn Future<Output = _>>> = Box::pin(mutex.clone().lock_owned());
            let served = (0..1000).any(|_| {
                clock.pass(1000);
                poll(last.as_mut(), Waker::noop()).is_ready()
            });
            assert!(served, "seed {seed}: the others are polled no more, and hold it up");
            drop((last, waits));
            assert!(mutex.try_lock().is_some());
        });
    }
}

/// On tokio: a task that keeps what it was given in a future that it does not poll, and others that come again and again.
#[test]
fn others_come_again_on_tokio() {
    let _watch = watch();
    let semaphore = Arc::new(Semaphore::new(0));
    let mut gone = Box::pin(semaphore.acquire());
    assert!(poll(gone.as_mut(), Waker::noop()).is_pending());
    semaphore.add_permits(1);
    let host = common::load::tokio();
    let tasks: Vec<_> = (0..4)
        .map(|_| {
            let semaphore = semaphore.clone();
            host.spawn(async move {
                let mut served = 0;
                // Whoever gives up lets others come, and look.
                while served < 100 {
                    let acquire = semaphore.clone().acquire_owned();
                    match tokio::time::timeout(Duration::from_millis(2), acquire).await {
                        Ok(permit) => drop(permit.unwrap()),
                        Err(_) => continue,
                    }
                    served += 1;
                }
            })
        })
        .collect();
    host.block_on(async {
        for task in tasks {
            task.await.unwrap();
        }
    });
    assert!(poll(gone.as_mut(), Waker::noop()).is_ready());
}

/// Readers and writers wait in two queues: the only one that sleeps in the one is roused by a hand-over in the other.
#[test]
fn the_first_of_the_other_queue_is_roused() {
    for writes in [false, true] {
        Clock::with(|clock| {
            let lock = RwLock::new(0);
            if writes {
                let held = lock.try_write().unwrap();
                let _gone = reader(&lock);
                let mut next = writer(&lock);
                clock.pass(1000);
                assert_pending!(next.poll());
                drop(held);
                drop(within(clock, 2, &mut next));
            } else {
                let held = lock.try_read().unwrap();
                let _gone = writer(&lock);
                let mut next = reader(&lock);
                clock.pass(1000);
                assert_pending!(next.poll());
                drop(held);
                drop(within(clock, 2, &mut next));
            }
            assert!(lock.try_write().is_some());
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
