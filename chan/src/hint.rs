//! A word beside a channel's lock that says, without the lock, that a receive or a send would certainly find nothing, or
//! that the channel is finished: closed, with nothing in it.
//!
//! It is written under the lock when it changes. A reader that acts on "certainly nothing" acts on a state that the
//! channel had after everything that happens before the read; so `try_recv` may answer Empty by it alone, and Closed if
//! it is finished: closing is for ever. (A value that comes back afterwards, X1, makes it unfinished again.) A reader that
//! acts on "maybe" takes the lock. (A waiter that is served may see that before the hint is written. It learns of nothing that
//! the hint denies: while it waited, the hint of its counterparts said "maybe". Only a close makes more ready than it serves,
//! and writes the hint first.)
//!
//! It counts its changes. Who [reads](Hint::read) it, then others, and finds it [as it was](Hint::is_still), knows what it
//! was at the moment of each read in between: that is how `default` sees several channels at one instant. (The count comes
//! round: after 2^29 changes, just so many, between two reads of one look it would deceive.)
//!
//! Checked by `models::hint_follows_happens_before`, `models::close_is_known_before_its_waiters_are_told`,
//! `cancel::peers::tokio_7686_try_recv_sees_what_happened_before`, and the models of snapshots. That the
//! close happens before an answer by `is_finished` no model shows: loom overlooks a load beside a store of a thread that
//! has loaded the same word (its issues 166 and 392), and its yields forbid the stale read that would show it.
use dormouse_wait::prim::atomic::{AtomicU32, Ordering::*, fence};

/// A receive may find a value.
pub(crate) const RECV: u8 = 1;
/// A send may find room or a receiver, or that the channel is closed.
pub(crate) const SEND: u8 = 2;
/// A receive would find that the channel is closed and nothing is in it.
pub(crate) const FINISHED: u8 = 4;

/// One change more: above the bits.
const CHANGE: u32 = 8;

/// The word.
pub(crate) struct Hint(AtomicU32);

/// What a hint was at one moment.
#[derive(Clone, Copy)]
pub(crate) struct Seen(u32);

impl Seen {
    #[inline(always)]
    const fn says(self, bits: u8) -> bool {
        self.0 & bits as u32 != 0
    }

    /// As [`Hint::may_recv`].
    #[inline(always)]
    pub(crate) const fn may_recv(self) -> bool {
        self.says(RECV | FINISHED)
    }

    /// As [`Hint::may_send`].
    #[inline(always)]
    pub(crate) const fn may_send(self) -> bool {
        self.says(SEND)
    }
}

impl Hint {
    pub(crate) fn new(bits: u8) -> Self {
        Hint(AtomicU32::new(bits.into()))
    }

    /// Might a receive be ready, with a value or as the channel is closed? False is certain.
    #[inline(always)]
    pub(crate) fn may_recv(&self) -> bool {
        self.now().may_recv()
    }

    /// Might a send be ready? False is certain.
    #[inline(always)]
    pub(crate) fn may_send(&self) -> bool {
        self.now().may_send()
    }

    /// Is the channel closed, with nothing in it? True is certain.
    #[inline(always)]
    pub(crate) fn is_finished(&self) -> bool {
        let finished = self.now().says(FINISHED);
        if finished {
            // Ordering: Acquire pairs with the Release store in `set`: the close happens before whoever learns of it.
            fence(Acquire);
        }
        finished
    }

    #[inline(always)]
    fn now(&self) -> Seen {
        Seen(self.0.load(Relaxed))
    }

    /// What it is at this moment, for [`is_still`](Hint::is_still).
    #[inline(always)]
    pub(crate) fn read(&self) -> Seen {
        // Ordering: Acquire pairs with the Release store in `set`: what is read after this, another hint or this one again,
        // is no older than what the writer knew.
        Seen(self.0.load(Acquire))
    }

    /// Has it not changed from that moment to this one?
    #[inline(always)]
    pub(crate) fn is_still(&self, seen: Seen) -> bool {
        self.now().0 == seen.0
    }

    /// Writes the bits, if they have changed. Under the lock.
    #[inline(always)]
    pub(crate) fn set(&self, bits: u8) {
        let old = self.0.load(Relaxed);
        let bits = u32::from(bits);
        if old % CHANGE != bits {
            // Ordering: Release pairs with the fence in `is_finished`, and with the Acquire in `read`. Otherwise the hint
            // carries no data.
            self.0.store((old - old % CHANGE).wrapping_add(CHANGE) | bits, Release);
        }
    }
}
