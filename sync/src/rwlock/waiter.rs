//! One who waits for a read-write lock: the part that its futures share.
use super::queues::Round;
use super::raw::{Access, RawRwLock};
use crate::calm::discard;
use crate::watch::Watch;
use dormouse_wait::frame::{self, Reason, Site};
use dormouse_wait::list::{Entry, Node, Phase};
use pin_project::pin_project;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

/// One who waits for a [`RawRwLock`]: the part that the lock futures share. Their `Drop` calls [`Waiter::cancel`].
#[pin_project]
pub(crate) struct Waiter {
    #[pin]
    node: Node<Entry<Round>>,
    access: Access,
    site: Site,
    watch: Watch,
}

impl Waiter {
    #[inline]
    pub(crate) fn new(access: Access, site: Site) -> Self {
        Waiter { node: Node::new(Entry::new(0)), access, site, watch: Watch::new() }
    }

    /// Has the lock been given out?
    pub(crate) fn is_done(&self) -> bool {
        self.node.phase() == Phase::Spent
    }

    /// The source line of the wait.
    #[inline(always)]
    pub(super) fn site(&self) -> Site {
        self.site
    }

    /// Ready: the caller owns `raw`, the same one at every call.
    #[inline]
    pub(crate) fn poll(self: Pin<&mut Self>, raw: &RawRwLock, cx: &mut Context<'_>) -> Poll<()> {
        if self.node.phase() == Phase::Idle {
            // Later polls do not pay again: one lock, one operation.
            ready!(frame::poll_spend(cx));
            if raw.try_lock(self.access) {
                self.node.spend();
                return Poll::Ready(());
            }
        }
        self.poll_contended(raw, cx)
    }

    #[cold]
    fn poll_contended(self: Pin<&mut Self>, raw: &RawRwLock, cx: &mut Context<'_>) -> Poll<()> {
        let this = self.project();
        let (node, access) = (this.node.into_ref(), *this.access);
        let queued = match node.phase() {
            Phase::Idle => false,
            Phase::Queued => true,
            _ => panic!("a future of RwLock was polled after it had finished"),
        };
        let (mut owner, unused) = if queued { raw.claim(node, access) } else { (false, None) };
        discard(unused);
        if !owner {
            let waker = cx.waker().clone();
            let alarm = this.watch.before(&waker);
            let found = match queued {
                true => raw.again(node, waker, access, alarm),
                false => raw.enqueue(node, waker, access, alarm),
            };
            owner = this.watch.follow(found, cx.waker(), None, |now| raw.look(node, access, now)).is_some();
        }
        if !owner {
            let reason = match access {
                Access::Read => Reason::RwLockRead,
                Access::Write => Reason::RwLockWrite,
            };
            frame::note_on(reason, Some(this.site), raw);
            return Poll::Pending;
        }
        this.watch.end();
        node.spend();
        Poll::Ready(())
    }

    /// The future goes away: takes it out of the queue, and passes on what it was given and has not taken.
    #[inline]
    pub(crate) fn cancel(self: Pin<&mut Self>, raw: &RawRwLock) {
        if self.node.phase() == Phase::Queued {
            self.cancel_wait(raw);
        }
    }

    #[cold]
    fn cancel_wait(self: Pin<&mut Self>, raw: &RawRwLock) {
        let (owner, waker) = raw.leave(self.as_ref().project_ref().node, self.access);
        if owner {
            raw.unlock(self.access);
        }
        discard(waker);
    }
}
