//! The claim word: what the nodes of one `select!` share, so that exactly one of its arms is won.
//!
//! A counterpart may commit a queued arm at any moment, and a committed send cannot be undone. So while the owner
//! queues its arms one by one, and while it does anything that cannot be undone either (polls futures that are not
//! channel arms), the word is HELD; counterparts pass over a held node, which keeps its place. Whoever passed over it
//! will not come back, and so leaves a note: MISSED. If there is one, the owner locks all its channels and looks again
//! before it opens.
//!
//! | state | event | state after | who wakes |
//! |---|---|---|---|
//! | OPEN | a counterpart wins arm `i`, under the lock of that arm's channel | WON(i) | the counterpart wakes the owner, after unlocking |
//! | OPEN | the owner holds | HELD | nobody |
//! | HELD, MISSED | a counterpart looks | MISSED | nobody: it takes the next node |
//! | HELD | the owner reopens | OPEN | nobody |
//! | MISSED | the owner reopens | MISSED | nobody: it has to look again |
//! | HELD, MISSED | the owner opens, under all its channels' locks, after the second look | OPEN | nobody |
//! | WON(i) | the owner holds | WON(i) | nobody: the owner takes what arm `i` was given |
//! | HELD, MISSED, WON(i) | the owner resets, with none of its nodes queued | HELD | nobody |
//!
//! Why a reopening without a lock misses nobody: each arm was seen not to be ready under the lock under which it was
//! queued, and whoever changes that looks for a waiter first, under the same lock, and meets the arm: it wins, or it
//! leaves the note. Notes, wins and reopening are read-modify-writes of one word, so one of them comes first.
//!
//! W4: others touch a claim only under a lock in whose list one of its nodes is linked; so a claim outlives the
//! linkage of all its nodes. W6: the waker is set before the first node is queued.
//! The waker belongs to the owner while nothing is queued or the word is HELD, and to the winner after WON, until it
//! stores the node's phase.
//!
//! Rejected: two states without HELD loses committed values when a foreign future completes in the same poll; HELD
//! without the second look loses wake-ups; the second look at every reopening, noted or not, costs all locks each time a
//! select is polled again. The models `claim_*` show the first two.
use crate::prim::UnsafeCell;
use crate::prim::atomic::{AtomicU32, Ordering::*};
use std::fmt;
use std::task::Waker;

const OPEN: u32 = 0;
const HELD: u32 = 1;
/// Held, and passed over.
const MISSED: u32 = 2;
const WON: u32 = 3;

/// The word shared by the nodes of one select, with its one waker.
pub struct Claim {
    word: AtomicU32,
    waker: UnsafeCell<Option<Waker>>,
}

// SAFETY: the word is atomic; the waker changes hands by the rules above.
unsafe impl Sync for Claim {}
// SAFETY: as above; a waker is Send.
unsafe impl Send for Claim {}

impl Claim {
    const_fn! {
        /// A claim in the state HELD, without a waker: nothing can win it yet.
        pub const fn new() -> Self {
            Claim { word: AtomicU32::new(HELD), waker: UnsafeCell::new(None) }
        }
    }

    /// Closes the claim to counterparts, or says which arm was already won.
    ///
    /// Held already is fine: only the owner holds.
    #[inline]
    pub fn hold(&self) -> Result<(), u32> {
        // Ordering: Acquire on failure pairs with the winner's Release in `win`; the success only excludes.
        match self.word.compare_exchange(OPEN, HELD, Acquire, Acquire) {
            Ok(_) | Err(HELD | MISSED) => Ok(()),
            Err(won) => Err(won - WON),
        }
    }

    /// Which arm was won, if any.
    #[inline]
    pub fn won(&self) -> Option<u32> {
        // Ordering: Acquire pairs with the winner's Release in `win`.
        self.word.load(Acquire).checked_sub(WON)
    }

    /// Opens the claim, if nobody has passed over a node since it was held. For the owner, that holds it.
    #[inline]
    #[must_use = "if it is not open, look again"]
    pub fn reopen(&self) -> bool {
        // Ordering: Release hands the waker to whoever wins (`win`). A note needs no Acquire: the locks bring what it is about.
        self.word.compare_exchange(HELD, OPEN, Release, Relaxed).is_ok()
    }

    /// Opens the claim. For the owner, that holds it and has locked the channels of all its queued nodes and looked
    /// at them again.
    #[inline]
    pub fn open(&self) {
        // Ordering: Release hands the waker to whoever wins (`win`).
        self.word.store(OPEN, Release);
    }

    /// Makes the claim HELD again, whatever was.
    ///
    /// # Safety
    /// The caller is the owner, and none of its nodes is queued, nor a winner still at work: it has seen the phase of the
    /// node that was won.
    #[inline]
    pub unsafe fn reset(&self) {
        // Ordering: Relaxed; others learn of the claim through the lock under which a node is queued.
        self.word.store(HELD, Relaxed);
    }

    /// Sets the waker; gives the old one, to be dropped after unlocking.
    ///
    /// # Safety
    /// The caller is the owner, and the claim is held, or none of its nodes is queued.
    #[inline]
    pub unsafe fn set_waker(&self, waker: Option<Waker>) -> Option<Waker> {
        self.waker.with_mut(|slot| {
            // SAFETY: the caller's state excludes winners.
            let slot = unsafe { &mut *slot };
            std::mem::replace(slot, waker)
        })
    }

    pub(crate) fn is_open(&self) -> bool {
        self.word.load(Relaxed) == OPEN
    }

    /// A counterpart claims `arm`; false if the claim is held, which it then notes, or already won. Under the lock of
    /// that arm's list.
    #[inline(always)]
    pub(crate) fn win(&self, arm: u32) -> bool {
        let mut word = self.word.load(Relaxed);
        loop {
            let next = match word {
                OPEN => WON + arm,
                HELD => MISSED,
                _ => return false,
            };
            // Ordering: Acquire takes over the waker from `open`; Release shows the owner what stands before the win.
            match self.word.compare_exchange(word, next, AcqRel, Relaxed) {
                Ok(_) => return word == OPEN,
                Err(now) => word = now,
            }
        }
    }

    /// The winner takes the waker.
    ///
    /// # Safety
    /// The caller has won the claim and has not yet stored its node's phase.
    #[inline(always)]
    pub(crate) unsafe fn take_waker(&self) -> Option<Waker> {
        self.waker.with_mut(|slot| {
            // SAFETY: the winner owns the waker until it stores the phase.
            let slot = unsafe { &mut *slot };
            slot.take()
        })
    }
}

impl Default for Claim {
    fn default() -> Self {
        Claim::new()
    }
}

impl fmt::Debug for Claim {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.word.load(Relaxed) {
            OPEN => f.write_str("Claim(OPEN)"),
            HELD => f.write_str("Claim(HELD)"),
            MISSED => f.write_str("Claim(HELD, passed over)"),
            won => write!(f, "Claim(WON({}))", won - WON),
        }
    }
}
