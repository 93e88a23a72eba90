//! Pipes in memory: bytes from one task to another, with a limit of how many may lie in between.
//!
//! | state | event | who is woken |
//! |---|---|---|
//! | bytes, or closed | read | the writer, if it waits and bytes were taken |
//! | empty | read | - ; it waits |
//! | room | write | the reader, if it waits |
//! | full | write | - ; it waits |
//! | any | the writer closes, or is dropped | the reader: what is there can still be read, then it is at the end |
//! | any | the reader is dropped | the writer: it gets `BrokenPipe` |
//!
//! All of it under the pipe's lock: who waits has seen there that it must, and whoever changes that finds it. One waker for
//! each end, the latest poll's, as with sockets.
//!
//! Checked by `tests/io.rs`, `tests/dialects.rs`.
use super::locked::poll_locked;
use crate::dialect::{reads, writes};
use dormouse_wait::frame::{self, Reason};
use dormouse_wait::lock::Lock;
use dormouse_wait::wakes;
use std::collections::VecDeque;
use std::fmt;
use std::io::{self, ErrorKind, IoSlice, IoSliceMut, Read};
use std::sync::Arc;
use std::task::{Context, Poll, Waker, ready};

#[derive(Default)]
struct State {
    /// Grows with what is in it.
    bytes: VecDeque<u8>,
    /// The writer will write no more.
    ended: bool,
    /// The reader is gone.
    broken: bool,
    reader: Option<Waker>,
    writer: Option<Waker>,
}

struct Pipe {
    state: Lock<State>,
    capacity: usize,
}

/// How many bytes were moved, and who waits for that.
type Moved = (usize, Option<Waker>);

fn moved(polled: Poll<io::Result<Moved>>, reason: Reason) -> Poll<io::Result<usize>> {
    match polled {
        Poll::Ready(Ok((count, waiter))) => {
            wakes::wake(waiter);
            Poll::Ready(Ok(count))
        }
        Poll::Ready(Err(error)) => Poll::Ready(Err(error)),
        Poll::Pending => {
            frame::note(reason, None);
            Poll::Pending
        }
    }
}

impl Pipe {
    fn new(capacity: usize) -> Arc<Pipe> {
        assert!(capacity > 0, "dormouse: a pipe of capacity 0 has no room for any byte: take 1 or more");
        Arc::new(Pipe { state: Lock::new(State::default()), capacity })
    }

    /// Takes bytes out by `take`, which has room for `wanted`, waiting for the first one; 0 at the end.
    fn poll_take(
        &self,
        cx: &mut Context<'_>,
        wanted: usize,
        mut take: impl FnMut(&mut VecDeque<u8>) -> usize,
    ) -> Poll<io::Result<usize>> {
        ready!(frame::poll_spend(cx));
        let attempt = |state: &mut State| {
            if wanted > 0 && state.bytes.is_empty() && !state.ended {
                return Poll::Pending;
            }
            let count = take(&mut state.bytes);
            let waiter = if count > 0 { state.writer.take() } else { None };
            Poll::Ready(Ok((count, waiter)))
        };
        let polled = poll_locked(&self.state, cx, attempt, |state, waker| state.reader.replace(waker));
        moved(polled, Reason::PipeRead)
    }

    /// Puts in as much of `bufs` as there is room for, waiting for the first byte's.
    fn poll_put<'b>(
        &self,
        cx: &mut Context<'_>,
        bufs: impl Iterator<Item = &'b [u8]> + Clone,
    ) -> Poll<io::Result<usize>> {
        ready!(frame::poll_spend(cx));
        let wanted = bufs.clone().map(<[u8]>::len).fold(0, usize::saturating_add);
        let attempt = |state: &mut State| {
            if state.ended || state.broken {
                return Poll::Ready(Err(ErrorKind::BrokenPipe.into()));
            }
            let count = wanted.min(self.capacity - state.bytes.len());
            if count == 0 && wanted > 0 {
                return Poll::Pending;
            }
            let mut left = count;
            for buf in bufs.clone() {
                let part = &buf[..buf.len().min(left)];
                state.bytes.extend(part);
                left -= part.len();
            }
            let waiter = if count > 0 { state.reader.take() } else { None };
            Poll::Ready(Ok((count, waiter)))
        };
        let polled = poll_locked(&self.state, cx, attempt, |state, waker| state.writer.replace(waker));
        moved(polled, Reason::PipeWrite)
    }

    /// The writer writes no more.
    fn end(&self) {
        let (reader, writer) = {
            let mut state = self.state.lock();
            state.ended = true;
            (state.reader.take(), state.writer.take())
        };
        wakes::wake(reader);
        wakes::discard(writer);
    }

    /// The reader is gone: what is in the pipe as well.
    fn break_off(&self) {
        let (bytes, reader, writer) = {
            let mut state = self.state.lock();
            state.broken = true;
            (std::mem::take(&mut state.bytes), state.reader.take(), state.writer.take())
        };
        wakes::wake(writer);
        wakes::discard(reader);
        drop(bytes);
    }
}

/// Moves bytes from the front of `bytes` to `buf`: how many.
fn fill(bytes: &mut VecDeque<u8>, mut buf: &mut [u8]) -> usize {
    let mut count = 0;
    // (The bytes lie in two pieces at most.)
    while !bytes.is_empty() && !buf.is_empty() {
        let part = bytes.read(buf).expect("a queue in memory can be read");
        buf = &mut buf[part..];
        count += part;
    }
    count
}

/// The reading end of a [`pipe`], or of one direction of a [`DuplexStream`].
///
/// Dropping it ends the pipe: what is in it is given up, and writes fail with `BrokenPipe`.
pub struct PipeReader {
    pipe: Arc<Pipe>,
}

/// The writing end of a [`pipe`], or of one direction of a [`DuplexStream`].
///
/// Closing or dropping it ends the pipe: what is in it can still be read, and then the reader is at the end. Later writes
/// fail with `BrokenPipe`. A flush is ready at once.
pub struct PipeWriter {
    pipe: Arc<Pipe>,
}

/// One end of a [`duplex`] pipe: a stream in memory.
///
/// Closing it ends the direction to the other end: what comes from there can still be read. Dropping it ends both.
#[derive(Debug)]
pub struct DuplexStream {
    reader: PipeReader,
    writer: PipeWriter,
}

/// A pipe in memory, of `capacity` bytes at most: Go's `io.Pipe`, with room in between.
///
/// A read waits until there is a byte, a write until there is room for one; each takes what it can get. It is of no
/// runtime, and stands in a [simulated](dormouse_executor::sim) one in the place of what is outside.
///
/// # Panics
/// If `capacity` is 0.
///
/// # Cancel safety
/// A read or write that is dropped while it waits has done nothing.
///
/// # Fairness
/// One task reads and one writes: if several do by turns, the last one that polled is woken.
///
/// ```
/// use dormouse_net::io::{self, AsyncReadExt, AsyncWriteExt};
/// # dormouse_executor::runtime::block_on(async {
/// let (mut reader, mut writer) = io::pipe(16);
/// dormouse_executor::task::go(async move {
///     writer.write_all(b"more than fits into it at once").await.unwrap();
/// });
/// let mut text = String::new();
/// reader.read_to_string(&mut text).await?; // to the end: the writer is dropped
/// assert_eq!(text, "more than fits into it at once");
/// # io::Result::Ok(())
/// # }).unwrap();
/// ```
pub fn pipe(capacity: usize) -> (PipeReader, PipeWriter) {
    let pipe = Pipe::new(capacity);
    (PipeReader { pipe: Arc::clone(&pipe) }, PipeWriter { pipe })
}

/// Two streams in memory, each of which reads what is written to the other: a connection without a network. At most
/// `capacity` bytes are on the way in each direction. See [`pipe`].
///
/// # Panics
/// If `capacity` is 0.
///
/// # Cancel safety
/// A read or write that is dropped while it waits has done nothing.
///
/// ```
/// use dormouse_net::io::{self, AsyncReadExt, AsyncWriteExt};
/// # dormouse_executor::runtime::block_on(async {
/// let (mut client, mut server) = io::duplex(64);
/// client.write_all(b"ping").await?;
/// let mut buf = [0; 4];
/// server.read_exact(&mut buf).await?;
/// server.write_all(b"pong").await?;
/// client.read_exact(&mut buf).await?;
/// assert_eq!(&buf, b"pong");
/// # io::Result::Ok(())
/// # }).unwrap();
/// ```
pub fn duplex(capacity: usize) -> (DuplexStream, DuplexStream) {
    let ((here, to_here), (there, to_there)) = (pipe(capacity), pipe(capacity));
    (DuplexStream { reader: here, writer: to_there }, DuplexStream { reader: there, writer: to_here })
}

impl DuplexStream {
    /// The two directions, for two tasks.
    ///
    /// When the writing one is dropped or closed, the other end is told that no more will come.
    pub fn into_split(self) -> (PipeReader, PipeWriter) {
        (self.reader, self.writer)
    }

    fn io(&self) -> Ends<'_> {
        Ends { from: &self.reader.pipe, to: &self.writer.pipe }
    }
}

impl PipeReader {
    fn io(&self) -> Ends<'_> {
        Ends { from: &self.pipe, to: &self.pipe }
    }
}

impl PipeWriter {
    fn io(&self) -> Ends<'_> {
        Ends { from: &self.pipe, to: &self.pipe }
    }
}

reads!(PipeReader);
reads!(DuplexStream);
writes!(PipeWriter);
writes!(DuplexStream);

/// What the I/O dialects are made of.
struct Ends<'p> {
    from: &'p Pipe,
    to: &'p Pipe,
}

impl Ends<'_> {
    fn poll_read(&self, cx: &mut Context<'_>, buf: &mut [u8]) -> Poll<io::Result<usize>> {
        self.from.poll_take(cx, buf.len(), |bytes| fill(bytes, buf))
    }

    fn poll_read_vectored(
        &self,
        cx: &mut Context<'_>,
        bufs: &mut [IoSliceMut<'_>],
    ) -> Poll<io::Result<usize>> {
        let wanted = bufs.iter().map(|buf| buf.len()).fold(0, usize::saturating_add);
        self.from.poll_take(cx, wanted, |bytes| bufs.iter_mut().map(|buf| fill(bytes, buf)).sum())
    }

    #[cfg(all(unix, any(feature = "tokio-io", feature = "hyper")))]
    fn poll_read_uninit(
        &self,
        cx: &mut Context<'_>,
        buf: &mut [std::mem::MaybeUninit<u8>],
    ) -> Poll<io::Result<usize>> {
        self.from.poll_take(cx, buf.len(), |bytes| {
            let count = buf.len().min(bytes.len());
            for (place, byte) in buf.iter_mut().zip(bytes.drain(..count)) {
                place.write(byte);
            }
            count
        })
    }

    fn poll_write(&self, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        self.to.poll_put(cx, std::iter::once(buf))
    }

    fn poll_write_vectored(&self, cx: &mut Context<'_>, bufs: &[IoSlice<'_>]) -> Poll<io::Result<usize>> {
        self.to.poll_put(cx, bufs.iter().map(|buf| &**buf))
    }

    fn close_write(&self) -> io::Result<()> {
        self.to.end();
        Ok(())
    }
}

impl Drop for PipeReader {
    fn drop(&mut self) {
        self.pipe.break_off();
    }
}

impl Drop for PipeWriter {
    fn drop(&mut self) {
        self.pipe.end();
    }
}

impl fmt::Debug for PipeReader {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("PipeReader").field(&self.pipe).finish()
    }
}

impl fmt::Debug for PipeWriter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("PipeWriter").field(&self.pipe).finish()
    }
}

impl fmt::Debug for Pipe {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (len, ended, broken) = {
            let state = self.state.lock();
            (state.bytes.len(), state.ended, state.broken)
        };
        f.debug_struct("Pipe")
            .field("len", &len)
            .field("capacity", &self.capacity)
            .field("ended", &ended)
            .field("broken", &broken)
            .finish()
    }
}
