//! A wait for the channel's close.
use super::core::Chan;
use super::wait::{POLLED_AGAIN, withdraw};
use crate::wait::{let_go, rewake};
use dormouse_wait::frame::{self, Reason, Site};
use dormouse_wait::list::{Node, Phase};
use futures_core::FusedFuture;
use pin_project::{pin_project, pinned_drop};
use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

/// The future of [`Sender::closed`](super::Sender::closed).
#[pin_project(PinnedDrop)]
#[must_use = "futures do nothing unless polled: `.await` it"]
pub struct ClosedFuture<'a, T> {
    chan: &'a Chan<T>,
    #[pin]
    node: Node<()>,
    site: Site,
}

impl<'a, T> ClosedFuture<'a, T> {
    pub(super) fn new(chan: &'a Chan<T>, site: Site) -> Self {
        ClosedFuture { chan, node: Node::new(()), site }
    }
}

/// Queues an idle node; false if the channel is closed.
fn queue<T>(chan: &Chan<T>, node: Pin<&Node<()>>, cx: &mut Context<'_>) -> bool {
    if chan.is_closed() {
        return false;
    }
    // A waker's clone is user code: not under the lock.
    let waker = cx.waker().clone();
    let mut core = chan.core.lock();
    if core.closed {
        drop(core);
        let_go(Some(waker));
        return false;
    }
    // SAFETY: idle and pinned; `drop` removes it.
    unsafe { core.closing.push_back(node, waker) };
    true
}

impl<T> Future for ClosedFuture<'_, T> {
    type Output = ();
    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let this = self.as_ref().project_ref();
        let (chan, node) = (*this.chan, this.node);
        let waits = match node.phase() {
            Phase::Idle => {
                ready!(frame::poll_spend(cx));
                queue(chan, node, cx)
            }
            // SAFETY: a queued one stands in this list.
            Phase::Queued => unsafe { rewake(&chan.core, |core| &mut core.closing, node, cx) },
            Phase::Granted | Phase::Closed => false,
            Phase::Spent => panic!("{POLLED_AGAIN}"),
        };
        if waits {
            frame::note(Reason::ChanReceive, Some(this.site));
            return Poll::Pending;
        }
        node.spend();
        Poll::Ready(())
    }
}

#[pinned_drop]
impl<T> PinnedDrop for ClosedFuture<'_, T> {
    fn drop(self: Pin<&mut Self>) {
        let this = self.as_ref().project_ref();
        withdraw(this.chan, |core| &mut core.closing, this.node);
    }
}

impl<T> FusedFuture for ClosedFuture<'_, T> {
    fn is_terminated(&self) -> bool {
        self.node.is(Phase::Spent)
    }
}

impl<T> fmt::Debug for ClosedFuture<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ClosedFuture").field("phase", &self.node.phase()).finish_non_exhaustive()
    }
}
