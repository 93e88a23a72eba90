//! A connection between two processes of one machine.
use super::{LONGEST, PAUSE, SocketAddr};
use crate::io::Io;
use crate::methods::{descriptors, stream_methods};
use crate::split::halves;
use crate::stream::{Socket, socket};
use dormouse_executor::io::{Interest, Ready};
use dormouse_executor::time;
use std::fmt;
use std::io::{self, IoSlice, IoSliceMut, Read, Write};
use std::net::Shutdown;
use std::panic::Location;
use std::path::Path;

socket!(mio::net::UnixStream);

/// A Unix connection. It reads and writes as a [`TcpStream`](crate::TcpStream) does.
///
/// # Cancel safety
/// A read or write of the traits that is dropped while it waits has done nothing.
///
/// ```
/// use dormouse_net::UnixStream;
/// use futures::io::{AsyncReadExt, AsyncWriteExt};
/// # dormouse_executor::runtime::block_on(async {
/// let (mut one, mut other) = UnixStream::pair()?;
/// one.write_all(b"hello").await?;
/// one.close().await?;
/// let mut text = String::new();
/// other.read_to_string(&mut text).await?;
/// assert_eq!(text, "hello");
/// # std::io::Result::Ok(())
/// # }).unwrap();
/// ```
pub struct UnixStream {
    io: Io<mio::net::UnixStream>,
}

halves!(UnixStream, Io<mio::net::UnixStream>);
stream_methods!(UnixStream);
descriptors!(UnixStream);

impl UnixStream {
    /// Connects to whoever listens at `path`. While that one's queue is full, it tries again, every 64 ms at last.
    ///
    /// # Errors
    /// If nobody listens there, and what else the system says; outside of a runtime.
    ///
    /// # Cancel safety
    /// Safe to drop at any moment: the connection that is being made is closed.
    pub async fn connect(path: impl AsRef<Path>) -> io::Result<UnixStream> {
        let mut pause = PAUSE;
        loop {
            match mio::net::UnixStream::connect(path.as_ref()) {
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                // A Unix connection stands, or does not, at once.
                result => return UnixStream::new(result?),
            }
            time::sleep(pause).await;
            pause = (2 * pause).min(LONGEST);
        }
    }

    /// Two streams that are connected to each other.
    ///
    /// # Errors
    /// What the system says; outside of a runtime.
    pub fn pair() -> io::Result<(UnixStream, UnixStream)> {
        let (one, other) = mio::net::UnixStream::pair()?;
        Ok((UnixStream::new(one)?, UnixStream::new(other)?))
    }

    pub(super) fn new(stream: mio::net::UnixStream) -> io::Result<UnixStream> {
        Ok(UnixStream { io: Io::new(stream)? })
    }

    fn io(&self) -> &Io<mio::net::UnixStream> {
        &self.io
    }

    /// Takes over a stream of `std`, in the runtime that the thread is in.
    ///
    /// # Errors
    /// Outside of a runtime; what the system says.
    pub fn from_std(stream: std::os::unix::net::UnixStream) -> io::Result<UnixStream> {
        stream.set_nonblocking(true)?;
        UnixStream::new(mio::net::UnixStream::from_std(stream))
    }

    /// The stream as `std`'s, out of the runtime. It does not block.
    ///
    /// # Errors
    /// What the system says.
    pub fn into_std(self) -> io::Result<std::os::unix::net::UnixStream> {
        Ok(std::os::fd::OwnedFd::from(self.io.into_inner()?).into())
    }

    /// The address on this side.
    ///
    /// # Errors
    /// What the system says.
    pub fn local_addr(&self) -> io::Result<SocketAddr> {
        self.io.local_addr()
    }

    /// The address of the other side.
    ///
    /// # Errors
    /// What the system says.
    pub fn peer_addr(&self) -> io::Result<SocketAddr> {
        self.io.peer_addr()
    }
}

impl fmt::Debug for UnixStream {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.io.fmt(f)
    }
}

impl TryFrom<std::os::unix::net::UnixStream> for UnixStream {
    type Error = io::Error;
    fn try_from(stream: std::os::unix::net::UnixStream) -> io::Result<UnixStream> {
        UnixStream::from_std(stream)
    }
}
