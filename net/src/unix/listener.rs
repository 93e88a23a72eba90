//! Taking Unix connections.
use super::{SocketAddr, UnixStream};
use crate::exhausted::{Pauses, Told, is_gone};
use crate::io::Io;
use crate::methods::descriptors;
use crate::stream::{Socket, socket};
use dormouse_executor::io::Interest;
use dormouse_wait::frame::Site;
use std::fmt;
use std::io;
use std::panic::Location;
use std::path::Path;

socket!(mio::net::UnixListener);

/// Takes Unix connections.
///
/// Its path stays when it is dropped: whoever made it removes it.
pub struct UnixListener {
    io: Io<mio::net::UnixListener>,
    told: Told,
}

descriptors!(UnixListener);

impl UnixListener {
    /// Listens at `path`, which must not be there yet.
    ///
    /// # Errors
    /// If `path` is there, and what else the system says; outside of a runtime.
    pub fn bind(path: impl AsRef<Path>) -> io::Result<UnixListener> {
        UnixListener::new(mio::net::UnixListener::bind(path)?)
    }

    fn new(listener: mio::net::UnixListener) -> io::Result<UnixListener> {
        Ok(UnixListener { io: Io::with_interest(listener, Interest::READABLE)?, told: Told::default() })
    }

    fn io(&self) -> &Io<mio::net::UnixListener> {
        &self.io
    }

    /// Takes over a listener of `std`, in the runtime that the thread is in.
    ///
    /// # Errors
    /// Outside of a runtime; what the system says.
    pub fn from_std(listener: std::os::unix::net::UnixListener) -> io::Result<UnixListener> {
        listener.set_nonblocking(true)?;
        UnixListener::new(mio::net::UnixListener::from_std(listener))
    }

    /// The listener as `std`'s, out of the runtime. It does not block.
    ///
    /// # Errors
    /// What the system says.
    pub fn into_std(self) -> io::Result<std::os::unix::net::UnixListener> {
        Ok(std::os::fd::OwnedFd::from(self.io.into_inner()?).into())
    }

    /// The address that it listens at.
    ///
    /// # Errors
    /// What the system says.
    pub fn local_addr(&self) -> io::Result<SocketAddr> {
        self.io.local_addr()
    }

    /// Takes the next connection, and says where it comes from. Without a descriptor left it waits, as
    /// [`TcpListener::accept`](crate::TcpListener::accept) does.
    ///
    /// # Errors
    /// What else the system says.
    ///
    /// # Cancel safety
    /// Safe to drop at any moment: no connection is lost.
    ///
    /// # Fairness
    /// Of several tasks that accept, any may take the next connection.
    #[track_caller]
    pub fn accept(&self) -> impl Future<Output = io::Result<(UnixStream, SocketAddr)>> + '_ {
        self.accept_at(Location::caller())
    }

    async fn accept_at(&self, site: Site) -> io::Result<(UnixStream, SocketAddr)> {
        let mut pauses = Pauses::new();
        loop {
            match self.io.run(Interest::READABLE, site, |socket| socket.accept()).await {
                Ok((stream, from)) => return Ok((UnixStream::new(stream)?, from)),
                Err(error) if is_gone(&error) => {}
                Err(error) => pauses.after(error, &self.told).await?,
            }
        }
    }

    /// Takes a connection that is there, also one that the runtime was not told of yet. One that has ended is passed over.
    ///
    /// # Errors
    /// `WouldBlock` if none is there; what else the system says, also that there is no descriptor left.
    pub fn try_accept(&self) -> io::Result<(UnixStream, SocketAddr)> {
        loop {
            match self.io.attempt(Interest::READABLE, |socket| socket.accept()) {
                Ok((stream, from)) => return Ok((UnixStream::new(stream)?, from)),
                Err(error) if is_gone(&error) => {}
                Err(error) => return Err(error),
            }
        }
    }

    /// The error that the socket holds, which is taken away.
    ///
    /// # Errors
    /// What the system says.
    pub fn take_error(&self) -> io::Result<Option<io::Error>> {
        self.io.sock().take_error()
    }
}

impl fmt::Debug for UnixListener {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.io.fmt(f)
    }
}
