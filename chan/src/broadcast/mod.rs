//! A channel whose every receiver sees every value: [`broadcast()`](crate::broadcast()).
//!
//! Any number of [`Sender`]s and [`Receiver`]s. All receivers see the values in the same order; each sees all that were sent
//! after it subscribed. A value is kept until the last receiver has come for it: the last one gets the value itself, the
//! others a clone. What happens when a slow receiver lets the channel fill up, [`Overflow`] says.
//!
//! ```
//! use dormouse_chan::broadcast::{Overflow, RecvError};
//! # tokio_test::block_on(async {
//! let (tx, mut one) = dormouse_chan::broadcast(16, Overflow::Wait);
//! let mut other = tx.subscribe();
//! tx.send("hello").await.unwrap();
//! drop(tx);
//! assert_eq!(one.recv().await, Ok("hello"));
//! assert_eq!(other.recv().await, Ok("hello"));
//! assert_eq!(other.recv().await, Err(RecvError::Closed));
//! # });
//! ```
//!
//! Unlike the channels of [`bounded`](crate::bounded):
//! - there is no rendezvous: the capacity is at least 1;
//! - the channel does not close when its last receiver goes: a send then fails with its value, and
//!   [`Sender::subscribe`] makes a new receiver;
//! - in a `select!`, a receive stands as any future does: `value = rx.recv() => ..`.
//!
//! `T::clone` and `T::drop` run without a lock. Several receivers may clone one value at the same time, so the halves are
//! `Send` and `Sync` only if `T` is both.
mod closed;
mod core;
mod error;
mod overflow;
mod receiver;
mod send;
mod sender;
mod slot;
mod wait;

pub use closed::ClosedFuture;
pub use error::{Lagged, RecvError, SendError, TryRecvError};
pub use overflow::Overflow;
pub use receiver::{Receiver, RecvFuture};
pub use send::SendFuture;
pub use sender::{Sender, WeakSender};

use core::Chan;
use dormouse_wait::prim::Arc;

/// A channel whose every receiver sees every value, and which keeps up to `capacity` values.
///
/// More receivers are made by [`Sender::subscribe`], [`Receiver::resubscribe`] and `clone`.
///
/// # Panics
/// If `capacity` is 0, or if memory for so many cannot be had (a pointer and a number each; for the values themselves it is
/// got when they come).
///
/// ```
/// use dormouse_chan::broadcast::{Overflow, TryRecvError};
/// let (tx, mut rx) = dormouse_chan::broadcast(2, Overflow::DropOldest);
/// for n in 1..=5 {
///     tx.try_send(n).unwrap();
/// }
/// assert_eq!(rx.try_recv(), Err(TryRecvError::Lagged(3)));
/// assert_eq!(rx.try_recv(), Ok(4));
/// ```
#[track_caller]
#[doc(alias = "publish")]
#[doc(alias = "fan-out")]
pub fn broadcast<T: Clone>(capacity: usize, overflow: Overflow) -> (Sender<T>, Receiver<T>) {
    assert!(
        capacity > 0,
        "dormouse::chan::broadcast: capacity 0: a broadcast keeps a value until its last receiver has come for it, so it \
         needs room for at least 1"
    );
    let Some(chan) = Chan::new(capacity, overflow) else {
        panic!(
            "dormouse::chan::broadcast: room for {capacity} values cannot be allocated; use a smaller capacity"
        );
    };
    let chan = Arc::new(chan);
    (Sender { chan: chan.clone() }, Receiver::new(chan, Chan::<T>::first()))
}
