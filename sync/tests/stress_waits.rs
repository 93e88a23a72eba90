//! As `stress`: many tasks and threads on those types that tell and count. Nothing is lost, nobody is left behind.
mod common;

use common::load::{Dice, GiveUp, tokio};
use dormouse_sync::{Barrier, Condvar, Mutex, Notify, RwLock, RwLockWriteGuard, Semaphore, WaitGroup};
use dormouse_testing::watch;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};

/// For each task a few tokens, which change hands by notifications: nobody waits for ever, whoever gives up.
#[test]
fn notify_on_tokio() {
    let _watch = watch();
    const ITEMS: usize = 20_000;
    let (notify, items, taken) =
        (Arc::new(Notify::new()), Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
    let host = tokio();
    let group = WaitGroup::new();
    for task in 0..8 {
        let (notify, items, taken) = (notify.clone(), items.clone(), taken.clone());
        host.spawn(group.track(async move {
            let mut dice = Dice(77 + task);
            while taken.load(SeqCst) < ITEMS {
                let took = items.fetch_update(SeqCst, SeqCst, |n| n.checked_sub(1)).is_ok();
                if took {
                    if taken.fetch_add(1, SeqCst) + 1 == ITEMS {
                        notify.notify_waiters();
                    }
                    continue;
                }
                let told = notify.notified();
                // Looks again: all may be taken by now.
                if taken.load(SeqCst) < ITEMS {
                    let polls = [1 + dice.roll(2), u64::MAX][usize::from(dice.roll(3) > 0)];
                    if GiveUp(Box::pin(told), polls).await.is_some() {
                        // Told: there may be more than this one item, and one permit only.
                        notify.notify_one();
                    }
                }
            }
        }));
    }
    std::thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| {
                for n in 0..ITEMS / 2 {
                    items.fetch_add(1, SeqCst);
                    if n % 3 == 0 { notify.notify_last() } else { notify.notify_one() }
                }
            });
        }
    });
    host.block_on(group.wait());
    assert_eq!((items.load(SeqCst), taken.load(SeqCst)), (0, ITEMS));
}

/// Rounds of `notify_waiters`, each of which all have seen.
#[test]
fn notify_waiters_on_tokio() {
    let _watch = watch();
    let host = tokio();
    host.block_on(async {
        let notify = Arc::new(Notify::new());
        for _ in 0..500 {
            let told: Vec<_> = (0..40).map(|_| tokio::spawn(notify.clone().notified_owned())).collect();
            if told.len() % 2 == 0 {
                tokio::task::yield_now().await;
            }
            notify.notify_waiters();
            for task in told {
                task.await.unwrap();
            }
        }
    });
}

/// Permits in small and large parts, given up, split, forgotten and added again: as many as before.
#[test]
fn semaphore_on_tokio() {
    let _watch = watch();
    const PERMITS: usize = 5;
    const TURNS: usize = 2000;
    let (semaphore, out, got) =
        (Arc::new(Semaphore::new(PERMITS)), Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
    let host = tokio();
    let group = WaitGroup::new();
    for task in 0..16 {
        let (semaphore, out, got) = (semaphore.clone(), out.clone(), got.clone());
        host.spawn(group.track(async move {
            let mut dice = Dice(0xACE + task);
            for _ in 0..TURNS {
                let count = dice.roll(PERMITS as u64 + 1) as u32;
                let polls = [dice.roll(3), u64::MAX][usize::from(dice.roll(3) > 0)];
                let permits = if dice.roll(4) > 0 {
                    let acquire = semaphore.clone().acquire_many_owned(count);
                    GiveUp(Box::pin(acquire), polls).await.map(|permits| permits.unwrap())
                } else {
                    semaphore.clone().try_acquire_many_owned(count).ok()
                };
                let Some(mut permits) = permits else {
                    tokio::task::yield_now().await;
                    continue;
                };
                got.fetch_add(1, SeqCst);
                let count = count as usize;
                assert!(out.fetch_add(count, SeqCst) + count <= PERMITS, "more are out than there are");
                if dice.roll(4) == 0 {
                    tokio::task::yield_now().await;
                }
                out.fetch_sub(count, SeqCst);
                match dice.roll(3) {
                    0 => drop(permits.split(count / 2)),
                    1 => {
                        permits.forget();
                        semaphore.add_permits(count);
                    }
                    _ => (),
                }
            }
        }));
    }
    host.block_on(group.wait());
    assert_eq!(semaphore.available_permits(), PERMITS);
    drop(semaphore.try_acquire_many(PERMITS as u32).expect("nobody waits"));
    assert!(got.load(SeqCst) > 16 * TURNS / 3);
}

/// Closed while all kinds of things go on: everybody comes back.
#[test]
fn semaphore_closed_on_tokio() {
    let _watch = watch();
    let host = tokio();
    host.block_on(async {
        for round in 0..200 {
            let semaphore = Arc::new(Semaphore::new(2));
            let tasks: Vec<_> = (0..8)
                .map(|_| {
                    let semaphore = semaphore.clone();
                    tokio::spawn(async move { while let Ok(_permit) = semaphore.acquire().await {} })
                })
                .collect();
            for _ in 0..round % 5 {
                tokio::task::yield_now().await;
            }
            semaphore.close();
            for task in tasks {
                task.await.unwrap();
            }
            assert_eq!(semaphore.available_permits(), 2);
        }
    });
}

/// Readers and writers that give up, downgrade, and hold the lock over awaits; plain threads among them.
#[test]
fn rwlock_on_tokio() {
    let _watch = watch();
    const TURNS: usize = 2000;
    let (lock, bumps) = (Arc::new(RwLock::new((0usize, 0usize))), Arc::new(AtomicUsize::new(0)));
    let host = tokio();
    let group = WaitGroup::new();
    for task in 0..12 {
        let (lock, bumps) = (lock.clone(), bumps.clone());
        host.spawn(group.track(async move {
            let mut dice = Dice(0xD1CE + task);
            for _ in 0..TURNS {
                let polls = [dice.roll(3), u64::MAX][usize::from(dice.roll(3) > 0)];
                if dice.roll(3) > 0 {
                    let Some(guard) = GiveUp(Box::pin(lock.read()), polls).await else { continue };
                    let seen = *guard;
                    assert_eq!(seen.0, seen.1, "a writer beside a reader");
                    if dice.roll(4) == 0 {
                        tokio::task::yield_now().await;
                    }
                    assert_eq!(*guard, seen);
                } else {
                    let Some(mut guard) = GiveUp(Box::pin(lock.write()), polls).await else { continue };
                    assert_eq!(guard.0, guard.1, "two writers");
                    guard.0 += 1;
                    if dice.roll(4) == 0 {
                        tokio::task::yield_now().await;
                    }
                    guard.1 += 1;
                    bumps.fetch_add(1, SeqCst);
                    if dice.roll(2) == 0 {
                        let seen = *guard;
                        assert_eq!(*RwLockWriteGuard::downgrade(guard), seen);
                    }
                }
            }
        }));
    }
    std::thread::scope(|scope| {
        scope.spawn(|| {
            for _ in 0..TURNS {
                let mut guard = lock.write_blocking();
                guard.0 += 1;
                guard.1 += 1;
                bumps.fetch_add(1, SeqCst);
            }
        });
        scope.spawn(|| {
            for _ in 0..TURNS {
                let guard = lock.read_blocking();
                assert_eq!(guard.0, guard.1);
            }
        });
    });
    host.block_on(group.wait());
    let total = *lock.try_write().expect("everybody has unlocked");
    assert_eq!(total, (bumps.load(SeqCst), bumps.load(SeqCst)));
}

/// A bounded queue by hand: what is put is taken, though those who wait give up now and then, some by their time.
#[test]
fn condvar_on_tokio() {
    let _watch = watch();
    const ITEMS: usize = 4000;
    #[derive(Default)]
    struct Shared {
        items: Mutex<(usize, usize)>,
        more: Condvar,
        less: Condvar,
    }
    let shared = Arc::new(Shared::default());
    let host = tokio::runtime::Builder::new_multi_thread().worker_threads(4).enable_time().build().unwrap();
    let group = WaitGroup::new();
    for task in 0..4 {
        let own = shared.clone();
        host.spawn(group.track(async move {
            for _ in 0..ITEMS {
                let mut items = own.less.wait_while(own.items.lock().await, |items| items.0 >= 2).await;
                items.0 += 1;
                drop(items);
                own.more.notify_one();
            }
        }));
        let own = shared.clone();
        host.spawn(group.track(async move {
            let mut dice = Dice(0xC0DE + task);
            let mut taken = 0;
            while taken < ITEMS {
                let mut items = own.items.lock().await;
                if items.0 == 0 {
                    let waited = own.more.wait(items);
                    let polls = [1 + dice.roll(3), u64::MAX][usize::from(dice.roll(3) > 0)];
                    match GiveUp(Box::pin(waited), polls).await {
                        Some(guard) => items = guard,
                        None => continue,
                    }
                }
                if items.0 > 0 {
                    items.0 -= 1;
                    items.1 += 1;
                    taken += 1;
                    drop(items);
                    own.less.notify_one();
                }
            }
        }));
    }
    host.block_on(group.wait());
    assert_eq!(*shared.items.try_lock().expect("everybody has unlocked"), (0, 4 * ITEMS));
}

/// Signals and deadlines of no time and of little: everybody comes back with the mutex, nobody waits for ever.
#[test]
fn condvar_timeouts_on_threads() {
    let _watch = watch();
    let (mutex, condvar) = (Mutex::new(0usize), Condvar::new());
    std::thread::scope(|scope| {
        for thread in 0..3 {
            let (mutex, condvar) = (&mutex, &condvar);
            scope.spawn(move || {
                for turn in 0..300 {
                    let timeout = std::time::Duration::from_micros((turn + thread) % 3 * 50);
                    let wait = async { condvar.wait_timeout(mutex.lock().await, timeout).await };
                    let (mut guard, _) = futures::executor::block_on(wait);
                    *guard += 1;
                }
            });
        }
        scope.spawn(|| {
            for turn in 0..3000 {
                if turn % 5 == 0 { condvar.notify_all() } else { condvar.notify_one() }
            }
        });
    });
    assert_eq!(mutex.into_inner(), 900);
}

/// Rounds without a pause: one leader each, everybody sees what all did before. (Nobody gives up here: who
/// does cannot know whether he was released.)
#[test]
fn barrier_on_tokio() {
    let _watch = watch();
    const SIZE: usize = 40;
    const ROUNDS: usize = 200;
    let (barrier, work, leaders) =
        (Arc::new(Barrier::new(SIZE)), Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
    let host = tokio();
    let group = WaitGroup::new();
    for _ in 0..SIZE {
        let (barrier, work, leaders) = (barrier.clone(), work.clone(), leaders.clone());
        host.spawn(group.track(async move {
            for round in 1..=ROUNDS {
                work.fetch_add(1, SeqCst);
                let result = barrier.wait().await;
                leaders.fetch_add(usize::from(result.is_leader()), SeqCst);
                assert!(work.load(SeqCst) >= round * SIZE, "released before all had come");
                barrier.wait().await;
            }
        }));
    }
    host.block_on(group.wait());
    assert_eq!(leaders.load(SeqCst), ROUNDS);
}
