//! What the tests of the crates share: a [watchdog](watch) over tests that could hang, [wakers](hooked) that call back
//! and panic, [values](Tally) whose fate is counted, and futures and guards to put into tasks.
mod count;
#[cfg(dormouse_shuttle)]
pub mod flow;
mod gate;
#[cfg(dormouse_loom)]
pub mod model;
mod panics;
mod process;
mod values;
mod wakers;
mod watchdog;

pub use count::Count;
pub use gate::{Gate, OnDrop, Wall, on_drop, until};
pub use panics::{hide_panics, panics};
pub use process::child;
pub use values::{Tally, Value, number};
pub use wakers::{Calls, EVENTS, Event, hooked};
pub use watchdog::{Watch, watch, watch_for};
