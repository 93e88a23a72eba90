//! Addresses, and names that stand for them.
use dormouse_executor::task;
use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, SocketAddrV4, SocketAddrV6};

/// What can be turned into addresses: an address, or a name and a port, as `"example.com:80"` or `("example.com", 80)`.
///
/// As `std`'s trait of this name; but a name is looked up on the runtime's blocking pool. It is implemented here only.
pub trait ToSocketAddrs: sealed::ToNames {}

impl<T: sealed::ToNames + ?Sized> ToSocketAddrs for T {}

mod sealed {
    use super::{SocketAddr, io};

    /// What addresses are made of.
    #[derive(Debug)]
    pub enum Names {
        /// They are known.
        Known(Vec<SocketAddr>),
        /// A name and a port, to be looked up.
        Host(String, u16),
        /// They cannot be made.
        Wrong(io::Error),
    }

    /// Not for others to implement.
    pub trait ToNames {
        /// What the addresses are made of.
        fn to_names(&self) -> Names;
    }
}

pub(crate) use sealed::{Names, ToNames};

impl ToNames for SocketAddr {
    fn to_names(&self) -> Names {
        Names::Known(vec![*self])
    }
}

macro_rules! as_addr {
    ($($type:ty),*) => {$(
        impl ToNames for $type {
            fn to_names(&self) -> Names {
                Names::Known(vec![SocketAddr::from(*self)])
            }
        }
    )*};
}

as_addr!(SocketAddrV4, SocketAddrV6, (IpAddr, u16), (Ipv4Addr, u16), (Ipv6Addr, u16));

impl ToNames for [SocketAddr] {
    fn to_names(&self) -> Names {
        Names::Known(self.to_vec())
    }
}

impl ToNames for Vec<SocketAddr> {
    fn to_names(&self) -> Names {
        Names::Known(self.clone())
    }
}

impl<const N: usize> ToNames for [SocketAddr; N] {
    fn to_names(&self) -> Names {
        Names::Known(self.to_vec())
    }
}

impl ToNames for (&str, u16) {
    fn to_names(&self) -> Names {
        let (host, port) = *self;
        match host.parse::<IpAddr>() {
            Ok(ip) => (ip, port).to_names(),
            Err(_) => Names::Host(host.into(), port),
        }
    }
}

impl ToNames for (String, u16) {
    fn to_names(&self) -> Names {
        (&*self.0, self.1).to_names()
    }
}

impl ToNames for str {
    fn to_names(&self) -> Names {
        if let Ok(addr) = self.parse::<SocketAddr>() {
            return addr.to_names();
        }
        let parts = self.rsplit_once(':').and_then(|(host, port)| Some((host, port.parse().ok()?)));
        match parts {
            Some((host, port)) => Names::Host(host.into(), port),
            None => {
                let text = format!("\"{self}\" is no address and port, and no name and port");
                Names::Wrong(io::Error::new(io::ErrorKind::InvalidInput, text))
            }
        }
    }
}

impl ToNames for String {
    fn to_names(&self) -> Names {
        self.as_str().to_names()
    }
}

impl<T: ToNames + ?Sized> ToNames for &T {
    fn to_names(&self) -> Names {
        (**self).to_names()
    }
}

/// The addresses that names stand for: at least one.
pub(crate) async fn resolve(names: Names) -> io::Result<Vec<SocketAddr>> {
    let addrs = match names {
        Names::Known(addrs) => addrs,
        Names::Wrong(error) => return Err(error),
        Names::Host(host, port) => {
            let job = move || std::net::ToSocketAddrs::to_socket_addrs(&(&*host, port)).map(Vec::from_iter);
            task::spawn_blocking(job).await.map_err(io::Error::other)??
        }
    };
    if addrs.is_empty() {
        return Err(io::Error::new(io::ErrorKind::InvalidInput, "there is no address to use"));
    }
    Ok(addrs)
}

/// The first success of `f` over all addresses, in turn; else the last error.
pub(crate) fn first<R>(
    addrs: Vec<SocketAddr>,
    mut f: impl FnMut(SocketAddr) -> io::Result<R>,
) -> io::Result<R> {
    let mut last = None;
    for addr in addrs {
        match f(addr) {
            Ok(result) => return Ok(result),
            Err(error) => last = Some(error),
        }
    }
    Err(last.expect("there is an address"))
}

/// Looks up a name, on the runtime's blocking pool: the addresses, in the system's order of preference.
///
/// # Errors
/// If there is no such name, no port, or no name server that answers.
///
/// # Panics
/// Outside of a runtime, if the name is not an address itself.
///
/// # Cancel safety
/// Safe to drop; the look-up goes on in its thread, and its result is given up.
///
/// ```
/// # dormouse_executor::runtime::block_on(async {
/// let addrs: Vec<_> = dormouse_net::lookup_host("localhost:80").await?.collect();
/// assert!(addrs.iter().all(|addr| addr.ip().is_loopback() && addr.port() == 80));
/// # std::io::Result::Ok(())
/// # }).unwrap();
/// ```
pub async fn lookup_host<A: ToSocketAddrs>(host: A) -> io::Result<impl Iterator<Item = SocketAddr>> {
    Ok(resolve(host.to_names()).await?.into_iter())
}
