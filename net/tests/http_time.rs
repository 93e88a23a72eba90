//! `http::serve` by the simulator's clock: its limits, to the millisecond, and its shutdown.
#![allow(missing_docs)]
#![cfg(all(unix, feature = "http"))]
#[path = "support/app.rs"]
mod app;
#[path = "support/pipe.rs"]
mod pipe;

use app::App;
use dormouse_executor::sim;
use dormouse_executor::task::{self, AbortHandle, JoinHandle};
use dormouse_executor::time::{Duration, Instant, sleep};
use dormouse_net::http::hyper::client::conn::http2;
use dormouse_net::http::hyper::service::service_fn;
use dormouse_net::http::hyper::{Request, Response, StatusCode};
use dormouse_net::http::{self, HttpService, Serve, Served};
use dormouse_net::hyper_rt::Executor;
use dormouse_testing::{Count, Gate, watch};
use http_body_util::{BodyExt, Empty};
use hyper::body::Bytes;
use pipe::{Door, Pipe, Pipes, listener};
use std::future::poll_fn;
use std::io;
use std::pin::Pin;

/// Runs `test` with many seeds.
fn simulated(test: impl AsyncFnMut()) {
    let _watch = watch();
    sim::Builder::new().explore(50, test);
}

struct Server {
    door: Door,
    app: App,
    shutdown: Gate,
    task: JoinHandle<io::Result<Served>>,
    _stop: Stop,
}

/// Ends a server that its test leaves running: the simulator sees that nothing of it stays.
struct Stop(AbortHandle);

impl Drop for Stop {
    fn drop(&mut self) {
        self.0.abort();
    }
}

/// A server whose limits are those of `set`.
fn start<S: HttpService>(
    app: App,
    service: S,
    set: impl FnOnce(Serve<Pipes, S>) -> Serve<Pipes, S>,
) -> Server {
    let ((door, pipes), shutdown) = (listener(), Gate::default());
    let serve = set(http::serve(pipes, service)).with_graceful_shutdown(shutdown.clone());
    let task = task::spawn(serve.into_future());
    Server { door, app, shutdown, _stop: Stop(task.abort_handle()), task }
}

macro_rules! start {
    ($set:expr) => {{
        let app = $crate::App::default();
        let handled = app.clone();
        $crate::start(app, $crate::service_fn(move |request| handled.clone().handle(request)), $set)
    }};
}

// After the macro, which they use.
#[path = "http_time/requests.rs"]
mod requests;
#[path = "http_time/shutdown.rs"]
mod shutdown;

impl Server {
    async fn end(self) -> Served {
        self.shutdown.open();
        self.task.await.unwrap().unwrap()
    }
}

/// Hears an answer that ends with `body`.
async fn answer(client: &Pipe, body: &str) -> String {
    let mut text = String::new();
    while !text.ends_with(body) {
        let more = client.hear().await;
        assert!(!more.is_empty(), "it ends after {text:?}");
        text += &more;
    }
    text
}

/// Waits until the connection is closed: how long that took. Nothing else may come.
async fn closed(client: &Pipe) -> Duration {
    let begin = Instant::now();
    assert_eq!(client.hear().await, "");
    begin.elapsed()
}

const HELLO: &str = "GET / HTTP/1.1\r\nhost: h\r\n\r\n";
const WAIT: &str = "GET /wait HTTP/1.1\r\nhost: h\r\n\r\n";

const fn ms(count: u64) -> Duration {
    Duration::from_millis(count)
}

const fn s(count: u64) -> Duration {
    Duration::from_secs(count)
}

fn post(path: &str, body: &str) -> String {
    format!("POST {path} HTTP/1.1\r\nhost: h\r\ncontent-length: {}\r\n\r\n{body}", body.len())
}

fn request(path: &str) -> Request<Empty<Bytes>> {
    Request::get(format!("http://h{path}")).body(Empty::new()).unwrap()
}

#[test]
fn a_client_that_says_nothing_is_closed() {
    simulated(async || {
        let server = start!(|serve| serve.header_read_timeout(ms(700)));
        assert_eq!(closed(&server.door.connect()).await, ms(700));
        let defaults = start!(|serve| serve);
        assert_eq!(closed(&defaults.door.connect()).await, s(30));
    });
}

#[test]
fn a_head_that_comes_slowly_is_closed() {
    simulated(async || {
        let server = start!(|serve| serve.header_read_timeout(ms(700)));
        for head in [HELLO, "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"] {
            let (client, begin) = (server.door.connect(), Instant::now());
            for at in 0..7 {
                client.say(&head[at..at + 1]).await;
                sleep(ms(100)).await;
            }
            closed(&client).await;
            assert_eq!(begin.elapsed(), ms(700));
        }
        assert_eq!(server.app.begun.get(), 0);
    });
}

#[test]
fn a_further_head_counts_from_its_first_byte() {
    simulated(async || {
        let server = start!(|serve| serve.header_read_timeout(ms(700)).idle_timeout(s(20)));
        let client = server.door.connect();
        for _ in 0..3 {
            client.say(HELLO).await;
            answer(&client, "hello").await;
            sleep(s(19)).await;
        }
        client.say("GET").await;
        assert_eq!(closed(&client).await, ms(700));
    });
}

#[test]
fn a_connection_that_is_kept_for_nothing_is_closed() {
    simulated(async || {
        for (server, limit) in
            [(start!(|serve| serve), s(60)), (start!(|serve| serve.idle_timeout(ms(800))), ms(800))]
        {
            let client = server.door.connect();
            for _ in 0..3 {
                client.say(HELLO).await;
                answer(&client, "hello").await;
                sleep(limit - ms(1)).await;
            }
            assert_eq!(closed(&client).await, ms(1));
        }
    });
}

#[test]
fn while_it_is_the_services_turn_nothing_is_limited() {
    simulated(async || {
        let server = start!(|serve| serve.header_read_timeout(ms(700)).idle_timeout(ms(800)));
        let client = server.door.connect();
        client.say(WAIT).await;
        sleep(s(1000)).await;
        server.app.gate.open();
        answer(&client, "at last").await;
        assert_eq!(closed(&client).await, ms(800));
    });
}

#[test]
fn without_limits_nothing_is_closed() {
    simulated(async || {
        let server = start!(|serve| serve.header_read_timeout(None).idle_timeout(Duration::MAX));
        let (silent, kept) = (server.door.connect(), server.door.connect());
        for _ in 0..3 {
            kept.say(HELLO).await;
            answer(&kept, "hello").await;
            sleep(s(1_000_000)).await;
        }
        silent.say(HELLO).await;
        answer(&silent, "hello").await;
    });
}

#[test]
fn a_connection_that_may_not_be_idle_waits_for_its_service_at_rest() {
    simulated(async || {
        let (gate, polls) = (Gate::default(), Count::new().0);
        let (opened, polled) = (gate.clone(), polls.clone());
        let service = service_fn(move |_| {
            let (mut gate, polled) = (gate.clone(), polled.clone());
            poll_fn(move |cx| {
                polled.add();
                Pin::new(&mut gate).poll(cx).map(|_| io::Result::Ok(Response::new(Empty::<Bytes>::new())))
            })
        });
        let server = start(App::default(), service, |serve| serve.idle_timeout(Duration::ZERO));
        let client = server.door.connect();
        client.say(HELLO).await;
        sleep(ms(100)).await;
        assert!(polls.get() <= 20, "{}", polls.get());
        opened.open();
        answer(&client, "\r\n\r\n").await;
        assert_eq!(closed(&client).await, ms(0));
    });
}

#[test]
fn a_client_that_does_not_read_is_closed() {
    simulated(async || {
        let server = start!(|serve| serve.idle_timeout(s(20)));
        let client = server.door.connect();
        client.say("GET /large?1000000 HTTP/1.1\r\nhost: h\r\n\r\n").await;
        // As long as it reads something, it is waited for.
        let mut heard = 0;
        for _ in 0..10 {
            sleep(s(19)).await;
            heard += client.hear().await.len();
        }
        sleep(s(21)).await;
        while let more @ 1.. = client.hear().await.len() {
            heard += more;
        }
        assert!(heard < 100_000, "{heard}");
        // Nobody is left.
        let begin = Instant::now();
        assert_eq!(server.end().await.cut_off, 0);
        assert!(begin.elapsed() < s(1));
    });
}

#[test]
fn a_connection_whose_only_request_was_taken_back_is_closed() {
    simulated(async || {
        let server = start!(|serve| serve.header_read_timeout(ms(700)).idle_timeout(s(20)));
        let (send, connection) = http2(&server).await;
        let mut asks = send.clone();
        let asking = task::spawn(async move { get(&mut asks, "/wait").await });
        sleep(s(1)).await;
        let begin = Instant::now();
        asking.abort();
        connection.await.unwrap();
        assert_eq!(begin.elapsed(), s(20));
        assert_eq!((server.app.begun.get(), server.app.ended.get()), (1, 1));
    });
}

async fn http2(server: &Server) -> (http2::SendRequest<Empty<Bytes>>, JoinHandle<()>) {
    let handshake = http2::handshake(Executor, server.door.connect());
    let (send, connection) = handshake.await.unwrap();
    (send, task::spawn(async move { drop(connection.await) }))
}

async fn get(send: &mut http2::SendRequest<Empty<Bytes>>, path: &str) -> (StatusCode, Bytes) {
    let request = Request::get(format!("http://h{path}")).body(Empty::new()).unwrap();
    let response = send.send_request(request).await.unwrap();
    (response.status(), response.into_body().collect().await.unwrap().to_bytes())
}

#[test]
fn http2_is_limited_too() {
    simulated(async || {
        let server = start!(|serve| serve.header_read_timeout(ms(700)).idle_timeout(s(20)));
        // One that makes no request.
        let (begin, (_send, connection)) = (Instant::now(), http2(&server).await);
        connection.await.unwrap();
        assert_eq!(begin.elapsed(), ms(700));
        // One that makes no more.
        let (mut send, connection) = http2(&server).await;
        for _ in 0..3 {
            assert_eq!(get(&mut send, "/").await.1, "hello");
            sleep(s(19)).await;
        }
        connection.await.unwrap();
        assert_eq!(begin.elapsed(), ms(700) + 3 * s(19) + s(1));
        // One whose request is with the service.
        let (mut send, connection) = http2(&server).await;
        let waiting = task::spawn(async move { get(&mut send, "/wait").await });
        sleep(s(1000)).await;
        server.app.gate.open();
        assert_eq!(waiting.await.unwrap().1, "at last");
        connection.await.unwrap();
    });
}

#[test]
fn one_version_may_be_all_that_is_spoken() {
    simulated(async || {
        let (old, new) =
            (start!(|serve| serve.http2_only().http1_only()), start!(|serve| serve.http2_only()));
        // However it comes.
        for pieces in [1, 5, 1000] {
            for (server, other) in [(&old, "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"), (&new, "PO")] {
                let client = server.door.connect();
                for piece in other.as_bytes().chunks(pieces) {
                    client.say(std::str::from_utf8(piece).unwrap()).await;
                }
                assert_eq!(closed(&client).await, ms(0));
            }
            let client = old.door.connect();
            for piece in post("/echo", "PRI").as_bytes().chunks(pieces) {
                client.say(std::str::from_utf8(piece).unwrap()).await;
            }
            answer(&client, "PRI").await;
            client.say(HELLO).await;
            answer(&client, "hello").await;
        }
        let (mut send, _connection) = http2(&new).await;
        for _ in 0..3 {
            assert_eq!(get(&mut send, "/").await.1, "hello");
        }
        assert_eq!((old.app.begun.get(), new.app.begun.get()), (6, 3));
    });
}
