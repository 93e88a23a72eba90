//! A TCP connection.
use crate::addrs::{ToSocketAddrs, resolve};
use crate::io::Io;
use crate::methods::{descriptors, stream_methods};
use crate::split::halves;
use crate::stream::{Socket, socket};
use dormouse_executor::io::{Interest, Ready};
use dormouse_wait::frame::Site;
use socket2::TcpKeepalive;
use std::fmt;
use std::io::{self, IoSlice, IoSliceMut, Read, Write};
use std::net::{Shutdown, SocketAddr};
use std::panic::Location;
use std::time::Duration;

socket!(mio::net::TcpStream);

/// A TCP connection.
///
/// It reads and writes by the traits of `futures_io`: `read`, `read_exact`, `write_all` and the like are methods of
/// `futures::io::{AsyncReadExt, AsyncWriteExt}`. One task may read and one may write at a time; [`split`](Self::split)
/// and [`into_split`](Self::into_split) make that two values. Dropping the stream closes the connection.
///
/// # Cancel safety
/// A read or write of the traits that is dropped while it waits has done nothing. (`read_exact` and `write_all` are many
/// of them.)
pub struct TcpStream {
    io: Io<mio::net::TcpStream>,
}

halves!(TcpStream, Io<mio::net::TcpStream>);
stream_methods!(TcpStream);
descriptors!(TcpStream);

impl TcpStream {
    /// Connects to the first of `addrs` that takes the connection: they are tried in turn.
    ///
    /// A name is looked up on the runtime's blocking pool. How long each try may last is the system's affair: put a
    /// `timeout` around it.
    ///
    /// # Errors
    /// The last address's, if none takes it; if the name cannot be looked up; outside of a runtime.
    ///
    /// # Cancel safety
    /// Safe to drop at any moment: the connection that is being made is closed.
    ///
    /// ```no_run
    /// # async fn example() -> std::io::Result<()> {
    /// let stream = dormouse_net::TcpStream::connect("example.com:80").await?;
    /// stream.set_nodelay(true)?;
    /// # Ok(())
    /// # }
    /// ```
    #[track_caller]
    pub fn connect<A: ToSocketAddrs>(addrs: A) -> impl Future<Output = io::Result<TcpStream>> + use<A> {
        let (names, site) = (addrs.to_names(), Location::caller());
        async move {
            let mut last = None;
            for addr in resolve(names).await? {
                match connect(addr, site).await {
                    Ok(stream) => return Ok(stream),
                    Err(error) => last = Some(error),
                }
            }
            Err(last.expect("there is an address"))
        }
    }

    pub(super) fn new(stream: mio::net::TcpStream) -> io::Result<TcpStream> {
        Ok(TcpStream { io: Io::new(stream)? })
    }

    pub(super) fn io(&self) -> &Io<mio::net::TcpStream> {
        &self.io
    }

    /// Takes over a stream of `std`, connected or not, in the runtime that the thread is in.
    ///
    /// # Errors
    /// Outside of a runtime; what the system says.
    pub fn from_std(stream: std::net::TcpStream) -> io::Result<TcpStream> {
        stream.set_nonblocking(true)?;
        TcpStream::new(mio::net::TcpStream::from_std(stream))
    }

    /// The stream as `std`'s, out of the runtime. It does not block: see [`std::net::TcpStream::set_nonblocking`].
    ///
    /// # Errors
    /// What the system says.
    pub fn into_std(self) -> io::Result<std::net::TcpStream> {
        Ok(self.io.into_inner()?.into())
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
    /// What the system says, as when the connection is gone.
    pub fn peer_addr(&self) -> io::Result<SocketAddr> {
        self.io.peer_addr()
    }

    /// Reads without taking away: the next read gives the same again. 0 is the end.
    ///
    /// # Errors
    /// What the system says.
    ///
    /// # Cancel safety
    /// Safe to drop at any moment.
    #[track_caller]
    pub fn peek<'a>(&'a self, buf: &'a mut [u8]) -> impl Future<Output = io::Result<usize>> + 'a {
        self.io.run(Interest::READABLE, Location::caller(), |socket| socket.peek(buf))
    }

    /// Ends the connection by a reset, both ways and at once: what is unsent is given up, and the other side's reads and
    /// writes fail with `ConnectionReset`. So nobody takes a part for the whole.
    ///
    /// # Errors
    /// What the system says; then the connection was closed as by a drop.
    pub fn reset(self) -> io::Result<()> {
        self.set_linger(Some(Duration::ZERO))
    }

    // --- options ----------------------------------------------------------------------------------------------------

    /// Is what is written sent at once, even if it is little?
    ///
    /// # Errors
    /// What the system says.
    pub fn nodelay(&self) -> io::Result<bool> {
        self.io.nodelay()
    }

    /// Sends what is written at once, even if it is little (`TCP_NODELAY`). By default the system may wait for more.
    ///
    /// # Errors
    /// What the system says.
    pub fn set_nodelay(&self, nodelay: bool) -> io::Result<()> {
        self.io.set_nodelay(nodelay)
    }

    /// Does the system ask an idle other side whether it is there?
    ///
    /// # Errors
    /// What the system says.
    pub fn keepalive(&self) -> io::Result<bool> {
        self.io.sock().keepalive()
    }

    /// Lets the system ask the other side whether it is there, after `idle` without traffic (whole seconds, at least 1);
    /// or not at all.
    ///
    /// # Errors
    /// What the system says.
    pub fn set_keepalive(&self, idle: Option<Duration>) -> io::Result<()> {
        match idle {
            None => self.io.sock().set_keepalive(false),
            Some(idle) => {
                let keepalive = TcpKeepalive::new().with_time(idle.max(Duration::from_secs(1)));
                self.io.sock().set_tcp_keepalive(&keepalive)
            }
        }
    }

    /// How long closing keeps unsent bytes; see [`set_linger`](Self::set_linger).
    ///
    /// # Errors
    /// What the system says.
    pub fn linger(&self) -> io::Result<Option<Duration>> {
        self.io.sock().linger()
    }

    /// `Some(Duration::ZERO)`: closing resets the connection, and what is unsent is given up. Longer (whole seconds):
    /// closing **blocks its thread** until all is sent, for so long at most. `None`: the system sends it after the close.
    ///
    /// # Errors
    /// What the system says.
    pub fn set_linger(&self, linger: Option<Duration>) -> io::Result<()> {
        self.io.sock().set_linger(linger)
    }

    /// How many hops a packet may make.
    ///
    /// # Errors
    /// What the system says.
    pub fn ttl(&self) -> io::Result<u32> {
        self.io.ttl()
    }

    /// Lets packets make that many hops: 1 to 255.
    ///
    /// # Errors
    /// What the system says.
    pub fn set_ttl(&self, ttl: u32) -> io::Result<()> {
        self.io.set_ttl(ttl)
    }
}

async fn connect(addr: SocketAddr, site: Site) -> io::Result<TcpStream> {
    connected(mio::net::TcpStream::connect(addr)?, site).await
}

/// Waits until the connection that `stream` makes stands, or has failed.
pub(super) async fn connected(stream: mio::net::TcpStream, site: Site) -> io::Result<TcpStream> {
    let stream = TcpStream::new(stream)?;
    let done = stream.io.run(Interest::WRITABLE, site, |socket| {
        if let Some(error) = socket.take_error()? {
            return Err(error);
        }
        match socket.peer_addr() {
            Ok(_) => Ok(()),
            Err(error) if error.kind() == io::ErrorKind::NotConnected => {
                Err(io::ErrorKind::WouldBlock.into())
            }
            Err(error) => Err(error),
        }
    });
    done.await?;
    Ok(stream)
}

impl fmt::Debug for TcpStream {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.io.fmt(f)
    }
}

impl TryFrom<std::net::TcpStream> for TcpStream {
    type Error = io::Error;
    fn try_from(stream: std::net::TcpStream) -> io::Result<TcpStream> {
        TcpStream::from_std(stream)
    }
}
