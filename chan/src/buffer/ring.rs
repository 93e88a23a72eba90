//! A ring of a fixed capacity, allocated once, exactly as large as asked for.
use std::mem::MaybeUninit;

pub(crate) struct Ring<T> {
    /// The values stand at `head..head + len`, modulo the length of `slots`.
    slots: Box<[MaybeUninit<T>]>,
    head: usize,
    len: usize,
}

impl<T> Ring<T> {
    pub(crate) fn new(capacity: usize) -> Option<Self> {
        let mut slots = Vec::new();
        slots.try_reserve_exact(capacity).ok()?;
        // SAFETY: just reserved, and `MaybeUninit` needs no initialisation. (Zero-sized: always reserved.)
        unsafe { slots.set_len(capacity) };
        Some(Ring { slots: slots.into_boxed_slice(), head: 0, len: 0 })
    }

    pub(crate) fn empty() -> Self {
        Ring { slots: Box::default(), head: 0, len: 0 }
    }

    #[inline(always)]
    pub(crate) fn len(&self) -> usize {
        self.len
    }

    #[inline(always)]
    pub(crate) fn has_room(&self) -> bool {
        self.len < self.slots.len()
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

    /// See [`Buffer::push`](super::Buffer::push).
    ///
    /// # Safety
    /// `value` can be read, and is not used as a value afterwards if the answer is true.
    #[inline(always)]
    pub(crate) unsafe fn push(&mut self, value: *const T) -> bool {
        if !self.has_room() {
            return false;
        }
        let index = self.index(self.len);
        // SAFETY: `index` is below the capacity, which is not 0 as there is room.
        let slot = unsafe { self.slots.get_unchecked_mut(index) };
        // SAFETY: the caller lets the value be read; the slot is free.
        unsafe { slot.as_mut_ptr().copy_from_nonoverlapping(value, 1) };
        self.len += 1;
        true
    }

    #[inline(always)]
    pub(crate) fn pop(&mut self) -> Option<T> {
        if self.len == 0 {
            return None;
        }
        // SAFETY: the head is below the capacity, which is not 0 as there is a value.
        let slot = unsafe { self.slots.get_unchecked(self.head) };
        // SAFETY: the head holds a value, which leaves the ring by the next lines.
        let value = unsafe { slot.assume_init_read() };
        self.head = self.index(1);
        self.len -= 1;
        Some(value)
    }

    /// The values in a ring of their own; this one is left empty, with no capacity.
    pub(crate) fn take_all(&mut self) -> Self {
        std::mem::replace(self, Ring::empty())
    }
}

impl<T> Drop for Ring<T> {
    fn drop(&mut self) {
        if std::mem::needs_drop::<T>() {
            super::drop_rest(self, Ring::pop);
        }
    }
}
