//! TCP: connections, their ends, options, addresses.
#![allow(missing_docs)]
mod support;

use dormouse_executor::task;
use dormouse_net::tcp::ReuniteError;
use dormouse_net::{Interest, TcpListener, TcpSocket, TcpStream, lookup_host};
use dormouse_testing::watch;
use futures::StreamExt;
use futures::io::{AsyncReadExt, AsyncWriteExt};
use futures::join;
use std::io::{ErrorKind, IoSlice, IoSliceMut};
use std::net::{Shutdown, SocketAddr};
use std::time::Duration;
use support::{bytes, listener, on_each, pair, waiting};

/// More than the system's buffers hold.
const MUCH: usize = 16 << 20;
/// More than they hold at first.
const SOME: usize = 3 << 20;

#[test]
fn what_is_echoed_through_split_halves_is_what_was_sent() {
    let _watch = watch();
    on_each(|| async {
        let (client, server) = pair().await;
        let echo = task::spawn(async move {
            let (mut read, mut write) = server.into_split();
            futures::io::copy(&mut read, &mut write).await.unwrap()
        });
        let (mut read, mut write) = client.into_split();
        let writer = task::spawn(async move {
            let mut place = 0;
            for len in (1..).map(|n| n * 37 % 9973) {
                if place >= SOME {
                    return place;
                }
                write.write_all(&bytes(place, len)).await.unwrap();
                place += len;
            }
            unreachable!()
        });
        let mut came = Vec::new();
        read.read_to_end(&mut came).await.unwrap();
        let sent = writer.await.unwrap();
        assert_eq!(echo.await.unwrap(), sent as u64);
        assert!(came == bytes(0, sent), "not what was sent");
    });
}

#[test]
fn a_half_close_leaves_the_other_direction_open() {
    let _watch = watch();
    on_each(|| async {
        let (mut client, mut server) = pair().await;
        client.write_all(b"question").await.unwrap();
        client.close().await.unwrap();
        let mut text = String::new();
        server.read_to_string(&mut text).await.unwrap();
        assert_eq!(text, "question");
        server.write_all(b"answer").await.unwrap();
        server.shutdown(Shutdown::Write).unwrap();
        text.clear();
        client.read_to_string(&mut text).await.unwrap();
        assert_eq!(text, "answer");
        assert_eq!(client.read(&mut [0; 8]).await.unwrap(), 0, "the end stays the end");
        assert_eq!(client.write(b"more").await.unwrap_err().kind(), ErrorKind::BrokenPipe);
    });
}

#[test]
fn a_waiting_reader_is_woken_by_the_end_and_by_a_reset() {
    let _watch = watch();
    on_each(|| async {
        let (mut client, server) = pair().await;
        let reader = task::spawn(async move { client.read(&mut [0; 8]).await });
        waiting(1).await;
        drop(server);
        assert_eq!(reader.await.unwrap().unwrap(), 0);

        let (mut client, server) = pair().await;
        let reader = task::spawn(async move { client.read(&mut [0; 8]).await });
        waiting(1).await;
        server.reset().unwrap();
        assert_eq!(reader.await.unwrap().unwrap_err().kind(), ErrorKind::ConnectionReset);
    });
}

#[test]
fn a_waiting_writer_is_woken_by_a_reset() {
    let _watch = watch();
    on_each(|| async {
        let (mut client, server) = pair().await;
        let writer = task::spawn(async move { client.write_all(&vec![7; MUCH]).await });
        // It cannot have written all.
        waiting(1).await;
        server.reset().unwrap();
        let error = writer.await.unwrap().unwrap_err();
        assert!(matches!(error.kind(), ErrorKind::ConnectionReset | ErrorKind::BrokenPipe), "{error}");
    });
}

#[test]
fn bytes_are_conserved_both_ways_at_once_on_one_stream() {
    let _watch = watch();
    on_each(|| async {
        let (mut client, mut server) = pair().await;
        let exchange = async |stream: &mut TcpStream| {
            let (mut read, mut write) = stream.split();
            let mut came = vec![0; SOME];
            let (sent, got) = join!(async { write.write_all(&bytes(0, SOME)).await }, async {
                read.read_exact(&mut came).await
            });
            sent.unwrap();
            got.unwrap();
            assert!(came == bytes(0, SOME));
        };
        join!(exchange(&mut client), exchange(&mut server));
    });
}

#[test]
fn vectored_and_peek() {
    let _watch = watch();
    on_each(|| async {
        let (mut client, mut server) = pair().await;
        let written = client.write_vectored(&[IoSlice::new(b"one"), IoSlice::new(b"two")]).await.unwrap();
        assert_eq!(written, 6);
        let mut seen = [0; 4];
        while server.peek(&mut seen).await.unwrap() < 4 {}
        assert_eq!(&seen, b"onet");
        let (mut first, mut second) = ([0; 2], [0; 8]);
        let bufs = &mut [IoSliceMut::new(&mut first), IoSliceMut::new(&mut second)];
        assert_eq!(server.read_vectored(bufs).await.unwrap(), 6);
        assert_eq!((&first, &second[..4]), (b"on", &b"etwo"[..]));
        assert_eq!(client.try_write_vectored(&[IoSlice::new(b"three")]).unwrap(), 5);
        server.readable().await.unwrap();
        let mut buf = [0; 8];
        let got = loop {
            match server.try_read_vectored(&mut [IoSliceMut::new(&mut buf)]) {
                Err(error) if error.kind() == ErrorKind::WouldBlock => server.readable().await.unwrap(),
                result => break result.unwrap(),
            }
        };
        assert_eq!(&buf[..got], b"three");
    });
}

#[test]
fn try_says_would_block_and_ready_says_what() {
    let _watch = watch();
    on_each(|| async {
        let (client, server) = pair().await;
        let mut buf = [0; 4];
        assert_eq!(client.try_read(&mut buf).unwrap_err().kind(), ErrorKind::WouldBlock);
        let ready = client.ready(Interest::READABLE | Interest::WRITABLE).await.unwrap();
        assert!(ready.is_writable() && !ready.is_readable(), "{ready:?}");
        assert_eq!(server.try_write(b"abc").unwrap(), 3);
        let ready = client.ready(Interest::READABLE).await.unwrap();
        assert!(ready.is_readable() && !ready.is_writable() && !ready.is_read_closed(), "{ready:?}");
        assert_eq!(client.try_read(&mut buf).unwrap(), 3);
        // Fills what the system takes: then it has no room until the other side reads.
        let mut sent = 0;
        let full = loop {
            match client.try_write(&[7; 65_536]) {
                Ok(count) => sent += count,
                Err(error) => break error,
            }
        };
        assert_eq!(full.kind(), ErrorKind::WouldBlock);
        let mut server = server;
        let drain = async { server.read_exact(&mut vec![0; sent]).await.unwrap() };
        let (writable, ()) = join!(client.writable(), drain);
        writable.unwrap();
        drop(server);
        while !client.ready(Interest::READABLE).await.unwrap().is_read_closed() {
            match client.try_read(&mut buf) {
                Err(error) => assert_eq!(error.kind(), ErrorKind::WouldBlock),
                // It has ended, but the system was not asked yet.
                Ok(got) => assert_eq!(got, 0),
            }
            task::yield_now().await;
        }
        assert_eq!(client.try_read(&mut buf).unwrap(), 0);
    });
}

#[test]
fn halves_are_put_together_again() {
    let _watch = watch();
    on_each(|| async {
        let (one, other) = pair().await;
        let (read, write) = one.into_split();
        let (other_read, other_write) = other.into_split();
        let ReuniteError(read, other_write) = read.reunite(other_write).unwrap_err();
        let mut one = read.reunite(write).unwrap();
        let mut other = other_write.reunite(other_read).unwrap();
        one.write_all(b"still open").await.unwrap();
        let mut buf = [0; 10];
        other.read_exact(&mut buf).await.unwrap();
        assert_eq!(&buf, b"still open");
        let (mut read, write) = one.into_split();
        write.forget();
        other.write_all(b"to a half").await.unwrap();
        read.read_exact(&mut buf[..9]).await.unwrap();
        // The other side was not told of an end.
        assert_eq!(other.try_read(&mut buf).unwrap_err().kind(), ErrorKind::WouldBlock);
    });
}

#[test]
fn options_are_the_systems() {
    let _watch = watch();
    on_each(|| async {
        let (stream, other) = pair().await;
        stream.set_nodelay(true).unwrap();
        assert!(stream.nodelay().unwrap() && !other.nodelay().unwrap());
        stream.set_ttl(17).unwrap();
        assert_eq!(stream.ttl().unwrap(), 17);
        stream.set_keepalive(Some(Duration::from_secs(30))).unwrap();
        assert!(stream.keepalive().unwrap());
        stream.set_keepalive(None).unwrap();
        assert!(!stream.keepalive().unwrap());
        stream.set_linger(Some(Duration::from_secs(3))).unwrap();
        assert_eq!(stream.linger().unwrap(), Some(Duration::from_secs(3)));
        assert_eq!(stream.local_addr().unwrap(), other.peer_addr().unwrap());
        assert!(stream.take_error().unwrap().is_none());
        stream.set_linger(None).unwrap();

        let socket = TcpSocket::new_v4().unwrap();
        socket.set_reuseaddr(true).unwrap();
        socket.set_recv_buffer_size(65_536).unwrap();
        socket.set_send_buffer_size(65_536).unwrap();
        socket.set_nodelay(true).unwrap();
        socket.bind("127.0.0.1:0".parse().unwrap()).unwrap();
        let from = socket.local_addr().unwrap();
        let listener = listener().await;
        let stream = socket.connect(listener.local_addr().unwrap()).await.unwrap();
        assert!(stream.nodelay().unwrap());
        assert_eq!(listener.accept().await.unwrap().1, from);
    });
}

#[test]
fn from_and_into_std() {
    let _watch = watch();
    on_each(|| async {
        let listener = listener().await.into_std().unwrap();
        let addr = listener.local_addr().unwrap();
        let listener = TcpListener::from_std(listener).unwrap();
        let client = std::net::TcpStream::connect(addr).unwrap();
        let (server, _) = listener.accept().await.unwrap();
        let mut client = TcpStream::try_from(client).unwrap();
        client.write_all(b"std").await.unwrap();
        let mut server = server.into_std().unwrap();
        server.set_nonblocking(false).unwrap();
        let mut buf = [0; 3];
        std::io::Read::read_exact(&mut server, &mut buf).unwrap();
        assert_eq!(&buf, b"std");
        // It may be registered again.
        let mut server = TcpStream::from_std(server).unwrap();
        client.write_all(b"and").await.unwrap();
        server.read_exact(&mut buf).await.unwrap();
        assert_eq!(&buf, b"and");
    });
}

/// An address where nobody listens.
async fn nobody() -> SocketAddr {
    listener().await.local_addr().unwrap()
}

#[test]
fn all_addresses_are_tried_in_turn() {
    let _watch = watch();
    on_each(|| async {
        let refused = TcpStream::connect(nobody().await).await.unwrap_err();
        assert_eq!(refused.kind(), ErrorKind::ConnectionRefused);
        let listener = listener().await;
        let addr = listener.local_addr().unwrap();
        let addrs = [nobody().await, nobody().await, addr];
        assert_eq!(TcpStream::connect(addrs).await.unwrap().peer_addr().unwrap(), addr);
        assert_eq!(TcpStream::connect(&addrs[..2]).await.unwrap_err().kind(), ErrorKind::ConnectionRefused);
        let bound = TcpListener::bind([addr, "127.0.0.1:0".parse().unwrap()]).await.unwrap();
        assert_ne!(bound.local_addr().unwrap(), addr, "the first one is taken");
        assert_eq!(TcpListener::bind(addr).await.unwrap_err().kind(), ErrorKind::AddrInUse);
        assert_eq!(TcpStream::connect(Vec::new()).await.unwrap_err().kind(), ErrorKind::InvalidInput);
    });
}

#[test]
fn names_are_looked_up() {
    let _watch = watch();
    on_each(|| async {
        let found: Vec<_> = lookup_host(("localhost", 7)).await.unwrap().collect();
        assert!(!found.is_empty() && found.iter().all(|addr| addr.ip().is_loopback() && addr.port() == 7));
        let known: Vec<_> = lookup_host("[::1]:80").await.unwrap().collect();
        assert_eq!(known, ["[::1]:80".parse().unwrap()]);
        for wrong in ["localhost", "localhost:", "localhost:http", "localhost:65536", ""] {
            let error = lookup_host(wrong).await.map(drop).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::InvalidInput, "{wrong}");
        }
        let listener = listener().await;
        let port = listener.local_addr().unwrap().port();
        let by_name = TcpStream::connect(format!("localhost:{port}")).await.unwrap();
        assert_eq!(by_name.peer_addr().unwrap(), listener.local_addr().unwrap());
    });
}

#[test]
fn connections_wait_in_the_backlog_until_they_are_accepted() {
    let _watch = watch();
    on_each(|| async {
        const COUNT: usize = 300;
        let listener = listener().await;
        let addr = listener.local_addr().unwrap();
        let mut clients = Vec::new();
        for number in 0..COUNT {
            let mut client = TcpStream::connect(addr).await.unwrap();
            client.write_all(&(number as u32).to_le_bytes()).await.unwrap();
            clients.push(client);
        }
        let mut came: Vec<usize> = listener
            .incoming()
            .take(COUNT)
            .then(async |stream| {
                let mut number = [0; 4];
                stream.unwrap().read_exact(&mut number).await.unwrap();
                u32::from_le_bytes(number) as usize
            })
            .collect()
            .await;
        came.sort_unstable();
        assert_eq!(came, Vec::from_iter(0..COUNT));
    });
}

#[test]
fn a_thousand_connections_at_once() {
    let _watch = watch();
    on_each(|| async {
        const COUNT: usize = 1000;
        const ROUNDS: usize = 5;
        let listener = listener().await;
        let addr = listener.local_addr().unwrap();
        let server = task::spawn(async move {
            for _ in 0..COUNT {
                let (stream, _) = listener.accept().await.unwrap();
                task::go(async move {
                    let (mut read, mut write) = stream.into_split();
                    futures::io::copy(&mut read, &mut write).await.unwrap();
                });
            }
        });
        let mut clients = Vec::new();
        for _ in 0..COUNT {
            clients.push(TcpStream::connect(addr).await.unwrap());
        }
        server.await.unwrap();
        let clients: Vec<_> = clients
            .into_iter()
            .enumerate()
            .map(|(number, mut client)| {
                task::spawn(async move {
                    for round in 0..ROUNDS {
                        let sent = bytes(number + round, 100);
                        client.write_all(&sent).await.unwrap();
                        let mut came = vec![0; sent.len()];
                        client.read_exact(&mut came).await.unwrap();
                        assert_eq!(came, sent);
                    }
                })
            })
            .collect();
        for client in clients {
            client.await.unwrap();
        }
    });
}
