//! The mutex poll by poll: each state, each drop.
mod common;

use common::{poll, two_wait};
use dormouse_sync::{MappedMutexGuard, Mutex, MutexGuard, OwnedMappedMutexGuard, OwnedMutexGuard};
use dormouse_testing::{Count, panics, watch};
use dormouse_wait::frame::{BUDGET, Frame, Reason, Waits};
use futures::future::FusedFuture;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::pin;
use std::sync::Arc;
use std::task::Waker;
use tokio_test::task::spawn;
use tokio_test::{assert_pending, assert_ready};

#[test]
fn free_lock_is_ready_at_once() {
    let mutex = Mutex::new(1);
    let mut lock = pin!(mutex.lock());
    assert!(!lock.is_terminated());
    let guard = assert_ready!(poll(lock.as_mut(), Waker::noop()));
    assert!(lock.is_terminated() && mutex.is_locked());
    assert!(mutex.try_lock().is_none());
    drop(guard);
    assert!(!mutex.is_locked());
    assert_eq!(*mutex.try_lock().unwrap(), 1);
}

#[test]
fn waiters_are_woken_in_order_one_at_a_time() {
    let mutex = Mutex::new(());
    let (guard, mut a, mut b) = two_wait(&mutex);
    drop(guard);
    assert!(a.is_woken() && !b.is_woken());
    let guard = assert_ready!(a.poll());
    assert!(!b.is_woken());
    drop(guard);
    assert!(b.is_woken());
    drop(assert_ready!(b.poll()));
    assert!(!mutex.is_locked());
}

/// X8: a future that is never polled has no effect.
#[test]
fn unpolled_lock_has_no_effect() {
    let mutex = Mutex::new(());
    let guard = mutex.try_lock().unwrap();
    let unpolled = mutex.lock();
    let mut polled = spawn(mutex.lock());
    assert_pending!(polled.poll());
    drop(guard);
    assert!(polled.is_woken());
    drop(unpolled);
    drop(assert_ready!(polled.poll()));
}

/// The middle one of three goes: the other two keep their places.
#[test]
fn queued_waiter_dropped() {
    for gone in 0..3 {
        let mutex = Mutex::new(());
        let guard = mutex.try_lock().unwrap();
        let mut locks: Vec<_> = (0..3).map(|_| spawn(mutex.lock())).collect();
        for lock in &mut locks {
            assert_pending!(lock.poll());
        }
        drop(locks.remove(gone));
        drop(guard);
        for mut lock in locks {
            assert!(lock.is_woken());
            drop(assert_ready!(lock.poll()));
        }
        assert!(mutex.try_lock().is_some());
    }
}

#[test]
fn only_waiter_dropped() {
    let mutex = Mutex::new(());
    let guard = mutex.try_lock().unwrap();
    let mut lock = spawn(mutex.lock());
    assert_pending!(lock.poll());
    drop(lock);
    drop(guard);
    assert!(mutex.try_lock().is_some());
}

/// A woken waiter that is dropped before it took the lock wakes the next: the lock is free.
#[test]
fn woken_waiter_dropped_wakes_the_next() {
    let mutex = Mutex::new(());
    let (guard, a, mut b) = two_wait(&mutex);
    drop(guard);
    assert!(a.is_woken() && !b.is_woken());
    drop(a);
    assert!(b.is_woken());
    drop(assert_ready!(b.poll()));
}

/// The same while somebody has barged: his unlock wakes the next.
#[test]
fn woken_waiter_dropped_while_locked() {
    let mutex = Mutex::new(());
    let (guard, a, mut b) = two_wait(&mutex);
    drop(guard);
    let barged = mutex.try_lock().expect("a free lock may be taken past those who wait");
    drop(a);
    assert!(!b.is_woken());
    drop(barged);
    assert!(b.is_woken());
    drop(assert_ready!(b.poll()));
}

/// A woken waiter that nobody polls any more, and that is not dropped either, does not strand those behind it as long
/// as the lock is used.
#[test]
fn forgotten_woken_waiter_strands_nobody() {
    let mutex = Arc::new(Mutex::new(()));
    let guard = mutex.try_lock().unwrap();
    let mut lost = Box::pin(mutex.clone().lock_owned());
    assert!(poll(lost.as_mut(), Waker::noop()).is_pending());
    let mut next = spawn(mutex.lock());
    assert_pending!(next.poll());
    std::mem::forget(lost);
    drop(guard);
    assert!(!next.is_woken());
    let mut unlocks = 0;
    while !next.is_woken() {
        drop(mutex.try_lock().unwrap());
        unlocks += 1;
        assert!(unlocks <= 1000, "the one behind is never woken");
    }
    drop(assert_ready!(next.poll()));
}

/// Futurelock: a task that keeps a lock future without polling it, and locks again. The unlock only woke the first
/// one, so the second poll takes the lock.
#[test]
fn kept_future_does_not_block_its_own_task() {
    let mutex = Mutex::new(());
    let guard = mutex.try_lock().unwrap();
    let (count, waker) = Count::new();
    let (mut kept, mut second) = (pin!(mutex.lock()), pin!(mutex.lock()));
    assert!(poll(kept.as_mut(), &waker).is_pending());
    assert!(poll(second.as_mut(), &waker).is_pending());
    // However long the first one waits.
    std::thread::sleep(std::time::Duration::from_millis(3));
    drop(guard);
    assert_eq!(count.get(), 1, "the task is woken for the first one");
    let guard = poll(second.as_mut(), &waker);
    assert!(guard.is_ready(), "and its poll of the second one takes the free lock");
    drop(guard);
    assert!(poll(kept.as_mut(), &waker).is_ready());
}

/// X7: a poll without cause changes nothing; a future polled from another task wakes that one.
#[test]
fn another_task_is_woken() {
    let mutex = Mutex::new(());
    let guard = mutex.try_lock().unwrap();
    drop(common::another_task_is_woken(pin!(mutex.lock()), 0, || drop(guard)));
}

#[test]
#[should_panic(expected = "polled after it had finished")]
fn repolled_lock_panics() {
    let mutex = Mutex::new(());
    let mut lock = spawn(mutex.lock());
    drop(assert_ready!(lock.poll()));
    let _ = lock.poll();
}

#[test]
#[should_panic(expected = "polled after it had finished")]
fn repolled_owned_lock_panics() {
    let mutex = Arc::new(Mutex::new(()));
    let mut lock = pin!(mutex.lock_owned());
    assert!(!lock.is_terminated());
    drop(assert_ready!(poll(lock.as_mut(), Waker::noop())));
    assert!(lock.is_terminated());
    let _ = poll(lock.as_mut(), Waker::noop());
}

#[test]
fn owned_lock_waits_and_passes_on() {
    let mutex = Arc::new(Mutex::new(5));
    let guard = mutex.clone().try_lock_owned().unwrap();
    assert!(mutex.clone().try_lock_owned().is_none());
    let (mut a, mut b) = (spawn(mutex.clone().lock_owned()), spawn(mutex.clone().lock_owned()));
    assert_pending!(a.poll());
    assert_pending!(b.poll());
    drop(guard);
    assert!(a.is_woken());
    drop(a);
    assert!(b.is_woken());
    let guard = assert_ready!(b.poll());
    assert_eq!(*guard, 5);
    assert!(Arc::ptr_eq(OwnedMutexGuard::mutex(&guard), &mutex));
    drop(b);
    drop(guard);
    assert_eq!(Arc::strong_count(&mutex), 1);
    assert!(!mutex.is_locked());
}

/// An owned guard keeps the mutex alive.
#[test]
fn owned_guard_outlives_the_handles() {
    let alive = Arc::new(());
    let mutex = Arc::new(Mutex::new(alive.clone()));
    let guard = mutex.try_lock_owned().unwrap();
    assert_eq!(Arc::strong_count(&guard), 2);
    drop(guard);
    assert_eq!(Arc::strong_count(&alive), 1);
}

#[test]
fn mapped_guards_unlock_once() {
    let mutex = Arc::new(Mutex::new((vec![1, 2], "x")));
    let vec = MutexGuard::map(mutex.try_lock().unwrap(), |data| &mut data.0);
    let mut last = MappedMutexGuard::map(vec, |vec| vec.last_mut().unwrap());
    *last = 3;
    assert!(mutex.try_lock().is_none());
    let last = MappedMutexGuard::try_map(last, |_| None::<&mut u8>).unwrap_err();
    assert!(mutex.is_locked());
    drop(last);
    assert!(!mutex.is_locked());

    let owned = mutex.clone().try_lock_owned().unwrap();
    let owned = OwnedMutexGuard::try_map(owned, |_| None::<&mut u8>).unwrap_err();
    let vec = OwnedMutexGuard::try_map(owned, |data| Some(&mut data.0)).unwrap();
    let vec = OwnedMappedMutexGuard::try_map(vec, |vec| vec.get_mut(7)).unwrap_err();
    let mut slice = OwnedMappedMutexGuard::map(vec, |vec| vec.as_mut_slice());
    slice[0] = 9;
    assert!(mutex.is_locked());
    drop(slice);
    assert_eq!(mutex.try_lock().unwrap().0, [9, 3]);
    assert_eq!(Arc::strong_count(&mutex), 1);
}

#[test]
fn panic_in_map_unlocks() {
    let mutex = Arc::new(Mutex::new(0));
    let panicked = catch_unwind(AssertUnwindSafe(|| {
        let _ = MutexGuard::map(mutex.try_lock().unwrap(), |_| -> &mut i32 { panic!("in map") });
    }));
    assert!(panicked.is_err() && !mutex.is_locked());
    let panicked = catch_unwind(AssertUnwindSafe(|| {
        let _ = OwnedMutexGuard::map(mutex.clone().try_lock_owned().unwrap(), |_| -> &mut i32 {
            panic!("in map")
        });
    }));
    assert!(panicked.is_err() && !mutex.is_locked());
    assert_eq!(Arc::strong_count(&mutex), 1);
}

/// Not poisoned: a panic under the lock unlocks it, and wakes whoever waits.
#[test]
fn panic_under_the_lock_unlocks() {
    let mutex = Mutex::new(0);
    let mut waiter = spawn(mutex.lock());
    let panicked = catch_unwind(AssertUnwindSafe(|| {
        let mut guard = mutex.try_lock().unwrap();
        assert_pending!(waiter.poll());
        *guard = 1;
        panic!("under the lock");
    }));
    assert!(panicked.is_err() && waiter.is_woken());
    assert_eq!(*assert_ready!(waiter.poll()), 1);
}

#[test]
fn unsized_data() {
    let mutex: Arc<Mutex<[i32]>> = Arc::new(Mutex::new([1, 2, 3]));
    mutex.try_lock().unwrap()[1] = 5;
    let shown: &Mutex<dyn std::fmt::Debug> = &Mutex::new(7);
    assert_eq!(format!("{:?}", &*shown.try_lock().unwrap()), "7");
    assert_eq!(*mutex.try_lock_owned().unwrap(), [1, 5, 3]);
}

#[test]
fn formats() {
    let mutex = Mutex::new(7);
    assert_eq!(format!("{mutex:?}"), "Mutex { data: 7 }");
    let guard = mutex.try_lock().unwrap();
    assert_eq!(format!("{mutex:?}"), "Mutex { data: <locked> }");
    assert_eq!(format!("{guard:?} {guard}"), "7 7");
    let mut lock = spawn(mutex.lock());
    assert_pending!(lock.poll());
    assert_eq!(format!("{:?}", mutex.lock()), "Lock { done: false, .. }");
    struct Plain;
    let plain = Mutex::new(Plain);
    assert_eq!(format!("{:?}", plain.lock()), "Lock { done: false, .. }");
}

#[test]
fn small_parts() {
    let mut mutex = Mutex::from(1);
    *mutex.get_mut() += 1;
    assert_eq!(mutex.into_inner(), 2);
    assert_eq!(*Mutex::<u8>::default().try_lock().unwrap(), 0);
    let guarded = Mutex::new(0);
    let guard = guarded.try_lock().unwrap();
    assert!(std::ptr::eq(MutexGuard::mutex(&guard), &guarded));
}

/// A dump says that a task waits for the mutex, and on which line; a free lock is no wait.
#[test]
fn wait_reason() {
    let mutex = Mutex::new(());
    let waits = Waits::new();
    let frame = Frame::new(&waits);
    let guard = frame.enter(|| assert_ready!(spawn(mutex.lock()).poll()));
    assert_eq!(waits.get().0, Reason::External);
    let (mut lock, line) = (spawn(mutex.lock()), line!());
    frame.enter(|| assert_pending!(lock.poll()));
    let (reason, site) = waits.get();
    assert_eq!((reason, site.unwrap().line(), site.unwrap().file()), (Reason::MutexLock, line, file!()));
    drop(guard);
}

/// Each lock costs one operation of the poll's budget; a refused one wakes its task and has no effect, and one that
/// was woken does not pay again.
#[test]
fn budget() {
    let mutex = Mutex::new(());
    let waits = Waits::new();
    let frame = Frame::new(&waits);
    let guard = mutex.try_lock().unwrap();
    let mut woken = spawn(mutex.lock());
    frame.enter(|| {
        assert_pending!(woken.poll());
        drop(guard);
        for _ in 1..BUDGET {
            drop(assert_ready!(spawn(mutex.lock()).poll()));
        }
        let mut refused = spawn(mutex.lock());
        assert_pending!(refused.poll());
        assert!(refused.is_woken() && !mutex.is_locked());
        drop(assert_ready!(woken.poll()));
        drop(refused);
    });
    assert!(mutex.try_lock().is_some());
}

#[test]
fn blocking_threads_exclude() {
    let _watch = watch();
    let mutex = Arc::new(Mutex::new(0));
    std::thread::scope(|scope| {
        for thread in 0..4 {
            let mutex = &mutex;
            scope.spawn(move || {
                for _ in 0..1000 {
                    if thread % 2 == 0 {
                        *mutex.lock_blocking() += 1;
                    } else {
                        *mutex.clone().lock_owned_blocking() += 1;
                    }
                }
            });
        }
    });
    assert_eq!(*mutex.lock_blocking(), 4000);
}

#[test]
fn blocking_inside_a_task_panics() {
    let mutex = Arc::new(Mutex::new(()));
    Frame::new(&Waits::new()).enter(|| {
        assert!(panics(|| drop(mutex.lock_blocking())).contains("use `lock().await` there"));
        let owned = || drop(mutex.clone().lock_owned_blocking());
        assert!(panics(owned).contains("use `lock_owned().await` there"));
    });
    assert!(!mutex.is_locked());
}
