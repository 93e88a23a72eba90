//! Where a channel keeps the values that were sent and not yet received: first in, first out.
//!
//! Plain data behind the channel's lock; no method runs user code, and dropping a buffer drops what is in it.
mod blocks;
mod ring;

use blocks::Blocks;
use ring::Ring;

/// A FIFO of values: a ring of a fixed capacity, or blocks without a bound.
pub(crate) enum Buffer<T> {
    Bounded(Ring<T>),
    Unbounded(Blocks<T>),
}

impl<T> Buffer<T> {
    /// A ring for `capacity` values; `None` if its memory cannot be had.
    pub(crate) fn bounded(capacity: usize) -> Option<Self> {
        Ring::new(capacity).map(Buffer::Bounded)
    }

    /// A ring without room.
    pub(crate) fn nothing() -> Self {
        Buffer::Bounded(Ring::empty())
    }

    pub(crate) fn unbounded() -> Self {
        Buffer::Unbounded(Blocks::new())
    }

    #[inline(always)]
    pub(crate) fn len(&self) -> usize {
        match self {
            Buffer::Bounded(ring) => ring.len(),
            Buffer::Unbounded(blocks) => blocks.len(),
        }
    }

    #[inline(always)]
    pub(crate) fn has_room(&self) -> bool {
        match self {
            Buffer::Bounded(ring) => ring.has_room(),
            Buffer::Unbounded(_) => true,
        }
    }

    /// Moves the value at `value` in behind all others; false, and nothing moved, if there is no room.
    ///
    /// # Safety
    /// `value` can be read, and is not used as a value afterwards if the answer is true.
    #[inline(always)]
    pub(crate) unsafe fn push(&mut self, value: *const T) -> bool {
        match self {
            Buffer::Bounded(ring) => {
                // SAFETY: as the caller promises.
                unsafe { ring.push(value) }
            }
            Buffer::Unbounded(blocks) => {
                // SAFETY: as the caller promises.
                unsafe { blocks.push(value) };
                true
            }
        }
    }

    #[inline(always)]
    pub(crate) fn pop(&mut self) -> Option<T> {
        match self {
            Buffer::Bounded(ring) => ring.pop(),
            Buffer::Unbounded(blocks) => blocks.pop(),
        }
    }

    /// Everything that is buffered, for dropping outside of the lock; the buffer is empty afterwards.
    pub(crate) fn take_all(&mut self) -> Self {
        match self {
            Buffer::Bounded(ring) => Buffer::Bounded(ring.take_all()),
            Buffer::Unbounded(blocks) => Buffer::Unbounded(std::mem::replace(blocks, Blocks::new())),
        }
    }
}

/// Drops all that `pop` gives. A value whose `Drop` panics does not keep the rest from being dropped: the panic goes
/// on when all are.
fn drop_rest<B, T>(buffer: &mut B, pop: fn(&mut B) -> Option<T>) {
    struct Rest<'a, B, T>(&'a mut B, fn(&mut B) -> Option<T>);
    impl<B, T> Drop for Rest<'_, B, T> {
        fn drop(&mut self) {
            // Reached by a panic: a second one, out of here, would abort, so each is caught.
            while let Some(value) = (self.1)(self.0) {
                let drop_it = std::panic::AssertUnwindSafe(|| drop(value));
                if let Err(payload) = std::panic::catch_unwind(drop_it) {
                    std::mem::forget(payload);
                }
            }
        }
    }
    let rest = Rest(buffer, pop);
    while let Some(value) = pop(rest.0) {
        drop(value);
    }
}
