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
                    attention.fall_asleep();
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
