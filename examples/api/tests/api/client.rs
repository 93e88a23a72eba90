//! A client of HTTP/1.1 on a plain socket.
use serde_json::Value;
use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};

pub(crate) struct Client(pub(crate) BufReader<TcpStream>);

#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    headers: Vec<(String, String)>,
    pub(crate) body: Vec<u8>,
}

impl Answer {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    pub(crate) fn text(&self) -> &str {
        std::str::from_utf8(&self.body).expect("text")
    }

    #[track_caller]
    pub(crate) fn json(&self) -> Value {
        assert_eq!(self.header("content-type"), Some("application/json"), "{self:?}");
        serde_json::from_slice(&self.body).expect("JSON")
    }
}

/// One request on a connection of its own.
#[track_caller]
pub(crate) fn ask(addr: SocketAddr, method: &str, path: &str, body: Option<&Value>) -> Answer {
    Client::connect(addr).ask(method, path, body)
}

impl Client {
    pub(crate) fn connect(addr: SocketAddr) -> Client {
        Client(BufReader::new(TcpStream::connect(addr).expect("it listens")))
    }

    pub(crate) fn send(&mut self, bytes: &[u8]) {
        self.0.get_mut().write_all(bytes).expect("it reads");
    }

    /// Sends a request, with what is JSON if there is a body.
    pub(crate) fn send_request(&mut self, method: &str, path: &str, body: Option<&Value>) {
        let addr = self.0.get_ref().peer_addr().expect("it is connected");
        let head = format!("{method} {path} HTTP/1.1\r\nhost: {addr}\r\n");
        let rest = match body.map(Value::to_string) {
            Some(body) => {
                format!("content-type: application/json\r\ncontent-length: {}\r\n\r\n{body}", body.len())
            }
            None => "\r\n".into(),
        };
        self.send((head + &rest).as_bytes());
    }

    #[track_caller]
    pub(crate) fn ask(&mut self, method: &str, path: &str, body: Option<&Value>) -> Answer {
        self.send_request(method, path, body);
        self.answer(method != "HEAD").expect("an answer")
    }

    /// The next answer; without its body for a HEAD.
    pub(crate) fn answer(&mut self, with_body: bool) -> io::Result<Answer> {
        let mut answer = self.head()?;
        let length = answer.header("content-length").map_or(0, |length| length.parse().expect("a number"));
        if with_body {
            answer.body.resize(length, 0);
            self.0.read_exact(&mut answer.body)?;
        }
        Ok(answer)
    }

    /// The head of the next answer.
    pub(crate) fn head(&mut self) -> io::Result<Answer> {
        let first = self.line()?;
        let status = first.split(' ').nth(1).and_then(|status| status.parse().ok());
        let status = status.ok_or_else(|| io::Error::other(format!("no answer but {first:?}")))?;
        let mut headers = Vec::new();
        loop {
            let line = self.line()?;
            match line.split_once(':') {
                Some((name, value)) => headers.push((name.to_ascii_lowercase(), value.trim().into())),
                None => return Ok(Answer { status, headers, body: Vec::new() }),
            }
        }
    }

    /// The next line; empty at the end, too.
    pub(crate) fn line(&mut self) -> io::Result<String> {
        let mut line = String::new();
        self.0.read_line(&mut line)?;
        Ok(line.trim_end().into())
    }

    /// The next event of a stream of them; `None` at its end.
    pub(crate) fn event(&mut self) -> io::Result<Option<Value>> {
        loop {
            let mut line = String::new();
            if self.0.read_line(&mut line)? == 0 {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
            if let Some(data) = line.strip_prefix("data: ") {
                return Ok(Some(serde_json::from_str(data)?));
            }
            // The last chunk: an end that is one.
            if line == "0\r\n" {
                return Ok(None);
            }
        }
    }
}
