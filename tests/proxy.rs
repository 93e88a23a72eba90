//! The example `proxy` as a program, between plain sockets.
#![cfg(unix)]
#[path = "../examples/proxy/activity.rs"]
mod activity;
#[path = "support/server.rs"]
mod server;
mod support;

use activity::Activity;
use dormouse::sim;
use dormouse::time::{Duration, Instant, sleep};
use dormouse_testing::{Wall, until, watch};
use rustix::process::Signal;
use server::Server;
use std::io::{ErrorKind, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::process::Command;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::thread;
use support::{binary, run};

fn listen() -> (TcpListener, String) {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port is free");
    let addr = listener.local_addr().expect("it listens").to_string();
    (listener, addr)
}

fn proxy(target: &str, options: &[&str]) -> Server {
    Server::start("proxy", ["127.0.0.1:0", target].iter().chain(options))
}

/// A connection through the proxy, both ends of it.
fn connect(proxy: &Server, target: &TcpListener) -> (TcpStream, TcpStream) {
    let client = proxy.connect();
    (client, target.accept().expect("the proxy connects").0)
}

fn say(stream: &mut TcpStream, text: &str) {
    stream.write_all(text.as_bytes()).expect("it is read");
}

/// Reads as much as `text` is, which must be `text`.
#[track_caller]
fn hear(stream: &mut TcpStream, text: &str) {
    let mut heard = vec![0; text.len()];
    stream.read_exact(&mut heard).expect("it is told");
    assert_eq!(String::from_utf8_lossy(&heard), text);
}

/// Reads to the end, which must be a clean one.
#[track_caller]
fn rest(stream: &mut TcpStream) -> String {
    let mut text = String::new();
    stream.read_to_string(&mut text).expect("a clean end");
    text
}

#[track_caller]
fn assert_reset(stream: &mut TcpStream) {
    let error = stream.read_to_end(&mut Vec::new()).expect_err("no clean end");
    assert_eq!(error.kind(), ErrorKind::ConnectionReset);
}

/// Closes with something unread: the system resets such a connection.
fn reset(stream: TcpStream) {
    assert_eq!(stream.peek(&mut [0; 1]).expect("something has come"), 1);
    drop(stream);
}

fn refused(addr: SocketAddr) -> bool {
    TcpStream::connect(addr).is_err()
}

/// Ends the proxy: its exit code, and its counters.
fn terminate(mut proxy: Server) -> (Option<i32>, String) {
    proxy.signal(Signal::TERM);
    assert_eq!(proxy.line(), "no more connections");
    proxy.end()
}

fn counters(connections: u32, failed: u32, to_target: u64, to_clients: u64) -> String {
    format!(
        "{connections} connections, {failed} of them failed; {to_target} bytes to the target, {to_clients} to clients\n"
    )
}

#[test]
fn an_end_is_passed_on_and_the_other_direction_goes_on() {
    let _watch = watch();
    let (target, addr) = listen();
    let proxy = proxy(&addr, &[]);
    for _ in 0..3 {
        let (mut client, mut server) = connect(&proxy, &target);
        say(&mut client, "question");
        client.shutdown(Shutdown::Write).expect("it is connected");
        assert_eq!(rest(&mut server), "question");
        say(&mut server, "answer");
        hear(&mut client, "answer");
        say(&mut server, ", and more");
        drop(server);
        assert_eq!(rest(&mut client), ", and more");
        let (mut client, mut server) = connect(&proxy, &target);
        say(&mut server, "hello, and no more");
        server.shutdown(Shutdown::Write).expect("it is connected");
        assert_eq!(rest(&mut client), "hello, and no more");
        say(&mut client, "still here");
        hear(&mut server, "still here");
        drop(client);
        assert_eq!(rest(&mut server), "");
    }
    assert_eq!(terminate(proxy), (Some(0), counters(6, 0, 54, 102)));
}

#[test]
fn a_reset_is_passed_on_as_one() {
    let _watch = watch();
    let (target, addr) = listen();
    let proxy = proxy(&addr, &[]);
    let (client, mut server) = connect(&proxy, &target);
    say(&mut server, "unread");
    reset(client);
    assert_reset(&mut server);
    let (mut client, server) = connect(&proxy, &target);
    say(&mut client, "unread");
    reset(server);
    assert_reset(&mut client);
    // The proxy goes on.
    let (mut client, mut server) = connect(&proxy, &target);
    say(&mut client, "hello");
    hear(&mut server, "hello");
    drop((client, server));
    let (code, counted) = terminate(proxy);
    assert_eq!(code, Some(0));
    assert!(counted.starts_with("3 connections, 2 of them failed; "), "{counted}");
}

#[test]
fn a_target_that_is_not_there() {
    let _watch = watch();
    let proxy = proxy("127.0.0.1:1", &[]); // a port of old, which nobody uses
    assert_reset(&mut proxy.connect());
    assert_eq!(terminate(proxy), (Some(0), counters(1, 1, 0, 0)));
}

#[test]
fn what_is_over_the_limit_waits() {
    let _watch = watch();
    let (target, addr) = listen();
    let proxy = proxy(&addr, &["--connections", "2"]);
    let (mut one, mut other) = (connect(&proxy, &target), connect(&proxy, &target));
    // The system takes these, but the proxy does not.
    let mut waiting = [(); 3].map(|()| proxy.connect());
    for client in &mut waiting {
        say(client, "third");
        client.shutdown(Shutdown::Write).expect("it is connected");
    }
    // Time for a proxy that does not keep the limit to be found out.
    for _ in 0..200 {
        for (client, server) in [&mut one, &mut other] {
            say(client, "ping");
            hear(server, "ping");
        }
    }
    target.set_nonblocking(true).expect("it listens");
    assert_eq!(target.accept().expect_err("there are two").kind(), ErrorKind::WouldBlock);
    target.set_nonblocking(false).expect("it listens");
    drop(one);
    for _ in &waiting {
        let (mut server, _) = target.accept().expect("the next one's turn");
        assert_eq!(rest(&mut server), "third");
    }
    drop(other);
    assert_eq!(terminate(proxy), (Some(0), counters(5, 0, 1615, 0)));
}

#[test]
fn an_idle_connection_is_cut_off_on_both_sides() {
    let _watch = watch();
    let (target, addr) = listen();
    let proxy = proxy(&addr, &["--idle", "0.05"]);
    let (mut client, mut server) = connect(&proxy, &target);
    assert_reset(&mut client);
    assert_reset(&mut server);
    // One that does not read what is sent to it is idle as well, once nothing more fits between the two.
    let (client, mut server) = connect(&proxy, &target);
    let error = loop {
        if let Err(error) = server.write(&[7; 64 * 1024]) {
            break error;
        }
    };
    assert!(matches!(error.kind(), ErrorKind::ConnectionReset | ErrorKind::BrokenPipe), "{error}");
    drop(client);
    let (code, counted) = terminate(proxy);
    assert_eq!(code, Some(0));
    assert!(counted.starts_with("2 connections, 2 of them failed; 0 bytes"), "{counted}");
}

/// By the simulator's clock.
#[test]
fn idle_is_counted_from_the_last_byte() {
    let _watch = watch();
    sim::Builder::new().run(async {
        let (limit, activity, start) = (Duration::from_secs(10), Activity::now(), Instant::now());
        let busy = async {
            for _ in 0..5 {
                sleep(Duration::from_secs(9)).await;
                activity.note();
            }
        };
        futures::join!(busy, activity.idle(limit));
        assert_eq!(start.elapsed(), Duration::from_secs(5 * 9 + 10));
    });
}

fn answer_all(target: TcpListener) {
    thread::spawn(move || {
        while let Ok((mut stream, _)) = target.accept() {
            thread::spawn(move || {
                let mut reader = stream.try_clone().expect("it is connected");
                std::io::copy(&mut reader, &mut stream).expect("it is read");
                stream.shutdown(Shutdown::Write).expect("it is connected");
            });
        }
    });
}

/// Bytes of a connection's own, `len` of them.
fn bytes(connection: usize, len: usize) -> Vec<u8> {
    (0..len).map(|at| (at * 7 + at / 251 + connection * 13) as u8).collect()
}

#[test]
fn many_connections_each_with_its_own_bytes() {
    const CLIENTS: usize = 200;
    let _watch = watch();
    let (target, addr) = listen();
    answer_all(target);
    let proxy = proxy(&addr, &["--connections", "50"]);
    thread::scope(|scope| {
        for number in 0..CLIENTS {
            let mut client = proxy.connect();
            scope.spawn(move || {
                let sent = bytes(number, 1000 * (number % 40));
                client.write_all(&sent).expect("it is read");
                client.shutdown(Shutdown::Write).expect("it is connected");
                let mut heard = Vec::new();
                client.read_to_end(&mut heard).expect("a clean end");
                assert!(heard == sent, "client {number}: {} of {} bytes", heard.len(), sent.len());
            });
        }
    });
    let all = (0..CLIENTS).map(|number| 1000 * (number as u64 % 40)).sum();
    assert_eq!(terminate(proxy), (Some(0), counters(CLIENTS as u32, 0, all, all)));
}

#[test]
fn a_shutdown_under_load_loses_no_byte() {
    const CLIENTS: usize = 8;
    const LEN: usize = 1 << 20;
    let _watch = watch();
    let (target, addr) = listen();
    answer_all(target);
    let mut proxy = proxy(&addr, &["--grace", "1000"]);
    let (begun, told) = (&AtomicUsize::new(0), &Wall::default());
    thread::scope(|scope| {
        for number in 0..CLIENTS {
            let mut client = proxy.connect();
            let mut writer = client.try_clone().expect("it is connected");
            let sent = bytes(number, LEN);
            let copy = sent.clone();
            scope.spawn(move || {
                writer.write_all(&sent[..LEN / 2]).expect("it is read");
                told.block(); // the other half after the signal
                writer.write_all(&sent[LEN / 2..]).expect("it is read");
                writer.shutdown(Shutdown::Write).expect("it is connected");
            });
            scope.spawn(move || {
                let mut heard = vec![0; 1];
                client.read_exact(&mut heard).expect("it is answered");
                begun.fetch_add(1, Relaxed);
                client.read_to_end(&mut heard).expect("a clean end");
                assert!(heard == copy, "client {number}: {} of {LEN} bytes", heard.len());
            });
        }
        until(|| begun.load(Relaxed) == CLIENTS);
        proxy.signal(Signal::TERM);
        assert_eq!(proxy.line(), "no more connections");
        until(|| refused(proxy.addr));
        told.open();
    });
    let all = (CLIENTS * LEN) as u64;
    assert_eq!(proxy.end(), (Some(0), counters(CLIENTS as u32, 0, all, all)));
}

#[test]
fn what_takes_longer_than_the_grace_time_is_cut_off() {
    let _watch = watch();
    let (target, addr) = listen();
    let proxy = proxy(&addr, &["--grace", "0.05"]);
    let (mut client, mut server) = connect(&proxy, &target);
    say(&mut client, "hello");
    hear(&mut server, "hello");
    assert_eq!(terminate(proxy), (Some(1), counters(1, 1, 5, 0)));
    assert_reset(&mut client);
    assert_reset(&mut server);
}

#[test]
fn a_second_signal_cuts_off_at_once() {
    let _watch = watch();
    let (target, addr) = listen();
    let mut proxy = proxy(&addr, &["--grace", "1000"]);
    let (mut client, mut server) = connect(&proxy, &target);
    proxy.signal(Signal::INT);
    assert_eq!(proxy.line(), "no more connections");
    proxy.signal(Signal::TERM);
    assert_eq!(proxy.end(), (Some(1), counters(1, 1, 0, 0)));
    assert_reset(&mut client);
    assert_reset(&mut server);
}

#[test]
fn wrong_usage_is_told_with_code_2() {
    for (arguments, told) in [
        (&["127.0.0.1:0"][..], "<TARGET>"),
        (&["127.0.0.1:0", "127.0.0.1:1", "--connections", "0"], "'0' for '--connections <N>'"),
        (&["127.0.0.1:0", "127.0.0.1:1", "--idle", "-1"], "'-1'"),
        (&["127.0.0.1:0", "127.0.0.1:1", "--idle=nan"], "not between 0 and a year"),
        (&["127.0.0.1:0", "127.0.0.1:1", "--grace=1e9"], "not between 0 and a year"),
    ] {
        let ran = run("proxy", Command::new(binary("proxy")).args(arguments));
        assert_eq!(ran.status.code(), Some(2), "{arguments:?}");
        assert!(ran.stdout.is_empty() && ran.stderr.contains(told), "{arguments:?}: {}", ran.stderr);
    }
}
