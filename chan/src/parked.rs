//! The wait of a receiver's stream. A stream has no future of its own in which a node could live, so the first poll
//! that has to wait boxes one, which the receiver keeps.
//!
//! | slot | event | slot after |
//! |---|---|---|
//! | empty, ended | `poll_next` that has to wait, by the exclusive owner | a queued wait |
//! | a wait | `poll_next` | the same wait, queued again or spent |
//! | any | `poll_next` that gives None | ended; there is no wait any more |
//! | a wait | any other receive on this receiver, by `&self`, or its drop | empty: the wait is withdrawn (X1) |
//!
//! A wait that was given up by dropping `next()` stands in the channel's queue until then.
//! Ordering: the swap (AcqRel) lets one of several threads take the wait away.
use crate::chan::Chan;
use crate::wait::RecvWait;
use dormouse_wait::frame::{self, Site};
use std::marker::PhantomData;
use std::pin::Pin;
use std::ptr;
use std::sync::atomic::{AtomicPtr, Ordering::*};
use std::task::{Context, Poll, ready};

/// A place for one boxed [`RecvWait`] on the channel of the receiver that owns this. The pointer is untyped because
/// the wait borrows from a neighbour field: its lifetime is that of the receiver and has no name.
pub(crate) struct Parked<T> {
    wait: AtomicPtr<()>,
    _owns: PhantomData<fn() -> T>,
}

/// What stands in the slot after the stream's None.
const ENDED: *mut () = ptr::without_provenance_mut(1);

impl<T> Parked<T> {
    pub(crate) fn new() -> Self {
        Parked { wait: AtomicPtr::new(ptr::null_mut()), _owns: PhantomData }
    }

    /// Withdraws the stream's wait, if there is one. To be called before the receiver lets its channel go.
    #[inline(always)]
    pub(crate) fn leave(&self) {
        if self.wait.load(Relaxed) > ENDED {
            self.withdraw();
        }
    }

    /// Has the stream given its None?
    pub(crate) fn has_ended(&self) -> bool {
        self.wait.load(Relaxed) == ENDED
    }

    #[cold]
    fn withdraw(&self) {
        // Ordering: AcqRel pairs with itself: whoever gets the pointer sees the wait as `poll_next` left it.
        let wait = self.wait.swap(ptr::null_mut(), AcqRel).cast::<RecvWait<'_, T>>();
        if wait.cast() > ENDED {
            // SAFETY: made by `poll_next`, taken out once; the channel lives, as the receiver does. Its drop unlinks.
            drop(unsafe { Box::from_raw(wait) });
        }
    }

    /// One poll of the stream of the receiver on `chan`, which must be the same at each call.
    pub(crate) fn poll_next(&mut self, chan: &Chan<T>, cx: &mut Context<'_>, site: Site) -> Poll<Option<T>> {
        let slot = self.wait.get_mut();
        if *slot <= ENDED {
            ready!(frame::poll_spend(cx));
            // Nothing is kept of a wait that ends at once: only one that queues needs a place that stays.
            *slot = match chan.try_recv() {
                Ok(value) => {
                    *slot = ptr::null_mut();
                    return Poll::Ready(Some(value));
                }
                Err(error) if error.is_closed() => {
                    *slot = ENDED;
                    return Poll::Ready(None);
                }
                Err(_) => Box::into_raw(Box::new(RecvWait::new(chan))).cast(),
            }
        }
        // SAFETY: the box is ours and is given up only by `withdraw`, which needs the pointer that stands here.
        let wait = unsafe { &*slot.cast::<RecvWait<'_, T>>() };
        // SAFETY: boxed, and never moved out.
        let wait = unsafe { Pin::new_unchecked(wait) };
        wait.reset();
        let poll = wait.poll(cx, site);
        if let Poll::Ready(None) = poll {
            self.withdraw();
            self.wait = AtomicPtr::new(ENDED);
        }
        poll
    }
}
