//! Wakers, with no lock held: their destructors and wake-ups are user code, and a panic of one must cost nobody a
//! guard or a wake-up. And releasing many waiters without holding a lock for long.
use dormouse_wait::list::{List, Verdict};
use dormouse_wait::wakes::Wakes;
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

/// Calls `section`, which locks, tells waiters, and unlocks, and wakes them then; once more for each batch that is full.
pub(crate) fn in_batches(mut section: impl FnMut(&mut Wakes)) {
    let mut wakes = Wakes::new();
    loop {
        section(&mut wakes);
        let more = wakes.is_full();
        wakes.fire();
        if !more {
            return;
        }
    }
}

/// Grants the waiters at the front of `list` for which `due` holds, as far as there is room in `wakes`.
pub(crate) fn release<P>(list: &mut List<P>, wakes: &mut Wakes, due: impl Fn(&P) -> bool) {
    while !wakes.is_full() && list.with_front(&due) == Some(true) {
        let Some(waiter) = list.win() else { return };
        if let Some(waker) = waiter.finish(Verdict::Granted) {
            wakes.push(waker);
        }
    }
}
