//! Reading and writing bytes: the standard streams, copying, pipes in memory, and the traits and adapters for all of it.
//!
//! The traits are those of [`futures_io`], and what `futures::io` has is here by re-export: [`AsyncReadExt`] with `read`,
//! `read_exact`, `read_to_end`, `take`, `chain` and `split` (into two halves), [`AsyncWriteExt`] with `write_all` and
//! `flush`, [`AsyncBufReadExt`] with `read_line` and `lines`, [`BufReader`], [`BufWriter`], [`Cursor`]. With the feature
//! `tokio-io` all types of this crate have tokio's traits as well.
//!
//! ```
//! use dormouse_net::io::{self, AsyncBufReadExt, AsyncWriteExt, BufReader};
//! use futures::StreamExt;
//!
//! # dormouse_executor::runtime::block_on(async {
//! let (mut client, server) = io::duplex(4096);
//! client.write_all(b"one\ntwo\n").await?;
//! client.close().await?;
//! let mut lines = BufReader::new(server).lines();
//! assert_eq!(lines.next().await.unwrap()?, "one");
//! assert_eq!(lines.next().await.unwrap()?, "two");
//! assert!(lines.next().await.is_none());
//! # io::Result::Ok(())
//! # }).unwrap();
//! ```
mod attendant;
mod copy;
mod locked;
mod pipe;
mod registered;
mod stdin;
mod stdout;

pub use copy::{copy, copy_bidirectional};
pub use pipe::{DuplexStream, PipeReader, PipeWriter, duplex, pipe};
pub use stdin::{Stdin, stdin};
pub use stdout::{Stderr, Stdout, stderr, stdout};

pub use futures_util::io::{
    AllowStdIo, AsyncBufRead, AsyncBufReadExt, AsyncRead, AsyncReadExt, AsyncSeek, AsyncSeekExt, AsyncWrite,
    AsyncWriteExt, BufReader, BufWriter, Chain, Cursor, Empty, LineWriter, Lines, ReadHalf, Repeat, Sink,
    Take, WriteHalf, copy_buf, empty, repeat, sink,
};
pub use std::io::{Error, ErrorKind, IoSlice, IoSliceMut, Result, SeekFrom};

pub(crate) use registered::Io;
