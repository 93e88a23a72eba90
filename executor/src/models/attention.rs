//! Whether somebody who gives cause is heard by a monitor that falls asleep.
use super::model;
use crate::sched::attention::Attention;
use crate::sched::os::{heavy, light};
use dormouse_wait::parker::Parker;
use loom::sync::Arc;
use loom::sync::atomic::{AtomicUsize, Ordering::*};
use loom::thread;

#[test]
fn attention_a_call_is_heard() {
    model(3, || {
        let attention = Arc::new(Attention::new(true));
        assert!(attention.call(), "the first call starts it");
        let cause = Arc::new(AtomicUsize::new(0));
        let monitor = thread::spawn({
            let (attention, cause) = (attention.clone(), cause.clone());
            move || {
                let parker = Arc::new(Parker::current());
                attention.begin(&parker);
                while cause.load(Relaxed) == 0 {
                    attention.fall_asleep(None);
                    heavy();
                    if cause.load(Relaxed) == 0 {
                        parker.park_until(None);
                    }
                    attention.awake();
                }
            }
        });
        cause.store(1, Relaxed);
        light();
        if !attention.is_awake() {
            assert!(!attention.call());
        }
        monitor.join().expect("no panic");
    });
}

/// A thread that wakes for a timer spares a monitor that comes soon after that one the call; but not a monitor that has
/// come and dozes on, until later.
#[test]
fn attention_who_is_not_expected_in_time_is_called() {
    const TIMER: u64 = 1_000;
    model(3, || {
        let attention = Arc::new(Attention::new(true));
        assert!(attention.call(), "the first call starts it");
        let sat = Arc::new(AtomicUsize::new(0));
        let monitor = thread::spawn({
            let (attention, sat) = (attention.clone(), sat.clone());
            move || {
                let parker = Arc::new(Parker::current());
                attention.begin(&parker);
                // It comes by itself: nothing need be done.
                attention.fall_asleep(Some(TIMER));
                heavy();
                attention.awake();
                while sat.load(Relaxed) == 0 {
                    attention.fall_asleep(Some(TIMER + 1));
                    heavy();
                    if sat.load(Relaxed) == 0 {
                        parker.park_until(None);
                    }
                    attention.awake();
                }
            }
        });
        attention.expects(TIMER);
        sat.store(1, Relaxed);
        light();
        if !attention.is_awake() {
            assert!(!attention.call());
        }
        monitor.join().expect("no panic");
    });
}
