//! Taking what is there.
use crate::Receiver;
use std::fmt;

impl<T> Receiver<T> {
    /// An iterator over the values that are in the channel now; it never waits.
    ///
    /// It gives at most as many as there were at this call, so it ends however fast others send; fewer, if other
    /// receivers take some. What it was not asked for stays in the channel. At capacity 0, where nothing is ever in the
    /// channel, it takes what waiting senders offer, and ends when none waits.
    ///
    /// ```
    /// let (tx, rx) = dormouse_chan::bounded(8);
    /// (1..=3).for_each(|n| tx.try_send(n).unwrap());
    /// let taken: Vec<i32> = rx.drain().inspect(|_| tx.try_send(0).unwrap()).collect();
    /// assert_eq!(taken, [1, 2, 3]);
    /// assert_eq!(rx.len(), 3);
    /// ```
    pub fn drain(&self) -> Drain<'_, T> {
        let left = if self.capacity() == Some(0) { usize::MAX } else { self.len() };
        Drain { receiver: self, left }
    }
}

/// The iterator of [`Receiver::drain`].
#[must_use = "iterators are lazy: nothing is received before `next`"]
pub struct Drain<'a, T> {
    receiver: &'a Receiver<T>,
    left: usize,
}

impl<T> Iterator for Drain<'_, T> {
    type Item = T;

    fn next(&mut self) -> Option<T> {
        self.left = self.left.checked_sub(1)?;
        let value = self.receiver.try_recv().ok();
        if value.is_none() {
            self.left = 0;
        }
        value
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        (0, (self.left != usize::MAX).then_some(self.left))
    }
}

impl<T> std::iter::FusedIterator for Drain<'_, T> {}

impl<T> fmt::Debug for Drain<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Drain").field("receiver", self.receiver).finish_non_exhaustive()
    }
}
