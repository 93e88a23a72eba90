//! State behind a lock that tasks wait for: what pipes in memory and the standard streams stand on.
use dormouse_wait::lock::Lock;
use dormouse_wait::wakes;
use std::mem;
use std::task::{Context, Poll, Waker};

/// Ready once `attempt` is, which runs under the lock; before that, `keep` puts the task's waker into the state, and gives
/// the one that it takes the place of. No waker is cloned or dropped under the lock: that is user code.
pub(super) fn poll_locked<S, R>(
    state: &Lock<S>,
    cx: &Context<'_>,
    mut attempt: impl FnMut(&mut S) -> Poll<R>,
    keep: impl FnOnce(&mut S, Waker) -> Option<Waker>,
) -> Poll<R> {
    let ready = attempt(&mut state.lock());
    if ready.is_ready() {
        return ready;
    }
    let waker = cx.waker().clone();
    let mut state = state.lock();
    // It may have become so in between.
    let ready = attempt(&mut state);
    let unused = if ready.is_ready() { Some(waker) } else { keep(&mut state, waker) };
    drop(state);
    wakes::discard(unused);
    ready
}

/// Those who wait, whoever they are: all are woken together.
pub(super) struct Waiters(Vec<Waker>);

impl Waiters {
    pub(super) const fn new() -> Waiters {
        Waiters(Vec::new())
    }

    /// Adds a waker, or puts it in the place of one for the same task.
    pub(super) fn keep(&mut self, waker: Waker) -> Option<Waker> {
        if let Some(same) = self.0.iter_mut().find(|other| other.will_wake(&waker)) {
            return Some(mem::replace(same, waker));
        }
        self.0.push(waker);
        None
    }

    /// All of them, to be woken after unlocking.
    pub(super) fn take(&mut self) -> Waiters {
        mem::replace(self, Waiters::new())
    }

    pub(super) fn wake(self) {
        self.0.into_iter().for_each(|waker| wakes::wake(Some(waker)));
    }
}
