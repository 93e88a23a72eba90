//! The guards: permits that go back when they are dropped.
use super::Semaphore;
use dormouse_wait::frame::Site;
use dormouse_wait::holders::{self, Ticket};
use std::fmt;
use std::ops::Deref;
use std::sync::Arc;

/// Permits of a [`Semaphore`], given back when dropped. From [`Semaphore::acquire`] and its like.
#[must_use = "the permits are given back when this is dropped"]
#[clippy::has_significant_drop]
pub struct SemaphorePermit<'a> {
    held: Held<&'a Semaphore>,
}

/// Permits of a [`Semaphore`], which they keep alive; given back when dropped. From [`Semaphore::acquire_owned`] and its
/// like.
#[must_use = "the permits are given back when this is dropped"]
#[clippy::has_significant_drop]
pub struct OwnedSemaphorePermit {
    held: Held<Arc<Semaphore>>,
}

/// Gives back when dropped.
struct Held<S: Deref<Target = Semaphore>> {
    semaphore: S,
    count: u32,
    ticket: Ticket,
}

impl<S: Deref<Target = Semaphore> + Clone> Held<S> {
    fn split(&mut self, count: u32) -> Option<Self> {
        self.count = self.count.checked_sub(count)?;
        let ticket = holders::split(&self.semaphore.raw, self.ticket, count);
        Some(Held { semaphore: self.semaphore.clone(), count, ticket })
    }

    fn merge(&mut self, mut other: Self) {
        assert!(std::ptr::eq(&*self.semaphore, &*other.semaphore), "permits of another semaphore");
        self.count = self.count.checked_add(other.count).expect("more permits than u32::MAX");
        self.ticket = holders::merge(&self.semaphore.raw, self.ticket, other.ticket);
        (other.count, other.ticket) = (0, 0);
    }
}

impl<S: Deref<Target = Semaphore>> Held<S> {
    #[inline]
    fn new(semaphore: S, count: u32, site: Site) -> Self {
        let ticket = holders::share(&semaphore.raw, site, count, || semaphore.raw.lacks_only(count));
        Held { semaphore, count, ticket }
    }
}

impl<S: Deref<Target = Semaphore>> Drop for Held<S> {
    /// # Panics
    /// If there are too many available then, as others have added permits; not while a panic unwinds.
    #[inline]
    fn drop(&mut self) {
        holders::give_back(&self.semaphore.raw, self.ticket);
        if self.count > 0 {
            let fits = self.semaphore.raw.release(self.count as usize);
            assert!(fits || std::thread::panicking(), "more permits were added than the semaphore may have");
        }
    }
}

impl<'a> SemaphorePermit<'a> {
    /// The caller has acquired `count` permits, at `site`, and hands them over to the guard.
    #[inline]
    pub(super) fn new(semaphore: &'a Semaphore, count: u32, site: Site) -> Self {
        SemaphorePermit { held: Held::new(semaphore, count, site) }
    }

    /// The semaphore whose permits they are.
    pub fn semaphore(&self) -> &'a Semaphore {
        self.held.semaphore
    }
}

impl OwnedSemaphorePermit {
    /// The caller has acquired `count` permits, at `site`, and hands them over to the guard.
    #[inline]
    pub(super) fn new(semaphore: Arc<Semaphore>, count: u32, site: Site) -> Self {
        OwnedSemaphorePermit { held: Held::new(semaphore, count, site) }
    }

    /// The semaphore whose permits they are.
    pub fn semaphore(&self) -> &Arc<Semaphore> {
        &self.held.semaphore
    }
}

/// What both can do.
macro_rules! permits {
    ($name:ident $guard:ty) => {
        impl $guard {
            /// Does not give the permits back: the semaphore has so many less, until
            /// [`add_permits`](Semaphore::add_permits).
            pub fn forget(mut self) {
                self.held.count = 0;
            }

            /// How many permits they are.
            pub fn num_permits(&self) -> usize {
                self.held.count as usize
            }

            /// Takes `count` permits out of these; `None` if they are not so many.
            ///
            /// ```
            /// let semaphore = dormouse_sync::Semaphore::new(3);
            /// let mut permits = semaphore.try_acquire_many(3).unwrap();
            /// let two = permits.split(2).unwrap();
            /// drop(permits);
            /// assert_eq!((two.num_permits(), semaphore.available_permits()), (2, 1));
            /// ```
            pub fn split(&mut self, count: usize) -> Option<Self> {
                let held = self.held.split(u32::try_from(count).ok()?)?;
                Some(Self { held })
            }

            /// Adds those of `other`.
            ///
            /// # Panics
            /// If `other` are permits of another semaphore, or the sum passes `u32::MAX`.
            pub fn merge(&mut self, other: Self) {
                self.held.merge(other.held);
            }
        }

        impl fmt::Debug for $guard {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.debug_struct(stringify!($name)).field("permits", &self.held.count).finish_non_exhaustive()
            }
        }
    };
}
permits!(SemaphorePermit SemaphorePermit<'_>);
permits!(OwnedSemaphorePermit OwnedSemaphorePermit);
