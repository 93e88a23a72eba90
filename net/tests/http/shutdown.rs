//! The graceful shutdown, over sockets.
use crate::app::App;
use crate::support::runtimes;
use crate::{ended, get, hear, say, threads};
use dormouse_net::TcpListener;
use dormouse_net::http;
use dormouse_net::http::hyper::service::service_fn;
use dormouse_testing::{until, watch, watch_for};
use std::net::TcpStream;
use std::sync::{Arc, RwLock};
use std::thread;
use std::time::Duration;

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
