//! One place of the ring: a value, and who has yet to do what with it.
//!
//! A value is cloned by its receivers, which is user code and so happens without the channel's lock. Until the last of
//! them is done the memory must stay, though the ring goes on. So the value stands in an [`Entry`] of its own, which the
//! slot points to and which whoever is last gives up:
//!
//! | slot | event, under the lock | slot after | entry |
//! |---|---|---|---|
//! | no value | `fill` for n receivers | n are left to come | n users |
//! | n left | `join`: one more receiver | n + 1 left | one more user |
//! | n > 1 left | `share`: a receiver comes | n - 1 left | that receiver stays a user while it copies |
//! | 1 left, nobody copies | `take`: the last receiver comes | no value | the value is moved out, the memory stays for the next |
//! | 1 left, others copy | `take`, `share` | no value, no entry | goes with its users |
//! | n left, nobody copies | `overtake` | no value | the value is moved out, the memory stays |
//! | n left, others copy | `overtake` | no value, no entry | goes with its users |
//!
//! | entry | event, without the lock | entry after |
//! |---|---|---|
//! | n > 1 users | one is done ([`Copying`]'s drop) | n - 1 users |
//! | 1 user | it is done | the value is dropped, the memory freed |
//!
//! Invariants:
//! - B1 users = receivers left to come + receivers that copy. So an entry that a slot with a value points to has a user,
//!   and whoever brings the users to 0 without the lock finds an entry that no slot points to: it is theirs.
//! - B2 the value is written and moved out only under the lock, and only while nobody copies; it is read by those who copy.
//!
//! Ordering: who is done says so by an AcqRel subtraction; whoever then finds itself alone, by its own subtraction or by an
//! Acquire load, sees all of them done.
//!
//! Shared reading asks for `T: Sync`: several receivers may clone one value at the same time (RUSTSEC-2025-0023 is what
//! comes of asking for `Send` alone).
//!
//! Rejected: `Arc<T>` per value, and values in the ring itself (docs/decisions/0007-broadcast.md).
//!
//! Checked by `models::broadcast` (loom sees each access to the value), `tests/broadcast/values.rs`, under valgrind too.
use dormouse_wait::prim::UnsafeCell;
use dormouse_wait::prim::atomic::{AtomicUsize, Ordering::*};
use std::mem::MaybeUninit;
use std::ptr::NonNull;

/// The memory of a value.
struct Entry<T> {
    users: AtomicUsize,
    value: UnsafeCell<MaybeUninit<T>>,
}

/// One place of the ring. All methods are called under the channel's lock.
pub(super) struct Slot<T> {
    /// Receivers that have yet to come for the value; 0 = there is none.
    left: usize,
    /// Memory for a value; there if one is.
    entry: Option<NonNull<Entry<T>>>,
}

// SAFETY: a slot owns its value with those who copy it: they move it (Send) and read it at the same time (Sync).
unsafe impl<T: Send + Sync> Send for Slot<T> {}

/// A receiver's right to copy a value, without the lock.
#[must_use = "the value stays until this is dropped"]
pub(super) struct Copying<T> {
    entry: NonNull<Entry<T>>,
}

/// What a receiver gets that comes for a value.
pub(super) enum Taken<T> {
    /// The value itself: nobody else needs it.
    Value(T),
    Copy(Copying<T>),
}

impl<T> Slot<T> {
    pub(super) const fn empty() -> Self {
        Slot { left: 0, entry: None }
    }

    /// Receivers that have yet to come for the value.
    pub(super) fn left(&self) -> usize {
        self.left
    }

    /// Moves the value at `value` in, for `receivers` (not 0). The slot has no value.
    ///
    /// # Safety
    /// `value` can be read, and is not used as a value afterwards.
    #[inline(always)]
    pub(super) unsafe fn fill(&mut self, value: *const T, receivers: usize) {
        debug_assert!(self.left == 0 && receivers > 0, "a slot is filled once, and for somebody");
        let entry = *self.entry.get_or_insert_with(Entry::blank);
        self.left = receivers;
        // SAFETY: a slot's entry is alive.
        let entry = unsafe { entry.as_ref() };
        // Ordering: Relaxed; others learn of it through the lock.
        entry.users.store(receivers, Relaxed);
        entry.value.with_mut(|place| {
            // SAFETY: B2: no value in the slot, so its entry has no users yet.
            let place = unsafe { &mut *place };
            // SAFETY: the caller lets the value be read; the place is free.
            unsafe { place.as_mut_ptr().copy_from_nonoverlapping(value, 1) };
        });
    }

    /// One more receiver will come for the value, which is there.
    pub(super) fn join(&mut self) {
        let Some(entry) = self.entry.filter(|_| self.left > 0) else { return };
        self.left += 1;
        // SAFETY: a slot's entry is alive.
        // Ordering: Relaxed; as with any count that is raised where it cannot be 0.
        unsafe { entry.as_ref() }.users.fetch_add(1, Relaxed);
    }

    /// A receiver comes for the value, which is there; the last one gets it without a copy if nobody copies it now.
    #[inline(always)]
    pub(super) fn take(&mut self) -> Taken<T> {
        if self.left > 1 {
            return Taken::Copy(self.share());
        }
        // Ordering: Acquire pairs with the subtractions in `Copying::drop`: who copied is done.
        match self.entry {
            // SAFETY: a slot's entry is alive.
            Some(entry) if unsafe { entry.as_ref() }.users.load(Acquire) == 1 => {
                self.left = 0;
                // SAFETY: B2: the one user is the caller; `left` says that the value is gone.
                Taken::Value(unsafe { move_out(entry) })
            }
            _ => Taken::Copy(self.share()),
        }
    }

    /// A receiver comes for the value, which is there.
    #[inline(always)]
    pub(super) fn share(&mut self) -> Copying<T> {
        debug_assert!(self.left > 0, "nobody is left to come");
        self.left -= 1;
        let entry = if self.left > 0 { self.entry } else { self.entry.take() };
        // It stays a user, as it was when it had yet to come: B1.
        Copying { entry: entry.expect("a value has an entry") }
    }

    /// Gives the value up in spite of those who have yet to come for it. It is given back, unless somebody copies it:
    /// then it goes with them.
    pub(super) fn overtake(&mut self) -> Option<T> {
        let left = std::mem::take(&mut self.left);
        let entry = self.entry.filter(|_| left > 0)?;
        // SAFETY: a slot's entry is alive: `left` of its users have yet to come.
        // Ordering: AcqRel pairs with the subtractions in `Copying::drop`: who copied is done, or will find us gone.
        if unsafe { entry.as_ref() }.users.fetch_sub(left, AcqRel) == left {
            // SAFETY: B2: no users any more; `left` says that the value is gone.
            return Some(unsafe { move_out(entry) });
        }
        self.entry = None;
        None
    }
}

impl<T> Drop for Slot<T> {
    fn drop(&mut self) {
        let left = self.overtake();
        if let Some(entry) = self.entry.take() {
            // SAFETY: made by `Entry::blank`; no value is in it and nobody else has it.
            drop(unsafe { Box::from_raw(entry.as_ptr()) });
        }
        drop(left);
    }
}

impl<T> Entry<T> {
    #[cold]
    fn blank() -> NonNull<Entry<T>> {
        let entry = Entry { users: AtomicUsize::new(0), value: UnsafeCell::new(MaybeUninit::uninit()) };
        NonNull::from(Box::leak(Box::new(entry)))
    }
}

/// Moves the value out of `entry`.
///
/// # Safety
/// The entry is alive, has a value, which is not used as one afterwards, and nobody else touches it now.
#[inline(always)]
unsafe fn move_out<T>(entry: NonNull<Entry<T>>) -> T {
    // SAFETY: alive, as the caller promises.
    let entry = unsafe { entry.as_ref() };
    entry.value.with_mut(|place| {
        // SAFETY: the caller is alone.
        let place = unsafe { &*place };
        // SAFETY: there is a value, which leaves here, once.
        unsafe { place.assume_init_read() }
    })
}

impl<T: Clone> Copying<T> {
    /// A copy of the value. With no lock held: this is user code.
    #[inline(always)]
    pub(super) fn copy(self) -> T {
        // SAFETY: B1: the entry lives until this is dropped.
        let entry = unsafe { self.entry.as_ref() };
        entry.value.with(|place| {
            // SAFETY: B2: nobody writes while we are a user.
            let place = unsafe { &*place };
            // SAFETY: there is a value while it has users.
            unsafe { place.assume_init_ref() }.clone()
        })
    }
}

impl<T> Drop for Copying<T> {
    #[inline(always)]
    fn drop(&mut self) {
        // SAFETY: B1: the entry lives until this subtraction.
        // Ordering: AcqRel pairs with the other subtractions, and with the load in `Slot::take`.
        if unsafe { self.entry.as_ref() }.users.fetch_sub(1, AcqRel) == 1 {
            // SAFETY: B1: no user, and no slot points to it.
            unsafe { give_up(self.entry) };
        }
    }
}

/// Drops the value of an entry, and frees it.
///
/// # Safety
/// The entry has a value, and nobody else has the entry.
#[cold]
unsafe fn give_up<T>(entry: NonNull<Entry<T>>) {
    // SAFETY: as the caller promises.
    let value = unsafe { move_out(entry) };
    // SAFETY: made by `Entry::blank`, and nobody else's.
    drop(unsafe { Box::from_raw(entry.as_ptr()) });
    drop(value);
}
