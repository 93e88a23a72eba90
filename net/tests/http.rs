//! `http::serve` over sockets: plain ones as clients, and hyper's client for HTTP/2.
#![allow(missing_docs)]
#![cfg(all(unix, feature = "http"))]
#[path = "support/app.rs"]
mod app;
mod support;

use app::App;
use dormouse_executor::runtime::Runtime;
use dormouse_executor::task;
use dormouse_net::http::hyper::service::service_fn;
use dormouse_net::http::hyper::{Request, StatusCode};
use dormouse_net::http::{self, HttpService, Serve, Served};
use dormouse_net::{TcpListener, hyper_rt};
use dormouse_testing::{Gate, watch};
use http_body_util::{BodyExt, Full};
use hyper::body::Bytes;
use std::io::{Read, Write};
use std::net::{Shutdown, SocketAddr, TcpStream};
use std::thread::{self, JoinHandle};
use support::{bytes, runtimes};

/// A server on a runtime and a thread of its own.
struct Server {
    addr: SocketAddr,
    app: App,
    shutdown: Gate,
    thread: JoinHandle<(Runtime, Served)>,
}

/// With `set`tings of its own.
fn start_with<S: HttpService>(
    rt: Runtime,
    app: App,
    service: S,
    set: impl FnOnce(Serve<TcpListener, S>) -> Serve<TcpListener, S>,
) -> Server {
    let listener = rt.block_on(support::listener());
    let (addr, shutdown) = (listener.local_addr().unwrap(), Gate::default());
    let serve = set(http::serve(listener, service)).with_graceful_shutdown(shutdown.clone());
    let thread = thread::spawn(move || {
        // As a task, as in `#[main]`: what blocks this thread is relieved then.
        let served = rt.block_on(async { task::spawn(serve.into_future()).await.unwrap().unwrap() });
        (rt, served)
    });
    Server { addr, app, shutdown, thread }
}

macro_rules! start {
    ($rt:expr, $set:expr) => {{
        let app = $crate::App::default();
        let handled = app.clone();
        $crate::start_with($rt, app, $crate::service_fn(move |request| handled.clone().handle(request)), $set)
    }};
    ($rt:expr) => {
        start!($rt, |serve| serve)
    };
}

// After the macro, which they use.
#[path = "http/clients.rs"]
mod clients;
#[path = "http/services.rs"]
mod services;
#[path = "http/shutdown.rs"]
mod shutdown;

/// Tests with two workers: the clients are threads here.
fn threads() -> Runtime {
    let [_, threads, _] = runtimes();
    threads
}

impl Server {
    fn connect(&self) -> TcpStream {
        TcpStream::connect(self.addr).expect("it listens")
    }

    /// Shuts it down, and its runtime.
    fn end(self) -> Served {
        self.shutdown.open();
        self.thread.join().unwrap().1
    }
}

fn say(stream: &mut impl Write, text: &str) {
    stream.write_all(text.as_bytes()).expect("it is read");
}

/// Reads an answer: its head, and as much of a body as that says.
#[track_caller]
fn answer(stream: &mut impl Read) -> (String, Vec<u8>) {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        let mut byte = [0];
        stream.read_exact(&mut byte).expect("it is answered");
        head.push(byte[0]);
    }
    let head = String::from_utf8(head).unwrap();
    let len = head.lines().find_map(|line| line.strip_prefix("content-length: "));
    let mut body = vec![0; len.map_or(0, |len| len.parse().unwrap())];
    stream.read_exact(&mut body).expect("a body");
    (head, body)
}

/// Reads an answer whose status and body are these.
#[track_caller]
fn hear(stream: &mut impl Read, status: &str, body: &str) -> String {
    let (head, heard) = answer(stream);
    assert!(head.starts_with(&format!("HTTP/1.1 {status} ")), "{head}");
    assert_eq!(String::from_utf8_lossy(&heard), body);
    head
}

/// Reads the end.
#[track_caller]
fn ended(stream: &mut impl Read) {
    assert_eq!(stream.read(&mut [0; 1]).expect("a clean end"), 0);
}

fn get(path: &str) -> String {
    format!("GET {path} HTTP/1.1\r\nhost: h\r\n\r\n")
}

fn post(path: &str, body: &str) -> String {
    format!("POST {path} HTTP/1.1\r\nhost: h\r\ncontent-length: {}\r\n\r\n{body}", body.len())
}

#[test]
fn a_connection_is_kept_and_requests_may_come_together() {
    let _watch = watch();
    for rt in runtimes() {
        let server = start!(rt);
        let mut client = server.connect();
        for _ in 0..3 {
            say(&mut client, &get("/"));
            hear(&mut client, "200", "hello");
        }
        say(
            &mut client,
            &(post("/echo", "one") + &post("/echo", "") + &post("/echo", "three") + &get("/none")),
        );
        hear(&mut client, "200", "one");
        hear(&mut client, "200", "");
        hear(&mut client, "200", "three");
        hear(&mut client, "404", "");
        say(&mut client, "GET / HTTP/1.0\r\n\r\n");
        let (head, body) = answer(&mut client);
        assert!(head.starts_with("HTTP/1.0 200 ") && body == b"hello", "{head}");
        ended(&mut client);
        let served = server.end();
        assert_eq!((served.connections, served.cut_off), (1, 0));
    }
}

#[test]
fn garbage_is_answered_with_400_or_closed() {
    let _watch = watch();
    let server = start!(threads());
    let mut client = server.connect();
    say(&mut client, "what is this?\r\n\r\n");
    hear(&mut client, "400", "");
    ended(&mut client);
    for garbage in
        [&b""[..], b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\nnone of its frames", &[0; 100], &[0xff; 100_000]]
    {
        let mut client = server.connect();
        // It may be closed before all is said.
        let _ = client.write_all(garbage).and_then(|()| client.shutdown(Shutdown::Write));
        let _ = client.read_to_end(&mut Vec::new());
    }
    assert_eq!(server.app.begun.get(), 0);
    server.end();
}

#[test]
fn http2_by_prior_knowledge() {
    let _watch = watch();
    for rt in runtimes() {
        let server = start!(rt);
        let addr = server.addr;
        threads().block_on(async {
            let stream = dormouse_net::TcpStream::connect(addr).await.unwrap();
            let handshake = hyper::client::conn::http2::handshake(hyper_rt::Executor, stream);
            let (send, connection) = handshake.await.unwrap();
            let connection = task::spawn(connection);
            let requests: Vec<_> = (0..100)
                .map(|number: usize| {
                    let mut send = send.clone();
                    task::spawn(async move {
                        let sent = bytes(number, number * 1000);
                        let request =
                            Request::post("http://h/echo").body(Full::<Bytes>::from(sent.clone())).unwrap();
                        let response = send.send_request(request).await.unwrap();
                        assert_eq!(response.status(), StatusCode::OK);
                        assert!(response.into_body().collect().await.unwrap().to_bytes() == sent);
                    })
                })
                .collect();
            for request in requests {
                request.await.unwrap();
            }
            drop(send);
            connection.await.unwrap().unwrap();
        });
        assert_eq!(server.app.begun.get(), 100);
        assert_eq!(server.end().connections, 1);
    }
}

#[test]
fn bodies_larger_than_all_buffers() {
    const LEN: usize = 20 << 20;
    let _watch = watch();
    for rt in runtimes() {
        let server = start!(rt);
        let mut client = server.connect();
        let mut writer = client.try_clone().unwrap();
        let sent = bytes(7, LEN);
        let copy = sent.clone();
        let writing = thread::spawn(move || {
            say(&mut writer, &format!("POST /echo HTTP/1.1\r\nhost: h\r\ncontent-length: {LEN}\r\n\r\n"));
            writer.write_all(&copy).expect("it is read");
        });
        let (head, body) = answer(&mut client);
        assert!(head.starts_with("HTTP/1.1 200 ") && body == sent, "{head}, {} bytes", body.len());
        writing.join().unwrap();
        server.end();
    }
}
