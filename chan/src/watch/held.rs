//! What this thread looks at or has been lent, so that it does not wait for itself.
//!
//! A [`Ref`](super::Ref) stays on the thread that made it, and a closure of `send_modify` runs on one. So whoever is
//! about to wait for the end of either can say at once whether it is its own, and the wait would never end: a panic that
//! says so is better than a thread that spins for good.
//!
//! Checked by `values::whoever_would_wait_for_itself_panics` in `tests/watch.rs`.
use std::cell::RefCell;

thread_local!(static HELD: RefCell<Vec<*const ()>> = const { RefCell::new(Vec::new()) });

/// This thread has the value at some place, while this lives. Not `Send`: the thread is part of it.
pub(super) struct Held(*const ());

/// This thread has the value at `place`.
pub(super) fn hold<T>(place: *const T) -> Held {
    let place = place.cast();
    // Without its list, at its end, a thread waits as if it had nothing.
    let _ = HELD.try_with(|held| held.borrow_mut().push(place));
    Held(place)
}

impl Drop for Held {
    fn drop(&mut self) {
        let _ = HELD.try_with(|held| {
            let mut held = held.borrow_mut();
            if let Some(at) = held.iter().rposition(|place| *place == self.0) {
                held.swap_remove(at);
            }
        });
    }
}

/// To be called before waiting for whoever has the value at `place`.
///
/// # Panics
/// If that is this thread.
pub(super) fn check<T>(place: *const T) {
    // The threads of a model are all on one, whose list would be theirs together.
    let model = cfg!(any(dormouse_loom, dormouse_shuttle));
    let own = !model && HELD.try_with(|held| held.borrow().contains(&place.cast())).unwrap_or(false);
    assert!(
        !own,
        "this thread would wait for itself: it holds a `Ref` of the watch channel, or is inside a closure of \
         `send_modify` or `send_if_modified`; drop the `Ref`, or leave the closure, before it changes the value"
    );
}
