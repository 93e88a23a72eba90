//! Redis's own clients: `redis-cli` and `redis-benchmark` (Debian's `redis-tools`). Where they are not installed, these
//! tests say that they are skipped; `.ci/run` installs them.
use crate::{Folder, kv, kv_with, terminate};
use dormouse_testing::{watch, watch_for};
use std::io::ErrorKind;
use std::process::{Command, Stdio};
use std::time::Duration;

/// A client of the server; `None` if it is not installed.
fn installed(program: &str, kv: &crate::Server) -> Option<Command> {
    let mut command = Command::new(program);
    match command.arg("--version").stdout(Stdio::null()).stderr(Stdio::null()).status() {
        Err(error) if error.kind() == ErrorKind::NotFound => {
            eprintln!("skipped: there is no {program} (Debian: apt-get install redis-tools)");
            None
        }
        status => {
            assert!(status.expect("it can be started").success());
            let mut command = Command::new(program);
            command.args(["-h", "127.0.0.1", "-p", &kv.addr.port().to_string()]);
            Some(command)
        }
    }
}

/// What a command of `redis-cli` prints.
fn said(mut cli: Command, arguments: &[&str]) -> String {
    let output = cli.args(arguments).output().expect("it can be started");
    assert!(output.status.success(), "{arguments:?}: {output:?}");
    String::from_utf8(output.stdout).expect("text")
}

/// Commands, and what `redis-cli` prints for them. The same for Redis itself.
const SAID: &[(&[&str], &str)] = &[
    (&["PING"], "PONG"),
    (&["PING", "hello there"], "\"hello there\""),
    (&["ECHO", "a\nb"], "\"a\\nb\""),
    (&["SELECT", "0"], "OK"),
    (&["FLUSHALL"], "OK"),
    (&["GET", "k"], "(nil)"),
    (&["SET", "k", "v"], "OK"),
    (&["GET", "k"], "\"v\""),
    (&["SET", "k", "w", "NX"], "(nil)"),
    (&["SET", "l", "w", "XX"], "(nil)"),
    (&["SET", "k", "w", "XX"], "OK"),
    (&["SET", "k", "x", "GET"], "\"w\""),
    (&["SET", "l", "y", "NX", "GET"], "(nil)"),
    (&["DEL", "l", "none"], "(integer) 1"),
    (&["EXISTS", "k", "k", "none"], "(integer) 2"),
    (&["APPEND", "k", "yz"], "(integer) 3"),
    (&["STRLEN", "k"], "(integer) 3"),
    (&["STRLEN", "none"], "(integer) 0"),
    (&["INCR", "n"], "(integer) 1"),
    (&["INCRBY", "n", "41"], "(integer) 42"),
    (&["DECR", "n"], "(integer) 41"),
    (&["DECRBY", "n", "50"], "(integer) -9"),
    (&["INCR", "k"], "(error) ERR value is not an integer or out of range"),
    (&["MSET", "a", "1", "b", "2"], "OK"),
    (&["MGET", "a", "none", "b"], "1) \"1\"\n2) (nil)\n3) \"2\""),
    (&["TTL", "none"], "(integer) -2"),
    (&["TTL", "a"], "(integer) -1"),
    (&["EXPIRE", "none", "100"], "(integer) 0"),
    (&["EXPIRE", "a", "100"], "(integer) 1"),
    (&["TTL", "a"], "(integer) 100"),
    (&["EXPIRE", "a", "50", "GT"], "(integer) 0"),
    (&["EXPIRE", "a", "50", "LT"], "(integer) 1"),
    (&["EXPIRE", "a", "100", "NX"], "(integer) 0"),
    (&["EXPIRE", "a", "100", "XX"], "(integer) 1"),
    (&["PERSIST", "a"], "(integer) 1"),
    (&["PERSIST", "a"], "(integer) 0"),
    (&["PTTL", "a"], "(integer) -1"),
    (&["PEXPIRE", "a", "100000"], "(integer) 1"),
    (&["TTL", "a"], "(integer) 100"),
    (&["INCR", "a"], "(integer) 2"),
    (&["TTL", "a"], "(integer) 100"),
    (&["SET", "a", "3", "KEEPTTL"], "OK"),
    (&["TTL", "a"], "(integer) 100"),
    (&["SET", "a", "4"], "OK"),
    (&["TTL", "a"], "(integer) -1"),
    (&["SET", "a", "5", "EX", "100"], "OK"),
    (&["TTL", "a"], "(integer) 100"),
    (&["SET", "a", "5", "PX", "200000"], "OK"),
    (&["TTL", "a"], "(integer) 200"),
    (&["SET", "a", "5", "EXAT", "1"], "OK"),
    (&["EXISTS", "a"], "(integer) 0"),
    (&["PEXPIREAT", "b", "1"], "(integer) 1"),
    (&["EXISTS", "b"], "(integer) 0"),
    (&["EXPIREAT", "n", "33177117420"], "(integer) 1"),
    (&["SET", "k", "v", "PX", "0"], "(error) ERR invalid expire time in 'set' command"),
    (&["SET", "k", "v", "BOGUS"], "(error) ERR syntax error"),
    (&["GET"], "(error) ERR wrong number of arguments for 'get' command"),
    (&["NONE", "a", "b"], "(error) ERR unknown command 'NONE', with args beginning with: 'a' 'b' "),
    (&["DBSIZE"], "(integer) 2"),
    (&["PUBLISH", "news", "m"], "(integer) 0"),
    (&["CONFIG", "GET", "save"], "1) \"save\"\n2) \"\""),
    (&["CONFIG", "GET", "append*only", "none"], "1) \"appendonly\"\n2) \"no\""),
    (&["FLUSHDB", "ASYNC"], "OK"),
    (&["DBSIZE"], "(integer) 0"),
    (&["QUIT"], "OK"),
];

#[test]
fn redis_cli_is_told_what_redis_tells() {
    let _watch = watch();
    let kv = kv(&[]);
    for (arguments, expected) in SAID {
        let Some(mut cli) = installed("redis-cli", &kv) else { return };
        cli.arg("--no-raw");
        // An error is answered like anything else.
        let output = cli.args(*arguments).output().expect("it can be started");
        assert_eq!(
            String::from_utf8_lossy(&output.stdout).trim_end_matches('\n'),
            *expected,
            "{arguments:?}"
        );
    }
    let Some(cli) = installed("redis-cli", &kv) else { return };
    let info = said(cli, &["INFO"]);
    for part in
        ["# Server\r\nredis_version:", "# Clients\r\nconnected_clients:1\r\n", "aof_enabled:0", "# Keyspace"]
    {
        assert!(info.contains(part), "no {part:?} in {info}");
    }
    terminate(kv);
}

#[test]
fn redis_cli_listens() {
    let _watch = watch();
    let kv = kv(&[]);
    let Some(mut cli) = installed("redis-cli", &kv) else { return };
    let listener = cli.args(["SUBSCRIBE", "news"]).stdout(Stdio::piped()).spawn().expect("it can be started");
    let mut publisher = crate::Client::new(&kv);
    while publisher.asks("PUBLISH news hello") == ":0" {
        std::thread::yield_now();
    }
    drop(publisher);
    kv.signal(rustix::process::Signal::TERM);
    let output = listener.wait_with_output().expect("it ends");
    let text = String::from_utf8_lossy(&output.stdout);
    assert!(text.starts_with("subscribe\nnews\n1\nmessage\nnews\nhello\n"), "{text}");
}

/// Loads many keys at once, as `redis-cli --pipe` does, and finds them again.
#[test]
fn redis_cli_loads_in_bulk() {
    let _watch = watch();
    let folder = Folder::new();
    let kv = kv_with(&folder.file(), &[]);
    let Some(mut cli) = installed("redis-cli", &kv) else { return };
    let requests: String =
        (0..10_000).map(|n| format!("*3\r\n$3\r\nSET\r\n$5\r\n{n:05}\r\n$1\r\nv\r\n")).collect();
    std::fs::write(folder.0.join("requests"), requests).expect("it can be written");
    let requests = std::fs::File::open(folder.0.join("requests")).expect("it is there");
    let output = cli.arg("--pipe").stdin(requests).output().expect("it can be started");
    let text = String::from_utf8_lossy(&output.stdout);
    assert!(text.contains("errors: 0, replies: 10000"), "{text}");
    terminate(kv);
    let kv = kv_with(&folder.file(), &[]);
    assert_eq!(crate::Client::new(&kv).asks("DBSIZE"), ":10000");
}

#[test]
fn redis_benchmark_finishes_without_an_error() {
    for (options, requests) in [
        (&["-P", "1"][..], "2000"),
        (&["-P", "16"], "20000"),
        (&["-P", "16", "--threads", "2", "-d", "10000", "-r", "1000"], "5000"),
    ] {
        let _watch = watch_for(Duration::from_secs(120));
        let folder = Folder::new();
        let kv = kv_with(&folder.file(), &["--appendfsync", "always"]);
        let Some(mut benchmark) = installed("redis-benchmark", &kv) else { return };
        benchmark.args(["-c", "50", "--csv", "-t", "ping,set,get,incr,mset", "-n", requests]).args(options);
        let output = benchmark.output().expect("it can be started");
        let (text, errors) =
            (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
        assert!(output.status.success() && errors.is_empty(), "{options:?}: {text}{errors}");
        // Six kinds, after the line that names the columns; and what it could not do it would say.
        assert_eq!(text.lines().count(), 7, "{text}");
        assert!(!text.to_lowercase().contains("err"), "{text}");
        terminate(kv);
    }
}
