//! Clients that are slow, many, or go away.
use crate::support::runtimes;
use crate::{ended, get, hear, post, say, threads};
use dormouse_testing::{until, watch, watch_for};
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use std::io::{Read, Write};
use std::net::Shutdown;
use std::thread;
use std::time::Duration;

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
