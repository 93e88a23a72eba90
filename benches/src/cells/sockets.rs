//! The TCP sockets of the hosts, and a server on them that sends back what comes.
use crate::cells::tools::on_a_thread;
use crate::hosts::{AsyncExecutor, Dormouse, Host, Tokio};
use crate::load::MESSAGE;
use crate::measure::Sample;
use std::future::Future;
use std::io;
use std::net::{SocketAddr, TcpListener};

pub(crate) trait Sockets: Host {
    type Listener: Send + 'static;
    type Stream: Send + 'static;

    /// A listener, from `std`'s, which does not block.
    fn listener(listener: TcpListener) -> io::Result<Self::Listener>;
    fn accept(listener: &Self::Listener) -> impl Future<Output = io::Result<Self::Stream>> + Send;
    /// A stream that is connected, from `std`'s, which does not block.
    fn stream(stream: std::net::TcpStream) -> io::Result<Self::Stream>;
    fn read(stream: &mut Self::Stream, buf: &mut [u8]) -> impl Future<Output = io::Result<usize>> + Send;
    fn read_exact(stream: &mut Self::Stream, buf: &mut [u8]) -> impl Future<Output = io::Result<()>> + Send;
    fn write_all(stream: &mut Self::Stream, buf: &[u8]) -> impl Future<Output = io::Result<()>> + Send;
}

/// By the traits of `futures` or tokio's, which are named alike.
macro_rules! sockets {
    ($host:ty, $listener:ty, $stream:ty, $from:ident, $Read:path, $Write:path) => {
        impl Sockets for $host {
            type Listener = $listener;
            type Stream = $stream;

            fn listener(listener: TcpListener) -> io::Result<$listener> {
                <$listener>::$from(listener)
            }

            async fn accept(listener: &$listener) -> io::Result<$stream> {
                listener.accept().await.map(|(stream, _)| stream)
            }

            fn stream(stream: std::net::TcpStream) -> io::Result<$stream> {
                <$stream>::$from(stream)
            }

            async fn read(stream: &mut $stream, buf: &mut [u8]) -> io::Result<usize> {
                <$stream as $Read>::read(stream, buf).await
            }

            async fn read_exact(stream: &mut $stream, buf: &mut [u8]) -> io::Result<()> {
                <$stream as $Read>::read_exact(stream, buf).await.map(drop)
            }

            async fn write_all(stream: &mut $stream, buf: &[u8]) -> io::Result<()> {
                <$stream as $Write>::write_all(stream, buf).await
            }
        }
    };
    (futures: $host:ty, $listener:ty, $stream:ty, $from:ident) => {
        sockets!($host, $listener, $stream, $from, futures::AsyncReadExt, futures::AsyncWriteExt);
    };
}

sockets!(futures: Dormouse, dormouse_net::TcpListener, dormouse_net::TcpStream, from_std);
sockets!(futures: AsyncExecutor, async_io::Async<TcpListener>, async_io::Async<std::net::TcpStream>, new);
sockets!(
    Tokio,
    tokio::net::TcpListener,
    tokio::net::TcpStream,
    from_std,
    tokio::io::AsyncReadExt,
    tokio::io::AsyncWriteExt
);

/// Sends back what comes, until the end.
pub(crate) async fn echo<H: Sockets>(mut stream: H::Stream) {
    let mut buf = MESSAGE;
    loop {
        match H::read(&mut stream, &mut buf).await.expect("it can be read") {
            0 => return,
            len => H::write_all(&mut stream, &buf[..len]).await.expect("it can be written"),
        }
    }
}

/// Serves whoever connects with [`echo`], in a task each, while `client` measures that on a thread of its own.
pub(crate) async fn served<H: Sockets>(client: impl FnOnce(SocketAddr) -> Sample + Send + 'static) -> Sample {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port is free");
    listener.set_nonblocking(true).expect("a socket");
    let addr = listener.local_addr().expect("it listens");
    let listener = H::listener(listener).expect("it listens");
    H::go(async move {
        loop {
            H::go(echo::<H>(H::accept(&listener).await.expect("a client connects")));
        }
    });
    on_a_thread(move || client(addr)).await
}
