//! Cancel safety: GO.md's rules X1-X10, for each future of a channel, dropped in each state it can be in; and the
//! bugs of this kind that other libraries had.
//!
//! Polled by hand (`tokio_test::task`): every state is reached on purpose, nothing depends on timing.
//!
//! | rule | tests |
//! |---|---|
//! | X1 a receive dropped, X8 unpolled, X9 queued | `receive` |
//! | X2 a send dropped, X8 unpolled | `send` |
//! | X3 a select dropped | `select` |
//! | X6 who gives up swallows no wake-up | `peers` |
//! | X7 spurious polls, other tasks, polls after the end | `polls` |
//! | X10 forgotten | `forgotten` |
//! | nothing left in memory | `memory` |
//! | nothing lost in the combinators of `futures` | `combinators` |

#[path = "support/allocs.rs"]
mod allocs;
#[path = "cancel/combinators.rs"]
mod combinators;
#[path = "cancel/forgotten.rs"]
mod forgotten;
#[path = "cancel/kinds.rs"]
mod kinds;
#[path = "cancel/memory.rs"]
mod memory;
#[path = "cancel/peers.rs"]
mod peers;
#[path = "cancel/polls.rs"]
mod polls;
#[path = "cancel/receive.rs"]
mod receive;
#[path = "cancel/select.rs"]
mod select;
#[path = "cancel/send.rs"]
mod send;
