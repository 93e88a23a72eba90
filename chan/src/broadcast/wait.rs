//! What the waits of a broadcast channel share: a new task for a queued node, and its leave.
use super::core::{Chan, Core};
use crate::wait::let_go;
use dormouse_wait::list::{List, Node, Phase, Removed};
use std::pin::Pin;
use std::task::Context;

pub(super) const POLLED_AGAIN: &str = "a finished channel future was polled again";

/// Lets a node that was queued in `list` wake the task of `cx` from now on. False if it has left the list.
pub(super) fn rewake<T, P>(
    chan: &Chan<T>,
    list: impl Fn(&mut Core<T>) -> &mut List<P>,
    node: Pin<&Node<P>>,
    cx: &mut Context<'_>,
) -> bool {
    let mut core = chan.core.lock();
    // SAFETY: this node was queued in this list.
    let same = unsafe { list(&mut core).will_wake(node, cx.waker()) };
    let queued = node.is(Phase::Queued);
    drop(core);
    if !queued || same {
        return queued;
    }
    // A waker's clone is user code: not under the lock.
    let waker = cx.waker().clone();
    let mut core = chan.core.lock();
    // SAFETY: this node was queued in this list.
    let unused = unsafe { list(&mut core).rewake(node, waker) };
    let queued = node.is(Phase::Queued);
    drop(core);
    let_go(Some(unused));
    queued
}

/// Takes a node that may be queued in `list` out of it: it is idle then.
pub(super) fn withdraw<T, P>(
    chan: &Chan<T>,
    list: impl Fn(&mut Core<T>) -> &mut List<P>,
    node: Pin<&Node<P>>,
) {
    if !node.is(Phase::Queued) {
        return;
    }
    let mut core = chan.core.lock();
    // SAFETY: this node was queued in this list.
    let removed = unsafe { list(&mut core).remove(node) };
    drop(core);
    if let Removed::WasQueued(waker) = removed {
        let_go(waker);
    }
}
