//! The orders in which a select looks at its arms: for choosing, and for locking.
use std::mem::MaybeUninit;

/// The largest number of arms.
pub(crate) const MAX_ARMS: usize = 64;

/// A permutation of the arms: as written, or uniformly random, drawn one by one as it is asked for (Fisher-Yates).
pub(crate) struct Choice {
    arms: [u8; MAX_ARMS],
    len: usize,
    next: usize,
    biased: bool,
}

impl Choice {
    #[inline(always)]
    pub(crate) fn new(len: usize, biased: bool) -> Self {
        assert!(len <= MAX_ARMS, "select! takes up to {MAX_ARMS} arms");
        let mut arms = [0; MAX_ARMS];
        for (i, arm) in arms[..len].iter_mut().enumerate() {
            *arm = i as u8;
        }
        Choice { arms, len, next: 0, biased }
    }

    /// Starts over; the arms that were drawn so far are drawn anew.
    pub(crate) fn again(&mut self) {
        self.next = 0;
    }
}

impl Iterator for Choice {
    type Item = usize;

    #[inline(always)]
    fn next(&mut self) -> Option<usize> {
        let left = self.len - self.next;
        if left == 0 {
            return None;
        }
        if !self.biased && left > 1 {
            let drawn = dormouse_wait::random::below(left as u32) as usize;
            self.arms.swap(self.next, self.next + drawn);
        }
        self.next += 1;
        Some(self.arms[self.next - 1] as usize)
    }
}

/// Arms sorted by the address of their channel, so that locks are taken in one order everywhere (I10).
pub(crate) struct ByAddress {
    arms: [MaybeUninit<(usize, u8)>; MAX_ARMS],
    len: usize,
}

impl ByAddress {
    #[inline]
    pub(crate) fn new() -> Self {
        ByAddress { arms: [const { MaybeUninit::uninit() }; MAX_ARMS], len: 0 }
    }

    /// Puts an arm in its place (insertion: few arms, mostly in order already).
    #[inline]
    pub(crate) fn insert(&mut self, address: usize, arm: usize) {
        let mut place = self.len;
        while place > 0 && self.get(place - 1).0 > address {
            self.arms[place] = self.arms[place - 1];
            place -= 1;
        }
        self.arms[place].write((address, arm as u8));
        self.len += 1;
    }

    fn get(&self, place: usize) -> (usize, u8) {
        debug_assert!(place < self.len);
        // SAFETY: the first `len` are written.
        unsafe { self.arms[place].assume_init() }
    }

    /// The arms of which each channel has one, in order of address.
    #[inline]
    pub(crate) fn distinct(&self) -> impl Iterator<Item = usize> {
        (0..self.len)
            .filter(|&place| place == 0 || self.get(place - 1).0 != self.get(place).0)
            .map(|place| usize::from(self.get(place).1))
    }
}
