//! Which runtimes are still there: so that a handle which outlives its runtime does not reach into it.
//!
//! A task points at its runtime without counting it (S4), which is right while the task is live. A handle cannot know
//! that without asking the runtime. So it asks here first; a runtime's memory goes only after it was struck off, under
//! the same lock. Only aborting from outside of the runtime takes this way.
//!
//! Lock order: this one, then a shard's.
//!
//! Checked by `tests/shutdown.rs` (handles that outlive the runtime).
use crate::panics;
use std::ptr::NonNull;
use std::sync::Mutex;

/// The addresses of the runtimes that are there.
static LIVE: Mutex<Vec<usize>> = Mutex::new(Vec::new());

/// Enters a runtime.
pub(crate) fn begin(rt: NonNull<()>) {
    panics::lock(&LIVE).push(rt.addr().get());
}

/// Strikes a runtime off, before its memory goes.
pub(crate) fn end(rt: NonNull<()>) {
    panics::lock(&LIVE).retain(|&live| live != rt.addr().get());
}

/// Calls `f` if the runtime is there, and keeps it there meanwhile. Another one may stand at the same address.
pub(crate) fn while_live<R>(rt: NonNull<()>, f: impl FnOnce() -> R) -> Option<R> {
    let live = panics::lock(&LIVE);
    live.contains(&rt.addr().get()).then(f)
}
