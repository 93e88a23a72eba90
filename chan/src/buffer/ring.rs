//! A ring of a fixed capacity, allocated once, exactly as large as asked for. It does not know how many values it
//! holds: [`Buffer`](super::Buffer) does, and drops them.
use std::mem::MaybeUninit;

pub(crate) struct Ring<T> {
    /// The values stand at `head..head + len`, modulo the length of `slots`.
    slots: Box<[MaybeUninit<T>]>,
    head: usize,
}

impl<T> Ring<T> {
    pub(crate) fn new(capacity: usize) -> Option<Self> {
        let mut slots = Vec::new();
        slots.try_reserve_exact(capacity).ok()?;
        // SAFETY: just reserved, and `MaybeUninit` needs no initialisation. (Zero-sized: always reserved.)
        unsafe { slots.set_len(capacity) };
        Some(Ring { slots: slots.into_boxed_slice(), head: 0 })
    }

    pub(crate) fn empty() -> Self {
        Ring { slots: Box::default(), head: 0 }
    }

    /// The place that is `offset` (at most the capacity) behind the head.
    #[inline(always)]
    fn index(&self, offset: usize) -> usize {
        if size_of::<T>() == 0 {
            return 0; // a capacity near usize::MAX would overflow the sum
        }
        let index = self.head + offset;
        if index >= self.slots.len() { index - self.slots.len() } else { index }
    }

    /// Moves the value at `value` in.
    ///
    /// # Safety
    /// The ring holds `len` values and has room for one more; `value` can be read, and is not used as a value afterwards.
    #[inline(always)]
    pub(crate) unsafe fn push(&mut self, len: usize, value: *const T) {
        let index = self.index(len);
        // SAFETY: `index` is below the capacity, which is not 0 as there is room.
        let slot = unsafe { self.slots.get_unchecked_mut(index) };
        // SAFETY: the caller lets the value be read; the slot is free.
        unsafe { slot.as_mut_ptr().copy_from_nonoverlapping(value, 1) };
    }

    /// Moves the first value out.
    ///
    /// # Safety
    /// The ring holds a value; it is not counted afterwards.
    #[inline(always)]
    pub(crate) unsafe fn pop(&mut self) -> T {
        // SAFETY: the head is below the capacity, which is not 0 as there is a value.
        let slot = unsafe { self.slots.get_unchecked(self.head) };
        // SAFETY: the head holds a value, which leaves the ring by the next line.
        let value = unsafe { slot.assume_init_read() };
        self.head = self.index(1);
        value
    }
}
