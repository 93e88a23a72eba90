//! A byte beside a channel's lock that says, without the lock, that a receive or a send would certainly find nothing, or
//! that the channel is finished: closed, with nothing in it.
//!
//! It is written under the lock when it changes. A reader that acts on "certainly nothing" acts on a state that the
//! channel had after everything that happens before the read; so `try_recv` may answer Empty by it alone, and Closed if
//! it is finished: closing is for ever. (A value that comes back afterwards, X1, makes it unfinished again.) A reader that
//! acts on "maybe" takes the lock.
//!
//! Checked by `models::hint_follows_happens_before`, `cancel::peers::tokio_7686_try_recv_sees_what_happened_before`. That the
//! close happens before an answer by `is_finished` no model shows: loom overlooks a load beside a store of a thread that
//! has loaded the same word (its issues 166 and 392), and its yields forbid the stale read that would show it.
use dormouse_wait::prim::atomic::{AtomicU8, Ordering::*, fence};

/// A receive may find a value.
pub(crate) const RECV: u8 = 1;
/// A send may find room or a receiver, or that the channel is closed.
pub(crate) const SEND: u8 = 2;
/// A receive would find that the channel is closed and nothing is in it.
pub(crate) const FINISHED: u8 = 4;

/// The byte.
pub(crate) struct Hint(AtomicU8);

impl Hint {
    pub(crate) fn new(bits: u8) -> Self {
        Hint(AtomicU8::new(bits))
    }

    /// Might a receive be ready, with a value or as the channel is closed? False is certain.
    #[inline(always)]
    pub(crate) fn may_recv(&self) -> bool {
        self.0.load(Relaxed) & (RECV | FINISHED) != 0
    }

    /// Might a send be ready? False is certain.
    #[inline(always)]
    pub(crate) fn may_send(&self) -> bool {
        self.0.load(Relaxed) & SEND != 0
    }

    /// Is the channel closed, with nothing in it? True is certain.
    #[inline(always)]
    pub(crate) fn is_finished(&self) -> bool {
        let finished = self.0.load(Relaxed) & FINISHED != 0;
        if finished {
            // Ordering: Acquire pairs with the Release store in `set`: the close happens before whoever learns of it.
            fence(Acquire);
        }
        finished
    }

    /// Writes the byte, if it has changed. Under the lock.
    #[inline(always)]
    pub(crate) fn set(&self, bits: u8) {
        if self.0.load(Relaxed) != bits {
            // Ordering: Release pairs with the fence in `is_finished`. Otherwise the hint carries no data.
            self.0.store(bits, Release);
        }
    }
}
