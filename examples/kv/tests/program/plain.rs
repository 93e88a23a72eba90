//! Connections: pipelines, garbage, limits, ends.
use crate::{Client, Server, ends, kv, terminate};
use dormouse_testing::{until, watch};
use rustix::process::Signal;
use std::io::{ErrorKind, Read, Write};
use std::net::TcpStream;
use std::thread;

#[test]
fn a_pipeline_is_answered_in_order_in_whatever_pieces_it_comes() {
    let _watch = watch();
    let kv = kv(&[]);
    let mut client = Client::new(&kv);
    let (mut requests, mut answers) = (String::new(), String::new());
    for n in 0..5000 {
        requests.push_str(&format!("*3\r\n$3\r\nSET\r\n$1\r\nk\r\n$4\r\n{n:04}\r\nGET k\r\n"));
        answers.push_str(&format!("+OK\r\n$4\r\n{n:04}\r\n"));
    }
    let mut writer = client.0.get_ref().try_clone().expect("it is connected");
    let writing = thread::spawn(move || {
        for piece in requests.as_bytes().chunks(997) {
            writer.write_all(piece).expect("it is read");
        }
    });
    client.hears(&answers);
    writing.join().expect("it is written");
    // The end of what it sends is not the end of what it is told.
    client.writes("SET k v\r\nGET k\r\nGET");
    client.ends();
    assert_eq!(client.rest(), "+OK\r\n$1\r\nv\r\n");
    assert_eq!(terminate(kv), "1 connections, 10002 commands\n");
}

#[test]
fn garbage_is_told_and_ends_its_connection_alone() {
    let _watch = watch();
    let kv = kv(&["--max-bulk", "1000"]);
    let mut other = Client::new(&kv);
    for (garbage, error) in [
        (&b"*1\r\n:1\r\n"[..], "expected '$', got ':'"),
        (b"*x\r\n", "invalid multibulk length"),
        (b"*1\r\n$1001\r\n", "invalid bulk length"),
        (b"GET \"k\r\n", "unbalanced quotes in request"),
        (&[0xff; 100_000], "too big inline request"),
    ] {
        let mut client = Client::new(&kv);
        client.writes([b"PING\r\n", garbage].concat());
        // What comes after it is not read as requests, and does not make the error get lost.
        client.writes("SET lost 1\r\n".repeat(100));
        client.ends();
        assert_eq!(client.rest(), format!("+PONG\r\n-ERR Protocol error: {error}\r\n"));
        assert_eq!(other.asks("DBSIZE"), ":0");
    }
}

/// All bytes in all places.
#[test]
fn noise_is_survived() {
    let _watch = watch();
    let kv = kv(&[]);
    let noise: Vec<u8> = (0..1_u32 << 16).map(|n| (n.wrapping_mul(2_654_435_761) >> 24) as u8).collect();
    for piece in noise.chunks(1 << 12) {
        let mut client = Client::new(&kv);
        // It may be cut off before it has said all.
        let _ = client
            .0
            .get_mut()
            .write_all(piece)
            .and_then(|()| client.0.get_mut().shutdown(std::net::Shutdown::Write));
        let _ = client.0.read_to_end(&mut Vec::new());
    }
    assert_eq!(Client::new(&kv).asks("PING"), "+PONG");
}

#[test]
fn over_the_limit_of_clients_one_is_told_so() {
    let _watch = watch();
    let kv = kv(&["--max-clients", "2"]);
    let clients = [Client::new(&kv), Client::new(&kv)].map(|mut client| {
        assert_eq!(client.asks("PING"), "+PONG");
        client
    });
    assert_eq!(Client::new(&kv).rest(), "-ERR max number of clients reached\r\n");
    drop(clients);
    // There is room again.
    until(|| {
        let mut client = Client::new(&kv);
        let _ = client.0.get_mut().write_all(b"PING\r\n");
        client.line().is_some_and(|line| line == "+PONG")
    });
}

/// The answer to a line; from the first client that is not dropped before it has come to speak.
fn answer(kv: &Server, line: &str) -> String {
    loop {
        let mut client = Client::new(kv);
        let _ = client.0.get_mut().write_all(format!("{line}\r\n").as_bytes());
        if let Some(answer) = client.line() {
            return answer;
        }
    }
}

#[test]
fn a_client_that_sends_nothing_is_dropped_and_one_that_listens_is_not() {
    let _watch = watch();
    let kv = kv(&["--timeout", "0.05"]);
    let mut listener = loop {
        let mut listener = Client::new(&kv);
        let _ = listener.0.get_mut().write_all(b"SUBSCRIBE a\r\n");
        if listener.line().is_some() {
            break listener;
        }
    };
    listener.hears("$9\r\nsubscribe\r\n$1\r\na\r\n:1\r\n");
    for _ in 0..3 {
        let mut silent = Client::new(&kv);
        let error = silent.0.read_to_end(&mut Vec::new()).expect_err("it is cut off");
        assert_eq!(error.kind(), ErrorKind::ConnectionReset);
    }
    assert_eq!(answer(&kv, "PUBLISH a m"), ":1");
    listener.hears("*3\r\n$7\r\nmessage\r\n$1\r\na\r\n$1\r\nm\r\n");
}

#[test]
fn a_client_that_does_not_read_holds_up_nobody_and_is_dropped() {
    let _watch = watch();
    let kv = kv(&["--timeout", "0.2"]);
    assert_eq!(answer(&kv, &format!("SET k {}", "x".repeat(60_000))), "+OK");
    // More answers than the buffers of two sockets hold, so that it must be cut off in the end.
    let mut writer = kv.connect();
    let error = loop {
        if let Err(error) = writer.write_all(&b"GET k\r\n".repeat(1000)) {
            break error;
        }
        assert_eq!(answer(&kv, "PING"), "+PONG");
    };
    assert!(matches!(error.kind(), ErrorKind::ConnectionReset | ErrorKind::BrokenPipe), "{error}");
}

#[test]
fn an_answer_may_not_be_longer_than_the_limit() {
    let _watch = watch();
    let kv = kv(&["--max-output", "100000"]);
    let mut client = Client::new(&kv);
    client.writes(format!("SET k {}\r\n", "x".repeat(60_000)));
    client.hears("+OK\r\n");
    assert_eq!(client.asks("MGET k k k"), "-ERR the answer is longer than 100000 bytes");
    assert_eq!(client.asks("PING"), "+PONG");
}

#[test]
fn keys_expire_though_nobody_asks_for_them() {
    let _watch = watch();
    let kv = kv(&[]);
    let mut client = Client::new(&kv);
    for n in 0..5000 {
        client.writes(format!("SET k{n} v PX 1\r\n"));
    }
    (0..5000).for_each(|_| client.hears("+OK\r\n"));
    client.asks("SET stays 1 EX 1000");
    while client.asks("DBSIZE") != ":1" {
        thread::yield_now();
    }
    client.writes("INFO stats\r\n");
    while client.line().expect("more") != "expired_keys:5000" {}
}

#[test]
fn after_a_signal_it_answers_what_has_come_and_ends() {
    let _watch = watch();
    let mut kv = kv(&["--grace", "10000"]);
    let mut idle = Client::new(&kv);
    assert_eq!(idle.asks("PING"), "+PONG");
    let mut busy = Client::new(&kv);
    busy.writes("SET k v\r\n".repeat(3000));
    busy.hears("+OK\r\n");
    kv.signal(Signal::INT);
    assert_eq!(kv.line(), "no more connections");
    until(|| TcpStream::connect(kv.addr).is_err());
    assert_eq!(idle.rest(), "");
    // It was all there when the signal came.
    assert_eq!(busy.rest(), "+OK\r\n".repeat(2999));
    drop((idle, busy));
    assert_eq!(kv.end(), (Some(0), "2 connections, 3001 commands\n".into()));
}

#[test]
fn wrong_usage_is_told_with_code_2() {
    let _watch = watch();
    for (arguments, told) in [
        (&[][..], "<LISTEN>"),
        (&["127.0.0.1:0", "--appendfsync", "sometimes"], "'sometimes' for '--appendfsync <WHEN>'"),
        (&["127.0.0.1:0", "--max-clients", "0"], "'0' for '--max-clients <N>'"),
        (&["127.0.0.1:0", "--max-bulk", "536870913"], "'536870913' for '--max-bulk <BYTES>'"),
        (&["127.0.0.1:0", "--timeout=-1"], "not between 0 and a year"),
    ] {
        let ran = ends(arguments);
        let stderr = String::from_utf8_lossy(&ran.stderr);
        assert_eq!(ran.status.code(), Some(2), "{arguments:?}");
        assert!(ran.stdout.is_empty() && stderr.contains(told), "{arguments:?}: {stderr}");
    }
}
