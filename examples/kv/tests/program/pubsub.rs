//! Channels through sockets, and those who do not read.
use crate::{Client, kv};
use dormouse_testing::watch;
use std::io::Read;

fn subscribed(kv: &crate::Server, channel: &str) -> Client {
    let mut client = Client::new(kv);
    client.writes(format!("SUBSCRIBE {channel}\r\n"));
    let length = channel.len();
    client.hears(&format!("*3\r\n$9\r\nsubscribe\r\n${length}\r\n{channel}\r\n:1\r\n"));
    client
}

#[test]
fn all_who_listen_are_told_in_the_same_order() {
    const LISTENERS: usize = 20;
    let _watch = watch();
    let kv = kv(&[]);
    let mut listeners: Vec<Client> = (0..LISTENERS).map(|_| subscribed(&kv, "news")).collect();
    let mut publisher = Client::new(&kv);
    let (mut requests, mut told) = (String::new(), String::new());
    for n in 0..500 {
        requests.push_str(&format!("PUBLISH news {n:03}\r\n"));
        told.push_str(&format!("*3\r\n$7\r\nmessage\r\n$4\r\nnews\r\n$3\r\n{n:03}\r\n"));
    }
    publisher.writes(requests);
    publisher.hears(&format!(":{LISTENERS}\r\n").repeat(500));
    for listener in &mut listeners {
        listener.hears(&told);
        // It can be a plain client again.
        listener.writes("UNSUBSCRIBE\r\nPING\r\n");
        listener.hears("*3\r\n$11\r\nunsubscribe\r\n$4\r\nnews\r\n:0\r\n+PONG\r\n");
    }
    assert_eq!(publisher.asks("PUBLISH news end"), ":0");
}

#[test]
fn a_subscriber_that_does_not_read_is_dropped_and_holds_up_nobody() {
    let _watch = watch();
    let kv = kv(&["--max-output", "1000000"]);
    let mut slow = subscribed(&kv, "news");
    let mut quick = subscribed(&kv, "news");
    let mut publisher = Client::new(&kv);
    let message = "x".repeat(60_000);
    let told = format!("*3\r\n$7\r\nmessage\r\n$4\r\nnews\r\n$60000\r\n{message}\r\n");
    // Until there is one listener less: more than the buffers of two sockets hold.
    loop {
        let listeners = publisher.asks(&format!("PUBLISH news {message}"));
        quick.hears(&told);
        if listeners == ":1" {
            break;
        }
        assert_eq!(listeners, ":2");
    }
    let mut heard = Vec::new();
    slow.0.read_to_end(&mut heard).expect_err("it is cut off");
    assert!(heard.len() > message.len());
    publisher.asks("PUBLISH news end");
    quick.hears("*3\r\n$7\r\nmessage\r\n$4\r\nnews\r\n$3\r\nend\r\n");
}

#[test]
fn a_subscriber_that_reads_late_is_told_all() {
    let _watch = watch();
    let kv = kv(&["--max-output", "100000000"]);
    let mut late = subscribed(&kv, "news");
    let mut publisher = Client::new(&kv);
    let message = "x".repeat(60_000);
    // More than the buffers of two sockets hold: so it is told while the server waits for it to read.
    for _ in 0..300 {
        assert_eq!(publisher.asks(&format!("PUBLISH news {message}")), ":1");
    }
    late.hears(&format!("*3\r\n$7\r\nmessage\r\n$4\r\nnews\r\n$60000\r\n{message}\r\n").repeat(300));
}

#[test]
fn at_the_end_subscribers_are_told_what_was_published() {
    let _watch = watch();
    let kv = kv(&[]);
    let mut listener = subscribed(&kv, "news");
    let mut publisher = Client::new(&kv);
    assert_eq!(publisher.asks("PUBLISH news last"), ":1");
    drop(publisher);
    kv.signal(rustix::process::Signal::TERM);
    assert_eq!(listener.rest(), "*3\r\n$7\r\nmessage\r\n$4\r\nnews\r\n$4\r\nlast\r\n");
}
