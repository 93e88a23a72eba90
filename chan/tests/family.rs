//! What a channel can do besides a send and a receive: places set aside, batches, weak handles, the close, sinks, limits of
//! time. (That each of their futures keeps the rules of cancelling: `tests/cancel`.)

#[path = "support/allocs.rs"]
mod allocs;
#[path = "family/batches.rs"]
mod batches;
#[path = "family/closed.rs"]
mod closed;
#[path = "family/permits.rs"]
mod permits;
#[path = "family/sinks.rs"]
mod sinks;
#[path = "family/timeouts.rs"]
mod timeouts;
#[path = "family/weak.rs"]
mod weak;
