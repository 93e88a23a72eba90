//! What the tests share: a poll, those who wait, and a clock that stands until it is moved.
#![allow(dead_code)]
pub(crate) mod load;
pub(crate) mod wakers;

use dormouse_sync::futures::{Acquire, Lock, Read, Wait, Write};
use dormouse_sync::{Mutex, MutexGuard, RwLock, Semaphore, WaitGroup};
use dormouse_testing::Count;
use dormouse_wait::Instant;
use dormouse_wait::alarm::Alarm;
use dormouse_wait::host::{Host, with_host};
use std::cell::{Cell, RefCell};
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};
use std::time::Duration;
use tokio_test::assert_ready;
use tokio_test::task::{Spawn, spawn};

pub(crate) fn poll<F: Future + ?Sized>(future: Pin<&mut F>, waker: &Waker) -> Poll<F::Output> {
    future.poll(&mut Context::from_waker(waker))
}

/// A wait that is polled by one task and then by another wakes the second, once, when it is over; one waker is kept of
/// the thousand, beside `alarms`. Gives what it waited for.
#[track_caller]
pub(crate) fn another_task_is_woken<F: Future>(
    mut wait: Pin<&mut F>,
    alarms: usize,
    end: impl FnOnce(),
) -> F::Output {
    let ((first, a), (second, b)) = (Count::new(), Count::new());
    assert!(poll(wait.as_mut(), &a).is_pending());
    assert_eq!(Arc::strong_count(&first), 3 + alarms, "the first task's waker is kept");
    for _ in 0..1000 {
        assert!(poll(wait.as_mut(), &b).is_pending());
    }
    drop(a);
    assert_eq!((Arc::strong_count(&first), Arc::strong_count(&second)), (1, 3 + alarms));
    end();
    assert_eq!((first.get(), second.get()), (0, 1));
    assert_ready!(poll(wait, &b))
}

/// The guard of a mutex, and two who wait for it, one behind the other.
pub(crate) fn two_wait(mutex: &Mutex<()>) -> (MutexGuard<'_, ()>, Spawn<Lock<'_, ()>>, Spawn<Lock<'_, ()>>) {
    let guard = mutex.try_lock().unwrap();
    (guard, waits(mutex.lock()), waits(mutex.lock()))
}

/// `wait`, polled once: it waits.
#[track_caller]
pub(crate) fn waits<F: Future>(wait: F) -> Spawn<F> {
    let mut wait = spawn(wait);
    assert!(wait.poll().is_pending());
    wait
}

/// Those who wait for permits, each for so many.
pub(crate) fn acquiring<const N: usize>(semaphore: &Semaphore, counts: [u32; N]) -> [Spawn<Acquire<'_>>; N] {
    counts.map(|count| waits(semaphore.acquire_many(count)))
}

/// One who waits to read.
pub(crate) fn reader<T>(lock: &RwLock<T>) -> Spawn<Read<'_, T>> {
    waits(lock.read())
}

/// One who waits to write.
pub(crate) fn writer<T>(lock: &RwLock<T>) -> Spawn<Write<'_, T>> {
    waits(lock.write())
}

/// That many who wait for a group.
pub(crate) fn many_wait(group: &WaitGroup, count: usize) -> Vec<Spawn<Wait<'_>>> {
    (0..count).map(|_| waits(group.wait())).collect()
}

/// They were woken, and have waited long enough.
#[track_caller]
pub(crate) fn all_released(waits: Vec<Spawn<Wait<'_>>>) {
    for mut wait in waits {
        assert!(wait.is_woken());
        assert_ready!(wait.poll());
    }
}

/// A clock that stands until it is moved, counts the looks at it, and keeps alarms.
pub(crate) struct Clock {
    pub(crate) start: Instant,
    now: Cell<Duration>,
    looks: Cell<usize>,
    alarms: RefCell<Vec<(Instant, Waker)>>,
    rung: Cell<usize>,
}

impl Clock {
    pub(crate) fn with<R>(f: impl FnOnce(&Clock) -> R) -> R {
        let clock = Clock {
            start: Instant::now(),
            now: Cell::default(),
            looks: Cell::default(),
            alarms: RefCell::default(),
            rung: Cell::default(),
        };
        with_host(&clock, || f(&clock))
    }
    /// So much time passes; the alarms that are due by then ring.
    pub(crate) fn pass(&self, micros: u64) {
        self.set(self.now.get() + Duration::from_micros(micros));
    }
    /// It is so long after the start; the alarms that are due by then ring.
    pub(crate) fn set(&self, now: Duration) {
        self.now.set(now);
        self.ring(self.start + now);
    }
    /// The alarms that are due by then ring, whatever the time is.
    pub(crate) fn ring(&self, by: Instant) {
        let due: Vec<_> = self.alarms.borrow_mut().extract_if(.., |(at, _)| *at <= by).collect();
        self.rung.set(self.rung.get() + due.len());
        due.into_iter().for_each(|(_, waker)| waker.wake());
    }
    /// The alarms that have not rung, those that were taken back included.
    pub(crate) fn alarms(&self) -> Vec<Instant> {
        self.alarms.borrow().iter().map(|(at, _)| *at).collect()
    }
    /// The alarms that have rung, those that were taken back included.
    pub(crate) fn rung(&self) -> usize {
        self.rung.get()
    }
    pub(crate) fn looks(&self) -> usize {
        self.looks.get()
    }
}

impl Host for Clock {
    fn now(&self) -> Instant {
        self.looks.set(self.looks.get() + 1);
        self.start + self.now.get()
    }
    fn alarm(&self, at: Instant, waker: Waker) -> Alarm {
        Alarm::beside(waker, |waker| self.alarms.borrow_mut().push((at, waker)))
    }
}
