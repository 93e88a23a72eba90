//! The example `echo` as a program: what it sends back, and how it ends.
#![cfg(unix)]
#[path = "support/server.rs"]
mod server;
#[expect(dead_code, reason = "it has more than this needs")]
mod support;

use dormouse_testing::watch;
use rustix::process::Signal;
use server::Server;
use std::io::{Read, Write};
use std::net::{Shutdown, TcpStream};

fn ask(stream: &mut TcpStream, text: &str) {
    stream.write_all(text.as_bytes()).expect("it reads");
    let mut answer = vec![0; text.len()];
    stream.read_exact(&mut answer).expect("it answers");
    assert_eq!(answer, text.as_bytes());
}

#[test]
fn it_answers_and_on_ctrl_c_finishes_what_it_has_begun() {
    let _watch = watch();
    let mut server = Server::start("echo", ["127.0.0.1:0"]);
    let mut clients = [(); 3].map(|()| server.connect());
    for (number, client) in clients.iter_mut().enumerate() {
        ask(client, &format!("client {number}"));
    }
    server.signal(Signal::INT);
    assert_eq!(server.line(), "no more connections");
    // The listener goes before the last line, and is refused from then on; those who are there are answered.
    dormouse_testing::until(|| TcpStream::connect(server.addr).is_err());
    for client in &mut clients {
        ask(client, "still there?");
        client.shutdown(Shutdown::Write).expect("it is connected");
        assert_eq!(client.read(&mut [0; 1]).expect("it answers"), 0);
    }
    assert_eq!(server.end(), (Some(0), "3 connections, 60 bytes\n".into()));
}

#[test]
fn a_second_ctrl_c_ends_it_at_once() {
    let _watch = watch();
    let mut server = Server::start("echo", ["127.0.0.1:0"]);
    let mut client = server.connect();
    ask(&mut client, "hello");
    server.signal(Signal::INT);
    assert_eq!(server.line(), "no more connections");
    dormouse_testing::until(|| TcpStream::connect(server.addr).is_err());
    server.signal(Signal::INT);
    // What is open is not counted.
    assert_eq!(server.end(), (Some(0), "1 connections, 0 bytes\n".into()));
}
