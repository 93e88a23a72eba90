//! `broadcast`, rule by rule: the table of `src/broadcast/core.rs` names the tests.
#[path = "broadcast/against_model.rs"]
mod against_model;
#[path = "support/allocs.rs"]
mod allocs;
#[path = "broadcast/auto_traits.rs"]
mod auto_traits;
#[path = "broadcast/budget.rs"]
mod budget;
#[path = "broadcast/cancel.rs"]
mod cancel;
#[path = "support/frames.rs"]
mod frames;
#[path = "broadcast/kit.rs"]
mod kit;
#[path = "broadcast/lag.rs"]
mod lag;
#[path = "broadcast/memory.rs"]
mod memory;
#[path = "broadcast/order.rs"]
mod order;
#[path = "broadcast/reentrant.rs"]
mod reentrant;
#[path = "broadcast/refusals.rs"]
mod refusals;
#[path = "broadcast/threads.rs"]
mod threads;
#[path = "broadcast/values.rs"]
mod values;
#[path = "broadcast/waiting.rs"]
mod waiting;
