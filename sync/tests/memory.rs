//! What waits, contexts and cells allocate, and what they leave behind.
#[path = "../../chan/tests/support/allocs.rs"]
mod allocs;
mod common;

use allocs::{NOTHING, allocated};
use common::poll;
use dormouse_sync::{Barrier, Condvar, Context, Mutex, Notify, OnceCell, RwLock, Semaphore, WaitGroup};
use std::future::{Future, pending};
use std::pin::pin;
use std::task::Waker;
use std::time::Duration;

#[test]
fn waits_allocate_nothing() {
    let (context, cancel) = Context::background().with_cancel();
    let (_child, _handle) = context.with_cancel();
    let cell = OnceCell::<u8>::new();
    let (waited, ()) = allocated(|| {
        let background = Context::background();
        let (mut done, mut run) = (pin!(context.done()), pin!(context.run(pending::<()>())));
        let (mut wait, mut make) = (pin!(cell.wait()), pin!(cell.get_or_init(pending)));
        for _ in 0..2 {
            assert!(poll(done.as_mut(), Waker::noop()).is_pending());
            assert!(poll(run.as_mut(), Waker::noop()).is_pending());
            assert!(poll(wait.as_mut(), Waker::noop()).is_pending());
            assert!(poll(make.as_mut(), Waker::noop()).is_pending());
        }
        assert!(!background.is_done() && context.clone().err().is_none());
    });
    assert_eq!(waited, NOTHING);
    cancel.cancel();
}

/// A wait that is polled twice, and ends: it allocates nothing.
#[track_caller]
fn allocates_nothing<F: Future>(wait: F, end: impl FnOnce()) {
    let (waited, ()) = allocated(|| {
        let mut wait = pin!(wait);
        for _ in 0..2 {
            assert!(poll(wait.as_mut(), Waker::noop()).is_pending());
        }
        end();
        assert!(poll(wait.as_mut(), Waker::noop()).is_ready());
    });
    assert_eq!(waited, NOTHING);
}

#[test]
fn each_wait_allocates_nothing() {
    let mutex = Mutex::new(());
    let guard = mutex.try_lock();
    allocates_nothing(mutex.lock(), || drop(guard));
    let lock = RwLock::new(());
    let guard = lock.try_write();
    allocates_nothing(lock.read(), || drop(guard));
    let guard = lock.try_read();
    allocates_nothing(lock.write(), || drop(guard));
    let semaphore = Semaphore::new(0);
    allocates_nothing(semaphore.acquire_many(3), || semaphore.add_permits(3));
    let notify = Notify::new();
    allocates_nothing(notify.notified(), || notify.notify_one());
    let condvar = Condvar::new();
    allocates_nothing(condvar.wait(mutex.try_lock().unwrap()), || condvar.notify_all());
    let group = WaitGroup::new();
    group.add(1);
    allocates_nothing(group.wait(), || group.done());
    let barrier = Barrier::new(2);
    let mut leader = Box::pin(barrier.wait());
    allocates_nothing(barrier.wait(), || assert!(poll(leader.as_mut(), Waker::noop()).is_ready()));
}

/// Also after many of them were alive at once.
#[test]
fn a_parent_keeps_nothing_of_its_children() {
    let (parent, _cancel) = Context::background().with_cancel();
    let (left, ()) = allocated(|| {
        let children: Vec<_> = (0..10_000).map(|_| parent.with_cancel()).collect();
        let (one, _one) = allocated(|| parent.with_cancel());
        assert!(one.times == 1 && one.kept <= 256, "a child is one small allocation: {one:?}");
        drop(children);
    });
    assert_eq!(left.kept, 0);
}

/// A deadline far away keeps nothing once its context is gone.
#[test]
fn deadlines_keep_nothing() {
    let hour = Duration::from_secs(3600);
    drop(Context::background().with_timeout(hour)); // starts the thread of the alarms
    let (left, ()) = allocated(|| {
        for _ in 0..1000 {
            drop(Context::background().with_timeout(hour));
        }
    });
    assert_eq!(left.kept, 0);
}
