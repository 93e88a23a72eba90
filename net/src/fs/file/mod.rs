//! An open file.
//!
//! What it reads and writes, [`job`]s of the pool do.
//!
//! Checked by `tests/fs.rs`.
mod job;

use self::job::{Ahead, Inner, Outcome};
use super::options::OpenOptions;
use super::{Metadata, Permissions, pool};
use dormouse_sync::Mutex;
use futures_io::{AsyncRead, AsyncSeek, AsyncWrite};
use std::fmt;
use std::future::poll_fn;
use std::io::{self, IoSlice, IoSliceMut, SeekFrom};
use std::path::Path;
use std::pin::Pin;
use std::sync::{Arc, mpsc};
use std::task::{Context, Poll};

/// An open file.
///
/// It reads, writes and seeks by the traits of `futures_io`: `read`, `read_to_end`, `write_all`, `seek` and the like are
/// methods of [`AsyncReadExt`](crate::io::AsyncReadExt), [`AsyncWriteExt`](crate::io::AsyncWriteExt) and
/// [`AsyncSeekExt`](crate::io::AsyncSeekExt).
///
/// Reads go ahead, by 64 KiB at least: small ones cost no job of the pool each. A write is done when its bytes, 256 KiB at
/// most, are with the pool, which writes them at once; the next operation waits for that. For many small writes put a
/// [`BufWriter`](crate::io::BufWriter) around it. **Others are sure to see what was written after a `flush`, and a disk has
/// it after [`sync_all`](File::sync_all).** Dropping the file closes it when the pool is done with it; what was written is
/// written also if the file is dropped, or the runtime ends, before the pool's turn. (The program's end alone, as by
/// `exit`, waits for nothing.)
///
/// # Errors
/// What the system says. The error of a write comes with the operation after it, `flush` being one: then what that write
/// has not written is given up. If there is none, nobody learns of it. Outside of a runtime, and if the runtime is shut
/// down, operations fail.
///
/// # Cancel safety
/// An operation that is dropped goes on if it was begun. What a dropped read has read is for the next one; a dropped write
/// has written nothing if it was waiting, and is done otherwise; a dropped seek was done or was not. What it has found
/// meanwhile, the end or a position, is told to the next read, or to the next seek if that asks for the same: the file may
/// have grown since then. Any other operation in between, such as a `flush`, does away with that.
///
/// ```
/// use dormouse_net::fs::File;
/// use dormouse_net::io::{AsyncReadExt, AsyncSeekExt, AsyncWriteExt, SeekFrom};
///
/// # dormouse_executor::runtime::block_on(async {
/// # let path = std::env::temp_dir().join(format!("dormouse-file-{}", std::process::id()));
/// let mut file = File::options().read(true).write(true).create(true).truncate(true).open(&path).await?;
/// file.write_all(b"hello, file").await?;
/// file.seek(SeekFrom::Start(7)).await?;
/// let mut text = String::new();
/// file.read_to_string(&mut text).await?;
/// assert_eq!(text, "file");
/// file.sync_all().await?; // now it is on the disk
/// # dormouse_net::fs::remove_file(&path).await?;
/// # std::io::Result::Ok(())
/// # }).unwrap();
/// ```
pub struct File {
    std: Arc<std::fs::File>,
    inner: Mutex<Inner>,
}

impl File {
    /// Opens a file to read it.
    ///
    /// # Errors
    /// What the system says; outside of a runtime.
    ///
    /// # Cancel safety
    /// Dropped, the file is opened all the same, and closed.
    pub async fn open(path: impl AsRef<Path>) -> io::Result<File> {
        OpenOptions::new().read(true).open(path).await
    }

    /// Opens a file to write it: one that is there is emptied, one that is not is made.
    ///
    /// # Errors
    /// What the system says; outside of a runtime.
    ///
    /// # Cancel safety
    /// Dropped, the file is made or emptied all the same, and closed.
    pub async fn create(path: impl AsRef<Path>) -> io::Result<File> {
        OpenOptions::new().write(true).create(true).truncate(true).open(path).await
    }

    /// Makes a file, and opens it to read and write it.
    ///
    /// # Errors
    /// `AlreadyExists` if it is there; what else the system says; outside of a runtime.
    ///
    /// # Cancel safety
    /// Dropped, the file is made all the same, and closed.
    pub async fn create_new(path: impl AsRef<Path>) -> io::Result<File> {
        OpenOptions::new().read(true).write(true).create_new(true).open(path).await
    }

    /// Options to open a file by.
    pub fn options() -> OpenOptions {
        OpenOptions::new()
    }

    /// Takes over a file of `std`, at its present position.
    pub fn from_std(file: std::fs::File) -> File {
        File { std: Arc::new(file), inner: Mutex::default() }
    }

    /// The file as `std`'s, once all that was written is written. Its position is that of the last byte that was read or
    /// written here.
    ///
    /// # Errors
    /// That of the last write; what the system says, as when something was read ahead that it cannot go back by: then the
    /// file is closed.
    ///
    /// # Cancel safety
    /// Dropped, the file is closed when the pool is done with it.
    pub async fn into_std(self) -> io::Result<std::fs::File> {
        let mut inner = self.inner.into_inner();
        poll_fn(|cx| inner.poll_quiet(cx)).await?;
        if inner.ahead.len() > 0 {
            poll_fn(|cx| inner.poll_seek(&self.std, cx, SeekFrom::Current(0))).await?;
        }
        // A `read_at` or `write_at` that was dropped may still be on in the pool.
        Arc::try_unwrap(self.std).or_else(|file| file.try_clone())
    }

    /// Runs `work` on the pool once all that was written is written. If this is dropped, what comes after waits for it.
    async fn run<R: Send + 'static>(
        &self,
        work: impl FnOnce(&std::fs::File, &mut Ahead) -> io::Result<R> + Send + 'static,
    ) -> io::Result<R> {
        let mut inner = self.inner.lock().await;
        poll_fn(|cx| inner.poll_quiet(cx)).await?;
        let (give, given) = mpsc::channel();
        inner.begin(&self.std, false, move |file, ahead| {
            // Whoever waited may be gone.
            let _ = give.send(work(file, ahead));
            Outcome::Other
        })?;
        poll_fn(|cx| inner.poll_quiet(cx)).await?;
        given.try_recv().expect("it was given before the job's end")
    }

    /// Waits until the disk has all that was written, and what the system knows of the file.
    ///
    /// # Errors
    /// That of the last write; what the system says: then part of it may be lost.
    ///
    /// # Cancel safety
    /// Dropped, it goes on if it was begun.
    pub async fn sync_all(&self) -> io::Result<()> {
        self.run(|file, _| file.sync_all()).await
    }

    /// As [`sync_all`](File::sync_all), but of what the system knows of the file only what is needed to read it.
    ///
    /// # Errors
    /// As [`sync_all`](File::sync_all).
    ///
    /// # Cancel safety
    /// Dropped, it goes on if it was begun.
    pub async fn sync_data(&self) -> io::Result<()> {
        self.run(|file, _| file.sync_data()).await
    }

    /// Cuts the file off at `size` bytes, or adds zeros up to there. The position stays.
    ///
    /// # Errors
    /// That of the last write; what the system says.
    ///
    /// # Cancel safety
    /// Dropped, it goes on if it was begun.
    pub async fn set_len(&self, size: u64) -> io::Result<()> {
        self.run(move |file, ahead| {
            ahead.go_back(file)?;
            file.set_len(size)
        })
        .await
    }

    /// What the system knows of the file, once all that was written is written.
    ///
    /// # Errors
    /// That of the last write; what the system says.
    ///
    /// # Cancel safety
    /// Safe to drop at any moment.
    pub async fn metadata(&self) -> io::Result<Metadata> {
        self.run(|file, _| file.metadata()).await
    }

    /// Changes the file's permissions.
    ///
    /// # Errors
    /// That of the last write; what the system says.
    ///
    /// # Cancel safety
    /// Dropped, it goes on if it was begun.
    pub async fn set_permissions(&self, permissions: Permissions) -> io::Result<()> {
        self.run(move |file, _| file.set_permissions(permissions)).await
    }

    /// One more `File` for the same open file. They share the position: what one reads ahead, the other does not get.
    ///
    /// # Errors
    /// That of the last write; what the system says.
    ///
    /// # Cancel safety
    /// Safe to drop at any moment.
    pub async fn try_clone(&self) -> io::Result<File> {
        self.run(|file, ahead| {
            ahead.go_back(file)?;
            file.try_clone()
        })
        .await
        .map(File::from_std)
    }
}

/// Reads and writes at a place, by one job of the pool each. They do not touch the position; several may be on at a time,
/// and nothing is said of their order. With a write of the traits they are in order if that was flushed.
#[cfg(unix)]
impl File {
    /// Reads bytes from `offset` on: how many, 0 at the end.
    ///
    /// # Errors
    /// What the system says; outside of a runtime.
    ///
    /// # Cancel safety
    /// Safe to drop at any moment.
    pub async fn read_at(&self, buf: &mut [u8], offset: u64) -> io::Result<usize> {
        let (file, mut bytes) = (Arc::clone(&self.std), vec![0; buf.len()]);
        let (bytes, count) = pool::run(move || {
            let count = std::os::unix::fs::FileExt::read_at(&*file, &mut bytes, offset)?;
            Ok((bytes, count))
        })
        .await?;
        buf[..count].copy_from_slice(&bytes[..count]);
        Ok(count)
    }

    /// Fills `buf` from `offset` on.
    ///
    /// # Errors
    /// `UnexpectedEof` if the file ends before; what the system says; outside of a runtime. `buf` is as it was then.
    ///
    /// # Cancel safety
    /// Safe to drop at any moment.
    pub async fn read_exact_at(&self, buf: &mut [u8], offset: u64) -> io::Result<()> {
        let (file, mut bytes) = (Arc::clone(&self.std), vec![0; buf.len()]);
        let bytes = pool::run(move || {
            std::os::unix::fs::FileExt::read_exact_at(&*file, &mut bytes, offset)?;
            Ok(bytes)
        })
        .await?;
        buf.copy_from_slice(&bytes);
        Ok(())
    }

    /// Writes from `offset` on what the system takes of `buf`: how many bytes. (To a file that is open to append, Linux
    /// writes at the end.)
    ///
    /// # Errors
    /// What the system says; outside of a runtime.
    ///
    /// # Cancel safety
    /// Dropped, it goes on if it was begun.
    pub async fn write_at(&self, buf: &[u8], offset: u64) -> io::Result<usize> {
        let (file, bytes) = (Arc::clone(&self.std), buf.to_owned());
        pool::run(move || std::os::unix::fs::FileExt::write_at(&*file, &bytes, offset)).await
    }

    /// Writes `buf` from `offset` on.
    ///
    /// # Errors
    /// What the system says: a part may be written then. Outside of a runtime.
    ///
    /// # Cancel safety
    /// Dropped, it goes on if it was begun.
    pub async fn write_all_at(&self, buf: &[u8], offset: u64) -> io::Result<()> {
        let (file, bytes) = (Arc::clone(&self.std), buf.to_owned());
        pool::run(move || std::os::unix::fs::FileExt::write_all_at(&*file, &bytes, offset)).await
    }
}

impl AsyncRead for File {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut [u8]) -> Poll<io::Result<usize>> {
        let File { std, inner } = self.get_mut();
        inner.get_mut().poll_read(std, cx, buf.len(), |ahead| ahead.take(buf))
    }

    fn poll_read_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &mut [IoSliceMut<'_>],
    ) -> Poll<io::Result<usize>> {
        let File { std, inner } = self.get_mut();
        let wanted = bufs.iter().map(|buf| buf.len()).fold(0, usize::saturating_add);
        inner.get_mut().poll_read(std, cx, wanted, |ahead| bufs.iter_mut().map(|buf| ahead.take(buf)).sum())
    }
}

impl AsyncWrite for File {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        self.poll_write_vectored(cx, &[IoSlice::new(buf)])
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let File { std, inner } = self.get_mut();
        inner.get_mut().poll_write(std, cx, bufs)
    }

    /// Waits until the system has what was written.
    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.get_mut().inner.get_mut().poll_quiet(cx)
    }

    /// A flush: the file is closed when it is dropped.
    fn poll_close(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.poll_flush(cx)
    }
}

impl AsyncSeek for File {
    fn poll_seek(self: Pin<&mut Self>, cx: &mut Context<'_>, to: SeekFrom) -> Poll<io::Result<u64>> {
        let File { std, inner } = self.get_mut();
        inner.get_mut().poll_seek(std, cx, to)
    }
}

crate::dialect::reads_for_tokio!(File);
crate::dialect::writes_for_tokio!(File);

#[cfg(feature = "tokio-io")]
impl tokio::io::AsyncSeek for File {
    fn start_seek(self: Pin<&mut Self>, to: SeekFrom) -> io::Result<()> {
        self.get_mut().inner.get_mut().seeking = Some(to);
        Ok(())
    }

    /// The position is given for a seek that was started; without one, 0.
    fn poll_complete(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<u64>> {
        let File { std, inner } = self.get_mut();
        let inner = inner.get_mut();
        let Some(to) = inner.seeking else { return Poll::Ready(Ok(0)) };
        let sought = std::task::ready!(inner.poll_seek(std, cx, to));
        inner.seeking = None;
        Poll::Ready(sought)
    }
}

impl From<std::fs::File> for File {
    fn from(file: std::fs::File) -> File {
        File::from_std(file)
    }
}

impl fmt::Debug for File {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("File").field(&self.std).finish()
    }
}

#[cfg(unix)]
impl std::os::fd::AsFd for File {
    fn as_fd(&self) -> std::os::fd::BorrowedFd<'_> {
        self.std.as_fd()
    }
}

#[cfg(unix)]
impl std::os::fd::AsRawFd for File {
    fn as_raw_fd(&self) -> std::os::fd::RawFd {
        self.std.as_raw_fd()
    }
}
