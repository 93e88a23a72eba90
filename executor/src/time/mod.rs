//! Time: waiting for it, and limiting what may take too long.
//!
//! Timers belong to the runtime that polls them. A timer never ends early.
mod interval;
mod sleep;
mod timeout;

pub use dormouse_wait::Instant;
pub use interval::{Interval, MissedTickBehavior, interval, interval_at, ticker};
pub use sleep::{Sleep, sleep, sleep_until};
pub use std::time::Duration;
pub use timeout::{Elapsed, Timeout, timeout, timeout_at};
