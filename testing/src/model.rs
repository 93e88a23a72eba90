//! For loom models.
//!
//! Loom overlooks interleavings of a load with another thread's exchange if that thread has loaded the same word just
//! before (its issues 166 and 392), as every exchange loop does. So [`explore`] runs each model twice: as it is, and with
//! a yield at each [`step`], which makes loom try the other threads there.
use loom::sync::{Condvar, Mutex};
use std::cell::Cell;
use std::sync::Arc;
use std::task::{Wake, Waker};

// The model's threads all run on this one.
thread_local!(static STEPS: Cell<bool> = const { Cell::new(false) });

/// Where another thread may come first.
pub fn step() {
    if STEPS.get() {
        loom::thread::yield_now();
    }
}

/// Explores `body` with at most `plain` preemptions, and, where it yields at each [`step`], with at most `stepped`. `None`
/// are all interleavings. A yield is no preemption: where `plain` is bounded, one less may do.
pub fn explore(plain: Option<usize>, stepped: Option<usize>, body: impl Fn() + Send + Sync + 'static) {
    let body = Arc::new(body);
    for (steps, bound) in [(false, plain), (true, stepped)] {
        STEPS.set(steps);
        let body = body.clone();
        let mut builder = loom::model::Builder::new();
        builder.preemption_bound = bound;
        builder.check(move || body());
    }
}

/// Wakes a thread of the model, which blocks on a condition variable: so loom reports a lost wake-up as a deadlock.
#[derive(Debug)]
pub struct Signal {
    woken: Mutex<bool>,
    changed: Condvar,
}

impl Signal {
    /// The signal and its waker.
    pub fn new() -> (Arc<Signal>, Waker) {
        let signal = Arc::new(Signal { woken: Mutex::new(false), changed: Condvar::new() });
        (signal.clone(), Waker::from(signal))
    }

    /// Waits for the next wake, or takes that which has come.
    pub fn wait(&self) {
        let mut woken = self.woken.lock().unwrap();
        while !*woken {
            woken = self.changed.wait(woken).unwrap();
        }
        *woken = false;
    }

    /// Has it been woken, and nobody has waited for that?
    pub fn is_woken(&self) -> bool {
        *self.woken.lock().unwrap()
    }
}

impl Wake for Signal {
    fn wake(self: Arc<Self>) {
        *self.woken.lock().unwrap() = true;
        self.changed.notify_one();
    }
}
