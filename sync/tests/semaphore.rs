//! The semaphore poll by poll: order, weights, each drop, closing.
mod common;

use common::{acquiring, poll};
use dormouse_sync::{AcquireError, Semaphore, TryAcquireError};
use dormouse_testing::{Count, panics, watch};
use dormouse_wait::frame::{BUDGET, Frame, Reason, Waits};
use futures::future::FusedFuture;
use std::pin::pin;
use std::sync::Arc;
use std::task::Waker;
use tokio_test::task::spawn;
use tokio_test::{assert_pending, assert_ready_err, assert_ready_ok};

#[test]
fn permits_come_and_go() {
    let semaphore = Semaphore::new(3);
    let two = assert_ready_ok!(spawn(semaphore.acquire_many(2)).poll());
    assert_eq!((two.num_permits(), semaphore.available_permits()), (2, 1));
    let one = semaphore.try_acquire().unwrap();
    assert_eq!(semaphore.try_acquire().unwrap_err(), TryAcquireError::NoPermits);
    drop(two);
    assert_eq!(semaphore.available_permits(), 2);
    drop(one);
    assert_eq!(semaphore.available_permits(), 3);
}

#[test]
fn served_in_order() {
    let semaphore = Semaphore::new(0);
    let mut waits = acquiring(&semaphore, [1, 1, 1]);
    for n in 0..3 {
        semaphore.add_permits(1);
        assert!(waits[n].is_woken());
        assert_ready_ok!(waits[n].poll()).forget();
        assert!(waits[n + 1..].iter().all(|wait| !wait.is_woken()));
    }
}

/// A large request at the head makes small ones wait behind it, though there is enough for them; so nobody is passed
/// over, by `try_acquire` neither.
#[test]
fn large_request_blocks_smaller_ones() {
    let semaphore = Semaphore::new(1);
    let [mut large, mut small, mut none] = acquiring(&semaphore, [3, 1, 0]);
    assert_eq!(semaphore.try_acquire().unwrap_err(), TryAcquireError::NoPermits);
    assert_eq!(semaphore.try_acquire_many(0).unwrap_err(), TryAcquireError::NoPermits);
    semaphore.add_permits(1);
    assert!(!large.is_woken() && !small.is_woken() && !none.is_woken());
    semaphore.add_permits(1);
    assert!(large.is_woken() && !small.is_woken());
    assert_eq!(semaphore.available_permits(), 0);
    drop(assert_ready_ok!(large.poll()));
    assert!(small.is_woken() && none.is_woken());
    drop(assert_ready_ok!(small.poll()));
    assert_eq!(assert_ready_ok!(none.poll()).num_permits(), 0);
    assert_eq!(semaphore.available_permits(), 3);
}

/// One release serves as many as it is enough for, beyond one batch of wakers.
#[test]
fn one_release_serves_many() {
    let semaphore = Semaphore::new(0);
    let mut waits = acquiring(&semaphore, [1; 100]);
    semaphore.add_permits(99);
    for wait in &mut waits[..99] {
        assert!(wait.is_woken());
        assert_ready_ok!(wait.poll()).forget();
    }
    assert!(!waits[99].is_woken());
}

/// F39a: the head goes, and those behind it that now fit are served.
#[test]
fn dropped_head_lets_the_others_through() {
    let semaphore = Semaphore::new(2);
    let [large, mut a, mut b, mut c] = acquiring(&semaphore, [3, 1, 1, 1]);
    drop(large);
    assert!(a.is_woken() && b.is_woken() && !c.is_woken());
    drop(assert_ready_ok!(a.poll()));
    assert!(c.is_woken());
    drop(assert_ready_ok!(b.poll()));
    drop(assert_ready_ok!(c.poll()));
    assert_eq!(semaphore.available_permits(), 2);
}

#[test]
fn dropped_while_queued() {
    for gone in 0..3 {
        let semaphore = Semaphore::new(0);
        let mut waits = Vec::from(acquiring(&semaphore, [1, 1, 1]));
        drop(waits.remove(gone));
        semaphore.add_permits(2);
        for wait in &mut waits {
            drop(assert_ready_ok!(wait.poll()));
        }
        assert_eq!(semaphore.available_permits(), 2);
    }
    let semaphore = Semaphore::new(0);
    drop(acquiring(&semaphore, [1]));
    semaphore.add_permits(1);
    assert!(semaphore.try_acquire().is_ok());
}

/// X4: granted and dropped, it gives its permits to the next.
#[test]
fn dropped_when_granted() {
    let semaphore = Arc::new(Semaphore::new(0));
    let mut first = spawn(semaphore.clone().acquire_many_owned(2));
    assert_pending!(first.poll());
    let [mut a, mut b] = acquiring(&semaphore, [1, 1]);
    semaphore.add_permits(2);
    assert!(first.is_woken() && !a.is_woken());
    drop(first);
    assert!(a.is_woken() && b.is_woken());
    assert_ready_ok!(a.poll()).forget();
    assert_ready_ok!(b.poll()).forget();
    assert_eq!(Arc::strong_count(&semaphore), 1);
}

/// X8: one that is not polled asks for nothing.
#[test]
fn unpolled_has_no_effect() {
    let semaphore = Semaphore::new(1);
    let unpolled = semaphore.acquire_many(5);
    drop(semaphore.try_acquire().unwrap());
    drop(unpolled);
    assert_eq!(semaphore.available_permits(), 1);
}

/// Go's rule: a request for more than the whole is never queued.
#[test]
fn more_than_the_whole() {
    let semaphore = Semaphore::fixed(2);
    let held = semaphore.try_acquire().unwrap();
    let mut never = spawn(semaphore.acquire_many(3));
    assert_eq!(assert_ready_err!(never.poll()), AcquireError::TooMany);
    assert_eq!(semaphore.try_acquire_many(3).unwrap_err(), TryAcquireError::NoPermits);
    drop(semaphore.try_acquire().expect("nobody waits"));
    drop(held);
    drop(assert_ready_ok!(spawn(semaphore.acquire_many(2)).poll()));
    assert_eq!(panics(|| semaphore.add_permits(1)), "more permits were added than the semaphore may have");
    assert_eq!(semaphore.available_permits(), 2);
    semaphore.close();
    assert_eq!(assert_ready_err!(spawn(semaphore.acquire_many(3)).poll()), AcquireError::Closed);
    // One that may grow can have it one day.
    let semaphore = Semaphore::new(2);
    let [mut wait] = acquiring(&semaphore, [3]);
    semaphore.add_permits(1);
    assert_ready_ok!(wait.poll()).forget();
}

#[test]
fn too_many_added() {
    let semaphore = Semaphore::new(Semaphore::MAX_PERMITS);
    assert!(panics(|| semaphore.add_permits(1)).contains("more permits"));
    assert!(panics(|| semaphore.add_permits(usize::MAX)).contains("more permits"));
    let permit = semaphore.try_acquire().unwrap();
    semaphore.add_permits(1);
    // There is no room for it any more; while a panic unwinds it is let go in silence.
    assert!(panics(|| drop(permit)).contains("more permits"));
    assert_eq!(semaphore.available_permits(), Semaphore::MAX_PERMITS);
    let permit = semaphore.try_acquire().unwrap();
    semaphore.add_permits(1);
    let text = panics(|| {
        let _permit = permit;
        panic!("the first one");
    });
    assert_eq!(text, "the first one");
    assert!(panics(|| Semaphore::new(Semaphore::MAX_PERMITS + 1)).contains("MAX_PERMITS"));
}

#[test]
fn forget() {
    let semaphore = Semaphore::new(5);
    semaphore.try_acquire_many(2).unwrap().forget();
    assert_eq!(semaphore.available_permits(), 3);
    assert_eq!(semaphore.forget_permits(1), 1);
    assert_eq!(semaphore.forget_permits(9), 2);
    assert_eq!((semaphore.forget_permits(1), semaphore.available_permits()), (0, 0));
    let [mut wait] = acquiring(&semaphore, [1]);
    assert_eq!(semaphore.forget_permits(1), 0);
    semaphore.add_permits(1);
    assert_ready_ok!(wait.poll()).forget();
}

#[test]
fn closed() {
    let semaphore = Semaphore::new(1);
    let held = semaphore.try_acquire().unwrap();
    let mut waits = acquiring(&semaphore, [1; 70]);
    assert!(!semaphore.is_closed());
    semaphore.close();
    semaphore.close();
    assert!(semaphore.is_closed());
    for wait in &mut waits {
        assert!(wait.is_woken());
        assert_eq!(assert_ready_err!(wait.poll()), AcquireError::Closed);
    }
    drop(held);
    assert_eq!(semaphore.available_permits(), 1);
    assert_eq!(semaphore.try_acquire().unwrap_err(), TryAcquireError::Closed);
    assert_eq!(assert_ready_err!(spawn(semaphore.acquire()).poll()), AcquireError::Closed);
}

/// What was granted before the close is good; closed and dropped, it gives nothing back.
#[test]
fn granted_before_the_close() {
    let semaphore = Semaphore::new(0);
    let [mut a, b, c] = acquiring(&semaphore, [1, 1, 1]);
    semaphore.add_permits(2);
    semaphore.close();
    assert_ready_ok!(a.poll()).forget();
    drop(b);
    drop(c);
    assert_eq!(semaphore.available_permits(), 1);
}

#[test]
fn split_and_merge() {
    let semaphore = Arc::new(Semaphore::new(9));
    let mut four = semaphore.try_acquire_many(4).unwrap();
    let one = four.split(1).unwrap();
    assert!(four.split(4).is_none() && four.split(usize::MAX).is_none());
    assert_eq!((one.num_permits(), four.num_permits()), (1, 3));
    four.merge(one);
    assert_eq!((four.num_permits(), semaphore.available_permits()), (4, 5));
    let other = Semaphore::new(1);
    let foreign = other.try_acquire().unwrap();
    assert_eq!(panics(|| four.merge(foreign)), "permits of another semaphore");
    assert_eq!(other.available_permits(), 1);
    drop(four);

    let mut owned = semaphore.clone().try_acquire_many_owned(3).unwrap();
    let part = owned.split(2).unwrap();
    assert!(Arc::ptr_eq(part.semaphore(), &semaphore));
    owned.merge(part);
    drop(owned);
    assert_eq!(semaphore.available_permits(), 9);
    assert_eq!(Arc::strong_count(&semaphore), 1);
    assert!(std::ptr::eq(semaphore.try_acquire().unwrap().semaphore(), &*semaphore));
}

/// X7: a poll without cause changes nothing; a future polled from another task wakes that one.
#[test]
fn another_task_is_woken() {
    let semaphore = Semaphore::new(0);
    let wait = pin!(semaphore.acquire());
    drop(common::another_task_is_woken(wait, 0, || semaphore.add_permits(1)).unwrap());
}

#[test]
fn repolled_panics() {
    let semaphore = Arc::new(Semaphore::new(2));
    let mut borrowed = spawn(semaphore.acquire());
    let mut owned = pin!(semaphore.clone().acquire_owned());
    assert!(!owned.is_terminated());
    assert_ready_ok!(borrowed.poll()).forget();
    assert!(poll(owned.as_mut(), Waker::noop()).is_ready());
    assert!(owned.is_terminated());
    assert!(panics(|| drop(borrowed.poll())).contains("polled after it had finished"));
    assert!(panics(|| drop(poll(owned.as_mut(), Waker::noop()))).contains("polled after it had finished"));
}

#[test]
fn formats() {
    let semaphore = Arc::new(Semaphore::new(3));
    let owned = semaphore.clone().try_acquire_owned().unwrap();
    assert_eq!(format!("{semaphore:?}"), "Semaphore { available: 2, closed: false }");
    assert_eq!(format!("{:?}", semaphore.try_acquire()), "Ok(SemaphorePermit { permits: 1, .. })");
    assert_eq!(format!("{owned:?}"), "OwnedSemaphorePermit { permits: 1, .. }");
    assert_eq!(format!("{:?}", semaphore.acquire()), "Acquire { done: false, .. }");
    assert_eq!(format!("{:?}", semaphore.acquire_owned()), "AcquireOwned { done: false, .. }");
    assert_eq!(AcquireError::Closed.to_string(), "the semaphore is closed");
    assert_eq!(AcquireError::TooMany.to_string(), "more permits than the semaphore can ever have");
    assert_eq!(TryAcquireError::NoPermits.to_string(), "no permits available");
    assert_eq!(Semaphore::default().available_permits(), 0);
}

#[test]
fn wait_reason() {
    let semaphore = Semaphore::new(0);
    let waits = Waits::new();
    let frame = Frame::new(&waits);
    let (mut wait, line) = (spawn(semaphore.acquire()), line!());
    frame.enter(|| assert_pending!(wait.poll()));
    let (reason, site) = waits.get();
    assert_eq!(
        (reason, site.unwrap().line(), site.unwrap().file()),
        (Reason::SemaphoreAcquire, line, file!())
    );
}

/// tokio#3644 and its like: under the budget the order stands, and a refused one has taken nothing.
#[test]
fn budget() {
    let semaphore = Semaphore::new(1);
    Frame::new(&Waits::new()).enter(|| {
        let held = assert_ready_ok!(spawn(semaphore.acquire()).poll());
        let mut granted = spawn(semaphore.acquire());
        assert_pending!(granted.poll());
        drop(held);
        for _ in 2..BUDGET {
            assert_ready_ok!(spawn(semaphore.acquire_many(0)).poll()).forget();
        }
        let mut refused = spawn(semaphore.acquire_many(0));
        assert_pending!(refused.poll());
        assert!(refused.is_woken());
        drop(assert_ready_ok!(granted.poll()));
    });
    assert_eq!(semaphore.available_permits(), 1);
}

#[test]
fn blocking_threads() {
    let _watch = watch();
    let (semaphore, inside) = (Semaphore::new(2), Count::shared());
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                for _ in 0..500 {
                    let _one = semaphore.acquire_blocking().unwrap();
                    inside.add();
                }
            });
        }
        scope.spawn(|| (0..200).for_each(|_| drop(semaphore.acquire_many_blocking(2).unwrap())));
    });
    assert_eq!((inside.get(), semaphore.available_permits()), (2000, 2));
}

#[test]
fn blocking_inside_a_task_panics() {
    let semaphore = Semaphore::new(1);
    Frame::new(&Waits::new()).enter(|| {
        assert!(panics(|| drop(semaphore.acquire_blocking())).contains("use `acquire().await` there"));
        let many = || drop(semaphore.acquire_many_blocking(1));
        assert!(panics(many).contains("use `acquire_many(n).await` there"));
    });
    assert_eq!(semaphore.available_permits(), 1);
}
