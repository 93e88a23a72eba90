//! A thread that sleeps in the reactor is woken as one that sleeps by its parker.
use super::model;
use dormouse_wait::parker::{Parker, Rouse};
use loom::sync::atomic::{AtomicUsize, Ordering::*};
use loom::sync::{Arc, Condvar, Mutex};
use loom::thread;

/// What the reactor's system calls are here: a wait ends when somebody has rung since the last one.
struct Bell {
    rung: Mutex<bool>,
    changed: Condvar,
}

impl Bell {
    fn new() -> std::sync::Arc<Bell> {
        std::sync::Arc::new(Bell { rung: Mutex::new(false), changed: Condvar::new() })
    }

    fn wait(&self) {
        let mut rung = self.rung.lock().unwrap();
        while !*rung {
            rung = self.changed.wait(rung).unwrap();
        }
        *rung = false;
    }
}

impl Rouse for Bell {
    fn rouse(&self) {
        *self.rung.lock().unwrap() = true;
        self.changed.notify_one();
    }
}

/// As `Reactor::wait`.
fn sleep(parker: &Parker, bell: &Bell) -> bool {
    parker.park_elsewhere(|| {
        while !parker.is_woken() {
            bell.wait();
        }
    })
}

#[test]
fn parker_each_wake_up_ends_a_sleep_wherever_that_is() {
    model(3, || {
        let bell = Bell::new();
        let told = Arc::new(Mutex::new(None));
        let begun = Arc::new(AtomicUsize::new(0));
        let sleeper = thread::spawn({
            let (bell, told, begun) = (bell.clone(), told.clone(), begun.clone());
            move || {
                let parker = Arc::new(Parker::with_elsewhere(bell.clone()));
                *told.lock().unwrap() = Some(parker.clone());
                assert!(sleep(&parker, &bell));
                assert_eq!(begun.load(Relaxed), 1, "what came before the wake-up is seen");
                begun.store(2, Release);
                // A rousing that comes late may end the wait once more, but not the sleep.
                assert!(sleep(&parker, &bell));
                begun.store(3, Release);
                assert!(parker.park_until(None));
            }
        });
        let parker = loop {
            match told.lock().unwrap().take() {
                Some(parker) => break parker,
                None => thread::yield_now(),
            }
        };
        begun.store(1, Relaxed);
        parker.unpark();
        for state in [2, 3] {
            while begun.load(Acquire) != state {
                thread::yield_now();
            }
            parker.unpark();
        }
        sleeper.join().expect("no panic");
    });
}
