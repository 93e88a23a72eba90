//! The futures that wait for a context: thin coats around `Waiter`.
use super::{Context, ContextError, Node};
use crate::waiter::Waiter;
use dormouse_wait::frame::{self, Reason, Site};
use futures_core::FusedFuture;
use pin_project::{pin_project, pinned_drop};
use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::task::{self, Poll, ready};

/// Ready when `node` is done.
fn poll_done(
    waiter: Pin<&mut Waiter>,
    node: &Node,
    cx: &mut task::Context<'_>,
    reason: Reason,
) -> Poll<ContextError> {
    if let Some(error) = node.err() {
        // It may be queued still, if the one who cancels has not come so far.
        waiter.cancel(node.waiters());
        return Poll::Ready(error);
    }
    ready!(waiter.poll(node.waiters(), cx, reason, || node.done_or_waited()));
    Poll::Ready(node.err().expect("waiters are woken by a cancel only"))
}

/// The future of [`Context::done`].
#[must_use = "a future does nothing unless it is awaited"]
#[pin_project(PinnedDrop)]
pub struct Done<'a> {
    context: &'a Context,
    #[pin]
    waiter: Waiter,
}

impl<'a> Done<'a> {
    pub(super) fn new(context: &'a Context, site: Site) -> Self {
        Done { context, waiter: Waiter::new(site) }
    }
}

impl Future for Done<'_> {
    type Output = ContextError;

    fn poll(self: Pin<&mut Self>, cx: &mut task::Context<'_>) -> Poll<ContextError> {
        let this = self.project();
        assert!(!this.waiter.is_done(), "the future of Context::done was polled after it had finished");
        let Some(node) = &this.context.node else {
            frame::note(Reason::ContextDone, Some(this.waiter.site()));
            return Poll::Pending;
        };
        if this.waiter.is_new() {
            ready!(frame::poll_spend(cx));
        }
        poll_done(this.waiter, node, cx, Reason::ContextDone)
    }
}

impl FusedFuture for Done<'_> {
    fn is_terminated(&self) -> bool {
        self.waiter.is_done()
    }
}

#[pinned_drop]
impl PinnedDrop for Done<'_> {
    fn drop(self: Pin<&mut Self>) {
        let this = self.project();
        if let Some(node) = &this.context.node {
            this.waiter.cancel(node.waiters());
        }
    }
}

impl fmt::Debug for Done<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Done").field("done", &self.is_terminated()).finish_non_exhaustive()
    }
}

/// The future of [`Context::run`].
#[must_use = "a future does nothing unless it is awaited"]
#[pin_project(PinnedDrop)]
pub struct Run<F> {
    context: Context,
    /// Gone once it has finished, or the context is done.
    #[pin]
    future: Option<F>,
    #[pin]
    waiter: Waiter,
}

impl<F> Run<F> {
    pub(super) fn new(context: Context, future: F, site: Site) -> Self {
        Run { context, future: Some(future), waiter: Waiter::new(site) }
    }
}

impl<F: Future> Future for Run<F> {
    type Output = Result<F::Output, ContextError>;

    fn poll(self: Pin<&mut Self>, cx: &mut task::Context<'_>) -> Poll<Self::Output> {
        let mut this = self.project();
        assert!(this.future.is_some(), "the future of Context::run was polled after it had finished");
        let node = this.context.node.as_deref();
        if let Some(node) = node
            && let Poll::Ready(error) = poll_done(this.waiter.as_mut(), node, cx, Reason::ContextDone)
        {
            this.future.set(None);
            return Poll::Ready(Err(error));
        }
        // What the task waits for is the future's business: it may be something that nobody here knows of.
        frame::note(Reason::External, None);
        let future = this.future.as_mut().as_pin_mut().expect("it was there just now");
        let output = ready!(future.poll(cx));
        if let Some(node) = node {
            this.waiter.cancel(node.waiters());
        }
        this.future.set(None);
        Poll::Ready(Ok(output))
    }
}

impl<F: Future> FusedFuture for Run<F> {
    fn is_terminated(&self) -> bool {
        self.future.is_none()
    }
}

#[pinned_drop]
impl<F> PinnedDrop for Run<F> {
    fn drop(self: Pin<&mut Self>) {
        let this = self.project();
        if let Some(node) = &this.context.node {
            this.waiter.cancel(node.waiters());
        }
    }
}

impl<F> fmt::Debug for Run<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Run").field("done", &self.future.is_none()).finish_non_exhaustive()
    }
}
