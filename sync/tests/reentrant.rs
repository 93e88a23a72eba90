//! Wakers that call back into the object, and panic, from their clone, their wake and their drop. With a lock held
//! that would hang; a state half changed would show.
mod common;
#[path = "reentrant/context.rs"]
mod context;
#[path = "reentrant/once.rs"]
mod once;

use common::wakers::{Make, bad, each_call};
use common::{all_released, many_wait, poll};
use dormouse_sync::{Mutex, WaitGroup};
use dormouse_testing::{Count, Event, hooked, panics, watch};
use std::mem::ManuallyDrop;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::pin;
use std::sync::Arc;
use std::task::Waker;
use tokio_test::task::spawn;
use tokio_test::{assert_pending, assert_ready};

fn mutex() -> Arc<Mutex<usize>> {
    Arc::new(Mutex::new(0))
}

/// All that can be done with a mutex from outside: it must not hang.
fn use_mutex(mutex: &Arc<Mutex<usize>>) {
    let mut guard = mutex.try_lock();
    for _ in 0..2 {
        // Locked, these queue; and the unlock wakes one.
        let mut lock = pin!(mutex.lock());
        drop(poll(lock.as_mut(), Waker::noop()));
        let mut owned = pin!(mutex.clone().lock_owned());
        drop(poll(owned.as_mut(), Waker::noop()));
        drop(guard.take());
    }
    let _ = format!("{mutex:?}");
}

fn use_group(group: &WaitGroup) {
    let guard = group.guard();
    let mut wait = pin!(group.wait());
    assert!(poll(wait.as_mut(), Waker::noop()).is_pending());
    drop(guard);
    let _ = group.count();
}

/// A life of a waiting lock in which each of the waker's functions is called: queued, polled again from another task,
/// woken, beaten, woken; or dropped in any of these states.
fn mutex_life(waker: Make<'_>, mutex: &Arc<Mutex<usize>>, drop_after: usize) {
    let mut lock = Box::pin(mutex.clone().lock_owned());
    let mut guard = mutex.try_lock();
    for step in 0..5 {
        if step == drop_after {
            break;
        }
        let waker = waker();
        match step {
            0..=2 => {
                if poll(lock.as_mut(), &waker).map(drop).is_ready() {
                    break;
                }
            }
            3 => drop(guard.take()),
            _ => {
                guard = mutex.try_lock();
                drop(poll(lock.as_mut(), &waker));
            }
        }
    }
    drop(lock);
    drop(guard);
}

#[test]
fn mutex_wakers_call_back() {
    let _watch = watch();
    each_call(5, mutex, use_mutex, |mutex, waker, drop_after, _| {
        mutex_life(waker, mutex, drop_after);
        assert!(mutex.try_lock().is_some());
    });
}

#[test]
fn mutex_wakers_panic() {
    let _watch = watch();
    let act = |_: &_| panic!("a waker panics");
    each_call(5, mutex, act, |mutex, waker, drop_after, call| {
        let mut behind = spawn(mutex.lock());
        let lived = catch_unwind(AssertUnwindSafe(|| mutex_life(waker, mutex, drop_after)));
        assert!(lived.is_ok() || call == Event::Clone, "only the clone's panic is the caller's");
        // Nobody holds it, and a waiter is served.
        let guard = mutex.try_lock().expect("left locked");
        assert_pending!(behind.poll());
        drop(guard);
        assert!(behind.is_woken());
        drop(assert_ready!(behind.poll()));
    });
}

/// The wake of one waiter panics while another waits behind it: the unlock succeeds, and the other is served.
#[test]
fn a_panicking_wake_costs_others_nothing() {
    let mutex = Mutex::new(0);
    let guard = mutex.try_lock().unwrap();
    let mut first = Box::pin(mutex.lock());
    assert!(poll(first.as_mut(), &bad()).is_pending());
    let mut second = spawn(mutex.lock());
    assert_pending!(second.poll());
    drop(guard); // does not panic: the fault is the waiter's
    assert!(!mutex.is_locked());
    drop(first);
    assert!(second.is_woken());
    drop(assert_ready!(second.poll()));
}

/// A guard that is dropped by a panic wakes a waiter whose waker panics: that must not abort.
#[test]
fn a_panicking_wake_while_unwinding() {
    let mutex = Mutex::new(0);
    let mut lock = pin!(mutex.lock());
    let text = panics(|| {
        let _guard = mutex.try_lock().unwrap();
        assert!(poll(lock.as_mut(), &bad()).is_pending());
        panic!("the first one");
    });
    assert_eq!(text, "the first one");
    assert!(poll(lock.as_mut(), Waker::noop()).is_ready());
}

/// A waiter that is not the next one finds the lock free and takes it: the two wakers that it needs no more are dropped
/// outside of the gate, where one of them panics and both look at the mutex.
#[test]
fn who_takes_the_lock_unwoken_drops_its_wakers_outside() {
    let _watch = watch();
    let mutex = mutex();
    let guard = mutex.try_lock().unwrap();
    let mut woken = spawn(mutex.lock());
    assert_pending!(woken.poll());
    let mut last = Box::pin(mutex.lock());
    let dropped = Count::shared();
    let (inside, drops) = (mutex.clone(), dropped.clone());
    let bad = ManuallyDrop::new(hooked(move |call| {
        if call == Event::Drop {
            drops.add();
            use_mutex(&inside);
            panic!("a waker panics");
        }
    }));
    assert!(poll(last.as_mut(), &bad).is_pending());
    drop(guard);
    assert!(woken.is_woken());
    let guard = poll(last.as_mut(), &bad);
    assert!(guard.is_ready() && mutex.is_locked());
    assert_eq!(dropped.get(), 2);
    drop(guard);
    assert!(!mutex.is_locked());
}

/// As `mutex_life`, for a wait.
fn group_life(waker: Make<'_>, group: &WaitGroup, drop_after: usize) {
    let guard = group.guard();
    let mut wait = Box::pin(async { group.wait().await });
    for step in 0..4 {
        if step == drop_after {
            break;
        }
        if poll(wait.as_mut(), &waker()).is_ready() {
            break;
        }
    }
    if [0, 2, 4].contains(&drop_after) {
        drop(wait);
        drop(guard);
    } else {
        drop(guard);
        drop(wait);
    }
}

#[test]
fn wait_group_wakers_call_back() {
    let _watch = watch();
    each_call(4, WaitGroup::new, use_group, |group, waker, drop_after, _| {
        group_life(waker, group, drop_after);
        assert_eq!(group.count(), 0);
    });
}

#[test]
fn wait_group_wakers_panic() {
    let _watch = watch();
    let act = |_: &_| panic!("a waker panics");
    each_call(4, WaitGroup::new, act, |group, waker, drop_after, call| {
        let lived = catch_unwind(AssertUnwindSafe(|| group_life(waker, group, drop_after)));
        assert!(lived.is_ok() || call == Event::Clone, "only the clone's panic is the caller's");
        assert_eq!(group.count(), 0);
        group.add(1);
        let mut wait = spawn(group.wait());
        assert_pending!(wait.poll());
        group.done();
        assert_ready!(wait.poll());
    });
}

/// One of many waiters has a waker that panics: all others are woken, beyond its batch too.
#[test]
fn one_panicking_waiter_of_many() {
    let group = WaitGroup::new();
    group.add(1);
    let mut first = pin!(group.wait());
    assert!(poll(first.as_mut(), &bad()).is_pending());
    let others = many_wait(&group, 70);
    group.done();
    all_released(others);
    assert!(poll(first.as_mut(), Waker::noop()).is_ready());
}
