//! Whether a slot is free: the flag by which seats change hands.
//!
//! | state | event | state after |
//! |---|---|---|
//! | free | `take` | taken: the caller sits |
//! | taken | `take` | refused |
//! | taken | `release`, by who sits | free; nobody is woken: who leaves looks for work that it leaves behind |
//!
//! Checked by `models::place_*` (loom).
use dormouse_wait::prim::atomic::{AtomicBool, Ordering::*};

#[derive(Debug)]
pub(crate) struct Place(AtomicBool);

impl Place {
    /// A free place.
    pub(crate) fn new() -> Place {
        Place(AtomicBool::new(false))
    }

    pub(crate) fn take(&self) -> bool {
        // Ordering: Acquire pairs with the Release store in `release`. The load first spares the line; and a refused
        // taker must write nothing, as a `swap` would.
        self.is_free() && self.0.compare_exchange(false, true, Acquire, Relaxed).is_ok()
    }

    pub(crate) fn release(&self) {
        // Ordering: Release pairs with the Acquire exchange in `take`.
        self.0.store(false, Release);
    }

    pub(crate) fn is_free(&self) -> bool {
        !self.0.load(Relaxed)
    }
}
