//! Files and directories, on the runtime's blocking pool.
//!
//! The names are those of [`std::fs`]. A function of this module is one job of the pool
//! ([`spawn_blocking`](dormouse_executor::task::spawn_blocking)), however many system calls it makes: [`read`] and
//! [`write()`] of a whole file, or [`remove_dir_all`]. A [`File`] that is read and written in pieces reads ahead, and a
//! [`ReadDir`] takes many entries at once. Work that makes many small calls is quicker with `std::fs` in a job of its own.
//!
//! ```
//! use dormouse_net::fs;
//! use futures::StreamExt;
//!
//! # dormouse_executor::runtime::block_on(async {
//! # let dir = std::env::temp_dir().join(format!("dormouse-fs-{}", std::process::id()));
//! fs::create_dir_all(&dir).await?;
//! fs::write(dir.join("greeting"), "hello").await?;
//! assert_eq!(fs::read_to_string(dir.join("greeting")).await?, "hello");
//! let mut entries = fs::read_dir(&dir).await?;
//! while let Some(entry) = entries.next().await {
//!     println!("{}", entry?.path().display());
//! }
//! fs::remove_dir_all(&dir).await?;
//! # std::io::Result::Ok(())
//! # }).unwrap();
//! ```
//!
//! # Errors
//! What the system says; outside of a runtime; and if the runtime is shut down before the pool has begun the operation.
//!
//! # Panics
//! In a [simulated](dormouse_executor::sim) run, which has no control over files: unless it lets blocking jobs run
//! [inline](dormouse_executor::sim::Builder::inline_blocking).
//!
//! # Cancel safety
//! A future of this module that was polled and is dropped takes nothing back: its operation goes on to its end on the pool,
//! and one that waits for a thread there is done later. Its result is given up. At the end of the runtime those that wait
//! for a thread are given up as well, but for what was written to a [`File`]; for those that have begun it waits, for
//! [a second](dormouse_executor::runtime::Runtime) at most.
mod dir;
mod file;
mod options;
mod pool;

pub use dir::{DirEntry, ReadDir, read_dir};
pub use file::File;
pub use options::OpenOptions;
pub use std::fs::{FileType, Metadata, Permissions};

use std::io;
use std::path::{Path, PathBuf};

macro_rules! of_one_path {
    ($($(#[doc = $doc:literal])+ $name:ident -> $result:ty;)+) => {$(
        $(#[doc = $doc])+
        ///
        /// # Errors
        /// What the system says; outside of a runtime.
        ///
        /// # Cancel safety
        /// Dropped, it is done all the same: see [the module](self#cancel-safety).
        pub async fn $name(path: impl AsRef<Path>) -> io::Result<$result> {
            let path = path.as_ref().to_owned();
            pool::run(move || std::fs::$name(path)).await
        }
    )+};
}

macro_rules! of_two_paths {
    ($($(#[doc = $doc:literal])+ $name:ident($from:ident, $to:ident) -> $result:ty, $call:path;)+) => {$(
        $(#[doc = $doc])+
        ///
        /// # Errors
        /// What the system says; outside of a runtime.
        ///
        /// # Cancel safety
        /// Dropped, it is done all the same: see [the module](self#cancel-safety).
        pub async fn $name($from: impl AsRef<Path>, $to: impl AsRef<Path>) -> io::Result<$result> {
            let ($from, $to) = ($from.as_ref().to_owned(), $to.as_ref().to_owned());
            pool::run(move || $call($from, $to)).await
        }
    )+};
}

of_one_path! {
    /// The bytes of a whole file.
    read -> Vec<u8>;
    /// A whole file as text: an error of the kind `InvalidData` if it is not UTF-8.
    read_to_string -> String;
    /// The absolute path, without links in it and without `.` and `..`.
    canonicalize -> PathBuf;
    /// Makes a directory, whose parent is there.
    create_dir -> ();
    /// Makes a directory, and its parents where they are missing. No error if it is there.
    create_dir_all -> ();
    /// Removes an empty directory.
    remove_dir -> ();
    /// Removes a directory with all that is in it. Links are removed, not followed.
    remove_dir_all -> ();
    /// Removes a file or a link.
    remove_file -> ();
    /// What the system knows of a file: of what a link leads to.
    metadata -> Metadata;
    /// What the system knows of a file: of a link itself.
    symlink_metadata -> Metadata;
    /// Where a symbolic link leads to.
    read_link -> PathBuf;
}

of_two_paths! {
    /// Copies a file with its permissions: how many bytes it has. A file that is there is overwritten.
    copy(from, to) -> u64, std::fs::copy;
    /// Gives a file or a directory another name, in the same file system. A file of that name is replaced, in one step.
    rename(from, to) -> (), std::fs::rename;
    /// Gives a file one more name, in the same file system.
    hard_link(original, link) -> (), std::fs::hard_link;
}

#[cfg(unix)]
of_two_paths! {
    /// Makes a symbolic link at `link` that leads to `original`, whether that is there or not.
    symlink(original, link) -> (), std::os::unix::fs::symlink;
}

/// Makes `contents` the whole content of a file. One that is there is overwritten.
///
/// `contents` is copied once, for the pool's thread.
///
/// # Errors
/// What the system says, as when the disk is full: a part may be written then. Outside of a runtime.
///
/// # Cancel safety
/// Dropped, it is done all the same: see [the module](self#cancel-safety).
pub async fn write(path: impl AsRef<Path>, contents: impl AsRef<[u8]>) -> io::Result<()> {
    let (path, contents) = (path.as_ref().to_owned(), contents.as_ref().to_owned());
    pool::run(move || std::fs::write(path, contents)).await
}

/// Changes the permissions of a file or a directory.
///
/// # Errors
/// What the system says; outside of a runtime.
///
/// # Cancel safety
/// Dropped, it is done all the same: see [the module](self#cancel-safety).
pub async fn set_permissions(path: impl AsRef<Path>, permissions: Permissions) -> io::Result<()> {
    let path = path.as_ref().to_owned();
    pool::run(move || std::fs::set_permissions(path, permissions)).await
}

/// Is there something at `path`? A link that leads nowhere is nothing.
///
/// # Errors
/// If that cannot be told, as when a directory on the way may not be read; outside of a runtime.
///
/// # Cancel safety
/// Safe to drop at any moment.
pub async fn try_exists(path: impl AsRef<Path>) -> io::Result<bool> {
    let path = path.as_ref().to_owned();
    pool::run(move || path.try_exists()).await
}
