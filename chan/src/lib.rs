//! Go's channels for async Rust, on any executor.
//!
//! - [`bounded`]`(n)` holds up to `n` values; `bounded(0)` is Go's unbuffered channel: a send completes when a
//!   receiver has taken the value. [`unbounded`] never makes a sender wait. [`never()`] is Go's nil channel.
//! - [`oneshot()`] carries one value, as the answer to a question; [`broadcast()`] gives each value to all receivers;
//!   [`watch()`] holds the latest one.
//! - Any number of [`Sender`]s and [`Receiver`]s, tasks and plain threads; first come, first served, and nobody
//!   overtakes a waiter.
//! - [`select!`] waits for several sends and receives, and any other future, and commits exactly one of them.
//! - Every future may be dropped at any moment: a value is then still in the channel, with another receiver, or was
//!   never sent; and nobody who could go on is left asleep.
//! - Waiting allocates nothing.
//!
//! ```
//! use dormouse_chan::{bounded, select};
//! # tokio_test::block_on(async {
//! let (jobs, todo) = bounded(8);
//! let (done, finished) = bounded::<&str>(0);
//! jobs.send("dig").await.unwrap();
//! let heard = select! {
//!     recv(finished) -> name => format!("finished: {name:?}"),
//!     recv(todo) -> job => format!("to do: {job:?}"),
//! };
//! assert_eq!(heard, r#"to do: Some("dig")"#);
//! # drop(done);
//! # });
//! ```
//!
//! What Go does and this crate does not: nothing panics on a closed channel; a send fails and gives its value back.
//! A channel also closes when its last sender or last receiver is dropped, so that nobody waits for ever for a side
//! that is gone.
//!
//! The rules are Go's (<https://go.dev/ref/spec#Channel_types>, `runtime/chan.go` and `runtime/select.go` of Go
//! 1.27), with those that Rust needs besides because a future can be dropped.

pub mod broadcast;
mod buffer;
mod chan;
mod core;
mod error;
mod foreign;
mod handles;
mod hint;
pub mod oneshot;
mod ops;
mod parked;
mod receiver;
mod select;
mod sender;
mod wait;
pub mod watch;

#[cfg(all(test, dormouse_shuttle))]
#[path = "models/shuttle/mod.rs"]
mod flows;
#[cfg(all(test, dormouse_loom))]
mod models;

pub use broadcast::broadcast;
pub use error::{SendError, SendTimeoutError, TryRecvError, TrySendError};
pub use foreign::Foreign;
pub use oneshot::oneshot;
pub use ops::{
    ClosedFuture, Drain, Permit, RecvManyFuture, RecvStream, ReserveFuture, SendManyFuture, SendSink,
    SendTimeoutFuture, WeakReceiver, WeakSender,
};
pub use receiver::{Iter, Receiver, RecvFuture};
pub use select::{Select, SelectFuture, Selected};
pub use sender::{SendFromFuture, SendFuture, Sender};
pub use watch::watch;

use buffer::Buffer;
use chan::Chan;
use dormouse_wait::prim::Arc;

/// What the expansion of [`select!`] names. Not for use by hand.
#[doc(hidden)]
pub mod __private {
    pub use crate::select::{
        Case, Draw, FuturePoll, Looked, Outcome, Waiting, recv_op, send_from_op, send_op,
    };
    pub use dormouse_macros::select_internal;
    pub use dormouse_wait::claim::Claim;
}

/// A channel that holds up to `capacity` values; at 0, Go's unbuffered channel, a rendezvous.
///
/// Its memory follows what is in it, whatever the capacity: an idle channel is small.
///
/// # Panics
/// If `capacity` values are more than any memory can hold (`isize::MAX` bytes).
///
/// ```
/// let (tx, rx) = dormouse_chan::bounded(3);
/// for n in 1..=3 {
///     tx.try_send(n).unwrap();
/// }
/// assert!(tx.is_full());
/// assert_eq!(rx.try_recv(), Ok(1));
/// ```
#[track_caller]
#[doc(alias = "make")]
#[doc(alias = "channel")]
pub fn bounded<T>(capacity: usize) -> (Sender<T>, Receiver<T>) {
    match Buffer::bounded(capacity) {
        Some(buffer) => channel(buffer, false),
        None => panic!(
            "dormouse::chan::bounded: {capacity} values of {} bytes each are more than any memory holds; use a smaller \
             capacity, or `unbounded()`",
            size_of::<T>()
        ),
    }
}

/// A channel without a bound: a send never waits. Its memory follows its contents.
///
/// ```
/// let (tx, rx) = dormouse_chan::unbounded();
/// (0..1000).for_each(|n| tx.try_send(n).unwrap());
/// assert_eq!(rx.len(), 1000);
/// ```
pub fn unbounded<T>() -> (Sender<T>, Receiver<T>) {
    channel(Buffer::unbounded(), false)
}

/// Go's nil channel: a send and a receive are never ready, in a `select!` such an arm is never chosen, and it cannot
/// be closed. The two halves are not connected.
///
/// ```
/// use dormouse_chan::{TryRecvError, never};
/// let (tx, rx) = never::<u8>();
/// assert!(tx.try_send(1).unwrap_err().is_full());
/// drop(tx);
/// assert_eq!(rx.try_recv(), Err(TryRecvError::Empty)); // and not Closed
/// ```
#[doc(alias = "nil")]
pub fn never<T>() -> (Sender<T>, Receiver<T>) {
    let (tx, _) = channel(Buffer::nothing(), true);
    let (_, rx) = channel(Buffer::nothing(), true);
    (tx, rx)
}

fn channel<T>(buffer: Buffer<T>, nil: bool) -> (Sender<T>, Receiver<T>) {
    let chan = Arc::new(Chan::new(buffer, nil));
    (Sender { chan: chan.clone() }, Receiver::new(chan))
}
