//! Wake-ups collected under a lock and fired after it, in batches without allocation.
//!
//! W7: [`Wakes::fire`] runs after unlocking, and one panicking waker does not keep the others from being woken.
//! A waker's panic ends here, after the panic hook has reported it: it is the fault of the task that owns the waker,
//! and whoever wakes it (a receiver that already holds its value, a `close`) must not lose anything by it.
//! Checked by `tests/wakes.rs`.
use std::mem::MaybeUninit;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::task::Waker;

/// Wakers per batch.
pub const BATCH: usize = 32;

/// Up to [`BATCH`] wakers on the stack, to be woken once the lock is released.
#[must_use = "wakers that are not fired leave their tasks asleep"]
pub struct Wakes {
    len: usize,
    wakers: [MaybeUninit<Waker>; BATCH],
}

impl Wakes {
    /// An empty batch.
    #[inline(always)]
    pub const fn new() -> Self {
        Wakes { len: 0, wakers: [const { MaybeUninit::uninit() }; BATCH] }
    }

    /// Is there no room for one more? Then unlock, [`fire`](Wakes::fire), and lock again.
    #[inline(always)]
    pub fn is_full(&self) -> bool {
        self.len == BATCH
    }

    /// Is there nobody to wake?
    #[inline(always)]
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// Adds a waker.
    ///
    /// # Panics
    /// If the batch [is full](Wakes::is_full).
    #[inline(always)]
    pub fn push(&mut self, waker: Waker) {
        self.wakers[self.len].write(waker);
        self.len += 1;
    }

    /// Wakes all and leaves the batch empty. To be called with no lock held.
    #[inline(always)]
    pub fn fire(&mut self) {
        if self.len > 0 {
            self.fire_all();
        }
    }

    fn fire_all(&mut self) {
        // First in, first woken: the list's order is the order of waiting.
        for waker in &self.wakers[..std::mem::take(&mut self.len)] {
            // SAFETY: the first `len` are written; each is read once, as `len` is 0 from here on.
            wake(Some(unsafe { waker.assume_init_read() }));
        }
    }
}

/// Wakes `waker`, if there is one; a panic of it ends here, reported by the panic hook. To be called with no lock held.
#[inline(always)]
pub fn wake(waker: Option<Waker>) {
    let Some(waker) = waker else { return };
    if let Err(payload) = catch_unwind(AssertUnwindSafe(|| waker.wake())) {
        // Dropping the payload could panic again.
        std::mem::forget(payload);
    }
}

/// Drops `waker`, if there is one; a panic of it ends here, reported by the panic hook. To be called with no lock held.
#[inline]
pub fn discard(waker: Option<Waker>) {
    let Some(waker) = waker else { return };
    if let Err(payload) = catch_unwind(AssertUnwindSafe(|| drop(waker))) {
        // Dropping the payload could panic again.
        std::mem::forget(payload);
    }
}

impl Default for Wakes {
    fn default() -> Self {
        Wakes::new()
    }
}

impl Drop for Wakes {
    /// Wakes whoever is left, as when a panic unwinds between unlocking and [`fire`](Wakes::fire).
    #[inline(always)]
    fn drop(&mut self) {
        self.fire();
    }
}

impl std::fmt::Debug for Wakes {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Wakes").field("len", &self.len).finish()
    }
}
