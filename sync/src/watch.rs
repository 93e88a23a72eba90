//! What keeps a hand-over to a future that nobody polls any more from stopping all who wait behind it (futurelock).
//!
//! What was handed over stands in the lock's [`Queue`] until it is claimed. Whoever queues, or is polled while it waits, and
//! finds something unclaimed, looks at it: the first one notes the time, one that comes [`CLAIM_WITHIN`] later takes it
//! back, and gives it to the next. The one passed over keeps its place; it is next as soon as it is polled again.
//!
//! So somebody must come. On a runtime that lends a clock ([`host`]) those who wait see to that themselves:
//!
//! | a waiter | is polled |
//! |---|---|
//! | queues behind others | once more after [`CLAIM_WITHIN`]: it has an alarm |
//! | polled, something is unclaimed | again after [`CLAIM_WITHIN`] |
//! | polled, nothing is unclaimed | when it is served: it is *asleep*, however long the lock is held |
//! | asleep, among the next few behind a hand-over | at once: it is roused |
//!
//! A queue that moves has nobody asleep in it, and rouses nobody. On other executors there are no alarms: an alarm outside
//! of a runtime costs a thread's wake-up.
//!
//! Checked by `tests/futurelock.rs`, and the models of the locks.
use dormouse_wait::Instant;
use dormouse_wait::alarm::Alarm;
use dormouse_wait::host;
pub(crate) use dormouse_wait::list::CLAIM_WITHIN;
#[allow(unused_imports, reason = "for the docs")]
use dormouse_wait::list::Queue;
use std::task::Waker;

/// The alarm of one who waits.
#[derive(Debug)]
pub(crate) struct Watch(Option<Alarm>);

impl Watch {
    pub(crate) const fn new() -> Self {
        Watch(None)
    }

    /// Before a poll looks at the queue: is the waiter asleep, unless it finds something unclaimed (or, the first time,
    /// somebody before it)? An alarm that has not rung wakes `waker` from now on.
    pub(crate) fn sleeps(&mut self, waker: &Waker) -> bool {
        self.0.take_if(|alarm| !alarm.rewake(waker));
        self.0.is_none() && host::is_lent()
    }

    /// Sets the alarm, if there can be one and it is not set. After the queue was told that the waiter is not asleep.
    pub(crate) fn set(&mut self, now: Instant, waker: &Waker) {
        if host::is_lent() {
            host::renew(&mut self.0, now + CLAIM_WITHIN, waker);
        }
    }

    /// The wait is over.
    pub(crate) fn end(&mut self) {
        self.0 = None;
    }
}
