//! The futures that wait for a read-write lock: thin coats around `waiter::Waiter`.
use super::guard::{RwLockReadGuard, RwLockWriteGuard};
use super::owned::{OwnedRwLockReadGuard, OwnedRwLockWriteGuard};
use super::{RwLock, raw::Access, waiter::Waiter};
use dormouse_wait::frame::Site;
use futures_core::FusedFuture;
use pin_project::{pin_project, pinned_drop};
use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

/// A future that borrows its lock.
macro_rules! borrowed {
    ($(#[$doc:meta])* $name:ident $access:ident $guard:ident) => {
        $(#[$doc])*
        #[must_use = "a future does nothing unless it is awaited"]
        #[pin_project(PinnedDrop)]
        pub struct $name<'a, T: ?Sized> {
            lock: &'a RwLock<T>,
            #[pin]
            waiter: Waiter,
        }

        impl<'a, T: ?Sized> $name<'a, T> {
            #[inline]
            pub(super) fn new(lock: &'a RwLock<T>, site: Site) -> Self {
                $name { lock, waiter: Waiter::new(Access::$access, site) }
            }
        }

        impl<'a, T: ?Sized> Future for $name<'a, T> {
            type Output = $guard<'a, T>;

            #[inline]
            fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
                let mut this = self.project();
                ready!(this.waiter.as_mut().poll(&this.lock.raw, cx));
                Poll::Ready($guard::new(this.lock, this.waiter.site()))
            }
        }

        impl<T: ?Sized> FusedFuture for $name<'_, T> {
            fn is_terminated(&self) -> bool {
                self.waiter.is_done()
            }
        }

        #[pinned_drop]
        impl<T: ?Sized> PinnedDrop for $name<'_, T> {
            #[inline]
            fn drop(self: Pin<&mut Self>) {
                let this = self.project();
                this.waiter.cancel(&this.lock.raw);
            }
        }

        impl<T: ?Sized> fmt::Debug for $name<'_, T> {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.debug_struct(stringify!($name)).field("done", &self.waiter.is_done()).finish_non_exhaustive()
            }
        }
    };
}
borrowed! {
    /// The future of [`RwLock::read`].
    Read Read RwLockReadGuard
}
borrowed! {
    /// The future of [`RwLock::write`].
    Write Write RwLockWriteGuard
}

/// A future that keeps its lock alive.
macro_rules! owned {
    ($(#[$doc:meta])* $name:ident $access:ident $guard:ident) => {
        $(#[$doc])*
        #[must_use = "a future does nothing unless it is awaited"]
        #[pin_project(PinnedDrop)]
        pub struct $name<T: ?Sized> {
            /// Gone once it is in the guard.
            lock: Option<Arc<RwLock<T>>>,
            #[pin]
            waiter: Waiter,
        }

        impl<T: ?Sized> $name<T> {
            #[inline]
            pub(super) fn new(lock: Arc<RwLock<T>>, site: Site) -> Self {
                $name { lock: Some(lock), waiter: Waiter::new(Access::$access, site) }
            }
        }

        impl<T: ?Sized> Future for $name<T> {
            type Output = $guard<T>;

            #[inline]
            fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
                let mut this = self.project();
                let lock = this.lock.as_ref().expect("a future of RwLock was polled after it had finished");
                ready!(this.waiter.as_mut().poll(&lock.raw, cx));
                let lock = this.lock.take().expect("it was there just now");
                Poll::Ready($guard::new(lock, this.waiter.site()))
            }
        }

        impl<T: ?Sized> FusedFuture for $name<T> {
            fn is_terminated(&self) -> bool {
                self.lock.is_none()
            }
        }

        #[pinned_drop]
        impl<T: ?Sized> PinnedDrop for $name<T> {
            #[inline]
            fn drop(self: Pin<&mut Self>) {
                let this = self.project();
                if let Some(lock) = this.lock {
                    this.waiter.cancel(&lock.raw);
                }
            }
        }

        impl<T: ?Sized> fmt::Debug for $name<T> {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.debug_struct(stringify!($name)).field("done", &self.lock.is_none()).finish_non_exhaustive()
            }
        }
    };
}
owned! {
    /// The future of [`RwLock::read_owned`].
    ReadOwned Read OwnedRwLockReadGuard
}
owned! {
    /// The future of [`RwLock::write_owned`].
    WriteOwned Write OwnedRwLockWriteGuard
}
