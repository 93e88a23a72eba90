//! The waits of a channel: a receive and a send as they stand in a pinned future or an arm of a select.
//!
//! [`RecvWait`] and [`SendWait`] are what `RecvFuture`, `SendFuture`, `SendFromFuture`, a receiver's stream and the
//! arms of `select!` are made of. Each is a node of the channel's list; its phase says what its payload is:
//!
//! | phase | `RecvWait` payload | `SendWait` payload |
//! |---|---|---|
//! | Idle, Queued | nothing | the value |
//! | Granted | the value | nothing (sent) |
//! | Closed | nothing | the value |
//! | Spent | nothing | nothing |
//!
//! Dropping one unlinks it under the channel's lock; a received value that nobody took goes back (X1), an unsent one
//! is dropped (X2), both after unlocking.
mod recv;
mod send;

pub(crate) use recv::RecvWait;
pub(crate) use send::SendWait;

const POLLED_AGAIN: &str = "a finished channel future was polled again";
