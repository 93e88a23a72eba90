//! The futures that wait for a mutex: thin coats around `waiter::Waiter`.
use super::guard::{MutexGuard, OwnedMutexGuard};
use super::{Mutex, waiter::Waiter};
use dormouse_wait::frame::Site;
use futures_core::FusedFuture;
use pin_project::{pin_project, pinned_drop};
use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

/// The future of [`Mutex::lock`].
#[must_use = "a future does nothing unless it is awaited"]
#[pin_project(PinnedDrop)]
pub struct Lock<'a, T: ?Sized> {
    mutex: &'a Mutex<T>,
    #[pin]
    waiter: Waiter,
}

impl<'a, T: ?Sized> Lock<'a, T> {
    #[inline]
    pub(crate) fn new(mutex: &'a Mutex<T>, site: Site) -> Self {
        Lock { mutex, waiter: Waiter::new(site) }
    }
}

impl<'a, T: ?Sized> Future for Lock<'a, T> {
    type Output = MutexGuard<'a, T>;

    #[inline]
    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<MutexGuard<'a, T>> {
        let mut this = self.project();
        ready!(this.waiter.as_mut().poll(&this.mutex.raw, cx));
        Poll::Ready(MutexGuard::new(this.mutex, this.waiter.site()))
    }
}

impl<T: ?Sized> FusedFuture for Lock<'_, T> {
    fn is_terminated(&self) -> bool {
        self.waiter.is_done()
    }
}

#[pinned_drop]
impl<T: ?Sized> PinnedDrop for Lock<'_, T> {
    #[inline]
    fn drop(self: Pin<&mut Self>) {
        let this = self.project();
        this.waiter.cancel(&this.mutex.raw);
    }
}

impl<T: ?Sized> fmt::Debug for Lock<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Lock").field("done", &self.waiter.is_done()).finish_non_exhaustive()
    }
}

/// The future of [`Mutex::lock_owned`].
#[must_use = "a future does nothing unless it is awaited"]
#[pin_project(PinnedDrop)]
pub struct LockOwned<T: ?Sized> {
    /// Gone once it is in the guard.
    mutex: Option<Arc<Mutex<T>>>,
    #[pin]
    waiter: Waiter,
}

impl<T: ?Sized> LockOwned<T> {
    #[inline]
    pub(super) fn new(mutex: Arc<Mutex<T>>, site: Site) -> Self {
        LockOwned { mutex: Some(mutex), waiter: Waiter::new(site) }
    }
}

impl<T: ?Sized> Future for LockOwned<T> {
    type Output = OwnedMutexGuard<T>;

    #[inline]
    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<OwnedMutexGuard<T>> {
        let mut this = self.project();
        let mutex = this.mutex.as_ref().expect("the future of Mutex::lock was polled after it had finished");
        ready!(this.waiter.as_mut().poll(&mutex.raw, cx));
        let mutex = this.mutex.take().expect("it was there just now");
        Poll::Ready(OwnedMutexGuard::new(mutex, this.waiter.site()))
    }
}

impl<T: ?Sized> FusedFuture for LockOwned<T> {
    fn is_terminated(&self) -> bool {
        self.mutex.is_none()
    }
}

#[pinned_drop]
impl<T: ?Sized> PinnedDrop for LockOwned<T> {
    #[inline]
    fn drop(self: Pin<&mut Self>) {
        let this = self.project();
        if let Some(mutex) = this.mutex {
            this.waiter.cancel(&mutex.raw);
        }
    }
}

impl<T: ?Sized> fmt::Debug for LockOwned<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LockOwned").field("done", &self.mutex.is_none()).finish_non_exhaustive()
    }
}
