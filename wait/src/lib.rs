//! How a future waits: the ground that dormouse's channels, locks and executor stand on.
//!
//! This crate knows no executor and no channel. It holds what all of them share, once:
//!
//! | module | what it is |
//! |---|---|
//! | [`prim`] | atomics, cells, threads: `std`'s, or loom's or shuttle's when a model is built |
//! | [`lock`] | the short lock around a waiter list; it never puts a thread to sleep |
//! | [`list`] | the intrusive FIFO list of waiters, whose nodes live in the waiting futures |
//! | [`claim`] | the word that the nodes of one `select!` share, so that exactly one arm is won |
//! | [`wakes`] | wake-ups collected under a lock and fired after it |
//! | [`frame`] | what one poll of a task carries: its budget and the reason of its last wait |
//! | [`holders`] | who holds what and who waits for it, for dumps |
//! | [`random`] | the thread's random choice, which a simulator may seed |
//! | [`alarm`] | an alarm that can be taken back |
//! | [`host`] | clock and alarms, which a runtime or a simulator fills in |
//! | [`parker`] | how a thread sleeps and is woken |
//! | [`blocking`] | waiting for a future on a plain thread |
//!
//! It is published because `dormouse-chan`, `dormouse-sync` and `dormouse-executor` need it; a program uses those,
//! or the facade `dormouse`. Its interface follows theirs and may change with any release.
#![deny(unsafe_op_in_unsafe_fn)]

/// Makes a function `const` except under loom, whose atomics and cells are made at run time.
macro_rules! const_fn {
    ($(#[$meta:meta])* $vis:vis const fn $($rest:tt)*) => {
        #[cfg(not(dormouse_loom))]
        $(#[$meta])* $vis const fn $($rest)*
        #[cfg(dormouse_loom)]
        $(#[$meta])* $vis fn $($rest)*
    };
}

pub mod alarm;
pub mod blocking;
pub mod claim;
pub mod frame;
pub mod holders;
pub mod host;
pub mod list;
pub mod lock;
pub mod outside;
pub mod parker;
pub mod prim;
pub mod random;
pub mod wakes;

#[cfg(all(test, dormouse_loom))]
mod models;

pub use frame::Reason;
pub use host::Instant;
