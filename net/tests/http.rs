//! `http::serve` over sockets: plain ones as clients, and hyper's client for HTTP/2.
#![allow(missing_docs)]
#![cfg(all(unix, feature = "http"))]
#[path = "support/app.rs"]
mod app;
mod support;

use app::{App, BoxError, ON_PURPOSE, Text};
use dormouse_executor::runtime::Runtime;
use dormouse_executor::task;
use dormouse_net::http::hyper::service::service_fn;
use dormouse_net::http::hyper::{Request, Response, StatusCode};
use dormouse_net::http::{self, HttpService, Serve, Served};
use dormouse_net::{TcpListener, UnixListener, hyper_rt};
use dormouse_testing::{Count, Gate, Wall, hide_panics, until, watch, watch_for};
use http_body_util::{BodyExt, Full};
use hyper::body::{Bytes, Incoming};
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use std::io::{Read, Write};
use std::net::{Shutdown, SocketAddr, TcpStream};
use std::os::unix::net::UnixStream;
use std::sync::{Arc, RwLock};
use std::task::{Context, Poll};
use std::thread::{self, JoinHandle};
use std::time::Duration;
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
        let app = App::default();
        let handled = app.clone();
        start_with($rt, app, service_fn(move |request| handled.clone().handle(request)), $set)
    }};
    ($rt:expr) => {
        start!($rt, |serve| serve)
    };
}

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

const UPGRADE: &str = "GET /upgrade HTTP/1.1\r\nhost: h\r\nconnection: upgrade\r\nupgrade: echo\r\n\r\n";

/// A connection that is upgraded: what is said comes back.
fn upgraded(server: &Server) -> TcpStream {
    let mut client = server.connect();
    say(&mut client, &(UPGRADE.to_owned() + "first")); // together
    hear(&mut client, "101", "");
    hear_text(&mut client, "first");
    say(&mut client, "second");
    hear_text(&mut client, "second");
    client
}

#[track_caller]
fn hear_text(stream: &mut impl Read, text: &str) {
    let mut heard = vec![0; text.len()];
    stream.read_exact(&mut heard).expect("it is told");
    assert_eq!(String::from_utf8_lossy(&heard), text);
}

#[test]
fn an_upgraded_connection_counts_as_long_as_it_is_held() {
    let _watch = watch();
    for rt in runtimes() {
        let server = start!(rt, |serve| serve.max_connections(1));
        let mut client = upgraded(&server);
        let mut next = server.connect();
        say(&mut next, &get("/"));
        // Time for a server that takes it to be found out.
        for _ in 0..100 {
            say(&mut client, "ping");
            hear_text(&mut client, "ping");
        }
        assert_eq!(server.app.begun.get(), 1);
        drop(client);
        hear(&mut next, "200", "hello");
        drop(next);
        // The shutdown waits for it too.
        let mut client = upgraded(&server);
        server.shutdown.open();
        until(|| TcpStream::connect(server.addr).is_err());
        say(&mut client, "still here");
        hear_text(&mut client, "still here");
        drop(client);
        assert_eq!(server.end().cut_off, 0);
    }
}

#[test]
fn an_upgraded_connection_is_cut_off_in_the_books_only() {
    let _watch = watch();
    let server = start!(threads(), |serve| serve.shutdown_deadline(Duration::from_millis(1)));
    let mut client = upgraded(&server);
    server.shutdown.open();
    let (_rt, served) = server.thread.join().unwrap();
    assert_eq!((served.connections, served.cut_off), (1, 1));
    say(&mut client, "still here");
    hear_text(&mut client, "still here");
}

#[test]
fn slow_clients_are_closed_by_the_wall_clock_too() {
    let _watch = watch();
    let limit = Duration::from_millis(20);
    // However long the client takes to ask.
    for rt in runtimes() {
        let server = start!(rt, |serve| serve.header_read_timeout(None).idle_timeout(limit));
        let mut kept = server.connect();
        say(&mut kept, &get("/"));
        hear(&mut kept, "200", "hello");
        ended(&mut kept);
        assert_eq!(server.end().cut_off, 0);
    }
    for rt in runtimes() {
        let server = start!(rt, |serve| serve.header_read_timeout(limit));
        let (mut silent, mut slow) = (server.connect(), server.connect());
        // (It may be closed before this is said.)
        let _ = slow.write_all(b"GET / HTTP/1.1\r\nx: ");
        let dripping = {
            let mut slow = slow.try_clone().unwrap();
            thread::spawn(move || {
                while slow.write_all(b"y").is_ok() {
                    thread::sleep(Duration::from_millis(1));
                }
            })
        };
        ended(&mut silent);
        // (Reset, if it has sent more since.)
        let _ = slow.read_to_end(&mut Vec::new());
        dripping.join().unwrap();
        assert_eq!(server.app.begun.get(), 0);
        assert_eq!(server.end().cut_off, 0);
    }
}

#[test]
fn a_client_that_does_not_read_is_closed() {
    let _watch = watch();
    let server = start!(threads(), |serve| serve.idle_timeout(Duration::from_millis(50)));
    let mut client = server.connect();
    say(&mut client, &get("/large?100000000"));
    // Its handler is done at once; its connection ends without the deadline.
    assert_eq!(server.end().cut_off, 0);
    let mut heard = Vec::new();
    let _ = client.read_to_end(&mut heard);
    assert!(heard.len() < 100_000_000);
}

#[test]
fn a_shutdown_loses_no_request() {
    let _watch = watch();
    for rt in runtimes() {
        let server = start!(rt, |serve| serve.max_connections(1).shutdown_deadline(None));
        let mut open = server.connect();
        say(&mut open, &get("/wait"));
        until(|| server.app.begun.get() == 1);
        // The system has these; the server has not.
        let mut queued: Vec<_> = (0..10).map(|_| server.connect()).collect();
        for client in &mut queued {
            say(client, &get("/wait"));
        }
        server.shutdown.open();
        until(|| TcpStream::connect(server.addr).is_err());
        assert!(!server.thread.is_finished());
        server.app.gate.open();
        for client in [&mut open].into_iter().chain(&mut queued) {
            let head = hear(client, "200", "at last");
            assert!(head.contains("\r\nconnection: close\r\n"), "{head}");
            ended(client);
        }
        assert_eq!(server.end().cut_off, 0);
    }
}

/// Of requests that were made before the shutdown; what comes within the moment after it is tested by the simulator's clock.
#[test]
fn a_shutdown_under_load_loses_no_request() {
    const CLIENTS: usize = 8;
    let _watch = watch_for(Duration::from_secs(120));
    for kept in [true, false] {
        let server = start!(threads(), |serve| serve.shutdown_deadline(None));
        let addr = server.addr;
        // Is it over? Held from then on until the request is made.
        let over = Arc::new(RwLock::new(false));
        let clients: Vec<_> = (0..CLIENTS)
            .map(|_| {
                let over = over.clone();
                thread::spawn(move || {
                    let mut last = None;
                    for made in 0.. {
                        let now = over.read().unwrap();
                        if *now {
                            return made;
                        }
                        let mut client =
                            last.take().unwrap_or_else(|| TcpStream::connect(addr).expect("it listens"));
                        say(&mut client, &get("/"));
                        drop(now);
                        hear(&mut client, "200", "hello");
                        last = kept.then_some(client);
                    }
                    unreachable!("it is over before")
                })
            })
            .collect();
        let begun = server.app.begun.clone();
        until(|| begun.get() >= 2000);
        *over.write().unwrap() = true;
        let served = server.end();
        assert_eq!(served.cut_off, 0);
        let made: u64 = clients.into_iter().map(|client| client.join().expect("all are answered")).sum();
        assert_eq!(begun.get() as u64, made);
    }
}

#[test]
fn each_request_is_told_of_its_connection() {
    let _watch = watch();
    #[derive(Clone)]
    struct Peer(SocketAddr);
    for rt in runtimes() {
        let who = service_fn(async |request: Request<Incoming>| {
            let Peer(addr) = request.extensions().get().expect("it is told");
            Ok::<_, BoxError>(Response::new(Full::<Bytes>::from(addr.to_string())))
        });
        let server = start_with(rt, App::default(), who, |serve| {
            serve.with_connect_info(|stream: &dormouse_net::TcpStream| stream.peer_addr().map(Peer))
        });
        let mut clients = [server.connect(), server.connect()];
        for _ in 0..2 {
            for client in &mut clients {
                say(client, &get("/"));
                let own = client.local_addr().unwrap().to_string();
                hear(client, "200", &own);
            }
        }
        let addr = server.addr;
        threads().block_on(async {
            let stream = dormouse_net::TcpStream::connect(addr).await.unwrap();
            let own = stream.local_addr().unwrap().to_string();
            let handshake = hyper::client::conn::http2::handshake(hyper_rt::Executor, stream);
            let (mut send, connection) = handshake.await.unwrap();
            task::go(async move { drop(connection.await) });
            for _ in 0..2 {
                let request = Request::get("http://h/").body(Full::<Bytes>::default()).unwrap();
                let body = send.send_request(request).await.unwrap().into_body();
                assert_eq!(body.collect().await.unwrap().to_bytes(), own);
            }
        });
        server.end();
    }
}

#[test]
fn a_connection_of_which_nothing_can_be_told_is_closed() {
    let _watch = watch();
    let app = App::default();
    let handled = app.clone();
    let asked = Count::new().0;
    let asks = asked.clone();
    let server =
        start_with(threads(), app, service_fn(move |request| handled.clone().handle(request)), |serve| {
            serve.with_connect_info(move |_| {
                asks.add();
                match asks.get() {
                    1 => Err(std::io::Error::other("on purpose")),
                    2 => std::panic::panic_any(ON_PURPOSE),
                    _ => Ok(()),
                }
            })
        });
    hide_panics(ON_PURPOSE);
    for _ in 0..2 {
        ended(&mut server.connect());
    }
    let mut client = server.connect();
    say(&mut client, &get("/"));
    hear(&mut client, "200", "hello");
    assert_eq!(server.end().connections, 3);
}

/// As one that the system's service manager keeps for the next start of the program.
#[test]
fn a_listener_that_others_have_too_takes_connections_after_the_shutdown() {
    let _watch = watch();
    let others = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let (addr, ours) = (others.local_addr().unwrap(), others.try_clone().unwrap());
    let mut first = TcpStream::connect(addr).unwrap();
    say(&mut first, &get("/"));
    let served = threads().block_on(async {
        let app = App::default();
        let service = service_fn(move |request| app.clone().handle(request));
        let listener = TcpListener::from_std(ours).unwrap();
        http::serve(listener, service).with_graceful_shutdown(std::future::ready(())).await.unwrap()
    });
    assert_eq!((served.connections, served.cut_off), (1, 0));
    hear(&mut first, "200", "hello");
    let next = TcpStream::connect(addr).unwrap();
    others.set_nonblocking(false).unwrap();
    assert_eq!(others.accept().unwrap().1, next.local_addr().unwrap());
}

#[test]
fn at_the_deadline_the_rest_is_dropped() {
    let _watch = watch();
    for rt in runtimes() {
        let server = start!(rt, |serve| serve.shutdown_deadline(Duration::from_millis(20)));
        let mut client = server.connect();
        say(&mut client, &get("/wait"));
        until(|| server.app.begun.get() == 1);
        let ended_handlers = server.app.ended.clone();
        let served = server.end();
        assert_eq!((served.connections, served.cut_off), (1, 1));
        assert_eq!(ended_handlers.get(), 1);
        ended(&mut client);
    }
}

#[test]
fn a_service_that_panics_answers_500_and_goes_on() {
    let _watch = watch();
    hide_panics(ON_PURPOSE);
    for rt in runtimes() {
        let server = start!(rt);
        let mut client = server.connect();
        for _ in 0..3 {
            say(&mut client, &get("/panic"));
            hear(&mut client, "500", "");
            say(&mut client, &get("/"));
            hear(&mut client, "200", "hello");
        }
        // What cannot be answered ends its connection.
        for path in ["/body-panic", "/error"] {
            let mut failing = server.connect();
            say(&mut failing, &get(path));
            let _ = failing.read_to_end(&mut Vec::new());
        }
        say(&mut client, &get("/"));
        hear(&mut client, "200", "hello");
        assert_eq!(server.end().cut_off, 0);
    }
}

#[test]
fn a_call_that_panics_is_answered_too() {
    let _watch = watch();
    hide_panics(ON_PURPOSE);
    type Answer = std::future::Ready<Result<Response<Text>, BoxError>>;
    let service = service_fn(|_: Request<Incoming>| -> Answer { std::panic::panic_any(ON_PURPOSE) });
    let server = start_with(threads(), App::default(), service, |serve| serve);
    let mut client = server.connect();
    say(&mut client, &get("/"));
    hear(&mut client, "500", "");
    server.end();
}

/// Lets this process have as many descriptors as it may.
fn many_descriptors() -> u64 {
    let limit = getrlimit(Resource::Nofile);
    setrlimit(Resource::Nofile, Rlimit { current: limit.maximum, maximum: limit.maximum }).unwrap();
    limit.maximum.unwrap_or(u64::MAX)
}

#[test]
fn a_thousand_connections_at_once() {
    const CLIENTS: usize = 1000;
    let _watch = watch_for(Duration::from_secs(120));
    assert!(many_descriptors() > 2 * CLIENTS as u64 + 100, "too few descriptors for this test");
    for rt in runtimes() {
        let server = start!(rt);
        let mut clients: Vec<_> = (0..CLIENTS).map(|_| server.connect()).collect();
        for _ in 0..3 {
            for (number, client) in clients.iter_mut().enumerate() {
                say(client, &post("/echo", &format!("{number}")));
            }
            for (number, client) in clients.iter_mut().enumerate() {
                hear(client, "200", &format!("{number}"));
            }
        }
        let served = server.end();
        assert_eq!((served.connections, served.cut_off), (CLIENTS as u64, 0));
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

#[test]
fn a_client_that_resets_in_the_middle_of_a_body() {
    let _watch = watch();
    for rt in runtimes() {
        let server = start!(rt);
        for round in 1..=10 {
            let mut client = server.connect();
            say(&mut client, "POST /echo HTTP/1.1\r\nhost: h\r\ncontent-length: 100000\r\n\r\n");
            say(&mut client, &"x".repeat(50_000));
            until(|| server.app.begun.get() == round);
            let linger = socket2::SockRef::from(&client).set_linger(Some(Duration::ZERO));
            linger.expect("it is open");
            drop(client);
            // The handler is told.
            until(|| server.app.ended.get() == round);
        }
        let mut client = server.connect();
        say(&mut client, &get("/"));
        hear(&mut client, "200", "hello");
        assert_eq!(server.end().cut_off, 0);
    }
}

#[test]
fn a_client_that_goes_away_ends_its_handler() {
    let _watch = watch();
    for rt in runtimes() {
        let server = start!(rt);
        for (round, how) in [(1, Shutdown::Both), (2, Shutdown::Write)] {
            let mut client = server.connect();
            say(&mut client, &get("/wait"));
            until(|| server.app.begun.get() == round);
            client.shutdown(how).expect("it is open");
            until(|| server.app.ended.get() == round);
            ended(&mut client);
        }
        assert_eq!(server.end().cut_off, 0);
    }
}

#[test]
fn a_handler_that_blocks_its_thread_does_not_stop_the_others() {
    let _watch = watch();
    let wall = Wall::default();
    let handler = {
        let wall = wall.clone();
        move |request: Request<Incoming>| {
            let wall = wall.clone();
            async move {
                if request.uri().path() == "/block" {
                    wall.block();
                }
                Ok::<_, BoxError>(Response::new(Text::Whole(Full::from("hello"))))
            }
        }
    };
    let server = start_with(threads(), App::default(), service_fn(handler), |serve| serve);
    let mut blocking: Vec<_> = (0..5).map(|_| server.connect()).collect();
    for client in &mut blocking {
        say(client, &get("/block"));
    }
    until(|| wall.blocked() == 5);
    let mut client = server.connect();
    say(&mut client, &get("/"));
    hear(&mut client, "200", "hello");
    wall.open();
    for client in &mut blocking {
        hear(client, "200", "hello");
    }
    assert_eq!(server.end().cut_off, 0);
}

/// As axum's router and the stacks of tower are: `Clone`, and called by `&mut`.
#[derive(Clone)]
struct Tower(App);

impl tower_service::Service<Request<Incoming>> for Tower {
    type Response = Response<Text>;
    type Error = BoxError;
    type Future = std::pin::Pin<Box<dyn Future<Output = Result<Response<Text>, BoxError>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<Incoming>) -> Self::Future {
        Box::pin(self.0.clone().handle(request))
    }
}

#[test]
fn a_service_of_tower_on_a_unix_socket() {
    let _watch = watch();
    for (number, rt) in runtimes().into_iter().enumerate() {
        let path = std::env::temp_dir().join(format!("dormouse-http-{}-{number}", std::process::id()));
        let (app, shutdown) = (App::default(), Gate::default());
        let thread = {
            let (path, app, shutdown) = (path.clone(), app.clone(), shutdown.clone());
            thread::spawn(move || {
                rt.block_on(async {
                    let listener = UnixListener::bind(path).unwrap();
                    http::serve(listener, Tower(app))
                        .with_graceful_shutdown(shutdown)
                        .max_connections(1)
                        .await
                })
            })
        };
        until(|| path.exists());
        let mut open = UnixStream::connect(&path).unwrap();
        say(&mut open, &get("/wait"));
        until(|| app.begun.get() == 1);
        let mut queued = UnixStream::connect(&path).unwrap();
        say(&mut queued, &get("/"));
        shutdown.open();
        until(|| UnixStream::connect(&path).is_err());
        app.gate.open();
        hear(&mut open, "200", "at last");
        hear(&mut queued, "200", "hello");
        assert_eq!(thread.join().unwrap().unwrap().cut_off, 0);
        std::fs::remove_file(path).unwrap();
    }
}

#[test]
fn no_connections_at_all_are_refused_as_a_limit() {
    let _watch = watch();
    let rt = threads();
    let listener = rt.block_on(support::listener());
    let said = dormouse_testing::panics(|| http::serve(listener, Tower(App::default())).max_connections(0));
    assert_eq!(said, "dormouse: a server with `max_connections(0)` would serve nobody");
}
