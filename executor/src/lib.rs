//! The dormouse runtime: a work-stealing async executor with timers and a blocking pool.
//!
//! [`runtime`] builds and runs it, [`task`] spawns and joins, [`time`] waits. Most programs use the facade crate
//! `dormouse`, which adds channels, `select!` and `#[main]`.
//!
//! ```
//! use dormouse_executor::{runtime::Runtime, task, time};
//! use std::time::Duration;
//!
//! let runtime = Runtime::new().unwrap();
//! let sum = runtime.block_on(async {
//!     let slow = task::spawn(async {
//!         time::sleep(Duration::from_millis(5)).await;
//!         40
//!     });
//!     let quick = task::spawn(async { 2 });
//!     slow.await.unwrap() + quick.await.unwrap()
//! });
//! assert_eq!(sum, 42);
//! ```
#![deny(unsafe_op_in_unsafe_fn)]

mod blocking;
mod config;
mod panics;
mod reactor;
mod sched;
mod timer;

pub mod io;
pub mod runtime;
pub mod sim;
pub mod task;
pub mod time;

#[cfg(all(test, dormouse_loom))]
mod models;
#[cfg(all(test, dormouse_shuttle))]
#[path = "models/shuttle/mod.rs"]
mod scenes;
