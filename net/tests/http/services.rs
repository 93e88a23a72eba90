//! Services: those that upgrade, panic, block; what they are told; those of tower.
use crate::app::{App, BoxError, ON_PURPOSE, Text};
use crate::support::runtimes;
use crate::{Server, ended, get, hear, say, start_with, threads};
use dormouse_executor::task;
use dormouse_net::http;
use dormouse_net::http::hyper::service::service_fn;
use dormouse_net::http::hyper::{Request, Response};
use dormouse_net::{UnixListener, hyper_rt};
use dormouse_testing::{Count, Gate, Wall, hide_panics, until, watch};
use http_body_util::{BodyExt, Full};
use hyper::body::{Bytes, Incoming};
use std::io::Read;
use std::net::{SocketAddr, TcpStream};
use std::os::unix::net::UnixStream;
use std::task::{Context, Poll};
use std::thread;
use std::time::Duration;

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
    let listener = rt.block_on(crate::support::listener());
    let said = dormouse_testing::panics(|| http::serve(listener, Tower(App::default())).max_connections(0));
    assert_eq!(said, "dormouse: a server with `max_connections(0)` would serve nobody");
}
