//! The futures that wait for a notification: coats around one [`Waiter`].
use super::{By, Notify, Round, Ticket};
use crate::calm::discard;
use dormouse_wait::frame::{self, Reason, Site};
use dormouse_wait::list::{Node, Phase, Verdict};
use futures_core::FusedFuture;
use pin_project::{pin_project, pinned_drop};
use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker, ready};

/// One who waits; a future's `Drop` calls [`Waiter::cancel`].
#[pin_project]
struct Waiter {
    #[pin]
    node: Node<Ticket>,
    round: Round,
    site: Site,
}

impl Waiter {
    fn new(round: Round, site: Site) -> Self {
        Waiter { node: Node::new(Ticket { round, by: By::All }), round, site }
    }

    fn is_done(&self) -> bool {
        self.node.phase() == Phase::Spent
    }

    fn poll(self: Pin<&mut Self>, notify: &Notify, cx: &mut Context<'_>) -> Poll<()> {
        if self.node.phase() == Phase::Idle {
            // Later polls do not pay again: one wait, one operation.
            ready!(frame::poll_spend(cx));
        }
        assert!(!self.is_done(), "the future of Notify::notified was polled after it had finished");
        if !self.as_ref().told(notify, Some(cx.waker())) {
            frame::note_on(Reason::Notify, Some(self.site), notify);
            return Poll::Pending;
        }
        self.node.spend();
        Poll::Ready(())
    }

    /// From here on it waits for `notify_one` too; true if it has been told, and need not wait.
    fn enable(self: Pin<&mut Self>, notify: &Notify) -> bool {
        if self.is_done() {
            return true;
        }
        if !self.as_ref().told(notify, None) {
            return false;
        }
        // Taken: whoever drops it now has had it.
        if self.node.phase() == Phase::Idle {
            self.node.conclude(Verdict::Granted);
        }
        // SAFETY: granted, the node is its owner's.
        unsafe { self.node.with_payload(|ticket| ticket.by = By::All) };
        true
    }

    /// Has it been told? Else it is queued, with this waker; without one, that of the last poll stays. If so, it is not
    /// queued: granted, or idle.
    fn told(self: Pin<&Self>, notify: &Notify, waker: Option<&Waker>) -> bool {
        let node = self.project_ref().node;
        match node.phase() {
            Phase::Idle if notify.take(self.round).is_ok() => return true,
            Phase::Idle => {
                let waker = waker.unwrap_or(Waker::noop()).clone();
                discard(notify.enqueue(node, waker, self.round));
            }
            Phase::Queued => notify.repoll(node, waker.cloned(), self.round).into_iter().for_each(discard),
            _ => (),
        }
        node.phase() != Phase::Queued
    }

    /// The future goes away: takes it out of the list, and passes on what it was given and has not taken.
    fn cancel(self: Pin<&mut Self>, notify: &Notify) {
        let mut waker = None;
        if self.node.phase() == Phase::Queued {
            let node = self.as_ref().project_ref().node;
            waker = notify.leave(&mut notify.waiters.lock(), node);
        }
        if self.node.phase() == Phase::Granted {
            // SAFETY: granted, the node is its owner's.
            let by = unsafe { self.node.with_payload(|ticket| ticket.by) };
            self.node.spend();
            if by != By::All {
                notify.notify(by);
            }
        }
        discard(waker);
    }
}

/// The future of [`Notify::notified`].
#[must_use = "a future does nothing unless it is awaited"]
#[pin_project(PinnedDrop)]
pub struct Notified<'a> {
    notify: &'a Notify,
    #[pin]
    waiter: Waiter,
}

/// The future of [`Notify::notified_owned`].
#[must_use = "a future does nothing unless it is awaited"]
#[pin_project(PinnedDrop)]
pub struct OwnedNotified {
    notify: Arc<Notify>,
    #[pin]
    waiter: Waiter,
}

impl<'a> Notified<'a> {
    pub(super) fn new(notify: &'a Notify, round: Round, site: Site) -> Self {
        Notified { notify, waiter: Waiter::new(round, site) }
    }
}

impl OwnedNotified {
    pub(super) fn new(notify: Arc<Notify>, round: Round, site: Site) -> Self {
        OwnedNotified { notify, waiter: Waiter::new(round, site) }
    }
}

/// What both are.
macro_rules! notified {
    ([$($generics:tt)*] $name:ident [$($future:tt)+]) => {
        impl<$($generics)*> $($future)+ {
            /// Waits for `notify_one` and `notify_last` from here on, without a poll. True if it has been told: a stored
            /// permit is taken then, and the next poll is ready.
            ///
            /// To look at some state once more, knowing that no notification is missed:
            ///
            /// ```
            /// use std::pin::pin;
            ///
            /// # tokio::runtime::Runtime::new().unwrap().block_on(async {
            /// let notify = dormouse_sync::Notify::new();
            /// let mut told = pin!(notify.notified());
            /// assert!(!told.as_mut().enable());
            /// // Here is the place to look.
            /// notify.notify_one();
            /// told.await;
            /// # });
            /// ```
            pub fn enable(self: Pin<&mut Self>) -> bool {
                let this = self.project();
                this.waiter.enable(this.notify)
            }
        }

        impl<$($generics)*> Future for $($future)+ {
            type Output = ();

            #[inline]
            fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
                let this = self.project();
                this.waiter.poll(this.notify, cx)
            }
        }

        impl<$($generics)*> FusedFuture for $($future)+ {
            fn is_terminated(&self) -> bool {
                self.waiter.is_done()
            }
        }

        #[pinned_drop]
        impl<$($generics)*> PinnedDrop for $($future)+ {
            #[inline]
            fn drop(self: Pin<&mut Self>) {
                let this = self.project();
                this.waiter.cancel(this.notify);
            }
        }

        impl<$($generics)*> fmt::Debug for $($future)+ {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.debug_struct(stringify!($name)).field("done", &self.waiter.is_done()).finish_non_exhaustive()
            }
        }
    };
}
notified!(['a] Notified [Notified<'a>]);
notified!([] OwnedNotified [OwnedNotified]);
