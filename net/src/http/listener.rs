//! What connections come from.
use crate::tcp::{TcpListener, TcpStream};
use crate::unix::{UnixListener, UnixStream};
use hyper::rt::{Read, Write};
use std::io;

/// What [`serve`](super::serve) takes its connections from: a [`TcpListener`], a [`UnixListener`], or one's own around one
/// of them.
///
/// A listener for TLS gives streams that do their handshake by their first read: then it counts as a part of the first
/// request's head, and nobody else waits for it. The example `tls` is one.
pub trait Listener: Send + 'static {
    /// A connection.
    type Stream: Read + Write + Unpin + Send + 'static;

    /// Takes the next connection.
    ///
    /// What is the matter with one connection is no error here: it is passed over. An error ends the server, as a signal
    /// to shut down does.
    ///
    /// # Cancel safety
    /// It must be safe to drop at any moment: no connection is lost.
    fn accept(&mut self) -> impl Future<Output = io::Result<Self::Stream>> + Send;

    /// Takes a connection that is there; `WouldBlock` if none is. At shutdown, for those that are left. Without it, they
    /// are reset when the listener is closed.
    fn try_accept(&mut self) -> io::Result<Self::Stream> {
        Err(io::ErrorKind::WouldBlock.into())
    }

    /// Lets the system take no new connections from now on; those that are under way still come to be accepted. `false` if
    /// that cannot be done.
    fn refuse(&mut self) -> bool {
        false
    }
}

/// As Go does it: what was written goes out at once.
fn without_delay(stream: TcpStream) -> TcpStream {
    // If that fails, the connection is gone, as its first read will tell.
    let _ = stream.set_nodelay(true);
    stream
}

/// With `TCP_NODELAY`.
impl Listener for TcpListener {
    type Stream = TcpStream;

    async fn accept(&mut self) -> io::Result<TcpStream> {
        TcpListener::accept(self).await.map(|(stream, _)| without_delay(stream))
    }

    fn try_accept(&mut self) -> io::Result<TcpStream> {
        TcpListener::try_accept(self).map(|(stream, _)| without_delay(stream))
    }

    fn refuse(&mut self) -> bool {
        TcpListener::refuse(self).is_ok()
    }
}

impl Listener for UnixListener {
    type Stream = UnixStream;

    async fn accept(&mut self) -> io::Result<UnixStream> {
        UnixListener::accept(self).await.map(|(stream, _)| stream)
    }

    fn try_accept(&mut self) -> io::Result<UnixStream> {
        UnixListener::try_accept(self).map(|(stream, _)| stream)
    }
}
