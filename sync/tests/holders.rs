//! Locks and semaphores say who holds them, whatever becomes of the guard, and those who wait say for what. (That is on for
//! the whole process: so this one has nothing else.)
#![allow(missing_docs)]
use dormouse_sync::{
    Barrier, Condvar, Context, MappedMutexGuard, MappedRwLockWriteGuard, Mutex, MutexGuard, Notify, OnceCell,
    OwnedMutexGuard, OwnedRwLockReadGuard, OwnedRwLockWriteGuard, RwLock, RwLockReadGuard, RwLockWriteGuard,
    Semaphore, WaitGroup,
};
use dormouse_wait::frame::{Frame, Reason, Waits};
use dormouse_wait::holders::{self, Who};
use std::cell::Cell;
use std::future::Future;
use std::pin::pin;
use std::sync::Arc;
use std::task::{Context as Cx, Poll, Waker};

thread_local!(static TASK: Cell<u64> = const { Cell::new(0) });

/// Runs `f` as the task with this number.
fn task<R>(id: u64, f: impl FnOnce() -> R) -> R {
    holders::turn_on(|| Some(TASK.get()));
    TASK.set(id);
    let result = f();
    TASK.set(0);
    result
}

/// What a wait notes: why, and the object.
fn wait(future: impl Future) -> (Reason, usize) {
    task(0, || {
        let waits = Waits::new();
        let mut future = pin!(future);
        let mut cx = Cx::from_waker(Waker::noop());
        assert!(Frame::new(&waits).enter(|| future.as_mut().poll(&mut cx)).is_pending());
        (waits.get().0, waits.object().expect("the wait is for an object"))
    })
}

/// The tasks that hold an object, each with the line where it took it, and its permits.
fn held(object: usize) -> Vec<(u64, u32, u32)> {
    let holder = |holder: holders::Holder| {
        assert_eq!(holder.site.file(), file!());
        match holder.who {
            Who::Task(id) => (id, holder.site.line(), holder.permits),
            other => panic!("{other:?}"),
        }
    };
    holders::of(object).into_iter().map(holder).collect()
}

/// The output of a future that need not wait.
fn now<F: Future>(future: F) -> F::Output {
    match pin!(future).poll(&mut Cx::from_waker(Waker::noop())) {
        Poll::Ready(output) => output,
        Poll::Pending => panic!("it waits"),
    }
}

#[test]
fn a_mutex() {
    let mutex = Arc::new(Mutex::new((1, 2)));
    let (guard, line) = (task(1, || now(mutex.lock())), line!());
    let (reason, object) = wait(mutex.lock());
    assert_eq!((reason, held(object)), (Reason::MutexLock, vec![(1, line, 1)]));
    // Mapped, and given back by another task.
    let part = MappedMutexGuard::map(MutexGuard::map(guard, |pair| &mut pair.0), |one| one);
    assert_eq!(held(object), [(1, line, 1)]);
    task(2, || drop(part));
    assert_eq!(held(object), []);

    let (guard, line) = (task(3, || mutex.try_lock().unwrap()), line!());
    assert_eq!(held(object), [(3, line, 1)]);
    drop(guard);
    assert_eq!(held(object), []);
    let (guard, line) = (task(4, || mutex.clone().try_lock_owned().unwrap()), line!());
    let part = OwnedMutexGuard::map(guard, |pair| &mut pair.1);
    assert_eq!(held(object), [(4, line, 1)]);
    task(5, || drop(part));
    assert_eq!(held(object), []);
    let (guard, line) = (task(6, || now(mutex.clone().lock_owned())), line!());
    assert_eq!(held(object), [(6, line, 1)]);
    drop(guard);
    let (guard, line) = (task(7, || mutex.lock_blocking()), line!());
    assert_eq!(held(object), [(7, line, 1)]);
    drop(guard);
    assert_eq!(held(object), []);
}

/// The one who unlocks does not take away the entry of the one that it hands the lock to.
#[test]
fn a_mutex_that_others_wait_for() {
    let mutex = Mutex::new(());
    let guard = task(1, || now(mutex.lock()));
    let object = wait(mutex.lock()).1;
    let (mut next, line) = (pin!(mutex.lock()), line!());
    assert!(next.as_mut().poll(&mut Cx::from_waker(Waker::noop())).is_pending());
    task(1, || drop(guard));
    // Woken, and not polled yet.
    assert_eq!(held(object), []);
    let guard = task(2, || now(next));
    assert_eq!(held(object), [(2, line, 1)]);
    drop(guard);
    assert_eq!(held(object), []);
}

/// A guard that was forgotten holds for ever, and says so; but not at the expense of another object at that address.
#[test]
fn a_forgotten_guard() {
    let mutex = Mutex::new(());
    std::mem::forget(task(1, || now(mutex.lock())));
    let object = wait(mutex.lock()).1;
    assert_eq!(held(object)[0].0, 1);

    // Another lock comes to the same place; the first who takes it alone is alone in the table.
    let mut lock = RwLock::new(());
    std::mem::forget(task(1, || now(lock.read())));
    let object = wait(lock.write()).1;
    assert_eq!(held(object)[0].0, 1);
    lock = RwLock::new(());
    let guard = task(2, || now(lock.read()));
    let other = task(3, || now(lock.read()));
    let at = wait(lock.write()).1;
    assert_eq!((at, held(at).iter().map(|holder| holder.0).collect()), (object, vec![2, 3]));
    drop((guard, other));

    let mut semaphore = Semaphore::fixed(2);
    std::mem::forget(task(1, || now(semaphore.acquire()).unwrap()));
    let object = wait(semaphore.acquire_many(2)).1;
    assert_eq!(held(object)[0].0, 1);
    semaphore = Semaphore::fixed(2);
    let permit = task(2, || now(semaphore.acquire()).unwrap());
    let other = task(3, || now(semaphore.acquire()).unwrap());
    let at = wait(semaphore.acquire()).1;
    assert_eq!((at, held(at).iter().map(|holder| holder.0).collect()), (object, vec![2, 3]));
    drop((permit, other));
}

#[test]
fn readers() {
    let lock = RwLock::new((1, 2));
    let (a, line) = (task(1, || now(lock.read())), line!());
    let b = task(2, || lock.try_read().unwrap());
    let (reason, object) = wait(lock.write());
    assert_eq!(reason, Reason::RwLockWrite);
    assert_eq!(held(object), [(1, line, 1), (2, line + 1, 1)]);
    // The first guard goes to the second task, which ends it: its own stays.
    let part = RwLockReadGuard::map(RwLockReadGuard::try_map(a, |pair| Some(&pair.0)).unwrap(), |one| one);
    assert_eq!(*part, 1);
    task(2, || drop(part));
    assert_eq!(held(object), [(2, line + 1, 1)]);
    assert_eq!(b.1, 2);
    task(1, || drop(b));
    assert_eq!(held(object), []);

    let lock = Arc::new(RwLock::new((1, 2)));
    let (a, line) = (task(1, || now(lock.clone().read_owned())), line!());
    let b = task(2, || lock.clone().try_read_owned().unwrap());
    let object = wait(lock.write()).1;
    assert_eq!(held(object), [(1, line, 1), (2, line + 1, 1)]);
    task(2, || drop(OwnedRwLockReadGuard::map(a, |pair| &pair.0)));
    assert_eq!(held(object), [(2, line + 1, 1)]);
    drop(b);
    assert_eq!(held(object), []);
}

#[test]
fn writers() {
    let lock = Arc::new(RwLock::new((1, 2)));
    let (guard, line) = (task(1, || now(lock.write())), line!());
    let (reason, object) = wait(lock.read());
    assert_eq!((reason, held(object)), (Reason::RwLockRead, vec![(1, line, 1)]));
    // Still who took it, as a reader among others.
    let guard = task(2, || RwLockWriteGuard::downgrade(guard));
    let other = task(3, || now(lock.read()));
    assert_eq!(held(object), [(1, line, 1), (3, line + 5, 1)]);
    drop(guard);
    assert_eq!(held(object), [(3, line + 5, 1)]);
    drop(other);
    let (guard, line) = (task(4, || lock.try_write().unwrap()), line!());
    let part = MappedRwLockWriteGuard::map(RwLockWriteGuard::map(guard, |pair| &mut pair.0), |one| one);
    assert_eq!(held(object), [(4, line, 1)]);
    drop(part);
    assert_eq!(held(object), []);

    let (guard, line) = (task(5, || now(lock.clone().write_owned())), line!());
    let guard = OwnedRwLockWriteGuard::downgrade(guard);
    assert_eq!(held(object), [(5, line, 1)]);
    task(6, || drop(guard));
    assert_eq!(held(object), []);
    let (guard, line) = (task(7, || lock.clone().try_write_owned().unwrap()), line!());
    let part = OwnedRwLockWriteGuard::map(guard, |pair| &mut pair.0);
    assert_eq!(held(object), [(7, line, 1)]);
    drop(part);
    assert_eq!(held(object), []);
}

#[test]
fn permits() {
    let semaphore = Semaphore::new(6);
    let (mut three, line) = (task(1, || now(semaphore.acquire_many(3)).unwrap()), line!());
    let mut two = task(2, || semaphore.try_acquire_many(2).unwrap());
    let (reason, object) = wait(semaphore.acquire_many(4));
    assert_eq!(reason, Reason::SemaphoreAcquire);
    assert_eq!(held(object), [(1, line, 3), (2, line + 1, 2)]);
    let one = task(9, || three.split(1).unwrap());
    assert_eq!(held(object), [(1, line, 2), (2, line + 1, 2), (1, line, 1)]);
    two.merge(one);
    assert_eq!(held(object), [(1, line, 2), (2, line + 1, 3)]);
    task(2, || drop(three));
    assert_eq!(held(object), [(2, line + 1, 3)]);
    // They are gone for good: nobody holds them.
    two.forget();
    assert_eq!((held(object), semaphore.available_permits()), (vec![], 3));

    let semaphore = Arc::new(Semaphore::new(2));
    let (mut two, line) = (task(1, || now(semaphore.clone().acquire_many_owned(2)).unwrap()), line!());
    let object = wait(semaphore.acquire()).1;
    let one = two.split(1).unwrap();
    drop(two);
    assert_eq!(held(object), [(1, line, 1)]);
    drop(one);
    let (one, line) = (task(3, || semaphore.clone().try_acquire_owned().unwrap()), line!());
    assert_eq!(held(object), [(3, line, 1)]);
    drop(one);
    assert_eq!(held(object), []);
}

/// `Condvar::wait` gives the mutex back, and takes it again, at its own line.
#[test]
fn a_condvar() {
    let (mutex, condvar) = (Mutex::new(()), Condvar::new());
    let guard = task(1, || now(mutex.lock()));
    let object = wait(mutex.lock()).1;
    let (mut wait, line) = (pin!(condvar.wait(guard)), line!());
    assert!(wait.as_mut().poll(&mut Cx::from_waker(Waker::noop())).is_pending());
    assert_eq!(held(object), []);
    condvar.notify_one();
    let guard = task(1, || now(wait));
    assert_eq!(held(object), [(1, line, 1)]);
    drop(guard);
}

/// Two who wait for the same thing note the same object, and another one's is another.
#[test]
fn objects_of_other_waits() {
    fn differ<T, F: Future>(reason: Reason, [a, b]: [&T; 2], future: impl Fn(&T) -> F) {
        let notes = [a, a, b].map(|object| wait(future(object)));
        assert_eq!(notes.map(|note| note.0), [reason; 3]);
        assert_eq!(notes[0].1, notes[1].1);
        assert_ne!(notes[0].1, notes[2].1);
    }
    let notifies = [Arc::new(Notify::new()), Arc::new(Notify::new())];
    differ(Reason::Notify, [&notifies[0], &notifies[1]], |notify| notify.clone().notified_owned());
    let groups = [WaitGroup::new(), WaitGroup::new()];
    groups.iter().for_each(|group| group.add(1));
    differ(Reason::WaitGroupWait, [&groups[0], &groups[1]], |group| {
        let group = group.clone();
        async move { group.wait().await }
    });
    groups.iter().for_each(WaitGroup::done);
    let cells = [Arc::new(OnceCell::<u8>::new()), Arc::new(OnceCell::new())];
    differ(Reason::OnceDo, [&cells[0], &cells[1]], |cell| {
        let cell = cell.clone();
        async move { _ = *cell.wait().await }
    });
    let contexts = [Context::background().with_cancel(), Context::background().with_cancel()];
    differ(Reason::ContextDone, [&contexts[0].0, &contexts[1].0], |context| {
        let context = context.clone();
        async move { context.done().await }
    });
    let barriers = [Arc::new(Barrier::new(3)), Arc::new(Barrier::new(3))];
    differ(Reason::BarrierWait, [&barriers[0], &barriers[1]], |barrier| {
        let barrier = barrier.clone();
        async move { _ = barrier.wait().await }
    });
    let condvars = [Arc::new(Condvar::new()), Arc::new(Condvar::new())];
    differ(Reason::CondWait, [&condvars[0], &condvars[1]], |condvar| {
        let condvar = condvar.clone();
        async move {
            let mutex = Mutex::new(());
            drop(condvar.wait(mutex.lock().await).await);
        }
    });
}
