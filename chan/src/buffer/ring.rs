//! A ring of a fixed capacity, allocated once, in a power of two of places. It does not know how many values it holds
//! nor how many it may: [`Buffer`](super::Buffer) does, and drops them.
use std::mem::MaybeUninit;

pub(crate) struct Ring<T> {
    /// The values stand at `head..head + len`, modulo the number of places, a power of two (or none).
    places: Box<[MaybeUninit<T>]>,
    head: usize,
}

impl<T> Ring<T> {
    /// Places for `capacity` values; `None` if their memory cannot be had.
    pub(crate) fn new(capacity: usize) -> Option<Self> {
        let count = match capacity {
            0 => 0,
            _ if size_of::<T>() == 0 => 1, // all values stand in the same place
            _ => capacity.checked_next_power_of_two()?,
        };
        let mut places = Vec::new();
        places.try_reserve_exact(count).ok()?;
        // SAFETY: just reserved, and `MaybeUninit` needs no initialisation. (Zero-sized: always reserved.)
        unsafe { places.set_len(count) };
        Some(Ring { places: places.into_boxed_slice(), head: 0 })
    }

    pub(crate) fn empty() -> Self {
        Ring { places: Box::default(), head: 0 }
    }

    /// The place that is `offset` behind the head. There are places.
    #[inline(always)]
    fn index(&self, offset: usize) -> usize {
        self.head.wrapping_add(offset) & self.places.len().wrapping_sub(1)
    }

    /// Moves the value at `value` in.
    ///
    /// # Safety
    /// The ring holds `len` values and has room for one more; `value` can be read, and is not used as a value afterwards.
    #[inline(always)]
    pub(crate) unsafe fn push(&mut self, len: usize, value: *const T) {
        let index = self.index(len);
        // SAFETY: masked by the number of places, which is not 0 as there is room.
        let slot = unsafe { self.places.get_unchecked_mut(index) };
        // SAFETY: the caller lets the value be read; the slot is free.
        unsafe { slot.as_mut_ptr().copy_from_nonoverlapping(value, 1) };
    }

    /// Moves the first value out.
    ///
    /// # Safety
    /// The ring holds a value; it is not counted afterwards.
    #[inline(always)]
    pub(crate) unsafe fn pop(&mut self) -> T {
        // SAFETY: the head is masked by the number of places, which is not 0 as there is a value.
        let slot = unsafe { self.places.get_unchecked(self.head) };
        // SAFETY: the head holds a value, which leaves the ring by the next line.
        let value = unsafe { slot.assume_init_read() };
        self.head = self.index(1);
        value
    }
}
