//! The append-only file: cut, damaged, full, made anew.
use super::{Folder, ask, bytes};
use crate::log::{Appendonly, Fsync};
use crate::record::MAGIC;
use crate::server::{Config, Server, Session};
use crate::store::Entry;
use crate::{replay, rewrite};
use dormouse::runtime::block_on;
use dormouse_testing::{until, watch};
use futures::future::join_all;
use proptest::prelude::*;
use rustix::fs::{CWD, FileType, Mode, mknodat};
use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::os::unix::fs::{FileTypeExt, symlink};
use std::path::Path;
use std::sync::Arc;
use std::thread;

fn open(path: &Path, fsync: Fsync) -> io::Result<Arc<Server>> {
    let appendonly = Some(Appendonly { path: path.into(), fsync });
    Server::open(Config { appendonly, ..Config::default() })
}

fn close(server: &Server) {
    server.close().expect("it can be written");
}

/// All that is there.
fn content(server: &Server) -> BTreeMap<Vec<u8>, (Vec<u8>, Option<u64>)> {
    let state = server.state();
    let alive = state.store.keys().filter_map(|key| Some((key, state.store.get(key, 0)?)));
    alive.map(|(key, Entry { value, deadline })| (key.to_vec(), (value.clone(), *deadline))).collect()
}

/// Changes of all kinds, a group each; with the length of the file after each, and what there is then.
fn history(path: &Path) -> Vec<(u64, BTreeMap<Vec<u8>, (Vec<u8>, Option<u64>)>)> {
    let server = open(path, Fsync::Never).expect("a new file");
    let mut session = Session::new(server.clone());
    let mut states = vec![(MAGIC.len() as u64, content(&server))];
    for line in [
        "SET a 1",
        "MSET b 2 c 3",
        "SET d 4 EX 10000",
        "EXPIRE a 10000",
        "PERSIST d",
        "INCRBY b 40",
        // As a group may look that is none.
        "SET e \"#0000000000 00000000\\r\\n\"",
        "APPEND c more",
        "DEL a e",
        "FLUSHALL",
        "SET last x PXAT 1",
        "SET last one",
    ] {
        ask(&mut session, line);
        states.push((fs::metadata(path).expect("a file").len(), content(&server)));
    }
    close(&server);
    states
}

#[test]
fn all_that_was_answered_is_there_again() {
    for fsync in [Fsync::Always, Fsync::EverySecond, Fsync::Never] {
        let _watch = watch();
        let folder = Folder::new();
        let path = folder.file("aof");
        let server = open(&path, fsync).expect("a new file");
        let mut session = Session::new(server.clone());
        assert_eq!(
            ask(&mut session, "SET k v EX 1000\nINCR n\nINCR n\nGET k"),
            "+OK\r\n:1\r\n:2\r\n$1\r\nv\r\n"
        );
        let before = content(&server);
        // As it is in the moment of a crash: nothing is closed.
        let copy = folder.file("copy");
        fs::copy(&path, &copy).expect("it can be read");
        let again = open(&copy, fsync).expect("it is whole");
        assert_eq!(content(&again), before);
        assert_eq!(again.found(), (2, 0));
        close(&again);
        close(&server);
    }
}

#[test]
fn changes_of_many_are_written_and_synced_together() {
    let _watch = watch();
    let folder = Folder::new();
    let path = folder.file("aof");
    let server = open(&path, Fsync::Always).expect("a new file");
    let mut sessions: Vec<_> = (0..20).map(|_| Session::new(server.clone())).collect();
    // They come while the file is busy.
    let busy = server.log.as_ref().expect("there is one").file();
    for session in &mut sessions {
        session.input.push(b"INCR n\n");
        session.execute();
    }
    drop(busy);
    block_on(join_all(sessions.iter_mut().map(Session::commit)));
    let heads = |bytes: Vec<u8>| bytes.iter().filter(|&&byte| byte == b'#').count();
    assert_eq!(heads(bytes(&path)), 2, "the file's line, and one group's");
    assert_eq!(sessions[19].out, b":20\r\n");
    close(&server);
}

#[test]
fn a_file_that_ends_anywhere_has_all_groups_before_that() {
    let folder = Folder::new();
    let states = history(&folder.file("aof"));
    let whole = bytes(&folder.file("aof"));
    let copy = folder.file("copy");
    for length in 0..=whole.len() {
        fs::write(&copy, &whole[..length]).expect("it can be written");
        let server = open(&copy, Fsync::Never).expect("a torn end is no fault");
        let (end, expected) = states.iter().rfind(|(end, _)| *end <= length as u64).unwrap_or(&states[0]);
        let end = if length < MAGIC.len() { 0 } else { *end };
        assert_eq!(content(&server), *expected, "cut after {length}");
        assert_eq!(server.found().1, length as u64 - end, "cut after {length}");
        // It goes on from there.
        ask(&mut Session::new(server.clone()), "SET new k");
        close(&server);
        drop(server);
        let again = open(&copy, Fsync::Never).expect("it is whole");
        assert_eq!(again.found(), (expected.len() + 1, 0), "cut after {length}");
        close(&again);
    }
}

#[test]
fn a_changed_byte_is_never_taken_for_what_was_written() {
    let folder = Folder::new();
    let states = history(&folder.file("aof"));
    let whole = bytes(&folder.file("aof"));
    let copy = folder.file("copy");
    let last = states[states.len() - 2].0;
    for at in 0..whole.len() {
        let mut damaged = whole.clone();
        damaged[at] ^= 1;
        fs::write(&copy, &damaged).expect("it can be written");
        let opened = open(&copy, Fsync::Never);
        if at < MAGIC.len() {
            assert!(opened.expect_err("not ours").to_string().ends_with("is not an append-only file of kv"));
        } else if at as u64 >= last {
            // No whole group follows: it is a torn end.
            let server = opened.expect("a torn end is no fault");
            assert_eq!(content(&server), states[states.len() - 2].1, "byte {at}");
            close(&server);
        } else {
            let begin = states.iter().rfind(|(end, _)| *end <= at as u64).expect("after the first line").0;
            let error = opened.expect_err("damage").to_string();
            assert!(
                error.contains(&format!("is damaged: the group at byte {begin} of {}", whole.len())),
                "{error}"
            );
            assert!(error.contains(&format!("truncate -s {begin}")), "{error}");
            assert_eq!(bytes(&copy), damaged, "nothing was changed");
        }
    }
}

#[test]
fn what_the_error_says_is_a_way_to_go_on() {
    let folder = Folder::new();
    let states = history(&folder.file("aof"));
    let (path, copy) = (folder.file("aof"), folder.file("copy"));
    let mut damaged = bytes(&path);
    damaged[states[3].0 as usize + 30] ^= 1;
    fs::write(&path, &damaged).expect("it can be written");
    let error = open(&path, Fsync::Never).expect_err("damage").to_string();
    let number = |after: &str| -> usize {
        let (_, rest) = error.split_once(after).expect(after);
        rest.split(|c: char| !c.is_ascii_digit()).next().expect("a number").parse().expect("a number")
    };
    let (at, next) = (number("truncate -s "), number("what begins at byte "));
    assert_eq!((at as u64, next as u64), (states[3].0, states[4].0));
    fs::write(&copy, &damaged[..at]).expect("it can be written");
    let server = open(&copy, Fsync::Never).expect("it is whole");
    assert_eq!(content(&server), states[3].1);
    close(&server);
    drop(server);
    fs::write(&copy, [&damaged[..at], &damaged[next..]].concat()).expect("it can be written");
    let server = open(&copy, Fsync::Never).expect("it is whole");
    assert_eq!(content(&server), states[states.len() - 1].1);
    close(&server);
}

#[test]
fn other_files_and_files_in_use_are_refused() {
    let folder = Folder::new();
    let path = folder.file("aof");
    fs::write(&path, "my thesis").expect("it can be written");
    assert!(
        open(&path, Fsync::Never)
            .expect_err("not ours")
            .to_string()
            .contains("is not an append-only file of kv")
    );
    assert_eq!(bytes(&path), b"my thesis");
    let server = open(&folder.file("other"), Fsync::Never).expect("a new file");
    let error = open(&folder.file("other"), Fsync::Never).expect_err("in use").to_string();
    assert!(error.ends_with("another process uses it"), "{error}");
    close(&server);
    let error = open(&folder.file("no/folder"), Fsync::Never).expect_err("no folder").to_string();
    assert!(error.contains("no/folder: "), "{error}");
}

/// What cannot be written is an error to who has changed something, and to who wants to; all others are served.
#[test]
fn on_a_full_disk_changes_are_refused_and_the_rest_goes_on() {
    for fsync in [Fsync::Always, Fsync::EverySecond, Fsync::Never] {
        let _watch = watch();
        let server = open(Path::new("/dev/full"), fsync).expect("a device");
        let mut session = Session::new(server.clone());
        assert_eq!(ask(&mut session, "GET k\nPING"), "$-1\r\n+PONG\r\n");
        let full = "-MISCONF Errors writing to the AOF file: No space left on device (os error 28)";
        let executed = "(this was executed, and will be written when the file can be written again)";
        let answers = ask(&mut session, "PING\nSET k v\nGET k\nINCR k\nINCR n");
        let is_number = "-ERR value is not an integer or out of range";
        assert_eq!(
            answers,
            format!("+PONG\r\n{full} {executed}\r\n$1\r\nv\r\n{is_number}\r\n{full} {executed}\r\n"),
            "{fsync:?}"
        );
        assert_eq!(
            ask(&mut session, "SET k w\nDEL k\nGET k\nDBSIZE"),
            format!("{full}\r\n{full}\r\n$1\r\nv\r\n:2\r\n")
        );
        assert!(ask(&mut session, "INFO persistence").contains("aof_last_write_status:err\r\n"));
        assert_eq!(server.close().expect_err("it is still full"), "No space left on device (os error 28)");
    }
}

#[test]
fn a_file_made_anew_is_short_and_has_all() {
    let _watch = watch();
    let folder = Folder::new();
    let path = folder.file("aof");
    let server = open(&path, Fsync::Never).expect("a new file");
    let mut session = Session::new(server.clone());
    for _ in 0..1000 {
        ask(&mut session, "INCR n\nSET k v EX 1000");
    }
    // What a crash left in its place.
    fs::write(folder.file("aof.new"), "x".repeat(10_000)).expect("it can be written");
    let (before, length) = (content(&server), fs::metadata(&path).expect("a file").len());
    assert!(ask(&mut session, "BGREWRITEAOF").starts_with("+Background"));
    until(|| {
        !server.state().store.is_rewriting() && server.log.as_ref().is_some_and(|log| log.size() < 1000)
    });
    assert!(length > 50_000 && fs::metadata(&path).expect("a file").len() < 300);
    ask(&mut session, "SET later one");
    close(&server);
    drop((session, server));
    let server = open(&path, Fsync::Never).expect("it is whole");
    assert_eq!(content(&server).len(), before.len() + 1);
    assert!(before.iter().all(|(key, entry)| content(&server).get(key) == Some(entry)));
    close(&server);
}

#[test]
fn what_waits_to_be_written_is_in_the_new_file_once() {
    let _watch = watch();
    let folder = Folder::new();
    let path = folder.file("aof");
    let server = open(&path, Fsync::Never).expect("a new file");
    let mut session = Session::new(server.clone());
    session.input.push(b"APPEND k x\nBGREWRITEAOF\n");
    session.execute();
    until(|| !server.state().store.is_rewriting());
    assert!(server.state().rewritten.is_ok());
    // Now it is acknowledged, and another one follows it in the new file.
    block_on(session.commit());
    assert!(session.out.starts_with(b":1\r\n+Background"));
    session.answered();
    assert_eq!(ask(&mut session, "APPEND k y"), ":2\r\n");
    close(&server);
    drop((session, server));
    let server = open(&path, Fsync::Never).expect("it is whole");
    assert_eq!(content(&server), [(b"k".to_vec(), (b"xy".to_vec(), None))].into());
    close(&server);
}

/// Changes go on while the file is made anew, again and again, and none is lost or done twice.
#[test]
fn a_file_is_made_anew_under_load() {
    for fsync in [Fsync::Always, Fsync::Never] {
        let _watch = watch();
        let folder = Folder::new();
        let path = folder.file("aof");
        let server = open(&path, fsync).expect("a new file");
        thread::scope(|scope| {
            let writers: Vec<_> = (0..3)
                .map(|writer| {
                    let server = server.clone();
                    scope.spawn(move || {
                        let mut session = Session::new(server);
                        for n in 0..300 {
                            let key = (writer * 7 + n) % 40;
                            let lines = format!("APPEND a{key} {n},\nINCR n\nSET s{n} {n}\nDEL s{}", n / 2);
                            assert!(!ask(&mut session, &lines).contains('-'));
                        }
                    })
                })
                .collect();
            let mut session = Session::new(server.clone());
            while !writers.iter().all(|writer| writer.is_finished()) {
                ask(&mut session, "BGREWRITEAOF");
                until(|| !server.state().store.is_rewriting());
                assert!(server.state().rewritten.is_ok());
            }
        });
        let expected = content(&server);
        assert_eq!(expected[&b"n"[..]].0, b"900");
        until(|| !server.state().store.is_rewriting());
        close(&server);
        drop(server);
        let again = open(&path, fsync).expect("it is whole");
        assert_eq!(again.found(), (expected.len(), 0));
        assert!(content(&again) == expected, "the file has other keys");
        close(&again);
    }
}

#[test]
fn what_is_no_plain_file_stays_what_it_is() {
    let _watch = watch();
    let folder = Folder::new();
    let path = folder.file("pipe");
    mknodat(CWD, &path, FileType::Fifo, Mode::RUSR | Mode::WUSR, 0).expect("it can be made");
    let server = open(&path, Fsync::Never).expect("a pipe");
    let mut session = Session::new(server.clone());
    ask(&mut session, "BGREWRITEAOF");
    until(|| !server.state().store.is_rewriting());
    assert!(server.state().rewritten.is_err());
    assert!(fs::metadata(&path).expect("it is there").file_type().is_fifo());
    close(&server);
}

#[test]
fn behind_a_link_it_is_the_file_that_is_made_anew() {
    let _watch = watch();
    let folder = Folder::new();
    let (path, link) = (folder.file("aof"), folder.file("link"));
    symlink(&path, &link).expect("it can be made");
    let server = open(&link, Fsync::Never).expect("a new file");
    let mut session = Session::new(server.clone());
    ask(&mut session, "SET k v\nSET k w\nBGREWRITEAOF");
    until(|| !server.state().store.is_rewriting());
    assert!(server.state().rewritten.is_ok());
    close(&server);
    drop((session, server));
    assert!(fs::symlink_metadata(&link).expect("it is there").is_symlink());
    let server = open(&path, Fsync::Never).expect("it is whole");
    assert_eq!(server.found(), (1, 0));
    close(&server);
}

#[test]
fn a_file_that_cannot_be_made_anew_stays_as_it_is() {
    let _watch = watch();
    let folder = Folder::new();
    let path = folder.file("aof");
    let server = open(&path, Fsync::Never).expect("a new file");
    let mut session = Session::new(server.clone());
    ask(&mut session, "SET k v");
    // Its place is taken.
    fs::create_dir(folder.file("aof.new")).expect("it can be made");
    ask(&mut session, "BGREWRITEAOF");
    until(|| server.state().rewritten.is_err());
    assert!(ask(&mut session, "INFO persistence").contains("aof_last_bgrewrite_status:err\r\n"));
    assert_eq!(ask(&mut session, "SET l w"), "+OK\r\n");
    close(&server);
    drop((session, server));
    let server = open(&path, Fsync::Never).expect("it is whole");
    assert_eq!(server.found(), (2, 0));
    close(&server);
}

#[test]
fn a_file_is_made_anew_when_it_is_long_and_twice_as_long_as_when_it_was_new() {
    const MIB: u64 = 1 << 20;
    for (size, last, expected) in
        [(63 * MIB, 0, false), (64 * MIB, 0, true), (100 * MIB, 51 * MIB, false), (100 * MIB, 50 * MIB, true)]
    {
        assert_eq!(rewrite::is_due(size, last), expected, "{size} {last}");
    }
}

proptest! {
    /// Whatever a file has after its first line, it is read or refused, and what is read is whole groups.
    #[test]
    fn garbage_in_a_file_is_survived(garbage in prop::collection::vec(any::<u8>(), 0..200)) {
        let folder = Folder::new();
        let path = folder.file("aof");
        fs::write(&path, [MAGIC, &garbage].concat()).expect("it can be written");
        let file = fs::File::open(&path).expect("it is there");
        let mut store = crate::store::Store::default();
        let replayed = replay::replay(&file, &path, &mut store).expect("nothing whole follows");
        prop_assert_eq!((replayed.end, replayed.torn), (MAGIC.len() as u64, garbage.len() as u64));
        prop_assert_eq!(store.len(), 0);
    }
}
