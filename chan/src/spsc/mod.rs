//! A channel from one task to one other: faster than [`bounded`](crate::bounded) where there is one of each, about twice
//! as fast while neither waits.
//!
//! [`bounded`] and [`unbounded`] make it. Neither half can be cloned, and both are used by `&mut`; that is what makes it
//! fast. Otherwise a half does what its namesake of the other channels does: values arrive in the order in which they were
//! sent, a drop or a close loses nothing that was sent, and every future may be dropped at any moment.
//!
//! ```
//! use dormouse_chan::spsc;
//! # tokio_test::block_on(async {
//! let (mut tx, mut rx) = spsc::bounded(2);
//! let send = async move {
//!     for n in 1..=4 {
//!         tx.send(n).await.unwrap();
//!     }
//! };
//! let sum = async move {
//!     let mut sum = 0;
//!     while let Some(n) = rx.recv().await {
//!         sum += n;
//!     }
//!     sum
//! };
//! assert_eq!(futures::join!(send, sum).1, 10);
//! # });
//! ```
//!
//! **What is different**: there is no capacity 0. The value of a send that waits comes into the channel when its task runs
//! again, not already when room is made, so a `try_recv` in between may find nothing. And the channel knows nothing of
//! `select!`: there, its futures are arms like any other library's, each safe to drop.
//!
//! ```
//! use dormouse_chan::{select, spsc};
//! # tokio_test::block_on(async {
//! let (mut tx, mut rx) = spsc::unbounded();
//! let (_quit, quit) = dormouse_chan::bounded::<()>(0);
//! tx.try_send("job").unwrap();
//! let got = select! {
//!     job = rx.recv() => job,
//!     recv(quit) -> _ => None,
//! };
//! assert_eq!(got, Some("job"));
//! # });
//! ```
mod queue;
mod receiver;
mod sender;

pub use receiver::{Receiver, RecvFuture};
pub use sender::{SendFuture, Sender};

/// A channel that holds up to `capacity` values. Its memory follows what is in it.
///
/// # Panics
/// If `capacity` is 0: a rendezvous is [`bounded(0)`](crate::bounded) of the crate. Or if `capacity` values are more than
/// any memory can hold (`isize::MAX` bytes).
///
/// ```
/// let (mut tx, mut rx) = dormouse_chan::spsc::bounded(1);
/// tx.try_send(1).unwrap();
/// assert!(tx.try_send(2).unwrap_err().is_full());
/// assert_eq!(rx.try_recv(), Ok(1));
/// ```
#[track_caller]
pub fn bounded<T>(capacity: usize) -> (Sender<T>, Receiver<T>) {
    assert!(
        capacity > 0,
        "dormouse::chan::spsc::bounded: capacity 0: a rendezvous needs both halves to meet under a lock, which \
         `chan::bounded(0)` does; here the least is 1"
    );
    // Four values' worth of counting room, see `queue`.
    let most = (isize::MAX as usize).checked_div(size_of::<T>()).unwrap_or(usize::MAX).min(usize::MAX / 8);
    assert!(
        capacity <= most,
        "dormouse::chan::spsc::bounded: {capacity} values of {} bytes each are more than there can be ({most}); use a \
         smaller capacity, or `unbounded()`",
        size_of::<T>()
    );
    channel(capacity)
}

/// A channel without a bound: a send never waits. Its memory follows its contents.
///
/// ```
/// let (mut tx, rx) = dormouse_chan::spsc::unbounded();
/// (0..1000).for_each(|n| tx.try_send(n).unwrap());
/// assert_eq!(rx.len(), 1000);
/// ```
pub fn unbounded<T>() -> (Sender<T>, Receiver<T>) {
    channel(usize::MAX)
}

fn channel<T>(capacity: usize) -> (Sender<T>, Receiver<T>) {
    let (tail, head) = queue::channel(capacity);
    (Sender::new(tail), Receiver::new(head))
}

const POLLED_AGAIN: &str = "a finished channel future was polled again";
