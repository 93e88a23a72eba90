//! As `reentrant`, for those types whose waits all live alike: queued, polled again, granted; or dropped in any of these
//! states.
mod common;

use common::poll;
use common::wakers::{Make, each_call};
use dormouse_sync::{Notify, Semaphore};
use dormouse_testing::{Event, watch};
use std::future::Future;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::Waker;
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
