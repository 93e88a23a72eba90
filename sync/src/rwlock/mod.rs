//! `RwLock`: many readers or one writer. The word and the waiting are in `raw`, the guards in `guard` and `owned`.
mod futures;
mod guard;
mod owned;
mod queues;
mod raw;
mod reading;
mod waiter;

pub use self::futures::{Read, ReadOwned, Write, WriteOwned};
pub use self::guard::{MappedRwLockWriteGuard, RwLockReadGuard, RwLockWriteGuard};
pub use self::owned::{OwnedMappedRwLockWriteGuard, OwnedRwLockReadGuard, OwnedRwLockWriteGuard};

use self::raw::{Access, RawRwLock};
use dormouse_wait::blocking::wait_for;
use dormouse_wait::prim::UnsafeCell;
use std::fmt;
use std::panic::Location;
use std::ptr::NonNull;
use std::sync::Arc;

/// Data with many readers or one writer at a time, who may hold it over awaits: Go's `sync.RWMutex`, with its data inside.
///
/// It costs no allocation, 32 bytes beside the data, and one atomic exchange each to lock and to unlock as long as nobody
/// waits. A panic while it is held unlocks it and poisons nothing.
///
/// # Fairness
/// As Go's: readers and writers take turns. A writer that waits stops new readers, [`try_read`](RwLock::try_read) too;
/// when a writer unlocks, all readers that wait by then are admitted together, before the next writer, and the last of
/// them hands the lock to that one. Writers follow one another in the order in which they came. The lock is handed over,
/// never free while somebody waits, so nobody passes anybody.
///
/// So a task that reads while it holds a read guard already may wait for ever: a writer that came in between stops it.
///
/// # A future that is kept and not polled
/// A lock that was handed to a future which nobody polls (futurelock: it is lent to a `select!`, whose body waits for the
/// same lock) is taken back after about 1 ms, as if it had been unlocked; readers that were admitted with it keep theirs. A
/// writer that was passed over is the next writer when it is polled again; a reader waits as one that has just come. Who
/// sees to that is said [for `Semaphore`](crate::Semaphore#a-future-that-is-kept-and-not-polled), and holds here, too.
///
/// ```
/// use dormouse_sync::RwLock;
///
/// # tokio::runtime::Runtime::new().unwrap().block_on(async {
/// let routes = RwLock::new(vec!["/"]);
/// {
///     let (one, two) = (routes.read().await, routes.read().await); // at the same time
///     assert_eq!(one.len(), two.len());
/// }
/// routes.write().await.push("/health");
/// assert_eq!(routes.into_inner(), ["/", "/health"]);
/// # });
/// ```
#[doc(alias = "RWMutex")]
pub struct RwLock<T: ?Sized> {
    raw: RawRwLock,
    data: UnsafeCell<T>,
}

// SAFETY: readers share the data, and a writer has it to itself: sharing the lock shares `T` and moves it.
unsafe impl<T: ?Sized + Send + Sync> Sync for RwLock<T> {}
// SAFETY: sending the lock sends its `T`.
unsafe impl<T: ?Sized + Send> Send for RwLock<T> {}

impl<T> RwLock<T> {
    const_fn! {
        /// An unlocked lock around `data`.
        pub const fn new(data: T) -> Self {
            RwLock { raw: RawRwLock::new(), data: UnsafeCell::new(data) }
        }
    }

    /// The data, taken out: owning the lock proves that nobody holds it.
    pub fn into_inner(self) -> T {
        self.data.into_inner()
    }
}

impl<T: ?Sized> RwLock<T> {
    /// Waits until the data may be read.
    ///
    /// # Cancel safety
    /// A dropped future has not locked: if it was just admitted, it unlocks. It loses its place.
    ///
    /// # Panics
    /// The future panics if it is polled after it has given the guard, or if there are 2^29 readers.
    ///
    /// # Fairness
    /// As said [for the type](RwLock#fairness).
    #[track_caller]
    #[inline]
    #[doc(alias = "RLock")]
    pub fn read(&self) -> Read<'_, T> {
        Read::new(self, Location::caller())
    }

    /// Waits until the data may be written.
    ///
    /// # Cancel safety
    /// A dropped future has not locked: if the lock was just handed to it, it passes it on; readers that waited for this
    /// writer only are admitted. It loses its place.
    ///
    /// # Panics
    /// The future panics if it is polled after it has given the guard.
    ///
    /// # Fairness
    /// As said [for the type](RwLock#fairness).
    #[track_caller]
    #[inline]
    pub fn write(&self) -> Write<'_, T> {
        Write::new(self, Location::caller())
    }

    /// Reads if no writer has the lock or waits for it.
    ///
    /// ```
    /// let lock = dormouse_sync::RwLock::new(1);
    /// let (one, two) = (lock.try_read().unwrap(), lock.try_read().unwrap());
    /// assert!(lock.try_write().is_none());
    /// # drop((one, two));
    /// ```
    ///
    /// # Panics
    /// If there are 2^29 readers.
    #[track_caller]
    #[inline]
    pub fn try_read(&self) -> Option<RwLockReadGuard<'_, T>> {
        let site = Location::caller();
        self.raw.try_lock(Access::Read).then(|| RwLockReadGuard::new(self, site))
    }

    /// Writes if the lock is free.
    #[track_caller]
    #[inline]
    pub fn try_write(&self) -> Option<RwLockWriteGuard<'_, T>> {
        let site = Location::caller();
        self.raw.try_lock(Access::Write).then(|| RwLockWriteGuard::new(self, site))
    }

    /// [`read`](RwLock::read) with a guard that borrows nothing: it keeps the lock alive and may move anywhere.
    #[track_caller]
    #[inline]
    pub fn read_owned(self: Arc<Self>) -> ReadOwned<T> {
        ReadOwned::new(self, Location::caller())
    }

    /// [`write`](RwLock::write) with a guard that borrows nothing.
    ///
    /// ```
    /// use dormouse_sync::RwLock;
    /// use std::sync::Arc;
    ///
    /// # tokio::runtime::Runtime::new().unwrap().block_on(async {
    /// let lock = Arc::new(RwLock::new(1));
    /// let mut guard = lock.clone().write_owned().await;
    /// tokio::spawn(async move { *guard += 1 }).await.unwrap();
    /// assert_eq!(*lock.read().await, 2);
    /// # });
    /// ```
    #[track_caller]
    #[inline]
    pub fn write_owned(self: Arc<Self>) -> WriteOwned<T> {
        WriteOwned::new(self, Location::caller())
    }

    /// [`try_read`](RwLock::try_read) with a guard that borrows nothing.
    ///
    /// # Panics
    /// If there are 2^29 readers.
    #[track_caller]
    #[inline]
    pub fn try_read_owned(self: Arc<Self>) -> Option<OwnedRwLockReadGuard<T>> {
        if !self.raw.try_lock(Access::Read) {
            return None;
        }
        Some(OwnedRwLockReadGuard::new(self, Location::caller()))
    }

    /// [`try_write`](RwLock::try_write) with a guard that borrows nothing.
    #[track_caller]
    #[inline]
    pub fn try_write_owned(self: Arc<Self>) -> Option<OwnedRwLockWriteGuard<T>> {
        if !self.raw.try_lock(Access::Write) {
            return None;
        }
        Some(OwnedRwLockWriteGuard::new(self, Location::caller()))
    }

    /// [`read`](RwLock::read) for a plain thread, which sleeps meanwhile.
    ///
    /// # Panics
    /// Inside an async task, where it would block a worker thread: use `read().await` there.
    #[track_caller]
    #[doc(alias = "blocking_read")]
    pub fn read_blocking(&self) -> RwLockReadGuard<'_, T> {
        wait_for("RwLock::read_blocking", "read().await", self.read())
    }

    /// [`write`](RwLock::write) for a plain thread, which sleeps meanwhile.
    ///
    /// # Panics
    /// Inside an async task, where it would block a worker thread: use `write().await` there.
    ///
    /// ```
    /// let lock = dormouse_sync::RwLock::new(1);
    /// *lock.write_blocking() += 1;
    /// assert_eq!(*lock.read_blocking(), 2);
    /// ```
    #[track_caller]
    #[doc(alias = "blocking_write")]
    pub fn write_blocking(&self) -> RwLockWriteGuard<'_, T> {
        wait_for("RwLock::write_blocking", "write().await", self.write())
    }

    /// The data, without locking: borrowing the lock exclusively proves that nobody holds it.
    pub fn get_mut(&mut self) -> &mut T {
        self.data.with_mut(|data| {
            // SAFETY: `&mut self` excludes guards and everybody else.
            unsafe { &mut *data }
        })
    }

    /// Where the data is, for one who may read it.
    #[inline]
    fn shared(&self) -> NonNull<T> {
        self.data.with(|data| {
            // SAFETY: the address of a field.
            unsafe { NonNull::new_unchecked(data.cast_mut()) }
        })
    }

    #[cfg(all(test, dormouse_loom))]
    pub(crate) fn is_idle(&self) -> bool {
        self.raw.is_idle()
    }
}

impl<T: Default> Default for RwLock<T> {
    fn default() -> Self {
        RwLock::new(T::default())
    }
}

impl<T> From<T> for RwLock<T> {
    fn from(data: T) -> Self {
        RwLock::new(data)
    }
}

impl<T: ?Sized + fmt::Debug> fmt::Debug for RwLock<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut shown = f.debug_struct("RwLock");
        match self.try_read() {
            Some(data) => shown.field("data", &&*data),
            None => match self.raw.held() {
                (true, _) => shown.field("data", &format_args!("<being written>")),
                (false, _) => shown.field("data", &format_args!("<a writer waits>")),
            },
        };
        shown.finish()
    }
}
