//! How one thread of a runtime sleeps, and is woken.
//!
//! `std::thread::park` under a flag of our own: other code on the thread may use up or leave behind the thread's
//! token, the flag stays. A wake-up before the sleep is kept; several count as one.
//!
//! | flag | event | flag after | who wakes |
//! |---|---|---|---|
//! | clear | `unpark` | set | the caller, by the thread's token |
//! | set | `unpark` | set | - |
//! | set | `park` | clear, returns at once | - |
//! | clear | `park` | sleeps until set, or until its deadline | - |
use dormouse_wait::prim::atomic::{AtomicBool, Ordering::*};
use dormouse_wait::prim::thread;

#[derive(Debug)]
pub(crate) struct Parker {
    notified: AtomicBool,
    thread: thread::Thread,
}

impl Parker {
    /// The parker of the calling thread.
    pub(crate) fn new() -> Parker {
        Parker { notified: AtomicBool::new(false), thread: thread::current() }
    }

    /// Ends the thread's sleep, or its next one.
    #[inline]
    pub(crate) fn unpark(&self) {
        // Ordering: Release pairs with the Acquire swap in `take`; an exchange, so that it comes after what was
        // published before it.
        if !self.notified.swap(true, AcqRel) {
            self.thread.unpark();
        }
    }

    #[inline]
    fn take(&self) -> bool {
        // Ordering: Acquire pairs with the Release swap in `unpark`.
        self.notified.swap(false, AcqRel)
    }

    /// Sleeps until woken, or until `deadline`. True if it was woken. To be called by the parker's own thread.
    pub(crate) fn park_until(&self, deadline: Option<std::time::Instant>) -> bool {
        while !self.take() {
            match deadline.map(|at| at.saturating_duration_since(std::time::Instant::now())) {
                None => thread::park(),
                Some(left) if left.is_zero() => return false,
                Some(left) => park_timeout(left),
            }
        }
        true
    }
}

#[cfg(not(dormouse_loom))]
use std::thread::park_timeout;

/// A model has no time: what sleeps there must be woken.
#[cfg(dormouse_loom)]
fn park_timeout(_: std::time::Duration) {
    thread::park();
}
