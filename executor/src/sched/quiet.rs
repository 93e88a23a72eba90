//! Since when nothing happens in a runtime, and who waits in its `block_on`s: what the deadlock report asks.
use crate::panics;
use crate::task::dump::Noted;
use std::fmt;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::*};
use std::sync::{Arc, Mutex};

/// A future in `block_on`.
pub(crate) trait Blocked: Send + Sync {
    /// What it waits for; `None` if it is about to be polled.
    fn waits(&self) -> Option<Noted>;
}

/// See the module.
pub(crate) struct Quiet {
    /// Is the report wanted?
    pub(crate) watched: bool,
    told: AtomicBool,
    /// When a thread last went to sleep.
    since: AtomicU64,
    guests: Mutex<Vec<Arc<dyn Blocked>>>,
}

impl Quiet {
    pub(crate) fn new(watched: bool) -> Quiet {
        Quiet { watched, told: AtomicBool::new(false), since: AtomicU64::new(0), guests: Mutex::default() }
    }

    /// Is there still something to look out for?
    pub(crate) fn is_watched(&self) -> bool {
        self.watched && !self.told.load(Relaxed)
    }

    /// A thread goes to sleep at `now`, in nanoseconds since the runtime began.
    pub(crate) fn begins(&self, now: u64) {
        self.since.fetch_max(now, Relaxed);
    }

    pub(crate) fn since(&self) -> u64 {
        self.since.load(Relaxed)
    }

    /// True for the first caller.
    pub(crate) fn tell(&self) -> bool {
        !self.told.swap(true, Relaxed)
    }

    pub(crate) fn enter(&self, guest: Arc<dyn Blocked>) {
        if self.watched {
            panics::lock(&self.guests).push(guest);
        }
    }

    pub(crate) fn leave(&self, guest: &Arc<dyn Blocked>) {
        if self.watched {
            panics::lock(&self.guests).retain(|other| !Arc::ptr_eq(other, guest));
        }
    }

    /// What each of the futures in `block_on` waits for.
    pub(crate) fn guests(&self) -> Vec<Option<Noted>> {
        panics::lock(&self.guests).iter().map(|guest| guest.waits()).collect()
    }
}

impl fmt::Debug for Quiet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Quiet").field("watched", &self.watched).finish_non_exhaustive()
    }
}
