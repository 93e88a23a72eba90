//! What the waits of a broadcast channel share: a queued node's leave.
use super::core::{Chan, Core};
use crate::wait::let_go;
use dormouse_wait::list::{List, Node, Phase, Removed};
use std::pin::Pin;

pub(super) const POLLED_AGAIN: &str = "a finished channel future was polled again";

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
