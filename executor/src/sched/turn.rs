//! A slot's turns: which poll is on, which task comes next, and how the monitor gets at both while a poll does not end.
//!
//! The seat's thread uses plain loads and stores only. The monitor [holds](Turn::hold) the end of a poll that has lasted
//! too long: the seat's thread goes on in the poll, but cannot get past its end meanwhile. So the monitor may take the
//! task that comes next out of the cell, and note that the slot was relieved, without a race against the thread's next
//! turn.
//!
//! | state | event | state after |
//! |---|---|---|
//! | shut, no poll | `begin` | shut, poll E (odd) |
//! | shut, poll E | `end` | shut, no poll (E + 1, even) |
//! | shut, poll E | `hold(E)` by the monitor | open until the poll's end; it may `steal` what comes next, and relieve |
//! | open, poll E | `put` | in the cell; who put it there sees `open` and takes it out for the ring |
//! | open, poll E | `end`, then `pass` | waits for the monitor to let go; shut; told whether it was relieved |
//! | any other poll or none | `hold(E)` | unchanged: the poll is over |
//!
//! Invariants:
//! - U1 the cell is filled by the seat's thread alone. The monitor empties it, with an exchange, and only inside a
//!   successful `hold`, that is, in the poll that it holds.
//! - U2 a store of `epoch` and a look at `open` on one side, a store of `open` and a look at `epoch` on the other, with
//!   fences between: if `hold` finds the poll on, its thread will find the slot open at the poll's end, and wait there.
//!   So outside of polls, the cell is the thread's own.
//! - U3 the same for a task that is put into the empty cell: either its thread sees `open` after, and takes it out
//!   again, or the monitor finds it. (No exchange is needed to fill it: an empty cell stays empty.)
//! - U4 the same for a task that displaces another: `busy` is set before the look at `open`; if the slot was shut, the
//!   monitor sees `busy` until that is done, and lets the cell alone.
//!
//! The fences are [`light`] for the seat's thread and [`heavy`] for the monitor. Where there is no `heavy`, every slot is
//! open for ever: then nothing stays in the cell, and the end of each poll takes the lock.
//!
//! Rejected: an exchange for every task put in and taken out (17 % of a ping-pong); a fence in all threads alone,
//! without `busy` and the second look at `open`: a thread may have looked and not yet written.
//!
//! Checked by `models::turn_*` (loom), `tests/monitor.rs`.
use super::os::{heavy, light};
use super::ring::Raw;
use dormouse_wait::lock::Lock;
use dormouse_wait::prim::atomic::{AtomicBool, AtomicPtr, AtomicU64, Ordering::*};
use std::ptr::{self, NonNull};

/// See the module. On lines of its own, as it is written twice a poll.
#[derive(Debug)]
#[repr(align(128))]
pub(crate) struct Turn {
    /// Grows by one when a poll begins and when it ends: odd inside.
    epoch: AtomicU64,
    open: AtomicBool,
    busy: AtomicBool,
    /// There is no heavy fence.
    always_open: bool,
    next: AtomicPtr<()>,
    /// The right to the end of the poll. Was the slot relieved in this one?
    relieved: Lock<bool>,
}

impl Turn {
    /// `may_shut`: there is a heavy fence, or no monitor.
    pub(crate) fn new(may_shut: bool) -> Turn {
        Turn {
            epoch: AtomicU64::new(0),
            open: AtomicBool::new(!may_shut),
            busy: AtomicBool::new(false),
            always_open: !may_shut,
            next: AtomicPtr::new(ptr::null_mut()),
            relieved: Lock::new(false),
        }
    }

    /// Lets each poll's end be passed, and nothing stay in the cell.
    pub(crate) fn set_always_open(&mut self) {
        self.always_open = true;
        self.open.store(true, Relaxed);
    }

    // --- for the seat's thread --------------------------------------------------------------------------------------

    /// The number of polls, doubled, and one more inside of one.
    #[inline(always)]
    pub(crate) fn epoch(&self) -> u64 {
        self.epoch.load(Relaxed)
    }

    /// A poll begins.
    #[inline(always)]
    pub(crate) fn begin(&self) {
        self.epoch.store(self.epoch.load(Relaxed) + 1, Relaxed);
    }

    /// The poll is over. True if the slot is open: then the thread must [`pass`](Turn::pass) before it does anything.
    #[inline(always)]
    #[must_use = "an open slot is the monitor's"]
    pub(crate) fn end(&self) -> bool {
        self.begin();
        light();
        self.is_open()
    }

    /// Is a poll on? To be asked by its thread.
    pub(crate) fn is_on(&self) -> bool {
        self.epoch() % 2 == 1
    }

    #[inline(always)]
    pub(crate) fn is_open(&self) -> bool {
        self.open.load(Relaxed)
    }

    /// Gets past the end of a poll in which the slot was open. True if it was relieved.
    pub(crate) fn pass(&self) -> bool {
        let mut relieved = self.relieved.lock();
        self.shut();
        std::mem::take(&mut relieved)
    }

    /// Makes `task` the next one: the one that was. After it, [`take_back`](Turn::take_back) if the slot is open.
    #[inline(always)]
    pub(crate) fn put(&self, task: Raw) -> Option<Raw> {
        let displaced = if self.next.load(Relaxed).is_null() {
            // Ordering: Release pairs with the exchange in `empty`.
            self.next.store(task.as_ptr(), Release);
            None
        } else {
            self.displace(task)
        };
        light();
        displaced
    }

    #[inline(always)]
    fn displace(&self, task: Raw) -> Option<Raw> {
        self.busy.store(true, Relaxed);
        light();
        let displaced = if self.is_open() {
            // Ordering: AcqRel as in `empty`.
            self.next.swap(task.as_ptr(), AcqRel)
        } else {
            let displaced = self.next.load(Relaxed);
            // Ordering: Release pairs with the exchange in `empty`.
            self.next.store(task.as_ptr(), Release);
            displaced
        };
        // Ordering: Release pairs with the Acquire load in `steal`.
        self.busy.store(false, Release);
        NonNull::new(displaced)
    }

    /// The next task, taken by its thread inside a poll in which the slot is open.
    pub(crate) fn take_back(&self) -> Option<Raw> {
        self.empty()
    }

    /// Takes the next task with an exchange. Writes nothing if there is none: the cell stays as its thread left it (U1).
    fn empty(&self) -> Option<Raw> {
        let task = NonNull::new(self.next.load(Relaxed))?;
        // Ordering: AcqRel pairs with the Release stores of `put`, and orders the two who take. A failure means that the
        // other one was faster.
        self.next.compare_exchange(task.as_ptr(), ptr::null_mut(), AcqRel, Relaxed).ok()?;
        Some(task)
    }

    /// The next task, taken by its thread outside of polls.
    #[inline(always)]
    pub(crate) fn take(&self) -> Option<Raw> {
        let task = NonNull::new(self.next.load(Relaxed))?;
        self.next.store(ptr::null_mut(), Relaxed);
        Some(task)
    }

    // --- for the monitor --------------------------------------------------------------------------------------------

    /// Calls `f` while the poll of this epoch is on, and its end waits for `f`'s return. `None` if it is over.
    pub(crate) fn hold<R>(&self, epoch: u64, f: impl FnOnce(Held<'_>) -> R) -> Option<R> {
        let mut relieved = self.relieved.lock();
        // If it is open already, this poll was held before: what follows stands.
        if !self.is_open() {
            self.open.store(true, Relaxed);
            heavy();
            if self.epoch() != epoch {
                self.shut();
                return None;
            }
        }
        (self.epoch() == epoch).then(|| f(Held { turn: self, relieved: &mut relieved }))
    }

    /// Under the lock.
    fn shut(&self) {
        if !self.always_open {
            self.open.store(false, Relaxed);
        }
    }

    /// Is there a next task? For the monitor, which asks again.
    pub(crate) fn has_next(&self) -> bool {
        !self.next.load(Relaxed).is_null() || self.busy.load(Relaxed)
    }
}

/// The right to a poll that does not end meanwhile.
#[derive(Debug)]
pub(crate) struct Held<'t> {
    turn: &'t Turn,
    relieved: &'t mut bool,
}

impl Held<'_> {
    /// Takes the next task; not if it is just being displaced.
    pub(crate) fn steal(&self) -> Option<Raw> {
        // Ordering: Acquire pairs with the Release store in `displace`.
        if self.turn.busy.load(Acquire) {
            return None;
        }
        self.turn.empty()
    }

    /// Relieves the slot by `relieve`, once in this poll: false if it already was, or `relieve` says so.
    pub(crate) fn relieve(&mut self, relieve: impl FnOnce() -> bool) -> bool {
        let now = !*self.relieved && relieve();
        *self.relieved |= now;
        now
    }
}
