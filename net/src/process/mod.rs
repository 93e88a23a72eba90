//! Programs as child processes: [`Command`] as `std`'s, with pipes and an end that tasks wait for.
//!
//! | what | how |
//! |---|---|
//! | a pipe to or from the child | our end does not block, and is in the reactor as a socket is |
//! | the end of a child | its process descriptor (pidfd) becomes readable; where the system has none, by `SIGCHLD` |
//! | a child whose handle is dropped | lives on, unless [`Command::kill_on_drop`] says otherwise; it is reaped when it ends |
//!
//! A child that has ended stays in the system's table, as a "zombie", until its parent asks how it has ended. [`Child::wait`]
//! and [`Child::try_wait`] ask. For those that were dropped before, one thread asks whenever `SIGCHLD` says that some child
//! has ended. It runs while there are such children, and needs no runtime. Only children that were started here are asked
//! for.
//!
//! ```
//! use dormouse_net::process::Command;
//! # dormouse_executor::runtime::block_on(async {
//! let output = Command::new("echo").arg("hello").output().await?;
//! assert!(output.status.success());
//! assert_eq!(output.stdout, b"hello\n");
//! # std::io::Result::Ok(())
//! # }).unwrap();
//! ```
//!
//! A pipeline: what one child writes, the next one reads.
//!
//! ```
//! use dormouse_net::process::{Command, Stdio};
//! # dormouse_executor::runtime::block_on(async {
//! let mut echo = Command::new("echo").arg("one two three").stdout(Stdio::piped()).spawn()?;
//! let words = echo.stdout.take().expect("it is piped");
//! let count = Command::new("wc").arg("-w").stdin(Stdio::try_from(words)?).output().await?;
//! assert_eq!(String::from_utf8_lossy(&count.stdout).trim(), "3");
//! assert!(echo.wait().await?.success());
//! # std::io::Result::Ok(())
//! # }).unwrap();
//! ```
mod child;
mod command;
mod exit;
mod orphans;
mod pipe;

pub use child::Child;
pub use command::Command;
pub use pipe::{ChildStderr, ChildStdin, ChildStdout};
pub use std::process::{ExitStatus, Output, Stdio};
