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
use hyper::body::{Body, Bytes, Frame};
use pipe::{Door, Pipe, Pipes, listener};
use std::convert::Infallible;
use std::future::poll_fn;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};

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
        let app = App::default();
        let handled = app.clone();
        start(app, service_fn(move |request| handled.clone().handle(request)), $set)
    }};
}

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
fn at_shutdown_a_request_that_is_on_its_way_is_answered() {
    simulated(async || {
        let server = start!(|serve| serve);
        let (kept, new, quiet) = (server.door.connect(), server.door.connect(), server.door.connect());
        kept.say(HELLO).await;
        assert!(!answer(&kept, "hello").await.contains("close"));
        sleep(s(1)).await;
        server.shutdown.open();
        sleep(ms(299)).await;
        for client in [&kept, &new] {
            client.say(HELLO).await;
            assert!(answer(client, "hello").await.contains("\r\nconnection: close\r\n"));
            assert_eq!(closed(client).await, ms(0));
        }
        assert_eq!(closed(&quiet).await, ms(1));
        assert!(server.door.is_closed());
        let served = server.end().await;
        assert_eq!((served.connections, served.cut_off), (3, 0));
    });
}

#[test]
fn at_shutdown_those_who_are_about_to_be_connected_are_served() {
    simulated(async || {
        let ((door, mut pipes), app) = (listener(), App::default());
        pipes.refuses = true; // nobody new; who was there comes through
        let service = service_fn(move |request| app.clone().handle(request));
        let (shutdown, begin) = (Gate::default(), Instant::now());
        let task =
            task::spawn(http::serve(pipes, service).with_graceful_shutdown(shutdown.clone()).into_future());
        shutdown.open();
        sleep(ms(299)).await;
        let client = door.connect();
        client.say(HELLO).await;
        assert!(answer(&client, "hello").await.contains("\r\nconnection: close\r\n"));
        assert_eq!(task.await.unwrap().unwrap().connections, 1);
        assert_eq!(begin.elapsed(), ms(300));
        assert!(door.is_closed());
    });
}

#[test]
fn at_shutdown_a_request_that_has_begun_is_answered() {
    simulated(async || {
        let server = start!(|serve| serve);
        let (head, waits) = (server.door.connect(), server.door.connect());
        waits.say(WAIT).await;
        head.say("GET").await;
        let (mut send, connection) = http2(&server).await;
        let mut more = send.clone();
        assert_eq!(get(&mut send, "/").await.1, "hello");
        let stream = task::spawn(async move { get(&mut send, "/wait").await });
        sleep(s(1)).await;
        server.shutdown.open();
        sleep(s(20)).await;
        // (HTTP/2 takes no more.)
        more.send_request(request("/")).await.unwrap_err();
        head.say(&HELLO[3..]).await;
        assert!(answer(&head, "hello").await.contains("\r\nconnection: close\r\n"));
        server.app.gate.open();
        assert!(answer(&waits, "at last").await.contains("\r\nconnection: close\r\n"));
        assert_eq!(closed(&waits).await, ms(0));
        assert_eq!(stream.await.unwrap().1, "at last");
        connection.await.unwrap();
        assert_eq!(server.end().await.cut_off, 0);
    });
}

#[test]
fn at_shutdown_an_http2_client_without_a_request_is_told_to_go() {
    simulated(async || {
        let server = start!(|serve| serve.header_read_timeout(None).shutdown_deadline(None));
        let (_send, connection) = http2(&server).await;
        sleep(s(1)).await;
        let begin = Instant::now();
        let served = server.end().await;
        assert_eq!((served.connections, served.cut_off), (1, 0));
        assert!(begin.elapsed() < s(1));
        connection.await.unwrap();
    });
}

#[test]
fn at_the_deadline_the_rest_is_dropped() {
    simulated(async || {
        let set = |limit| move |serve: Serve<Pipes, _>| serve.shutdown_deadline(limit);
        for limit in [s(5), ms(50)] {
            let app = App::default();
            let handled = app.clone();
            let service = service_fn(move |request| handled.clone().handle(request));
            let server = start(app, service, set(limit));
            let (waits, begins, done) = (server.door.connect(), server.door.connect(), server.door.connect());
            waits.say(WAIT).await;
            begins.say("GET").await;
            done.say(HELLO).await;
            answer(&done, "hello").await;
            drop(done);
            let (mut send, connection) = http2(&server).await;
            let stream = task::spawn(async move { send.send_request(request("/wait")).await.map(drop) });
            sleep(s(1)).await;
            let (begin, app) = (Instant::now(), server.app.clone());
            let served = server.end().await;
            assert_eq!(begin.elapsed(), limit);
            assert_eq!((served.connections, served.cut_off), (4, 3));
            assert_eq!((closed(&waits).await, closed(&begins).await), (ms(0), ms(0)));
            stream.await.unwrap().unwrap_err();
            connection.await.unwrap();
            sleep(ms(1)).await; // a stream has a task of its own
            assert_eq!((app.begun.get(), app.ended.get()), (3, 3));
        }
    });
}

/// A body that always has more.
struct Endless;

impl Body for Endless {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        Poll::Ready(Some(Ok(Frame::data(Bytes::from_static(&[b'x'; 1000])))))
    }
}

#[test]
fn an_http2_client_that_takes_no_more_of_an_answer_is_closed() {
    simulated(async || {
        let service = service_fn(async |_| Ok::<_, Infallible>(Response::new(Endless)));
        let server = start(App::default(), service, |serve| serve.idle_timeout(s(20)));
        let mut client = http2::Builder::new(Executor);
        client.initial_stream_window_size(10_000);
        let (mut send, connection) = client.handshake(server.door.connect()).await.unwrap();
        let connection = task::spawn(async move { drop(connection.await) });
        let mut body = send.send_request(request("/")).await.unwrap().into_body();
        // As long as it takes something, it is waited for.
        for _ in 0..10 {
            let mut taken = 0;
            while taken < 10_000 {
                taken += body.frame().await.unwrap().unwrap().data_ref().unwrap().len();
            }
            sleep(s(19)).await;
        }
        let begin = Instant::now();
        connection.await.unwrap();
        assert!(begin.elapsed() <= s(41));
    });
}

#[test]
fn a_request_that_takes_too_long_is_answered_503() {
    simulated(async || {
        let server = start!(|serve| serve.request_timeout(s(5)).idle_timeout(s(800)));
        let client = server.door.connect();
        for count in 1..3 {
            let begin = Instant::now();
            client.say(WAIT).await;
            assert!(answer(&client, "\r\n\r\n").await.starts_with("HTTP/1.1 503 "));
            assert_eq!(begin.elapsed(), s(5));
            // Its future is gone, and its connection is not.
            assert_eq!((server.app.begun.get(), server.app.ended.get()), (count, count));
        }
        let (mut send, connection) = http2(&server).await;
        let begin = Instant::now();
        assert_eq!(get(&mut send, "/wait").await, (StatusCode::SERVICE_UNAVAILABLE, Bytes::new()));
        assert_eq!(begin.elapsed(), s(5));
        // In time.
        client.say(WAIT).await;
        let stream = task::spawn(async move { get(&mut send, "/wait").await });
        sleep(s(5) - ms(1)).await;
        server.app.gate.open();
        assert!(answer(&client, "at last").await.starts_with("HTTP/1.1 200 "));
        assert_eq!(stream.await.unwrap().1, "at last");
        sleep(s(500)).await;
        client.say(HELLO).await;
        answer(&client, "hello").await;
        connection.abort();
    });
}

#[test]
fn a_body_of_a_request_that_comes_too_slowly_is_answered_503() {
    simulated(async || {
        let server = start!(|serve| serve.request_timeout(s(5)));
        let (client, begin) = (server.door.connect(), Instant::now());
        client.say("POST /echo HTTP/1.1\r\nhost: h\r\ncontent-length: 100\r\n\r\n").await;
        for _ in 0..4 {
            sleep(s(1)).await;
            client.say("x").await;
        }
        assert!(answer(&client, "\r\n\r\n").await.starts_with("HTTP/1.1 503 "));
        assert_eq!((begin.elapsed(), closed(&client).await), (s(5), ms(0)));
    });
}

/// A body whose second part never comes.
struct Half(bool);

impl Body for Half {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        match std::mem::replace(&mut self.0, true) {
            true => Poll::Pending,
            false => Poll::Ready(Some(Ok(Frame::data(Bytes::from_static(b"half"))))),
        }
    }
}

#[test]
fn an_answer_that_takes_too_long_is_broken_off() {
    simulated(async || {
        let half = service_fn(async |_| {
            sleep(s(3)).await;
            Ok::<_, Infallible>(Response::new(Half(false)))
        });
        let server = start(App::default(), half, |serve| serve.request_timeout(s(5)));
        let (client, begin) = (server.door.connect(), Instant::now());
        client.say(HELLO).await;
        answer(&client, "4\r\nhalf\r\n").await;
        assert_eq!((closed(&client).await, begin.elapsed()), (s(2), s(5)));
        let (mut send, _connection) = http2(&server).await;
        let begin = Instant::now();
        let mut body = send.send_request(request("/")).await.unwrap().into_body();
        assert_eq!(body.frame().await.unwrap().unwrap().into_data().unwrap(), "half");
        body.frame().await.unwrap().unwrap_err();
        assert_eq!(begin.elapsed(), s(5));
    });
}

#[test]
fn an_answer_without_end_is_broken_off_too() {
    simulated(async || {
        let endless = service_fn(async |_| Ok::<_, Infallible>(Response::new(Endless)));
        let server = start(App::default(), endless, |serve| serve.request_timeout(s(5)));
        let (client, begin) = (server.door.connect(), Instant::now());
        client.say(HELLO).await;
        let mut heard = String::new();
        while let more = client.hear().await
            && !more.is_empty()
        {
            heard = more;
            sleep(ms(100)).await;
        }
        assert!(!heard.ends_with("0\r\n\r\n"), "{heard:?}");
        assert!(begin.elapsed() >= s(5) && begin.elapsed() < s(6), "{:?}", begin.elapsed());
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

#[test]
fn at_shutdown_under_load_no_request_is_lost() {
    simulated(async || {
        let server = start!(|serve| serve.shutdown_deadline(None));
        let load = |kept: bool| {
            let door = server.door.clone();
            task::spawn(async move {
                // Nobody is refused before the shutdown; every request of whoever is connected is answered.
                while !door.is_closed() {
                    let (client, mut more) = (door.connect(), true);
                    while more {
                        sleep(ms(sim::rng().range(0..300))).await;
                        client.say(HELLO).await;
                        more = !answer(&client, "hello").await.contains("connection: close") && kept;
                    }
                }
            })
        };
        let clients: Vec<_> = (0..8).map(|number| load(number % 2 == 0)).collect();
        while server.app.begun.get() < 200 {
            sleep(ms(1)).await;
        }
        assert_eq!(server.end().await.cut_off, 0);
        for client in clients {
            client.await.expect("all are answered");
        }
    });
}

fn post(path: &str, body: &str) -> String {
    format!("POST {path} HTTP/1.1\r\nhost: h\r\ncontent-length: {}\r\n\r\n{body}", body.len())
}

fn request(path: &str) -> Request<Empty<Bytes>> {
    Request::get(format!("http://h{path}")).body(Empty::new()).unwrap()
}

#[test]
fn a_server_that_is_dropped_drops_its_connections() {
    simulated(async || {
        let server = start!(|serve| serve);
        let client = server.door.connect();
        client.say(WAIT).await;
        sleep(s(1)).await;
        server.task.abort();
        assert!(server.task.await.unwrap_err().is_cancelled());
        assert!(server.door.is_closed());
        assert_eq!(closed(&client).await, ms(0));
        assert_eq!((server.app.begun.get(), server.app.ended.get()), (1, 1));
    });
}

#[test]
fn connections_over_the_limit_wait_also_at_shutdown() {
    simulated(async || {
        let server = start!(|serve| serve.max_connections(2).idle_timeout(s(20)));
        let clients: Vec<_> = (0..5).map(|_| server.door.connect()).collect();
        for client in &clients {
            client.say(WAIT).await;
        }
        sleep(s(1)).await;
        assert_eq!(server.app.begun.get(), 2);
        server.shutdown.open();
        sleep(s(1)).await;
        assert_eq!(server.app.begun.get(), 2);
        assert!(server.door.is_closed());
        server.app.gate.open();
        for client in &clients {
            answer(client, "at last").await;
        }
        let served = server.end().await;
        assert_eq!((served.connections, served.cut_off), (5, 0));
    });
}

#[test]
fn connections_that_were_over_the_limit_to_the_last_are_cut_off() {
    simulated(async || {
        let server = start!(|serve| serve.max_connections(2).shutdown_deadline(s(5)));
        let clients: Vec<_> = (0..5).map(|_| server.door.connect()).collect();
        for client in &clients {
            client.say(WAIT).await;
        }
        sleep(s(1)).await;
        assert_eq!(server.app.begun.get(), 2);
        let served = server.end().await;
        assert_eq!((served.connections, served.cut_off), (5, 5));
        for client in &clients {
            assert_eq!(closed(client).await, ms(0));
        }
    });
}
