//! Time: waiting for it, limiting what may take too long, and doing something later.
//!
//! Timers belong to the runtime that polls them. A timer never ends early. Any duration is fine: what lies beyond the
//! end of the clock comes some thirty years from now, if anybody waits for that.
//!
//! | | counts from |
//! |---|---|
//! | [`sleep`], [`after`], [`after_func`], [`interval`], [`ticker`] | the call, as in Go and tokio: a deadline set before a loop holds in it |
//! | [`timeout`] | the first poll of its future that has to wait: a future that is not polled does nothing, and one that is ready costs nothing |
//! | [`sleep_until`], [`timeout_at`], [`interval_at`] | - : a point in time is given |
//!
//! The clock is [`Instant`]'s: virtual under the [simulator](crate::sim).
mod after;
mod after_func;
mod interval;
mod sleep;
mod timeout;

pub use after::{After, after};
pub use after_func::{TimerHandle, after_func};
pub use dormouse_wait::Instant;
pub use interval::{Interval, MissedTickBehavior, interval, interval_at, ticker};
pub use sleep::{Sleep, sleep, sleep_until};
pub use std::time::Duration;
pub use timeout::{Elapsed, Timeout, timeout, timeout_at};
