//! `Semaphore`: permits, in the order in which they were asked for. The word and the waiting are in `raw`.
mod error;
mod futures;
mod permit;
mod raw;
mod waiter;

pub use self::error::{AcquireError, TryAcquireError};
pub use self::futures::{Acquire, AcquireOwned};
pub use self::permit::{OwnedSemaphorePermit, SemaphorePermit};

use self::raw::Raw;
use dormouse_wait::blocking::wait_for;
use std::fmt;
use std::panic::Location;
use std::sync::Arc;

/// A number of permits, of which each caller takes some and gives them back: Go's `semaphore.Weighted`.
///
/// A permit is given back when its guard is dropped. While nobody waits, taking and giving back cost one atomic exchange
/// each; a wait costs no allocation.
///
/// # Fairness
/// First come, first served, without exception: while somebody waits, nobody else gets a permit, by
/// [`try_acquire`](Semaphore::try_acquire) neither. So one that asks for many is not passed over for ever by others that
/// ask for few; it makes them wait instead.
///
/// # A future that is kept and not polled
/// What a waiting future was given, and does not take as it is not polled (futurelock: it is lent to a `select!`, whose body
/// waits for the same semaphore), is taken back after about 1 ms, and goes to the next. The one passed over keeps its
/// place: polled again, it is the first of those who wait. Who does that is whoever waits or comes to wait: the first one
/// to be polled sees it, and one that is polled 1 ms later takes it back. On dormouse's runtime those who wait wake
/// themselves for that, so it happens within 3 ms, if at most two of those behind it are not polled either; with more, and on
/// other executors, somebody must come or be polled.
/// [`try_acquire`](Semaphore::try_acquire) takes nothing back.
///
/// # The whole
/// A semaphore made by [`new`](Semaphore::new) may grow by [`add_permits`](Semaphore::add_permits) at any time, up to
/// [`MAX_PERMITS`](Semaphore::MAX_PERMITS). So a request for more than there are waits, and those behind it. One made by
/// [`fixed`](Semaphore::fixed) never has more than it began with: a request for more is an error at once, and
/// blocks nobody.
///
/// ```
/// use dormouse_sync::Semaphore;
/// use std::sync::Arc;
///
/// # tokio::runtime::Runtime::new().unwrap().block_on(async {
/// let connections = Arc::new(Semaphore::new(2));
/// for n in 0..10 {
///     let permit = connections.clone().acquire_owned().await.unwrap();
///     tokio::spawn(async move {
///         println!("{n}: at most two of us at a time");
///         drop(permit);
///     });
/// }
/// let _all = connections.acquire_many(2).await.unwrap();
/// # });
/// ```
#[doc(alias = "weighted")]
pub struct Semaphore {
    raw: Raw,
}

impl Semaphore {
    /// The most permits that a semaphore can have.
    pub const MAX_PERMITS: usize = raw::MAX;

    const_fn! {
        /// A semaphore that begins with `permits`.
        ///
        /// # Panics
        /// If that is more than [`MAX_PERMITS`](Semaphore::MAX_PERMITS).
        pub const fn new(permits: usize) -> Self {
            assert!(permits <= raw::MAX, "more permits than Semaphore::MAX_PERMITS");
            Semaphore { raw: Raw::new(permits, None) }
        }
    }

    const_fn! {
        /// A semaphore of `permits` that never has more (see [the whole](Semaphore#the-whole)).
        ///
        /// ```
        /// use dormouse_sync::{AcquireError, Semaphore};
        ///
        /// # tokio::runtime::Runtime::new().unwrap().block_on(async {
        /// let megabytes = Semaphore::fixed(64);
        /// let some = megabytes.acquire_many(48).await.unwrap();
        /// assert_eq!(megabytes.acquire_many(65).await.unwrap_err(), AcquireError::TooMany);
        /// # });
        /// ```
        #[doc(alias = "NewWeighted")]
        pub const fn fixed(permits: u32) -> Self {
            Semaphore { raw: Raw::new(permits as usize, Some(permits)) }
        }
    }

    /// Waits for a permit.
    ///
    /// # Errors
    /// [`AcquireError::Closed`] if the semaphore is closed, before or meanwhile; [`AcquireError::TooMany`] if it never has
    /// one.
    ///
    /// # Cancel safety
    /// A dropped future has taken nothing: what it was given goes to the next. It loses its place in the queue.
    ///
    /// # Panics
    /// The future panics if it is polled after it was ready.
    ///
    /// # Fairness
    /// First come, first served, from the first poll on.
    ///
    /// ```
    /// # tokio::runtime::Runtime::new().unwrap().block_on(async {
    /// let semaphore = dormouse_sync::Semaphore::new(1);
    /// let permit = semaphore.acquire().await.unwrap();
    /// assert_eq!(semaphore.available_permits(), 0);
    /// drop(permit);
    /// assert_eq!(semaphore.available_permits(), 1);
    /// # });
    /// ```
    #[track_caller]
    #[inline]
    pub fn acquire(&self) -> Acquire<'_> {
        self.acquire_many(1)
    }

    /// Waits for `count` permits at once. It gets all of them together, and holds none of them until then.
    ///
    /// As for [`acquire`](Semaphore::acquire). A request for none waits for its turn, too.
    #[track_caller]
    #[inline]
    pub fn acquire_many(&self, count: u32) -> Acquire<'_> {
        Acquire::new(self, count, Location::caller())
    }

    /// [`acquire`](Semaphore::acquire) with a permit that borrows nothing: it keeps the semaphore alive and may move
    /// anywhere.
    #[track_caller]
    #[inline]
    pub fn acquire_owned(self: Arc<Self>) -> AcquireOwned {
        self.acquire_many_owned(1)
    }

    /// [`acquire_many`](Semaphore::acquire_many) with permits that borrow nothing.
    #[track_caller]
    #[inline]
    pub fn acquire_many_owned(self: Arc<Self>, count: u32) -> AcquireOwned {
        AcquireOwned::new(self, count, Location::caller())
    }

    /// Takes a permit if there is one and nobody waits.
    ///
    /// # Errors
    /// [`TryAcquireError`] says why not.
    ///
    /// ```
    /// use dormouse_sync::{Semaphore, TryAcquireError};
    ///
    /// let semaphore = Semaphore::new(1);
    /// let permit = semaphore.try_acquire().unwrap();
    /// assert_eq!(semaphore.try_acquire().unwrap_err(), TryAcquireError::NoPermits);
    /// ```
    #[track_caller]
    #[inline]
    pub fn try_acquire(&self) -> Result<SemaphorePermit<'_>, TryAcquireError> {
        self.try_acquire_many(1)
    }

    /// Takes `count` permits if there are so many and nobody waits.
    ///
    /// # Errors
    /// As [`try_acquire`](Semaphore::try_acquire).
    #[track_caller]
    #[inline]
    pub fn try_acquire_many(&self, count: u32) -> Result<SemaphorePermit<'_>, TryAcquireError> {
        self.raw.try_acquire(count)?;
        Ok(SemaphorePermit::new(self, count, Location::caller()))
    }

    /// [`try_acquire`](Semaphore::try_acquire) with a permit that borrows nothing.
    ///
    /// # Errors
    /// As [`try_acquire`](Semaphore::try_acquire).
    #[track_caller]
    #[inline]
    pub fn try_acquire_owned(self: Arc<Self>) -> Result<OwnedSemaphorePermit, TryAcquireError> {
        self.try_acquire_many_owned(1)
    }

    /// [`try_acquire_many`](Semaphore::try_acquire_many) with permits that borrow nothing.
    ///
    /// # Errors
    /// As [`try_acquire`](Semaphore::try_acquire).
    #[track_caller]
    #[inline]
    pub fn try_acquire_many_owned(
        self: Arc<Self>,
        count: u32,
    ) -> Result<OwnedSemaphorePermit, TryAcquireError> {
        self.raw.try_acquire(count)?;
        Ok(OwnedSemaphorePermit::new(self, count, Location::caller()))
    }

    /// [`acquire`](Semaphore::acquire) for a plain thread, which sleeps meanwhile.
    ///
    /// # Errors
    /// As [`acquire`](Semaphore::acquire).
    ///
    /// # Panics
    /// Inside an async task, where it would block a worker thread: use `acquire().await` there.
    #[track_caller]
    pub fn acquire_blocking(&self) -> Result<SemaphorePermit<'_>, AcquireError> {
        wait_for("Semaphore::acquire_blocking", "acquire().await", self.acquire())
    }

    /// [`acquire_many`](Semaphore::acquire_many) for a plain thread, which sleeps meanwhile.
    ///
    /// # Errors
    /// As [`acquire`](Semaphore::acquire).
    ///
    /// # Panics
    /// As [`acquire_blocking`](Semaphore::acquire_blocking).
    #[track_caller]
    pub fn acquire_many_blocking(&self, count: u32) -> Result<SemaphorePermit<'_>, AcquireError> {
        wait_for("Semaphore::acquire_many_blocking", "acquire_many(n).await", self.acquire_many(count))
    }

    /// Adds `count` permits, and gives them to those who wait.
    ///
    /// # Panics
    /// If there were more available then than the semaphore may have (see [the whole](Semaphore#the-whole)); nothing
    /// is added.
    pub fn add_permits(&self, count: usize) {
        assert!(self.raw.release(count), "more permits were added than the semaphore may have");
    }

    /// Takes up to `count` of the available permits away for good. How many they were.
    pub fn forget_permits(&self, count: usize) -> usize {
        self.raw.forget(count)
    }

    /// How many permits are available at this moment. Those who wait may be waiting for them to be more.
    pub fn available_permits(&self) -> usize {
        self.raw.available()
    }

    /// Closes the semaphore: all who wait get an error, and so does everybody from now on. Permits that are out may be
    /// given back.
    ///
    /// ```
    /// let semaphore = dormouse_sync::Semaphore::new(1);
    /// semaphore.close();
    /// assert!(semaphore.try_acquire().is_err());
    /// ```
    pub fn close(&self) {
        self.raw.close();
    }

    /// Is the semaphore closed?
    pub fn is_closed(&self) -> bool {
        self.raw.is_closed()
    }

    #[cfg(all(test, dormouse_loom))]
    pub(crate) fn is_idle(&self) -> bool {
        self.raw.is_idle()
    }
}

/// Without permits.
impl Default for Semaphore {
    fn default() -> Self {
        Semaphore::new(0)
    }
}

impl fmt::Debug for Semaphore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Semaphore")
            .field("available", &self.available_permits())
            .field("closed", &self.is_closed())
            .finish()
    }
}
