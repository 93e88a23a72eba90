//! An alarm of the runtime: a timer that wakes whoever asked its host for one, and is taken back when that drops it.
use super::Shard;
use super::wheel::{Node, QUEUED};
use dormouse_wait::alarm::{Alarm, Bell, Key};
use dormouse_wait::wakes;
use pin_project::{pin_project, pinned_drop};
use std::pin::Pin;
use std::sync::Arc;
use std::task::Waker;

/// Wakes `waker` once at `deadline`: the alarm, and the time by which it is due. `None` if the shard is closed: the waker is
/// woken now, as nobody watches the time any more.
pub(crate) fn set(shard: &Arc<Shard>, deadline: u64, waker: Waker) -> Option<(Alarm, u64)> {
    let timer = Arc::pin(Timer { shard: Arc::clone(shard), node: Node::new() });
    // SAFETY: the node is new, and the drop takes it out of this shard.
    match unsafe { shard.register(timer.as_ref().project_ref().node, deadline, waker) } {
        Ok(due) => Some((Alarm::new(timer, Key::default()), due)),
        Err(waker) => {
            wakes::wake(Some(waker));
            None
        }
    }
}

/// Wakes `waker` once, [`SOON`](dormouse_wait::host::SOON) from `now` or half as much later: the alarm, and when somebody has
/// to look at it if nobody knows of that. `None` if the shard is closed, as for [`set`].
pub(crate) fn soon(
    shard: &Arc<Shard>,
    waker: Waker,
    now: impl FnOnce() -> u64,
) -> Option<(Alarm, Option<u64>)> {
    match shard.set_soon(waker, now) {
        Ok((key, due)) => {
            let bell: Pin<Arc<Shard>> = Pin::new(shard.clone());
            Some((Alarm::new(bell, key), due))
        }
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
    fn rewake(self: Pin<&Self>, _: Key, waker: &Waker) -> bool {
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
