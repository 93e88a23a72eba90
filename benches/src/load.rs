//! The client of the servers' cells: a process of its own, the same for all servers, so that a server's CPU time is its own.
//!
//! A server's process starts it as `load TALK ADDRESS CONNECTIONS REQUESTS`. It makes one request on each connection, warms
//! the server up by a tenth of the requests, says so by a line, waits for one, and makes the requests: each connection sends
//! the next when it has the answer to the one before. Then it says what that came to, a [`Load`], as numbers in one line.
pub(crate) mod wrk;

use crate::measure::{Sample, Stopwatch};
use clap::ValueEnum;
use mio::net::TcpStream;
use mio::{Events, Interest, Poll, Token};
use std::io::{self, BufRead, BufReader, ErrorKind, Read, Write};
use std::net::SocketAddr;
use std::process::{Command, Stdio};
use std::time::Instant;

/// The answer's body to an HTTP request.
pub(crate) const HELLO: &str = "hello, world\n";
/// What is sent back.
pub(crate) const MESSAGE: [u8; 64] = [7; 64];
/// By which a program that is not this one finds it.
pub(crate) const PROGRAM: &str = "DORMOUSE_BENCH";

/// What is said on a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Talk {
    /// HTTP/1.1 with [`HELLO`] as the answer's body.
    Http,
    /// As `Http`, by the program `wrk`, for a second instead of a number of requests.
    Wrk,
    /// [`MESSAGE`] comes back as it is.
    Echo,
}

impl Talk {
    fn request(self) -> &'static [u8] {
        match self {
            Talk::Http | Talk::Wrk => b"GET / HTTP/1.1\r\nhost: localhost\r\n\r\n",
            Talk::Echo => &MESSAGE,
        }
    }

    /// What an answer begins with, and what it ends with.
    fn answer(self) -> (&'static [u8], &'static [u8]) {
        match self {
            Talk::Http | Talk::Wrk => (b"HTTP/1.1 200 ", HELLO.as_bytes()),
            Talk::Echo => (&MESSAGE, &MESSAGE),
        }
    }
}

/// What a load came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Load {
    /// Requests that were answered.
    pub(crate) answered: u64,
    /// How long that took.
    pub(crate) nanos: u64,
    /// Over the ends of the answers.
    pub(crate) checksum: u64,
    /// In 99 of 100 cases an answer was there after so many nanoseconds.
    pub(crate) p99: u64,
}

/// Starts this program as the client of the server at `addr`; `warm` is called in between.
pub(crate) fn start(
    talk: Talk,
    addr: SocketAddr,
    connections: u64,
    requests: u64,
    warm: impl FnOnce(),
) -> io::Result<Load> {
    let talk = talk.to_possible_value().expect("none is skipped").get_name().to_owned();
    let arguments = ["load".into(), talk, addr.to_string(), connections.to_string(), requests.to_string()];
    let mut client = Command::new(std::env::current_exe()?);
    let mut client = client.args(arguments).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn()?;
    let mut said = BufReader::new(client.stdout.take().expect("it is piped"));
    let mut line = String::new();
    said.read_line(&mut line)?;
    warm();
    client.stdin.take().expect("it is piped").write_all(b"\n")?;
    line.clear();
    said.read_line(&mut line)?;
    client.wait()?;
    let numbers: Vec<u64> = line.split_whitespace().flat_map(str::parse).collect();
    match numbers[..] {
        [answered, nanos, checksum, p99] => Ok(Load { answered, nanos, checksum, p99 }),
        _ => Err(io::Error::other("the client failed")),
    }
}

/// A sample of the server at `addr`, which this process has: `value` says what it is ranked by.
pub(crate) fn measured(
    talk: Talk,
    addr: SocketAddr,
    connections: u64,
    requests: u64,
    value: impl FnOnce(&Load) -> f64,
) -> Sample {
    let mut watch = None;
    let load = start(talk, addr, connections, requests, || watch = Some(Stopwatch::start()));
    let load = load.expect("the client measures");
    let sample = watch.expect("it was warm").stop_with(load.answered, load.checksum, value(&load));
    // What was asked for, as the proof: `wrk` has as many answers as it gets.
    Sample { operations: requests, ..sample }
}

/// The client.
pub(crate) fn run(talk: Talk, addr: SocketAddr, connections: u64, requests: u64) -> io::Result<()> {
    let mut client = Client::connect(talk, addr, connections)?;
    client.ask(requests / 10)?;
    println!("warm");
    io::stdin().read_line(&mut String::new())?;
    let Load { answered, nanos, checksum, p99 } = match talk {
        Talk::Wrk => {
            drop(client);
            wrk::run(addr, connections)?
        }
        Talk::Http | Talk::Echo => client.ask(requests)?,
    };
    println!("{answered} {nanos} {checksum} {p99}");
    Ok(())
}

struct Client {
    talk: Talk,
    poll: Poll,
    connections: Vec<Connection>,
    /// Of an answer.
    len: usize,
}

struct Connection {
    stream: TcpStream,
    /// When the request was sent.
    sent: Instant,
    /// What has come of the answer.
    heard: usize,
}

impl Client {
    fn connect(talk: Talk, addr: SocketAddr, connections: u64) -> io::Result<Client> {
        let poll = Poll::new()?;
        let mut len = 0;
        let (_, end) = talk.answer();
        let connect = |number: u64| {
            let mut stream = std::net::TcpStream::connect(addr)?;
            stream.set_nodelay(true)?;
            // All answers are as long as this one.
            stream.write_all(talk.request())?;
            let mut heard = Vec::new();
            while !heard.ends_with(end) {
                let mut byte = [0];
                stream.read_exact(&mut byte)?;
                heard.push(byte[0]);
            }
            len = heard.len();
            stream.set_nonblocking(true)?;
            let mut stream = TcpStream::from_std(stream);
            poll.registry().register(&mut stream, Token(number as usize), Interest::READABLE)?;
            Ok(Connection { stream, sent: Instant::now(), heard: 0 })
        };
        let connections = (0..connections).map(connect).collect::<io::Result<_>>()?;
        Ok(Client { talk, poll, connections, len })
    }

    /// Makes so many requests.
    fn ask(&mut self, requests: u64) -> io::Result<Load> {
        let mut times = Vec::with_capacity(requests as usize);
        let begin = Instant::now();
        let mut left = requests; // to be sent
        for connection in &mut self.connections {
            if left > 0 {
                left -= 1;
                connection.send(self.talk)?;
            }
        }
        let mut checksum = 0;
        let mut events = Events::with_capacity(1024);
        let mut buffer = vec![0; self.len + 1];
        while (times.len() as u64) < requests {
            if let Err(error) = self.poll.poll(&mut events, None)
                && error.kind() != ErrorKind::Interrupted
            {
                return Err(error);
            }
            for event in &events {
                let connection = &mut self.connections[event.token().0];
                if let Some(sum) = connection.hear(self.talk, &mut buffer, self.len)? {
                    times.push(connection.sent.elapsed().as_nanos() as u64);
                    checksum += sum;
                    if left > 0 {
                        left -= 1;
                        connection.send(self.talk)?;
                    }
                }
            }
        }
        let nanos = begin.elapsed().as_nanos() as u64;
        Ok(Load { answered: requests, nanos, checksum, p99: p99(times) })
    }
}

/// The least that 99 of 100 do not exceed; 0 of none.
fn p99(mut times: Vec<u64>) -> u64 {
    let rank = (times.len() * 99).div_ceil(100);
    match rank.checked_sub(1) {
        Some(index) => *times.select_nth_unstable(index).1,
        None => 0,
    }
}

impl Connection {
    fn send(&mut self, talk: Talk) -> io::Result<()> {
        self.heard = 0;
        self.sent = Instant::now();
        // Nothing of this connection is under way: there is room.
        self.stream.write_all(talk.request())
    }

    /// A sum over the answer's end, if it is complete.
    fn hear(&mut self, talk: Talk, buffer: &mut [u8], len: usize) -> io::Result<Option<u64>> {
        while self.heard < len {
            match self.stream.read(&mut buffer[self.heard..]) {
                Ok(0) => return Err(ErrorKind::UnexpectedEof.into()),
                Ok(count) => self.heard += count,
                Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(None),
                Err(error) => return Err(error),
            }
        }
        let (begin, end) = talk.answer();
        let answer = &buffer[..len];
        if self.heard > len || !answer.starts_with(begin) || !answer.ends_with(end) {
            return Err(io::Error::other("another answer than the first"));
        }
        Ok(Some(answer[len - end.len()..].iter().map(|byte| u64::from(*byte)).sum()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::TcpListener;
    use std::thread;

    /// A server of two connections, whose answers come in two pieces; the last of one of them is another.
    fn serve(answers: u64, last: &'static str) -> SocketAddr {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port is free");
        let addr = listener.local_addr().expect("it listens");
        for number in 0..2 {
            let listener = listener.try_clone().expect("a descriptor is free");
            thread::spawn(move || {
                let (mut stream, _) = listener.accept().expect("a client");
                for count in 0..answers {
                    let mut request = vec![0; Talk::Http.request().len()];
                    if stream.read_exact(&mut request).is_err() {
                        return; // the client has enough
                    }
                    assert_eq!(request, Talk::Http.request());
                    let body = if (number, count) == (0, answers - 1) { last } else { HELLO };
                    stream.write_all(b"HTTP/1.1 200 OK\r\ncontent").expect("it is read");
                    thread::yield_now();
                    write!(stream, "-length: {}\r\n\r\n{body}", HELLO.len()).expect("it is read");
                }
            });
        }
        addr
    }

    #[test]
    fn each_answer_is_summed_up() {
        let sum: u64 = HELLO.bytes().map(u64::from).sum();
        let mut client = Client::connect(Talk::Http, serve(6, HELLO), 2).expect("it is answered");
        assert_eq!(client.ask(1).expect("it is answered").checksum, sum);
        let load = client.ask(5).expect("it is answered");
        assert_eq!((load.answered, load.checksum), (5, 5 * sum));
        assert!(load.p99 > 0 && load.p99 <= load.nanos, "{load:?}");
    }

    #[test]
    fn another_answer_is_an_error() {
        let mut client = Client::connect(Talk::Http, serve(3, "hello, folks\n"), 2).expect("it is answered");
        let error = (0..2).find_map(|_| client.ask(2).err()).expect("the last one is wrong");
        assert_eq!(error.to_string(), "another answer than the first");
    }

    #[test]
    fn an_echo_is_what_was_sent() {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port is free");
        let addr = listener.local_addr().expect("it listens");
        let server = thread::spawn(move || {
            let (mut stream, _) = listener.accept().expect("a client");
            for change in [0, 0, 1] {
                let mut message = MESSAGE;
                stream.read_exact(&mut message).expect("a message");
                message[5] += change;
                stream.write_all(&message).expect("it is read");
            }
        });
        let mut client = Client::connect(Talk::Echo, addr, 1).expect("it is answered");
        assert_eq!(client.ask(1).expect("it is answered").checksum, 64 * 7);
        assert!(client.ask(1).is_err(), "it was changed");
        server.join().expect("it is asked three times");
    }

    #[test]
    fn of_a_hundred_times_the_last_but_one_is_the_99th() {
        assert_eq!(p99((1..=100).rev().collect()), 99);
        assert_eq!(p99((1..=101).collect()), 100);
        assert_eq!((p99(vec![7]), p99(Vec::new())), (7, 0));
    }
}
