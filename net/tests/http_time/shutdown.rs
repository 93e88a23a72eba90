//! The graceful shutdown: who is still served, and who is cut off.
use crate::app::App;
use crate::pipe::{Pipes, listener};
use crate::{HELLO, WAIT, answer, closed, get, http2, ms, request, s, simulated, start};
use dormouse_executor::sim;
use dormouse_executor::task;
use dormouse_executor::time::{Instant, sleep};
use dormouse_net::http::hyper::service::service_fn;
use dormouse_net::http::{self, Serve};
use dormouse_testing::Gate;

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
