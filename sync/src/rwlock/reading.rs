//! The right to read, without the data, in one pointer: a guard is to stay as small as without the table of holders.
//!
//! The pointer is that of the lock, or, with its lowest bit set, that of a box with the lock and the ticket.
use super::raw::{Access, RawRwLock};
use dormouse_wait::holders::{self, Ticket};
use std::marker::PhantomData;
use std::ptr::NonNull;

/// The lowest bit: there is a ticket.
const ENTERED: usize = 1;

/// Gives the lock back when dropped.
pub(super) struct Reading<'a>(NonNull<()>, PhantomData<(&'a RawRwLock, Box<Entered<'a>>)>);

struct Entered<'a> {
    raw: &'a RawRwLock,
    ticket: Ticket,
}

const _: () = assert!(align_of::<RawRwLock>() > ENTERED && align_of::<Entered<'_>>() > ENTERED);

impl<'a> Reading<'a> {
    /// The caller reads `raw`, and has this ticket for it.
    #[inline]
    pub(super) fn new(raw: &'a RawRwLock, ticket: Ticket) -> Self {
        if ticket == 0 {
            Reading(NonNull::from(raw).cast(), PhantomData)
        } else {
            Reading::entered(raw, ticket)
        }
    }

    #[cold]
    fn entered(raw: &'a RawRwLock, ticket: Ticket) -> Self {
        let entered = NonNull::from(Box::leak(Box::new(Entered { raw, ticket })));
        Reading(entered.cast().map_addr(|addr| addr | ENTERED), PhantomData)
    }

    #[cold]
    fn end_entered(&mut self) {
        let plain = self.0.as_ptr().map_addr(|addr| addr & !ENTERED).cast::<Entered<'a>>();
        // SAFETY: `entered` leaked it, and this, called once by the Drop, is the only one to take it back.
        let Entered { raw, ticket } = *unsafe { Box::from_raw(plain) };
        holders::give_back(raw, ticket);
        raw.unlock(Access::Read);
    }
}

impl Drop for Reading<'_> {
    #[inline]
    fn drop(&mut self) {
        if self.0.addr().get() & ENTERED != 0 {
            return self.end_entered();
        }
        // SAFETY: without the bit it is what `new` was given.
        unsafe { self.0.cast::<RawRwLock>().as_ref() }.unlock(Access::Read);
    }
}
