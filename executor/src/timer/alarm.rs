//! An alarm of the runtime: a timer that wakes whoever asked its host for one, and is taken back when that drops it.
use super::Shard;
use super::wheel::{Node, QUEUED};
use dormouse_wait::alarm::{Alarm, Bell};
use dormouse_wait::wakes;
use pin_project::{pin_project, pinned_drop};
use std::pin::Pin;
use std::sync::Arc;
use std::task::Waker;

/// Wakes `waker` once at `deadline`: the alarm, and the time by which it is due. `None` if the shard is closed: the waker is
/// woken now, as nobody watches the time any more.
pub(crate) fn set(shard: &Arc<Shard>, deadline: u64, waker: Waker) -> Option<(Alarm, u64)> {
    let timer = Box::pin(Timer { shard: Arc::clone(shard), node: Node::new() });
    // SAFETY: the node is new, and the drop takes it out of this shard.
    match unsafe { shard.register(timer.as_ref().project_ref().node, deadline, waker) } {
        Ok(due) => Some((Alarm::new(timer), due)),
        Err(waker) => {
            wakes::wake(Some(waker));
            None
        }
    }
}

#[pin_project(PinnedDrop)]
struct Timer {
    shard: Arc<Shard>,
    #[pin]
    node: Node,
}

impl Bell for Timer {
    fn rewake(self: Pin<&Self>, waker: &Waker) -> bool {
        let this = self.project_ref();
        this.shard.rewake(this.node, waker);
        this.node.phase() == QUEUED
    }
}

#[pinned_drop]
impl PinnedDrop for Timer {
    fn drop(self: Pin<&mut Self>) {
        let this = self.as_ref().project_ref();
        this.shard.cancel(this.node);
    }
}
