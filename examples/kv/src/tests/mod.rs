//! Tests of the library, without sockets. Those of the program are in `tests/`.
mod commands;
mod connection;
mod input;
mod log;
mod store;

use crate::input::{Input, Limits};
use crate::reply;
use crate::server::{Config, Server, Session};
use dormouse::runtime::block_on;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};

const LIMITS: Limits = Limits { bulk: 1 << 20, request: 1 << 22 };

/// What an input gives for bytes that come in such pieces: the requests, and what is wrong with the rest.
fn taken_apart<'a>(
    limits: Limits,
    pieces: impl IntoIterator<Item = &'a [u8]>,
) -> (Vec<Vec<Vec<u8>>>, Option<String>) {
    let (mut input, mut requests) = (Input::new(limits), Vec::new());
    for mut piece in pieces {
        while !piece.is_empty() && input.error().is_none() {
            let space = input.space();
            let part = piece.len().min(space.len());
            space[..part].copy_from_slice(&piece[..part]);
            input.received(part);
            piece = &piece[part..];
            while let Some(args) = input.next() {
                requests.push(args.iter().map(<[u8]>::to_vec).collect());
            }
        }
    }
    (requests, input.error().map(|error| error.to_string()))
}

/// A request, as clients send it.
fn request<A: AsRef<[u8]>>(args: &[A]) -> Vec<u8> {
    let mut bytes = Vec::new();
    let args: Vec<&[u8]> = args.iter().map(AsRef::as_ref).collect();
    reply::bulks(&mut bytes, &args);
    bytes
}

fn server() -> Arc<Server> {
    Server::open(Config::default()).expect("it has no file")
}

/// What a session answers to a line, or to several.
fn ask(session: &mut Session, lines: &str) -> String {
    session.input.push(lines.as_bytes());
    session.input.push(b"\n");
    let mut answers = Vec::new();
    loop {
        let more = session.execute();
        block_on(session.commit());
        answers.extend_from_slice(&session.out);
        session.answered();
        if !more {
            return String::from_utf8(answers).expect("text");
        }
    }
}

/// A new folder, gone in the end.
struct Folder(PathBuf);

impl Folder {
    fn new() -> Folder {
        static NUMBER: AtomicUsize = AtomicUsize::new(0);
        let name = format!("dormouse-kv-{}-{}", std::process::id(), NUMBER.fetch_add(1, Relaxed));
        let folder = std::env::temp_dir().join(name);
        fs::create_dir_all(&folder).expect("it can be made");
        Folder(folder)
    }

    fn file(&self, name: &str) -> PathBuf {
        self.0.join(name)
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

fn bytes(path: &Path) -> Vec<u8> {
    fs::read(path).expect("it can be read")
}
