//! `Notify`.
use super::*;
use crate::Notify;

fn notify_one(notify: &Notify) {
    step();
    notify.notify_one();
}

fn on_thread(notify: &Arc<Notify>, act: impl FnOnce(&Notify) + 'static) -> thread::JoinHandle<()> {
    let notify = notify.clone();
    thread::spawn(move || act(&notify))
}

/// A notification against a wait: stored or told, it arrives, and shows what was before it.
#[test]
fn stored_or_told() {
    check(None, STILL, || {
        let (notify, shown) = (Arc::new(Notify::new()), Arc::new(UnsafeCell::new(0)));
        let other = {
            let shown = shown.clone();
            on_thread(&notify, move |notify| {
                bump(&shown);
                notify_one(notify);
            })
        };
        block_on(notify.notified());
        assert_eq!(read(&shown), 1);
        other.join().unwrap();
        assert!(notify.is_idle());
    });
}

/// Two wait, and each that is told tells the next: both are told.
#[test]
fn from_one_to_the_next() {
    check(Some(3), STILL, || {
        let notify = Arc::new(Notify::new());
        let next = |notify: &Notify| {
            block_on(notify.notified());
            notify_one(notify);
        };
        let waiter = on_thread(&notify, next);
        let notifier = on_thread(&notify, notify_one);
        next(&notify);
        waiter.join().unwrap();
        notifier.join().unwrap();
    });
}

/// X6: a waiter dropped at any moment after its first poll, against a notification; another one waits.
#[test]
fn dropped_waiter_passes_on() {
    check(Some(3), STILL, || {
        let notify = Arc::new(Notify::new());
        let dropper = on_thread(&notify, |notify| {
            let mut wait = Box::pin(notify.notified());
            if poll(wait.as_mut(), &Signal::new().1).is_ready() {
                notify_one(notify);
            }
            let_go(wait);
        });
        let notifier = on_thread(&notify, notify_one);
        block_on(notify.notified());
        dropper.join().unwrap();
        notifier.join().unwrap();
        assert!(notify.is_idle());
    });
}

/// `notify_waiters` against waits that were made before it: each is told, and sees what was before it.
#[test]
fn all_are_told() {
    check(Some(3), STILL, || {
        let (notify, shown) = (Arc::new(Notify::new()), Arc::new(UnsafeCell::new(0)));
        let waits = [notify.clone().notified_owned(), notify.clone().notified_owned()];
        let other = {
            let shown = shown.clone();
            on_thread(&notify, move |notify| {
                bump(&shown);
                step();
                notify.notify_waiters();
            })
        };
        let [here, there] = waits;
        let waiter = thread::spawn(move || block_on(there));
        block_on(here);
        assert_eq!(read(&shown), 1);
        waiter.join().unwrap();
        other.join().unwrap();
        assert!(notify.is_idle());
    });
}

/// `notify_waiters`, `notify_one` and a drop: the notification for one is not spent on one that all are told with.
#[test]
fn one_beside_all() {
    check(Some(3), STILL, || {
        let notify = Arc::new(Notify::new());
        let mut first = Box::pin(notify.clone().notified_owned());
        assert!(poll(first.as_mut(), &Signal::new().1).is_pending());
        let all = on_thread(&notify, |notify| {
            step();
            notify.notify_waiters();
        });
        let dropper = thread::spawn(move || let_go(first));
        notify_one(&notify);
        all.join().unwrap();
        dropper.join().unwrap();
        // Told before `notify_waiters`, dropped told: stored again. Told by that, or gone: stored.
        block_on(notify.notified());
        assert!(notify.is_idle());
    });
}
