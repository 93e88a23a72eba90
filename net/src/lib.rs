//! Sockets on the dormouse runtime: [`TcpListener`], [`TcpStream`], [`UdpSocket`], those of [`unix`]. And what a service
//! needs beside them: [files](fs), the [standard streams and pipes in memory](io), [signals](signal), [child
//! processes](process).
//!
//! A socket belongs to the runtime that it was made in: the one whose task, `block_on` or `enter` the thread is in. It is
//! used there; what has to wait elsewhere is an error that says so. Each is registered with the system once, for all
//! its life, and an operation tries its system call first, so that what is there already is never waited for.
//!
//! Streams implement [`futures_io`]'s traits: the methods `read`, `read_exact`, `write_all` and the like are those of
//! [`AsyncReadExt`](io::AsyncReadExt) and [`AsyncWriteExt`](io::AsyncWriteExt), which are `futures::io`'s.
//! [`AsyncFd`](unix::AsyncFd) is for descriptors of other libraries.
//!
//! ```
//! use dormouse_net::io::{AsyncReadExt, AsyncWriteExt};
//! use dormouse_net::{TcpListener, TcpStream};
//!
//! # dormouse_executor::runtime::block_on(async {
//! let listener = TcpListener::bind("127.0.0.1:0").await?;
//! let addr = listener.local_addr()?;
//! let server = dormouse_executor::task::spawn(async move {
//!     let (mut stream, _) = listener.accept().await?;
//!     stream.write_all(b"hello").await
//! });
//! let mut text = String::new();
//! TcpStream::connect(addr).await?.read_to_string(&mut text).await?;
//! assert_eq!(text, "hello");
//! server.await.unwrap()?;
//! # std::io::Result::Ok(())
//! # }).unwrap();
//! ```
//!
//! With the feature `tokio-io` streams have tokio's I/O traits too (and nothing of its runtime); with `hyper` those of
//! `hyper::rt`, and the module `hyper_rt` has an executor and a timer for it; with `http`, the module `http` serves HTTP.
//!
//! Built for Linux. On other systems it compiles where `mio` does, and is not tested.
#![deny(unsafe_op_in_unsafe_fn)]

mod addrs;
mod dialect;
mod exhausted;
pub mod fs;
#[cfg(all(unix, feature = "http"))]
pub mod http;
#[cfg(feature = "hyper")]
pub mod hyper_rt;
pub mod io;
mod methods;
#[cfg(unix)]
pub mod process;
#[cfg(unix)]
pub mod signal;
mod split;
mod stream;
pub mod tcp;
mod udp;
#[cfg(unix)]
pub mod unix;

pub use addrs::{ToSocketAddrs, lookup_host};
pub use dormouse_executor::io::{Interest, Ready};
pub use tcp::{TcpListener, TcpSocket, TcpStream};
pub use udp::UdpSocket;
#[cfg(unix)]
pub use unix::{UnixDatagram, UnixListener, UnixStream};
