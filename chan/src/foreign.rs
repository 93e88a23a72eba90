//! Channel halves that a plain thread holds.
use crate::{Receiver, Sender, broadcast, oneshot, watch};
use dormouse_wait::outside::Outside;
use std::ops::{Deref, DerefMut};

/// A half of a channel that a thread without a task holds; made by [`Sender::into_foreign`],
/// [`Receiver::into_foreign`], and those of the other kinds of channels.
///
/// While it lives, a dormouse runtime all of whose tasks wait says nothing of a deadlock: this thread may still come and
/// send or receive. It is used as the half that it holds; for what uses a half up, such as the `send` of a
/// [`oneshot`](crate::oneshot()), take it out: `foreign.into_inner().send(value)`.
///
/// ```
/// # tokio_test::block_on(async {
/// let (tx, rx) = dormouse_chan::bounded(1);
/// let tx = tx.into_foreign();
/// let thread = std::thread::spawn(move || {
///     // Something that takes its time, and then:
///     tx.send_blocking(7).unwrap();
/// });
/// assert_eq!(rx.recv().await, Some(7));
/// # thread.join().unwrap();
/// # });
/// ```
#[derive(Debug)]
pub struct Foreign<H> {
    half: H,
    _outside: Outside,
}

impl<H> Foreign<H> {
    /// The half again, for tasks.
    pub fn into_inner(self) -> H {
        self.half
    }
}

impl<H> Deref for Foreign<H> {
    type Target = H;
    fn deref(&self) -> &H {
        &self.half
    }
}

impl<H> DerefMut for Foreign<H> {
    fn deref_mut(&mut self) -> &mut H {
        &mut self.half
    }
}

impl<H: Clone> Clone for Foreign<H> {
    fn clone(&self) -> Self {
        Foreign { half: self.half.clone(), _outside: Outside::new() }
    }
}

macro_rules! into_foreign {
    ($($Half:ty),* $(,)?) => { $(
        impl<T> $Half {
            /// Says that a plain thread holds this half, so that a runtime whose tasks all wait does not take that for a
            /// deadlock.
            pub fn into_foreign(self) -> Foreign<Self> {
                Foreign { half: self, _outside: Outside::new() }
            }
        }
    )* };
}
into_foreign!(
    Sender<T>,
    Receiver<T>,
    broadcast::Sender<T>,
    broadcast::Receiver<T>,
    oneshot::Sender<T>,
    oneshot::Receiver<T>,
    watch::Sender<T>,
    watch::Receiver<T>,
);
