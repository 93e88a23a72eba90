//! The guards: the right to the data of a locked mutex, or to a part of it; each unlocks when dropped.
//!
//! A guard that is mapped goes over into the new one without unlocking. `Sync` needs `T: Sync` for all of them, though a
//! mutex needs only `T: Send`: a shared guard shares the data.
use super::Mutex;
use super::raw::RawMutex;
use dormouse_wait::frame::Site;
use dormouse_wait::holders;
use std::marker::PhantomData;
use std::ops::{Deref, DerefMut};
use std::ptr::NonNull;
use std::sync::Arc;

/// The end of every guard.
#[inline(always)]
fn unlock(raw: &RawMutex) {
    // Before: then it may be the next one's.
    holders::disown(raw);
    raw.unlock();
}

/// Unlocks when dropped; owned, for guards that take their parts out of one another.
struct Held<T: ?Sized>(Arc<Mutex<T>>);

impl<T: ?Sized> Drop for Held<T> {
    #[inline]
    fn drop(&mut self) {
        unlock(&self.0.raw);
    }
}

/// The right to the data of a [`Mutex`]; unlocks when dropped. From [`Mutex::lock`] and its like.
#[must_use = "the mutex is unlocked when its guard is dropped"]
#[clippy::has_significant_drop]
pub struct MutexGuard<'a, T: ?Sized> {
    mutex: &'a Mutex<T>,
    _data: PhantomData<&'a mut T>,
}

impl<'a, T: ?Sized> MutexGuard<'a, T> {
    /// The caller has locked `mutex`, at `site`, and hands the lock over to the guard.
    #[inline]
    pub(super) fn new(mutex: &'a Mutex<T>, site: Site) -> Self {
        holders::own(&mutex.raw, site);
        MutexGuard { mutex, _data: PhantomData }
    }

    /// The mutex that this guard holds.
    ///
    /// A function, not a method, as all the following: a method could hide one of the data.
    pub fn mutex(this: &Self) -> &'a Mutex<T> {
        this.mutex
    }

    /// Narrows the guard to a part of the data. If `f` panics, the mutex is unlocked.
    ///
    /// ```
    /// use dormouse_sync::{Mutex, MutexGuard};
    ///
    /// let mutex = Mutex::new((1, "one"));
    /// let mut number = MutexGuard::map(mutex.try_lock().unwrap(), |pair| &mut pair.0);
    /// *number = 2;
    /// drop(number);
    /// assert_eq!(mutex.into_inner(), (2, "one"));
    /// ```
    pub fn map<U: ?Sized>(mut this: Self, f: impl FnOnce(&mut T) -> &mut U) -> MappedMutexGuard<'a, U> {
        let data = NonNull::from(f(&mut this));
        this.narrow(data)
    }

    /// Narrows the guard to a part of the data that may be missing.
    ///
    /// # Errors
    /// The guard comes back if `f` gives `None`.
    ///
    /// ```
    /// use dormouse_sync::{Mutex, MutexGuard};
    ///
    /// let mutex = Mutex::new(vec![1, 2]);
    /// let all = MutexGuard::try_map(mutex.try_lock().unwrap(), |v| v.get_mut(2)).unwrap_err();
    /// let last = MutexGuard::try_map(all, |v| v.get_mut(1)).unwrap();
    /// assert_eq!(*last, 2);
    /// ```
    pub fn try_map<U: ?Sized>(
        mut this: Self,
        f: impl FnOnce(&mut T) -> Option<&mut U>,
    ) -> Result<MappedMutexGuard<'a, U>, Self> {
        match f(&mut this).map(NonNull::from) {
            Some(data) => Ok(this.narrow(data)),
            None => Err(this),
        }
    }

    fn narrow<U: ?Sized>(self, data: NonNull<U>) -> MappedMutexGuard<'a, U> {
        let raw = &self.mutex.raw;
        std::mem::forget(self);
        MappedMutexGuard { raw, data, _data: PhantomData }
    }
}

impl<T: ?Sized> Deref for MutexGuard<'_, T> {
    type Target = T;
    #[inline]
    fn deref(&self) -> &T {
        self.mutex.data.with(|data| {
            // SAFETY: the guard holds the lock.
            unsafe { &*data }
        })
    }
}

impl<T: ?Sized> DerefMut for MutexGuard<'_, T> {
    #[inline]
    fn deref_mut(&mut self) -> &mut T {
        self.mutex.data.with_mut(|data| {
            // SAFETY: the guard holds the lock and is borrowed exclusively.
            unsafe { &mut *data }
        })
    }
}

impl<T: ?Sized> Drop for MutexGuard<'_, T> {
    #[inline]
    fn drop(&mut self) {
        unlock(&self.mutex.raw);
    }
}

/// The right to a part of the data of a [`Mutex`]; unlocks when dropped. From [`MutexGuard::map`].
#[must_use = "the mutex is unlocked when its guard is dropped"]
#[clippy::has_significant_drop]
pub struct MappedMutexGuard<'a, U: ?Sized> {
    raw: &'a RawMutex,
    data: NonNull<U>,
    _data: PhantomData<&'a mut U>,
}

// SAFETY: it stands for a `&mut U` and a `&RawMutex`, and a lock may be given up by another thread than took it.
unsafe impl<U: ?Sized + Send> Send for MappedMutexGuard<'_, U> {}
// SAFETY: sharing it shares `U`.
unsafe impl<U: ?Sized + Sync> Sync for MappedMutexGuard<'_, U> {}

impl<'a, U: ?Sized> MappedMutexGuard<'a, U> {
    /// Narrows the guard further. If `f` panics, the mutex is unlocked.
    pub fn map<V: ?Sized>(mut this: Self, f: impl FnOnce(&mut U) -> &mut V) -> MappedMutexGuard<'a, V> {
        let data = NonNull::from(f(&mut this));
        this.narrow(data)
    }

    /// Narrows the guard further, to a part that may be missing.
    ///
    /// # Errors
    /// The guard comes back if `f` gives `None`.
    pub fn try_map<V: ?Sized>(
        mut this: Self,
        f: impl FnOnce(&mut U) -> Option<&mut V>,
    ) -> Result<MappedMutexGuard<'a, V>, Self> {
        match f(&mut this).map(NonNull::from) {
            Some(data) => Ok(this.narrow(data)),
            None => Err(this),
        }
    }

    fn narrow<V: ?Sized>(self, data: NonNull<V>) -> MappedMutexGuard<'a, V> {
        let raw = self.raw;
        std::mem::forget(self);
        MappedMutexGuard { raw, data, _data: PhantomData }
    }
}

impl<U: ?Sized> Deref for MappedMutexGuard<'_, U> {
    type Target = U;
    #[inline]
    fn deref(&self) -> &U {
        // SAFETY: the guard holds the lock, and the pointer comes from a `&mut U` into its data.
        unsafe { self.data.as_ref() }
    }
}

impl<U: ?Sized> DerefMut for MappedMutexGuard<'_, U> {
    #[inline]
    fn deref_mut(&mut self) -> &mut U {
        // SAFETY: as for `deref`, and the guard is borrowed exclusively.
        unsafe { self.data.as_mut() }
    }
}

impl<U: ?Sized> Drop for MappedMutexGuard<'_, U> {
    #[inline]
    fn drop(&mut self) {
        unlock(self.raw);
    }
}

/// The right to the data of a [`Mutex`], which it keeps alive; unlocks when dropped. From [`Mutex::lock_owned`].
#[must_use = "the mutex is unlocked when its guard is dropped"]
#[clippy::has_significant_drop]
pub struct OwnedMutexGuard<T: ?Sized> {
    held: Held<T>,
    _data: PhantomData<T>,
}

impl<T: ?Sized> OwnedMutexGuard<T> {
    /// The caller has locked `mutex`, at `site`, and hands the lock over to the guard.
    #[inline]
    pub(super) fn new(mutex: Arc<Mutex<T>>, site: Site) -> Self {
        holders::own(&mutex.raw, site);
        OwnedMutexGuard { held: Held(mutex), _data: PhantomData }
    }

    /// The mutex that this guard holds.
    pub fn mutex(this: &Self) -> &Arc<Mutex<T>> {
        &this.held.0
    }

    /// Narrows the guard to a part of the data. If `f` panics, the mutex is unlocked.
    ///
    /// ```
    /// use dormouse_sync::{Mutex, OwnedMutexGuard};
    /// use std::sync::Arc;
    ///
    /// let mutex = Arc::new(Mutex::new((1, "one")));
    /// let mut number = OwnedMutexGuard::map(mutex.clone().try_lock_owned().unwrap(), |pair| &mut pair.0);
    /// *number = 2;
    /// drop(number);
    /// assert_eq!(mutex.try_lock().unwrap().0, 2);
    /// ```
    pub fn map<U: ?Sized>(mut this: Self, f: impl FnOnce(&mut T) -> &mut U) -> OwnedMappedMutexGuard<T, U> {
        let data = NonNull::from(f(&mut this));
        OwnedMappedMutexGuard { held: this.held, data, _data: PhantomData }
    }

    /// Narrows the guard to a part of the data that may be missing.
    ///
    /// # Errors
    /// The guard comes back if `f` gives `None`.
    pub fn try_map<U: ?Sized>(
        mut this: Self,
        f: impl FnOnce(&mut T) -> Option<&mut U>,
    ) -> Result<OwnedMappedMutexGuard<T, U>, Self> {
        match f(&mut this).map(NonNull::from) {
            Some(data) => Ok(OwnedMappedMutexGuard { held: this.held, data, _data: PhantomData }),
            None => Err(this),
        }
    }
}

impl<T: ?Sized> Deref for OwnedMutexGuard<T> {
    type Target = T;
    #[inline]
    fn deref(&self) -> &T {
        self.held.0.data.with(|data| {
            // SAFETY: the guard holds the lock.
            unsafe { &*data }
        })
    }
}

impl<T: ?Sized> DerefMut for OwnedMutexGuard<T> {
    #[inline]
    fn deref_mut(&mut self) -> &mut T {
        self.held.0.data.with_mut(|data| {
            // SAFETY: the guard holds the lock and is borrowed exclusively.
            unsafe { &mut *data }
        })
    }
}

/// The right to a part of the data of a [`Mutex`], which it keeps alive; unlocks when dropped. From
/// [`OwnedMutexGuard::map`].
#[must_use = "the mutex is unlocked when its guard is dropped"]
#[clippy::has_significant_drop]
pub struct OwnedMappedMutexGuard<T: ?Sized, U: ?Sized = T> {
    held: Held<T>,
    data: NonNull<U>,
    /// Invariant in `U`, as a `&mut U` is.
    _data: PhantomData<*mut U>,
}

// SAFETY: it stands for a `&mut U` and an `Arc<Mutex<T>>`, whose last holder drops `T`.
unsafe impl<T: ?Sized + Send, U: ?Sized + Send> Send for OwnedMappedMutexGuard<T, U> {}
// SAFETY: sharing it shares `U`, and the `Arc<Mutex<T>>`, for which `T: Send` is enough.
unsafe impl<T: ?Sized + Send, U: ?Sized + Sync> Sync for OwnedMappedMutexGuard<T, U> {}

impl<T: ?Sized, U: ?Sized> OwnedMappedMutexGuard<T, U> {
    /// Narrows the guard further. If `f` panics, the mutex is unlocked.
    pub fn map<V: ?Sized>(mut this: Self, f: impl FnOnce(&mut U) -> &mut V) -> OwnedMappedMutexGuard<T, V> {
        let data = NonNull::from(f(&mut this));
        OwnedMappedMutexGuard { held: this.held, data, _data: PhantomData }
    }

    /// Narrows the guard further, to a part that may be missing.
    ///
    /// # Errors
    /// The guard comes back if `f` gives `None`.
    pub fn try_map<V: ?Sized>(
        mut this: Self,
        f: impl FnOnce(&mut U) -> Option<&mut V>,
    ) -> Result<OwnedMappedMutexGuard<T, V>, Self> {
        match f(&mut this).map(NonNull::from) {
            Some(data) => Ok(OwnedMappedMutexGuard { held: this.held, data, _data: PhantomData }),
            None => Err(this),
        }
    }
}

impl<T: ?Sized, U: ?Sized> Deref for OwnedMappedMutexGuard<T, U> {
    type Target = U;
    #[inline]
    fn deref(&self) -> &U {
        // SAFETY: the guard holds the lock and keeps the data alive, which the pointer's `&mut U` came from.
        unsafe { self.data.as_ref() }
    }
}

impl<T: ?Sized, U: ?Sized> DerefMut for OwnedMappedMutexGuard<T, U> {
    #[inline]
    fn deref_mut(&mut self) -> &mut U {
        // SAFETY: as for `deref`, and the guard is borrowed exclusively.
        unsafe { self.data.as_mut() }
    }
}

crate::guard_formats!(T: [] MutexGuard<'_, T>);
crate::guard_formats!(U: [] MappedMutexGuard<'_, U>);
crate::guard_formats!(T: [] OwnedMutexGuard<T>);
crate::guard_formats!(U: [T: ?Sized,] OwnedMappedMutexGuard<T, U>);
