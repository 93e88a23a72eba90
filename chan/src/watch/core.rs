//! What the handles share: the value, its version, who waits; and every transition of them.
//!
//! The value stands in an `Arc`. Who looks at it ([`Ref`](super::Ref)) has a clone of that, and no lock. A sender puts
//! another value into the same place if nobody looks, else another `Arc` beside it, so that it need not wait. To change
//! the value where it is, by a closure of the user, it must be alone with it: it waits until nobody looks, and marks it as
//! LENT, upon which the others wait. These are the only waits of a thread here; they last as long as a `Ref` of another
//! thread, or a closure.
//!
//! | state | event | state after | who wakes |
//! |---|---|---|---|
//! | nobody looks | `replace` | the new value in the same place, the next version | all who wait for a change |
//! | somebody looks | `replace` | the new value in a new place, the next version; the old one goes with the last who looks | the same |
//! | nobody looks | `modify` begins | LENT | - |
//! | somebody looks | `modify` begins | unchanged: it stands back | - |
//! | LENT | `modify` ends with true | not LENT, the next version | all who wait for a change |
//! | LENT | it ends with false, or panics | not LENT | - |
//! | LENT | `borrow`, `replace`, `modify` | unchanged: they stand back | - |
//! | any | the last sender goes | CLOSED | all who wait for a change |
//! | any | the last receiver goes | no receivers | all who wait for that |
//!
//! Invariants:
//! - V1 The version grows under the lock, with the value: who has the lock sees both fit. Who has not, sees a copy of it.
//! - V2 A wait queues only if it is not [`due`](Shared::due), looked at under the lock. What makes it due is done before
//!   the lock is taken to tell the waiters. So none misses it.
//! - V3 Waiters for a change stand in the order of the versions that they have seen: if the first one is not due, none is.
//! - V4 While the value is LENT, only the lender touches it.
//!
//! Locks: one. No user code runs under it: values are moved, never dropped, made or compared; wakers come out and are woken
//! in batches after unlocking; the old value is dropped after that.
//!
//! Rejected: a read-write lock around the value (a sender waits for whoever looks, and whoever looks twice may meet a
//! sender that waits in between: two of one task stop each other for good); a new `Arc` for each value (an allocation that
//! is rarely needed); changing a clone (asks for `T: Clone`, which the field's users of `send_modify` do not have).
//!
//! Checked by `models::watch` (loom) and by `tests/watch.rs`:
//!
//! | rule | tests |
//! |---|---|
//! | V1 | `models::send_changed_*`, `models::borrow_beside_send`, `models::subscribe_beside_send` |
//! | V2 | `models::send_changed_*`, `models::last_sender_changed`, `models::last_receiver_closed` |
//! | V3 | `changes::a_change_wakes_all_in_order`, `changes::who_queues_while_others_are_woken_waits_for_the_next` |
//! | V4 | `models::modify_beside_borrow`, `models::modify_beside_modify` |
//! | the old value | `values::it_is_dropped_after_all_are_told`, `values::it_lives_as_long_as_somebody_looks` |
use super::held;
use dormouse_wait::list::{List, Verdict};
use dormouse_wait::lock::{Guard, Lock};
use dormouse_wait::prim::atomic::{AtomicUsize, Ordering::*};
use dormouse_wait::prim::{Arc, spin_loop, thread};
use dormouse_wait::wakes::Wakes;
use std::mem;

/// A version of the value, as a receiver has seen it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Version(usize);

impl Version {
    /// One that was before this.
    pub(super) fn before(self) -> Version {
        Version(self.0.wrapping_sub(STEP))
    }
}

/// In the state word: no sender is left.
const CLOSED: usize = 1;
/// From one version to the next, beside the bit of CLOSED.
const STEP: usize = 2;

/// What may be waited for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Event {
    /// Another version than the one seen, or the end of the senders.
    Change,
    /// The end of the receivers.
    Deserted,
}

pub(super) struct Shared<T> {
    pub(super) core: Lock<Core<T>>,
    /// A copy of the core's, written under the lock.
    state: AtomicUsize,
    pub(super) senders: AtomicUsize,
    pub(super) receivers: AtomicUsize,
}

pub(super) struct Core<T> {
    value: Arc<T>,
    /// The version of the value, and CLOSED.
    state: usize,
    /// A closure has the value.
    lent: bool,
    /// Who waits for a change, with the version that it has seen.
    changes: List<Version>,
    deserted: List<Version>,
}

impl<T> Core<T> {
    pub(super) fn list(&mut self, event: Event) -> &mut List<Version> {
        match event {
            Event::Change => &mut self.changes,
            Event::Deserted => &mut self.deserted,
        }
    }
}

/// What `replace` took out.
pub(super) enum Old<T> {
    Value(T),
    /// Somebody still looks at it.
    Shared(Arc<T>),
}

impl<T> Shared<T> {
    pub(super) fn new(value: T) -> Self {
        let core = Core {
            value: Arc::new(value),
            state: 0,
            lent: false,
            changes: List::new(),
            deserted: List::new(),
        };
        Shared {
            core: Lock::new(core),
            state: AtomicUsize::new(0),
            senders: AtomicUsize::new(1),
            receivers: AtomicUsize::new(1),
        }
    }

    pub(super) fn version(&self) -> Version {
        // Ordering: Acquire pairs with the Release in `copy`: who knows of a version knows what came before it.
        Version(self.state.load(Acquire) & !CLOSED)
    }

    pub(super) fn is_closed(&self) -> bool {
        // Ordering: as in `version`.
        self.state.load(Acquire) & CLOSED != 0
    }

    /// Are all receivers gone?
    pub(super) fn is_deserted(&self) -> bool {
        // Ordering: Acquire pairs with the Release of the last receiver's drop.
        self.receivers.load(Acquire) == 0
    }

    /// Has it happened, for whoever has seen `seen`?
    pub(super) fn due(&self, event: Event, seen: Version) -> bool {
        match event {
            // Ordering: as in `version`.
            Event::Change => self.state.load(Acquire) != seen.0,
            Event::Deserted => self.is_deserted(),
        }
    }

    /// The value and its version.
    pub(super) fn borrow(&self) -> (Arc<T>, Version) {
        let core = self.settled();
        (core.value.clone(), Version(core.state & !CLOSED))
    }

    /// Puts a value in the place of another one, and tells all.
    pub(super) fn replace(&self, value: T) -> Old<T> {
        let mut core = self.settled();
        let old = if let Some(place) = Arc::get_mut(&mut core.value) {
            Old::Value(mem::replace(place, value))
        } else {
            drop(core);
            let value = Arc::new(value);
            core = self.settled();
            Old::Shared(mem::replace(&mut core.value, value))
        };
        self.publish(core);
        old
    }

    /// Lets `f` change the value where it is, and tells all if it says so.
    pub(super) fn modify(&self, f: impl FnOnce(&mut T) -> bool) -> bool {
        let place = self.lend();
        let mut lent = Lent { shared: self, modified: false };
        let _held = held::hold(place);
        // SAFETY: V4, LENT until `lent` is dropped. The place is that of the `Arc`, which stays meanwhile.
        lent.modified = f(unsafe { &mut *place });
        lent.modified
    }

    /// Takes back a value that others still look at.
    pub(super) fn take_back(&self, mut value: Arc<T>) -> T {
        for round in 0.. {
            match Arc::try_unwrap(value) {
                Ok(value) => return value,
                Err(shared) => value = shared,
            }
            held::check(Arc::as_ptr(&value));
            stand_back(round);
        }
        unreachable!("it goes on until nobody looks")
    }

    /// Marks the value as LENT, once nobody looks at it.
    fn lend(&self) -> *mut T {
        for round in 0.. {
            let mut core = self.settled();
            if let Some(place) = Arc::get_mut(&mut core.value) {
                let place: *mut T = place;
                core.lent = true;
                return place;
            }
            stand_aside(core, round);
        }
        unreachable!("it goes on until nobody looks")
    }

    /// The lock, while the value is not LENT.
    fn settled(&self) -> Guard<'_, Core<T>> {
        for round in 0.. {
            let core = self.core.lock();
            if !core.lent {
                return core;
            }
            stand_aside(core, round);
        }
        unreachable!("it goes on until the closure has ended")
    }

    /// The value is another one: says so, and tells all.
    fn publish<'a>(&'a self, mut core: Guard<'a, Core<T>>) {
        core.state = core.state.wrapping_add(STEP);
        self.copy(&core);
        self.tell(core, Event::Change);
    }

    /// Shows the state to those without the lock.
    fn copy(&self, core: &Core<T>) {
        // Ordering: Release pairs with the Acquire in `version`, `is_closed` and `due`.
        self.state.store(core.state, Release);
    }

    /// Wakes all for whom it has happened.
    fn tell<'a>(&'a self, mut core: Guard<'a, Core<T>>, event: Event) {
        loop {
            let mut wakes = Wakes::new();
            let list = core.list(event);
            while !wakes.is_full()
                && list.with_front(|seen| self.due(event, *seen)) == Some(true)
                && let Some(waiter) = list.win()
            {
                waiter.finish(Verdict::Granted).into_iter().for_each(|waker| wakes.push(waker));
            }
            drop(core);
            let more = wakes.is_full();
            wakes.fire();
            if !more {
                return;
            }
            core = self.core.lock();
        }
    }

    /// A sender goes.
    pub(super) fn leave_sender(&self) {
        // Ordering: AcqRel pairs with the other senders': what they sent comes before the end.
        if self.senders.fetch_sub(1, AcqRel) == 1 {
            let mut core = self.core.lock();
            core.state |= CLOSED;
            self.copy(&core);
            self.tell(core, Event::Change);
        }
    }

    /// A receiver goes.
    pub(super) fn leave_receiver(&self) {
        // Ordering: AcqRel pairs with the Acquire in `is_deserted`, and with the other receivers'.
        if self.receivers.fetch_sub(1, AcqRel) == 1 {
            self.tell(self.core.lock(), Event::Deserted);
        }
    }

    /// What a handle's `Debug` shows.
    pub(super) fn describe(&self, mut debug: std::fmt::DebugStruct<'_, '_>) -> std::fmt::Result {
        debug
            .field("closed", &self.is_closed())
            .field("senders", &self.senders.load(Relaxed))
            .field("receivers", &self.receivers.load(Relaxed))
            .finish_non_exhaustive()
    }
}

/// The value is lent to a closure, while this lives.
struct Lent<'a, T> {
    shared: &'a Shared<T>,
    modified: bool,
}

impl<T> Drop for Lent<'_, T> {
    fn drop(&mut self) {
        let mut core = self.shared.core.lock();
        core.lent = false;
        if self.modified {
            self.shared.publish(core);
        }
    }
}

/// Lets the lock go, and those who have the value go on; panics if that is this thread.
fn stand_aside<T>(core: Guard<'_, Core<T>>, round: u32) {
    let place = Arc::as_ptr(&core.value);
    drop(core);
    held::check(place);
    stand_back(round);
}

/// Lets the thread go on that is waited for, the longer the more rounds there were.
fn stand_back(round: u32) {
    let model = cfg!(any(dormouse_loom, dormouse_shuttle));
    if model || round > 6 {
        thread::yield_now();
    } else {
        (0..1 << round).for_each(|_| spin_loop());
    }
}
