//! What a broadcast channel is: its state under one lock, and every transition of it.
//!
//! Values have positions, counted from [`FIRST`] and wrapping. A ring keeps those from `head` to `tail`; a receiver knows
//! the position that it receives next, and each slot of the ring how many receivers have yet to come for its value. So
//! nobody ever looks for the slowest receiver: the head goes on when the last one has come.
//!
//! | state | event | state after | who wakes |
//! |---|---|---|---|
//! | receivers, room | `put` | one more kept, for each of the receivers | the receivers that wait |
//! | full, `DropOldest` | `put` | the oldest is given up, one more kept | the receivers that wait |
//! | full, `Wait` | `put` | unchanged: the sender queues | - |
//! | full, `Error` | `put` | unchanged: refused, Full | - |
//! | no receivers; closed | `put` | unchanged: refused | - |
//! | something for it | `take` | the receiver stands one further; the last one to come makes room | the longest-waiting sender, whose value moved in; with it the receivers that wait |
//! | overtaken | `take` | the receiver stands at the head, and is told how many it missed | - |
//! | nothing for it | - | unchanged: the receiver queues | - |
//! | any | `subscribe` | one more receiver, at the tail | - |
//! | any | a receiver is cloned | one more receiver, at the same position | - |
//! | any | a receiver is dropped | what only it still needed is gone | senders that now have room; all senders that wait, if it was the last |
//! | open | `close` | closed; what is kept can be received | all who wait |
//!
//! Invariants (B3 is asserted in debug builds wherever a value comes or goes, `tests/broadcast/against_model.rs` looks after B4
//! and B5 after each operation; B1 and B2 are those of a value, see `slot`):
//! - B3 at most `capacity` values are kept, and each of them has a receiver that has yet to come for it. Every receiver
//!   that has yet to come for a position has yet to come for all later ones, so values leave at the head only.
//! - B4 a sender waits only while the channel is open, full, has receivers, and the policy is `Wait`.
//! - B5 a receiver waits only at the tail of an open channel. Its node says where it stands, so that whoever wakes in
//!   batches does not wake those again who have received and wait for the next.
//!
//! [`Chan::serve`] brings B4 and B5 about after a transition that concerns those who wait, waking at most 32 per locked
//! section; whoever it has not come to yet keeps its place in the queue.
//!
//! Locks: one. No user code runs under it: values are moved, never cloned or dropped; wakers are woken, cloned and dropped
//! after unlocking. (Memory for a value is got from the allocator under it, if others still copy what the slot held.)
//!
//! The hint: the position of the tail, one more when closed, readable without the lock. A receiver that stands there would
//! find nothing; any other finds something. It is written under the lock; a reader acts on a state that the channel had
//! after everything that happens before its load.
//!
//! Rejected: taking the minimum over the receivers' positions (a send or a receive then costs their number); a wake-up per
//! receiver with the value in its node (a copy per receiver on the sender's time); receiving by the slot alone, without the
//! channel's lock (docs/decisions/0007-broadcast.md).
//!
//! Checked by `models::broadcast` (loom), `tests/broadcast/` rule by rule, the simulator's `broadcast`:
//!
//! | rule | tests |
//! |---|---|
//! | all see all, in one order | `order::*`, `threads::*` |
//! | `Wait`: first come, first served, nobody overtakes | `waiting::*` |
//! | `DropOldest`: a lag is told once, exactly | `lag::*` |
//! | `Error`, no receivers, close | `refusals::*` |
//! | B1, B2, panics of values | `values::*`, `models::copy_beside_*` |
//! | B3 | `order::a_dropped_receiver_lets_go_of_what_only_it_needed`, `order::positions_wrap_around` |
//! | B4, B5 | `waiting::*`, `cancel::*`; the batches: `waiting::more_wait_than_one_batch_wakes` |
//! | no user code under the lock | `reentrant::*`, `values::values_that_call_back` |
use super::error::{RecvError, Refused};
use super::overflow::Overflow;
use super::slot::{Copying, Slot, Taken};
use crate::buffer::drop_all;
use dormouse_wait::list::{List, Verdict};
use dormouse_wait::lock::{Guard, Lock};
use dormouse_wait::prim::atomic::{AtomicU64, AtomicUsize, Ordering::*};
use dormouse_wait::wakes::{BATCH, Wakes};
use std::mem::MaybeUninit;

/// The first position: so near to the wrap-around that every program passes it.
const FIRST: u64 = 0u64.wrapping_sub(8);

/// What passes between a waiting sender and whoever serves it.
pub(super) struct Offer<T> {
    /// There until it is sent.
    pub(super) value: MaybeUninit<T>,
    /// Why it was not, if it was refused.
    pub(super) why: Refused,
}

/// The state of a channel, under its lock.
pub(super) struct Core<T> {
    /// A power of two of them, so that a position's slot is found across the wrap-around.
    slots: Box<[Slot<T>]>,
    capacity: u64,
    overflow: Overflow,
    /// The oldest value that is kept, and the next that comes.
    head: u64,
    tail: u64,
    pub(super) receivers: usize,
    pub(super) closed: bool,
    /// Receivers that wait, each with its position.
    pub(super) receiving: List<u64>,
    pub(super) sending: List<Offer<T>>,
    /// Who waits for the close.
    pub(super) closing: List<()>,
}

/// What [`Core::put`] did.
pub(super) enum Put<T> {
    /// The value has moved; the one that it has overtaken is to be dropped after unlocking.
    Sent(Option<T>),
    Refused(Refused),
}

/// What a receive came to.
#[must_use = "a value may be left to be copied"]
pub(super) enum Take<T> {
    Value(Taken<T>),
    Lagged(u64),
    Closed,
}

impl<T: Clone> Take<T> {
    /// The value, cloned if others need it too: user code, with no lock held.
    #[inline(always)]
    pub(super) fn copied(self) -> Result<T, RecvError> {
        match self {
            Take::Value(Taken::Value(value)) => Ok(value),
            Take::Value(Taken::Copy(copying)) => Ok(copying.copy()),
            Take::Lagged(missed) => Err(RecvError::Lagged(missed)),
            Take::Closed => Err(RecvError::Closed),
        }
    }
}

/// A channel.
pub(super) struct Chan<T> {
    hint: AtomicU64,
    pub(super) core: Lock<Core<T>>,
    /// Strong handles; the last one to go closes.
    pub(super) senders: AtomicUsize,
    pub(super) capacity: usize,
    pub(super) overflow: Overflow,
}

impl<T> Core<T> {
    /// How many values are kept.
    #[inline(always)]
    pub(super) fn len(&self) -> u64 {
        self.tail.wrapping_sub(self.head)
    }

    /// How many of them a receiver at `next` has yet to come for.
    pub(super) fn ahead_of(&self, next: u64) -> u64 {
        self.tail.wrapping_sub(next).min(self.len())
    }

    /// Must a receiver at `next` wait?
    #[inline(always)]
    pub(super) fn has_nothing_for(&self, next: u64) -> bool {
        self.tail == next && !self.closed
    }

    #[inline(always)]
    fn slot(&mut self, position: u64) -> &mut Slot<T> {
        let mask = self.slots.len() - 1;
        &mut self.slots[position as usize & mask]
    }

    /// Why a value could not be taken in now, whoever offers it.
    #[inline(always)]
    fn refusal(&self) -> Option<Refused> {
        if self.closed {
            Some(Refused::Closed)
        } else if self.receivers == 0 {
            Some(Refused::NoReceivers)
        } else if self.len() == self.capacity && self.overflow != Overflow::DropOldest {
            Some(Refused::Full)
        } else {
            None
        }
    }

    /// Moves the value at `value` in. Not past senders that wait.
    ///
    /// # Safety
    /// `value` can be read, and is not used as a value afterwards if the answer is `Sent`.
    #[inline(always)]
    pub(super) unsafe fn put(&mut self, value: *const T) -> Put<T> {
        match self.refusal() {
            Some(why) => Put::Refused(why),
            None if !self.sending.is_empty() => Put::Refused(Refused::Full),
            // SAFETY: as the caller promises.
            None => Put::Sent(unsafe { self.append(value) }),
        }
    }

    /// Moves the value at `value` in, which is not refused; gives the one that it has overtaken.
    ///
    /// # Safety
    /// `value` can be read, and is not used as a value afterwards.
    #[inline(always)]
    unsafe fn append(&mut self, value: *const T) -> Option<T> {
        let mut oldest = None;
        if self.len() == self.capacity {
            oldest = self.slot(self.head).overtake();
            self.head = self.head.wrapping_add(1);
        }
        let (tail, receivers) = (self.tail, self.receivers);
        // SAFETY: as the caller promises.
        unsafe { self.slot(tail).fill(value, receivers) };
        self.tail = tail.wrapping_add(1);
        debug_assert!(self.len() <= self.capacity, "B3: more is kept than fits");
        oldest
    }

    /// What is there for a receiver at `next`, which is moved on. There is something, or the end.
    #[inline(always)]
    fn take(&mut self, next: &mut u64) -> Take<T> {
        let (position, behind) = (*next, self.tail.wrapping_sub(*next));
        if behind == 0 {
            debug_assert!(self.closed, "the hint was ahead of the tail");
            return Take::Closed;
        }
        if behind > self.len() {
            *next = self.head;
            return Take::Lagged(behind - self.len());
        }
        *next = position.wrapping_add(1);
        let slot = self.slot(position);
        let taken = slot.take();
        if slot.left() == 0 {
            debug_assert_eq!(position, self.head, "B3: values leave at the head");
            self.head = position.wrapping_add(1);
        }
        Take::Value(taken)
    }

    /// A sender that waits and could be served or refused now?
    #[inline(always)]
    fn sender_is_due(&self) -> bool {
        !self.sending.is_empty() && self.refusal() != Some(Refused::Full)
    }

    /// A receiver that waits though there is something for it, or never will be?
    #[inline(always)]
    fn receiver_is_due(&self) -> bool {
        let tail = self.tail;
        self.receiving.with_front(|at| *at != tail).is_some_and(|behind| behind || self.closed)
    }

    fn closer_is_due(&self) -> bool {
        self.closed && !self.closing.is_empty()
    }

    /// Serves those who wait, as far as there is room for their wakers.
    fn serve(&mut self, wakes: &mut Wakes) {
        while !wakes.is_full() && self.sender_is_due() {
            self.serve_sender().into_iter().for_each(|waker| wakes.push(waker));
        }
        while !wakes.is_full() && self.receiver_is_due() {
            let Some(receiver) = self.receiving.win() else { break };
            receiver.finish(Verdict::Granted).into_iter().for_each(|waker| wakes.push(waker));
        }
        while !wakes.is_full() && self.closer_is_due() {
            let Some(closer) = self.closing.win() else { break };
            closer.finish(Verdict::Granted).into_iter().for_each(|waker| wakes.push(waker));
        }
    }

    /// The longest-waiting sender has its value moved in, or is refused.
    fn serve_sender(&mut self) -> Option<std::task::Waker> {
        // Out of `self`, so that the value can be moved from the node into the ring.
        let mut sending = std::mem::take(&mut self.sending);
        let refusal = self.refusal();
        let waker = sending.win().and_then(|mut sender| {
            if let Some(why) = refusal {
                sender.with_payload(|offer| offer.why = why);
                return sender.finish(Verdict::Closed);
            }
            // SAFETY: a queued sender's value is there, and leaves it here, once.
            let overtaken = sender.with_payload(|offer| unsafe { self.append(offer.value.as_ptr()) });
            debug_assert!(overtaken.is_none(), "B4: there was room, as the policy is `Wait`");
            sender.finish(Verdict::Granted)
        });
        self.sending = sending;
        waker
    }
}

impl<T> Chan<T> {
    /// `None` if the memory for so many cannot be had.
    pub(super) fn new(capacity: usize, overflow: Overflow) -> Option<Self> {
        let places = capacity.checked_next_power_of_two()?;
        let mut slots = Vec::new();
        slots.try_reserve_exact(places).ok()?;
        slots.resize_with(places, Slot::empty);
        let core = Core {
            slots: slots.into_boxed_slice(),
            capacity: capacity as u64,
            overflow,
            head: FIRST,
            tail: FIRST,
            receivers: 1,
            closed: false,
            receiving: List::new(),
            sending: List::new(),
            closing: List::new(),
        };
        Some(Chan {
            hint: AtomicU64::new(FIRST),
            core: Lock::new(core),
            senders: AtomicUsize::new(1),
            capacity,
            overflow,
        })
    }

    /// Where the first receiver stands.
    pub(super) const fn first() -> u64 {
        FIRST
    }

    /// Does a receiver at `next` find something, or the end? The answer was right at some moment after all that happens
    /// before the question; a yes stays right, as nobody else can take what is there for it.
    #[inline(always)]
    pub(super) fn can_recv(&self, next: u64) -> bool {
        // Ordering: Relaxed; the hint carries no data, whoever acts on a yes takes the lock. It is never behind `next`,
        // which the receiver has from the lock.
        self.hint.load(Relaxed) != next
    }

    pub(super) fn len(&self) -> usize {
        self.core.lock().len() as usize
    }

    pub(super) fn is_closed(&self) -> bool {
        self.core.lock().closed
    }

    pub(super) fn receivers(&self) -> usize {
        self.core.lock().receivers
    }

    /// One receive, of a receiver at `next`, which is moved on. There is something for it, or the end.
    #[inline(always)]
    pub(super) fn take(&self, mut core: Guard<'_, Core<T>>, next: &mut u64) -> Take<T> {
        let take = core.take(next);
        self.made_room(core);
        take
    }

    /// Unlocks after values have come, or the close, and wakes whoever it concerns.
    #[inline(always)]
    pub(super) fn settle(&self, core: Guard<'_, Core<T>>) {
        if core.sender_is_due() || core.receiver_is_due() || core.closer_is_due() {
            self.serve(core);
        } else {
            self.publish(&core);
        }
    }

    /// Unlocks after values have gone, or the last receiver, and wakes whoever it concerns. Not receivers, unless a sender
    /// is served: who receives while others are being woken is not drawn into that.
    #[inline(always)]
    pub(super) fn made_room(&self, core: Guard<'_, Core<T>>) {
        if core.sender_is_due() {
            self.serve(core);
        }
    }

    fn serve<'a>(&'a self, mut core: Guard<'a, Core<T>>) {
        loop {
            let mut wakes = Wakes::new();
            core.serve(&mut wakes);
            self.publish(&core);
            let more = wakes.is_full();
            drop(core);
            wakes.fire();
            if !more {
                return;
            }
            core = self.core.lock();
        }
    }

    /// Writes the hint, if it has changed. Under the lock.
    #[inline(always)]
    fn publish(&self, core: &Core<T>) {
        let hint = core.tail.wrapping_add(u64::from(core.closed));
        if self.hint.load(Relaxed) != hint {
            // Ordering: Relaxed, see `can_recv`.
            self.hint.store(hint, Relaxed);
        }
    }

    /// Closes the channel; true the first time.
    pub(super) fn close(&self) -> bool {
        let mut core = self.core.lock();
        let first = !std::mem::replace(&mut core.closed, true);
        self.settle(core);
        first
    }

    /// One more receiver of all that comes; gives its position.
    pub(super) fn subscribe(&self) -> u64 {
        let mut core = self.core.lock();
        core.receivers += 1;
        core.tail
    }

    /// One more receiver at `next`, where one stands that is not used meanwhile. A long way is gone in short sections.
    pub(super) fn join(&self, next: u64) {
        let mut core = self.core.lock();
        core.receivers += 1;
        let mut way = Way { next, end: core.tail };
        loop {
            for _ in 0..BATCH {
                let Some(position) = way.step(&core) else { return };
                core.slot(position).join();
            }
            drop(core);
            core = self.core.lock();
        }
    }

    /// A receiver at `next` goes, and lets go of what only it still needed.
    pub(super) fn leave(&self, next: u64) {
        let mut core = self.core.lock();
        core.receivers -= 1;
        let mut way = Way { next, end: core.tail };
        let mut shares = [const { None }; BATCH];
        let mut count = way.let_go(&mut core, &mut shares);
        self.made_room(core);
        let mut at = 0;
        // Values that panic when dropped keep neither the rest from being dropped nor the way from being gone.
        drop_all(|| {
            if at == BATCH {
                let mut core = self.core.lock();
                count = way.let_go(&mut core, &mut shares);
                self.made_room(core);
                at = 0;
            }
            at += 1;
            shares[..count].get_mut(at - 1).and_then(Option::take)
        });
    }
}

/// The positions from `next` to `end`, for walks that let go of the lock: what was overtaken meanwhile is passed over.
struct Way {
    next: u64,
    end: u64,
}

impl Way {
    /// The next position whose value is there.
    fn step<T>(&mut self, core: &Core<T>) -> Option<u64> {
        let behind = core.tail.wrapping_sub(self.next);
        let missed = behind.saturating_sub(core.len());
        if missed >= self.end.wrapping_sub(self.next) {
            return None;
        }
        let position = self.next.wrapping_add(missed);
        self.next = position.wrapping_add(1);
        Some(position)
    }

    /// Takes one receiver's shares of the next values, to be dropped after unlocking; gives their number.
    fn let_go<T>(&mut self, core: &mut Core<T>, shares: &mut [Option<Copying<T>>; BATCH]) -> usize {
        for (count, share) in shares.iter_mut().enumerate() {
            let Some(position) = self.step(core) else { return count };
            let slot = core.slot(position);
            *share = Some(slot.share());
            if slot.left() == 0 {
                debug_assert_eq!(position, core.head, "B3: values leave at the head");
                core.head = position.wrapping_add(1);
            }
        }
        BATCH
    }
}
