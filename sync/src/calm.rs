//! Letting go of wakers: their destructors are user code, run with no lock held, and a panic of one must cost
//! nobody a guard or a wake-up.
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::task::Waker;

/// Drops `waker`; a panic of it ends here, reported by the panic hook, as that of [`dormouse_wait::wakes::wake`].
#[inline]
pub(crate) fn discard(waker: Option<Waker>) {
    let Some(waker) = waker else { return };
    if let Err(payload) = catch_unwind(AssertUnwindSafe(|| drop(waker))) {
        // Dropping the payload could panic again.
        std::mem::forget(payload);
    }
}
