//! `Barrier`: so many tasks wait for one another, again and again.
//!
//! | state | event | state after | who wakes |
//! |---|---|---|---|
//! | others are missing still | first poll | one more has arrived; node Queued | - |
//! | one is missing | first poll | none has arrived; next round; Ready, as the leader | the leader wakes the round's others, 32 at a time, between locks |
//! | any | drop of a Queued one of this round | one less has arrived | - |
//! | any | drop of one that was released | - | - |
//!
//! Invariants:
//! - B1 `arrived` = the queued nodes of the present round.
//! - B2 The list is in the order of rounds: those of former rounds stand at its front, released already
//!   (`tests/barrier.rs`: a batch is no mark).
//!
//! Locks and ordering: the lock is a leaf; wakers are cloned before it and woken or dropped after it. Who arrives shows
//! what was before, by the lock; who is released sees it, by the leader's hand and the node's phase, or by the lock.
//!
//! Checked by `models::barrier`, `tests/barrier.rs`, `tests/reentrant_waits.rs`, `tests/stress_waits.rs`.
use crate::calm::{discard, in_batches, release};
use dormouse_wait::frame::{self, Reason, Site};
use dormouse_wait::list::{List, Node, Phase, Removed};
use dormouse_wait::lock::Lock;
use futures_core::FusedFuture;
use pin_project::{pin_project, pinned_drop};
use std::fmt;
use std::future::Future;
use std::panic::{Location, RefUnwindSafe, UnwindSafe};
use std::pin::Pin;
use std::task::{Context, Poll, Waker, ready};

/// The number of a round; it wraps, and is compared for equality only, with those that are queued still.
type Round = u32;

struct State {
    arrived: usize,
    round: Round,
    list: List<Round>,
}

/// Lets each of `n` tasks go on when all of them have come, and begins anew.
///
/// ```
/// use dormouse_sync::Barrier;
/// use std::sync::Arc;
///
/// # tokio::runtime::Runtime::new().unwrap().block_on(async {
/// let barrier = Arc::new(Barrier::new(3));
/// let tasks: Vec<_> = (0..3)
///     .map(|_| {
///         let barrier = barrier.clone();
///         tokio::spawn(async move { barrier.wait().await.is_leader() })
///     })
///     .collect();
/// let mut leaders = 0;
/// for task in tasks {
///     leaders += usize::from(task.await.unwrap());
/// }
/// assert_eq!(leaders, 1);
/// # });
/// ```
pub struct Barrier {
    size: usize,
    state: Lock<State>,
}

// No panic of user code happens while the state is between two.
impl UnwindSafe for Barrier {}
impl RefUnwindSafe for Barrier {}

impl Barrier {
    const_fn! {
        /// A barrier for `n` tasks. For 0 or 1 it holds nobody up.
        pub const fn new(n: usize) -> Self {
            Barrier { size: n, state: Lock::new(State { arrived: 0, round: 0, list: List::new() }) }
        }
    }

    /// Waits until so many tasks wait here. The last one to come is the leader. What each did before it came, all see.
    ///
    /// # Cancel safety
    /// It arrives with the first poll of its future. One that is dropped before the round is complete has not come: the
    /// barrier waits for another one in its place. One that is dropped later
    /// changes nothing; it does not say which of the two it was.
    ///
    /// # Panics
    /// The future panics if it is polled after it was ready.
    ///
    /// # Fairness
    /// All of a round are released together, the longest-waiting first, whoever comes meanwhile.
    #[track_caller]
    pub fn wait(&self) -> BarrierWait<'_> {
        BarrierWait { barrier: self, node: Node::new(0), site: Location::caller() }
    }

    /// The last one of a round: releases the others.
    fn release(&self) {
        in_batches(|wakes| {
            let mut state = self.state.lock();
            let round = state.round;
            release(&mut state.list, wakes, |of| *of != round);
        });
    }

    #[cfg(all(test, dormouse_loom))]
    pub(crate) fn is_idle(&self) -> bool {
        let state = self.state.lock();
        state.arrived == 0 && state.list.is_empty()
    }
}

impl fmt::Debug for Barrier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let arrived = self.state.lock().arrived;
        f.debug_struct("Barrier").field("size", &self.size).field("arrived", &arrived).finish()
    }
}

/// What a [`Barrier::wait`] says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BarrierWaitResult(bool);

impl BarrierWaitResult {
    /// Is this the one of its round that came last?
    pub fn is_leader(&self) -> bool {
        self.0
    }
}

/// The future of [`Barrier::wait`].
#[must_use = "a future does nothing unless it is awaited"]
#[pin_project(PinnedDrop)]
pub struct BarrierWait<'a> {
    barrier: &'a Barrier,
    #[pin]
    node: Node<Round>,
    site: Site,
}

impl BarrierWait<'_> {
    /// Arrives: queued, or the last one; then the waker comes back.
    fn arrive(self: Pin<&mut Self>, waker: Waker) -> Option<Waker> {
        let mut this = self.project();
        let mut state = this.barrier.state.lock();
        if state.arrived + 1 >= this.barrier.size {
            state.arrived = 0;
            state.round = state.round.wrapping_add(1);
            return Some(waker);
        }
        state.arrived += 1;
        this.node.set(Node::new(state.round));
        // SAFETY: the node is idle and pinned, and the future's `Drop` removes it before its memory goes.
        unsafe { state.list.push_back(this.node.into_ref(), waker) };
        None
    }

    /// Leaves the list if its round is over; else wakes `waker` from now on. Gives the wakers that are not needed.
    fn repoll(self: Pin<&Self>, waker: Waker) -> [Option<Waker>; 2] {
        let this = self.project_ref();
        let mut state = this.barrier.state.lock();
        if this.node.phase() == Phase::Queued {
            // SAFETY: queued in this list, whose lock is held.
            let round = unsafe { this.node.with_payload(|of| *of) };
            if round != state.round {
                // SAFETY: it is in this list.
                let Removed::WasQueued(old) = (unsafe { state.list.remove(this.node) }) else {
                    return [None, Some(waker)];
                };
                return [old, Some(waker)];
            }
        }
        // SAFETY: if it was queued, it was in this list.
        [Some(unsafe { state.list.rewake(this.node, waker) }), None]
    }
}

impl Future for BarrierWait<'_> {
    type Output = BarrierWaitResult;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<BarrierWaitResult> {
        match self.node.phase() {
            Phase::Idle => {
                ready!(frame::poll_spend(cx));
                let waker = cx.waker().clone();
                let unused = self.as_mut().arrive(waker);
                if unused.is_some() {
                    self.node.spend();
                    self.barrier.release();
                    discard(unused);
                    return Poll::Ready(BarrierWaitResult(true));
                }
            }
            Phase::Queued => {
                let waker = cx.waker().clone();
                self.as_ref().repoll(waker).into_iter().for_each(discard);
            }
            Phase::Granted | Phase::Closed => (),
            Phase::Spent => panic!("the future of Barrier::wait was polled after it had finished"),
        }
        if self.node.phase() == Phase::Queued {
            frame::note_on(Reason::BarrierWait, Some(self.site), self.barrier);
            return Poll::Pending;
        }
        self.node.spend();
        Poll::Ready(BarrierWaitResult(false))
    }
}

impl FusedFuture for BarrierWait<'_> {
    fn is_terminated(&self) -> bool {
        self.node.phase() == Phase::Spent
    }
}

#[pinned_drop]
impl PinnedDrop for BarrierWait<'_> {
    fn drop(self: Pin<&mut Self>) {
        let this = self.as_ref().project_ref();
        if this.node.phase() != Phase::Queued {
            return;
        }
        let mut state = this.barrier.state.lock();
        // SAFETY: if it was queued, it was in this list.
        let Removed::WasQueued(waker) = (unsafe { state.list.remove(this.node) }) else { return };
        // SAFETY: removed, the node is its owner's.
        if unsafe { this.node.with_payload(|of| *of) } == state.round {
            state.arrived -= 1;
        }
        drop(state);
        discard(waker);
    }
}

impl fmt::Debug for BarrierWait<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("BarrierWait").field("done", &self.is_terminated()).finish_non_exhaustive()
    }
}
