//! The channel for one value, promise by promise; GO.md's rules X1-X10 as far as they touch it, and the bugs that other
//! libraries' channels of this kind had.
//!
//! | promise | tests |
//! |---|---|
//! | what is sent is received, once; a dropped sender is None | `receive`, `values` |
//! | closing, and learning of it | `closing` |
//! | X7, X8, X10, waits that are given up | `cancel` |
//! | wakers that call back or panic | `reentrant` |
//! | one allocation, and nothing is kept | `memory` |
//! | the poll's budget, the reason of a wait | `frame` |
//! | conservation among threads | `threads` |
//! | Send, Sync, Unpin | `types` |

#[path = "support/allocs.rs"]
mod allocs;
#[path = "oneshot/cancel.rs"]
mod cancel;
#[path = "oneshot/closing.rs"]
mod closing;
#[path = "oneshot/frame.rs"]
mod frame;
#[path = "support/frames.rs"]
mod frames;
#[path = "oneshot/memory.rs"]
mod memory;
#[path = "oneshot/receive.rs"]
mod receive;
#[path = "oneshot/reentrant.rs"]
mod reentrant;
#[path = "oneshot/threads.rs"]
mod threads;
#[path = "oneshot/types.rs"]
mod types;
#[path = "oneshot/values.rs"]
mod values;
