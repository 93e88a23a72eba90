//! Reading and writing bytes, the same for all streams: what the I/O dialects are made of.
use crate::io::Io;
use dormouse_executor::io::{Attempt, Interest};
use mio::event::Source;
use socket2::SockRef;
use std::io::{self, IoSlice, IoSliceMut, Read, Write};
use std::net::Shutdown;
use std::task::{Context, Poll};

/// A socket of `mio`.
pub(crate) trait Socket: Source {
    /// For options that `mio` does not have.
    fn sock(&self) -> SockRef<'_>;
}

macro_rules! socket {
    ($type:ty) => {
        impl crate::stream::Socket for $type {
            fn sock(&self) -> socket2::SockRef<'_> {
                socket2::SockRef::from(self)
            }
        }
    };
}
pub(crate) use socket;

/// Notes if fewer bytes were moved than `wanted`: the rest will be told of as news.
fn noted(attempt: &Attempt, wanted: usize, moved: usize) -> usize {
    // (Where events are not of the edge-triggered kind, `mio` must see the call that would block.)
    if cfg!(unix) && 0 < moved && moved < wanted {
        attempt.drained();
    }
    moved
}

/// Makes a call that was interrupted by a signal again.
fn retried<R>(mut call: impl FnMut() -> io::Result<R>) -> io::Result<R> {
    loop {
        match call() {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            result => return result,
        }
    }
}

/// What can be read into memory that was never written. (Where `mio` must see the call that would block, on Windows, it
/// does not: there the traits that need this are not to be had.)
#[cfg(all(unix, any(feature = "tokio-io", feature = "hyper")))]
pub(crate) trait ReadUninit: Source {
    /// Reads; so many of the first bytes are written then.
    fn read_uninit(&self, buf: &mut [std::mem::MaybeUninit<u8>]) -> io::Result<usize>;
}

#[cfg(all(unix, any(feature = "tokio-io", feature = "hyper")))]
impl<S: Socket> ReadUninit for S {
    fn read_uninit(&self, buf: &mut [std::mem::MaybeUninit<u8>]) -> io::Result<usize> {
        self.sock().recv(buf)
    }
}

impl<S: Source> Io<S>
where
    for<'s> &'s S: Read,
{
    pub(crate) fn poll_read(&self, cx: &mut Context<'_>, buf: &mut [u8]) -> Poll<io::Result<usize>> {
        self.poll(cx, Interest::READABLE, |mut socket, attempt| {
            Ok(noted(attempt, buf.len(), retried(|| socket.read(buf))?))
        })
    }

    pub(crate) fn poll_read_vectored(
        &self,
        cx: &mut Context<'_>,
        bufs: &mut [IoSliceMut<'_>],
    ) -> Poll<io::Result<usize>> {
        self.poll(cx, Interest::READABLE, |mut socket, attempt| {
            let wanted = bufs.iter().map(|buf| buf.len()).sum();
            Ok(noted(attempt, wanted, retried(|| socket.read_vectored(bufs))?))
        })
    }
}

#[cfg(all(unix, any(feature = "tokio-io", feature = "hyper")))]
impl<S: ReadUninit> Io<S> {
    /// Reads into memory that need not be written before; as many of its bytes as this says are then.
    pub(crate) fn poll_read_uninit(
        &self,
        cx: &mut Context<'_>,
        buf: &mut [std::mem::MaybeUninit<u8>],
    ) -> Poll<io::Result<usize>> {
        self.poll(cx, Interest::READABLE, |socket, attempt| {
            Ok(noted(attempt, buf.len(), retried(|| socket.read_uninit(buf))?))
        })
    }
}

impl<S: Source> Io<S>
where
    for<'s> &'s S: Write,
{
    pub(crate) fn poll_write(&self, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        self.poll(cx, Interest::WRITABLE, |mut socket, attempt| {
            Ok(noted(attempt, buf.len(), retried(|| socket.write(buf))?))
        })
    }

    pub(crate) fn poll_write_vectored(
        &self,
        cx: &mut Context<'_>,
        bufs: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        self.poll(cx, Interest::WRITABLE, |mut socket, attempt| {
            let wanted = bufs.iter().map(|buf| buf.len()).sum();
            Ok(noted(attempt, wanted, retried(|| socket.write_vectored(bufs))?))
        })
    }
}

impl<S: Socket> Io<S> {
    /// Says to the other side that no more will come. Also if it is gone: then nobody is there to be told.
    pub(crate) fn close_write(&self) -> io::Result<()> {
        match self.sock().shutdown(Shutdown::Write) {
            Err(error) if error.kind() != io::ErrorKind::NotConnected => Err(error),
            _ => Ok(()),
        }
    }
}
