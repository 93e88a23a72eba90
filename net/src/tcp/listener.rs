//! Taking TCP connections.
use super::stream::TcpStream;
use crate::addrs::{ToSocketAddrs, first, resolve};
use crate::exhausted::{Pauses, Told, is_gone};
use crate::io::Io;
use crate::methods::descriptors;
use crate::stream::{Socket, socket};
use dormouse_executor::io::Interest;
use dormouse_wait::frame::Site;
use futures_core::stream::{FusedStream, Stream};
use std::fmt;
use std::io;
use std::net::SocketAddr;
use std::panic::Location;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

socket!(mio::net::TcpListener);

/// Connections that the system keeps until they are accepted.
pub(super) const BACKLOG: u32 = 1024;

/// Takes TCP connections.
///
/// ```
/// use dormouse_net::{TcpListener, TcpStream};
/// # dormouse_executor::runtime::block_on(async {
/// let listener = TcpListener::bind(("127.0.0.1", 0)).await?;
/// let client = TcpStream::connect(listener.local_addr()?).await?;
/// let (server, from) = listener.accept().await?;
/// assert_eq!(from, client.local_addr()?);
/// assert_eq!(server.peer_addr()?, from);
/// # std::io::Result::Ok(())
/// # }).unwrap();
/// ```
pub struct TcpListener {
    io: Io<mio::net::TcpListener>,
    told: Told,
    /// It was made elsewhere: others may have it too.
    #[cfg(feature = "http")]
    handed_over: bool,
}

descriptors!(TcpListener);

impl TcpListener {
    /// Listens at the first of `addrs` where that is possible. Up to 1024 connections may wait to be accepted; an address
    /// that was in use a moment ago can be used again (`SO_REUSEADDR`). [`TcpSocket`](super::TcpSocket) has other ways.
    ///
    /// # Errors
    /// The last address's, if none can be used; if the name cannot be looked up; outside of a runtime.
    pub async fn bind<A: ToSocketAddrs>(addrs: A) -> io::Result<TcpListener> {
        first(resolve(addrs.to_names()).await?, |addr| {
            let socket = super::TcpSocket::new(addr)?;
            // On Windows the option lets others take the address.
            socket.set_reuseaddr(cfg!(unix))?;
            socket.bind(addr)?;
            socket.listen(BACKLOG)
        })
    }

    pub(super) fn new(listener: mio::net::TcpListener) -> io::Result<TcpListener> {
        Ok(TcpListener {
            io: Io::with_interest(listener, Interest::READABLE)?,
            told: Told::default(),
            #[cfg(feature = "http")]
            handed_over: false,
        })
    }

    fn io(&self) -> &Io<mio::net::TcpListener> {
        &self.io
    }

    /// Takes over a listener of `std`, in the runtime that the thread is in.
    ///
    /// # Errors
    /// Outside of a runtime; what the system says.
    pub fn from_std(listener: std::net::TcpListener) -> io::Result<TcpListener> {
        listener.set_nonblocking(true)?;
        let listener = TcpListener::new(mio::net::TcpListener::from_std(listener))?;
        Ok(TcpListener {
            #[cfg(feature = "http")]
            handed_over: true,
            ..listener
        })
    }

    /// The listener as `std`'s, out of the runtime. It does not block.
    ///
    /// # Errors
    /// What the system says.
    pub fn into_std(self) -> io::Result<std::net::TcpListener> {
        let listener = self.io.into_inner()?;
        #[cfg(unix)]
        return Ok(std::os::fd::OwnedFd::from(listener).into());
        #[cfg(windows)]
        return Ok(std::os::windows::io::OwnedSocket::from(listener).into());
    }

    /// The address that it listens at: with the port that the system chose, if it was to.
    ///
    /// # Errors
    /// What the system says.
    pub fn local_addr(&self) -> io::Result<SocketAddr> {
        self.io.local_addr()
    }

    /// Takes the next connection, and says where it comes from.
    ///
    /// When there is no descriptor left (`EMFILE`, `ENFILE`), it says so once on stderr, and tries again, after 10 ms at
    /// first and 640 ms at most, until one is there. A connection that ends before it is taken is passed over.
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
    pub fn accept(&self) -> impl Future<Output = io::Result<(TcpStream, SocketAddr)>> + '_ {
        self.accept_at(Location::caller())
    }

    async fn accept_at(&self, site: Site) -> io::Result<(TcpStream, SocketAddr)> {
        let mut pauses = Pauses::new();
        loop {
            match self.io.run(Interest::READABLE, site, |socket| socket.accept()).await {
                Ok((stream, from)) => return Ok((TcpStream::new(stream)?, from)),
                Err(error) if is_gone(&error) => {}
                Err(error) => pauses.after(error, &self.told).await?,
            }
        }
    }

    /// Takes a connection that is there, also one that the runtime was not told of yet. One that has ended is passed over.
    ///
    /// # Errors
    /// `WouldBlock` if none is there; what else the system says, also that there is no descriptor left.
    pub fn try_accept(&self) -> io::Result<(TcpStream, SocketAddr)> {
        loop {
            match self.io.attempt(Interest::READABLE, |socket| socket.accept()) {
                Ok((stream, from)) => return Ok((TcpStream::new(stream)?, from)),
                Err(error) if is_gone(&error) => {}
                Err(error) => return Err(error),
            }
        }
    }

    /// Lets nobody new connect from now on, for good; those who have begun to come to be connected and are to be accepted.
    /// Who tries is not answered, and so tries again, a second later at first: until this listener is closed (then it is
    /// refused) or another one has taken its place. Not of one that was made elsewhere: whoever has it too, as a service
    /// manager that keeps it for the next start, would get no connection any more.
    #[cfg(feature = "http")]
    pub(crate) fn refuse(&self) -> io::Result<()> {
        if self.handed_over {
            return Err(io::ErrorKind::Unsupported.into());
        }
        #[cfg(target_os = "linux")]
        {
            use socket2::SockFilter;
            // The program that the system runs on each packet for this socket: those with SYN and without ACK, which ask
            // for a connection, are dropped. (The connections have it too, who get none such.)
            const FLAGS: u32 = 13; // of a TCP header: the byte with the flags
            self.io.sock().attach_filter(&[
                SockFilter::new(0x30, 0, 0, FLAGS),    // load that byte
                SockFilter::new(0x54, 0, 0, 0x12),     // and SYN | ACK
                SockFilter::new(0x15, 0, 1, 0x02),     // unless it is SYN, skip one
                SockFilter::new(0x06, 0, 0, 0),        // drop
                SockFilter::new(0x06, 0, 0, u32::MAX), // keep
            ])
        }
        #[cfg(not(target_os = "linux"))]
        {
            Err(io::ErrorKind::Unsupported.into())
        }
    }

    /// All connections, as a stream that does not end. As [`accept`](TcpListener::accept) in a loop.
    #[track_caller]
    pub fn incoming(&self) -> Incoming<'_> {
        Incoming { listener: self, site: Location::caller(), accept: None }
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

    /// The error that the socket holds, which is taken away.
    ///
    /// # Errors
    /// What the system says.
    pub fn take_error(&self) -> io::Result<Option<io::Error>> {
        self.io.sock().take_error()
    }
}

impl fmt::Debug for TcpListener {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.io.fmt(f)
    }
}

impl TryFrom<std::net::TcpListener> for TcpListener {
    type Error = io::Error;
    fn try_from(listener: std::net::TcpListener) -> io::Result<TcpListener> {
        TcpListener::from_std(listener)
    }
}

type Accept<'a> = Pin<Box<dyn Future<Output = io::Result<(TcpStream, SocketAddr)>> + Send + 'a>>;

/// The connections of a listener: see [`TcpListener::incoming`].
///
/// # Cancel safety
/// Safe to drop at any moment: no connection is lost.
#[must_use = "streams do nothing unless polled"]
pub struct Incoming<'a> {
    listener: &'a TcpListener,
    site: Site,
    accept: Option<Accept<'a>>,
}

impl Stream for Incoming<'_> {
    type Item = io::Result<TcpStream>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<io::Result<TcpStream>>> {
        let (listener, site) = (self.listener, self.site);
        let accept = self.accept.get_or_insert_with(|| Box::pin(listener.accept_at(site)));
        let accepted = ready!(accept.as_mut().poll(cx));
        self.accept = None;
        Poll::Ready(Some(accepted.map(|(stream, _)| stream)))
    }
}

impl FusedStream for Incoming<'_> {
    fn is_terminated(&self) -> bool {
        false
    }
}

impl fmt::Debug for Incoming<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Incoming").field("listener", self.listener).finish_non_exhaustive()
    }
}

#[cfg(all(test, target_os = "linux", feature = "http"))]
mod tests {
    use super::*;
    use std::io::ErrorKind;
    use std::time::Duration;

    #[test]
    fn a_listener_that_refuses_still_gives_those_who_are_there() {
        let rt = dormouse_executor::runtime::Builder::current_thread().build().unwrap();
        rt.block_on(async {
            let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
            let addr = listener.local_addr().unwrap();
            let clients = [(); 3].map(|()| std::net::TcpStream::connect(addr).unwrap());
            listener.refuse().unwrap();
            // (It would be connected at once. The second try, which is not answered either, is a second later.)
            let new = std::net::TcpStream::connect_timeout(&addr, Duration::from_millis(50));
            assert_eq!(new.unwrap_err().kind(), ErrorKind::TimedOut);
            for client in &clients {
                let (server, from) = listener.try_accept().unwrap();
                assert_eq!(from, client.local_addr().unwrap());
                // They go on as any.
                std::io::Write::write_all(&mut &*client, b"hello").unwrap();
                server.readable().await.unwrap();
                assert_eq!(server.try_read(&mut [0; 9]).unwrap(), 5);
            }
            assert_eq!(listener.try_accept().unwrap_err().kind(), ErrorKind::WouldBlock);
        });
    }
}
