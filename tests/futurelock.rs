//! Futurelock on the runtime itself: what was handed to a future that nobody polls is taken back by those who wait.
#![allow(missing_docs)]
use dormouse::prelude::*;
use dormouse::runtime::Builder;
use dormouse::sync::{RwLock, Semaphore};
use dormouse_testing::watch;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::{Context as Polled, Poll, Waker};

/// Begins a wait, and does not poll it on.
fn begin<F: Future>(wait: Pin<&mut F>) {
    assert!(wait.poll(&mut Polled::from_waker(Waker::noop())).is_pending());
}

/// Polls `wait` once more.
fn polled<F: Future>(wait: Pin<&mut F>) -> Poll<F::Output> {
    wait.poll(&mut Polled::from_waker(Waker::noop()))
}

fn on_each(program: impl AsyncFn()) {
    let _watch = watch();
    for workers in [1, 2] {
        Builder::multi_thread().worker_threads(workers).build().unwrap().block_on(program());
    }
}

/// Two that are not polled, one behind the other, and two that are: each of these is served.
#[test]
fn semaphore() {
    on_each(async || {
        let semaphore = Arc::new(Semaphore::new(0));
        let (mut a, mut b) = (pin!(semaphore.acquire()), pin!(semaphore.acquire()));
        begin(a.as_mut());
        begin(b.as_mut());
        let tasks: Vec<_> = (0..2)
            .map(|_| {
                let semaphore = semaphore.clone();
                spawn(async move { drop(semaphore.acquire().await.unwrap()) })
            })
            .collect();
        semaphore.add_permits(1);
        for task in tasks {
            task.await.unwrap();
        }
        assert_eq!(semaphore.available_permits(), 1);
        assert!(polled(a).is_ready() && polled(b).is_ready());
    });
}

/// The same after they have waited for longer than their alarms.
#[test]
fn rwlock_held_for_long() {
    on_each(async || {
        let lock = Arc::new(RwLock::new(0));
        let held = lock.write().await;
        let (mut a, mut b) = (pin!(lock.read()), pin!(lock.write()));
        begin(a.as_mut());
        begin(b.as_mut());
        let tasks: Vec<_> = (0..2)
            .map(|_| {
                let lock = lock.clone();
                spawn(async move { *lock.write().await += 1 })
            })
            .collect();
        time::sleep(Duration::from_millis(20)).await;
        drop(held);
        for task in tasks {
            task.await.unwrap();
        }
        assert_eq!(*lock.try_read().unwrap(), 2);
        assert!(polled(a).is_ready() && polled(b).is_ready());
    });
}

/// A mutex that is free, and whose next one was woken and is not polled.
#[test]
fn mutex() {
    on_each(async || {
        let mutex = Arc::new(Mutex::new(0));
        let held = mutex.lock().await;
        let mut kept = pin!(mutex.lock());
        begin(kept.as_mut());
        let tasks: Vec<_> = (0..3)
            .map(|_| {
                let mutex = mutex.clone();
                spawn(async move { *mutex.lock().await += 1 })
            })
            .collect();
        drop(held);
        for task in tasks {
            task.await.unwrap();
        }
        assert!(polled(kept).map(|number| assert_eq!(*number, 3)).is_ready());
    });
}
