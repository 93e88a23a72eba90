//! UDP and Unix datagrams.
#![allow(missing_docs)]
mod support;

use dormouse_executor::task;
use dormouse_net::{Interest, UdpSocket};
use dormouse_testing::watch;
use std::io::ErrorKind;
use std::sync::Arc;
use support::{on_each, waiting};

async fn udp() -> UdpSocket {
    UdpSocket::bind("127.0.0.1:0").await.unwrap()
}

#[test]
fn udp_round_trips() {
    let _watch = watch();
    on_each(|| async {
        let (server, client) = (udp().await, udp().await);
        let addr = server.local_addr().unwrap();
        let echo = task::spawn(async move {
            let mut buf = [0; 2000];
            for _ in 0..100 {
                let (len, from) = server.recv_from(&mut buf).await.unwrap();
                assert_eq!(server.send_to(&buf[..len], from).await.unwrap(), len);
            }
        });
        waiting(1).await;
        let mut buf = [0; 2000];
        for round in 0..50 {
            let sent = vec![round as u8; round * 17];
            assert_eq!(client.send_to(&sent, addr).await.unwrap(), sent.len());
            let (len, from) = client.recv_from(&mut buf).await.unwrap();
            assert_eq!((&buf[..len], from), (&sent[..], addr));
        }
        client.connect(addr).await.unwrap();
        assert_eq!(client.peer_addr().unwrap(), addr);
        for round in 50..100 {
            let sent = vec![round as u8; round * 17];
            assert_eq!(client.send(&sent).await.unwrap(), sent.len());
            let len = client.recv(&mut buf).await.unwrap();
            assert_eq!(&buf[..len], sent);
        }
        echo.await.unwrap();
    });
}

#[test]
fn udp_without_waiting_and_peek() {
    let _watch = watch();
    on_each(|| async {
        let (one, other) = (udp().await, udp().await);
        let mut buf = [0; 8];
        assert_eq!(one.try_recv_from(&mut buf).unwrap_err().kind(), ErrorKind::WouldBlock);
        assert_eq!(one.try_recv(&mut buf).unwrap_err().kind(), ErrorKind::WouldBlock);
        assert_eq!(other.try_send_to(b"", one.local_addr().unwrap()).unwrap(), 0, "an empty one is one");
        assert_eq!(one.recv(&mut buf).await.unwrap(), 0);
        other.send_to(b"long text", one.local_addr().unwrap()).await.unwrap();
        assert!(one.ready(Interest::READABLE).await.unwrap().is_readable());
        assert_eq!(one.peek_from(&mut buf[..4]).await.unwrap().0, 4);
        assert_eq!(one.recv_from(&mut buf).await.unwrap().0, 8, "the rest is given up");
        assert_eq!(one.try_recv_from(&mut buf).unwrap_err().kind(), ErrorKind::WouldBlock);
    });
}

#[test]
fn udp_each_datagram_is_one_tasks() {
    let _watch = watch();
    on_each(|| async {
        const COUNT: u8 = 200;
        let (server, client) = (Arc::new(udp().await), udp().await);
        let receivers: Vec<_> = (0..4)
            .map(|_| {
                let server = server.clone();
                task::spawn(async move {
                    let mut came = Vec::new();
                    loop {
                        let mut buf = [0; 1];
                        server.recv(&mut buf).await.unwrap();
                        match buf[0] {
                            u8::MAX => return came,
                            number => came.push(number),
                        }
                    }
                })
            })
            .collect();
        waiting(4).await;
        let to = server.local_addr().unwrap();
        for number in (0..COUNT).chain([u8::MAX; 4]) {
            client.send_to(&[number], to).await.unwrap();
        }
        let mut all = Vec::new();
        for receiver in receivers {
            all.extend(receiver.await.unwrap());
        }
        all.sort_unstable();
        assert_eq!(all, Vec::from_iter(0..COUNT));
    });
}

#[test]
fn udp_options_and_std() {
    let _watch = watch();
    on_each(|| async {
        let socket = udp().await;
        socket.set_broadcast(true).unwrap();
        assert!(socket.broadcast().unwrap());
        socket.set_ttl(9).unwrap();
        assert_eq!(socket.ttl().unwrap(), 9);
        assert!(socket.take_error().unwrap().is_none());
        let addr = socket.local_addr().unwrap();
        let std = socket.into_std().unwrap();
        let socket = UdpSocket::try_from(std).unwrap();
        assert_eq!(socket.local_addr().unwrap(), addr);
        assert!(socket.peer_addr().is_err());
    });
}
