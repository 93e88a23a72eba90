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
//!
//! Wakers are dropped by [`let_go`]: a waker whose `Drop` panics must not cost the value that its task has just been
//! given, or abort a drop (`tests/reentrant.rs`).
mod recv;
mod send;

pub(crate) use recv::RecvWait;
pub(crate) use send::SendWait;

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::task::Waker;

const POLLED_AGAIN: &str = "a finished channel future was polled again";

/// Drops a waker that is not needed; a panic of it ends here, reported by the panic hook. With no lock held.
#[inline(always)]
pub(crate) fn let_go(waker: Option<Waker>) {
    if let Some(waker) = waker {
        drop_caught(waker);
    }
}

fn drop_caught(waker: Waker) {
    if let Err(payload) = catch_unwind(AssertUnwindSafe(|| drop(waker))) {
        // Dropping the payload could panic again.
        std::mem::forget(payload);
    }
}
