//! A channel for one value: one sender, one receiver, one allocation.
//!
//! [`oneshot()`] makes it. It is what a task answers a question with, and how one learns that a task has come to some
//! point. Sending never waits; the receiver is itself the future of the value.
//!
//! ```
//! use dormouse_chan::{bounded, oneshot};
//! # tokio_test::block_on(async {
//! let (ask, asked) = bounded(0);
//! let server = async move {
//!     while let Some((question, answer)) = asked.recv().await {
//!         let answer: oneshot::Sender<String> = answer;
//!         answer.send(format!("{question} Yes.")).ok(); // an error: nobody waits for it any more
//!     }
//! };
//! let client = async move {
//!     let (answer, reply) = oneshot();
//!     ask.send(("Is anybody there?", answer)).await.unwrap();
//!     assert_eq!(reply.await.as_deref(), Some("Is anybody there? Yes."));
//! };
//! futures::join!(server, client);
//! # });
//! ```
//!
//! **Fairness**: there is nothing to share out: each half has one owner.
mod cell;
mod receiver;
mod sender;

pub use receiver::Receiver;
pub use sender::{ClosedFuture, Sender};

/// A channel for one value.
///
/// ```
/// # tokio_test::block_on(async {
/// let (tx, rx) = dormouse_chan::oneshot();
/// tx.send("done").unwrap();
/// assert_eq!(rx.await, Some("done"));
///
/// let (tx, rx) = dormouse_chan::oneshot::<u8>();
/// drop(tx);
/// assert_eq!(rx.await, None);
/// # });
/// ```
#[inline]
pub fn oneshot<T>() -> (Sender<T>, Receiver<T>) {
    let (tx, rx) = cell::pair();
    (Sender::new(tx), Receiver::new(rx))
}
