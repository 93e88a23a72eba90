//! The words of the answers that `tests/redis.rs` does not see, and what a session does with many requests at once.
use super::{ask, request, server};
use crate::server::Session;

#[test]
fn errors_are_in_rediss_words() {
    let mut session = Session::new(server());
    ask(&mut session, "MSET text abc large 9223372036854775807 small -9223372036854775808");
    for (line, error) in [
        ("nonsense", "ERR unknown command 'nonsense', with args beginning with: "),
        ("NONSENSE a \"b\\r\\nc\"", "ERR unknown command 'NONSENSE', with args beginning with: 'a' 'b  c' "),
        ("get", "ERR wrong number of arguments for 'get' command"),
        ("GET a b", "ERR wrong number of arguments for 'get' command"),
        ("mset a b c", "ERR wrong number of arguments for 'mset' command"),
        ("set k v bogus", "ERR syntax error"),
        ("set k v nx xx", "ERR syntax error"),
        ("set k v ex", "ERR syntax error"),
        ("set k v ex 1 px 1", "ERR syntax error"),
        ("set k v ex 1 keepttl", "ERR syntax error"),
        ("set k v ex x", "ERR value is not an integer or out of range"),
        ("set k v ex 0", "ERR invalid expire time in 'set' command"),
        ("set k v px -1", "ERR invalid expire time in 'set' command"),
        ("set k v ex 9223372036854775807", "ERR invalid expire time in 'set' command"),
        ("incr text", "ERR value is not an integer or out of range"),
        ("incrby large x", "ERR value is not an integer or out of range"),
        ("incr large", "ERR increment or decrement would overflow"),
        ("decr small", "ERR increment or decrement would overflow"),
        ("decrby large -9223372036854775808", "ERR decrement would overflow"),
        ("expire text x", "ERR value is not an integer or out of range"),
        ("expire text 9223372036854775807", "ERR invalid expire time in 'expire' command"),
        ("expire text 1 bogus", "ERR Unsupported option bogus"),
        ("expire text 1 nx xx", "ERR NX and XX, GT or LT options at the same time are not compatible"),
        ("expire text 1 gt lt", "ERR GT and LT options at the same time are not compatible"),
        ("select 1", "ERR DB index is out of range"),
        ("select x", "ERR value is not an integer or out of range"),
        ("config get", "ERR wrong number of arguments for 'config|get' command"),
        ("config set save x", "ERR unknown subcommand 'set'. Try CONFIG HELP."),
        ("flushall now", "ERR syntax error"),
        ("hello 3", "NOPROTO unsupported protocol version"),
        ("bgrewriteaof", "ERR there is no append only file"),
    ] {
        assert_eq!(ask(&mut session, line), format!("-{error}\r\n"), "{line}");
    }
    // None of them has changed anything.
    assert_eq!(ask(&mut session, "dbsize"), ":3\r\n");
}

#[test]
fn every_command_is_found_and_describes_itself() {
    let mut session = Session::new(server());
    let count = ask(&mut session, "command count");
    let all = ask(&mut session, "COMMAND");
    assert!(all.starts_with(&count.replace(':', "*")));
    // Each begins as an array of six, the first of which is its name.
    let names: Vec<&str> =
        all.split("*6\r\n$").skip(1).filter_map(|text| text.split("\r\n").nth(1)).collect();
    assert_eq!(format!(":{}\r\n", names.len()), count);
    for name in names {
        let described = ask(&mut session, &format!("COMMAND INFO {}", name.to_uppercase()));
        assert!(described.starts_with("*1\r\n*6\r\n$"), "{name}: {described}");
    }
    assert_eq!(ask(&mut session, "command info nonsense"), "*1\r\n*-1\r\n");
    assert_eq!(ask(&mut session, "command docs get"), "*0\r\n");
}

#[test]
fn all_complete_requests_are_executed_and_what_is_wrong_ends_it() {
    let mut session = Session::new(server());
    session.input.push(&[request(&["SET", "k", "v"]), request(&["GET", "k"]), b"*1\r\n$".to_vec()].concat());
    assert!(!session.execute());
    assert_eq!(session.out, b"+OK\r\n$1\r\nv\r\n");
    assert!(!session.client.is_ending);
    session.answered();
    session.input.push(b"1\r\na\r\n*1\r\n:1\r\nPING\r\n");
    assert!(!session.execute());
    let text = String::from_utf8_lossy(&session.out);
    assert!(text.ends_with("-ERR Protocol error: expected '$', got ':'\r\n"), "{text}");
    assert!(session.client.is_ending);
}

#[test]
fn answers_are_sent_before_they_are_too_many() {
    let mut session = Session::new(server());
    let value = "x".repeat(100_000);
    session.input.push(&request(&["SET", "k", &value]));
    session.execute();
    session.answered();
    session.input.push(&request(&["GET", "k"]).repeat(7));
    let mut lengths = Vec::new();
    loop {
        let more = session.execute();
        lengths.push(session.out.len() / value.len());
        session.answered();
        if !more {
            break;
        }
    }
    assert_eq!(lengths, [3, 3, 1]);
}

#[test]
fn a_quit_is_the_last_request() {
    let mut session = Session::new(server());
    assert_eq!(ask(&mut session, "PING\nQUIT\nPING"), "+PONG\r\n+OK\r\n");
    assert!(session.client.is_ending);
    // A browser's request is none at all.
    let mut session = Session::new(server());
    assert_eq!(ask(&mut session, "POST / HTTP/1.1\nSET k v"), "");
    assert!(session.client.is_ending);
}

#[test]
fn who_listens_is_told_in_order() {
    let server = server();
    let mut alice = Session::new(server.clone());
    let mut bob = Session::new(server.clone());
    assert_eq!(
        ask(&mut alice, "subscribe a b\npsubscribe a*"),
        "*3\r\n$9\r\nsubscribe\r\n$1\r\na\r\n:1\r\n*3\r\n$9\r\nsubscribe\r\n$1\r\nb\r\n:2\r\n\
         *3\r\n$10\r\npsubscribe\r\n$2\r\na*\r\n:3\r\n"
    );
    assert_eq!(
        ask(&mut bob, "publish a 1\npublish b 2\npublish ax 3\npublish c 4"),
        ":2\r\n:1\r\n:1\r\n:0\r\n"
    );
    // What was told before it stopped to listen comes before the answer to that.
    assert_eq!(
        ask(&mut alice, "unsubscribe a"),
        "*3\r\n$7\r\nmessage\r\n$1\r\na\r\n$1\r\n1\r\n*4\r\n$8\r\npmessage\r\n$2\r\na*\r\n$1\r\na\r\n$1\r\n1\r\n\
         *3\r\n$7\r\nmessage\r\n$1\r\nb\r\n$1\r\n2\r\n*4\r\n$8\r\npmessage\r\n$2\r\na*\r\n$2\r\nax\r\n$1\r\n3\r\n\
         *3\r\n$11\r\nunsubscribe\r\n$1\r\na\r\n:2\r\n"
    );
    let error = "-ERR Can't execute 'get': only (P|S)SUBSCRIBE / (P|S)UNSUBSCRIBE / PING / QUIT / RESET are allowed in \
                 this context\r\n";
    assert_eq!(ask(&mut alice, "get k"), error);
    assert_eq!(ask(&mut alice, "ping"), "*2\r\n$4\r\npong\r\n$0\r\n\r\n");
    assert_eq!(ask(&mut alice, "unsubscribe"), "*3\r\n$11\r\nunsubscribe\r\n$1\r\nb\r\n:1\r\n");
    assert_eq!(ask(&mut alice, "punsubscribe"), "*3\r\n$12\r\npunsubscribe\r\n$2\r\na*\r\n:0\r\n");
    assert_eq!(ask(&mut alice, "unsubscribe\nping"), "*3\r\n$11\r\nunsubscribe\r\n$-1\r\n:0\r\n+PONG\r\n");
    // Who is gone is told nothing.
    assert_eq!(ask(&mut alice, "subscribe a").matches("subscribe").count(), 1);
    drop(alice);
    assert_eq!(ask(&mut bob, "publish a 1"), ":0\r\n");
    assert!(ask(&mut bob, "info stats").contains("pubsub_channels:0\r\n"));
}
