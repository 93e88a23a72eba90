//! Where a channel keeps the values that were sent and not yet received: first in, first out, in a list of blocks.
//!
//! Memory follows the contents, whatever the capacity. The first block is small: a channel that passes a value now and
//! then stays small. A drained block goes behind the last one, to be written again, so a queue of steady length needs no
//! allocator; with a bound all blocks are kept that way, without one a single spare, and none once the queue is empty.
//!
//! Plain data behind the channel's lock; no method runs user code, and dropping a buffer drops what is in it.
//!
//! Rejected: a ring of the whole capacity for a bounded channel (an idle one of 128 words had five times the memory, was
//! slower to make, and passed its values no faster).
use std::alloc::{Layout, alloc, dealloc, handle_alloc_error};
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::ptr::NonNull;

/// A FIFO of values. Length and limit stand here, so that asking for them is a plain load.
pub(crate) struct Buffer<T> {
    len: usize,
    /// How many values it may hold at present: what is reserved is taken off. `usize::MAX` = unbounded.
    limit: usize,
    /// Values leave `first` and enter `last`; spare blocks follow `last`. Both or neither are there.
    first: Option<NonNull<Block<T>>>,
    last: Option<NonNull<Block<T>>>,
    reserved: u32,
    /// The next place to read in `first`, and to write in `last`.
    leave: u8,
    enter: u8,
    spares: u8,
}

/// The head of a block; its places follow.
#[repr(C)]
struct Block<T> {
    next: Option<NonNull<Block<T>>>,
    places: u8,
    slots: [T; 0],
}

impl<T> Block<T> {
    /// Places of the first block: what fits beside the head in the smallest piece that an allocator gives.
    const SMALL: u8 = Self::places_in(24, 1, 24);
    /// Places of the others.
    const FULL: u8 = Self::places_in(4096, 4, 32);

    const fn places_in(bytes: usize, least: usize, most: usize) -> u8 {
        let places = match size_of::<T>() {
            0 => most,
            size => bytes / size,
        };
        (if places < least {
            least
        } else if places > most {
            most
        } else {
            places
        }) as u8
    }

    fn layout(places: u8) -> Layout {
        let places = Layout::array::<T>(usize::from(places)).expect("values exist, so a few of them fit");
        let (layout, _) = Layout::new::<Block<T>>().extend(places).expect("as above");
        layout.pad_to_align()
    }

    /// A block without values.
    fn new(places: u8, next: Option<NonNull<Block<T>>>) -> NonNull<Block<T>> {
        let layout = Self::layout(places);
        // SAFETY: the layout is that of the head at least, which is not of size 0.
        let block = unsafe { alloc(layout) };
        let Some(block) = NonNull::new(block.cast::<Block<T>>()) else { handle_alloc_error(layout) };
        // SAFETY: just allocated for it.
        unsafe { block.write(Block { next, places, slots: [] }) };
        block
    }

    /// # Safety
    /// Made by `new`, and not used again. Its values are not dropped.
    unsafe fn free(block: NonNull<Block<T>>) {
        // SAFETY: as the caller promises.
        let places = unsafe { block.as_ref() }.places;
        // SAFETY: allocated with this layout.
        unsafe { dealloc(block.as_ptr().cast(), Self::layout(places)) };
    }

    /// # Safety
    /// The block is alive, and `place` one of its places.
    #[inline(always)]
    unsafe fn slot(block: NonNull<Block<T>>, place: u8) -> *mut T {
        // SAFETY: the block is alive.
        let slots = unsafe { &raw mut (*block.as_ptr()).slots };
        // SAFETY: the allocation goes on for as many values as it has places.
        unsafe { slots.cast::<T>().add(usize::from(place)) }
    }
}

impl<T> Buffer<T> {
    /// Values of no size need no place.
    const COUNTS_ONLY: bool = size_of::<T>() == 0;

    /// For `capacity` values; `None` if so many could never be in memory. `usize::MAX` = unbounded.
    pub(crate) fn bounded(capacity: usize) -> Option<Self> {
        let bytes = capacity.checked_mul(size_of::<T>())?;
        isize::try_from(bytes).ok()?;
        Some(Buffer::with_limit(capacity))
    }

    pub(crate) fn unbounded() -> Self {
        Buffer::with_limit(usize::MAX)
    }

    /// Without room.
    pub(crate) fn nothing() -> Self {
        Buffer::with_limit(0)
    }

    const fn with_limit(limit: usize) -> Self {
        Buffer { len: 0, limit, first: None, last: None, reserved: 0, leave: 0, enter: 0, spares: 0 }
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

    /// How many values it may hold when nothing is reserved. `usize::MAX` = unbounded.
    pub(crate) fn capacity(&self) -> usize {
        self.limit.saturating_add(self.reserved as usize)
    }

    #[inline(always)]
    pub(crate) fn has_room(&self) -> bool {
        self.len < self.limit
    }

    /// Sets the place for one value aside; false if there is no room, or four billion are set aside already.
    pub(crate) fn reserve(&mut self) -> bool {
        if !self.has_room() {
            return false;
        }
        // Without a bound there is nothing to set aside.
        if self.limit != usize::MAX {
            let Some(reserved) = self.reserved.checked_add(1) else { return false };
            self.reserved = reserved;
            self.limit -= 1;
        }
        true
    }

    /// Gives a place that was set aside back.
    pub(crate) fn unreserve(&mut self) {
        if self.limit != usize::MAX {
            self.reserved -= 1;
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
        if !Self::COUNTS_ONLY {
            let last = match self.last {
                // SAFETY: blocks in the list are alive.
                Some(last) if self.enter < unsafe { last.as_ref() }.places => last,
                _ => self.grow(),
            };
            // SAFETY: in the list, and the place is one of its own.
            let slot = unsafe { Block::slot(last, self.enter) };
            // SAFETY: the caller lets the value be read; the slot is free.
            unsafe { slot.copy_from_nonoverlapping(value, 1) };
            self.enter += 1;
        }
        self.len += 1;
        true
    }

    #[inline(always)]
    pub(crate) fn pop(&mut self) -> Option<T> {
        if self.len == 0 {
            return None;
        }
        if Self::COUNTS_ONLY {
            self.len -= 1;
            // SAFETY: a value of no size, which was sent, is counted out.
            return Some(unsafe { NonNull::<T>::dangling().read() });
        }
        // SAFETY: there is a value, and so a block.
        let mut first = unsafe { self.first.unwrap_unchecked() };
        // SAFETY: blocks in the list are alive.
        if self.leave == unsafe { first.as_ref() }.places {
            first = self.shrink(first);
        }
        // SAFETY: in the list, and the place is one of its own.
        let slot = unsafe { Block::slot(first, self.leave) };
        // SAFETY: `leave` stands at a value, which leaves by the next line.
        let value = unsafe { slot.read() };
        self.leave += 1;
        self.len -= 1;
        if self.len == 0 {
            self.rewind();
        }
        Some(value)
    }

    /// Makes the block behind the last one the last one: a spare, or a new one.
    #[cold]
    fn grow(&mut self) -> NonNull<Block<T>> {
        let block = match self.last {
            None => {
                let block = Block::new(self.full().min(Block::<T>::SMALL), None);
                self.first = Some(block);
                self.leave = 0;
                block
            }
            Some(mut last) => {
                let full = self.full();
                // SAFETY: blocks in the list are alive and ours alone.
                let last = unsafe { last.as_mut() };
                match last.next {
                    Some(spare) => {
                        self.spares -= 1;
                        spare
                    }
                    None => *last.next.insert(Block::new(full, None)),
                }
            }
        };
        self.last = Some(block);
        self.enter = 0;
        block
    }

    /// Places of a block that is not the first.
    fn full(&self) -> u8 {
        u8::try_from(self.capacity()).unwrap_or(u8::MAX).min(Block::<T>::FULL)
    }

    /// Takes the first block, read to its end, off the list: the next one is the first.
    #[cold]
    fn shrink(&mut self, mut first: NonNull<Block<T>>) -> NonNull<Block<T>> {
        let keep = if self.limit == usize::MAX { 1 } else { u8::MAX };
        // SAFETY: blocks in the list are alive and ours alone.
        let drained = unsafe { first.as_mut() };
        let (Some(next), Some(mut last)) = (drained.next, self.last) else {
            unreachable!("there is a value, so a block behind this one")
        };
        self.first = Some(next);
        self.leave = 0;
        if drained.places == self.full() && self.spares < keep {
            // SAFETY: blocks in the list are alive and ours alone; it is not `first`.
            drained.next = unsafe { last.as_mut() }.next.replace(first);
            self.spares += 1;
        } else {
            // SAFETY: off the list.
            unsafe { Block::free(first) };
        }
        next
    }

    /// Empty, so `first` is also `last`: start again at its beginning; after a burst without a bound, without a block.
    #[inline(always)]
    fn rewind(&mut self) {
        debug_assert!(self.first == self.last);
        self.leave = 0;
        self.enter = 0;
        if self.spares > 0 && self.limit == usize::MAX {
            self.free_blocks();
        }
    }

    /// Frees the blocks. Their values are not dropped.
    #[cold]
    fn free_blocks(&mut self) {
        let mut next = self.first.take();
        while let Some(block) = next {
            // SAFETY: blocks in the list are alive and ours alone.
            next = unsafe { block.as_ref() }.next;
            // SAFETY: off the list.
            unsafe { Block::free(block) };
        }
        self.last = None;
        self.spares = 0;
    }

    /// Everything that is buffered, for dropping outside of the lock; the buffer is left empty, its limit as it was.
    pub(crate) fn take_all(&mut self) -> Self {
        let mut left = Buffer::with_limit(self.limit);
        left.reserved = self.reserved;
        std::mem::replace(self, left)
    }
}

impl<T> Drop for Buffer<T> {
    fn drop(&mut self) {
        struct Blocks<'b, T>(&'b mut Buffer<T>);
        impl<T> Drop for Blocks<'_, T> {
            fn drop(&mut self) {
                self.0.free_blocks();
            }
        }
        // Also if a value's drop panics.
        let blocks = Blocks(self);
        drop_all(|| blocks.0.pop());
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
