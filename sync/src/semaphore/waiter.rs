//! One who waits for permits: the part that the semaphore's futures share.
use super::error::AcquireError;
use super::raw::Raw;
use crate::calm::discard;
use crate::watch::Watch;
use dormouse_wait::frame::{self, Reason, Site};
use dormouse_wait::list::{Entry, Node, Phase, Verdict};
use pin_project::pin_project;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

/// One who waits for permits: the part that the futures share. Their `Drop` calls [`Waiter::cancel`].
#[pin_project]
pub(super) struct Waiter {
    #[pin]
    node: Node<Entry<u32>>,
    count: u32,
    site: Site,
    watch: Watch,
}

impl Waiter {
    #[inline]
    pub(super) fn new(count: u32, site: Site) -> Self {
        Waiter { node: Node::new(Entry::new(count)), count, site, watch: Watch::new() }
    }

    pub(super) fn count(&self) -> u32 {
        self.count
    }

    pub(super) fn is_done(&self) -> bool {
        self.node.phase() == Phase::Spent
    }

    /// The source line of the wait.
    #[inline(always)]
    pub(super) fn site(&self) -> Site {
        self.site
    }

    /// Ready: the caller has the permits of `raw`, the same one at every call, or never will.
    #[inline]
    pub(super) fn poll(
        self: Pin<&mut Self>,
        raw: &Raw,
        cx: &mut Context<'_>,
    ) -> Poll<Result<(), AcquireError>> {
        if self.node.phase() == Phase::Idle {
            // Later polls do not pay again: one wait, one operation.
            ready!(frame::poll_spend(cx));
            if raw.try_acquire(self.count).is_ok() {
                self.node.spend();
                return Poll::Ready(Ok(()));
            }
        }
        self.poll_contended(raw, cx)
    }

    #[cold]
    fn poll_contended(
        self: Pin<&mut Self>,
        raw: &Raw,
        cx: &mut Context<'_>,
    ) -> Poll<Result<(), AcquireError>> {
        let this = self.project();
        let node = this.node.into_ref();
        let verdict = match node.phase() {
            Phase::Idle if *this.count as usize > raw.whole() && !raw.is_closed() => {
                node.spend();
                return Poll::Ready(Err(AcquireError::TooMany));
            }
            Phase::Idle => {
                let waker = cx.waker().clone();
                let alarm = this.watch.before(&waker);
                let found = raw.enqueue(node, waker, *this.count, alarm);
                this.watch.follow(found, cx.waker(), None, |now| raw.look(node, now))
            }
            Phase::Queued if raw.claim(node) => Some(Verdict::Granted),
            Phase::Queued => {
                let waker = cx.waker().clone();
                let alarm = this.watch.before(&waker);
                let found = raw.again(node, waker, alarm);
                this.watch.follow(found, cx.waker(), None, |now| raw.look(node, now))
            }
            Phase::Closed => Some(Verdict::Closed),
            _ => panic!("the future of Semaphore::acquire was polled after it had finished"),
        };
        let Some(verdict) = verdict else {
            frame::note_on(Reason::SemaphoreAcquire, Some(this.site), raw);
            return Poll::Pending;
        };
        this.watch.end();
        node.spend();
        Poll::Ready(if verdict == Verdict::Granted { Ok(()) } else { Err(AcquireError::Closed) })
    }

    /// The future goes away: takes it out of the queue, and gives back what it was given and has not taken.
    #[inline]
    pub(super) fn cancel(self: Pin<&mut Self>, raw: &Raw) {
        if self.node.phase() == Phase::Queued {
            discard(raw.leave(self.as_ref().project_ref().node, self.count));
        }
    }
}
