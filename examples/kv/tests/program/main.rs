//! The program, talked to by plain sockets, and by Redis's own clients where they are installed.
#![cfg(unix)]
mod crash;
mod plain;
mod pubsub;
mod redis;
#[path = "../../../../tests/support/server.rs"]
mod server;

use rustix::process::Signal;
use server::Server;
use std::ffi::OsString;
use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{Shutdown, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};

/// What `server` asks for.
mod support {
    use std::path::PathBuf;

    pub(crate) fn binary(_: &str) -> PathBuf {
        env!("CARGO_BIN_EXE_kv").into()
    }
}

fn kv(options: &[&str]) -> Server {
    Server::start("kv", ["127.0.0.1:0"].iter().chain(options))
}

fn kv_with(file: &Path, options: &[&str]) -> Server {
    let mut arguments: Vec<OsString> = vec!["127.0.0.1:0".into(), "--appendonly".into(), file.into()];
    arguments.extend(options.iter().map(OsString::from));
    Server::start("kv", arguments)
}

/// Runs it to its end, which should come by itself.
fn ends(arguments: &[&str]) -> Output {
    Command::new(support::binary("kv")).args(arguments).output().expect("it can be started")
}

/// Ends it: what it says at last, after the number of connections.
fn terminate(mut kv: Server) -> String {
    kv.signal(Signal::TERM);
    assert_eq!(kv.line(), "no more connections");
    let (code, last) = kv.end();
    assert_eq!(code, Some(0));
    last
}

struct Client(BufReader<TcpStream>);

impl Client {
    fn new(kv: &Server) -> Client {
        Client(BufReader::new(kv.connect()))
    }

    fn writes(&mut self, bytes: impl AsRef<[u8]>) {
        self.0.get_mut().write_all(bytes.as_ref()).expect("it is read");
    }

    /// Sends a line, and reads its answer, of one line.
    fn asks(&mut self, line: &str) -> String {
        self.writes(format!("{line}\r\n"));
        self.line().expect("an answer")
    }

    /// The next line; `None` at the end, which may be a reset.
    fn line(&mut self) -> Option<String> {
        let mut line = String::new();
        self.0.read_line(&mut line).ok()?;
        line.ends_with("\r\n").then(|| line.trim_end().into())
    }

    #[track_caller]
    fn hears(&mut self, text: &str) {
        let mut heard = vec![0; text.len()];
        self.0.read_exact(&mut heard).expect("it is told");
        assert_eq!(String::from_utf8_lossy(&heard), text);
    }

    fn ends(&mut self) {
        self.0.get_mut().shutdown(Shutdown::Write).expect("it is connected");
    }

    /// All to the end, which must be a clean one.
    #[track_caller]
    fn rest(&mut self) -> String {
        let mut text = String::new();
        self.0.read_to_string(&mut text).expect("a clean end");
        text
    }
}

/// A new folder, gone in the end.
struct Folder(PathBuf);

impl Folder {
    fn new() -> Folder {
        static NUMBER: AtomicUsize = AtomicUsize::new(0);
        let name = format!("dormouse-kv-program-{}-{}", std::process::id(), NUMBER.fetch_add(1, Relaxed));
        let folder = std::env::temp_dir().join(name);
        fs::create_dir_all(&folder).expect("it can be made");
        Folder(folder)
    }

    fn file(&self) -> PathBuf {
        self.0.join("aof")
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}
