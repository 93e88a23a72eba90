//! Where a channel keeps the values that were sent and not yet received: first in, first out.
//!
//! Plain data behind the channel's lock; no method runs user code, and dropping a buffer drops what is in it.
mod blocks;
mod ring;

use blocks::Blocks;
use ring::Ring;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};

/// A FIFO of values. Length and capacity stand here, so that asking for them is a plain load.
pub(crate) struct Buffer<T> {
    len: usize,
    /// How many values it may hold at present: what is reserved is taken off. `usize::MAX` = unbounded.
    limit: usize,
    store: Store<T>,
}

enum Store<T> {
    Ring(Ring<T>),
    Blocks(Blocks<T>),
}

impl<T> Buffer<T> {
    /// A ring for `capacity` values; `None` if its memory cannot be had.
    pub(crate) fn bounded(capacity: usize) -> Option<Self> {
        Some(Buffer { len: 0, limit: capacity, store: Store::Ring(Ring::new(capacity)?) })
    }

    /// A ring without room.
    pub(crate) fn nothing() -> Self {
        Buffer { len: 0, limit: 0, store: Store::Ring(Ring::empty()) }
    }

    pub(crate) fn unbounded() -> Self {
        Buffer { len: 0, limit: usize::MAX, store: Store::Blocks(Blocks::new()) }
    }

    #[inline(always)]
    pub(crate) fn len(&self) -> usize {
        self.len
    }

    /// How many values it may hold at present.
    #[inline(always)]
    pub(crate) fn limit(&self) -> usize {
        self.limit
    }

    #[inline(always)]
    pub(crate) fn has_room(&self) -> bool {
        self.len < self.limit
    }

    /// Sets the place for one value aside; false if there is no room.
    pub(crate) fn reserve(&mut self) -> bool {
        let room = self.has_room();
        // Without a bound there is nothing to set aside.
        if room && self.limit != usize::MAX {
            self.limit -= 1;
        }
        room
    }

    /// Gives a place that was set aside back. Not after [`take_all`](Buffer::take_all).
    pub(crate) fn unreserve(&mut self) {
        if self.limit != usize::MAX {
            self.limit += 1;
        }
    }

    /// Moves the value at `value` in behind all others; false, and nothing moved, if there is no room.
    ///
    /// # Safety
    /// `value` can be read, and is not used as a value afterwards if the answer is true.
    #[inline(always)]
    pub(crate) unsafe fn push(&mut self, value: *const T) -> bool {
        if !self.has_room() {
            return false;
        }
        match &mut self.store {
            // SAFETY: there is room; the rest as the caller promises.
            Store::Ring(ring) => unsafe { ring.push(self.len, value) },
            // SAFETY: as the caller promises.
            Store::Blocks(blocks) => unsafe { blocks.push(value) },
        }
        self.len += 1;
        true
    }

    #[inline(always)]
    pub(crate) fn pop(&mut self) -> Option<T> {
        if self.len == 0 {
            return None;
        }
        self.len -= 1;
        Some(match &mut self.store {
            // SAFETY: there was a value, which is counted out by the line above.
            Store::Ring(ring) => unsafe { ring.pop() },
            // SAFETY: as above.
            Store::Blocks(blocks) => unsafe { blocks.pop(self.len) },
        })
    }

    /// Everything that is buffered, for dropping outside of the lock; the buffer is left empty, without room.
    pub(crate) fn take_all(&mut self) -> Self {
        std::mem::replace(self, Buffer::nothing())
    }
}

impl<T> Drop for Buffer<T> {
    fn drop(&mut self) {
        drop_all(|| self.pop());
    }
}

/// Drops all that `next` gives. A value whose `Drop` panics does not keep the rest from being dropped: the first panic
/// goes on when all are, unless a panic is what brought us here: a second one would abort the process.
pub(crate) fn drop_all<T>(mut next: impl FnMut() -> Option<T>) {
    if !std::mem::needs_drop::<T>() {
        return;
    }
    let mut first = None;
    while let Some(value) = next() {
        if let Err(payload) = catch_unwind(AssertUnwindSafe(|| drop(value))) {
            // Dropping a payload could panic again.
            match first {
                None => first = Some(payload),
                Some(_) => std::mem::forget(payload),
            }
        }
    }
    match first {
        Some(payload) if std::thread::panicking() => std::mem::forget(payload),
        Some(payload) => resume_unwind(payload),
        None => {}
    }
}
