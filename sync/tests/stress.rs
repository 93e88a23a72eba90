//! Many tasks and threads at once: nothing is lost, nobody is left behind. On tokio as the host, and on plain threads.
mod common;

use common::load::{Dice, GiveUp, tokio};
use dormouse_sync::{Mutex, WaitGroup};
use dormouse_testing::watch;
use std::ops::DerefMut;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};

/// Two numbers that are equal whenever the lock is not held.
#[derive(Default)]
struct Twin(usize, usize);

/// Works on the data if the lock was taken, sometimes over an await; else lets others run.
async fn bump(twin: Option<impl DerefMut<Target = Twin>>, dice: &mut Dice) -> bool {
    let Some(mut twin) = twin else {
        tokio::task::yield_now().await;
        return false;
    };
    assert_eq!(twin.0, twin.1, "two owners at once");
    twin.0 += 1;
    if dice.roll(4) == 0 {
        tokio::task::yield_now().await;
    }
    twin.1 += 1;
    true
}

/// Tasks that lock, give up after a few polls (dropped queued, woken or owner), barge, and hold the lock over awaits.
#[test]
fn mutex_on_tokio() {
    let _watch = watch();
    const TASKS: usize = 16;
    const TURNS: usize = 2000;
    let (mutex, group, bumps) =
        (Arc::new(Mutex::new(Twin::default())), WaitGroup::new(), Arc::new(AtomicUsize::new(0)));
    let host = tokio();
    for task in 0..TASKS {
        let (mutex, bumps) = (mutex.clone(), bumps.clone());
        host.spawn(group.track(async move {
            let mut dice = Dice(0x9E37_79B9 + task as u64);
            for _ in 0..TURNS {
                // Some give up after 0, 1 or 2 polls.
                let polls = [dice.roll(3), u64::MAX][usize::from(dice.roll(3) > 0)];
                let bumped = if dice.roll(4) > 0 {
                    let twin = GiveUp(Box::pin(mutex.lock()), polls).await;
                    bump(twin, &mut dice).await
                } else {
                    bump(mutex.clone().try_lock_owned(), &mut dice).await
                };
                bumps.fetch_add(usize::from(bumped), SeqCst);
            }
        }));
    }
    host.block_on(group.wait());
    let twin = mutex.try_lock().expect("everybody has unlocked");
    assert_eq!((twin.0, twin.1), (bumps.load(SeqCst), bumps.load(SeqCst)));
    assert!(twin.0 > TASKS * TURNS / 2);
}

/// Plain threads and tasks on one mutex.
#[test]
fn mutex_on_threads_and_tokio() {
    let _watch = watch();
    let mutex = Arc::new(Mutex::new(0usize));
    let host = tokio();
    let group = WaitGroup::new();
    for _ in 0..8 {
        let mutex = mutex.clone();
        host.spawn(group.track(async move {
            for _ in 0..2000 {
                *mutex.lock().await += 1;
            }
        }));
    }
    std::thread::scope(|scope| {
        for _ in 0..3 {
            scope.spawn(|| {
                for _ in 0..2000 {
                    *mutex.lock_blocking() += 1;
                }
            });
        }
    });
    futures::executor::block_on(group.wait());
    assert_eq!(*mutex.try_lock().unwrap(), 11 * 2000);
}

/// A task that is aborted while it waits, holds or is woken leaves the mutex usable.
#[test]
fn aborted_tasks() {
    let _watch = watch();
    let mutex = Arc::new(Mutex::new(0usize));
    let host = tokio();
    host.block_on(async {
        for _ in 0..300 {
            let tasks: Vec<_> = (0..8)
                .map(|_| {
                    let mutex = mutex.clone();
                    tokio::spawn(async move {
                        loop {
                            let mut guard = mutex.lock().await;
                            *guard += 1;
                            tokio::task::yield_now().await;
                        }
                    })
                })
                .collect();
            tokio::task::yield_now().await;
            for task in &tasks {
                task.abort();
            }
            for task in tasks {
                assert!(task.await.unwrap_err().is_cancelled());
            }
            assert!(mutex.try_lock().is_some(), "left locked");
        }
    });
}

/// Rounds without a pause between them: each waiter sees all of its round's work, and none is left.
#[test]
fn wait_group_rounds_on_tokio() {
    let _watch = watch();
    const WORKERS: usize = 8;
    let (group, work) = (WaitGroup::new(), Arc::new(AtomicUsize::new(0)));
    let host = tokio();
    host.block_on(async {
        for round in 1..=500 {
            let started: Vec<_> = (0..WORKERS)
                .map(|_| {
                    let work = work.clone();
                    group.track(async move {
                        tokio::task::yield_now().await;
                        work.fetch_add(1, SeqCst);
                    })
                })
                .collect();
            let waiters: Vec<_> = (0..4)
                .map(|_| {
                    let (group, work) = (group.clone(), work.clone());
                    tokio::spawn(async move {
                        group.wait().await;
                        work.load(SeqCst)
                    })
                })
                .collect();
            started.into_iter().for_each(|task| drop(tokio::spawn(task)));
            group.wait().await;
            assert_eq!(work.load(SeqCst), round * WORKERS);
            for waiter in waiters {
                assert_eq!(waiter.await.unwrap(), round * WORKERS);
            }
        }
    });
    assert_eq!(group.count(), 0);
}

/// Waits that come and go while threads count up and down.
#[test]
fn waits_dropped_on_threads() {
    let _watch = watch();
    let group = WaitGroup::new();
    std::thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| {
                for _ in 0..5000 {
                    drop(group.guard());
                }
            });
        }
        for _ in 0..2 {
            scope.spawn(|| {
                for turn in 0..5000 {
                    let mut wait = pin!(group.wait());
                    let polled = common::poll(wait.as_mut(), std::task::Waker::noop());
                    if turn % 2 == 0 && polled.is_pending() {
                        futures::executor::block_on(wait);
                    }
                }
            });
        }
    });
    assert_eq!(group.count(), 0);
}
