//! The latest value of something, for any number of watchers: a configuration, a state, a progress.
//!
//! [`watch()`] makes the channel, with a first value. A [`Sender`] puts another value in its place, or changes it there; a
//! [`Receiver`] looks at it ([`borrow`](Receiver::borrow)) and waits for changes ([`changed`](Receiver::changed)). Values
//! in between may be missed; that there was a change, never, and the last value is always seen.
//!
//! ```
//! use dormouse_chan::watch;
//! # tokio_test::block_on(async {
//! let (tx, mut rx) = watch("starting");
//! let service = async move {
//!     tx.send("running").unwrap();
//!     tx.send("stopping").unwrap();
//! };
//! let watcher = async move {
//!     let mut seen = Vec::new();
//!     while rx.changed().await.is_ok() {
//!         seen.push(*rx.borrow_and_update());
//!     }
//!     seen
//! };
//! let ((), seen) = futures::join!(service, watcher);
//! assert_eq!(seen, ["stopping"]);
//! # });
//! ```
//!
//! **What is where**: the value lives in the channel until the last handle and the last [`Ref`] are gone. `send` never
//! waits; see [`Ref`] for what does.
//!
//! **Fairness**: a change wakes all who wait for one, in the order in which they came.
mod core;
mod guard;
mod held;
mod receiver;
mod sender;
mod wait;

pub use guard::Ref;
pub use receiver::{ChangedFuture, Changes, Receiver, WaitForFuture};
pub use sender::{ClosedFuture, Sender};

use dormouse_wait::prim::Arc;
use std::error::Error;
use std::fmt;

/// A channel that holds the latest value, at first `initial`, which the receiver has seen.
///
/// ```
/// let (tx, mut rx) = dormouse_chan::watch(1);
/// assert_eq!((*rx.borrow(), rx.has_changed()), (1, Ok(false)));
/// tx.send(2).unwrap();
/// assert_eq!((*rx.borrow_and_update(), rx.has_changed()), (2, Ok(false)));
/// ```
pub fn watch<T>(initial: T) -> (Sender<T>, Receiver<T>) {
    let shared = Arc::new(core::Shared::new(initial));
    (Sender::new(shared.clone()), Receiver::new(shared))
}

/// All senders are gone: there will be no change any more. What was sent can still be looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RecvError;

impl fmt::Display for RecvError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("wait for a change on a closed watch channel")
    }
}

impl Error for RecvError {}
