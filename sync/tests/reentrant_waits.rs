//! As `reentrant`, for those types whose waits all live alike: queued, polled again, granted; or dropped in any of these
//! states.
mod common;

use common::wakers::{Make, each_call};
use common::{Clock, poll};
use dormouse_sync::{
    Barrier, Condvar, Limit, Mutex, Notify, OwnedRwLockReadGuard, OwnedRwLockWriteGuard, RateLimiter, RwLock,
    Semaphore,
};
use dormouse_testing::{Event, watch};
use std::future::Future;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::{Pin, pin};
use std::sync::{Arc, Mutex as StdMutex};
use std::task::Waker;
use std::time::Duration;
use tokio_test::task::spawn;

type Wait = Pin<Box<dyn Future<Output = ()>>>;

/// A type's part.
struct Kind<T> {
    /// An object that makes waits wait.
    make: fn() -> T,
    /// One that waits.
    wait: fn(&T) -> Wait,
    /// Lets it go on.
    grant: fn(&T),
    /// All that can be done from outside; the object is as before then, as far as possible.
    act: fn(&T),
    /// After all that: it serves, and nothing is lost.
    check: fn(&T),
}

fn life<T>(kind: &Kind<T>, object: &T, waker: Make<'_>, drop_after: usize) {
    let mut wait = (kind.wait)(object);
    for step in 0..5 {
        if step == drop_after {
            break;
        }
        match step {
            3 => (kind.grant)(object),
            _ => {
                if poll(wait.as_mut(), &waker()).is_ready() {
                    break;
                }
            }
        }
    }
    drop(wait);
}

fn lives<T: Clone + Send + Sync + 'static>(kind: Kind<T>) {
    let _watch = watch();
    each_call(5, kind.make, kind.act, |object, waker, drop_after, _| {
        life(&kind, object, waker, drop_after);
        (kind.check)(object);
    });
    let panics = |_: &T| panic!("a waker panics");
    each_call(5, kind.make, panics, |object, waker, drop_after, call| {
        let lived = catch_unwind(AssertUnwindSafe(|| life(&kind, object, waker, drop_after)));
        assert!(lived.is_ok() || call == Event::Clone, "only the clone's panic is the caller's");
        (kind.check)(object);
    });
}

/// Polls it once; was it ready?
fn once(future: impl Future) -> bool {
    poll(pin!(future), Waker::noop()).is_ready()
}

#[test]
fn notify() {
    lives(Kind {
        make: || Arc::new(Notify::new()),
        wait: |notify| Box::pin(notify.clone().notified_owned()),
        grant: |notify| notify.notify_one(),
        act: |notify| {
            once(notify.notified());
            notify.notify_one();
            once(notify.notified());
            let _ = format!("{notify:?}");
        },
        check: |notify| {
            notify.notify_one();
            assert!(once(notify.notified()), "the permit is lost");
            assert!(!once(notify.notified()), "more than one permit");
        },
    });
}

#[test]
fn notify_all() {
    lives(Kind {
        make: || Arc::new(Notify::new()),
        wait: |notify| Box::pin(notify.clone().notified_owned()),
        grant: |notify| notify.notify_waiters(),
        act: |notify| {
            once(notify.notified());
            notify.notify_waiters();
        },
        check: |notify| {
            let mut wait = spawn(notify.notified());
            assert!(wait.poll().is_pending());
            notify.notify_waiters();
            assert!(wait.is_woken());
        },
    });
}

#[test]
fn semaphore() {
    lives(Kind {
        make: || Arc::new(Semaphore::new(0)),
        wait: |semaphore| {
            let acquire = semaphore.clone().acquire_many_owned(2);
            Box::pin(async { acquire.await.unwrap().forget() })
        },
        grant: |semaphore| semaphore.add_permits(2),
        act: |semaphore| {
            once(semaphore.acquire());
            drop(semaphore.try_acquire());
            semaphore.add_permits(1);
            semaphore.forget_permits(1);
            let _ = format!("{semaphore:?}");
        },
        check: |semaphore| {
            semaphore.add_permits(3);
            let permits = semaphore.try_acquire_many(3).expect("somebody waits still, or permits are lost");
            drop(permits);
        },
    });
}

#[test]
fn semaphore_closed() {
    lives(Kind {
        make: || Arc::new(Semaphore::new(0)),
        wait: |semaphore| {
            let acquire = semaphore.clone().acquire_owned();
            Box::pin(async { assert!(acquire.await.is_err()) })
        },
        grant: |semaphore| semaphore.close(),
        act: |semaphore| {
            once(semaphore.acquire());
        },
        check: |semaphore| {
            semaphore.close();
            assert!(once(semaphore.acquire()));
        },
    });
}

/// A lock that is held, and who holds it.
struct Held {
    lock: Arc<RwLock<u8>>,
    writer: StdMutex<Option<OwnedRwLockWriteGuard<u8>>>,
    reader: StdMutex<Option<OwnedRwLockReadGuard<u8>>>,
}

fn held(writes: bool) -> Arc<Held> {
    let lock = Arc::new(RwLock::new(0));
    let reader = if writes { None } else { lock.clone().try_read_owned() };
    let writer = lock.clone().try_write_owned();
    Arc::new(Held { lock, writer: StdMutex::new(writer), reader: StdMutex::new(reader) })
}

fn let_go(held: &Held) {
    let guards = (held.writer.lock().unwrap().take(), held.reader.lock().unwrap().take());
    drop(guards);
}

fn use_lock(held: &Arc<Held>) {
    let lock = &held.lock;
    let (mut one, mut two) = (pin!(lock.read()), pin!(lock.clone().write_owned()));
    drop(poll(one.as_mut(), Waker::noop()));
    drop(poll(two.as_mut(), Waker::noop()));
    drop(lock.try_read());
    drop(lock.try_write());
    let _ = format!("{lock:?}");
}

fn free(held: &Arc<Held>) {
    let_go(held);
    assert!(held.lock.try_write().is_some(), "left locked");
}

#[test]
fn rwlock_reader() {
    lives(Kind {
        make: || held(true),
        wait: |held| {
            let read = held.lock.clone().read_owned();
            Box::pin(async { drop(read.await) })
        },
        grant: |held| let_go(held),
        act: use_lock,
        check: free,
    });
}

#[test]
fn rwlock_writer() {
    for writes in [false, true] {
        lives(Kind {
            make: if writes { || held(true) } else { || held(false) },
            wait: |held| {
                let write = held.lock.clone().write_owned();
                Box::pin(async { drop(write.await) })
            },
            grant: |held| let_go(held),
            act: use_lock,
            check: free,
        });
    }
}

#[test]
fn rwlock_downgrade() {
    lives(Kind {
        make: || held(true),
        wait: |held| {
            let read = held.lock.clone().read_owned();
            Box::pin(async { drop(read.await) })
        },
        grant: |held| {
            let guard = held.writer.lock().unwrap().take();
            drop(guard.map(OwnedRwLockWriteGuard::downgrade));
        },
        act: use_lock,
        check: free,
    });
}

type Shared = Arc<(Mutex<u8>, Condvar)>;

fn use_condvar(shared: &Shared) {
    let (mutex, condvar) = &**shared;
    if let Some(guard) = mutex.try_lock() {
        once(condvar.wait(guard));
    }
    condvar.notify_one();
    condvar.notify_all();
    let _ = format!("{condvar:?}");
}

fn condvar_lives(grant: fn(&Shared)) {
    lives(Kind {
        make: || Arc::new((Mutex::new(0), Condvar::new())),
        wait: |shared| {
            let shared = shared.clone();
            Box::pin(async move { drop(shared.1.wait(shared.0.lock().await).await) })
        },
        grant,
        act: use_condvar,
        check: |shared| {
            let (mutex, condvar) = &**shared;
            let mut wait = spawn(condvar.wait(mutex.try_lock().expect("left locked")));
            assert!(wait.poll().is_pending());
            condvar.notify_one();
            assert!(wait.is_woken());
        },
    });
}

#[test]
fn condvar() {
    condvar_lives(|shared| shared.1.notify_one());
}

#[test]
fn condvar_all() {
    condvar_lives(|shared| shared.1.notify_all());
}

#[test]
fn barrier() {
    lives(Kind {
        make: || Arc::new(Barrier::new(2)),
        wait: |barrier| {
            let barrier = barrier.clone();
            Box::pin(async move {
                barrier.wait().await;
            })
        },
        grant: |barrier| {
            once(barrier.wait());
        },
        act: |barrier| {
            once(barrier.wait());
            let _ = format!("{barrier:?}");
        },
        check: |barrier| {
            let mut wait = spawn(barrier.wait());
            assert!(wait.poll().is_pending(), "somebody has come who is gone");
            assert!(once(barrier.wait()) && wait.is_woken());
        },
    });
}

/// The lives of waits that end by an alarm, after half a second.
fn timed_lives<T: Clone + Send + Sync + 'static>(kind: Kind<T>) {
    let _watch = watch();
    let panics = |_: &T| panic!("a waker panics");
    for act in [kind.act, panics] {
        each_call(5, kind.make, act, |object, waker, drop_after, call| {
            Clock::with(|clock| {
                let life = || {
                    let mut wait = (kind.wait)(object);
                    for step in 0..drop_after {
                        if step == 3 {
                            clock.pass(500_000);
                        } else if poll(wait.as_mut(), &waker()).is_ready() {
                            break;
                        }
                    }
                };
                let lived = catch_unwind(AssertUnwindSafe(life));
                assert!(lived.is_ok() || call == Event::Clone, "only the clone's panic is the caller's");
                (kind.check)(object);
            });
        });
    }
}

#[test]
fn rate() {
    timed_lives(Kind {
        make: || Arc::new(RateLimiter::new(Limit::per_second(2), 1)),
        wait: |limiter| {
            limiter.allow();
            let limiter = limiter.clone();
            Box::pin(async move { limiter.wait().await.unwrap() })
        },
        grant: |_| (),
        act: |limiter| {
            once(limiter.wait());
            limiter.reserve().unwrap().cancel();
            limiter.set_burst(limiter.burst());
            let _ = format!("{limiter:?} {}", limiter.tokens());
        },
        check: |limiter| {
            limiter.set_limit(Limit::INF);
            assert!(once(limiter.wait()));
        },
    });
}

#[test]
fn condvar_timeout() {
    timed_lives(Kind {
        make: || Arc::new((Mutex::new(0), Condvar::new())),
        wait: |shared: &Shared| {
            let shared = shared.clone();
            Box::pin(async move {
                let guard = shared.0.lock().await;
                drop(shared.1.wait_timeout(guard, Duration::from_millis(500)).await);
            })
        },
        grant: |_| (),
        act: |shared| {
            let (mutex, condvar) = &**shared;
            if let Some(guard) = mutex.try_lock() {
                once(condvar.wait_timeout(guard, Duration::from_secs(1)));
            }
            let _ = format!("{condvar:?}");
        },
        check: |shared| assert!(!shared.0.is_locked()),
    });
}
