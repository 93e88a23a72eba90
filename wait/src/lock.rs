//! The short lock around a waiter list and what it guards.
//!
//! Purpose: sections of a few dozen instructions that run no user code, shared by tasks on different threads.
//! It is taken with one compare-exchange and released with one plain store. Under contention a thread stands
//! back for about 0.8 us *without touching the cache line*, so that the holder can finish and even do a few more
//! sections in its own cache, then tries again; after [`ROUNDS`] such rounds it also yields its time slice. A thread that
//! meets held locks again and again stands back for longer, up to 13 us: then the other side does its work alone, in its
//! own cache, instead of both passing the line to and fro (a third to two thirds less time where several tasks contend on two
//! workers). A thread that [blocks](crate::blocking) does nothing else meanwhile, and the other side is soon done, too, and
//! waits for it: it [stays cold](stay_cold).
//! It never sleeps: a lock that parks a worker thread stalls every task of that worker.
//!
//! | state | event | state after | who acts |
//! |---|---|---|---|
//! | free | `lock` | held | the caller goes on |
//! | held | `lock` | held | the caller stands back and retries |
//! | held | guard dropped / `unlock` | free | nobody is woken: whoever retries first takes it |
//!
//! Rules: no user code (wakers, their clones, `Drop` of values) while held; several locks are taken in address
//! order only (select does that). The lock is not fair and need not be: fairness is the waiter list's business.
//!
//! Ordering: the compare-exchange (Acquire) pairs with the Release store of the previous holder.
//!
//! Rejected: `parking_lot` (its uncontended pair costs twice as much, and it puts workers to sleep); a tight spin
//! (two to five times slower on two cores: the spinner steals the line from the holder); tickets (a holder that
//! lost its CPU stops everybody behind it).
//!
//! Checked by `models::lock_excludes`, `tests/lock.rs`.
use crate::prim::UnsafeCell;
use std::fmt;
use std::ops::{Deref, DerefMut};

/// Rounds of standing back before a contended `lock` also yields its time slice to the operating system.
pub const ROUNDS: u32 = 16;

/// From now on a held lock makes the calling thread stand back for 0.8 us at a time, however often it meets one.
pub fn stay_cold() {
    #[cfg(not(any(dormouse_loom, dormouse_shuttle)))]
    word::COLD.set(true);
}

/// Data behind a lock that never puts a thread to sleep.
///
/// `B` stands beside the lock: what may be read without it, in the bytes that the lock itself leaves free.
#[derive(Default)]
pub struct Lock<T: ?Sized, B = ()> {
    raw: raw::Raw,
    beside: B,
    data: UnsafeCell<T>,
}

// SAFETY: the lock gives `&mut T` to one thread at a time, so sharing the lock moves `T` between threads; it shares `B`.
unsafe impl<T: ?Sized + Send, B: Sync> Sync for Lock<T, B> {}
// SAFETY: sending the lock sends its `T` and `B`.
unsafe impl<T: ?Sized + Send, B: Send> Send for Lock<T, B> {}

/// The right to the data of a [`Lock`]; unlocks when dropped, also by a panic.
#[must_use = "the lock is released when its guard is dropped"]
pub struct Guard<'a, T: ?Sized, B = ()> {
    lock: &'a Lock<T, B>,
    /// Guards stay on their thread: loom's and shuttle's must.
    _here: std::marker::PhantomData<*mut ()>,
}

impl<T> Lock<T> {
    const_fn! {
        /// A free lock around `data`.
        pub const fn new(data: T) -> Self {
            Lock { raw: raw::Raw::new(), beside: (), data: UnsafeCell::new(data) }
        }
    }
}

impl<T, B> Lock<T, B> {
    const_fn! {
        /// A free lock around `data`, with `beside` beside it.
        pub const fn with_beside(data: T, beside: B) -> Self {
            Lock { raw: raw::Raw::new(), beside, data: UnsafeCell::new(data) }
        }
    }
}

impl<T: ?Sized, B> Lock<T, B> {
    /// What stands beside the lock.
    #[inline(always)]
    pub fn beside(&self) -> &B {
        &self.beside
    }

    /// Takes the lock, standing back while another thread holds it.
    #[inline(always)]
    pub fn lock(&self) -> Guard<'_, T, B> {
        self.raw.lock();
        Guard { lock: self, _here: std::marker::PhantomData }
    }

    /// Takes the lock if it is free.
    #[inline(always)]
    pub fn try_lock(&self) -> Option<Guard<'_, T, B>> {
        self.raw.try_lock().then_some(Guard { lock: self, _here: std::marker::PhantomData })
    }

    /// Takes the lock without a guard, for those who hold several at once.
    #[inline(always)]
    pub fn raw_lock(&self) {
        self.raw.lock();
    }

    /// Releases what [`raw_lock`](Lock::raw_lock) took.
    ///
    /// # Safety
    /// The calling thread holds the lock by `raw_lock` and uses no reference to the data afterwards.
    #[inline(always)]
    pub unsafe fn raw_unlock(&self) {
        // SAFETY: the caller holds the lock.
        unsafe { self.raw.unlock() }
    }

    /// Calls `f` with the data.
    ///
    /// # Safety
    /// The calling thread holds the lock by `raw_lock`, and no other reference to the data is alive.
    #[inline(always)]
    pub unsafe fn with_raw<R>(&self, f: impl FnOnce(&mut T) -> R) -> R {
        self.data.with_mut(|data| {
            // SAFETY: the caller holds the lock, so this is the only reference.
            f(unsafe { &mut *data })
        })
    }
}

impl<T: ?Sized, B> Deref for Guard<'_, T, B> {
    type Target = T;
    #[inline(always)]
    fn deref(&self) -> &T {
        self.lock.data.with(|data| {
            // SAFETY: the guard holds the lock.
            unsafe { &*data }
        })
    }
}

impl<T: ?Sized, B> DerefMut for Guard<'_, T, B> {
    #[inline(always)]
    fn deref_mut(&mut self) -> &mut T {
        self.lock.data.with_mut(|data| {
            // SAFETY: the guard holds the lock, and is borrowed exclusively.
            unsafe { &mut *data }
        })
    }
}

impl<T: ?Sized, B> Drop for Guard<'_, T, B> {
    #[inline(always)]
    fn drop(&mut self) {
        // SAFETY: a guard exists only while its thread holds the lock.
        unsafe { self.lock.raw.unlock() }
    }
}

impl<T: ?Sized + fmt::Debug, B> fmt::Debug for Lock<T, B> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.try_lock() {
            Some(data) => f.debug_struct("Lock").field("data", &&*data).finish(),
            None => f.debug_struct("Lock").field("data", &format_args!("<locked>")).finish(),
        }
    }
}

impl<T: ?Sized + fmt::Debug, B> fmt::Debug for Guard<'_, T, B> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        (**self).fmt(f)
    }
}

#[cfg(any(dormouse_loom, dormouse_shuttle))]
use model as raw;
#[cfg(not(any(dormouse_loom, dormouse_shuttle)))]
use word as raw;

/// The lock itself; its own loom model compiles it as well.
#[cfg(any(not(any(dormouse_loom, dormouse_shuttle)), all(test, dormouse_loom)))]
pub(crate) mod word {
    use crate::prim::atomic::{AtomicBool, Ordering::*};

    #[derive(Default)]
    pub(crate) struct Raw(AtomicBool);

    impl Raw {
        const_fn! {
            pub(crate) const fn new() -> Self {
                Raw(AtomicBool::new(false))
            }
        }

        #[inline(always)]
        pub(crate) fn try_lock(&self) -> bool {
            // Ordering: Acquire pairs with the Release store in `unlock`.
            self.0.compare_exchange(false, true, Acquire, Relaxed).is_ok()
        }

        #[inline(always)]
        pub(crate) fn lock(&self) {
            if !self.try_lock() {
                self.stand_back();
            }
        }

        /// # Safety
        /// The caller holds the lock.
        #[inline(always)]
        pub(crate) unsafe fn unlock(&self) {
            // Ordering: Release pairs with the Acquire of the next holder.
            self.0.store(false, Release);
        }

        #[cfg(dormouse_loom)]
        fn stand_back(&self) {
            while !self.try_lock() {
                crate::prim::thread::yield_now();
            }
        }

        #[cfg(not(dormouse_loom))]
        #[cold]
        fn stand_back(&self) {
            let pauses = pauses() << heat();
            for round in 0u32.. {
                for _ in 0..pauses {
                    std::hint::spin_loop();
                }
                if !self.0.load(Relaxed) && self.try_lock() {
                    return;
                }
                if round >= super::ROUNDS {
                    std::thread::yield_now();
                }
            }
        }
    }

    /// A thread that meets held locks no longer apart than this gets hotter.
    #[cfg(not(dormouse_loom))]
    const COOLS: std::time::Duration = std::time::Duration::from_micros(50);
    /// How often the time of standing back is doubled at most.
    #[cfg(not(dormouse_loom))]
    pub(super) const HOTTEST: u32 = 4;

    #[cfg(not(dormouse_loom))]
    std::thread_local!(pub(super) static COLD: std::cell::Cell<bool> = const { std::cell::Cell::new(false) });

    /// This thread has met a held lock: how often its time of standing back is to be doubled.
    #[cfg(not(dormouse_loom))]
    pub(super) fn heat() -> u32 {
        use std::cell::Cell;
        use std::time::Instant;

        thread_local!(static LAST: Cell<Option<(Instant, u32)>> = const { Cell::new(None) });
        if COLD.get() {
            return 0;
        }
        let now = Instant::now();
        let heat = match LAST.get() {
            Some((at, heat)) if now.duration_since(at) < COOLS => (heat + 1).min(HOTTEST),
            _ => 0,
        };
        LAST.set(Some((now, heat)));
        heat
    }

    /// How many pauses last about 0.8 us: measured once, as the length of a `pause` differs tenfold between CPUs.
    #[cfg(not(dormouse_loom))]
    fn pauses() -> u32 {
        use std::sync::atomic::AtomicU32;
        use std::time::Instant;

        static PAUSES: AtomicU32 = AtomicU32::new(0);
        match PAUSES.load(Relaxed) {
            0 => {
                // The shortest of a few tries: in the others this thread lost its CPU.
                let nanos = (0..8).map(|_| {
                    let start = Instant::now();
                    for _ in 0..64 {
                        std::hint::spin_loop();
                    }
                    start.elapsed().as_nanos()
                });
                let nanos = nanos.min().unwrap_or(1).max(1);
                let pauses = (64 * 800 / nanos).clamp(4, 400) as u32;
                PAUSES.store(pauses, Relaxed);
                pauses
            }
            pauses => pauses,
        }
    }
}

/// Under a model the lock is the model's own mutex, so that a waiting thread is blocked instead of spinning.
#[cfg(any(dormouse_loom, dormouse_shuttle))]
mod model {
    use crate::prim::{Mutex, MutexGuard};
    use std::cell::UnsafeCell;

    pub(super) struct Raw {
        mutex: Mutex<()>,
        /// The guard of whoever holds the lock; written by the holder only.
        guard: UnsafeCell<Option<MutexGuard<'static, ()>>>,
    }

    impl Default for Raw {
        fn default() -> Self {
            Raw::new()
        }
    }

    impl Raw {
        const_fn! {
            pub(super) const fn new() -> Self {
                Raw { mutex: Mutex::new(()), guard: UnsafeCell::new(None) }
            }
        }

        pub(super) fn try_lock(&self) -> bool {
            self.mutex.try_lock().map(|guard| self.keep(guard)).is_ok()
        }

        pub(super) fn lock(&self) {
            let guard = self.mutex.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
            self.keep(guard);
        }

        fn keep<'a>(&'a self, guard: MutexGuard<'a, ()>) {
            // SAFETY: the guard is dropped by `unlock`, before `self` goes.
            let guard = unsafe { std::mem::transmute::<MutexGuard<'a, ()>, MutexGuard<'static, ()>>(guard) };
            // SAFETY: only the holder of the mutex writes here.
            unsafe { *self.guard.get() = Some(guard) };
        }

        /// # Safety
        /// The caller holds the lock.
        pub(super) unsafe fn unlock(&self) {
            // SAFETY: only the holder of the mutex writes here.
            let guard = unsafe { (*self.guard.get()).take() };
            drop(guard);
        }
    }
}

#[cfg(all(test, not(any(dormouse_loom, dormouse_shuttle))))]
mod tests {
    use super::word::{HOTTEST, heat};

    #[test]
    fn a_thread_begins_cold_and_gets_only_so_hot() {
        let heats = std::thread::spawn(|| (0..100).map(|_| heat()).collect::<Vec<_>>()).join().unwrap();
        assert_eq!(heats[0], 0);
        assert!(heats.iter().all(|heat| *heat <= HOTTEST));
        // One more each time, or cold again if the thread lost its CPU meanwhile.
        assert!(heats.windows(2).all(|pair| pair[1] == 0 || pair[1] == (pair[0] + 1).min(HOTTEST)));
    }

    #[test]
    fn a_thread_that_blocks_stays_cold() {
        let heats = std::thread::spawn(|| {
            crate::blocking::wait_for("", "", async {});
            (0..100).map(|_| heat()).max()
        });
        assert_eq!(heats.join().unwrap(), Some(0));
    }
}
