//! The read-write lock poll by poll: turns, each drop, guards.
mod common;

use common::{Clock, poll, reader, writer};
use dormouse_sync::{
    MappedRwLockWriteGuard, OwnedMappedRwLockWriteGuard, OwnedRwLockReadGuard, OwnedRwLockWriteGuard, RwLock,
    RwLockReadGuard, RwLockWriteGuard,
};
use dormouse_testing::{Count, Event, hooked, panics, watch};
use dormouse_wait::frame::{BUDGET, Frame, Reason, Waits};
use futures::future::FusedFuture;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::Waker;
use tokio_test::task::spawn;
use tokio_test::{assert_pending, assert_ready};

#[test]
fn many_readers_or_one_writer() {
    let lock = RwLock::new(1);
    let (a, b) = (assert_ready!(spawn(lock.read()).poll()), lock.try_read().unwrap());
    assert_eq!((*a, *b), (1, 1));
    assert!(lock.try_write().is_none());
    drop(a);
    assert!(lock.try_write().is_none());
    drop(b);
    let mut guard = assert_ready!(spawn(lock.write()).poll());
    *guard += 1;
    assert!(lock.try_read().is_none() && lock.try_write().is_none());
    drop(guard);
    assert_eq!(*lock.try_read().unwrap(), 2);
}

/// F35: a writer that waits stops new readers.
#[test]
fn a_waiting_writer_stops_new_readers() {
    let lock = RwLock::new(0);
    let held = lock.try_read().unwrap();
    let mut wait = writer(&lock);
    assert!(lock.try_read().is_none());
    let mut late = reader(&lock);
    drop(held);
    assert!(wait.is_woken() && !late.is_woken());
    assert!(lock.try_read().is_none() && lock.try_write().is_none(), "taken what was handed over");
    let guard = assert_ready!(wait.poll());
    assert!(!late.is_woken());
    drop(guard);
    assert!(late.is_woken());
    drop(assert_ready!(late.poll()));
    assert!(lock.try_write().is_some());
}

/// F35: a writer's unlock admits all readers that wait, also those that came after the next writer.
#[test]
fn an_unlock_admits_all_waiting_readers() {
    let lock = RwLock::new(0);
    let held = lock.try_write().unwrap();
    let mut a = reader(&lock);
    let mut next = writer(&lock);
    let mut b = reader(&lock);
    drop(held);
    assert!(a.is_woken() && b.is_woken() && !next.is_woken());
    let a = assert_ready!(a.poll());
    // From now on it is the next writer's turn.
    let mut late = reader(&lock);
    assert!(lock.try_read().is_none());
    drop(a);
    assert!(!next.is_woken(), "the other one has not read yet");
    drop(assert_ready!(b.poll()));
    assert!(next.is_woken() && !late.is_woken());
    drop(assert_ready!(next.poll()));
    drop(assert_ready!(late.poll()));
}

#[test]
fn writers_in_order() {
    let lock = RwLock::new(0);
    let held = lock.try_write().unwrap();
    let mut waits = [writer(&lock), writer(&lock), writer(&lock)];
    drop(held);
    for n in 0..3 {
        assert_eq!(waits.each_ref().map(|wait| wait.is_woken()), [n == 0, n == 1, n == 2]);
        drop(assert_ready!(waits[n].poll()));
    }
    assert!(lock.try_write().is_some());
}

/// The only writer that waits goes: readers that waited for it are admitted.
#[test]
fn dropped_writer_lets_readers_in() {
    let lock = RwLock::new(0);
    let held = lock.try_read().unwrap();
    let (first, second) = (writer(&lock), writer(&lock));
    let (mut a, mut b) = (reader(&lock), reader(&lock));
    drop(first);
    assert!(!a.is_woken() && lock.try_read().is_none(), "another writer waits");
    drop(second);
    assert!(a.is_woken() && b.is_woken());
    let all = (assert_ready!(a.poll()), assert_ready!(b.poll()), lock.try_read().unwrap());
    drop(held);
    assert!(lock.try_write().is_none());
    drop(all);
    assert!(lock.try_write().is_some());
}

/// While a writer has it, a writer that goes lets nobody in.
#[test]
fn dropped_writer_behind_a_writer() {
    let lock = RwLock::new(0);
    let held = lock.try_write().unwrap();
    let gone = writer(&lock);
    let mut wait = reader(&lock);
    drop(gone);
    assert!(!wait.is_woken());
    drop(held);
    drop(assert_ready!(wait.poll()));
    assert!(lock.try_write().is_some());
}

#[test]
fn dropped_readers() {
    let lock = RwLock::new(0);
    let held = lock.try_write().unwrap();
    let (gone, mut stays) = (reader(&lock), reader(&lock));
    drop(gone);
    drop(held);
    drop(assert_ready!(stays.poll()));
    let held = lock.try_write().unwrap();
    drop(reader(&lock));
    drop(held);
    assert!(lock.try_write().is_some());
}

/// X4: admitted or handed the lock, and dropped before it knew.
#[test]
fn dropped_owners_pass_on() {
    // With a clock that stands: nothing is taken back from who is polled late.
    Clock::with(|_| {
        let lock = RwLock::new(0);
        let held = lock.try_write().unwrap();
        let (a, b, mut next) = (reader(&lock), reader(&lock), writer(&lock));
        drop(held);
        drop(a);
        assert!(!next.is_woken());
        drop(b);
        assert!(next.is_woken());
        let (after, mut last) = (writer(&lock), reader(&lock));
        drop(assert_ready!(next.poll()));
        assert!(last.is_woken() && !after.is_woken());
        drop(assert_ready!(last.poll()));
        assert!(after.is_woken());
        let mut behind = reader(&lock);
        drop(after);
        drop(assert_ready!(behind.poll()));
        assert!(lock.try_write().is_some());
    });
}

/// X8: what is not polled stops nobody.
#[test]
fn unpolled_has_no_effect() {
    let lock = RwLock::new(0);
    let held = lock.try_read().unwrap();
    let unpolled = (lock.write(), lock.read());
    assert!(lock.try_read().is_some());
    drop(unpolled);
    drop(held);
    assert!(lock.try_write().is_some());
}

/// Readers of more than one batch are admitted at once: one that is woken first and unlocks lets no writer in before
/// the others; and those whose batch has not come own the lock when they are polled, and give it up when they go.
#[test]
fn a_batch_is_no_mark() {
    let lock = Arc::new(RwLock::new(0u32));
    let held = lock.clone().try_write_owned().unwrap();
    type Late = Pin<Box<dyn Future<Output = OwnedRwLockReadGuard<u32>> + Send>>;
    let late: Arc<std::sync::Mutex<Vec<Late>>> = Arc::default();
    let (called, first) = (Count::shared(), Arc::new(std::sync::Mutex::new(None)));
    let hook = {
        let (lock, late, called, first) = (lock.clone(), late.clone(), called.clone(), first.clone());
        hooked(move |call| {
            if call == Event::Wake {
                called.add();
                let mine: Option<Late> = first.lock().unwrap().take();
                drop(poll(mine.expect("it waits").as_mut(), Waker::noop()));
                assert!(lock.try_write().is_none() && lock.try_read().is_none(), "a writer waits");
                let late = std::mem::take(&mut *late.lock().unwrap());
                for (n, mut wait) in late.into_iter().enumerate() {
                    assert!(n != 0 || poll(wait.as_mut(), Waker::noop()).is_ready(), "admitted");
                }
            }
        })
    };
    let mut wait: Late = Box::pin(lock.clone().read_owned());
    assert!(poll(wait.as_mut(), &hook).is_pending());
    drop(hook);
    *first.lock().unwrap() = Some(wait);
    let mut others: Vec<_> = (0..50).map(|_| reader(&lock)).collect();
    for _ in 0..2 {
        let mut wait: Late = Box::pin(lock.clone().read_owned());
        assert!(poll(wait.as_mut(), Waker::noop()).is_pending());
        late.lock().unwrap().push(wait);
    }
    let mut next = writer(&lock);
    drop(held);
    assert_eq!(called.get(), 1);
    for wait in &mut others {
        assert!(wait.is_woken() && !next.is_woken());
        drop(assert_ready!(wait.poll()));
    }
    assert!(next.is_woken());
    drop(assert_ready!(next.poll()));
    assert!(lock.try_write().is_some());
}

#[test]
fn downgrade() {
    let lock = Arc::new(RwLock::new(0));
    let mut guard = lock.try_write().unwrap();
    *guard = 1;
    let guard = RwLockWriteGuard::downgrade(guard);
    assert_eq!((*guard, *lock.try_read().unwrap()), (1, 1));
    assert!(lock.try_write().is_none());
    drop(guard);
    // With waiters: readers are let in, writers not.
    let guard = lock.clone().try_write_owned().unwrap();
    let (mut next, mut a) = (writer(&lock), reader(&lock));
    let guard = OwnedRwLockWriteGuard::downgrade(guard);
    assert!(a.is_woken() && !next.is_woken());
    drop(assert_ready!(a.poll()));
    assert!(!next.is_woken() && lock.try_read().is_none());
    assert!(Arc::ptr_eq(OwnedRwLockReadGuard::rwlock(&guard), &lock));
    drop(guard);
    let guard = assert_ready!(next.poll());
    let waiting = writer(&lock);
    let guard = RwLockWriteGuard::downgrade(guard);
    drop(waiting);
    drop(guard);
    assert!(lock.try_write().is_some());
    drop(next);
    assert_eq!(Arc::strong_count(&lock), 1);
}

/// X7: a poll without cause changes nothing; a future polled from another task wakes that one.
#[test]
fn another_task_is_woken() {
    let lock = RwLock::new(0);
    let held = lock.try_write().unwrap();
    drop(common::another_task_is_woken(pin!(lock.read()), 0, || drop(held)));
    let held = lock.try_write().unwrap();
    drop(common::another_task_is_woken(pin!(lock.write()), 0, || drop(held)));
}

#[test]
fn repolled_panics() {
    let lock = Arc::new(RwLock::new(0));
    let mut read = pin!(lock.read());
    let mut owned = pin!(lock.clone().write_owned());
    drop(poll(read.as_mut(), Waker::noop()));
    assert!(read.is_terminated() && !owned.is_terminated());
    drop(poll(owned.as_mut(), Waker::noop()));
    assert!(owned.is_terminated());
    assert!(panics(|| drop(poll(read, Waker::noop()))).contains("polled after it had finished"));
    assert!(panics(|| drop(poll(owned, Waker::noop()))).contains("polled after it had finished"));
    assert!(lock.try_write().is_some());
}

#[test]
fn mapped_guards_unlock_once() {
    let lock = Arc::new(RwLock::new((vec![1, 2], "x")));
    let text = RwLockReadGuard::map(lock.try_read().unwrap(), |data| data.1);
    assert_eq!(&*text, "x");
    let text = RwLockReadGuard::try_map(text, |_| None::<&u8>).unwrap_err();
    let byte = RwLockReadGuard::try_map(text, |text| text.as_bytes().first()).unwrap();
    assert_eq!(*byte, b'x');
    assert!(lock.try_write().is_none());
    drop(byte);

    let all = RwLockWriteGuard::try_map(lock.try_write().unwrap(), |_| None::<&mut u8>).unwrap_err();
    let vec = RwLockWriteGuard::map(all, |data| &mut data.0);
    let mut last = MappedRwLockWriteGuard::map(vec, |vec| vec.last_mut().unwrap());
    *last = 3;
    assert!(lock.try_read().is_none());
    drop(last);

    let owned = lock.clone().try_read_owned().unwrap();
    let owned = OwnedRwLockReadGuard::try_map(owned, |_| None::<&u8>).unwrap_err();
    let vec = OwnedRwLockReadGuard::map(owned, |data| &data.0);
    assert_eq!(*vec, [1, 3]);
    drop(vec);

    let owned = lock.clone().try_write_owned().unwrap();
    let owned = OwnedRwLockWriteGuard::try_map(owned, |_| None::<&mut u8>).unwrap_err();
    let vec = OwnedRwLockWriteGuard::map(owned, |data| &mut data.0);
    let mut first = OwnedMappedRwLockWriteGuard::map(vec, |vec| &mut vec[0]);
    *first = 9;
    assert!(lock.try_read().is_none());
    drop(first);
    assert_eq!(lock.try_write().unwrap().0, [9, 3]);
    assert_eq!(Arc::strong_count(&lock), 1);
}

#[test]
fn panics_unlock() {
    let lock = Arc::new(RwLock::new(0));
    panics(|| drop(RwLockReadGuard::map(lock.try_read().unwrap(), |_| -> &u8 { panic!("in map") })));
    panics(|| drop(RwLockWriteGuard::map(lock.try_write().unwrap(), |_| -> &mut u8 { panic!("in map") })));
    panics(|| {
        let owned = lock.clone().try_write_owned().unwrap();
        drop(OwnedRwLockWriteGuard::map(owned, |_| -> &mut u8 { panic!("in map") }));
    });
    let mut wait = None;
    panics(|| {
        let _guard = lock.try_write().unwrap();
        wait = Some(reader(&lock));
        panic!("under the lock");
    });
    drop(assert_ready!(wait.unwrap().poll()));
    assert!(lock.try_write().is_some());
    assert_eq!(Arc::strong_count(&lock), 1);
}

#[test]
fn small_parts() {
    let mut lock = RwLock::from(1);
    *lock.get_mut() += 1;
    assert_eq!(lock.into_inner(), 2);
    assert_eq!(*RwLock::<u8>::default().try_read().unwrap(), 0);
    let unsized_lock: Arc<RwLock<[i32]>> = Arc::new(RwLock::new([1, 2, 3]));
    unsized_lock.try_write().unwrap()[1] = 5;
    assert_eq!(*unsized_lock.try_read_owned().unwrap(), [1, 5, 3]);
}

#[test]
fn formats() {
    let lock = RwLock::new(7);
    assert_eq!(format!("{lock:?}"), "RwLock { data: 7 }");
    let read = lock.try_read().unwrap();
    assert_eq!(format!("{lock:?} {read:?} {read}"), "RwLock { data: 7 } 7 7");
    let wait = writer(&lock);
    assert_eq!(format!("{lock:?}"), "RwLock { data: <a writer waits> }");
    drop((wait, read));
    let write = lock.try_write().unwrap();
    assert_eq!(format!("{lock:?} {write:?}"), "RwLock { data: <being written> } 7");
    assert_eq!(
        format!("{:?} {:?}", lock.read(), lock.write()),
        "Read { done: false, .. } Write { done: false, .. }"
    );
}

#[test]
fn wait_reasons() {
    let lock = RwLock::new(0);
    let _held = lock.try_write().unwrap();
    let waits = Waits::new();
    let frame = Frame::new(&waits);
    let (mut read, line) = (spawn(lock.read()), line!());
    frame.enter(|| assert_pending!(read.poll()));
    let (reason, site) = waits.get();
    assert_eq!((reason, site.unwrap().line(), site.unwrap().file()), (Reason::RwLockRead, line, file!()));
    let mut write = spawn(lock.write());
    frame.enter(|| assert_pending!(write.poll()));
    assert_eq!(waits.get().0, Reason::RwLockWrite);
}

/// Each lock costs one operation of the poll's budget; a refused one has no effect, and who was admitted does not pay.
#[test]
fn budget() {
    let lock = RwLock::new(0);
    let held = lock.try_write().unwrap();
    Frame::new(&Waits::new()).enter(|| {
        let mut admitted = reader(&lock);
        drop(held);
        for _ in 1..BUDGET {
            drop(assert_ready!(spawn(lock.read()).poll()));
        }
        let mut refused = writer(&lock);
        assert!(refused.is_woken() && lock.try_read().is_some());
        drop(assert_ready!(admitted.poll()));
        assert_pending!(refused.poll());
    });
    assert!(lock.try_write().is_some());
}

#[test]
fn blocking_threads() {
    let _watch = watch();
    let lock = RwLock::new((0, 0));
    std::thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| {
                for _ in 0..1000 {
                    let mut guard = lock.write_blocking();
                    guard.0 += 1;
                    guard.1 += 1;
                }
            });
            scope.spawn(|| {
                for _ in 0..1000 {
                    let guard = lock.read_blocking();
                    assert_eq!(guard.0, guard.1);
                }
            });
        }
    });
    assert_eq!(lock.into_inner(), (2000, 2000));
}

#[test]
fn blocking_inside_a_task_panics() {
    let lock = RwLock::new(0);
    Frame::new(&Waits::new()).enter(|| {
        assert!(panics(|| drop(lock.read_blocking())).contains("use `read().await` there"));
        assert!(panics(|| drop(lock.write_blocking())).contains("use `write().await` there"));
    });
}
