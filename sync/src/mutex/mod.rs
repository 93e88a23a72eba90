//! `Mutex`: one owner at a time, over awaits too. The word and the waiting are in `raw`, the guards in `guard`.
mod futures;
mod guard;
mod raw;
mod waiter;

pub use self::futures::{Lock, LockOwned};
pub use self::guard::{MappedMutexGuard, MutexGuard, OwnedMappedMutexGuard, OwnedMutexGuard};

use self::raw::RawMutex;
use dormouse_wait::blocking::wait_for;
use dormouse_wait::prim::UnsafeCell;
use std::fmt;
use std::panic::Location;
use std::sync::Arc;

/// Data with one owner at a time, who may hold it over awaits: Go's `sync.Mutex`, with its data inside.
///
/// [`lock`](Mutex::lock) waits for it and gives a [`MutexGuard`]; dropping the guard unlocks. It costs no allocation,
/// 16 bytes beside the data, and one atomic exchange each to lock and to unlock as long as nobody waits. When the
/// data is only touched between awaits, `std`'s mutex serves as well; this one is for guards held over an await.
///
/// A panic while the lock is held unlocks it and poisons nothing. It is not reentrant: a task that locks what it holds
/// waits for ever.
///
/// # Fairness
/// As Go's: whoever comes first takes a free lock, also past those who wait, because handing it to a task
/// that must first be woken leaves it unused meanwhile. Waiters are woken in the order in which they came, one at a
/// time; one that finds the lock taken again goes back to the front, and if it has waited for 1 ms by then, the next
/// unlock hands it the lock. What was handed over can be taken by nobody else, not by [`try_lock`](Mutex::try_lock) either.
///
/// # A future that is kept and not polled
/// A lock future that nobody polls (futurelock: it is lent to a `select!`, whose body waits for the same mutex) is woken when
/// it is its turn, and the lock is free meanwhile: whoever is polled takes it. If the lock was handed to it, as it had
/// lost before, that is taken back after about 1 ms, and it is owed the lock when it is polled again. Who sees to that is
/// said [for `Semaphore`](crate::Semaphore#a-future-that-is-kept-and-not-polled), and holds here, too.
///
/// ```
/// use dormouse_sync::Mutex;
///
/// # tokio::runtime::Runtime::new().unwrap().block_on(async {
/// static LOG: Mutex<Vec<u32>> = Mutex::new(Vec::new());
///
/// let mut log = LOG.lock().await;
/// log.push(1);
/// tokio::task::yield_now().await; // the guard may be held over an await
/// log.push(2);
/// drop(log);
/// assert_eq!(*LOG.lock().await, [1, 2]);
/// # });
/// ```
pub struct Mutex<T: ?Sized> {
    raw: RawMutex,
    data: UnsafeCell<T>,
}

// SAFETY: the lock gives the data to one owner at a time, so sharing the mutex moves `T` between threads.
unsafe impl<T: ?Sized + Send> Sync for Mutex<T> {}
// SAFETY: sending the mutex sends its `T`.
unsafe impl<T: ?Sized + Send> Send for Mutex<T> {}

impl<T> Mutex<T> {
    const_fn! {
        /// An unlocked mutex around `data`.
        pub const fn new(data: T) -> Self {
            Mutex { raw: RawMutex::new(), data: UnsafeCell::new(data) }
        }
    }

    /// The data, taken out: owning the mutex proves that it is not locked.
    ///
    /// ```
    /// assert_eq!(dormouse_sync::Mutex::new(7).into_inner(), 7);
    /// ```
    pub fn into_inner(self) -> T {
        self.data.into_inner()
    }
}

impl<T: ?Sized> Mutex<T> {
    /// Waits until the lock is ours.
    ///
    /// # Cancel safety
    /// A dropped future has not locked: if the lock was just handed to it, it passes it on; if it was just woken to
    /// compete for it, the next waiter is woken instead. It loses its place in the queue.
    ///
    /// # Panics
    /// The future panics if it is polled after it has given the guard.
    ///
    /// # Fairness
    /// As said [for the type](Mutex#fairness).
    ///
    /// ```
    /// # tokio::runtime::Runtime::new().unwrap().block_on(async {
    /// let mutex = dormouse_sync::Mutex::new(1);
    /// *mutex.lock().await += 1;
    /// assert_eq!(mutex.into_inner(), 2);
    /// # });
    /// ```
    #[track_caller]
    #[inline]
    pub fn lock(&self) -> Lock<'_, T> {
        Lock::new(self, Location::caller())
    }

    /// Takes the lock if it is free, past those who wait, but never one that was handed to a waiter. `None` if it is taken.
    ///
    /// ```
    /// let mutex = dormouse_sync::Mutex::new(1);
    /// let guard = mutex.try_lock().unwrap();
    /// assert!(mutex.try_lock().is_none());
    /// drop(guard);
    /// assert!(mutex.try_lock().is_some());
    /// ```
    #[track_caller]
    #[inline]
    pub fn try_lock(&self) -> Option<MutexGuard<'_, T>> {
        let site = Location::caller();
        self.raw.try_lock().then(|| MutexGuard::new(self, site))
    }

    /// [`lock`](Mutex::lock) with a guard that borrows nothing: it keeps the mutex alive and may move anywhere.
    ///
    /// # Cancel safety
    /// As for [`lock`](Mutex::lock).
    ///
    /// # Panics
    /// As for [`lock`](Mutex::lock).
    ///
    /// ```
    /// use dormouse_sync::Mutex;
    /// use std::sync::Arc;
    ///
    /// # tokio::runtime::Runtime::new().unwrap().block_on(async {
    /// let mutex = Arc::new(Mutex::new(1));
    /// let mut guard = mutex.clone().lock_owned().await;
    /// tokio::spawn(async move { *guard += 1 }).await.unwrap();
    /// assert_eq!(*mutex.lock().await, 2);
    /// # });
    /// ```
    #[track_caller]
    #[inline]
    pub fn lock_owned(self: Arc<Self>) -> LockOwned<T> {
        LockOwned::new(self, Location::caller())
    }

    /// [`try_lock`](Mutex::try_lock) with a guard that borrows nothing.
    #[track_caller]
    #[inline]
    pub fn try_lock_owned(self: Arc<Self>) -> Option<OwnedMutexGuard<T>> {
        if !self.raw.try_lock() {
            return None;
        }
        Some(OwnedMutexGuard::new(self, Location::caller()))
    }

    /// [`lock`](Mutex::lock) for a plain thread, which sleeps until the lock is its own.
    ///
    /// # Panics
    /// Inside an async task, where it would block a worker thread: use `lock().await` there.
    ///
    /// ```
    /// let mutex = dormouse_sync::Mutex::new(1);
    /// *mutex.lock_blocking() += 1;
    /// assert_eq!(mutex.into_inner(), 2);
    /// ```
    #[track_caller]
    #[doc(alias = "blocking_lock")]
    pub fn lock_blocking(&self) -> MutexGuard<'_, T> {
        wait_for("Mutex::lock_blocking", "lock().await", self.lock())
    }

    /// [`lock_owned`](Mutex::lock_owned) for a plain thread, which sleeps until the lock is its own.
    ///
    /// # Panics
    /// Inside an async task, where it would block a worker thread: use `lock_owned().await` there.
    #[track_caller]
    #[doc(alias = "blocking_lock_owned")]
    pub fn lock_owned_blocking(self: Arc<Self>) -> OwnedMutexGuard<T> {
        wait_for("Mutex::lock_owned_blocking", "lock_owned().await", self.lock_owned())
    }

    /// Is the lock taken at this moment? For logs and tests: the answer may be stale at once.
    pub fn is_locked(&self) -> bool {
        self.raw.is_locked()
    }

    /// Is nothing left of those who locked and waited?
    #[cfg(all(test, dormouse_loom))]
    pub(crate) fn is_idle(&self) -> bool {
        self.raw.is_idle()
    }

    /// The data, without locking: borrowing the mutex exclusively proves that nobody holds it.
    ///
    /// ```
    /// let mut mutex = dormouse_sync::Mutex::new(1);
    /// *mutex.get_mut() = 2;
    /// assert_eq!(mutex.into_inner(), 2);
    /// ```
    pub fn get_mut(&mut self) -> &mut T {
        self.data.with_mut(|data| {
            // SAFETY: `&mut self` excludes guards and everybody else.
            unsafe { &mut *data }
        })
    }
}

impl<T: Default> Default for Mutex<T> {
    fn default() -> Self {
        Mutex::new(T::default())
    }
}

impl<T> From<T> for Mutex<T> {
    fn from(data: T) -> Self {
        Mutex::new(data)
    }
}

impl<T: ?Sized + fmt::Debug> fmt::Debug for Mutex<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.try_lock() {
            Some(data) => f.debug_struct("Mutex").field("data", &&*data).finish(),
            None => f.debug_struct("Mutex").field("data", &format_args!("<locked>")).finish(),
        }
    }
}
