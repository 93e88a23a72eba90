//! The word of a lock that several may hold, in the table of holders: its entries go when it does.
//!
//! Whoever takes a mutex replaces what is left of a forgotten guard of another one that was at the same address; one more
//! reader, or one more permit, does not.
use dormouse_wait::holders;
use std::ops::Deref;

pub(crate) struct Tracked<R>(R);

impl<R> Tracked<R> {
    #[inline]
    pub(crate) const fn new(raw: R) -> Self {
        Tracked(raw)
    }
}

impl<R> Deref for Tracked<R> {
    type Target = R;
    #[inline(always)]
    fn deref(&self) -> &R {
        &self.0
    }
}

impl<R> Drop for Tracked<R> {
    #[inline(always)]
    fn drop(&mut self) {
        holders::clear(&self.0);
    }
}
