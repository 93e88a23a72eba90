//! How many handles a half of a channel has: the last one to go closes the channel, and none comes back after that.
use dormouse_wait::prim::atomic::{AtomicU32, Ordering::*};

/// A count of handles.
pub(crate) struct Handles(AtomicU32);

/// Beyond this many, handles were leaked on purpose; far enough from the end that no race can reach it.
const MOST: u32 = u32::MAX / 2;

impl Handles {
    /// One handle.
    pub(crate) fn one() -> Self {
        Handles(AtomicU32::new(1))
    }

    pub(crate) fn count(&self) -> usize {
        self.0.load(Relaxed) as usize
    }

    /// One more, made from one that is there.
    pub(crate) fn add(&self) {
        // Ordering: Relaxed, as for any count that is raised by someone who holds one.
        if self.0.fetch_add(1, Relaxed) > MOST {
            std::process::abort(); // as `Arc` does
        }
    }

    /// One more, unless there is none left.
    pub(crate) fn revive(&self) -> bool {
        // Ordering: Relaxed; whoever asks has a weak handle, and so the channel, already.
        self.0.fetch_update(Relaxed, Relaxed, |count| (1..=MOST).contains(&count).then(|| count + 1)).is_ok()
    }

    /// One less. True if it was the last.
    pub(crate) fn remove(&self) -> bool {
        // Ordering: AcqRel pairs with the removals of the others: what they did comes before the end.
        self.0.fetch_sub(1, AcqRel) == 1
    }
}
