//! The read-write lock.
use super::*;
use crate::RwLock;

fn lock() -> Arc<RwLock<Data>> {
    Arc::new(RwLock::new(UnsafeCell::new(0)))
}

fn write_and_bump(lock: &Arc<RwLock<Data>>) -> thread::JoinHandle<()> {
    let lock = lock.clone();
    thread::spawn(move || {
        let guard = block_on(lock.write());
        bump(&guard);
        let_go(guard);
    })
}

/// Reads twice; nobody writes in between.
fn read_twice(lock: &Arc<RwLock<Data>>) -> thread::JoinHandle<()> {
    let lock = lock.clone();
    thread::spawn(move || {
        let guard = block_on(lock.read());
        let seen = read(&guard);
        step();
        assert_eq!(read(&guard), seen);
        let_go(guard);
    })
}

fn total(lock: &RwLock<Data>) -> usize {
    assert!(lock.is_idle(), "everybody has unlocked, and nobody waits");
    read(&lock.try_read().expect("idle"))
}

#[test]
fn writers_exclude() {
    check(Some(3), STILL, || {
        let lock = lock();
        let others = [write_and_bump(&lock), write_and_bump(&lock)];
        step();
        let extra = lock.try_write().map(|guard| bump(&guard)).is_some();
        for other in others {
            other.join().unwrap();
        }
        assert_eq!(total(&lock), 2 + usize::from(extra));
    });
}

/// A reader, a writer, and one that reads and then writes.
#[test]
fn readers_and_writers() {
    check(Some(3), STILL, || {
        let lock = lock();
        let others = [read_twice(&lock), write_and_bump(&lock)];
        let guard = block_on(lock.read());
        let seen = read(&guard);
        let_go(guard);
        let guard = block_on(lock.write());
        assert!(read(&guard) >= seen);
        bump(&guard);
        let_go(guard);
        for other in others {
            other.join().unwrap();
        }
        assert_eq!(total(&lock), 2);
    });
}

/// The last of two readers hands over to a writer, which sees the end of both.
#[test]
fn the_last_reader_hands_over() {
    check(Some(3), STILL, || {
        let lock = lock();
        let one = lock.clone().try_read_owned().unwrap();
        let two = lock.try_read().unwrap();
        let (reader, writer) = (
            thread::spawn(move || {
                read(&one);
                let_go(one);
            }),
            write_and_bump(&lock),
        );
        read(&two);
        let_go(two);
        reader.join().unwrap();
        writer.join().unwrap();
        assert_eq!(total(&lock), 1);
    });
}

/// A writer's unlock, or downgrade, admits the waiting reader, while another comes.
#[test]
fn admits_readers() {
    for downgrade in [false, true] {
        check(Some(3), STILL, move || {
            let lock = lock();
            let guard = lock.try_write().unwrap();
            let others = [read_twice(&lock), read_twice(&lock)];
            bump(&guard);
            step();
            if downgrade {
                let guard = crate::RwLockWriteGuard::downgrade(guard);
                assert_eq!(read(&guard), 1);
                let_go(guard);
            } else {
                drop(guard);
            }
            for other in others {
                other.join().unwrap();
            }
            assert_eq!(total(&lock), 1);
        });
    }
}

/// X4: a waiter, reader or writer, is dropped at any moment against the unlock; the one behind it gets its turn.
#[test]
fn dropped_waiter() {
    for (held_by_writer, drops_writer) in [(false, true), (true, false), (true, true)] {
        for reads in [false, true] {
            check(Some(2), STILL, move || {
                let lock = lock();
                let (reading, writing) = if held_by_writer {
                    (None, Some(lock.clone().try_write_owned().unwrap()))
                } else {
                    (Some(lock.clone().try_read_owned().unwrap()), None)
                };
                let (_, waker) = Signal::new();
                let dropper = if drops_writer {
                    let mut first = Box::pin(lock.clone().write_owned());
                    assert!(poll(first.as_mut(), &waker).is_pending());
                    thread::spawn(move || let_go(first))
                } else {
                    let mut first = Box::pin(lock.clone().read_owned());
                    assert!(poll(first.as_mut(), &waker).is_pending());
                    thread::spawn(move || let_go(first))
                };
                let behind = if reads { read_twice(&lock) } else { write_and_bump(&lock) };
                step();
                drop(reading);
                drop(writing);
                dropper.join().unwrap();
                behind.join().unwrap();
                assert_eq!(total(&lock), usize::from(!reads));
            });
        }
    }
}

/// Futurelock: an owner, reader or writer, that has not claimed the lock comes back, or goes, at any moment while another one
/// looks at it, with a clock that steps by 1 ms at each look: the lock is taken back, or claimed, or given up, once.
#[test]
fn taken_back_against_claim_and_drop() {
    for (reads, dropped) in [(true, true), (true, false), (false, true), (false, false)] {
        check(Some(2), STARVING, move || {
            let lock = lock();
            let held = lock.clone().try_write_owned().unwrap();
            let (_, waker) = Signal::new();
            let other = if reads {
                let mut first = Box::pin(lock.clone().read_owned());
                assert!(poll(first.as_mut(), &waker).is_pending());
                drop(held);
                come_or_go(first, dropped, |guard| assert!(read(guard) <= 1))
            } else {
                let mut first = Box::pin(lock.clone().write_owned());
                assert!(poll(first.as_mut(), &waker).is_pending());
                drop(held);
                come_or_go(first, dropped, |guard| bump(guard))
            };
            // It queues, sees it, and takes it back, or is served.
            let guard = block_on_looking(lock.write());
            bump(&guard);
            let_go(guard);
            other.join().unwrap();
            assert_eq!(total(&lock), 1 + usize::from(!reads && !dropped));
        });
    }
}
