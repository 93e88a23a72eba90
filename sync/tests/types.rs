//! Which types are Send, Sync and the like, and how large they are.
use dormouse_sync::futures::*;
use dormouse_sync::*;
use static_assertions::{assert_impl_all, assert_not_impl_any};
use std::cell::Cell;
use std::future::Ready;
use std::panic::{RefUnwindSafe, UnwindSafe};
use std::rc::Rc;
use std::sync::MutexGuard as StdGuard;

/// Send, not Sync.
type OnlySend = Cell<u8>;
/// Sync, not Send.
type OnlySync = StdGuard<'static, u8>;

assert_impl_all!(Mutex<u8>: Send, Sync, Unpin, UnwindSafe);
assert_impl_all!(Mutex<OnlySend>: Send, Sync);
assert_not_impl_any!(Mutex<Rc<u8>>: Send, Sync);
assert_not_impl_any!(Mutex<OnlySync>: Send, Sync);

assert_impl_all!(MutexGuard<'static, u8>: Send, Sync, Unpin);
assert_impl_all!(MutexGuard<'static, OnlySend>: Send);
assert_not_impl_any!(MutexGuard<'static, OnlySend>: Sync);
assert_not_impl_any!(MutexGuard<'static, OnlySync>: Send);
assert_not_impl_any!(MutexGuard<'static, Rc<u8>>: Send, Sync);

assert_impl_all!(MappedMutexGuard<'static, u8>: Send, Sync, Unpin);
assert_impl_all!(MappedMutexGuard<'static, OnlySend>: Send);
assert_not_impl_any!(MappedMutexGuard<'static, OnlySend>: Sync);
assert_not_impl_any!(MappedMutexGuard<'static, OnlySync>: Send);
assert_not_impl_any!(MappedMutexGuard<'static, Rc<u8>>: Send, Sync);

assert_impl_all!(OwnedMutexGuard<u8>: Send, Sync, Unpin);
assert_impl_all!(OwnedMutexGuard<OnlySend>: Send);
assert_not_impl_any!(OwnedMutexGuard<OnlySend>: Sync);
assert_not_impl_any!(OwnedMutexGuard<OnlySync>: Send);
assert_not_impl_any!(OwnedMutexGuard<Rc<u8>>: Send, Sync);

assert_impl_all!(OwnedMappedMutexGuard<u8, u8>: Send, Sync, Unpin);
assert_impl_all!(OwnedMappedMutexGuard<OnlySend, u8>: Send, Sync);
assert_impl_all!(OwnedMappedMutexGuard<u8, OnlySend>: Send);
assert_not_impl_any!(OwnedMappedMutexGuard<u8, OnlySend>: Sync);
assert_not_impl_any!(OwnedMappedMutexGuard<Rc<u8>, u8>: Send, Sync);
assert_not_impl_any!(OwnedMappedMutexGuard<u8, Rc<u8>>: Send, Sync);

assert_impl_all!(Lock<'static, u8>: Send, Sync);
assert_impl_all!(Lock<'static, OnlySend>: Send);
assert_not_impl_any!(Lock<'static, u8>: Unpin);
assert_not_impl_any!(Lock<'static, Rc<u8>>: Send, Sync);
assert_impl_all!(LockOwned<u8>: Send, Sync);
assert_not_impl_any!(LockOwned<u8>: Unpin);
assert_not_impl_any!(LockOwned<Rc<u8>>: Send, Sync);

assert_impl_all!(WaitGroup: Send, Sync, Unpin, Clone, UnwindSafe, RefUnwindSafe);
assert_impl_all!(WaitGroupGuard: Send, Sync, Unpin, UnwindSafe, RefUnwindSafe);
assert_not_impl_any!(WaitGroupGuard: Clone);
assert_impl_all!(Wait<'static>: Send, Sync);
assert_not_impl_any!(Wait<'static>: Unpin);
assert_impl_all!(Track<Ready<u8>>: Send, Sync, Unpin);
assert_not_impl_any!(Track<Ready<Rc<u8>>>: Send, Sync);

assert_impl_all!(Notify: Send, Sync, Unpin, UnwindSafe, RefUnwindSafe);
assert_impl_all!(Notified<'static>: Send, Sync);
assert_not_impl_any!(Notified<'static>: Unpin);
assert_impl_all!(OwnedNotified: Send, Sync);
assert_not_impl_any!(OwnedNotified: Unpin);

assert_impl_all!(Semaphore: Send, Sync, Unpin, UnwindSafe, RefUnwindSafe);
assert_impl_all!(SemaphorePermit<'static>: Send, Sync, Unpin, UnwindSafe, RefUnwindSafe);
assert_impl_all!(OwnedSemaphorePermit: Send, Sync, Unpin, UnwindSafe, RefUnwindSafe);
assert_not_impl_any!(SemaphorePermit<'static>: Clone);
assert_impl_all!(Acquire<'static>: Send, Sync);
assert_not_impl_any!(Acquire<'static>: Unpin);
assert_impl_all!(AcquireOwned: Send, Sync);
assert_not_impl_any!(AcquireOwned: Unpin);
assert_impl_all!(AcquireError: Send, Sync, std::error::Error, Copy);
assert_impl_all!(TryAcquireError: Send, Sync, std::error::Error, Copy);

assert_impl_all!(RwLock<u8>: Send, Sync, Unpin, UnwindSafe);
assert_impl_all!(RwLock<OnlySend>: Send);
assert_not_impl_any!(RwLock<OnlySend>: Sync);
assert_not_impl_any!(RwLock<OnlySync>: Send, Sync);
assert_not_impl_any!(RwLock<Rc<u8>>: Send, Sync);

assert_impl_all!(RwLockReadGuard<'static, u8>: Send, Sync, Unpin);
assert_impl_all!(RwLockReadGuard<'static, OnlySync>: Send, Sync);
assert_not_impl_any!(RwLockReadGuard<'static, OnlySend>: Send, Sync);
assert_impl_all!(RwLockWriteGuard<'static, u8>: Send, Sync, Unpin);
assert_not_impl_any!(RwLockWriteGuard<'static, OnlySend>: Send, Sync);
assert_not_impl_any!(RwLockWriteGuard<'static, OnlySync>: Send, Sync);
assert_impl_all!(MappedRwLockWriteGuard<'static, u8>: Send, Sync, Unpin);
assert_impl_all!(MappedRwLockWriteGuard<'static, OnlySend>: Send);
assert_not_impl_any!(MappedRwLockWriteGuard<'static, OnlySend>: Sync);
assert_not_impl_any!(MappedRwLockWriteGuard<'static, OnlySync>: Send);
assert_not_impl_any!(MappedRwLockWriteGuard<'static, Rc<u8>>: Send, Sync);

assert_impl_all!(OwnedRwLockReadGuard<u8>: Send, Sync, Unpin);
assert_impl_all!(OwnedRwLockReadGuard<u8, OnlySync>: Send, Sync);
assert_not_impl_any!(OwnedRwLockReadGuard<u8, OnlySend>: Send, Sync);
assert_not_impl_any!(OwnedRwLockReadGuard<OnlySend, u8>: Send, Sync);
assert_not_impl_any!(OwnedRwLockReadGuard<OnlySync, u8>: Send, Sync);
assert_impl_all!(OwnedRwLockWriteGuard<u8>: Send, Sync, Unpin);
assert_not_impl_any!(OwnedRwLockWriteGuard<OnlySend>: Send, Sync);
assert_not_impl_any!(OwnedRwLockWriteGuard<OnlySync>: Send, Sync);
assert_impl_all!(OwnedMappedRwLockWriteGuard<u8>: Send, Sync, Unpin);
assert_impl_all!(OwnedMappedRwLockWriteGuard<u8, OnlySend>: Send);
assert_not_impl_any!(OwnedMappedRwLockWriteGuard<u8, OnlySend>: Sync);
assert_not_impl_any!(OwnedMappedRwLockWriteGuard<u8, OnlySync>: Send);
assert_not_impl_any!(OwnedMappedRwLockWriteGuard<OnlySend, u8>: Send, Sync);

assert_impl_all!(Read<'static, u8>: Send, Sync);
assert_impl_all!(Write<'static, u8>: Send, Sync);
assert_not_impl_any!(Read<'static, u8>: Unpin);
assert_not_impl_any!(Write<'static, OnlySend>: Unpin, Send, Sync);
assert_impl_all!(ReadOwned<u8>: Send, Sync);
assert_impl_all!(WriteOwned<u8>: Send, Sync);
assert_not_impl_any!(ReadOwned<OnlySend>: Unpin, Send, Sync);
assert_impl_all!(Context: Send, Sync, Unpin, Clone, Default);
assert_impl_all!(Cancel: Send, Sync, Unpin, Clone);
assert_impl_all!(CancelGuard: Send, Sync, Unpin);
assert_impl_all!(AfterFunc: Send, Sync, Unpin);
assert_not_impl_any!(CancelGuard: Clone);
assert_not_impl_any!(AfterFunc: Clone);
assert_impl_all!(Done<'static>: Send, Sync);
assert_not_impl_any!(Done<'static>: Unpin);
assert_impl_all!(Run<Ready<u8>>: Send, Sync);
assert_not_impl_any!(Run<Ready<u8>>: Unpin);
assert_not_impl_any!(Run<Ready<Rc<u8>>>: Send, Sync);

assert_impl_all!(Once: Send, Sync, Unpin, UnwindSafe, RefUnwindSafe);
assert_impl_all!(OnceCell<u8>: Send, Sync, Unpin, UnwindSafe, RefUnwindSafe);
assert_impl_all!(OnceCell<OnlySend>: Send);
assert_not_impl_any!(OnceCell<OnlySend>: Sync, RefUnwindSafe);
assert_not_impl_any!(OnceCell<OnlySync>: Send, Sync);
assert_not_impl_any!(OnceCell<Rc<u8>>: Send, Sync);
assert_impl_all!(WaitSet<'static, u8>: Send, Sync);
assert_not_impl_any!(WaitSet<'static, u8>: Unpin);
assert_not_impl_any!(WaitSet<'static, OnlySend>: Send, Sync);

assert_impl_all!(RateLimiter: Send, Sync, Unpin);
assert_impl_all!(Reservation<'static>: Send, Sync, Unpin);
assert_not_impl_any!(Reservation<'static>: Clone);
assert_impl_all!(RateWait<'static>: Send, Sync, Unpin);

assert_impl_all!(SingleFlight<u8, u8>: Send, Sync, Unpin);
assert_not_impl_any!(SingleFlight<u8, OnlySend>: Send, Sync);
assert_not_impl_any!(SingleFlight<Rc<u8>, u8>: Send, Sync);

assert_impl_all!(Condvar: Send, Sync, Unpin, UnwindSafe, RefUnwindSafe);
assert_impl_all!(CondvarWait<'static, 'static, u8>: Send, Sync);
assert_impl_all!(CondvarWait<'static, 'static, OnlySend>: Send);
assert_not_impl_any!(CondvarWait<'static, 'static, u8>: Unpin);
assert_not_impl_any!(CondvarWait<'static, 'static, Rc<u8>>: Send, Sync);
assert_impl_all!(CondvarWaitTimeout<'static, 'static, u8>: Send, Sync);
assert_not_impl_any!(CondvarWaitTimeout<'static, 'static, u8>: Unpin);
assert_impl_all!(WaitTimeoutResult: Send, Sync, Copy);

assert_impl_all!(Barrier: Send, Sync, Unpin, UnwindSafe, RefUnwindSafe);
assert_impl_all!(BarrierWait<'static>: Send, Sync);
assert_not_impl_any!(BarrierWait<'static>: Unpin);
assert_impl_all!(BarrierWaitResult: Send, Sync, Copy);

#[test]
#[cfg(target_pointer_width = "64")]
fn sizes() {
    assert_eq!(size_of::<Condvar>(), 24);
    assert_eq!(size_of::<Barrier>(), 40);
    assert_eq!(size_of::<RwLock<()>>(), 32);
    assert_eq!(size_of::<RwLockReadGuard<'static, u64>>(), 16);
    assert_eq!(size_of::<Notify>(), 24);
    assert_eq!(size_of::<Semaphore>(), 24);
    assert_eq!(size_of::<SemaphorePermit<'static>>(), 16);
    assert_eq!(size_of::<Mutex<()>>(), 16);
    assert_eq!(size_of::<Mutex<u64>>(), 24);
    assert_eq!(size_of::<MutexGuard<'static, u64>>(), 8);
    assert_eq!(size_of::<WaitGroup>(), 8);
    assert_eq!(size_of::<Once>(), 40);
    assert_eq!(size_of::<Context>(), 16);
    assert_eq!(size_of::<Cancel>(), 8);
}

/// `const` where it can be.
#[test]
fn constants() {
    static NOTIFY: Notify = Notify::new();
    NOTIFY.notify_one();
    static RWLOCK: RwLock<u8> = RwLock::new(1);
    assert_eq!(*RWLOCK.try_read().unwrap(), 1);
    static CONDVAR: Condvar = Condvar::new();
    CONDVAR.notify_one();
    static BARRIER: Barrier = Barrier::new(3);
    assert_eq!(format!("{BARRIER:?}"), "Barrier { size: 3, arrived: 0 }");
    static SEMAPHORES: [Semaphore; 2] = [Semaphore::new(1), Semaphore::fixed(1)];
    assert!(SEMAPHORES.iter().all(|semaphore| semaphore.try_acquire().is_ok()));
    static MUTEX: Mutex<u8> = Mutex::new(1);
    *MUTEX.try_lock().unwrap() += 1;
    assert_eq!(*MUTEX.try_lock().unwrap(), 2);
}
