//! How many handles a half of a channel has: the last one to go closes the channel, and none comes back after that.
use dormouse_wait::prim::atomic::{AtomicUsize, Ordering::*};

/// A count of handles.
pub(crate) struct Handles(AtomicUsize);

impl Handles {
    /// One handle.
    pub(crate) fn one() -> Self {
        Handles(AtomicUsize::new(1))
    }

    pub(crate) fn count(&self) -> usize {
        self.0.load(Relaxed)
    }

    /// One more, made from one that is there.
    pub(crate) fn add(&self) {
        // Ordering: Relaxed, as for any count that is raised by someone who holds one.
        self.0.fetch_add(1, Relaxed);
    }

    /// One more, unless there is none left.
    pub(crate) fn revive(&self) -> bool {
        // Ordering: Relaxed; whoever asks has a weak handle, and so the channel, already.
        self.0.fetch_update(Relaxed, Relaxed, |count| (count > 0).then(|| count + 1)).is_ok()
    }

    /// One less. True if it was the last.
    pub(crate) fn remove(&self) -> bool {
        // Ordering: AcqRel pairs with the removals of the others: what they did comes before the end.
        self.0.fetch_sub(1, AcqRel) == 1
    }
}
