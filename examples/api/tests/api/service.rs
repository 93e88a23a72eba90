//! The service, started for a test, with a folder of its own.
use crate::client::{Answer, ask};
use crate::server::Server;
use rustix::process::Signal;
use serde_json::{Value, json};
use std::ffi::OsStr;
use std::fs;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};

/// A folder that goes when it is dropped.
pub(crate) struct Folder(PathBuf);

impl Folder {
    pub(crate) fn new() -> Folder {
        static NUMBER: AtomicUsize = AtomicUsize::new(0);
        let name = format!("dormouse-api-{}-{}", std::process::id(), NUMBER.fetch_add(1, Relaxed));
        let path = std::env::temp_dir().join(name);
        fs::create_dir(&path).expect("a folder can be made");
        Folder(path)
    }

    pub(crate) fn file(&self, name: &str) -> PathBuf {
        self.0.join(name)
    }

    /// Where the tests have their notes.
    pub(crate) fn database(&self) -> PathBuf {
        self.file("notes.db")
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

pub(crate) const PROGRAM: &str = env!("CARGO_BIN_EXE_dormouse-example-api");

/// A query that takes longer than any test (but ends, should a test be killed and leave the program behind).
pub(crate) const ENDLESS: &str = "/demo/query?rows=10000000000";

/// The program, at a port that the system chooses, with its database in `folder`. It logs errors only, to nowhere.
pub(crate) fn command<A: AsRef<OsStr>>(folder: &Folder, arguments: impl IntoIterator<Item = A>) -> Command {
    let mut command = Command::new(PROGRAM);
    command.args(["127.0.0.1:0", "--log", "error", "--database"]).arg(folder.database()).args(arguments);
    command.stderr(Stdio::null());
    command
}

pub(crate) fn start<A: AsRef<OsStr>>(folder: &Folder, arguments: impl IntoIterator<Item = A>) -> Server {
    Server::spawn("api", &mut command(folder, arguments))
}

/// Tells it to end, and waits: its exit code, and the last line that it prints.
pub(crate) fn terminate(mut api: Server) -> (Option<i32>, String) {
    api.signal(Signal::TERM);
    assert_eq!(api.line(), "no more connections");
    api.end()
}

/// A note to be made.
pub(crate) fn draft(title: &str) -> Value {
    json!({ "title": title, "text": "" })
}

/// Makes a note; its id.
#[track_caller]
pub(crate) fn create(api: &Server, title: &str) -> i64 {
    let made = ask(api.addr, "POST", "/notes", Some(&draft(title)));
    assert_eq!(made.status, 201, "{made:?}");
    made.json()["id"].as_i64().expect("a number")
}

#[track_caller]
pub(crate) fn get(api: &Server, path: &str) -> Answer {
    ask(api.addr, "GET", path, None)
}

/// All notes, page by page: their ids and titles.
#[track_caller]
pub(crate) fn all(api: &Server) -> Vec<(i64, String)> {
    let (mut notes, mut after) = (Vec::new(), Some(0));
    while let Some(id) = after {
        let page = get(api, &format!("/notes?limit=100&after={id}")).json();
        let read = |note: &Value| {
            (note["id"].as_i64().expect("a number"), note["title"].as_str().expect("text").to_owned())
        };
        notes.extend(page["notes"].as_array().expect("a list").iter().map(read));
        after = page["next"].as_i64();
    }
    notes
}

/// The value of a metric, with its labels; 0 if it is not there yet.
#[track_caller]
pub(crate) fn metric(api: &Server, name: &str) -> f64 {
    let metrics = get(api, "/metrics");
    let line = metrics.text().lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' '));
    line.map_or(0.0, |value| value.parse().expect("a number"))
}
