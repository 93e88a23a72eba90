//! The guards that keep their lock alive, as those of `guard` otherwise.
use super::RwLock;
use super::guard::{enter_reader, unlock_write};
use super::raw::Access;
use dormouse_wait::frame::Site;
use dormouse_wait::holders::{self, Ticket};
use std::marker::PhantomData;
use std::mem::ManuallyDrop;
use std::ops::{Deref, DerefMut};
use std::ptr::NonNull;
use std::sync::Arc;

/// Unlocks when dropped; owned, for guards that take their parts out of one another.
struct Held<T: ?Sized, const WRITES: bool>(Arc<RwLock<T>>, Ticket);

impl<T: ?Sized, const WRITES: bool> Drop for Held<T, WRITES> {
    #[inline]
    fn drop(&mut self) {
        if WRITES {
            return unlock_write(&self.0.raw);
        }
        holders::give_back(&self.0.raw, self.1);
        self.0.raw.unlock(Access::Read);
    }
}

impl<T: ?Sized> Held<T, true> {
    fn downgrade(self) -> Held<T, false> {
        let ticket = holders::downgrade(&self.0.raw);
        self.0.raw.downgrade();
        let this = ManuallyDrop::new(self);
        // SAFETY: what is read is not dropped where it was.
        Held(unsafe { std::ptr::read(&this.0) }, ticket)
    }
}

/// The right to read the data of an [`RwLock`], which it keeps alive, or a part of it; unlocks when dropped. From
/// [`RwLock::read_owned`].
#[must_use = "the lock is released when its guard is dropped"]
#[clippy::has_significant_drop]
pub struct OwnedRwLockReadGuard<T: ?Sized, U: ?Sized = T> {
    held: Held<T, false>,
    data: NonNull<U>,
    _data: PhantomData<*const U>,
}

// SAFETY: it stands for a `&U` and an `Arc<RwLock<T>>`, whose last holder drops `T`.
unsafe impl<T: ?Sized + Send + Sync, U: ?Sized + Sync> Send for OwnedRwLockReadGuard<T, U> {}
// SAFETY: sharing it shares `U` and the `Arc<RwLock<T>>`.
unsafe impl<T: ?Sized + Send + Sync, U: ?Sized + Sync> Sync for OwnedRwLockReadGuard<T, U> {}

impl<T: ?Sized> OwnedRwLockReadGuard<T> {
    /// The caller reads `lock`, taken at `site`, and hands that over to the guard.
    #[inline]
    pub(super) fn new(lock: Arc<RwLock<T>>, site: Site) -> Self {
        let (data, ticket) = (lock.shared(), enter_reader(&lock.raw, site));
        OwnedRwLockReadGuard { held: Held(lock, ticket), data, _data: PhantomData }
    }
}

impl<T: ?Sized, U: ?Sized> OwnedRwLockReadGuard<T, U> {
    /// The lock that this guard holds.
    ///
    /// A function, not a method, as all the following: a method could hide one of the data.
    pub fn rwlock(this: &Self) -> &Arc<RwLock<T>> {
        &this.held.0
    }

    /// Narrows the guard to a part of the data. If `f` panics, the lock is released.
    pub fn map<V: ?Sized>(this: Self, f: impl FnOnce(&U) -> &V) -> OwnedRwLockReadGuard<T, V> {
        let data = NonNull::from(f(&this));
        OwnedRwLockReadGuard { held: this.held, data, _data: PhantomData }
    }

    /// Narrows the guard to a part of the data that may be missing.
    ///
    /// # Errors
    /// The guard comes back if `f` gives `None`.
    pub fn try_map<V: ?Sized>(
        this: Self,
        f: impl FnOnce(&U) -> Option<&V>,
    ) -> Result<OwnedRwLockReadGuard<T, V>, Self> {
        match f(&this).map(NonNull::from) {
            Some(data) => Ok(OwnedRwLockReadGuard { held: this.held, data, _data: PhantomData }),
            None => Err(this),
        }
    }
}

impl<T: ?Sized, U: ?Sized> Deref for OwnedRwLockReadGuard<T, U> {
    type Target = U;
    #[inline]
    fn deref(&self) -> &U {
        // SAFETY: the guard excludes writers and keeps the data alive, which the pointer points into.
        unsafe { self.data.as_ref() }
    }
}

/// The right to write the data of an [`RwLock`], which it keeps alive; unlocks when dropped. From
/// [`RwLock::write_owned`].
#[must_use = "the lock is released when its guard is dropped"]
#[clippy::has_significant_drop]
pub struct OwnedRwLockWriteGuard<T: ?Sized> {
    held: Held<T, true>,
    _data: PhantomData<T>,
}

impl<T: ?Sized> OwnedRwLockWriteGuard<T> {
    /// The caller has locked `lock`, at `site`, and hands that over to the guard.
    #[inline]
    pub(super) fn new(lock: Arc<RwLock<T>>, site: Site) -> Self {
        holders::own(&lock.raw, site);
        OwnedRwLockWriteGuard { held: Held(lock, 0), _data: PhantomData }
    }

    /// The lock that this guard holds.
    pub fn rwlock(this: &Self) -> &Arc<RwLock<T>> {
        &this.held.0
    }

    /// Becomes a reader, without letting a writer in between. All readers that wait are admitted, too.
    pub fn downgrade(this: Self) -> OwnedRwLockReadGuard<T> {
        let held = this.held.downgrade();
        let data = held.0.shared();
        OwnedRwLockReadGuard { held, data, _data: PhantomData }
    }

    /// Narrows the guard to a part of the data. If `f` panics, the lock is released.
    pub fn map<U: ?Sized>(
        mut this: Self,
        f: impl FnOnce(&mut T) -> &mut U,
    ) -> OwnedMappedRwLockWriteGuard<T, U> {
        let data = NonNull::from(f(&mut this));
        OwnedMappedRwLockWriteGuard { held: this.held, data, _data: PhantomData }
    }

    /// Narrows the guard to a part of the data that may be missing.
    ///
    /// # Errors
    /// The guard comes back if `f` gives `None`.
    pub fn try_map<U: ?Sized>(
        mut this: Self,
        f: impl FnOnce(&mut T) -> Option<&mut U>,
    ) -> Result<OwnedMappedRwLockWriteGuard<T, U>, Self> {
        match f(&mut this).map(NonNull::from) {
            Some(data) => Ok(OwnedMappedRwLockWriteGuard { held: this.held, data, _data: PhantomData }),
            None => Err(this),
        }
    }
}

impl<T: ?Sized> Deref for OwnedRwLockWriteGuard<T> {
    type Target = T;
    #[inline]
    fn deref(&self) -> &T {
        self.held.0.data.with(|data| {
            // SAFETY: the guard holds the lock.
            unsafe { &*data }
        })
    }
}

impl<T: ?Sized> DerefMut for OwnedRwLockWriteGuard<T> {
    #[inline]
    fn deref_mut(&mut self) -> &mut T {
        self.held.0.data.with_mut(|data| {
            // SAFETY: the guard holds the lock and is borrowed exclusively.
            unsafe { &mut *data }
        })
    }
}

/// The right to write a part of the data of an [`RwLock`], which it keeps alive; unlocks when dropped. From
/// [`OwnedRwLockWriteGuard::map`].
#[must_use = "the lock is released when its guard is dropped"]
#[clippy::has_significant_drop]
pub struct OwnedMappedRwLockWriteGuard<T: ?Sized, U: ?Sized = T> {
    held: Held<T, true>,
    data: NonNull<U>,
    /// Invariant in `U`, as a `&mut U` is.
    _data: PhantomData<*mut U>,
}

// SAFETY: it stands for a `&mut U` and an `Arc<RwLock<T>>`, whose last holder drops `T`.
unsafe impl<T: ?Sized + Send + Sync, U: ?Sized + Send> Send for OwnedMappedRwLockWriteGuard<T, U> {}
// SAFETY: sharing it shares `U` and the `Arc<RwLock<T>>`.
unsafe impl<T: ?Sized + Send + Sync, U: ?Sized + Sync> Sync for OwnedMappedRwLockWriteGuard<T, U> {}

impl<T: ?Sized, U: ?Sized> OwnedMappedRwLockWriteGuard<T, U> {
    /// Narrows the guard further. If `f` panics, the lock is released.
    pub fn map<V: ?Sized>(
        mut this: Self,
        f: impl FnOnce(&mut U) -> &mut V,
    ) -> OwnedMappedRwLockWriteGuard<T, V> {
        let data = NonNull::from(f(&mut this));
        OwnedMappedRwLockWriteGuard { held: this.held, data, _data: PhantomData }
    }
}

impl<T: ?Sized, U: ?Sized> Deref for OwnedMappedRwLockWriteGuard<T, U> {
    type Target = U;
    #[inline]
    fn deref(&self) -> &U {
        // SAFETY: the guard holds the lock and keeps the data alive, which the pointer's `&mut U` came from.
        unsafe { self.data.as_ref() }
    }
}

impl<T: ?Sized, U: ?Sized> DerefMut for OwnedMappedRwLockWriteGuard<T, U> {
    #[inline]
    fn deref_mut(&mut self) -> &mut U {
        // SAFETY: as for `deref`, and the guard is borrowed exclusively.
        unsafe { self.data.as_mut() }
    }
}

crate::guard_formats!(U: [T: ?Sized,] OwnedRwLockReadGuard<T, U>);
crate::guard_formats!(T: [] OwnedRwLockWriteGuard<T>);
crate::guard_formats!(U: [T: ?Sized,] OwnedMappedRwLockWriteGuard<T, U>);
