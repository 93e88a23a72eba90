//! A key-value server that speaks Redis's protocol: all of it but its sockets, for any runtime.
//!
//! [`Server`] holds the keys and, if there is one, the append-only file; [`serve`] is one connection, over whatever is a
//! [`Transport`]. `main.rs` puts them on dormouse's sockets; the benchmarks put the same on tokio's.
//!
//! From the bottom up: `input` takes requests apart, `reply` writes answers; `store` has the keys and notes each change
//! as a record, in the words of `record`; `log` writes the records to the file, `replay` reads them back, `rewrite` makes
//! the file short again; `pubsub` has channels and mailboxes; `commands` is what the commands do; `server` executes them,
//! under one lock; `connection` is the loop that reads, executes, commits and answers.
mod commands;
mod connection;
mod glob;
mod input;
mod log;
mod number;
mod pubsub;
mod record;
mod replay;
mod reply;
mod rewrite;
mod server;
mod store;
#[cfg(test)]
mod tests;

pub use connection::{Transport, serve};
pub use log::{Appendonly, Fsync};
pub use server::{Config, Server};
