//! Wakers, with no lock held: their destructors and wake-ups are user code, and a panic of one must cost nobody a
//! guard or a wake-up. And releasing many waiters without holding a lock for long.
use dormouse_wait::list::{List, Verdict};
use dormouse_wait::wakes::Wakes;
pub(crate) use dormouse_wait::wakes::discard;

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
