//! A look at the value.
use super::held::{self, Held};
use dormouse_wait::prim::Arc;
use std::fmt;
use std::marker::PhantomData;
use std::ops::Deref;

/// A look at the value of a [`watch`](super::watch()) channel, from [`Receiver::borrow`](super::Receiver::borrow) and
/// the like.
///
/// It holds the value that was the latest when it was made, and no lock: others may look at the same time, and
/// [`send`](super::Sender::send) does not wait for it, but puts the new value beside this one, which is dropped with the
/// last `Ref` of it.
///
/// What waits until there is none, and blocks its thread meanwhile, is whatever needs the value for itself: to change it in
/// its place ([`send_modify`](super::Sender::send_modify), [`send_if_modified`](super::Sender::send_if_modified)) or to
/// give it back ([`send_replace`](super::Sender::send_replace)). So drop it soon. It cannot leave its thread, so that a
/// task that moves between threads cannot hold one over an `.await`; where a task of one thread does, those methods panic
/// on that thread instead of waiting for ever.
#[must_use = "it does nothing but show the value"]
pub struct Ref<'a, T> {
    value: Arc<T>,
    changed: bool,
    _held: Held,
    _handle: PhantomData<&'a ()>,
}

// SAFETY: by shared reference it gives shared references to the value, and nothing else. (Its place in a thread's list is
// not touched by them.)
unsafe impl<T: Send + Sync> Sync for Ref<'_, T> {}

impl<T> Ref<'_, T> {
    pub(super) fn new(value: Arc<T>, changed: bool) -> Self {
        let held = held::hold(Arc::as_ptr(&value));
        Ref { value, changed, _held: held, _handle: PhantomData }
    }

    /// Had the receiver not seen this value before? Never for a sender.
    ///
    /// ```
    /// let (tx, mut rx) = dormouse_chan::watch(1);
    /// tx.send(2).unwrap();
    /// assert!(rx.borrow().has_changed());
    /// assert!(rx.borrow_and_update().has_changed());
    /// assert!(!rx.borrow().has_changed() && !tx.borrow().has_changed());
    /// ```
    pub fn has_changed(&self) -> bool {
        self.changed
    }
}

impl<T> Deref for Ref<'_, T> {
    type Target = T;
    fn deref(&self) -> &T {
        &self.value
    }
}

impl<T: fmt::Debug> fmt::Debug for Ref<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        (**self).fmt(f)
    }
}

impl<T: fmt::Display> fmt::Display for Ref<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        (**self).fmt(f)
    }
}
