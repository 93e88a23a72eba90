//! A send that waits, or has sent.
//!
//! | phase of its node | the value |
//! |---|---|
//! | Idle | is here |
//! | Queued | is here; whoever makes room moves it into the channel, under the lock |
//! | Granted | is sent |
//! | Closed | is here, with the reason why it was refused |
//! | Spent | is sent, or was given back |
use super::core::{Chan, Offer, Put};
use super::error::{Refused, SendError};
use super::overflow::Overflow;
use super::wait::{POLLED_AGAIN, withdraw};
use crate::wait::{let_go, rewake};
use dormouse_wait::frame::{self, Reason, Site};
use dormouse_wait::list::{Node, Phase};
use futures_core::FusedFuture;
use pin_project::{pin_project, pinned_drop};
use std::fmt;
use std::future::Future;
use std::mem::MaybeUninit;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

/// The future of [`Sender::send`](super::Sender::send).
#[pin_project(PinnedDrop)]
#[must_use = "futures do nothing unless polled: `.await` it"]
pub struct SendFuture<'a, T> {
    chan: &'a Chan<T>,
    #[pin]
    node: Node<Offer<T>>,
    site: Site,
}

impl<'a, T> SendFuture<'a, T> {
    #[inline(always)]
    pub(super) fn new(chan: &'a Chan<T>, value: T, site: Site) -> Self {
        let offer = Offer { value: MaybeUninit::new(value), why: Refused::Closed };
        SendFuture { chan, node: Node::new(offer), site }
    }
}

/// Moves the value of an idle node into the channel, or queues the node.
#[inline(always)]
fn send<T>(
    chan: &Chan<T>,
    node: Pin<&Node<Offer<T>>>,
    cx: &mut Context<'_>,
) -> Poll<Result<(), SendError<T>>> {
    // SAFETY: the payload lives as long as the node; only the place of a field is taken.
    let value: *const T = unsafe { &raw const (*node.payload()).value }.cast();
    let mut waker = None;
    loop {
        let mut core = chan.core.lock();
        // SAFETY: idle: the value is there; if it moves, the phase says so below.
        match unsafe { core.put(value) } {
            Put::Sent(overtaken) => {
                node.spend();
                chan.settle(core);
                let_go(waker);
                drop(overtaken);
                return Poll::Ready(Ok(()));
            }
            Put::Refused(Refused::Full) if chan.overflow == Overflow::Wait => match waker.take() {
                Some(waker) => {
                    // SAFETY: idle and pinned; `drop` removes it.
                    unsafe { core.sending.push_back(node, waker) };
                    return Poll::Pending;
                }
                None => {
                    // A waker's clone is user code: not under the lock.
                    drop(core);
                    waker = Some(cx.waker().clone());
                }
            },
            Put::Refused(why) => {
                drop(core);
                let_go(waker);
                return Poll::Ready(Err(SendError::new(why, take_value(node))));
            }
        }
    }
}

/// Takes the value of a node that is idle or closed.
fn take_value<T>(node: Pin<&Node<Offer<T>>>) -> T {
    debug_assert!(matches!(node.phase(), Phase::Idle | Phase::Closed));
    let read = |offer: &mut Offer<T>| {
        // SAFETY: idle or closed: the value is there, and leaves the node here, once: the node is spent.
        unsafe { offer.value.assume_init_read() }
    };
    // SAFETY: idle or closed: the node is ours.
    let value = unsafe { node.with_payload(read) };
    node.spend();
    value
}

impl<T> Future for SendFuture<'_, T> {
    type Output = Result<(), SendError<T>>;
    #[inline]
    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.as_ref().project_ref();
        let (chan, node) = (*this.chan, this.node);
        let sent = match node.phase() {
            Phase::Idle => {
                ready!(frame::poll_spend(cx));
                send(chan, node, cx)
            }
            // If it has left the queue just now, its waker was woken and it is polled again.
            // SAFETY: a queued one stands in this list.
            Phase::Queued => match unsafe { rewake(&chan.core, |core| &mut core.sending, node, cx) } {
                true => Poll::Pending,
                false => return self.poll(cx),
            },
            Phase::Granted => {
                node.spend();
                Poll::Ready(Ok(()))
            }
            Phase::Closed => {
                // SAFETY: closed: the node is ours.
                let why = unsafe { node.with_payload(|offer| offer.why) };
                Poll::Ready(Err(SendError::new(why, take_value(node))))
            }
            Phase::Spent => panic!("{POLLED_AGAIN}"),
        };
        if sent.is_pending() {
            frame::note(Reason::ChanSend, Some(this.site));
        }
        sent
    }
}

#[pinned_drop]
impl<T> PinnedDrop for SendFuture<'_, T> {
    fn drop(self: Pin<&mut Self>) {
        let this = self.as_ref().project_ref();
        withdraw(this.chan, |core| &mut core.sending, this.node);
        if this.node.is(Phase::Idle) || this.node.is(Phase::Closed) {
            drop(take_value(this.node));
        }
    }
}

impl<T> FusedFuture for SendFuture<'_, T> {
    fn is_terminated(&self) -> bool {
        self.node.is(Phase::Spent)
    }
}

impl<T> fmt::Debug for SendFuture<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SendFuture").field("phase", &self.node.phase()).finish_non_exhaustive()
    }
}
