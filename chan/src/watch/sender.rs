//! The sending half, and the future of the receivers' end.
use super::core::{Event, Old, Shared};
use super::guard::Ref;
use super::receiver::Receiver;
use super::wait::Wait;
use crate::error::SendError;
use dormouse_wait::prim::Arc;
use dormouse_wait::prim::atomic::Ordering::*;
use futures_core::FusedFuture;
use pin_project::pin_project;
use std::fmt;
use std::future::Future;
use std::panic::{Location, RefUnwindSafe, UnwindSafe};
use std::pin::Pin;
use std::task::{Context, Poll};

/// The sending half of a [`watch`](super::watch()) channel. Clones send into the same channel.
///
/// When the last `Sender` is dropped, the channel closes: receivers see what was sent last, then the end.
///
/// ```
/// # tokio_test::block_on(async {
/// let (tx, mut rx) = dormouse_chan::watch(0);
/// let progress = tokio_test::task::spawn(rx.changed());
/// # drop(progress);
/// tx.send_modify(|done| *done += 10);
/// tx.send_modify(|done| *done += 10);
/// rx.changed().await.unwrap();
/// assert_eq!(*rx.borrow_and_update(), 20);
/// # });
/// ```
pub struct Sender<T> {
    shared: Arc<Shared<T>>,
}

impl<T> Sender<T> {
    pub(super) fn new(shared: Arc<Shared<T>>) -> Self {
        Sender { shared }
    }

    /// Puts `value` in the place of the present one, and wakes all who wait for a change. Never waits.
    ///
    /// The old value is dropped after all are told, or with the last [`Ref`] of it.
    ///
    /// # Errors
    /// [`SendError`] with the value, if there is no receiver; the channel keeps its value. Where that does not matter, as
    /// [`subscribe`](Sender::subscribe) may make one later, use [`send_replace`](Sender::send_replace).
    ///
    /// # Panics
    /// Inside a closure of [`send_modify`](Sender::send_modify) and the like on this channel. (A closure on another thread
    /// is waited for.) And if the old value panics when it is dropped: the new one is sent.
    ///
    /// ```
    /// let (tx, rx) = dormouse_chan::watch("a");
    /// tx.send("b").unwrap();
    /// assert_eq!(*rx.borrow(), "b");
    /// drop(rx);
    /// assert_eq!(tx.send("c").unwrap_err().into_inner(), "c");
    /// assert_eq!(*tx.borrow(), "b");
    /// ```
    pub fn send(&self, value: T) -> Result<(), SendError<T>> {
        if self.shared.is_deserted() {
            return Err(SendError(value));
        }
        drop(self.shared.replace(value));
        Ok(())
    }

    /// Puts `value` in the place of the present one, which it gives back, and wakes all who wait for a change. There need
    /// be no receiver.
    ///
    /// If somebody still looks at the old value, this waits, with its thread, until their [`Ref`]s are gone; the new value
    /// is sent before that.
    ///
    /// # Panics
    /// If this thread itself holds a `Ref` of the old value (the new one is sent then, and the old one dropped with that
    /// `Ref`), and inside a closure of [`send_modify`](Sender::send_modify) and the like on this channel.
    ///
    /// ```
    /// let (tx, rx) = dormouse_chan::watch(1);
    /// assert_eq!(tx.send_replace(2), 1);
    /// drop(rx);
    /// assert_eq!(tx.send_replace(3), 2);
    /// assert_eq!(*tx.subscribe().borrow(), 3);
    /// ```
    pub fn send_replace(&self, value: T) -> T {
        match self.shared.replace(value) {
            Old::Value(old) => old,
            Old::Shared(old) => self.shared.take_back(old),
        }
    }

    /// Changes the value where it is, and wakes all who wait for a change. There need be no receiver.
    ///
    /// If somebody looks at the value, this waits, with its thread, until their [`Ref`]s are gone. While `modify` runs,
    /// others who look at the value or change it wait the same way: it should be short.
    ///
    /// # Panics
    /// If this thread itself holds a `Ref` of the value, and inside another such closure on this channel.
    ///
    /// If `modify` panics, the channel goes on with the value as the closure has left it, and nobody is told of a change.
    ///
    /// ```
    /// let (tx, rx) = dormouse_chan::watch(vec![1]);
    /// tx.send_modify(|list| list.push(2));
    /// assert_eq!(*rx.borrow(), [1, 2]);
    /// ```
    pub fn send_modify(&self, modify: impl FnOnce(&mut T)) {
        self.send_if_modified(|value| {
            modify(value);
            true
        });
    }

    /// As [`send_modify`](Sender::send_modify), but wakes nobody, and is no change to anybody, if `modify` says false.
    /// Gives what it said.
    ///
    /// # Panics
    /// As `send_modify`.
    ///
    /// ```
    /// let (tx, rx) = dormouse_chan::watch(5);
    /// let raise = |to| tx.send_if_modified(|level| *level < to && { *level = to; true });
    /// assert!(!raise(3));
    /// assert_eq!(rx.has_changed(), Ok(false));
    /// assert!(raise(7));
    /// assert_eq!((rx.has_changed(), *rx.borrow()), (Ok(true), 7));
    /// ```
    pub fn send_if_modified(&self, modify: impl FnOnce(&mut T) -> bool) -> bool {
        self.shared.modify(modify)
    }

    /// Looks at the value. See [`Ref`] for what that holds.
    ///
    /// # Panics
    /// Inside a closure of [`send_modify`](Sender::send_modify) and the like on this channel.
    pub fn borrow(&self) -> Ref<'_, T> {
        Ref::new(self.shared.borrow().0, false)
    }

    /// One more receiver, which has seen the present value.
    ///
    /// ```
    /// let (tx, rx) = dormouse_chan::watch(1);
    /// drop(rx);
    /// assert!(tx.is_closed());
    /// let rx = tx.subscribe();
    /// assert!(!tx.is_closed());
    /// assert_eq!((*rx.borrow(), rx.has_changed()), (1, Ok(false)));
    /// ```
    pub fn subscribe(&self) -> Receiver<T> {
        // Ordering: Relaxed, as for any count; nothing of its user's comes before it.
        self.shared.receivers.fetch_add(1, Relaxed);
        Receiver::new(self.shared.clone())
    }

    /// The number of receivers at this moment.
    pub fn receiver_count(&self) -> usize {
        self.shared.receivers.load(Relaxed)
    }

    /// Is there no receiver at this moment? [`subscribe`](Sender::subscribe) may make one.
    pub fn is_closed(&self) -> bool {
        self.shared.is_deserted()
    }

    /// Waits until there is no receiver.
    ///
    /// If one is [subscribed](Sender::subscribe) before the future is polled again, it goes on waiting.
    ///
    /// Nothing happens before the future is polled.
    ///
    /// # Panics
    /// If the future is polled after it was ready.
    ///
    /// # Cancel safety
    /// Safe to drop at any moment.
    ///
    /// # Fairness
    /// All who wait are woken, in the order in which they came.
    ///
    /// ```
    /// # tokio_test::block_on(async {
    /// let (tx, rx) = dormouse_chan::watch(());
    /// let thread = std::thread::spawn(move || drop(rx));
    /// tx.closed().await;
    /// assert_eq!(tx.receiver_count(), 0);
    /// # thread.join().unwrap();
    /// # });
    /// ```
    #[track_caller]
    pub fn closed(&self) -> ClosedFuture<'_, T> {
        ClosedFuture { wait: Wait::new(&self.shared, Event::Deserted, Location::caller()) }
    }
}

impl<T> Clone for Sender<T> {
    fn clone(&self) -> Self {
        // Ordering: Relaxed, as for any count that is raised by someone who holds one.
        self.shared.senders.fetch_add(1, Relaxed);
        Sender { shared: self.shared.clone() }
    }
}

impl<T> Drop for Sender<T> {
    fn drop(&mut self) {
        self.shared.leave_sender();
    }
}

impl<T> fmt::Debug for Sender<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.shared.describe(f.debug_struct("Sender"))
    }
}

impl<T> UnwindSafe for Sender<T> {}
impl<T> RefUnwindSafe for Sender<T> {}

/// The future of [`Sender::closed`].
#[pin_project]
#[must_use = "futures do nothing unless polled: `.await` it"]
pub struct ClosedFuture<'a, T> {
    #[pin]
    wait: Wait<'a, T>,
}

impl<T> Future for ClosedFuture<'_, T> {
    type Output = ();
    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let wait = self.as_ref().project_ref().wait;
        let seen = wait.shared().version();
        wait.poll(seen, cx)
    }
}

impl<T> FusedFuture for ClosedFuture<'_, T> {
    fn is_terminated(&self) -> bool {
        self.wait.is_over()
    }
}

impl<T> fmt::Debug for ClosedFuture<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ClosedFuture").field("done", &self.wait.is_over()).finish_non_exhaustive()
    }
}
