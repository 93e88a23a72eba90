//! tokio's and hyper's I/O traits, by the features `tokio-io` and `hyper`.
#![allow(missing_docs)]
#![cfg(all(unix, any(feature = "tokio-io", feature = "hyper")))]
mod support;

use dormouse_testing::watch;
use support::{bytes, on_each, pair};

#[cfg(feature = "tokio-io")]
#[test]
fn tokios_copy_through_halves_conserves_bytes() {
    use dormouse_executor::task;
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    let _watch = watch();
    on_each(|| async {
        const LEN: usize = 1 << 20;
        let (client, server) = pair().await;
        let echo = task::spawn(async move {
            let (mut read, mut write) = server.into_split();
            let count = tokio::io::copy(&mut read, &mut write).await.unwrap();
            write.shutdown().await.unwrap();
            count
        });
        let (mut read, mut write) = client.into_split();
        let writer = task::spawn(async move {
            write.write_all(&bytes(0, LEN)).await.unwrap();
            write.shutdown().await.unwrap();
        });
        // (Into memory that was never written.)
        let mut came = Vec::new();
        read.read_to_end(&mut came).await.unwrap();
        assert!(came == bytes(0, LEN));
        writer.await.unwrap();
        assert_eq!(echo.await.unwrap(), LEN as u64);
    });
}

#[cfg(feature = "hyper")]
#[test]
fn hypers_reads_and_writes() {
    use hyper::rt::{Read, ReadBuf, Write};
    use std::future::poll_fn;
    use std::pin::Pin;
    let _watch = watch();
    on_each(|| async {
        let (mut client, mut server) = pair().await;
        assert!(client.is_write_vectored());
        let sent = poll_fn(|cx| Write::poll_write(Pin::new(&mut client), cx, &bytes(0, 9))).await.unwrap();
        assert_eq!(sent, 9);
        poll_fn(|cx| Write::poll_shutdown(Pin::new(&mut client), cx)).await.unwrap();
        let mut memory = [std::mem::MaybeUninit::uninit(); 64];
        let mut buf = ReadBuf::uninit(&mut memory);
        let mut len = 0;
        loop {
            poll_fn(|cx| Read::poll_read(Pin::new(&mut server), cx, buf.unfilled())).await.unwrap();
            if buf.filled().len() == len {
                break;
            }
            len = buf.filled().len();
        }
        assert_eq!(buf.filled(), bytes(0, 9));
    });
}

#[cfg(feature = "hyper")]
#[test]
fn hypers_server_and_client_over_our_sockets() {
    use dormouse_executor::task;
    use dormouse_net::{TcpStream, hyper_rt};
    use http_body_util::{BodyExt, Full};
    use hyper::body::{Bytes, Incoming};
    use hyper::service::service_fn;
    use hyper::{Request, Response};
    use support::listener;
    let _watch = watch();
    on_each(|| async {
        let listener = listener().await;
        let addr = listener.local_addr().unwrap();
        let server = task::spawn(async move {
            let (stream, _) = listener.accept().await.unwrap();
            let echo = service_fn(async |request: Request<Incoming>| {
                let body = request.into_body().collect().await?.to_bytes();
                hyper::Result::Ok(Response::new(Full::new(body)))
            });
            let mut builder = hyper::server::conn::http1::Builder::new();
            builder.timer(hyper_rt::Timer).serve_connection(stream, echo).await.unwrap();
        });
        let stream = TcpStream::connect(addr).await.unwrap();
        let (mut send, connection) = hyper::client::conn::http1::handshake(stream).await.unwrap();
        let connection = task::spawn(connection);
        for len in [0, 5, 300_000] {
            // (It may not have seen yet that the request before is done.)
            send.ready().await.unwrap();
            let body = Full::new(Bytes::from(bytes(len, len)));
            let response = send.send_request(Request::post("/").body(body).unwrap()).await.unwrap();
            assert_eq!(response.status(), 200);
            assert!(response.into_body().collect().await.unwrap().to_bytes() == bytes(len, len));
        }
        drop(send);
        connection.await.unwrap().unwrap();
        server.await.unwrap();
    });
}

#[cfg(feature = "hyper")]
#[test]
fn hypers_timer_and_executor() {
    use dormouse_net::hyper_rt;
    use hyper::rt::{Executor, Timer};
    use std::time::{Duration, Instant};
    let _watch = watch();
    on_each(|| async {
        let begin = Instant::now();
        hyper_rt::Timer.sleep(Duration::from_millis(2)).await;
        assert!(begin.elapsed() >= Duration::from_millis(2));
        let mut sleep = hyper_rt::Timer.sleep(Duration::from_secs(3600));
        hyper_rt::Timer.reset(&mut sleep, Instant::now() + Duration::from_millis(1));
        sleep.await;
        let (tell, told) = futures::channel::oneshot::channel();
        hyper_rt::Executor.execute(async move { tell.send(7).unwrap() });
        assert_eq!(told.await, Ok(7));
        assert!(hyper_rt::Timer.now() >= begin);
    });
}

#[cfg(feature = "tokio-io")]
#[test]
fn tokios_traits_of_pipes_in_memory() {
    use dormouse_net::io::duplex;
    use tokio::io::{AsyncReadExt, AsyncWriteExt, copy_bidirectional};
    let _watch = watch();
    on_each(|| async {
        let ((mut client, mut inside), (mut outside, mut server)) = (duplex(10), duplex(1000));
        let (proxied, (), ()) = futures::join!(
            copy_bidirectional(&mut inside, &mut outside),
            async {
                client.write_all(&bytes(0, 5000)).await.unwrap();
                client.shutdown().await.unwrap();
            },
            async {
                let mut came = Vec::new();
                server.read_to_end(&mut came).await.unwrap();
                assert!(came == bytes(0, 5000));
                server.write_all(b"done").await.unwrap();
                server.shutdown().await.unwrap();
            },
        );
        assert_eq!(proxied.unwrap(), (5000, 4));
        let mut text = String::new();
        client.read_to_string(&mut text).await.unwrap();
        assert_eq!(text, "done");
    });
}

#[cfg(feature = "tokio-io")]
#[test]
fn tokios_traits_of_files() {
    use dormouse_net::fs::{self, File};
    use std::io::SeekFrom;
    use tokio::io::{AsyncReadExt, AsyncSeekExt, AsyncWriteExt};
    let _watch = watch();
    let dir = support::TempDir::new("dialects");
    let path = dir.path("file");
    on_each(|| async {
        let _ = fs::remove_file(&path).await;
        let mut file = File::create_new(&path).await.unwrap();
        file.write_all(&bytes(0, 300_000)).await.unwrap();
        assert_eq!(file.seek(SeekFrom::Current(-100_000)).await.unwrap(), 200_000);
        let mut came = Vec::new();
        (&mut file).take(50_000).read_to_end(&mut came).await.unwrap();
        assert_eq!(file.stream_position().await.unwrap(), 250_000);
        file.read_to_end(&mut came).await.unwrap();
        assert!(came == bytes(200_000, 100_000));
        file.shutdown().await.unwrap();
    });
}

#[cfg(feature = "hyper")]
#[test]
fn hypers_server_and_client_in_a_simulated_run() {
    use dormouse_executor::{sim, task};
    use dormouse_net::{hyper_rt, io};
    use http_body_util::{BodyExt, Full};
    use hyper::body::{Bytes, Incoming};
    use hyper::service::service_fn;
    use hyper::{Request, Response};
    let _watch = watch();
    sim::explore(20, async || {
        let (client, server) = io::duplex(1024);
        let server = task::spawn(async move {
            let echo = service_fn(async |request: Request<Incoming>| {
                let body = request.into_body().collect().await?.to_bytes();
                hyper::Result::Ok(Response::new(Full::new(body)))
            });
            let mut builder = hyper::server::conn::http1::Builder::new();
            builder.timer(hyper_rt::Timer).serve_connection(server, echo).await.unwrap();
        });
        let (mut send, connection) = hyper::client::conn::http1::handshake(client).await.unwrap();
        let connection = task::spawn(connection);
        let body = Full::new(Bytes::from(bytes(0, 5000)));
        let response = send.send_request(Request::post("/").body(body).unwrap()).await.unwrap();
        assert!(response.into_body().collect().await.unwrap().to_bytes() == bytes(0, 5000));
        drop(send);
        connection.await.unwrap().unwrap();
        server.await.unwrap();
    });
}

#[cfg(feature = "tokio-io")]
#[test]
fn a_childs_pipes_by_tokios_traits() {
    use dormouse_net::process::{Command, Stdio};
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    let _watch = watch();
    on_each(|| async {
        const LEN: usize = 300_000;
        let mut cat = Command::new("cat").stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
        let (mut stdin, mut stdout) = (cat.stdin.take().unwrap(), cat.stdout.take().unwrap());
        let writer = dormouse_executor::task::spawn(async move {
            stdin.write_all(&bytes(3, LEN)).await.unwrap();
            stdin.shutdown().await.unwrap();
            stdin
        });
        // (Into memory that was never written.)
        let mut came = Vec::new();
        stdout.read_to_end(&mut came).await.unwrap();
        assert!(came == bytes(3, LEN));
        drop(writer.await.unwrap());
        assert!(cat.wait().await.unwrap().success());
    });
}
