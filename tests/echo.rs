//! The example `echo` as a program: what it sends back, and how it ends.
#![cfg(unix)]
#[expect(dead_code, reason = "it has more than this needs")]
mod support;

use dormouse_testing::watch;
use rustix::process::{Pid, Signal, kill_process};
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpStream};
use std::process::{Child, ChildStdout, Command, Stdio};

struct Server {
    child: Child,
    out: BufReader<ChildStdout>,
    addr: SocketAddr,
}

impl Server {
    fn start() -> Server {
        let mut command = Command::new(support::binary("echo"));
        let mut child = command.arg("127.0.0.1:0").stdout(Stdio::piped()).spawn().expect("it can be started");
        let mut out = BufReader::new(child.stdout.take().expect("it is piped"));
        let first = line(&mut out);
        let addr = first.strip_prefix("echo at ").expect("its address").parse().expect("an address");
        Server { child, out, addr }
    }

    fn connect(&self) -> TcpStream {
        TcpStream::connect(self.addr).expect("it listens")
    }

    fn interrupt(&self) {
        let pid = Pid::from_child(&self.child);
        kill_process(pid, Signal::INT).expect("it is there");
    }

    /// What it says at last.
    fn end(mut self) -> String {
        let last = line(&mut self.out);
        assert!(self.child.wait().expect("it ends").success());
        last
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn line(out: &mut BufReader<ChildStdout>) -> String {
    let mut line = String::new();
    out.read_line(&mut line).expect("it speaks");
    line.trim_end().into()
}

fn ask(stream: &mut TcpStream, text: &str) {
    stream.write_all(text.as_bytes()).expect("it reads");
    let mut answer = vec![0; text.len()];
    stream.read_exact(&mut answer).expect("it answers");
    assert_eq!(answer, text.as_bytes());
}

#[test]
fn it_answers_and_on_ctrl_c_finishes_what_it_has_begun() {
    let _watch = watch();
    let mut server = Server::start();
    let mut clients = [(); 3].map(|()| server.connect());
    for (number, client) in clients.iter_mut().enumerate() {
        ask(client, &format!("client {number}"));
    }
    server.interrupt();
    assert_eq!(line(&mut server.out), "no more connections");
    // The listener goes before the last line, and is refused from then on; those who are there are answered.
    dormouse_testing::until(|| TcpStream::connect(server.addr).is_err());
    for client in &mut clients {
        ask(client, "still there?");
        client.shutdown(Shutdown::Write).expect("it is connected");
        assert_eq!(client.read(&mut [0; 1]).expect("it answers"), 0);
    }
    assert_eq!(server.end(), "3 connections, 60 bytes");
}

#[test]
fn a_second_ctrl_c_ends_it_at_once() {
    let _watch = watch();
    let mut server = Server::start();
    let mut client = server.connect();
    ask(&mut client, "hello");
    server.interrupt();
    assert_eq!(line(&mut server.out), "no more connections");
    dormouse_testing::until(|| TcpStream::connect(server.addr).is_err());
    server.interrupt();
    // What is open is not counted.
    assert_eq!(server.end(), "1 connections, 0 bytes");
}
