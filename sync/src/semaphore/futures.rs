//! The futures that wait for permits: thin coats around `waiter::Waiter`.
use super::error::AcquireError;
use super::permit::{OwnedSemaphorePermit, SemaphorePermit};
use super::{Semaphore, waiter::Waiter};
use dormouse_wait::frame::Site;
use futures_core::FusedFuture;
use pin_project::{pin_project, pinned_drop};
use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

/// The future of [`Semaphore::acquire`] and [`Semaphore::acquire_many`].
#[must_use = "a future does nothing unless it is awaited"]
#[pin_project(PinnedDrop)]
pub struct Acquire<'a> {
    semaphore: &'a Semaphore,
    #[pin]
    waiter: Waiter,
}

impl<'a> Acquire<'a> {
    #[inline]
    pub(super) fn new(semaphore: &'a Semaphore, count: u32, site: Site) -> Self {
        Acquire { semaphore, waiter: Waiter::new(count, site) }
    }
}

impl<'a> Future for Acquire<'a> {
    type Output = Result<SemaphorePermit<'a>, AcquireError>;

    #[inline]
    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let mut this = self.project();
        ready!(this.waiter.as_mut().poll(&this.semaphore.raw, cx))?;
        Poll::Ready(Ok(SemaphorePermit::new(this.semaphore, this.waiter.count(), this.waiter.site())))
    }
}

impl FusedFuture for Acquire<'_> {
    fn is_terminated(&self) -> bool {
        self.waiter.is_done()
    }
}

#[pinned_drop]
impl PinnedDrop for Acquire<'_> {
    #[inline]
    fn drop(self: Pin<&mut Self>) {
        let this = self.project();
        this.waiter.cancel(&this.semaphore.raw);
    }
}

impl fmt::Debug for Acquire<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Acquire").field("done", &self.waiter.is_done()).finish_non_exhaustive()
    }
}

/// The future of [`Semaphore::acquire_owned`] and [`Semaphore::acquire_many_owned`].
#[must_use = "a future does nothing unless it is awaited"]
#[pin_project(PinnedDrop)]
pub struct AcquireOwned {
    /// Gone once it is in the permit.
    semaphore: Option<Arc<Semaphore>>,
    #[pin]
    waiter: Waiter,
}

impl AcquireOwned {
    #[inline]
    pub(super) fn new(semaphore: Arc<Semaphore>, count: u32, site: Site) -> Self {
        AcquireOwned { semaphore: Some(semaphore), waiter: Waiter::new(count, site) }
    }
}

impl Future for AcquireOwned {
    type Output = Result<OwnedSemaphorePermit, AcquireError>;

    #[inline]
    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let mut this = self.project();
        let semaphore = this
            .semaphore
            .as_ref()
            .expect("the future of Semaphore::acquire was polled after it had finished");
        let acquired = ready!(this.waiter.as_mut().poll(&semaphore.raw, cx));
        let semaphore = this.semaphore.take().expect("it was there just now");
        Poll::Ready(
            acquired.map(|()| OwnedSemaphorePermit::new(semaphore, this.waiter.count(), this.waiter.site())),
        )
    }
}

impl FusedFuture for AcquireOwned {
    fn is_terminated(&self) -> bool {
        self.semaphore.is_none()
    }
}

#[pinned_drop]
impl PinnedDrop for AcquireOwned {
    #[inline]
    fn drop(self: Pin<&mut Self>) {
        let this = self.project();
        if let Some(semaphore) = this.semaphore {
            this.waiter.cancel(&semaphore.raw);
        }
    }
}

impl fmt::Debug for AcquireOwned {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AcquireOwned").field("done", &self.semaphore.is_none()).finish_non_exhaustive()
    }
}
