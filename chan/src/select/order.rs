//! The orders in which a select looks at its arms: for choosing, and for locking.
use std::mem::MaybeUninit;

/// The largest number of arms.
pub(crate) const MAX_ARMS: usize = 64;

/// A permutation of the arms: as written, or uniformly random, drawn one by one as it is asked for.
pub(crate) struct Choice {
    /// The arms that were not drawn yet, a bit each.
    left: u64,
    all: u64,
    biased: bool,
}

impl Choice {
    #[inline(always)]
    pub(crate) fn new(len: usize, biased: bool) -> Self {
        assert!(len <= MAX_ARMS, "select! takes up to {MAX_ARMS} arms");
        let all = if len == 0 { 0 } else { u64::MAX >> (MAX_ARMS - len) };
        Choice { left: all, all, biased }
    }

    /// Starts over; the arms that were drawn so far are drawn anew.
    pub(crate) fn again(&mut self) {
        self.left = self.all;
    }
}

impl Iterator for Choice {
    type Item = usize;

    #[inline(always)]
    fn next(&mut self) -> Option<usize> {
        if self.left == 0 {
            return None;
        }
        let mut tail = self.left;
        if !self.biased {
            for _ in 0..dormouse_wait::random::below(self.left.count_ones()) {
                tail &= tail - 1; // drops the lowest bit
            }
        }
        let arm = tail.trailing_zeros();
        self.left &= !(1 << arm);
        Some(arm as usize)
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
