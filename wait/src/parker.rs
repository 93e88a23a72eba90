//! How a thread sleeps, and is woken.
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
//! | clear | `park_elsewhere` | elsewhere, while its sleep is on | - |
//! | elsewhere | `unpark` | set | the caller, by [`Rouse`] |
//! | set | `park_elsewhere`, or its sleep ends | clear | - |
//!
//! Checked by the executor's `models::{idle, parker}` (loom) and `tests/blocking.rs`.
use crate::prim::atomic::{AtomicU8, Ordering::*};
use crate::prim::thread;
use std::sync::Arc;
use std::time::{Duration, Instant};

const CLEAR: u8 = 0;
const SET: u8 = 1;
const ELSEWHERE: u8 = 2;

/// Ends a sleep that is not `std::thread::park`, or the next one of its kind.
pub trait Rouse: Send + Sync {
    /// Ends it.
    fn rouse(&self);
}

/// The sleep of one thread.
pub struct Parker {
    flag: AtomicU8,
    thread: thread::Thread,
    elsewhere: Option<Arc<dyn Rouse>>,
}

/// Rounds of looking, each twice as long as the one before: a few pauses, as others may need the processor. (With 7 rounds, 2 us,
/// two threads that wait for each other in turn on one processor took twice as long.)
const SPINS: u32 = 3;
/// After that the processor is offered to others, again and again for so long: about what the system takes to put a
/// thread to sleep and to wake it, so that the wait never costs more than twice that. (Two threads that wait for each other in
/// turn, and sleep, stay on one processor for good; as long as they can run, the system moves one of them.)
const YIELDING: Duration = Duration::from_micros(50);

impl Parker {
    /// The parker of the calling thread.
    pub fn current() -> Parker {
        Parker { flag: AtomicU8::new(CLEAR), thread: thread::current(), elsewhere: None }
    }

    /// The parker of the calling thread, which may also [sleep elsewhere](Parker::park_elsewhere): `rouse` ends that.
    pub fn with_elsewhere(rouse: Arc<dyn Rouse>) -> Parker {
        Parker { elsewhere: Some(rouse), ..Parker::current() }
    }

    /// Ends the thread's sleep, or its next one.
    #[inline]
    pub fn unpark(&self) {
        // Ordering: Release pairs with the Acquire swap in `take`; an exchange, so that it comes after what was
        // published before it.
        match self.flag.swap(SET, AcqRel) {
            CLEAR => self.thread.unpark(),
            SET => {}
            _ => self.rouse(),
        }
    }

    #[cold]
    fn rouse(&self) {
        if let Some(elsewhere) = &self.elsewhere {
            elsewhere.rouse();
        }
    }

    /// Has the thread been woken since it last asked?
    #[inline]
    pub fn take(&self) -> bool {
        // Ordering: Acquire pairs with the Release swap in `unpark`.
        self.flag.swap(CLEAR, AcqRel) == SET
    }

    /// Has the thread been woken since it last asked? Leaves it at that.
    pub fn is_woken(&self) -> bool {
        self.flag.load(Relaxed) == SET
    }

    /// Does the thread sleep elsewhere? May be over when it is told.
    pub fn is_elsewhere(&self) -> bool {
        self.flag.load(Relaxed) == ELSEWHERE
    }

    /// Sleeps by `sleep`, which [`Rouse`] ends, unless it was woken before. True if it was woken. To be called by the
    /// parker's own thread. (A rousing may come late: then it ends the next such sleep, of whichever thread.)
    pub fn park_elsewhere(&self, sleep: impl FnOnce()) -> bool {
        debug_assert!(self.elsewhere.is_some(), "nobody could end that sleep");
        // Ordering: AcqRel as `take` and `unpark`.
        if self.flag.compare_exchange(CLEAR, ELSEWHERE, AcqRel, Relaxed).is_err() {
            return self.take();
        }
        sleep();
        self.take()
    }

    /// [`take`](Parker::take), for a loop that asks often: only looks as long as there is nothing.
    #[inline]
    fn peek_and_take(&self) -> bool {
        // Ordering: Relaxed; `take` makes sure.
        self.is_woken() && self.take()
    }

    /// Looks out for a wake-up for a short while, some fifty microseconds: what another thread is about to do comes sooner than
    /// the system would wake this one. True if it came.
    pub fn spin(&self) -> bool {
        if cfg!(any(dormouse_loom, dormouse_shuttle)) {
            return self.take(); // a model's thread need not be fast
        }
        for round in 0..SPINS {
            if self.peek_and_take() {
                return true;
            }
            (0..1 << round).for_each(|_| std::hint::spin_loop());
        }
        // Whoever is to wake this thread may need its processor for that.
        let begin = Instant::now();
        loop {
            std::thread::yield_now();
            if self.peek_and_take() {
                return true;
            }
            if begin.elapsed() >= YIELDING {
                return false;
            }
        }
    }

    /// Sleeps until woken, or until `deadline`. True if it was woken. To be called by the parker's own thread.
    pub fn park_until(&self, deadline: Option<Instant>) -> bool {
        while !self.take() {
            match deadline.map(|at| at.saturating_duration_since(Instant::now())) {
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
fn park_timeout(_: Duration) {
    thread::park();
}

impl std::fmt::Debug for Parker {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Parker").field("thread", &self.thread).finish_non_exhaustive()
    }
}
