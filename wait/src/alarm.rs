//! An alarm that can be given up: what waits with a deadline, and no timer of its own, stands on it.
//!
//! The host rings each alarm once and knows no way back (see [`host::alarm`]); so what it is given
//! is a small cell with the task's waker in it, which is emptied when nobody cares any more. Until its time has come the
//! cell (some 40 bytes) stays with the host.
//!
//! Checked by `tests/host.rs`.
use crate::host::{self, Instant};
use crate::wakes;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Wake, Waker};

/// Wakes a task at a point in time, unless it is dropped before.
#[derive(Debug)]
#[must_use = "it is given up when dropped"]
pub struct Alarm(Arc<Bell>);

#[derive(Debug)]
struct Bell(Mutex<Option<Waker>>);

impl Bell {
    fn swap(&self, waker: Option<Waker>) -> Option<Waker> {
        let mut place = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        std::mem::replace(&mut place, waker)
    }
}

impl Wake for Bell {
    fn wake(self: Arc<Self>) {
        // Outside of the lock: a waker may come back here.
        wakes::wake(self.swap(None));
    }
}

impl Alarm {
    /// Wakes `waker` once, at `at` or soon after.
    pub fn at(at: Instant, waker: &Waker) -> Alarm {
        Alarm::with(waker, |bell| host::alarm(at, bell))
    }

    fn with(waker: &Waker, set: impl FnOnce(Waker)) -> Alarm {
        let bell = Arc::new(Bell(Mutex::new(Some(waker.clone()))));
        set(Waker::from(bell.clone()));
        Alarm(bell)
    }

    /// Lets the alarm in `place` wake `waker`; sets one if there is none, or if it has rung too early, as its runtime has
    /// ended. If the one that the thread is in has ended, too, it rings at once: then it is set apart from that, else whoever
    /// waits would go round and round until its time.
    pub fn renew(place: &mut Option<Alarm>, at: Instant, waker: &Waker) {
        let set = |alarm: &Alarm| alarm.rewake(waker);
        if place.as_ref().is_some_and(set) {
            return;
        }
        let alarm = place.insert(Alarm::at(at, waker));
        if !set(alarm) {
            *alarm = Alarm::with(waker, |bell| host::alarm_apart(at, bell));
        }
    }

    /// Wakes `waker` in place of the one before: true. False if it has rung already.
    pub fn rewake(&self, waker: &Waker) -> bool {
        let waker = waker.clone();
        let mut place = self.0.0.lock().unwrap_or_else(PoisonError::into_inner);
        let set = place.is_some();
        let old = if set { place.replace(waker) } else { Some(waker) };
        drop(place);
        wakes::discard(old);
        set
    }
}

impl Drop for Alarm {
    fn drop(&mut self) {
        wakes::discard(self.0.swap(None));
    }
}
