//! The read-write lock: rounds of readers, writers in turn, and the two queues.
use crate::common::load::Dice;
use crate::common::{Clock, reader, writer};
use crate::{Wait, drop_one, poll_one, poll_woken, served_alone, within};
use dormouse_sync::RwLock;
use dormouse_testing::watch;
use std::sync::Arc;
use std::time::Duration;
use tokio_test::task::spawn;
use tokio_test::{assert_pending, assert_ready};

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
        let gone = (reader(&lock), writer(&lock), reader(&lock));
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

/// However long it is held, three of those who wait are woken once, and a hand-over rouses few.
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
        assert_eq!((woken, clock.rung()), (3, 3));
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
            let mut reads: Vec<Wait<_>> = Vec::new();
            let mut writes: Vec<Wait<_>> = Vec::new();
            let (mut reading, mut writing) = (Vec::new(), Vec::new());
            for _ in 0..300 {
                match dice.roll(13) {
                    0..2 => reads.push(Box::pin(lock.clone().read_owned())),
                    2 => writes.push(Box::pin(lock.clone().write_owned())),
                    3..5 => poll_one(&mut dice, &mut reads, &mut reading),
                    5..7 => poll_one(&mut dice, &mut writes, &mut writing),
                    7 => drop_one(&mut dice, &mut reads),
                    8 => drop_one(&mut dice, &mut writes),
                    9 => drop(reading.pop()),
                    10 => drop(writing.pop()),
                    _ => clock.pass(400),
                }
                assert!(writing.len() <= 1 && (writing.is_empty() || reading.is_empty()));
            }
            drop((reading, writing));
            served_alone(clock, Box::pin(lock.clone().write_owned()));
            drop((reads, writes));
            assert!(lock.try_write().is_some());
        });
    }
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
