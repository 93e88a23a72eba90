//! What keeps a hand-over to a future that nobody polls any more from stopping all who wait behind it (futurelock).
//!
//! What was handed over stands in the lock's [`Queue`](dormouse_wait::list::Queue) until it is claimed. Whoever is polled
//! while it waits, and some of those who queue, and find something unclaimed, look at it: the first one notes the time, one
//! that comes [`CLAIM_WITHIN`](dormouse_wait::list::CLAIM_WITHIN) later takes it back, and gives it to the next. The one
//! passed over keeps its place; it is next as soon as it is polled again.
//!
//! So somebody must come. On a runtime that lends a clock ([`host`]) those who wait see to that themselves:
//!
//! | a waiter | is polled |
//! |---|---|
//! | queues behind others, and fewer than [`WATCHERS`] have an alarm | again [soon](host::soon): it *watches*, with an alarm |
//! | queues behind others, else | when it is served: it is *asleep* |
//! | its alarm rings, something is unclaimed | again soon |
//! | its alarm rings, nothing is unclaimed | when it is served: it falls asleep, however long the lock is held |
//! | asleep, nobody watches, and among the next few behind a hand-over | at once: it is roused |
//! | roused | again soon |
//! | asleep, and one that is awake before it goes away while something is unclaimed | at once: it is roused |
//! | asleep, polled for another cause, nothing is unclaimed | when it is served: it sleeps on |
//!
//! (A `Mutex` has all who queue behind others watch. Its hand-overs are rare.) One that watches and is itself never polled
//! is no watcher any more once another one's alarm has rung; and when something was taken back, everybody is to watch.
//! Of those who queue where there are alarms, one in eight looks: the watchers may be those that nobody polls.
//!
//! So a wait of less than 1 ms costs an alarm that is taken back at most, and a longer one two polls more; and a lock that
//! is held for long wakes nobody. On other executors there are no alarms, as one costs a thread's wake-up there; all who
//! queue look.
//!
//! Checked by `tests/futurelock.rs`, `tests/futurelock_many.rs`, and the models of the locks.
use crate::calm::discard;
use dormouse_wait::Instant;
use dormouse_wait::alarm::Alarm;
use dormouse_wait::host;
pub(crate) use dormouse_wait::list::Rest;
use std::task::Waker;

/// So many who wait for an `RwLock` or a `Semaphore` have an alarm; those who come then sleep until they are roused or served,
/// unless something was taken back before: then everybody has one.
pub(crate) const WATCHERS: u32 = 3;

/// What a poll found, with the lock of the queue held.
pub(crate) enum Step<T> {
    /// It ends so.
    Ends(T),
    /// It waits. `watch`: it is not asleep, and needs an alarm; `unclaimed`: there is something to look at.
    Waits { watch: bool, unclaimed: bool },
}

/// With the wakers that are not needed.
pub(crate) type Found<T> = (Step<T>, [Option<Waker>; 2]);

/// How the alarm of a waiter stands, before a poll looks at the queue.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Alarmed {
    /// There can be none.
    Never,
    /// It is not set.
    Unset,
    Set,
    Rang,
}

impl Alarmed {
    /// How one rests that queues. `watch`: it is to have an alarm.
    pub(crate) fn rests_first(self, watch: bool) -> Rest {
        match self {
            Alarmed::Never => Rest::Awake,
            Alarmed::Set => Rest::Watches,
            Alarmed::Unset | Alarmed::Rang if watch => Rest::Watches,
            Alarmed::Unset | Alarmed::Rang => Rest::Asleep,
        }
    }

    /// Of one that is polled again, and was `asleep` until then: how does it rest? And if not asleep, has it something to
    /// watch?
    pub(crate) fn rests_on(self, asleep: bool, unclaimed: bool) -> (Rest, bool) {
        match self {
            Alarmed::Never => (Rest::Awake, unclaimed),
            Alarmed::Set => (Rest::Watches, unclaimed),
            // Polled for another cause: were it to set an alarm, two waits of one task would keep each other awake.
            Alarmed::Unset if !asleep => (Rest::Watches, true),
            Alarmed::Unset | Alarmed::Rang if unclaimed => (Rest::Watches, true),
            Alarmed::Unset | Alarmed::Rang => (Rest::Asleep, false),
        }
    }
}

/// The alarm of one who waits.
#[derive(Debug)]
pub(crate) struct Watch(Option<Alarm>);

impl Watch {
    pub(crate) const fn new() -> Self {
        Watch(None)
    }

    /// Before a poll looks at the queue. An alarm that has not rung wakes `waker` from now on.
    pub(crate) fn before(&mut self, waker: &Waker) -> Alarmed {
        if self.0.as_ref().is_some_and(|alarm| alarm.rewake(waker)) {
            return Alarmed::Set;
        }
        let rang = self.0.take().is_some();
        match (host::is_lent(), rang) {
            (false, _) => Alarmed::Never,
            (true, false) => Alarmed::Unset,
            (true, true) => Alarmed::Rang,
        }
    }

    /// After that: one that waits has `look` look at what is unclaimed, which says whether the wait has ended by that,
    /// and sets its alarm, if there can be one and it is not set. `now` is the present time, if it has been asked for.
    pub(crate) fn follow<T>(
        &mut self,
        (step, unused): Found<T>,
        waker: &Waker,
        now: Option<Instant>,
        look: impl FnOnce(Instant) -> Option<T>,
    ) -> Option<T> {
        unused.into_iter().for_each(discard);
        let (watch, unclaimed) = match step {
            Step::Ends(end) => return Some(end),
            Step::Waits { watch, unclaimed } => (watch, unclaimed),
        };
        if unclaimed && let Some(end) = look(now.unwrap_or_else(Instant::now)) {
            return Some(end);
        }
        if watch && self.0.is_none() {
            self.0 = host::soon(waker);
        }
        None
    }

    /// The wait is over.
    pub(crate) fn end(&mut self) {
        self.0 = None;
    }
}

/// An alarm that never rings, for models: who must be woken there is woken without.
#[cfg(all(test, any(dormouse_loom, dormouse_shuttle)))]
pub(crate) fn silent() -> Alarm {
    use dormouse_wait::alarm::{Bell, Key};
    use std::pin::Pin;
    use std::sync::Arc;

    struct Silent;
    impl Bell for Silent {
        fn rewake(self: Pin<&Self>, _: Key, _: &Waker) -> bool {
            true
        }
    }
    Alarm::new(Arc::pin(Silent), Key::default())
}
