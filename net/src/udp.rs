//! UDP.
use crate::addrs::{ToSocketAddrs, first, resolve};
use crate::io::Io;
use crate::methods::{datagram_methods, descriptors};
use crate::stream::{Socket, socket};
use dormouse_executor::io::{Interest, Ready};
use std::fmt;
use std::io;
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr};
use std::panic::Location;

socket!(mio::net::UdpSocket);

/// A UDP socket. Any number of tasks may send and receive by one, as through an `Arc`.
///
/// ```
/// use dormouse_net::UdpSocket;
/// # dormouse_executor::runtime::block_on(async {
/// let server = UdpSocket::bind("127.0.0.1:0").await?;
/// let client = UdpSocket::bind("127.0.0.1:0").await?;
/// client.send_to(b"ping", server.local_addr()?).await?;
/// let mut buf = [0; 16];
/// let (len, from) = server.recv_from(&mut buf).await?;
/// assert_eq!((&buf[..len], from), (&b"ping"[..], client.local_addr()?));
/// # std::io::Result::Ok(())
/// # }).unwrap();
/// ```
pub struct UdpSocket {
    io: Io<mio::net::UdpSocket>,
}

descriptors!(UdpSocket);
datagram_methods!(UdpSocket, SocketAddr);

impl UdpSocket {
    /// A socket at the first of `addrs` where that is possible; port 0 lets the system choose one.
    ///
    /// # Errors
    /// The last address's, if none can be used; if the name cannot be looked up; outside of a runtime.
    pub async fn bind<A: ToSocketAddrs>(addrs: A) -> io::Result<UdpSocket> {
        first(resolve(addrs.to_names()).await?, |addr| UdpSocket::new(mio::net::UdpSocket::bind(addr)?))
    }

    fn new(socket: mio::net::UdpSocket) -> io::Result<UdpSocket> {
        Ok(UdpSocket { io: Io::new(socket)? })
    }

    fn io(&self) -> &Io<mio::net::UdpSocket> {
        &self.io
    }

    /// Takes over a socket of `std`, in the runtime that the thread is in.
    ///
    /// # Errors
    /// Outside of a runtime; what the system says.
    pub fn from_std(socket: std::net::UdpSocket) -> io::Result<UdpSocket> {
        socket.set_nonblocking(true)?;
        UdpSocket::new(mio::net::UdpSocket::from_std(socket))
    }

    /// The socket as `std`'s, out of the runtime. It does not block.
    ///
    /// # Errors
    /// What the system says.
    pub fn into_std(self) -> io::Result<std::net::UdpSocket> {
        let socket = self.io.into_inner()?;
        #[cfg(unix)]
        return Ok(std::os::fd::OwnedFd::from(socket).into());
        #[cfg(windows)]
        return Ok(std::os::windows::io::OwnedSocket::from(socket).into());
    }

    /// Lets [`send`](Self::send) send to the first of `addrs` where that is possible, and [`recv`](Self::recv) receive
    /// from there only. Nothing is sent for this.
    ///
    /// # Errors
    /// The last address's, if none can be used; if the name cannot be looked up.
    pub async fn connect<A: ToSocketAddrs>(&self, addrs: A) -> io::Result<()> {
        first(resolve(addrs.to_names()).await?, |addr| self.io.connect(addr))
    }

    /// As [`recv_from`](Self::recv_from), and leaves the datagram there.
    ///
    /// # Errors
    /// What the system says.
    ///
    /// # Cancel safety
    /// Safe to drop at any moment.
    #[track_caller]
    pub fn peek_from<'a>(
        &'a self,
        buf: &'a mut [u8],
    ) -> impl Future<Output = io::Result<(usize, SocketAddr)>> + 'a {
        self.io.run(Interest::READABLE, Location::caller(), |socket| socket.peek_from(buf))
    }

    /// Sends a datagram to `target`, the first of them that has an address of this socket's kind.
    ///
    /// # Errors
    /// What the system says, as when the datagram is too large; if the name cannot be looked up.
    ///
    /// # Cancel safety
    /// Safe to drop at any moment: it was sent, or not.
    #[track_caller]
    pub fn send_to<'a, A: ToSocketAddrs>(
        &'a self,
        buf: &'a [u8],
        target: A,
    ) -> impl Future<Output = io::Result<usize>> + use<'a, A> {
        let (names, site) = (target.to_names(), Location::caller());
        async move {
            let (addrs, own) = (resolve(names).await?, self.local_addr()?);
            let target = *addrs.iter().find(|addr| addr.is_ipv4() == own.is_ipv4()).unwrap_or(&addrs[0]);
            self.io.run(Interest::WRITABLE, site, |socket| socket.send_to(buf, target)).await
        }
    }

    /// Sends a datagram to `target` if there is room.
    ///
    /// # Errors
    /// `WouldBlock` if there is none; what the system says.
    pub fn try_send_to(&self, buf: &[u8], target: SocketAddr) -> io::Result<usize> {
        self.io.attempt(Interest::WRITABLE, |socket| socket.send_to(buf, target))
    }

    // --- options ----------------------------------------------------------------------------------------------------

    /// May it send to broadcast addresses?
    ///
    /// # Errors
    /// What the system says.
    pub fn broadcast(&self) -> io::Result<bool> {
        self.io.broadcast()
    }

    /// Lets it send to broadcast addresses.
    ///
    /// # Errors
    /// What the system says.
    pub fn set_broadcast(&self, broadcast: bool) -> io::Result<()> {
        self.io.set_broadcast(broadcast)
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

    /// Joins an IPv4 multicast group, on the interface with the address `interface` (unspecified: any).
    ///
    /// # Errors
    /// What the system says.
    pub fn join_multicast_v4(&self, group: Ipv4Addr, interface: Ipv4Addr) -> io::Result<()> {
        self.io.join_multicast_v4(&group, &interface)
    }

    /// Leaves an IPv4 multicast group.
    ///
    /// # Errors
    /// What the system says.
    pub fn leave_multicast_v4(&self, group: Ipv4Addr, interface: Ipv4Addr) -> io::Result<()> {
        self.io.leave_multicast_v4(&group, &interface)
    }

    /// Joins an IPv6 multicast group, on the interface with the number `interface` (0: any).
    ///
    /// # Errors
    /// What the system says.
    pub fn join_multicast_v6(&self, group: &Ipv6Addr, interface: u32) -> io::Result<()> {
        self.io.join_multicast_v6(group, interface)
    }

    /// Leaves an IPv6 multicast group.
    ///
    /// # Errors
    /// What the system says.
    pub fn leave_multicast_v6(&self, group: &Ipv6Addr, interface: u32) -> io::Result<()> {
        self.io.leave_multicast_v6(group, interface)
    }
}

impl fmt::Debug for UdpSocket {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.io.fmt(f)
    }
}

impl TryFrom<std::net::UdpSocket> for UdpSocket {
    type Error = io::Error;
    fn try_from(socket: std::net::UdpSocket) -> io::Result<UdpSocket> {
        UdpSocket::from_std(socket)
    }
}
