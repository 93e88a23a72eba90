//! The semaphore's word and its waiters.
//!
//! The word: CLOSED, WAITERS, and the number of available permits.
//!
//! | state | event | state after | who wakes |
//! |---|---|---|---|
//! | enough, nobody waits | acquire, `try_acquire` | less | - |
//! | not enough, or somebody waits | acquire | WAITERS; node Queued at the back | - |
//! | nobody waits | release | more | - |
//! | WAITERS | release | more; then, with the gate held, from the front: as long as it is enough, less and Granted | the releaser, 32 at a time, between locks |
//! | WAITERS | drop of a Queued one | it is out of the list; then as after a release | the dropper |
//! | any | drop of a granted one that was never polled | as release | as release |
//! | any | close | CLOSED; all nodes Closed | the closer, 32 at a time, between locks |
//!
//! Invariants:
//! - P1 WAITERS = the list is not empty; it changes with the gate held only, and is set in the exchange that has seen that
//!   there is not enough, or that others wait.
//! - P2 If WAITERS is set and there is enough for the head, somebody is on the way to [`Raw::serve`]: whoever made it so
//!   (`models::semaphore`).
//! - P3 Permits leave the word with WAITERS set by `serve` and `forget` only: nobody barges (`tests/semaphore.rs`).
//! - P4 CLOSED is never cleared, and nobody queues or is granted anything under it.
//!
//! Locks and ordering: the gate is a leaf; wakers are cloned before it and woken or dropped after it. A
//! release is a Release; who takes permits has read it with Acquire, or is granted them by somebody who has.
//!
//! Rejected: giving a waiter what there is, until it has enough (tokio's: a large request then holds permits that it
//! cannot use, and must give them back when it is dropped).
//!
//! Checked by `models::semaphore`, `tests/semaphore.rs`, `tests/reentrant_waits.rs`, `tests/stress_waits.rs`.
use super::error::{AcquireError, TryAcquireError};
use crate::calm::{discard, in_batches, release};
use dormouse_wait::frame::{self, Reason, Site};
use dormouse_wait::list::{List, Node, Phase, Removed, Verdict};
use dormouse_wait::lock::Lock;
use dormouse_wait::prim::UnsafeCell;
use dormouse_wait::prim::atomic::{AtomicUsize, Ordering::*};
use dormouse_wait::wakes::Wakes;
use pin_project::pin_project;
use std::panic::{RefUnwindSafe, UnwindSafe};
use std::pin::Pin;
use std::task::{Context, Poll, Waker, ready};

const CLOSED: usize = 1;
const WAITERS: usize = 2;
const ONE: usize = 4;

/// The most permits.
pub(super) const MAX: usize = usize::MAX >> 3;

pub(super) struct Raw {
    word: AtomicUsize,
    /// The most permits that there will ever be, if that is fixed.
    whole: u32,
    fixed: bool,
    // A lock of its own beside what it guards: inside, the list would cost eight bytes more.
    gate: Lock<()>,
    /// How many permits each waiter asks for.
    waiters: UnsafeCell<List<u32>>,
}

// SAFETY: the word and the gate are made for sharing; the list is touched with the gate held only (`gated`).
unsafe impl Sync for Raw {}
// No panic of user code happens while the list or the word is between two states.
impl UnwindSafe for Raw {}
impl RefUnwindSafe for Raw {}

impl Raw {
    const_fn! {
        pub(super) const fn new(permits: usize, whole: Option<u32>) -> Self {
            let (whole, fixed) = match whole {
                Some(whole) => (whole, true),
                None => (0, false),
            };
            let word = AtomicUsize::new(permits * ONE);
            Raw { word, whole, fixed, gate: Lock::new(()), waiters: UnsafeCell::new(List::new()) }
        }
    }

    /// Calls `f` with the list, the gate held. `f` runs no user code.
    fn gated<R>(&self, f: impl FnOnce(&mut List<u32>) -> R) -> R {
        let _gate = self.gate.lock();
        self.waiters.with_mut(|list| {
            // SAFETY: the gate is held, so this is the only reference.
            f(unsafe { &mut *list })
        })
    }

    /// The most permits that there can be.
    #[inline]
    fn whole(&self) -> usize {
        if self.fixed { self.whole as usize } else { MAX }
    }

    pub(super) fn available(&self) -> usize {
        // Ordering: Acquire pairs with the Release of `release`.
        self.word.load(Acquire) / ONE
    }

    /// Are these permits the only ones that are not available? (Of one that is not of fixed size, that is not known.)
    pub(super) fn lacks_only(&self, count: u32) -> bool {
        self.available() + count as usize == self.whole()
    }

    pub(super) fn is_closed(&self) -> bool {
        // Ordering: Acquire pairs with the Release of `close`.
        self.word.load(Acquire) & CLOSED != 0
    }

    #[cfg(all(test, dormouse_loom))]
    pub(super) fn is_idle(&self) -> bool {
        self.word.load(Relaxed) & WAITERS == 0
    }

    #[inline]
    pub(super) fn try_acquire(&self, count: u32) -> Result<(), TryAcquireError> {
        let mut word = self.word.load(Relaxed);
        loop {
            if word & (CLOSED | WAITERS) != 0 || word / ONE < count as usize {
                let closed = word & CLOSED != 0;
                return Err(if closed { TryAcquireError::Closed } else { TryAcquireError::NoPermits });
            }
            // Ordering: Acquire pairs with the Release of `release`.
            match self.word.compare_exchange_weak(word, word - count as usize * ONE, Acquire, Relaxed) {
                Ok(_) => return Ok(()),
                Err(now) => word = now,
            }
        }
    }

    /// Adds permits; false, and nothing is added, if there would be more than may be.
    #[inline]
    pub(super) fn release(&self, count: usize) -> bool {
        let mut word = self.word.load(Relaxed);
        loop {
            if count > self.whole() - (word / ONE).min(self.whole()) {
                return false;
            }
            // Ordering: Release pairs with the Acquire of who takes them.
            match self.word.compare_exchange_weak(word, word + count * ONE, Release, Relaxed) {
                Ok(_) => break,
                Err(now) => word = now,
            }
        }
        if word & WAITERS != 0 {
            self.serve();
        }
        true
    }

    pub(super) fn forget(&self, count: usize) -> usize {
        let mut word = self.word.load(Relaxed);
        loop {
            let taken = count.min(word / ONE);
            // Ordering: Relaxed; what is forgotten shows nothing to anybody.
            match self.word.compare_exchange_weak(word, word - taken * ONE, Relaxed, Relaxed) {
                Ok(_) => return taken,
                Err(now) => word = now,
            }
        }
    }

    /// Grants from the front what there is enough for (P2).
    #[cold]
    fn serve(&self) {
        in_batches(|wakes| {
            self.gated(|list| {
                release(list, wakes, |count| self.take_for_waiter(*count));
                self.settle(list);
            });
        });
    }

    /// Takes permits for the head of the list, with the gate held.
    fn take_for_waiter(&self, count: u32) -> bool {
        let mut word = self.word.load(Relaxed);
        loop {
            if word & CLOSED != 0 || word / ONE < count as usize {
                return false;
            }
            // Ordering: Acquire pairs with the Release of all releases; the node's phase passes it on.
            match self.word.compare_exchange_weak(word, word - count as usize * ONE, Acquire, Relaxed) {
                Ok(_) => return true,
                Err(now) => word = now,
            }
        }
    }

    /// P1, after waiters have left the list.
    fn settle(&self, list: &List<u32>) {
        if list.is_empty() {
            // Ordering: Relaxed; the bit says only whether to look at the list.
            self.word.fetch_and(!WAITERS, Relaxed);
        }
    }

    pub(super) fn close(&self) {
        // Ordering: Release pairs with the Acquire of who reads it.
        self.word.fetch_or(CLOSED, Release);
        in_batches(|wakes: &mut Wakes| {
            self.gated(|list| {
                while !wakes.is_full()
                    && let Some(waiter) = list.win()
                {
                    waiter.finish(Verdict::Closed).into_iter().for_each(|waker| wakes.push(waker));
                }
                self.settle(list);
            });
        });
    }

    /// Queues `node`, which asks for `count`, or says at once how it ends, and gives the waker back.
    fn enqueue(&self, node: Pin<&Node<u32>>, waker: Waker, count: u32) -> Option<(Verdict, Waker)> {
        self.gated(|list| {
            let mut word = self.word.load(Relaxed);
            loop {
                if word & CLOSED != 0 {
                    return Some((Verdict::Closed, waker));
                }
                let served = word & WAITERS == 0 && word / ONE >= count as usize;
                let next = if served { word - count as usize * ONE } else { word | WAITERS };
                // Ordering: Acquire pairs with the Release of `release`, if permits are taken.
                match self.word.compare_exchange_weak(word, next, Acquire, Relaxed) {
                    Ok(_) if served => return Some((Verdict::Granted, waker)),
                    Ok(_) => break,
                    Err(now) => word = now,
                }
            }
            // SAFETY: the node is idle and pinned, and `Waiter::cancel` removes it before its memory goes.
            unsafe { list.push_back(node, waker) };
            None
        })
    }

    /// Takes a node that goes away out of the list, if it is there; those behind it may be served then. Gives its waker.
    fn leave(&self, node: Pin<&Node<u32>>) -> Option<Waker> {
        let (waker, others) = self.gated(|list| {
            // SAFETY: if it was queued, it was in this list.
            let Removed::WasQueued(waker) = (unsafe { list.remove(node) }) else { return (None, false) };
            self.settle(list);
            (waker, !list.is_empty())
        });
        if others {
            self.serve();
        }
        waker
    }
}

/// One who waits for permits: the part that the futures share. Their `Drop` calls [`Waiter::cancel`].
#[pin_project]
pub(super) struct Waiter {
    #[pin]
    node: Node<u32>,
    count: u32,
    site: Site,
}

impl Waiter {
    #[inline]
    pub(super) fn new(count: u32, site: Site) -> Self {
        Waiter { node: Node::new(count), count, site }
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
        let node = self.as_ref().project_ref().node;
        match node.phase() {
            Phase::Idle if self.count as usize > raw.whole() && !raw.is_closed() => {
                node.spend();
                return Poll::Ready(Err(AcquireError::TooMany));
            }
            Phase::Idle => {
                let waker = cx.waker().clone();
                if let Some((verdict, waker)) = raw.enqueue(node, waker, self.count) {
                    node.conclude(verdict);
                    discard(Some(waker));
                }
            }
            Phase::Queued => {
                let waker = cx.waker().clone();
                // SAFETY: if the node was queued, it was in this list.
                let unused = raw.gated(|list| unsafe { list.rewake(node, waker) });
                discard(Some(unused));
            }
            _ => (),
        }
        let outcome = match node.phase() {
            Phase::Granted => Ok(()),
            Phase::Closed => Err(AcquireError::Closed),
            Phase::Spent => panic!("the future of Semaphore::acquire was polled after it had finished"),
            Phase::Idle | Phase::Queued => {
                frame::note_on(Reason::SemaphoreAcquire, Some(self.site), raw);
                return Poll::Pending;
            }
        };
        node.spend();
        Poll::Ready(outcome)
    }

    /// The future goes away: takes it out of the list, and gives back what it was given and has not taken.
    pub(super) fn cancel(self: Pin<&mut Self>, raw: &Raw) {
        let mut waker = None;
        if self.node.phase() == Phase::Queued {
            waker = raw.leave(self.as_ref().project_ref().node);
        }
        if self.node.phase() == Phase::Granted {
            self.node.spend();
            // They were taken from the word, and fit into it unless others were added meanwhile.
            raw.release(self.count as usize);
        }
        discard(waker);
    }
}
