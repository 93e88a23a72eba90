//! Handles that do not keep the channel open.
use crate::chan::Chan;
use crate::receiver::Receiver;
use crate::sender::Sender;
use dormouse_wait::prim::Arc;
use std::fmt;

/// A sender that does not count: the channel closes when the last [`Sender`] is gone, however many of these there are.
///
/// Made by [`Sender::downgrade`]. It keeps the channel's memory, but none of its values.
///
/// ```
/// let (tx, rx) = dormouse_chan::bounded::<u8>(1);
/// let weak = tx.downgrade();
/// assert!(weak.upgrade().is_some());
/// drop(tx);
/// assert!(weak.upgrade().is_none());
/// assert!(rx.is_closed());
/// ```
pub struct WeakSender<T> {
    chan: Arc<Chan<T>>,
}

/// A receiver that does not count: the channel closes, and drops what is in it, when the last [`Receiver`] is gone.
///
/// Made by [`Receiver::downgrade`].
pub struct WeakReceiver<T> {
    chan: Arc<Chan<T>>,
}

impl<T> Sender<T> {
    /// A handle that does not keep the channel open.
    pub fn downgrade(&self) -> WeakSender<T> {
        WeakSender { chan: self.chan.clone() }
    }
}

impl<T> Receiver<T> {
    /// A handle that does not keep the channel open.
    pub fn downgrade(&self) -> WeakReceiver<T> {
        WeakReceiver { chan: self.chan.clone() }
    }
}

impl<T> WeakSender<T> {
    /// A [`Sender`], unless the channel is closed or has no sender any more.
    pub fn upgrade(&self) -> Option<Sender<T>> {
        // First counted, then asked: a close in between is seen, and a sender that came too late goes again.
        let sender = self.chan.senders.revive().then(|| Sender { chan: self.chan.clone() })?;
        (!sender.is_closed()).then_some(sender)
    }
}

impl<T> WeakReceiver<T> {
    /// A [`Receiver`], unless there is none any more. (Of a closed channel it receives what is left.)
    pub fn upgrade(&self) -> Option<Receiver<T>> {
        self.chan.receivers.revive().then(|| Receiver::new(self.chan.clone()))
    }
}

impl<T> Clone for WeakSender<T> {
    fn clone(&self) -> Self {
        WeakSender { chan: self.chan.clone() }
    }
}

impl<T> Clone for WeakReceiver<T> {
    fn clone(&self) -> Self {
        WeakReceiver { chan: self.chan.clone() }
    }
}

impl<T> fmt::Debug for WeakSender<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.chan.describe(f.debug_struct("WeakSender"))
    }
}

impl<T> fmt::Debug for WeakReceiver<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.chan.describe(f.debug_struct("WeakReceiver"))
    }
}
