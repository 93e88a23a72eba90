//! Which members of a set have ended, in that order: what [`JoinSet`](super::JoinSet) and [`Group`](super::Group) wait for.
//!
//! A member's handle waits with a waker of its own ([`Ended::waker`]), which the end of the task wakes: so each end is
//! told once, by whoever ran the task, and nobody looks at the members that go on.
//!
//! | state | event | state after | who wakes |
//! |---|---|---|---|
//! | nobody waits | a member ends | its key is queued | - |
//! | the set's owner waits | a member ends | its key is queued, nobody waits | whoever ended it wakes the owner |
//! | keys are queued | `poll_next` | one less | - |
//! | none is queued | `poll_next` | the owner waits | - |
//!
//! The lock is a leaf: wakers are cloned before it, and woken or dropped after it.
//!
//! Rejected: polling every handle that is left (O(n) per end); a list of wakers of the members' futures instead of their
//! handles (a panic or an abort does not pass through the future).
//!
//! Checked by `models::ended_*` (loom), `tests/join_set.rs`, `tests/group.rs`.
use crate::panics;
use dormouse_wait::lock::Lock;
use dormouse_wait::prim::atomic::{AtomicBool, Ordering::*};
use dormouse_wait::wakes;
use std::collections::VecDeque;
use std::sync::Arc;
use std::task::{Context, Poll, Wake, Waker};

#[derive(Debug)]
pub(crate) struct Ended(Lock<State>);

#[derive(Debug, Default)]
struct State {
    keys: VecDeque<usize>,
    /// The set's owner waits.
    owner: Option<Waker>,
}

impl Ended {
    pub(crate) fn new() -> Arc<Ended> {
        Arc::new(Ended(Lock::new(State::default())))
    }

    /// A waker that queues `key`, once.
    pub(crate) fn waker(self: &Arc<Ended>, key: usize) -> Waker {
        Waker::from(Arc::new(Member { ended: Arc::clone(self), key, told: AtomicBool::new(false) }))
    }

    fn push(&self, key: usize) {
        let mut state = self.0.lock();
        state.keys.push_back(key);
        let owner = state.owner.take();
        drop(state);
        wakes::wake(owner);
    }

    /// The key of the one that ended first of those that were not taken yet.
    pub(crate) fn next(&self) -> Option<usize> {
        self.0.lock().keys.pop_front()
    }

    /// [`next`](Ended::next), or the owner waits.
    pub(crate) fn poll_next(&self, cx: &mut Context<'_>) -> Poll<usize> {
        if let Some(key) = self.next() {
            return Poll::Ready(key);
        }
        let owner = cx.waker().clone();
        let mut state = self.0.lock();
        // Has one ended between the two looks?
        let (polled, unused) = match state.keys.pop_front() {
            Some(key) => (Poll::Ready(key), Some(owner)),
            None => (Poll::Pending, state.owner.replace(owner)),
        };
        drop(state);
        panics::discard(unused);
        polled
    }
}

/// What the end of a member wakes.
struct Member {
    ended: Arc<Ended>,
    key: usize,
    /// Its end was told: also if the handle found it ended, and the waker was woken all the same.
    told: AtomicBool,
}

impl Wake for Member {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        // Ordering: Relaxed; the lock passes on what came before.
        if !self.told.swap(true, Relaxed) {
            self.ended.push(self.key);
        }
    }
}
