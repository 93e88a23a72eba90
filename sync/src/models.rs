//! Loom models of the mutex and the wait group: `RUSTFLAGS="--cfg dormouse_loom" cargo test -p dormouse-sync --lib --release`.
//!
//! A waiting thread blocks on a condition variable of the model: a lost wake-up is a deadlock that loom reports. The
//! clock is a host's, as an execution must repeat: it stands still, or it steps by 1 ms at each look, so that every
//! waiter that loses starves. `PATIENCE` is 1 here.
//!
//! Before each operation stands a [`step`].
use crate::{Mutex, MutexGuard, WaitGroup};
use dormouse_testing::model::{Signal, explore, step};
use dormouse_wait::Instant;
use dormouse_wait::host::{Host, with_host};
use dormouse_wait::prim::UnsafeCell;
use dormouse_wait::prim::thread;
use std::cell::Cell;
use std::future::Future;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

fn block_on<F: Future>(future: F) -> F::Output {
    let (signal, waker) = Signal::new();
    let mut future = pin!(future);
    loop {
        match poll(future.as_mut(), &waker) {
            Poll::Ready(output) => return output,
            Poll::Pending => signal.wait(),
        }
    }
}

fn poll<F: Future>(future: Pin<&mut F>, waker: &Waker) -> Poll<F::Output> {
    step();
    future.poll(&mut Context::from_waker(waker))
}

fn try_lock(mutex: &Mutex<Data>) -> Option<MutexGuard<'_, Data>> {
    step();
    mutex.try_lock()
}

fn unlock<G>(guard: G) {
    step();
    drop(guard);
}

fn done(group: &WaitGroup) {
    step();
    group.done();
}

/// A clock that steps at each look.
struct Clock {
    now: Cell<Instant>,
    step: Duration,
}

impl Host for Clock {
    fn now(&self) -> Instant {
        self.now.set(self.now.get() + self.step);
        self.now.get()
    }
    fn alarm(&self, _: Instant, _: Waker) {
        unreachable!("nothing here sets alarms");
    }
}

fn check(preemptions: Option<usize>, step: Duration, model: impl Fn() + Send + Sync + 'static) {
    let clock = Clock { now: Cell::new(Instant::now()), step };
    with_host(&clock, || explore(preemptions, preemptions.map(|bound| bound - 1), model));
}

const STILL: Duration = Duration::ZERO;
const STARVING: Duration = Duration::from_millis(1);

/// What only the owner of the lock may touch; loom checks it.
type Data = UnsafeCell<usize>;

fn data() -> Arc<Mutex<Data>> {
    Arc::new(Mutex::new(UnsafeCell::new(0)))
}

fn bump(data: &Data) {
    data.with_mut(|data| {
        // SAFETY: the lock excludes the others; loom fails the model if it does not.
        unsafe { *data += 1 }
    });
}

fn read(mutex: &Mutex<Data>) -> usize {
    assert!(mutex.is_idle(), "everybody has unlocked, and nobody waits: {mutex:?}");
    let guard = mutex.try_lock().expect("idle");
    guard.with(|data| {
        // SAFETY: the guard holds the lock.
        unsafe { *data }
    })
}

fn lock_and_bump(mutex: &Arc<Mutex<Data>>, times: usize) -> thread::JoinHandle<()> {
    let mutex = mutex.clone();
    thread::spawn(move || {
        for _ in 0..times {
            let guard = block_on(mutex.lock());
            bump(&guard);
            unlock(guard);
        }
    })
}

#[test]
fn mutex_excludes() {
    check(None, STILL, || {
        let mutex = data();
        let other = lock_and_bump(&mutex, 1);
        bump(&block_on(mutex.lock()));
        if let Some(guard) = try_lock(&mutex) {
            bump(&guard);
            bump(&guard);
        }
        other.join().unwrap();
        assert!([2, 4].contains(&read(&mutex)));
    });
}

/// Two wait, one unlocks: both get it. And the one who unlocks comes back and barges.
#[test]
fn mutex_no_lost_wake_up() {
    for step in [STILL, STARVING] {
        check(Some(3), step, || {
            let mutex = data();
            let guard = try_lock(&mutex).unwrap();
            let others = [lock_and_bump(&mutex, 1), lock_and_bump(&mutex, 1)];
            bump(&guard);
            unlock(guard);
            bump(&block_on(mutex.lock()));
            for other in others {
                other.join().unwrap();
            }
            assert_eq!(read(&mutex), 4);
        });
    }
}

/// Two threads lock twice each while every loser starves: hand-overs against `try_lock` and barging.
#[test]
fn mutex_hand_over() {
    check(Some(3), STARVING, || {
        let mutex = data();
        let other = lock_and_bump(&mutex, 2);
        for _ in 0..2 {
            bump(&block_on(mutex.lock()));
        }
        let extra = try_lock(&mutex).map(|guard| bump(&guard)).is_some();
        other.join().unwrap();
        assert_eq!(read(&mutex), 4 + usize::from(extra));
    });
}

/// A future dropped after one poll, and after a second one, against an unlock; another waits behind it.
fn dropped_waiter(step: Duration, polls: usize, relock: bool) {
    check(Some(3), step, move || {
        let mutex = data();
        let guard = try_lock(&mutex).unwrap();
        let dropper = {
            let mutex = mutex.clone();
            thread::spawn(move || {
                let (_, waker) = Signal::new();
                let mut lock = pin!(mutex.lock());
                for _ in 0..polls {
                    if let Poll::Ready(guard) = poll(lock.as_mut(), &waker) {
                        bump(&guard);
                        return 1;
                    }
                }
                0
            })
        };
        let waiter = lock_and_bump(&mutex, 1);
        bump(&guard);
        unlock(guard);
        let mut count = 2;
        if relock && let Some(guard) = try_lock(&mutex) {
            bump(&guard);
            count += 1;
        }
        waiter.join().unwrap();
        count += dropper.join().unwrap();
        assert_eq!(read(&mutex), count);
    });
}

#[test]
fn mutex_drop_of_queued_or_woken_waiter() {
    dropped_waiter(STILL, 1, false);
}

#[test]
fn mutex_drop_against_barging() {
    dropped_waiter(STILL, 2, true);
}

#[test]
fn mutex_drop_against_hand_over() {
    dropped_waiter(STARVING, 2, true);
}

/// X4: a waiter that is certainly owed the lock is dropped while the owner hands it over.
#[test]
fn mutex_drop_of_starving_waiter() {
    check(Some(3), STARVING, || {
        let mutex = data();
        let guard = try_lock(&mutex).unwrap();
        let (signal, waker) = Signal::new();
        let mut starving = Box::pin(mutex.clone().lock_owned());
        assert!(poll(starving.as_mut(), &waker).is_pending());
        unlock(guard); // wakes it
        assert!(signal.is_woken());
        let guard = mutex.clone().try_lock_owned().expect("free, barging is allowed");
        assert!(poll(starving.as_mut(), &waker).is_pending()); // it lost, and is owed the lock from now on
        let waiter = lock_and_bump(&mutex, 1);
        let unlocker = thread::spawn(move || unlock(guard));
        unlock(starving);
        unlocker.join().unwrap();
        waiter.join().unwrap();
        assert_eq!(read(&mutex), 1);
    });
}

/// A woken waiter that nobody polls: after `PATIENCE` unlocks the next one is woken as well.
#[test]
fn mutex_passes_over_a_lost_waiter() {
    check(None, STILL, || {
        let mutex = data();
        let guard = try_lock(&mutex).unwrap();
        let (signal, waker) = Signal::new();
        let mut lost = Box::pin(mutex.clone().lock_owned());
        assert!(poll(lost.as_mut(), &waker).is_pending());
        let (second, waker) = Signal::new();
        let mut next = Box::pin(mutex.clone().lock_owned());
        assert!(poll(next.as_mut(), &waker).is_pending());
        unlock(guard);
        assert!(signal.is_woken() && !second.is_woken());
        let other = {
            let mutex = mutex.clone();
            thread::spawn(move || try_lock(&mutex).map(drop).is_some())
        };
        let here = try_lock(&mutex).map(drop).is_some();
        // The first unlock is counted, the second one wakes; one `try_lock` may have failed beside the other.
        let there = other.join().unwrap();
        drop(try_lock(&mutex).unwrap());
        assert!(here || there);
        if !(here && there) {
            drop(try_lock(&mutex).unwrap());
        }
        assert!(second.is_woken());
        drop(next);
        drop(lost);
        assert!(mutex.is_idle());
    });
}

fn spawn_done(group: &WaitGroup, shown: &Arc<Data>) -> thread::JoinHandle<()> {
    let (group, shown) = (group.clone(), shown.clone());
    thread::spawn(move || {
        bump(&shown);
        done(&group);
    })
}

/// Two `done`s against a wait; what was done before is seen after it, on either way out.
#[test]
fn wait_group_done_against_wait() {
    check(Some(3), STILL, || {
        let group = WaitGroup::new();
        group.add(2);
        let shown = [Arc::new(UnsafeCell::new(0)), Arc::new(UnsafeCell::new(0))];
        let others = [spawn_done(&group, &shown[0]), spawn_done(&group, &shown[1])];
        block_on(group.wait());
        for shown in &shown {
            shown.with(|shown| {
                // SAFETY: written before `done`; loom fails the model if the wait does not show it.
                assert_eq!(unsafe { *shown }, 1);
            });
        }
        for other in others {
            other.join().unwrap();
        }
    });
}

/// Two waiters, one `done`: both are released.
#[test]
fn wait_group_releases_all() {
    check(Some(3), STILL, || {
        let group = WaitGroup::new();
        group.add(1);
        let waiter = {
            let group = group.clone();
            thread::spawn(move || block_on(group.wait()))
        };
        let doer = spawn_done(&group, &Arc::new(UnsafeCell::new(0)));
        block_on(group.wait());
        waiter.join().unwrap();
        doer.join().unwrap();
    });
}

/// A waiter of the next round, queued while the last one is being released, stays; the old one goes.
#[test]
fn wait_group_keeps_rounds_apart() {
    check(None, STILL, || {
        let group = WaitGroup::new();
        group.add(1);
        let ((old, old_waker), (new, waker)) = (Signal::new(), Signal::new());
        let mut first = pin!(group.wait());
        assert!(poll(first.as_mut(), &old_waker).is_pending());
        let doer = spawn_done(&group, &Arc::new(UnsafeCell::new(0)));
        group.add(1);
        let mut second = pin!(group.wait());
        assert!(poll(second.as_mut(), &waker).is_pending(), "one is under way");
        doer.join().unwrap();
        assert!(poll(second.as_mut(), &waker).is_pending(), "one is under way still");
        assert!(!new.is_woken());
        done(&group);
        assert!(old.is_woken() && new.is_woken());
        assert!(poll(first.as_mut(), Waker::noop()).is_ready());
        assert!(poll(second.as_mut(), Waker::noop()).is_ready());
    });
}

/// A wait dropped while it is being released; another one is released nevertheless.
#[test]
fn wait_group_wait_dropped() {
    check(Some(3), STILL, || {
        let group = WaitGroup::new();
        group.add(1);
        let dropper = {
            let group = group.clone();
            thread::spawn(move || {
                let mut wait = pin!(group.wait());
                let _ = poll(wait.as_mut(), &Signal::new().1);
            })
        };
        let doer = spawn_done(&group, &Arc::new(UnsafeCell::new(0)));
        block_on(group.wait());
        dropper.join().unwrap();
        doer.join().unwrap();
        assert!(group.is_idle());
    });
}

/// `add` from zero against a wait: it ends, whoever came first.
#[test]
fn wait_group_add_against_wait() {
    check(Some(3), STILL, || {
        let group = WaitGroup::new();
        let adder = {
            let group = group.clone();
            thread::spawn(move || {
                group.add(1);
                done(&group);
            })
        };
        block_on(group.wait());
        adder.join().unwrap();
        assert!(group.is_idle());
    });
}
