//! The client of the HTTP cells: a process of its own, the same for all servers, so that a server's CPU time is its own.
//!
//! A server's process starts it as `load ADDRESS CONNECTIONS REQUESTS`. It warms the server up by a tenth of the requests,
//! says so by a line, waits for one, and makes the requests: each connection sends the next when it has the answer to the
//! one before. Then it says the nanoseconds that they took, and a sum over the answers.
use mio::net::TcpStream;
use mio::{Events, Interest, Poll, Token};
use std::io::{self, BufRead, BufReader, ErrorKind, Read, Write};
use std::net::SocketAddr;
use std::process::{Command, Stdio};
use std::time::Instant;

const REQUEST: &[u8] = b"GET / HTTP/1.1\r\nhost: localhost\r\n\r\n";
/// The answer's body.
pub(crate) const HELLO: &str = "hello, world\n";
/// By which a program that is not this one finds it.
pub(crate) const PROGRAM: &str = "DORMOUSE_BENCH";

/// What a load came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Load {
    pub(crate) nanos: u64,
    pub(crate) checksum: u64,
}

/// Starts this program as the client of the server at `addr`; `warm` is called in between.
pub(crate) fn start(
    addr: SocketAddr,
    connections: u64,
    requests: u64,
    warm: impl FnOnce(),
) -> io::Result<Load> {
    let mut client = Command::new(std::env::current_exe()?);
    let arguments = ["load".into(), addr.to_string(), connections.to_string(), requests.to_string()];
    let mut client = client.args(arguments).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn()?;
    let mut said = BufReader::new(client.stdout.take().expect("it is piped"));
    let mut line = String::new();
    said.read_line(&mut line)?;
    warm();
    client.stdin.take().expect("it is piped").write_all(b"\n")?;
    line.clear();
    said.read_line(&mut line)?;
    client.wait()?;
    let mut numbers = line.split_whitespace().map(str::parse);
    match (numbers.next(), numbers.next()) {
        (Some(Ok(nanos)), Some(Ok(checksum))) => Ok(Load { nanos, checksum }),
        _ => Err(io::Error::other("the client failed")),
    }
}

/// The client.
pub(crate) fn run(addr: SocketAddr, connections: u64, requests: u64) -> io::Result<()> {
    let mut client = Client::connect(addr, connections)?;
    client.ask(requests / 10)?;
    println!("warm");
    io::stdin().read_line(&mut String::new())?;
    let begin = Instant::now();
    let checksum = client.ask(requests)?;
    println!("{} {checksum}", begin.elapsed().as_nanos());
    Ok(())
}

struct Client {
    poll: Poll,
    connections: Vec<Connection>,
    /// Of an answer.
    len: usize,
}

struct Connection {
    stream: TcpStream,
    /// What has come of the answer.
    heard: usize,
}

impl Client {
    fn connect(addr: SocketAddr, connections: u64) -> io::Result<Client> {
        let poll = Poll::new()?;
        let mut len = 0;
        let connect = |number: u64| {
            let mut stream = std::net::TcpStream::connect(addr)?;
            stream.set_nodelay(true)?;
            // All answers are as long as this one.
            stream.write_all(REQUEST)?;
            let mut heard = Vec::new();
            while !heard.ends_with(HELLO.as_bytes()) {
                let mut byte = [0];
                stream.read_exact(&mut byte)?;
                heard.push(byte[0]);
            }
            len = heard.len();
            stream.set_nonblocking(true)?;
            let mut stream = TcpStream::from_std(stream);
            poll.registry().register(&mut stream, Token(number as usize), Interest::READABLE)?;
            Ok(Connection { stream, heard: 0 })
        };
        let connections = (0..connections).map(connect).collect::<io::Result<_>>()?;
        Ok(Client { poll, connections, len })
    }

    /// Makes so many requests: a sum over the answers.
    fn ask(&mut self, requests: u64) -> io::Result<u64> {
        let mut left = requests; // to be sent
        for connection in &mut self.connections {
            if left > 0 {
                left -= 1;
                connection.send()?;
            }
        }
        let (mut answered, mut checksum) = (0, 0);
        let mut events = Events::with_capacity(1024);
        let mut buffer = vec![0; self.len + 1];
        while answered < requests {
            if let Err(error) = self.poll.poll(&mut events, None)
                && error.kind() != ErrorKind::Interrupted
            {
                return Err(error);
            }
            for event in &events {
                let connection = &mut self.connections[event.token().0];
                if let Some(sum) = connection.hear(&mut buffer, self.len)? {
                    (answered, checksum) = (answered + 1, checksum + sum);
                    if left > 0 {
                        left -= 1;
                        connection.send()?;
                    }
                }
            }
        }
        Ok(checksum)
    }
}

impl Connection {
    fn send(&mut self) -> io::Result<()> {
        self.heard = 0;
        // Nothing of this connection is under way: there is room.
        self.stream.write_all(REQUEST)
    }

    /// A sum over the answer's body, if it is complete.
    fn hear(&mut self, buffer: &mut [u8], len: usize) -> io::Result<Option<u64>> {
        while self.heard < len {
            match self.stream.read(&mut buffer[self.heard..]) {
                Ok(0) => return Err(ErrorKind::UnexpectedEof.into()),
                Ok(count) => self.heard += count,
                Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(None),
                Err(error) => return Err(error),
            }
        }
        let body = &buffer[len - HELLO.len()..len];
        if self.heard > len || !buffer.starts_with(b"HTTP/1.1 200 ") || body != HELLO.as_bytes() {
            return Err(io::Error::other("another answer than the first"));
        }
        Ok(Some(body.iter().map(|byte| u64::from(*byte)).sum()))
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
                    let mut request = [0; REQUEST.len()];
                    if stream.read_exact(&mut request).is_err() {
                        return; // the client has enough
                    }
                    assert_eq!(request, REQUEST);
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
        let mut client = Client::connect(serve(6, HELLO), 2).expect("it is answered");
        assert_eq!(client.ask(1).expect("it is answered"), sum);
        assert_eq!(client.ask(5).expect("it is answered"), 5 * sum);
    }

    #[test]
    fn another_answer_is_an_error() {
        let mut client = Client::connect(serve(3, "hello, folks\n"), 2).expect("it is answered");
        let error = (0..2).find_map(|_| client.ask(2).err()).expect("the last one is wrong");
        assert_eq!(error.to_string(), "another answer than the first");
    }
}
