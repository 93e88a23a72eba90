//! The entries of a directory.
use super::pool;
use dormouse_executor::task::JoinHandle;
use dormouse_wait::frame;
use futures_core::Stream;
use std::collections::VecDeque;
use std::ffi::OsString;
use std::fmt;
use std::fs::{FileType, Metadata};
use std::future::poll_fn;
use std::io;
use std::path::{Path, PathBuf};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

/// Entries that one job of the pool reads.
const BATCH: usize = 256;

/// The entries of a directory, as a stream: see [`read_dir`].
#[must_use = "streams do nothing unless polled"]
pub struct ReadDir(State);

enum State {
    Here(Batch),
    /// The pool reads on.
    There(JoinHandle<Batch>),
}

struct Batch {
    entries: VecDeque<io::Result<DirEntry>>,
    /// `None` at the end.
    rest: Option<std::fs::ReadDir>,
}

impl Batch {
    fn read(mut rest: std::fs::ReadDir) -> Batch {
        let entries: VecDeque<_> = rest.by_ref().take(BATCH).map(|entry| entry.map(DirEntry::new)).collect();
        let rest = (entries.len() == BATCH).then_some(rest);
        Batch { entries, rest }
    }
}

/// Opens a directory to read its entries, in no particular order; `.` and `..` are not among them.
///
/// The pool reads 256 entries at once.
///
/// # Errors
/// What the system says, as when it is no directory; outside of a runtime.
///
/// # Cancel safety
/// Safe to drop at any moment.
///
/// ```
/// # dormouse_executor::runtime::block_on(async {
/// let mut entries = dormouse_net::fs::read_dir("src").await?;
/// let mut dirs = 0;
/// while let Some(entry) = entries.next_entry().await? {
///     dirs += usize::from(entry.file_type().await?.is_dir());
/// }
/// assert!(dirs > 0);
/// # std::io::Result::Ok(())
/// # }).unwrap();
/// ```
pub async fn read_dir(path: impl AsRef<Path>) -> io::Result<ReadDir> {
    let path = path.as_ref().to_owned();
    let first = pool::run(move || std::fs::read_dir(path).map(Batch::read)).await?;
    Ok(ReadDir(State::Here(first)))
}

impl ReadDir {
    /// The next entry; `None` at the end.
    ///
    /// # Errors
    /// What the system says of this entry; outside of a runtime.
    ///
    /// # Cancel safety
    /// Safe to drop at any moment: no entry is lost.
    pub async fn next_entry(&mut self) -> io::Result<Option<DirEntry>> {
        poll_fn(|cx| self.poll_entry(cx)).await.transpose()
    }

    fn poll_entry(&mut self, cx: &mut Context<'_>) -> Poll<Option<io::Result<DirEntry>>> {
        ready!(frame::poll_spend(cx));
        loop {
            match &mut self.0 {
                State::There(job) => match ready!(pool::poll_end(job, cx)) {
                    Ok(batch) => self.0 = State::Here(batch),
                    Err(error) => {
                        self.0 = State::Here(Batch { entries: VecDeque::new(), rest: None });
                        return Poll::Ready(Some(Err(error)));
                    }
                },
                State::Here(batch) => {
                    if let Some(entry) = batch.entries.pop_front() {
                        return Poll::Ready(Some(entry));
                    }
                    if batch.rest.is_none() {
                        return Poll::Ready(None);
                    }
                    let runtime = pool::here()?;
                    let rest = batch.rest.take().expect("it was there just now");
                    self.0 = State::There(runtime.spawn_blocking(move || Batch::read(rest)));
                }
            }
        }
    }
}

impl Stream for ReadDir {
    type Item = io::Result<DirEntry>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<io::Result<DirEntry>>> {
        self.poll_entry(cx)
    }
}

impl fmt::Debug for ReadDir {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ReadDir").finish_non_exhaustive()
    }
}

/// One entry of a directory.
#[derive(Debug)]
pub struct DirEntry {
    entry: Arc<std::fs::DirEntry>,
    /// Most file systems tell it with the entry.
    file_type: Option<FileType>,
}

impl DirEntry {
    fn new(entry: std::fs::DirEntry) -> DirEntry {
        let file_type = entry.file_type().ok();
        DirEntry { entry: Arc::new(entry), file_type }
    }

    /// The path: that of the directory, as it was given, with the name.
    pub fn path(&self) -> PathBuf {
        self.entry.path()
    }

    /// The name in the directory.
    pub fn file_name(&self) -> OsString {
        self.entry.file_name()
    }

    /// What kind of file it is, or was when the directory was read. A link is a link.
    ///
    /// # Errors
    /// What the system says; outside of a runtime.
    ///
    /// # Cancel safety
    /// Safe to drop at any moment.
    pub async fn file_type(&self) -> io::Result<FileType> {
        match self.file_type {
            Some(file_type) => Ok(file_type),
            None => {
                let entry = Arc::clone(&self.entry);
                pool::run(move || entry.file_type()).await
            }
        }
    }

    /// What the system knows of it now: of a link itself.
    ///
    /// # Errors
    /// What the system says, as when it is gone meanwhile; outside of a runtime.
    ///
    /// # Cancel safety
    /// Safe to drop at any moment.
    pub async fn metadata(&self) -> io::Result<Metadata> {
        let entry = Arc::clone(&self.entry);
        pool::run(move || entry.metadata()).await
    }
}
