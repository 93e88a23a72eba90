//! What plain threads hold: while a thread without a task may still send, receive or unlock, a runtime all of whose
//! tasks wait is not stuck for good.
//!
//! One count for the process: each [`Outside`] adds to it while it lives. Blocking calls hold one while they wait, and a
//! channel half that was made foreign as long as it is.
use std::sync::atomic::{AtomicUsize, Ordering::*};

static COUNT: AtomicUsize = AtomicUsize::new(0);

/// Something that a plain thread holds, while this lives.
#[derive(Debug)]
#[must_use = "it counts while it lives"]
pub struct Outside(());

impl Outside {
    /// Counts one more.
    pub fn new() -> Outside {
        COUNT.fetch_add(1, Relaxed);
        Outside(())
    }
}

impl Default for Outside {
    fn default() -> Outside {
        Outside::new()
    }
}

impl Drop for Outside {
    fn drop(&mut self) {
        COUNT.fetch_sub(1, Relaxed);
    }
}

/// Does any plain thread hold something?
pub fn any() -> bool {
    COUNT.load(Relaxed) > 0
}
