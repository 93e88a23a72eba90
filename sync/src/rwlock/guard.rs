//! The guards that borrow their lock: the right to read or to write its data, or a part of it.
//!
//! A guard that is mapped goes over into the new one without unlocking. A write guard can become a read guard, so it is
//! Send and Sync only where both are; a mapped one cannot, and stands for a `&mut U`.
use super::RwLock;
use super::raw::{Access, RawRwLock};
use super::reading::Reading;
use dormouse_wait::frame::Site;
use dormouse_wait::holders::{self, Ticket};
use std::marker::PhantomData;
use std::ops::{Deref, DerefMut};
use std::ptr::NonNull;

/// The right to read the data of an [`RwLock`], or a part of it; unlocks when dropped. From [`RwLock::read`].
#[must_use = "the lock is released when its guard is dropped"]
#[clippy::has_significant_drop]
pub struct RwLockReadGuard<'a, T: ?Sized> {
    reading: Reading<'a>,
    data: NonNull<T>,
    _data: PhantomData<&'a T>,
}

// SAFETY: it stands for a `&T` and a `&RawRwLock`, and a lock may be given up by another thread than took it.
unsafe impl<T: ?Sized + Sync> Send for RwLockReadGuard<'_, T> {}
// SAFETY: sharing it shares `T`.
unsafe impl<T: ?Sized + Sync> Sync for RwLockReadGuard<'_, T> {}

impl<'a, T: ?Sized> RwLockReadGuard<'a, T> {
    /// The caller reads `lock`, taken at `site`, and hands that over to the guard.
    #[inline]
    pub(super) fn new(lock: &'a RwLock<T>, site: Site) -> Self {
        RwLockReadGuard::entered(lock, enter_reader(&lock.raw, site))
    }

    /// The same, with this ticket for it.
    #[inline]
    fn entered(lock: &'a RwLock<T>, ticket: Ticket) -> Self {
        RwLockReadGuard { reading: Reading::new(&lock.raw, ticket), data: lock.shared(), _data: PhantomData }
    }

    /// Narrows the guard to a part of the data. If `f` panics, the lock is released.
    ///
    /// A function, not a method, as all the following: a method could hide one of the data.
    pub fn map<U: ?Sized>(this: Self, f: impl FnOnce(&T) -> &U) -> RwLockReadGuard<'a, U> {
        let data = NonNull::from(f(&this));
        this.narrow(data)
    }

    /// Narrows the guard to a part of the data that may be missing.
    ///
    /// # Errors
    /// The guard comes back if `f` gives `None`.
    pub fn try_map<U: ?Sized>(
        this: Self,
        f: impl FnOnce(&T) -> Option<&U>,
    ) -> Result<RwLockReadGuard<'a, U>, Self> {
        match f(&this).map(NonNull::from) {
            Some(data) => Ok(this.narrow(data)),
            None => Err(this),
        }
    }

    fn narrow<U: ?Sized>(self, data: NonNull<U>) -> RwLockReadGuard<'a, U> {
        RwLockReadGuard { reading: self.reading, data, _data: PhantomData }
    }
}

impl<T: ?Sized> Deref for RwLockReadGuard<'_, T> {
    type Target = T;
    #[inline]
    fn deref(&self) -> &T {
        // SAFETY: the guard excludes writers, and the pointer comes from the data or a `&T` into it.
        unsafe { self.data.as_ref() }
    }
}

/// A reader's ticket.
#[inline(always)]
pub(super) fn enter_reader(raw: &RawRwLock, site: Site) -> Ticket {
    holders::share(raw, site, 1, || raw.held().1 == 1)
}

/// The end of every write guard.
#[inline(always)]
pub(super) fn unlock_write(raw: &RawRwLock) {
    // Before: then it may be the next one's.
    holders::disown(raw);
    raw.unlock(Access::Write);
}

/// The right to write the data of an [`RwLock`]; unlocks when dropped. From [`RwLock::write`].
#[must_use = "the lock is released when its guard is dropped"]
#[clippy::has_significant_drop]
pub struct RwLockWriteGuard<'a, T: ?Sized> {
    lock: &'a RwLock<T>,
    _data: PhantomData<&'a mut T>,
}

impl<'a, T: ?Sized> RwLockWriteGuard<'a, T> {
    /// The caller has locked `lock`, at `site`, and hands that over to the guard.
    #[inline]
    pub(super) fn new(lock: &'a RwLock<T>, site: Site) -> Self {
        holders::own(&lock.raw, site);
        RwLockWriteGuard { lock, _data: PhantomData }
    }

    /// Becomes a reader, without letting a writer in between. All readers that wait are admitted, too.
    ///
    /// ```
    /// use dormouse_sync::{RwLock, RwLockWriteGuard};
    ///
    /// let lock = RwLock::new(1);
    /// let mut guard = lock.try_write().unwrap();
    /// *guard = 2;
    /// let guard = RwLockWriteGuard::downgrade(guard);
    /// assert_eq!(*guard, *lock.try_read().unwrap());
    /// ```
    pub fn downgrade(this: Self) -> RwLockReadGuard<'a, T> {
        let lock = this.lock;
        std::mem::forget(this);
        let ticket = holders::downgrade(&lock.raw);
        lock.raw.downgrade();
        RwLockReadGuard::entered(lock, ticket)
    }

    /// Narrows the guard to a part of the data. If `f` panics, the lock is released.
    ///
    /// ```
    /// use dormouse_sync::{RwLock, RwLockWriteGuard};
    ///
    /// let lock = RwLock::new((1, "one"));
    /// let mut number = RwLockWriteGuard::map(lock.try_write().unwrap(), |pair| &mut pair.0);
    /// *number = 2;
    /// drop(number);
    /// assert_eq!(lock.into_inner(), (2, "one"));
    /// ```
    pub fn map<U: ?Sized>(mut this: Self, f: impl FnOnce(&mut T) -> &mut U) -> MappedRwLockWriteGuard<'a, U> {
        let data = NonNull::from(f(&mut this));
        this.narrow(data)
    }

    /// Narrows the guard to a part of the data that may be missing.
    ///
    /// # Errors
    /// The guard comes back if `f` gives `None`.
    pub fn try_map<U: ?Sized>(
        mut this: Self,
        f: impl FnOnce(&mut T) -> Option<&mut U>,
    ) -> Result<MappedRwLockWriteGuard<'a, U>, Self> {
        match f(&mut this).map(NonNull::from) {
            Some(data) => Ok(this.narrow(data)),
            None => Err(this),
        }
    }

    fn narrow<U: ?Sized>(self, data: NonNull<U>) -> MappedRwLockWriteGuard<'a, U> {
        let raw = &self.lock.raw;
        std::mem::forget(self);
        MappedRwLockWriteGuard { raw, data, _data: PhantomData }
    }
}

impl<T: ?Sized> Deref for RwLockWriteGuard<'_, T> {
    type Target = T;
    #[inline]
    fn deref(&self) -> &T {
        self.lock.data.with(|data| {
            // SAFETY: the guard holds the lock.
            unsafe { &*data }
        })
    }
}

impl<T: ?Sized> DerefMut for RwLockWriteGuard<'_, T> {
    #[inline]
    fn deref_mut(&mut self) -> &mut T {
        self.lock.data.with_mut(|data| {
            // SAFETY: the guard holds the lock and is borrowed exclusively.
            unsafe { &mut *data }
        })
    }
}

impl<T: ?Sized> Drop for RwLockWriteGuard<'_, T> {
    #[inline]
    fn drop(&mut self) {
        unlock_write(&self.lock.raw);
    }
}

/// The right to write a part of the data of an [`RwLock`]; unlocks when dropped. From [`RwLockWriteGuard::map`].
#[must_use = "the lock is released when its guard is dropped"]
#[clippy::has_significant_drop]
pub struct MappedRwLockWriteGuard<'a, U: ?Sized> {
    raw: &'a RawRwLock,
    data: NonNull<U>,
    _data: PhantomData<&'a mut U>,
}

// SAFETY: it stands for a `&mut U` and a `&RawRwLock`, and a lock may be given up by another thread than took it.
unsafe impl<U: ?Sized + Send> Send for MappedRwLockWriteGuard<'_, U> {}
// SAFETY: sharing it shares `U`.
unsafe impl<U: ?Sized + Sync> Sync for MappedRwLockWriteGuard<'_, U> {}

impl<'a, U: ?Sized> MappedRwLockWriteGuard<'a, U> {
    /// Narrows the guard further. If `f` panics, the lock is released.
    pub fn map<V: ?Sized>(mut this: Self, f: impl FnOnce(&mut U) -> &mut V) -> MappedRwLockWriteGuard<'a, V> {
        let data = NonNull::from(f(&mut this));
        let raw = this.raw;
        std::mem::forget(this);
        MappedRwLockWriteGuard { raw, data, _data: PhantomData }
    }
}

impl<U: ?Sized> Deref for MappedRwLockWriteGuard<'_, U> {
    type Target = U;
    #[inline]
    fn deref(&self) -> &U {
        // SAFETY: the guard holds the lock, and the pointer comes from a `&mut U` into its data.
        unsafe { self.data.as_ref() }
    }
}

impl<U: ?Sized> DerefMut for MappedRwLockWriteGuard<'_, U> {
    #[inline]
    fn deref_mut(&mut self) -> &mut U {
        // SAFETY: as for `deref`, and the guard is borrowed exclusively.
        unsafe { self.data.as_mut() }
    }
}

impl<U: ?Sized> Drop for MappedRwLockWriteGuard<'_, U> {
    #[inline]
    fn drop(&mut self) {
        unlock_write(self.raw);
    }
}

crate::guard_formats!(T: [] RwLockReadGuard<'_, T>);
crate::guard_formats!(T: [] RwLockWriteGuard<'_, T>);
crate::guard_formats!(U: [] MappedRwLockWriteGuard<'_, U>);
