//! A system call that may have to wait, as a future.
use super::{Interest, Ready, Registration, gone};
use crate::reactor::source::Source;
use dormouse_wait::frame::{self, Site};
use dormouse_wait::list::{Node, Phase};
use std::cell::Cell;
use std::fmt;
use std::future::Future;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

/// One try of a system call.
#[derive(Debug)]
pub struct Attempt {
    ready: u8,
    drained: Cell<bool>,
}

impl Attempt {
    pub(super) fn new(ready: u8) -> Attempt {
        Attempt { ready, drained: Cell::new(false) }
    }

    /// What the system has told so far.
    pub fn ready(&self) -> Ready {
        Ready(self.ready)
    }

    /// The call gave less than it could have given, on a stream: so the next one would block, and need not be tried.
    pub fn drained(&self) {
        // After an end or an error there is more to be told, and no news will come of it.
        self.drained.set(!self.ready().is_read_closed() && !self.ready().is_write_closed());
    }

    pub(super) fn is_drained(&self) -> bool {
        self.drained.get()
    }
}

/// The future of [`Registration::io`]. Polled again after it was ready, it panics.
///
/// # Cancel safety
/// Safe to drop at any moment: if it was not ready, its last call would have blocked, and so did nothing.
#[must_use = "futures do nothing unless polled: `.await` it"]
pub struct Operation<'a, F> {
    registration: &'a Registration,
    interest: Interest,
    site: Site,
    call: F,
    node: Node<()>,
}

impl<'a, F> Operation<'a, F> {
    pub(super) fn new(
        registration: &'a Registration,
        interest: Interest,
        site: Site,
        call: F,
    ) -> Operation<'a, F> {
        Operation { registration, interest, site, call, node: Node::new(()) }
    }

    fn source(&self) -> &'a Source {
        &self.registration.source
    }

    fn node(self: Pin<&Self>) -> Pin<&Node<()>> {
        // SAFETY: the node is pinned as the future is.
        unsafe { self.map_unchecked(|this| &this.node) }
    }
}

impl<R, F: FnMut(&Attempt) -> io::Result<R>> Future for Operation<'_, F> {
    type Output = io::Result<R>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<R>> {
        let (source, interest) = (self.source(), self.interest);
        let node = self.as_ref().node();
        assert!(!node.is(Phase::Spent), "dormouse: a socket's future was polled after it was ready");
        if node.is(Phase::Queued) {
            // SAFETY: it was queued there.
            unsafe { source.rewake(node, cx.waker()) };
            // It may have left the list between the look at the phase and the lock, for the former waker.
            if node.is(Phase::Queued) {
                return self.registration.pending(Some(self.site));
            }
        }
        node.reset();
        ready!(frame::poll_spend(cx));
        loop {
            let mut looked = source.look(interest.0);
            if looked.is_pending() {
                // `Waker::clone` is user code: before any lock.
                let waker = cx.waker().clone();
                // SAFETY: the node is pinned, and idle; the Drop takes it out.
                looked = unsafe { source.queue(self.as_ref().node(), interest.0, waker) };
            }
            let seen = match looked {
                Poll::Pending => return self.registration.pending(Some(self.site)),
                Poll::Ready(seen) => seen.map_err(gone)?,
            };
            let registration = self.registration;
            // SAFETY: `call` is not pinned; the node is not touched.
            let call = unsafe { &mut self.as_mut().get_unchecked_mut().call };
            if let Some(result) = registration.attempt(seen, interest, call) {
                self.node.spend();
                return Poll::Ready(result);
            }
        }
    }
}

impl<F> Drop for Operation<'_, F> {
    fn drop(&mut self) {
        // SAFETY: a future that is dropped does not move any more.
        let this = unsafe { Pin::new_unchecked(&*self) };
        // SAFETY: if it was queued, then there.
        unsafe { this.source().remove(this.node()) };
    }
}

impl<F> fmt::Debug for Operation<'_, F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Operation").field("interest", &self.interest).finish_non_exhaustive()
    }
}
