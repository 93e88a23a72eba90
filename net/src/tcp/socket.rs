//! A TCP socket before it listens or connects, for options that must be set by then.
use super::listener::TcpListener;
use super::stream::{TcpStream, connected};
use socket2::{Domain, Protocol, SockAddr, Socket, Type};
use std::io;
use std::net::SocketAddr;
use std::panic::Location;
use std::time::Duration;

/// A TCP socket that neither listens nor is connected yet.
///
/// ```
/// use dormouse_net::TcpSocket;
/// # dormouse_executor::runtime::block_on(async {
/// let socket = TcpSocket::new_v4()?;
/// socket.set_reuseaddr(true)?;
/// socket.bind("127.0.0.1:0".parse().unwrap())?;
/// let listener = socket.listen(16)?;
/// assert!(listener.local_addr()?.port() > 0);
/// # std::io::Result::Ok(())
/// # }).unwrap();
/// ```
#[derive(Debug)]
pub struct TcpSocket(Socket);

impl TcpSocket {
    /// A socket for IPv4.
    ///
    /// # Errors
    /// What the system says.
    pub fn new_v4() -> io::Result<TcpSocket> {
        TcpSocket::of(Domain::IPV4)
    }

    /// A socket for IPv6.
    ///
    /// # Errors
    /// What the system says.
    pub fn new_v6() -> io::Result<TcpSocket> {
        TcpSocket::of(Domain::IPV6)
    }

    /// A socket for addresses like `addr`.
    pub(super) fn new(addr: SocketAddr) -> io::Result<TcpSocket> {
        TcpSocket::of(Domain::for_address(addr))
    }

    fn of(domain: Domain) -> io::Result<TcpSocket> {
        let socket = Socket::new(domain, Type::STREAM, Some(Protocol::TCP))?;
        socket.set_nonblocking(true)?;
        Ok(TcpSocket(socket))
    }

    /// Lets an address that was in use a moment ago be used again (`SO_REUSEADDR`).
    ///
    /// # Errors
    /// What the system says.
    pub fn set_reuseaddr(&self, reuse: bool) -> io::Result<()> {
        self.0.set_reuse_address(reuse)
    }

    /// Lets several sockets listen at one address (`SO_REUSEPORT`).
    ///
    /// # Errors
    /// What the system says.
    #[cfg(all(unix, not(any(target_os = "solaris", target_os = "illumos"))))]
    pub fn set_reuseport(&self, reuse: bool) -> io::Result<()> {
        self.0.set_reuse_port(reuse)
    }

    /// How many bytes the system keeps until they are read. It may take more or less.
    ///
    /// # Errors
    /// What the system says.
    pub fn set_recv_buffer_size(&self, bytes: u32) -> io::Result<()> {
        self.0.set_recv_buffer_size(bytes as usize)
    }

    /// How many bytes the system keeps until they are sent. It may take more or less.
    ///
    /// # Errors
    /// What the system says.
    pub fn set_send_buffer_size(&self, bytes: u32) -> io::Result<()> {
        self.0.set_send_buffer_size(bytes as usize)
    }

    /// See [`TcpStream::set_nodelay`].
    ///
    /// # Errors
    /// What the system says.
    pub fn set_nodelay(&self, nodelay: bool) -> io::Result<()> {
        self.0.set_tcp_nodelay(nodelay)
    }

    /// See [`TcpStream::set_linger`].
    ///
    /// # Errors
    /// What the system says.
    pub fn set_linger(&self, linger: Option<Duration>) -> io::Result<()> {
        self.0.set_linger(linger)
    }

    /// Gives it an address on this side; port 0 lets the system choose one.
    ///
    /// # Errors
    /// What the system says, as when the address is in use.
    pub fn bind(&self, addr: SocketAddr) -> io::Result<()> {
        self.0.bind(&SockAddr::from(addr))
    }

    /// The address on this side.
    ///
    /// # Errors
    /// What the system says.
    pub fn local_addr(&self) -> io::Result<SocketAddr> {
        let addr = self.0.local_addr()?;
        addr.as_socket().ok_or_else(|| io::Error::other("a TCP socket has an address of another kind"))
    }

    /// Listens; up to `backlog` connections may wait to be accepted (the system may allow fewer).
    ///
    /// # Errors
    /// What the system says; outside of a runtime.
    pub fn listen(self, backlog: u32) -> io::Result<TcpListener> {
        self.0.listen(i32::try_from(backlog).unwrap_or(i32::MAX))?;
        TcpListener::new(mio::net::TcpListener::from_std(self.0.into()))
    }

    /// Connects to `addr`.
    ///
    /// # Errors
    /// What the system says; outside of a runtime.
    ///
    /// # Cancel safety
    /// Safe to drop at any moment: the connection that is being made is closed.
    #[track_caller]
    pub fn connect(self, addr: SocketAddr) -> impl Future<Output = io::Result<TcpStream>> {
        let site = Location::caller();
        async move {
            match self.0.connect(&SockAddr::from(addr)) {
                Err(error) if !is_in_progress(&error) => return Err(error),
                _ => {}
            }
            connected(mio::net::TcpStream::from_std(self.0.into()), site).await
        }
    }
}

/// Has the connection begun to be made?
fn is_in_progress(error: &io::Error) -> bool {
    #[cfg(unix)]
    let in_progress = rustix::io::Errno::from_io_error(error) == Some(rustix::io::Errno::INPROGRESS);
    #[cfg(not(unix))]
    let in_progress = false;
    in_progress || error.kind() == io::ErrorKind::WouldBlock
}
