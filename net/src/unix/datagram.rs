//! Unix datagrams.
use super::SocketAddr;
use super::{LONGEST, PAUSE};
use crate::io::Io;
use crate::methods::{datagram_methods, descriptors};
use crate::stream::{Socket, socket};
use dormouse_executor::io::{Interest, Ready};
use dormouse_executor::time;
use std::fmt;
use std::io;
use std::net::Shutdown;
use std::panic::Location;
use std::path::Path;

socket!(mio::net::UnixDatagram);

/// A Unix socket for datagrams, which keep their bounds and their order. Any number of tasks may use one.
///
/// Its path, if it has one, stays when it is dropped: whoever made it removes it.
pub struct UnixDatagram {
    io: Io<mio::net::UnixDatagram>,
}

descriptors!(UnixDatagram);
datagram_methods!(UnixDatagram, SocketAddr);

impl UnixDatagram {
    /// A socket at `path`, which must not be there yet.
    ///
    /// # Errors
    /// If `path` is there, and what else the system says; outside of a runtime.
    pub fn bind(path: impl AsRef<Path>) -> io::Result<UnixDatagram> {
        UnixDatagram::new(mio::net::UnixDatagram::bind(path)?)
    }

    /// A socket without an address: it can send, and receive once it is connected.
    ///
    /// # Errors
    /// What the system says; outside of a runtime.
    pub fn unbound() -> io::Result<UnixDatagram> {
        UnixDatagram::new(mio::net::UnixDatagram::unbound()?)
    }

    /// Two sockets that are connected to each other.
    ///
    /// # Errors
    /// What the system says; outside of a runtime.
    pub fn pair() -> io::Result<(UnixDatagram, UnixDatagram)> {
        let (one, other) = mio::net::UnixDatagram::pair()?;
        Ok((UnixDatagram::new(one)?, UnixDatagram::new(other)?))
    }

    fn new(socket: mio::net::UnixDatagram) -> io::Result<UnixDatagram> {
        Ok(UnixDatagram { io: Io::new(socket)? })
    }

    fn io(&self) -> &Io<mio::net::UnixDatagram> {
        &self.io
    }

    /// Takes over a socket of `std`, in the runtime that the thread is in.
    ///
    /// # Errors
    /// Outside of a runtime; what the system says.
    pub fn from_std(socket: std::os::unix::net::UnixDatagram) -> io::Result<UnixDatagram> {
        socket.set_nonblocking(true)?;
        UnixDatagram::new(mio::net::UnixDatagram::from_std(socket))
    }

    /// The socket as `std`'s, out of the runtime. It does not block.
    ///
    /// # Errors
    /// What the system says.
    pub fn into_std(self) -> io::Result<std::os::unix::net::UnixDatagram> {
        Ok(std::os::fd::OwnedFd::from(self.io.into_inner()?).into())
    }

    /// Lets [`send`](Self::send) send to `path`, and [`recv`](Self::recv) receive from there only.
    ///
    /// # Errors
    /// If nobody is there, and what else the system says.
    pub fn connect(&self, path: impl AsRef<Path>) -> io::Result<()> {
        self.io.connect(path)
    }

    /// Sends a datagram to `path`, waiting while the receiver's queue is full: where the system does not tell of room, as
    /// when this socket is not connected there, it tries again, every 64 ms at last.
    ///
    /// # Errors
    /// If nobody is there, and what else the system says.
    ///
    /// # Cancel safety
    /// Safe to drop at any moment: it was sent, or not.
    #[track_caller]
    pub fn send_to<'a, P: AsRef<Path> + 'a>(
        &'a self,
        buf: &'a [u8],
        path: P,
    ) -> impl Future<Output = io::Result<usize>> + 'a {
        let site = Location::caller();
        async move {
            let mut pause = PAUSE;
            loop {
                match self.try_send_to(buf, &path) {
                    Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                    result => return result,
                }
                // The system does not tell of room with a receiver that we are not connected to.
                if let Ok(ready) = time::timeout(pause, self.io.ready(Interest::WRITABLE, site)).await {
                    ready?;
                }
                pause = (2 * pause).min(LONGEST);
            }
        }
    }

    /// Sends a datagram to `path` if there is room.
    ///
    /// # Errors
    /// `WouldBlock` if there is none; what the system says.
    pub fn try_send_to(&self, buf: &[u8], path: impl AsRef<Path>) -> io::Result<usize> {
        self.io.attempt(Interest::WRITABLE, |socket| socket.send_to(buf, path.as_ref()))
    }

    /// Ends one direction or both.
    ///
    /// # Errors
    /// What the system says.
    pub fn shutdown(&self, how: Shutdown) -> io::Result<()> {
        self.io.shutdown(how)
    }
}

impl fmt::Debug for UnixDatagram {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.io.fmt(f)
    }
}
