//! The wait group.
use super::*;
use crate::WaitGroup;

fn done(group: &WaitGroup) {
    step();
    group.done();
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
fn done_against_wait() {
    check(Some(3), STILL, || {
        let group = WaitGroup::new();
        group.add(2);
        let shown = [Arc::new(UnsafeCell::new(0)), Arc::new(UnsafeCell::new(0))];
        let others = [spawn_done(&group, &shown[0]), spawn_done(&group, &shown[1])];
        block_on(group.wait());
        for shown in &shown {
            assert_eq!(read(shown), 1);
        }
        for other in others {
            other.join().unwrap();
        }
    });
}

/// Two waiters, one `done`: both are released.
#[test]
fn releases_all() {
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
fn keeps_rounds_apart() {
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
fn wait_dropped() {
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
fn add_against_wait() {
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
