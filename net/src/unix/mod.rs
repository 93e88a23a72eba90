//! Unix sockets, and foreign descriptors.
mod async_fd;
mod datagram;
mod listener;
mod stream;

pub use async_fd::AsyncFd;
pub use datagram::UnixDatagram;
pub use listener::UnixListener;
pub use std::os::unix::net::SocketAddr;
use std::time::Duration;
pub use stream::{OwnedReadHalf, OwnedWriteHalf, ReadHalf, ReuniteError, UnixStream, WriteHalf};

/// Between two tries where the system does not tell when the next one would do; they double.
const PAUSE: Duration = Duration::from_millis(1);
const LONGEST: Duration = Duration::from_millis(64);
