//! A database that cannot be used: what is said at the start, and to each request.
use crate::client::ask;
use crate::server::Server;
use crate::service::{Folder, PROGRAM, all, command, create, draft, get, start, terminate};
use crate::support::run;
use dormouse_testing::watch;
use rusqlite::Connection;
use serde_json::{Value, json};
use std::fs::{self, OpenOptions, Permissions};
use std::io::{Seek, SeekFrom, Write};
use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::CommandExt;
use std::process::{Command, Stdio};

/// What it says when it cannot begin.
#[track_caller]
fn refused(folder: &Folder) -> String {
    let ran = run("api", &mut command(folder, [""; 0]));
    assert_eq!((ran.status.code(), ran.stdout.as_slice()), (Some(1), &b""[..]));
    let place = format!("api: {}: ", folder.database().display());
    ran.stderr.strip_prefix(&place).expect("which database").trim_end().into()
}

#[test]
fn a_database_that_cannot_be_used_is_told_at_the_start() {
    let _watch = watch();
    let damaged = "the file is damaged, or is not a database";
    let folder = Folder::new();
    fs::write(folder.database(), "a text that is as long as it likes\n".repeat(1000)).expect("a file");
    assert_eq!(refused(&folder), damaged);

    let folder = Folder::new();
    fs::create_dir(folder.database()).expect("a folder");
    assert!(refused(&folder).starts_with("unable to open database file"));

    let folder = Folder::new();
    let foreign = Connection::open(folder.database()).expect("it opens");
    foreign.execute_batch("CREATE TABLE notes (tune TEXT)").expect("it is written");
    assert_eq!(refused(&folder), "it is the database of another program");

    let folder = Folder::new();
    assert_eq!(terminate(start(&folder, [""; 0])).0, Some(0));
    let db = Connection::open(folder.database()).expect("it opens");
    db.execute_batch("BEGIN IMMEDIATE").expect("it can be locked");
    assert_eq!(refused(&folder), "another process has locked it");
    db.execute_batch("ROLLBACK; PRAGMA user_version = 2").expect("it is written");
    assert_eq!(refused(&folder), "it has version 2, and this program knows 1");
    db.execute_batch("PRAGMA user_version = 1").expect("it is written");
    drop(db);
    assert_eq!(terminate(start(&folder, [""; 0])).0, Some(0));

    fill(&folder);
    destroy_the_middle(&folder);
    assert_eq!(refused(&folder), damaged);
}

/// A database of some hundred pages.
fn fill(folder: &Folder) {
    let api = start(folder, [""; 0]);
    let large = json!({ "title": "large", "text": "x".repeat(10_000) });
    for _ in 0..100 {
        assert_eq!(ask(api.addr, "POST", "/notes", Some(&large)).status, 201);
    }
    assert_eq!(terminate(api).0, Some(0));
}

fn destroy_the_middle(folder: &Folder) {
    let mut file = OpenOptions::new().write(true).open(folder.database()).expect("a file");
    let length = file.metadata().expect("a file").len();
    file.seek(SeekFrom::Start(length / 4)).expect("it is as long");
    file.write_all(&vec![0xa5; length as usize / 2]).expect("it is written");
}

#[track_caller]
fn problem(api: &Server, method: &str, path: &str, body: Option<&Value>) -> (u16, String) {
    let answer = ask(api.addr, method, path, body);
    (answer.status, answer.json()["error"].as_str().expect("a word").into())
}

#[test]
fn a_locked_database_is_told_and_read_all_the_same() {
    let _watch = watch();
    let folder = Folder::new();
    let api = start(&folder, ["--time", "10000"]);
    create(&api, "before");
    let other = Connection::open(folder.database()).expect("it opens");
    other.execute_batch("BEGIN IMMEDIATE").expect("it can be locked");
    let locked = (503, "locked".to_owned());
    assert_eq!(problem(&api, "POST", "/notes", Some(&draft("refused"))), locked);
    assert_eq!(problem(&api, "DELETE", "/notes/1", None), locked);
    assert_eq!(get(&api, "/notes/1").status, 200);
    other.execute_batch("ROLLBACK").expect("it can be unlocked");
    create(&api, "after");
    let titles: Vec<String> = all(&api).into_iter().map(|(_, title)| title).collect();
    assert_eq!(titles, ["before", "after"]);
}

#[test]
fn a_damaged_database_is_told() {
    let _watch = watch();
    let folder = Folder::new();
    fill(&folder);
    let api = start(&folder, [""; 0]);
    destroy_the_middle(&folder);
    assert_eq!(problem(&api, "GET", "/notes?limit=100", None), (503, "corrupt".into()));
    // It does not end by it.
    assert_eq!(get(&api, "/metrics").status, 200);
}

/// Makes large notes until one is refused for want of room; the ids of those that were not.
fn make_until_full(api: &Server) -> Vec<i64> {
    let large = json!({ "title": "large", "text": "x".repeat(10_000) });
    let mut made = Vec::new();
    loop {
        let answer = ask(api.addr, "POST", "/notes", Some(&large));
        if answer.status != 201 {
            assert_eq!((answer.status, answer.json()["error"].clone()), (507, json!("full")));
            return made;
        }
        made.push(answer.json()["id"].as_i64().expect("a number"));
    }
}

fn ids(api: &Server) -> Vec<i64> {
    all(api).into_iter().map(|(id, _)| id).collect()
}

#[test]
fn a_full_database_is_told_and_read_all_the_same() {
    let _watch = watch();
    let folder = Folder::new();
    let api = start(&folder, ["--max-size", "262144"]);
    let mut made = make_until_full(&api);
    assert!(made.len() > 10, "{made:?}");
    assert_eq!(ids(&api), made);
    // Room is made by whoever deletes.
    assert_eq!(ask(api.addr, "DELETE", "/notes/1", None).status, 204);
    made.remove(0);
    made.push(create(&api, "small"));
    assert_eq!(ids(&api), made);
    assert_eq!(terminate(api).0, Some(0));
    assert_eq!(ids(&start(&folder, [""; 0])), made);
}

/// Starts it on a disk of its own, of 2 MB, if that is allowed here.
fn on_a_small_disk(folder: &Folder) -> Option<Server> {
    let disk = folder.file("disk");
    fs::create_dir(&disk).expect("a folder");
    let script = "mount -t tmpfs -o size=2m none \"$1\" && exec \"$2\" 127.0.0.1:0 --log error --database \"$1/notes.db\"";
    let unshare = |script: &str| {
        let mut command = Command::new("unshare");
        command.args(["-m", "sh", "-c", script, "sh"]).arg(&disk).arg(PROGRAM).stderr(Stdio::null());
        command
    };
    let allowed = unshare("mount -t tmpfs none \"$1\"").status().is_ok_and(|status| status.success());
    allowed.then(|| Server::spawn("api", &mut unshare(script)))
}

#[test]
fn a_full_disk_is_told_and_read_all_the_same() {
    let _watch = watch();
    let folder = Folder::new();
    let Some(api) = on_a_small_disk(&folder) else {
        println!("skipped: no disk of one's own can be mounted here");
        return;
    };
    let made = make_until_full(&api);
    assert!(made.len() > 10, "{made:?}");
    assert_eq!(ids(&api), made);
    assert_eq!(get(&api, "/healthz").status, 200);
}

#[test]
fn a_database_that_may_not_be_written_is_told() {
    let _watch = watch();
    let folder = Folder::new();
    assert_eq!(terminate(start(&folder, [""; 0])).0, Some(0));
    fs::set_permissions(folder.database(), Permissions::from_mode(0o444)).expect("it is ours");
    if OpenOptions::new().write(true).open(folder.database()).is_ok() {
        // Root may write to anything: so it is started as nobody, if nobody can start it.
        const NOBODY: u32 = 65534;
        let seen = Command::new(PROGRAM).arg("--version").uid(NOBODY).output();
        if !seen.is_ok_and(|ran| ran.status.success()) {
            println!("skipped: the program cannot be started as another user here");
            return;
        }
        let mut command = command(&folder, [""; 0]);
        let ran = run("api", command.uid(NOBODY));
        assert_eq!(ran.status.code(), Some(1));
        assert!(ran.stderr.ends_with("it can be read, but not be written\n"), "{}", ran.stderr);
    } else {
        assert_eq!(refused(&folder), "it can be read, but not be written");
    }
}
