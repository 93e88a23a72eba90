//! A list of blocks without a bound. Memory follows the contents: a drained block is freed, but for one spare that
//! saves a queue of steady length the allocator. A queue that is empty after more than a block's worth has no block at
//! all; a shorter one keeps the block that it stands in. How many values there are, [`Buffer`](super::Buffer) knows.
use std::mem::MaybeUninit;
use std::ptr::{self, NonNull};

/// Values per block.
const BLOCK: u8 = 32;

struct Block<T> {
    next: Option<NonNull<Block<T>>>,
    slots: [MaybeUninit<T>; BLOCK as usize],
}

pub(crate) struct Blocks<T> {
    /// `first` is where values leave, `last` where they enter; both or neither are there.
    first: Option<NonNull<Block<T>>>,
    last: Option<NonNull<Block<T>>>,
    spare: Option<NonNull<Block<T>>>,
    /// The next place to read in `first`, and to write in `last`; `enter` is at most `BLOCK`.
    leave: u8,
    enter: u8,
}

impl<T> Blocks<T> {
    pub(crate) const fn new() -> Self {
        Blocks { first: None, last: None, spare: None, leave: 0, enter: BLOCK }
    }

    /// Moves the value at `value` in.
    ///
    /// # Safety
    /// `value` can be read, and is not used as a value afterwards.
    #[inline(always)]
    pub(crate) unsafe fn push(&mut self, value: *const T) {
        let last = match self.last {
            Some(last) if self.enter < BLOCK => last,
            _ => self.grow(),
        };
        // SAFETY: blocks in the list are alive and ours alone; `enter` is below BLOCK.
        let slot = unsafe { &mut (*last.as_ptr()).slots };
        // SAFETY: the caller lets the value be read; the slot is free.
        unsafe { slot[usize::from(self.enter)].as_mut_ptr().copy_from_nonoverlapping(value, 1) };
        self.enter += 1;
    }

    /// Appends an empty block.
    #[cold]
    fn grow(&mut self) -> NonNull<Block<T>> {
        let block = self.spare.take().unwrap_or_else(new_block);
        match self.last {
            Some(mut last) => {
                // SAFETY: blocks in the list are alive and ours alone.
                unsafe { last.as_mut() }.next = Some(block);
            }
            None => {
                self.first = Some(block);
                self.leave = 0;
            }
        }
        self.last = Some(block);
        self.enter = 0;
        block
    }

    /// Moves the first value out; `left` values stay.
    ///
    /// # Safety
    /// There are `left + 1` values.
    #[inline(always)]
    pub(crate) unsafe fn pop(&mut self, left: usize) -> T {
        if self.leave == BLOCK {
            self.shrink();
        }
        // SAFETY: there is a value, and so a block.
        let first = unsafe { self.first.unwrap_unchecked() };
        // SAFETY: blocks in the list are alive and ours alone.
        let slots = unsafe { &(*first.as_ptr()).slots };
        // SAFETY: `leave` stands at a value, which leaves by the next line.
        let value = unsafe { slots[usize::from(self.leave)].assume_init_read() };
        self.leave += 1;
        if left == 0 {
            self.rewind();
        }
        value
    }

    /// Empty, so `first` is also `last`: start again at its beginning; or without a block, if there were several.
    #[inline(always)]
    fn rewind(&mut self) {
        debug_assert!(self.first == self.last);
        self.leave = 0;
        self.enter = 0;
        if self.spare.is_some() {
            self.free_all();
        }
    }

    #[cold]
    fn free_all(&mut self) {
        self.spare.take().into_iter().for_each(free);
        self.first.take().into_iter().for_each(free);
        self.last = None;
        self.enter = BLOCK;
    }

    /// Takes the first block, read to its end, off the list.
    #[cold]
    fn shrink(&mut self) {
        let Some(first) = self.first else { return };
        // SAFETY: blocks in the list are alive and ours alone.
        self.first = unsafe { first.as_ref() }.next;
        self.leave = 0;
        match self.spare {
            None => {
                // SAFETY: the block has just left the list and is ours.
                unsafe { (*first.as_ptr()).next = None };
                self.spare = Some(first);
            }
            Some(_) => free(first),
        }
    }
}

fn new_block<T>() -> NonNull<Block<T>> {
    let mut block = Box::<Block<T>>::new_uninit();
    let next = {
        // SAFETY: the allocation is a block's; only the place of the field is taken.
        unsafe { &raw mut (*block.as_mut_ptr()).next }
    };
    // SAFETY: the field is ours to write.
    unsafe { ptr::write(next, None) };
    // SAFETY: `next` is written, and the slots need no initialisation.
    NonNull::from(Box::leak(unsafe { block.assume_init() }))
}

/// Frees a block that has left the list.
fn free<T>(block: NonNull<Block<T>>) {
    // SAFETY: made by `new_block`, off the list, and not used again by the caller. Slots are not dropped.
    drop(unsafe { Box::from_raw(block.as_ptr()) });
}

impl<T> Drop for Blocks<T> {
    /// Frees the blocks; [`Buffer`](super::Buffer) has taken the values out.
    fn drop(&mut self) {
        let mut next = self.first;
        while let Some(block) = next {
            // SAFETY: blocks in the list are alive and ours alone.
            next = unsafe { block.as_ref() }.next;
            free(block);
        }
        if let Some(spare) = self.spare {
            free(spare);
        }
    }
}
