//! From a reader to a writer, until the end.
use dormouse_wait::frame::{self, Reason};
use futures_io::{AsyncRead, AsyncWrite};
use std::future::poll_fn;
use std::io::{self, ErrorKind};
use std::ops::Range;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

/// Bytes that one read takes at most.
const CHUNK: usize = 16 * 1024;

/// Reads and writes that one poll makes at most in one direction: less than half of a poll's budget, so that neither
/// direction uses up what the other one needs.
const OPERATIONS: usize = 48;

/// One direction.
#[derive(Default)]
struct Transfer {
    /// Made at the first poll.
    buffer: Box<[u8]>,
    /// What was read and not written yet.
    rest: Range<usize>,
    /// What was written.
    count: u64,
    /// Of that there is something that was not flushed.
    dirty: bool,
    /// The reader has said that no more will come.
    ended: bool,
    /// The writer was told.
    closed: bool,
}

impl Transfer {
    /// Copies until the end.
    fn poll_copy<R, W>(&mut self, cx: &mut Context<'_>, from: &mut R, to: &mut W) -> Poll<io::Result<()>>
    where
        R: AsyncRead + Unpin + ?Sized,
        W: AsyncWrite + Unpin + ?Sized,
    {
        if self.buffer.is_empty() {
            self.buffer = vec![0; CHUNK].into();
        }
        for _ in 0..OPERATIONS {
            if !self.rest.is_empty() {
                let count = ready!(Pin::new(&mut *to).poll_write(cx, &self.buffer[self.rest.clone()]))?;
                if count == 0 {
                    return Poll::Ready(Err(ErrorKind::WriteZero.into()));
                }
                self.rest.start += count;
                self.count += count as u64;
                self.dirty = true;
            } else if self.ended {
                return Poll::Ready(Ok(()));
            } else if let Poll::Ready(count) = Pin::new(&mut *from).poll_read(cx, &mut self.buffer)? {
                self.rest = 0..count;
                self.ended = count == 0;
            } else {
                // What was written is not to lie in a buffer meanwhile.
                if self.dirty {
                    ready!(Pin::new(to).poll_flush(cx))?;
                    self.dirty = false;
                }
                return Poll::Pending;
            }
        }
        cx.waker().wake_by_ref();
        frame::note(Reason::Yield, None);
        Poll::Pending
    }

    /// Copies until the end, and passes the end on.
    fn poll_pass<R, W>(&mut self, cx: &mut Context<'_>, from: &mut R, to: &mut W) -> Poll<io::Result<u64>>
    where
        R: AsyncRead + Unpin + ?Sized,
        W: AsyncWrite + Unpin + ?Sized,
    {
        ready!(self.poll_copy(cx, from, to))?;
        if !self.closed {
            ready!(Pin::new(to).poll_close(cx))?;
            self.closed = true;
        }
        Poll::Ready(Ok(self.count))
    }
}

/// Copies all that `reader` gives to `writer`, flushes it, and says how many bytes it was. `writer` stays open.
///
/// It is flushed too whenever the reader has to wait.
///
/// # Errors
/// The first one of `reader` or `writer`; `WriteZero` if the writer takes no more. What was copied before is written.
///
/// # Cancel safety
/// Dropped, it loses what it has read and not written yet: up to 16 KiB.
///
/// # Fairness
/// It lets other tasks run in between, however fast the two are.
///
/// ```
/// use dormouse_net::io;
/// # dormouse_executor::runtime::block_on(async {
/// let mut copied = Vec::new();
/// assert_eq!(io::copy(&mut &b"hello"[..], &mut copied).await?, 5);
/// assert_eq!(copied, b"hello");
/// # io::Result::Ok(())
/// # }).unwrap();
/// ```
pub async fn copy<R, W>(reader: &mut R, writer: &mut W) -> io::Result<u64>
where
    R: AsyncRead + Unpin + ?Sized,
    W: AsyncWrite + Unpin + ?Sized,
{
    let mut transfer = Transfer::default();
    poll_fn(|cx| {
        ready!(transfer.poll_copy(cx, reader, writer))?;
        Pin::new(&mut *writer).poll_flush(cx)
    })
    .await?;
    Ok(transfer.count)
}

/// Copies both ways between two streams until both directions have ended: how many bytes went from `a` to `b`, and how
/// many from `b` to `a`.
///
/// The end of one direction is passed on by closing the other stream's writing side, and the other direction goes on
/// (half-close).
///
/// # Errors
/// The first one of any of the two, or `WriteZero`: then both directions stop, and neither stream is closed.
///
/// # Cancel safety
/// Dropped, it loses what it has read and not written yet: up to 16 KiB each way. The streams stay as they are.
///
/// # Fairness
/// Both directions get their turn at every poll, however fast one of them is, and so do other tasks.
///
/// ```
/// use dormouse_net::io::{self, AsyncReadExt, AsyncWriteExt};
/// # dormouse_executor::runtime::block_on(async {
/// let (mut client, mut inside) = io::duplex(64);
/// let (mut outside, mut server) = io::duplex(64);
/// let proxy = dormouse_executor::task::spawn(async move {
///     io::copy_bidirectional(&mut inside, &mut outside).await
/// });
/// client.write_all(b"question").await?;
/// client.close().await?; // the end goes through, and the answer comes back
/// let mut text = String::new();
/// server.read_to_string(&mut text).await?;
/// server.write_all(b"yes").await?;
/// drop(server);
/// client.read_to_string(&mut text).await?;
/// assert_eq!(text, "questionyes");
/// assert_eq!(proxy.await.unwrap()?, (8, 3));
/// # io::Result::Ok(())
/// # }).unwrap();
/// ```
pub async fn copy_bidirectional<A, B>(a: &mut A, b: &mut B) -> io::Result<(u64, u64)>
where
    A: AsyncRead + AsyncWrite + Unpin + ?Sized,
    B: AsyncRead + AsyncWrite + Unpin + ?Sized,
{
    let (mut there, mut back) = (Transfer::default(), Transfer::default());
    poll_fn(|cx| {
        // Both, also if one of them waits.
        let there = there.poll_pass(cx, a, b)?;
        let back = back.poll_pass(cx, b, a)?;
        match (there, back) {
            (Poll::Ready(there), Poll::Ready(back)) => Poll::Ready(Ok((there, back))),
            _ => Poll::Pending,
        }
    })
    .await
}
