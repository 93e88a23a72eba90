//! Which runtimes are still there: so that a handle which outlives its runtime does not reach into it.
//!
//! A task points at its runtime without counting it (S4), which is right while the task is live. A handle cannot know
//! that without asking the runtime. So it asks here first, and holds the runtime while it looks into it. Only aborting
//! from outside of the runtime takes this way.
//!
//! Nothing is called, locked or dropped under the lock here. (Rejected: to look into the runtime under this lock, which
//! its Drop takes, too: that Drop has it for itself alone while it waits for the lock.)
//!
//! Checked by `tests/shutdown.rs` (handles that outlive the runtime).
use crate::panics;
use std::any::Any;
use std::ptr::{self, NonNull};
use std::sync::{Arc, Mutex, Weak};

/// A runtime; this module does not know the type.
type Runtime = dyn Any + Send + Sync;

/// The runtimes that are there.
static LIVE: Mutex<Vec<Weak<Runtime>>> = Mutex::new(Vec::new());

/// Enters a runtime.
pub(crate) fn begin(rt: Weak<Runtime>) {
    panics::lock(&LIVE).push(rt);
}

/// Strikes a runtime off that goes.
pub(crate) fn end(rt: NonNull<()>) {
    let mut live = panics::lock(&LIVE);
    let place = live.iter().position(|live| is(live, rt));
    let gone = place.map(|place| live.swap_remove(place));
    drop(live);
    drop(gone);
}

/// The runtime that `rt` points to, if it is there. Another one may stand at the same address.
pub(crate) fn find(rt: NonNull<()>) -> Option<Arc<Runtime>> {
    panics::lock(&LIVE).iter().find(|live| is(live, rt))?.upgrade()
}

fn is(live: &Weak<Runtime>, rt: NonNull<()>) -> bool {
    ptr::addr_eq(live.as_ptr(), rt.as_ptr())
}
