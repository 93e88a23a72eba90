//! A connection's stream, which tells of its bytes.
use super::activity::Activity;
use dormouse_sync::{OwnedSemaphorePermit, WaitGroupGuard};
use hyper::Version;
use hyper::rt::{Read, ReadBuf, ReadBufCursor, Write};
use std::io::{self, ErrorKind, IoSlice};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

/// The stream lives as long as somebody uses it, also after an upgrade: and so long its connection counts.
pub(super) struct Stream<I> {
    pub(super) inner: I,
    /// As long as it is not known whether it is the one version that is spoken.
    pub(super) begin: Option<Begin>,
    pub(super) activity: Arc<Activity>,
    pub(super) _permit: Option<OwnedSemaphorePermit>,
    pub(super) _open: WaitGroupGuard,
}

impl<I: Read + Unpin> Read for Stream<I> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: ReadBufCursor<'_>,
    ) -> Poll<io::Result<()>> {
        let read = self.poll_read_begin(cx, buf);
        if let Poll::Ready(Ok(())) = read {
            self.activity.has_read();
        }
        read
    }
}

/// What every connection of HTTP/2 begins with, and none of HTTP/1.
const PREFACE: &[u8; 24] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

/// The begin of a connection that is to be of one version.
pub(super) struct Begin {
    only: Version,
    /// So much of [`PREFACE`] has come, and nothing else.
    matched: usize,
}

impl Begin {
    pub(super) fn new(only: Version) -> Begin {
        Begin { only, matched: 0 }
    }

    /// Which version it is, if these bytes decide it.
    fn version(&mut self, bytes: &[u8]) -> Option<Version> {
        for byte in bytes {
            if *byte != PREFACE[self.matched] {
                return Some(Version::HTTP_11);
            }
            self.matched += 1;
            if self.matched == PREFACE.len() {
                return Some(Version::HTTP_2);
            }
        }
        None
    }
}

impl<I: Read + Unpin> Stream<I> {
    fn poll_read_begin(&mut self, cx: &mut Context<'_>, mut buf: ReadBufCursor<'_>) -> Poll<io::Result<()>> {
        let Some(begin) = &mut self.begin else { return Pin::new(&mut self.inner).poll_read(cx, buf) };
        // What has been read into `buf` cannot be seen.
        let mut memory = [0; PREFACE.len()];
        let len = memory.len().min(buf.remaining());
        let mut own = ReadBuf::new(&mut memory[..len]);
        ready!(Pin::new(&mut self.inner).poll_read(cx, own.unfilled()))?;
        if let Some(version) = begin.version(own.filled()) {
            if version != begin.only {
                return Poll::Ready(Err(ErrorKind::Unsupported.into()));
            }
            self.begin = None;
        }
        buf.put_slice(own.filled());
        Poll::Ready(Ok(()))
    }
}

impl<I> Stream<I> {
    fn noted(&self, written: Poll<io::Result<usize>>) -> Poll<io::Result<usize>> {
        match written {
            Poll::Pending => self.activity.cannot_write(),
            Poll::Ready(_) => self.activity.has_written(),
        }
        written
    }
}

impl<I: Write + Unpin> Write for Stream<I> {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.inner).poll_write(cx, buf);
        self.noted(written)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.inner).poll_write_vectored(cx, bufs);
        self.noted(written)
    }

    fn is_write_vectored(&self) -> bool {
        self.inner.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_shutdown(cx)
    }
}
