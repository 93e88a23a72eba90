//! `Notify` poll by poll: permits, rounds, each drop.
mod common;

use common::poll;
use dormouse_sync::Notify;
use dormouse_sync::futures::Notified;
use dormouse_testing::{Count, Event, hooked, panics};
use dormouse_wait::frame::{BUDGET, Frame, Reason, Waits};
use futures::future::FusedFuture;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::Waker;
use tokio_test::task::{Spawn, spawn};
use tokio_test::{assert_pending, assert_ready};

/// That many who wait.
fn waiting(notify: &Notify, count: usize) -> Vec<Spawn<Notified<'_>>> {
    let mut waits: Vec<_> = (0..count).map(|_| spawn(notify.notified())).collect();
    for wait in &mut waits {
        assert_pending!(wait.poll());
    }
    waits
}

/// Which of them are woken.
fn woken(waits: &[Spawn<Notified<'_>>]) -> Vec<usize> {
    (0..waits.len()).filter(|n| waits[*n].is_woken()).collect()
}

#[test]
fn one_permit_is_stored() {
    let notify = Notify::new();
    notify.notify_one();
    notify.notify_last();
    assert_ready!(spawn(notify.notified()).poll());
    let mut next = spawn(notify.notified());
    assert_pending!(next.poll());
    notify.notify_one();
    assert!(next.is_woken());
    assert_ready!(next.poll());
    assert_pending!(spawn(notify.notified()).poll());
}

#[test]
fn the_longest_waiting_is_told_first() {
    let notify = Notify::new();
    let mut waits = waiting(&notify, 3);
    for n in 0..3 {
        notify.notify_one();
        assert_eq!(woken(&waits), [n]);
        assert_ready!(waits[n].poll());
    }
}

#[test]
fn notify_last_tells_the_one_that_came_last() {
    let notify = Notify::new();
    let mut waits = waiting(&notify, 3);
    for n in [2, 1, 0] {
        notify.notify_last();
        assert_eq!(woken(&waits), [n]);
        assert_ready!(waits[n].poll());
    }
}

/// X8: what is not polled does not wait for `notify_one`; but for `notify_waiters` it waits since it was made.
#[test]
fn who_waits_for_what() {
    let notify = Notify::new();
    let unpolled = notify.notified();
    let (mut waits, mut before) = (waiting(&notify, 1), spawn(notify.notified()));
    notify.notify_one();
    assert_eq!(woken(&waits), [0]);
    assert_ready!(waits[0].poll());
    drop(unpolled);
    notify.notify_waiters();
    let mut after = spawn(notify.notified());
    assert_ready!(before.poll());
    assert_pending!(after.poll());
}

/// A waiter that is told by `notify_waiters` leaves a stored permit to others.
#[test]
fn notify_waiters_stores_and_takes_nothing() {
    let notify = Notify::new();
    notify.notify_waiters();
    assert_pending!(spawn(notify.notified()).poll());
    let mut made_before = spawn(notify.notified());
    notify.notify_one();
    notify.notify_waiters();
    assert_ready!(made_before.poll());
    assert_ready!(spawn(notify.notified()).poll());
    assert_pending!(spawn(notify.notified()).poll());
}

/// More than one batch of wakers.
#[test]
fn all_who_wait_are_told() {
    let notify = Notify::new();
    let mut waits = waiting(&notify, 100);
    notify.notify_waiters();
    for wait in &mut waits {
        assert!(wait.is_woken());
        assert_ready!(wait.poll());
    }
    assert_pending!(spawn(notify.notified()).poll());
}

/// While a release of more than one batch is on, those of the next round stay, and a notification for one is not spent
/// on somebody who is told anyway: it is stored, or goes to the next round.
#[test]
fn a_batch_is_no_mark() {
    for next_waits in [false, true] {
        let notify = Arc::new(Notify::new());
        let next = Arc::new(std::sync::Mutex::new(None));
        let first = {
            let (notify, next) = (notify.clone(), next.clone());
            hooked(move |call| {
                if call == Event::Wake {
                    if next_waits {
                        let mut wait = spawn(notify.clone().notified_owned());
                        assert_pending!(wait.poll());
                        *next.lock().unwrap() = Some(wait);
                    }
                    notify.notify_one();
                }
            })
        };
        let mut hooked_wait = pin!(notify.notified());
        assert!(poll(hooked_wait.as_mut(), &first).is_pending());
        drop(first);
        let mut waits = waiting(&notify, 70);
        notify.notify_waiters();
        for wait in &mut waits {
            assert!(wait.is_woken());
            assert_ready!(wait.poll());
        }
        assert!(poll(hooked_wait.as_mut(), Waker::noop()).is_ready());
        if next_waits {
            let mut next = next.lock().unwrap().take().expect("the first one was woken");
            assert!(next.is_woken());
            assert_ready!(next.poll());
        }
        assert_eq!(spawn(notify.notified()).poll().is_ready(), !next_waits, "the permit");
    }
}

/// A waiter of a round that is being released is ready at a poll, and may go, before its batch has come.
#[test]
fn told_before_its_batch() {
    let notify = Arc::new(Notify::new());
    let late = Arc::new(std::sync::Mutex::new(Vec::new()));
    let first = {
        let (notify, late) = (notify.clone(), late.clone());
        hooked(move |call| {
            if call == Event::Wake {
                let mut late: Vec<Pin<Box<dyn Future<Output = ()> + Send>>> =
                    std::mem::take(&mut late.lock().unwrap());
                assert!(poll(late[0].as_mut(), Waker::noop()).is_ready());
                late.clear();
                let _ = format!("{notify:?}");
            }
        })
    };
    let mut hooked_wait = pin!(notify.notified());
    assert!(poll(hooked_wait.as_mut(), &first).is_pending());
    drop(first);
    let _waits = waiting(&notify, 40);
    for _ in 0..2 {
        let mut wait = Box::pin(notify.clone().notified_owned());
        assert!(poll(wait.as_mut(), Waker::noop()).is_pending());
        late.lock().unwrap().push(wait);
    }
    notify.notify_waiters();
    assert_eq!(format!("{notify:?}"), "Notify { permit: false, waiters: false }");
}

#[test]
fn enabled_waits_without_a_poll() {
    let notify = Notify::new();
    let (mut a, mut b) = (pin!(notify.notified()), pin!(notify.notified()));
    assert!(!a.as_mut().enable());
    assert!(!a.as_mut().enable());
    notify.notify_one();
    assert!(!b.as_mut().enable());
    assert!(!a.is_terminated());
    let (count, waker) = Count::new();
    assert!(poll(a.as_mut(), Waker::noop()).is_ready());
    assert!(a.is_terminated() && a.as_mut().enable());
    assert!(poll(b.as_mut(), &waker).is_pending());
    notify.notify_one();
    assert_eq!(count.get(), 1, "the waker of the poll is woken");
    assert!(poll(b.as_mut(), Waker::noop()).is_ready());
}

/// What `enable` said yes to is taken: its drop passes nothing on.
#[test]
fn enabled_takes_the_permit() {
    let notify = Notify::new();
    for queued in [false, true] {
        let mut wait = Box::pin(notify.notified());
        assert!(!queued || !wait.as_mut().enable());
        notify.notify_one();
        assert!(wait.as_mut().enable());
        if queued {
            assert!(poll(wait.as_mut(), Waker::noop()).is_ready());
        }
        drop(wait);
        assert_pending!(spawn(notify.notified()).poll());
    }
    let mut wait = pin!(notify.notified());
    notify.notify_waiters();
    assert!(wait.as_mut().enable());
    assert!(poll(wait.as_mut(), Waker::noop()).is_ready());
}

/// X6: dropped after it was told, it passes on what another can use, to whom the caller would have told next.
#[test]
fn dropped_when_told() {
    let notify = Notify::new();
    let mut waits = waiting(&notify, 3);
    notify.notify_one();
    drop(waits.remove(0));
    assert_eq!(woken(&waits), [0]);
    drop(waits.remove(0));
    assert_eq!(woken(&waits), [0]);
    drop(waits.remove(0));
    assert_ready!(spawn(notify.notified()).poll());

    let mut waits = waiting(&notify, 3);
    notify.notify_last();
    drop(waits.remove(2));
    assert_eq!(woken(&waits), [1]);
    drop(waits);
    assert_ready!(spawn(notify.notified()).poll());

    let waits = waiting(&notify, 2);
    notify.notify_waiters();
    drop(waits);
    assert_pending!(spawn(notify.notified()).poll());
}

#[test]
fn dropped_while_queued() {
    for gone in 0..3 {
        let notify = Notify::new();
        let mut waits = waiting(&notify, 3);
        drop(waits.remove(gone));
        for wait in &mut waits {
            notify.notify_one();
            assert!(wait.is_woken());
            assert_ready!(wait.poll());
        }
        // Nobody waits any more: this one is stored.
        notify.notify_one();
        assert_ready!(spawn(notify.notified()).poll());
    }
    let notify = Notify::new();
    drop(waiting(&notify, 1));
    notify.notify_one();
    assert_ready!(spawn(notify.notified()).poll());
}

/// X7: a poll without cause changes nothing; a future polled from another task wakes that one.
#[test]
fn another_task_is_woken() {
    let notify = Notify::new();
    common::another_task_is_woken(pin!(notify.notified()), 0, || notify.notify_one());
}

#[test]
fn owned_keeps_it_alive() {
    let notify = Arc::new(Notify::new());
    let mut wait = spawn(notify.clone().notified_owned());
    assert_pending!(wait.poll());
    notify.notify_one();
    drop(notify);
    assert!(wait.is_woken());
    assert_ready!(wait.poll());
}

#[test]
fn repolled_panics() {
    let notify = Arc::new(Notify::new());
    let mut waits = (spawn(notify.notified()), spawn(notify.clone().notified_owned()));
    notify.notify_waiters();
    assert_ready!(waits.0.poll());
    assert_ready!(waits.1.poll());
    for text in [panics(|| waits.0.poll()), panics(|| waits.1.poll())] {
        assert_eq!(text, "the future of Notify::notified was polled after it had finished");
    }
}

#[test]
fn formats() {
    let notify = Notify::default();
    notify.notify_one();
    assert_eq!(format!("{notify:?}"), "Notify { permit: true, waiters: false }");
    assert_eq!(format!("{:?}", notify.notified()), "Notified { done: false, .. }");
    assert_eq!(format!("{:?}", Arc::new(notify).notified_owned()), "OwnedNotified { done: false, .. }");
}

#[test]
fn wait_reason() {
    let notify = Notify::new();
    let waits = Waits::new();
    let frame = Frame::new(&waits);
    let (mut wait, line) = (spawn(notify.notified()), line!());
    frame.enter(|| assert_pending!(wait.poll()));
    let (reason, site) = waits.get();
    assert_eq!((reason, site.unwrap().line(), site.unwrap().file()), (Reason::Notify, line, file!()));
}

/// One operation per wait; one that was told does not ask, and a refused one takes no permit.
#[test]
fn budget() {
    let notify = Notify::new();
    Frame::new(&Waits::new()).enter(|| {
        let mut told = spawn(notify.notified());
        assert_pending!(told.poll());
        notify.notify_one();
        for _ in 1..BUDGET {
            notify.notify_one();
            assert_ready!(spawn(notify.notified()).poll());
        }
        notify.notify_one();
        let mut refused = spawn(notify.notified());
        assert_pending!(refused.poll());
        assert!(refused.is_woken());
        assert_ready!(told.poll());
    });
    assert_ready!(spawn(notify.notified()).poll());
}

#[test]
fn enable_keeps_the_waker_of_a_poll() {
    let notify = Notify::new();
    let mut wait = spawn(notify.notified());
    assert_pending!(wait.poll());
    assert!(!wait.enter(|_, wait| wait.enable()));
    notify.notify_one();
    assert!(wait.is_woken());
    assert_ready!(wait.poll());
}
