//! The task that this thread polls without a seat: a local one, or a pinned one.
use super::meta::Meta;
use async_task::Runnable;
use dormouse_wait::frame;
use std::cell::Cell;
use std::ptr::{self, NonNull};

thread_local!(static POLLED: Cell<*const Meta> = const { Cell::new(ptr::null()) });

/// Polls `task`.
pub(crate) fn run(task: Runnable<Meta>) {
    struct Back(*const Meta);
    impl Drop for Back {
        fn drop(&mut self) {
            POLLED.set(self.0);
        }
    }
    let _back = Back(POLLED.replace(task.metadata()));
    task.run();
}

/// Calls `f` with the task that is polled here, if that is the innermost poll.
pub(crate) fn with<R>(f: impl FnOnce(&Meta) -> R) -> Option<R> {
    let meta = NonNull::new(POLLED.get().cast_mut())?;
    // SAFETY: the task is being polled, so its memory is there.
    let meta = unsafe { meta.as_ref() };
    (!frame::polling() || frame::is_innermost(&meta.waits)).then(|| f(meta))
}
