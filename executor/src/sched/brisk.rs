//! Whether what timers wake in a slot is done before another thread would be awake for a share of it.
//!
//! A thread that wakes for the timers makes a few tasks runnable. If they do next to nothing before they sleep again, a
//! second thread is woken for nothing: that takes longer than all of them, and costs more CPU. Nobody knows before what a
//! task will do, so a slot goes by its last time: that was brisk if what was fired, and what came of it, was done within
//! [`LIMIT`].
//!
//! | the last time was | up to [`FEW`] tasks fired now | any further push, and more tasks than that |
//! |---|---|---|
//! | brisk | wake nobody | wake somebody as ever |
//! | not, or there was none | wake somebody as ever | the same |
//!
//! So each time that a tick's tasks are slower than those of the tick before, those behind the first one wait for the monitor's
//! next look. (That such a guess is made for timers only, and not for all pushes: docs/decisions/0010 and 0016.)
//!
//! The times are the slot's thread's own; they are atomic as slots are shared. Checked by the test below and
//! `tests/monitor/timers.rs`.
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::*};

/// About what it takes to wake a thread, in nanoseconds.
const LIMIT: u64 = 50_000;
/// So many tasks can be done within that.
pub(super) const FEW: u32 = 32;
/// Nothing was fired since the last look.
const NONE: u64 = u64::MAX;

#[derive(Debug)]
pub(crate) struct Brisk {
    fired: AtomicU64,
    brisk: AtomicBool,
}

impl Brisk {
    pub(crate) fn new() -> Brisk {
        Brisk { fired: AtomicU64::new(NONE), brisk: AtomicBool::new(false) }
    }

    /// At `now`, all that was fired before is done: was that brisk, or else the last time that something was?
    pub(crate) fn look(&self, now: u64) -> bool {
        let fired = self.fired.load(Relaxed);
        if fired != NONE {
            self.fired.store(NONE, Relaxed);
            self.brisk.store(now.saturating_sub(fired) < LIMIT, Relaxed);
        }
        self.brisk.load(Relaxed)
    }

    /// Something was fired at `now`.
    pub(crate) fn fired(&self, now: u64) {
        self.fired.store(now, Relaxed);
    }
}

#[cfg(all(test, not(any(dormouse_loom, dormouse_shuttle))))]
mod tests {
    use super::*;

    #[test]
    fn a_slot_goes_by_the_last_time() {
        let brisk = Brisk::new();
        assert!(!brisk.look(5), "nothing is known");
        brisk.fired(10);
        assert!(brisk.look(10 + LIMIT - 1));
        assert!(brisk.look(10 + 9 * LIMIT), "looks that fire nothing do not count");
        brisk.fired(20 * LIMIT);
        assert!(!brisk.look(21 * LIMIT));
        brisk.fired(30 * LIMIT);
        assert!(brisk.look(30 * LIMIT));
    }
}
