//! What is there after the end, whatever kind of end it was.
use crate::{Client, Folder, ends, kv_with, terminate};
use dormouse_testing::{until, watch};
use rustix::process::{Pid, Resource, Rlimit, Signal, prlimit};
use std::fs::{self, OpenOptions};
use std::io::Write;
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::thread;

/// What the clients did in vain is not counted: `INCR` of its own key by each, so many at a time, until the end. Gives
/// what each was answered last.
fn count_until(file: &Path, policy: &str, signal: Signal, pipeline: usize) -> Vec<usize> {
    const CLIENTS: usize = 8;
    let mut kv = kv_with(file, &["--appendfsync", policy, "--grace", "10000"]);
    let busy = &AtomicUsize::new(0);
    let counts = thread::scope(|scope| {
        let clients: Vec<_> = (0..CLIENTS)
            .map(|n| {
                let mut client = Client::new(&kv);
                scope.spawn(move || {
                    let requests = format!("INCR k{n}\r\n");
                    client.writes(requests.repeat(pipeline));
                    let mut count = 0;
                    while let Some(answer) = client.line() {
                        count += 1;
                        assert_eq!(answer, format!(":{count}"));
                        if count == 200 {
                            busy.fetch_add(1, Relaxed);
                        }
                        // It is told so if the server does not read any more.
                        let _ = client.0.get_mut().write_all(requests.as_bytes());
                    }
                    count
                })
            })
            .collect();
        until(|| busy.load(Relaxed) == CLIENTS);
        kv.signal(signal);
        clients.into_iter().map(|client| client.join().expect("it counts")).collect()
    });
    if signal == Signal::TERM {
        assert_eq!(kv.line(), "no more connections");
        assert_eq!(kv.end().0, Some(0));
    }
    counts
}

/// What the clients' keys are in a server that is started anew.
fn counted(file: &Path, clients: usize) -> Vec<usize> {
    let kv = kv_with(file, &[]);
    let mut client = Client::new(&kv);
    let counts = (0..clients).map(|n| {
        let length = client.asks(&format!("GET k{n}"));
        assert!(length.starts_with('$'), "{length}");
        client.line().expect("a value").parse().expect("a number")
    });
    counts.collect()
}

#[test]
fn a_kill_loses_nothing_that_was_acknowledged() {
    for policy in ["always", "everysec", "no"] {
        for pipeline in [1, 16] {
            let _watch = watch();
            let folder = Folder::new();
            let acknowledged = count_until(&folder.file(), policy, Signal::KILL, pipeline);
            let found = counted(&folder.file(), acknowledged.len());
            for (acknowledged, found) in acknowledged.iter().zip(&found) {
                // What was under way may have been written.
                let all = *acknowledged..=acknowledged + pipeline;
                assert!(all.contains(found), "{policy}: {acknowledged} acknowledged, {found} found");
            }
        }
    }
}

#[test]
fn a_sigterm_loses_nothing_and_does_nothing_that_it_does_not_answer() {
    for policy in ["always", "no"] {
        for pipeline in [1, 16] {
            let _watch = watch();
            let folder = Folder::new();
            let acknowledged = count_until(&folder.file(), policy, Signal::TERM, pipeline);
            assert_eq!(counted(&folder.file(), acknowledged.len()), acknowledged, "{policy}");
        }
    }
}

#[test]
fn a_torn_end_is_cut_off_with_a_warning() {
    let _watch = watch();
    let folder = Folder::new();
    let kv = kv_with(&folder.file(), &[]);
    assert_eq!(Client::new(&kv).asks("SET k v"), "+OK");
    terminate(kv);
    let mut file = OpenOptions::new().append(true).open(folder.file()).expect("it is there");
    file.write_all(b"#0000000099 12345678\r\n*3\r\n$3\r\nSET").expect("it can be written");
    let stderr = fs::File::create(folder.0.join("stderr")).expect("it can be made");
    let mut child = Command::new(crate::support::binary("kv"))
        .args(["127.0.0.1:0", "--appendonly"])
        .arg(folder.file())
        .stdout(Stdio::null())
        .stderr(stderr)
        .spawn()
        .expect("it can be started");
    let said = || fs::read_to_string(folder.0.join("stderr")).expect("text");
    until(|| said().ends_with('\n'));
    let _ = child.kill();
    child.wait().expect("it ends");
    assert_eq!(said(), "kv: the last 33 bytes of the file were not written completely, and are cut off\n");
    let kv = kv_with(&folder.file(), &[]);
    let mut client = Client::new(&kv);
    assert_eq!(client.asks("DBSIZE"), ":1");
    assert_eq!(client.asks("EXISTS k"), ":1");
}

#[test]
fn damage_in_the_middle_is_told_and_left_as_it_is() {
    let _watch = watch();
    let folder = Folder::new();
    let file = folder.file();
    let kv = kv_with(&file, &[]);
    let mut client = Client::new(&kv);
    for n in 0..3 {
        assert_eq!(client.asks(&format!("SET k{n} value{n}")), "+OK");
    }
    drop(client);
    terminate(kv);
    let whole = fs::read(&file).expect("it can be read");
    let at = whole.windows(6).position(|bytes| bytes == b"value1").expect("it is there");
    let mut damaged = whole.clone();
    damaged[at] = b'V';
    fs::write(&file, &damaged).expect("it can be written");
    let path = file.to_str().expect("text");
    let ran = ends(&["127.0.0.1:0", "--appendonly", path]);
    let stderr = String::from_utf8_lossy(&ran.stderr);
    assert_eq!(ran.status.code(), Some(1));
    assert!(stderr.starts_with(&format!("kv: {path} is damaged: the group at byte ")), "{stderr}");
    assert!(stderr.contains("has another checksum"), "{stderr}");
    assert_eq!(fs::read(&file).expect("it is there"), damaged);
}

#[test]
fn a_file_that_another_server_uses_is_refused() {
    let _watch = watch();
    let folder = Folder::new();
    let kv = kv_with(&folder.file(), &[]);
    let ran = ends(&["127.0.0.1:0", "--appendonly", folder.file().to_str().expect("text")]);
    assert_eq!(ran.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&ran.stderr).contains("another process uses it"));
    terminate(kv);
}

/// The program itself says that it could not keep the last changes.
#[test]
fn on_a_full_disk_it_serves_and_says_so_at_the_end() {
    let _watch = watch();
    let mut kv = kv_with(Path::new("/dev/full"), &["--appendfsync", "always"]);
    let mut client = Client::new(&kv);
    assert!(
        client
            .asks("SET k v")
            .starts_with("-MISCONF Errors writing to the AOF file: No space left on device")
    );
    let refused = "-MISCONF Errors writing to the AOF file: No space left on device (os error 28)";
    assert_eq!(client.asks("SET k w"), refused);
    assert_eq!(client.asks("STRLEN k"), ":1");
    drop(client);
    kv.signal(Signal::TERM);
    assert_eq!(kv.line(), "no more connections");
    assert_eq!(kv.end().0, Some(1));
}

/// A file that may not grow is written a bit of, which is cut off again; and when it may grow, all goes on.
#[test]
fn a_write_cut_short_is_taken_back_and_done_when_there_is_room() {
    for policy in ["always", "everysec"] {
        let _watch = watch();
        let folder = Folder::new();
        let kv = kv_with(&folder.file(), &["--appendfsync", policy]);
        let mut client = Client::new(&kv);
        assert_eq!(client.asks("SET before 1"), "+OK");
        let length = || fs::metadata(folder.file()).expect("it is there").len();
        let whole = length();
        let limit = |current| {
            let mut info = String::new();
            let mut client = Client::new(&kv);
            client.writes("INFO server\r\n");
            while !info.starts_with("process_id:") {
                info = client.line().expect("more");
            }
            let pid = info["process_id:".len()..].parse().ok().and_then(Pid::from_raw);
            prlimit(pid, Resource::Fsize, Rlimit { current, maximum: None }).expect("it may");
        };
        limit(Some(whole + 100));
        let value = "x".repeat(1000);
        let error = "-MISCONF Errors writing to the AOF file: File too large (os error 27)";
        assert!(client.asks(&format!("SET during {value}")).starts_with(error));
        assert_eq!(length(), whole, "{policy}: what was written is cut off");
        assert_eq!(client.asks("SET refused 1"), error);
        assert_eq!(client.asks("EXISTS before during refused"), ":2");
        limit(None);
        // It is tried again by itself.
        while client.asks("SET after 1") != "+OK" {
            thread::yield_now();
        }
        drop(client);
        terminate(kv);
        let kv = kv_with(&folder.file(), &[]);
        let mut client = Client::new(&kv);
        assert_eq!(client.asks("EXISTS before during after refused"), ":3");
        assert_eq!(client.asks("STRLEN during"), ":1000");
    }
}
