//! The lock around waiter lists: exclusion between threads, and what its guard and its raw form promise.
use dormouse_wait::lock::{Guard, Lock, ROUNDS};
use static_assertions::{assert_impl_all, assert_not_impl_any};
use std::cell::Cell;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::rc::Rc;
use std::sync::atomic::{AtomicBool, Ordering::SeqCst};

assert_impl_all!(Lock<Cell<u8>>: Send, Sync);
assert_not_impl_any!(Lock<Rc<u8>>: Send, Sync);
assert_not_impl_any!(Guard<'static, u8>: Send);

#[test]
fn threads_exclude_each_other() {
    let lock = Lock::new((0u64, 0u64));
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                for _ in 0..20_000 {
                    let mut pair = lock.lock();
                    assert_eq!(pair.0, pair.1);
                    pair.0 += 1;
                    pair.1 += 1;
                }
            });
        }
    });
    assert_eq!(*lock.lock(), (80_000, 80_000));
}

/// A holder that keeps the lock for longer than all rounds of standing back: the others get it in the end.
#[test]
fn a_long_holder_is_waited_for() {
    let lock = Lock::new(0);
    let waiting = AtomicBool::new(false);
    std::thread::scope(|scope| {
        let mut held = lock.lock();
        scope.spawn(|| {
            waiting.store(true, SeqCst);
            assert_eq!(*lock.lock(), 1);
        });
        while !waiting.load(SeqCst) {
            std::thread::yield_now();
        }
        for _ in 0..ROUNDS * 4 {
            std::thread::yield_now();
        }
        *held = 1;
    });
}

#[test]
fn try_lock_takes_only_a_free_lock() {
    let lock = Lock::new(1);
    let guard = lock.try_lock().unwrap();
    assert!(lock.try_lock().is_none());
    drop(guard);
    assert_eq!(*lock.try_lock().unwrap(), 1);
}

#[test]
fn a_panic_unlocks() {
    let lock = Lock::new(0);
    let panicked = catch_unwind(AssertUnwindSafe(|| {
        *lock.lock() = 1;
        let _guard = lock.lock();
        panic!("with the lock held");
    }));
    assert!(panicked.is_err());
    assert_eq!(*lock.try_lock().unwrap(), 1);
}

#[test]
fn raw_form() {
    let lock = Lock::new(1);
    lock.raw_lock();
    assert!(lock.try_lock().is_none());
    // SAFETY: locked, and nobody refers to the data.
    let seen = unsafe { lock.with_raw(|data| std::mem::replace(data, 2)) };
    // SAFETY: locked by `raw_lock` above.
    unsafe { lock.raw_unlock() };
    assert_eq!((seen, *lock.try_lock().unwrap()), (1, 2));
}

#[test]
fn formats() {
    let lock: &Lock<[u8]> = &Lock::new([7]);
    assert_eq!(format!("{lock:?}"), "Lock { data: [7] }");
    let guard = lock.lock();
    assert_eq!(format!("{lock:?} {guard:?}"), "Lock { data: <locked> } [7]");
    assert_eq!(*Lock::<u8>::default().lock(), 0);
}

#[test]
#[cfg(target_pointer_width = "64")]
fn small() {
    assert_eq!((size_of::<Lock<()>>(), size_of::<Lock<u64>>()), (1, 16));
}
