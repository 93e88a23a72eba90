//! Sockets. One operation is a round trip of 64 bytes over TCP, from a client's write to the end of its read; clients and
//! server are tasks of one runtime.
use crate::cells::tools::measured;
use crate::hosts::{AsyncExecutor, Dormouse, Host, Tokio};
use crate::measure::Sample;
use crate::registry::{Cell, Scale};
use std::future::Future;
use std::io;
use std::net::TcpListener;

/// Bytes of a message.
const LEN: usize = 64;

pub(crate) fn cells() -> Vec<Cell> {
    [1, 64].map(echo).into()
}

/// The streams of a host.
trait Sockets: Host {
    type Stream: Send + 'static;

    /// A stream that is connected, from `std`'s, which does not block.
    fn stream(stream: std::net::TcpStream) -> io::Result<Self::Stream>;
    fn read(stream: &mut Self::Stream, buf: &mut [u8]) -> impl Future<Output = io::Result<usize>> + Send;
    fn read_exact(stream: &mut Self::Stream, buf: &mut [u8]) -> impl Future<Output = io::Result<()>> + Send;
    fn write_all(stream: &mut Self::Stream, buf: &[u8]) -> impl Future<Output = io::Result<()>> + Send;
}

/// By the traits of `futures`.
macro_rules! by_futures {
    ($host:ty, $stream:ty, $from:path) => {
        impl Sockets for $host {
            type Stream = $stream;

            fn stream(stream: std::net::TcpStream) -> io::Result<Self::Stream> {
                $from(stream)
            }

            async fn read(stream: &mut Self::Stream, buf: &mut [u8]) -> io::Result<usize> {
                futures::AsyncReadExt::read(stream, buf).await
            }

            async fn read_exact(stream: &mut Self::Stream, buf: &mut [u8]) -> io::Result<()> {
                futures::AsyncReadExt::read_exact(stream, buf).await
            }

            async fn write_all(stream: &mut Self::Stream, buf: &[u8]) -> io::Result<()> {
                futures::AsyncWriteExt::write_all(stream, buf).await
            }
        }
    };
}

by_futures!(Dormouse, dormouse_net::TcpStream, dormouse_net::TcpStream::from_std);
by_futures!(AsyncExecutor, async_io::Async<std::net::TcpStream>, async_io::Async::new);

impl Sockets for Tokio {
    type Stream = tokio::net::TcpStream;

    fn stream(stream: std::net::TcpStream) -> io::Result<Self::Stream> {
        tokio::net::TcpStream::from_std(stream)
    }

    async fn read(stream: &mut Self::Stream, buf: &mut [u8]) -> io::Result<usize> {
        tokio::io::AsyncReadExt::read(stream, buf).await
    }

    async fn read_exact(stream: &mut Self::Stream, buf: &mut [u8]) -> io::Result<()> {
        tokio::io::AsyncReadExt::read_exact(stream, buf).await.map(drop)
    }

    async fn write_all(stream: &mut Self::Stream, buf: &[u8]) -> io::Result<()> {
        tokio::io::AsyncWriteExt::write_all(stream, buf).await
    }
}

fn echo(connections: u64) -> Cell {
    fn add<H: Sockets>(cell: Cell, host: H, connections: u64) -> Cell {
        cell.with(host.name(), H::PEER, move |scale| round_trips(host, scale, connections))
    }
    let cell = Cell::new(format!("net/echo/{connections}"), "round trip", "ns");
    let cell = add(cell, Dormouse::ALL, connections);
    let cell = add(cell, Dormouse::ONE, connections);
    let cell = add(cell, Tokio::ALL_WITH_IO, connections);
    let cell = add(cell, Tokio::ONE_WITH_IO, connections);
    add(cell, AsyncExecutor, connections)
}

/// The two ends of a connection.
fn pair<H: Sockets>() -> io::Result<(H::Stream, H::Stream)> {
    let listener = TcpListener::bind("127.0.0.1:0")?;
    let client = std::net::TcpStream::connect(listener.local_addr()?)?;
    let (server, _) = listener.accept()?;
    for stream in [&client, &server] {
        stream.set_nodelay(true)?;
        stream.set_nonblocking(true)?;
    }
    Ok((H::stream(client)?, H::stream(server)?))
}

async fn serve<H: Sockets>(mut stream: H::Stream) {
    let mut buf = [0; LEN];
    loop {
        match H::read(&mut stream, &mut buf).await.expect("it can be read") {
            0 => return,
            len => H::write_all(&mut stream, &buf[..len]).await.expect("it can be written"),
        }
    }
}

fn round_trips<H: Sockets>(host: H, scale: Scale, connections: u64) -> Sample {
    let each = scale.of(40_000) / connections;
    host.run(measured(each, connections, move |each: u64| async move {
        let clients: Vec<_> = (0..connections)
            .map(|_| {
                let (mut client, server) = pair::<H>().expect("a connection");
                H::go(serve::<H>(server));
                H::spawn(async move {
                    let (message, mut buf) = ([7; LEN], [0; LEN]);
                    for _ in 0..each {
                        H::write_all(&mut client, &message).await.expect("it can be written");
                        H::read_exact(&mut client, &mut buf).await.expect("it is answered");
                    }
                })
            })
            .collect();
        for client in clients {
            client.await;
        }
        each
    }))
}
