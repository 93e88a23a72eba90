//! How the service ends, and what is there after it.
use crate::client::{Answer, Client};
use crate::server::Server;
use crate::service::{ENDLESS, Folder, all, command, create, draft, get, metric, start, terminate};
use crate::support::run;
use dormouse_testing::{until, watch};
use rusqlite::Connection;
use rustix::process::Signal;
use std::fs;
use std::io::{self, BufReader, Write};
use std::net::{SocketAddr, TcpStream};
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::thread;

/// Asks for one note to be made, by a connection of its own.
fn make(stream: TcpStream) -> io::Result<Answer> {
    let body = draft("made").to_string();
    let head = "POST /notes HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\n";
    let mut client = Client(BufReader::new(stream));
    write!(client.0.get_mut(), "{head}content-length: {}\r\n\r\n{body}", body.len())?;
    client.answer(true)
}

/// Makes notes until nobody listens: the ids of those that were acknowledged, and the errors of those that were not.
fn make_on(addr: SocketAddr, made: &AtomicUsize) -> (Vec<i64>, Vec<io::Error>) {
    let (mut ids, mut lost) = (Vec::new(), Vec::new());
    while let Ok(stream) = TcpStream::connect(addr) {
        match make(stream) {
            Ok(answer) => {
                assert_eq!(answer.status, 201, "{answer:?}");
                ids.push(answer.json()["id"].as_i64().expect("a number"));
                made.fetch_add(1, Relaxed);
            }
            Err(error) => lost.push(error),
        }
    }
    (ids, lost)
}

/// Lets clients make notes, and sends the signal when there are some: the ids of the notes, and the errors.
fn signal_under_load(api: &Server, signal: Signal) -> (Vec<i64>, Vec<io::Error>) {
    const CLIENTS: usize = 8;
    let made = &AtomicUsize::new(0);
    thread::scope(|scope| {
        let clients: Vec<_> = (0..CLIENTS).map(|_| scope.spawn(|| make_on(api.addr, made))).collect();
        until(|| made.load(Relaxed) >= 200);
        api.signal(signal);
        let (mut ids, mut lost) = (Vec::new(), Vec::new());
        for client in clients {
            let (made, failed) = client.join().expect("a client goes on to the end");
            ids.extend(made);
            lost.extend(failed);
        }
        ids.sort_unstable();
        (ids, lost)
    })
}

fn ids(api: &Server) -> Vec<i64> {
    all(api).into_iter().map(|(id, _)| id).collect()
}

#[test]
fn sigterm_under_load_loses_no_request() {
    let _watch = watch();
    let folder = Folder::new();
    let api = start(&folder, ["--grace", "10000"]);
    let (made, lost) = signal_under_load(&api, Signal::TERM);
    assert!(lost.is_empty(), "{} were lost: {:?}", lost.len(), lost[0]);
    let (code, printed) = api.end();
    let said = format!("no more connections\n{0} requests, {0} changes\n", made.len());
    assert_eq!((code, printed), (Some(0), said));
    // All is in one file, which any SQLite can read.
    for rest in ["notes.db-wal", "notes.db-shm"] {
        assert!(!folder.file(rest).exists(), "{rest} is left");
    }
    assert_eq!(ids(&start(&folder, [""; 0])), made);
}

#[test]
fn all_is_moved_into_the_database_file_also_when_another_process_has_it_open() {
    let _watch = watch();
    let folder = Folder::new();
    let api = start(&folder, [""; 0]);
    let other = Connection::open(folder.database()).expect("it opens");
    let titles = "SELECT count(*) FROM notes";
    let count = || other.query_row(titles, [], |row| row.get::<_, i64>(0)).expect("a number");
    assert_eq!(count(), 0);
    create(&api, "a note");
    assert_eq!(terminate(api).0, Some(0));
    let log = || fs::metadata(folder.file("notes.db-wal")).expect("a file").len();
    assert_eq!((count(), log()), (1, 0));

    // Unless that one is in the midst of reading: what it reads must stay. It is told, and nothing is lost.
    let api = start(&folder, [""; 0]);
    other.execute_batch("BEGIN").expect("it can read");
    assert_eq!(count(), 1);
    create(&api, "another");
    assert_eq!(terminate(api).0, Some(1));
    assert!(log() > 0);
    other.execute_batch("COMMIT").expect("it has read");
    assert_eq!(count(), 2);
}

#[test]
fn what_was_acknowledged_survives_a_kill() {
    let _watch = watch();
    let folder = Folder::new();
    let api = start(&folder, [""; 0]);
    let (made, _) = signal_under_load(&api, Signal::KILL);
    assert_eq!(api.end().0, None, "it was killed");
    let api = start(&folder, [""; 0]);
    let kept = ids(&api);
    let missing: Vec<_> = made.iter().filter(|id| !kept.contains(id)).collect();
    assert!(missing.is_empty(), "{missing:?} are missing");
    // It is whole, and goes on.
    assert_eq!(make(TcpStream::connect(api.addr).expect("it listens")).expect("an answer").status, 201);
    assert_eq!(terminate(api).0, Some(0));
}

#[test]
fn a_request_under_way_is_answered_and_a_second_signal_waits_for_nobody() {
    let _watch = watch();
    let folder = Folder::new();
    let options = ["--grace", "100000", "--time", "100000", "--demo"];
    // One that takes a moment: it is under way when the signal comes.
    let api = start(&folder, options);
    let mut client = Client::connect(api.addr);
    client.send(b"POST /notes HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ncontent-length: 13\r\n\r\n{\"title\"");
    until(|| metric(&api, "http_requests_open") == 2.0);
    api.signal(Signal::TERM);
    until(|| TcpStream::connect(api.addr).is_err());
    client.send(b":\"a\"}");
    let answer = client.answer(true).expect("an answer");
    assert_eq!((answer.status, answer.header("connection")), (201, Some("close")));
    let (code, printed) = api.end();
    assert_eq!(code, Some(0));
    assert!(printed.ends_with(" 1 changes\n"), "{printed}");

    // One that would take for ever.
    let mut api = start(&folder, options);
    let mut client = Client::connect(api.addr);
    client.send_request("GET", ENDLESS, None);
    until(|| metric(&api, "notes_readers_idle") == 3.0);
    api.signal(Signal::INT);
    assert_eq!(api.line(), "no more connections");
    api.signal(Signal::INT);
    assert_eq!(api.end().0, Some(1));
    assert!(client.answer(true).is_err(), "it is cut off");
    assert_eq!(get(&start(&folder, [""; 0]), "/notes/1").status, 200);
}

#[test]
fn after_the_grace_time_requests_are_cut_off() {
    let _watch = watch();
    let folder = Folder::new();
    let api = start(&folder, ["--grace", "0.1", "--time", "100000", "--demo"]);
    let mut client = Client::connect(api.addr);
    client.send_request("GET", ENDLESS, None);
    until(|| metric(&api, "notes_readers_idle") == 3.0);
    assert_eq!(terminate(api).0, Some(1));
    assert!(client.answer(true).is_err(), "it is cut off");
}

#[test]
fn wrong_usage_is_told_with_code_2() {
    let folder = Folder::new();
    for (arguments, told) in [
        (["--readers", "0"], "'0' for '--readers <N>'"),
        (["--running", "0"], "'0' for '--running <N>'"),
        (["--max-size", "1"], "'1' for '--max-size <BYTES>'"),
        (["--time", "-1"], "unexpected argument"),
        (["--grace", "soon"], "'soon' for '--grace <SECONDS>'"),
    ] {
        let ran = run("api", &mut command(&folder, arguments));
        assert_eq!(ran.status.code(), Some(2), "{arguments:?}");
        assert!(ran.stdout.is_empty() && ran.stderr.contains(told), "{arguments:?}: {}", ran.stderr);
    }
}
