//! The example `chat` as a program, talked to by plain sockets.
#![cfg(unix)]
#[path = "support/server.rs"]
mod server;
mod support;

use dormouse_testing::{until, watch};
use rustix::process::Signal;
use server::Server;
use std::io::{BufRead, BufReader, ErrorKind, Read, Write};
use std::net::{Shutdown, TcpStream};
use std::process::Command;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::thread;
use support::{binary, run};

fn chat(options: &[&str]) -> Server {
    Server::start("chat", ["127.0.0.1:0"].iter().chain(options))
}

struct Client(BufReader<TcpStream>);

impl Client {
    /// One that is asked for its name.
    fn new(chat: &Server) -> Client {
        let mut client = Client(BufReader::new(chat.connect()));
        client.hears("* your name?");
        client
    }

    /// One that has joined, as the `number`th of those present.
    fn named(chat: &Server, name: &str, number: usize) -> Client {
        let mut client = Client::new(chat);
        client.says(name);
        client.hears(&format!("* {name} has joined: {number} here"));
        client
    }

    fn writes(&mut self, bytes: &[u8]) {
        self.0.get_mut().write_all(bytes).expect("it is read");
    }

    fn says(&mut self, line: &str) {
        self.writes(format!("{line}\n").as_bytes());
    }

    /// The next line; empty at the end.
    fn line(&mut self) -> String {
        let mut line = String::new();
        self.0.read_line(&mut line).expect("text");
        line.trim_end_matches('\n').into()
    }

    #[track_caller]
    fn hears(&mut self, line: &str) {
        assert_eq!(self.line(), line);
    }

    fn ends(&mut self) {
        self.0.get_mut().shutdown(Shutdown::Write).expect("it is connected");
    }

    /// The lines to the end, which must be a clean one.
    #[track_caller]
    fn rest(&mut self) -> Vec<String> {
        self.0.by_ref().lines().collect::<Result<_, _>>().expect("a clean end")
    }
}

/// Ends the chat: what it says at last.
fn terminate(mut chat: Server) -> String {
    chat.signal(Signal::TERM);
    assert_eq!(chat.line(), "no more connections");
    let (code, last) = chat.end();
    assert_eq!(code, Some(0));
    last
}

#[test]
fn all_read_what_one_says_and_who_comes_and_goes() {
    let _watch = watch();
    let chat = chat(&[]);
    let mut ada = Client::named(&chat, "Ada", 1);
    let mut bob = Client::named(&chat, "Bob", 2);
    ada.hears("* Bob has joined: 2 here");
    for (speaker, line, told) in [
        (0, "hello", "Ada: hello"),
        (1, "good day\r", "Bob: good day"),
        (0, "", "Ada: "),
        (1, "\ttab, \u{1f42d}", "Bob: \ttab, \u{1f42d}"),
    ] {
        [&mut ada, &mut bob][speaker].says(line);
        ada.hears(told);
        bob.hears(told);
    }
    // What was said before the end is told before the end, also without a newline.
    ada.writes(b"that was\nall");
    ada.ends();
    assert_eq!(ada.rest(), ["Ada: that was", "Ada: all"]);
    for line in ["Ada: that was", "Ada: all", "* Ada has left: 1 here"] {
        bob.hears(line);
    }
    // The name is free again.
    drop(Client::named(&chat, "Ada", 2));
    bob.hears("* Ada has joined: 2 here");
    bob.hears("* Ada has left: 1 here");
    drop(bob);
    assert_eq!(terminate(chat), "3 clients, 6 lines\n");
}

#[test]
fn a_name_is_asked_for_until_it_is_one() {
    let _watch = watch();
    let chat = chat(&["--line", "100"]);
    let _ada = Client::named(&chat, "Ada", 1);
    let mut client = Client::new(&chat);
    let long = "x".repeat(101);
    let rule = "* a name is 1 to 20 letters and digits; your name?";
    for (name, told) in [
        ("Ada", "* Ada is here already; your name?"),
        ("", rule),
        ("two words", rule),
        ("\u{1b}[31m", rule),
        (&long[..21], rule),
        (&long, "* a line is at most 100 bytes; your name?"),
    ] {
        client.says(name);
        client.hears(told);
    }
    client.says(" \u{c5}sa9 "); // letters of any language
    client.hears("* \u{c5}sa9 has joined: 2 here");
    // One that goes without a name was never there.
    drop(Client::new(&chat));
    client.says("nobody else?");
    client.hears("\u{c5}sa9: nobody else?");
}

#[test]
fn a_line_over_the_limit_is_not_sent() {
    let _watch = watch();
    let chat = chat(&["--line", "10"]);
    let mut ada = Client::named(&chat, "Ada", 1);
    let mut bob = Client::named(&chat, "Bob", 2);
    ada.hears("* Bob has joined: 2 here");
    let long = "x".repeat(1 << 20);
    for line in ["12345678901", "12345678901\r", "\u{e4}\u{e4}\u{e4}\u{e4}\u{e4}\u{e4}", &long] {
        ada.says(line);
        ada.hears("* not sent: a line is at most 10 bytes");
    }
    for line in ["1234567890", "1234567890\r", "\u{e4}\u{e4}\u{e4}\u{e4}\u{e4}"] {
        ada.says(line);
        let told = format!("Ada: {}", line.trim_end());
        ada.hears(&told);
        bob.hears(&told);
    }
}

#[test]
fn garbage_is_replaced_and_survived() {
    let _watch = watch();
    let chat = chat(&["--keep", "10000"]);
    let mut ada = Client::named(&chat, "Ada", 1);
    let mut bob = Client::new(&chat);
    bob.writes(b"\xff\xfe\0\n\xc3\n");
    for _ in 0..2 {
        bob.hears("* a name is 1 to 20 letters and digits; your name?");
    }
    bob.says("Bob");
    bob.hears("* Bob has joined: 2 here");
    ada.hears("* Bob has joined: 2 here");
    for (bytes, told) in [
        (&b"\xff\xfe ok"[..], "Bob: \u{fffd}\u{fffd} ok"),
        (b"\x1b[31mred\x07\0", "Bob: \u{fffd}[31mred\u{fffd}\u{fffd}"),
        (b"cut \xf0\x9f\x90", "Bob: cut \u{fffd}"),
    ] {
        bob.writes(bytes);
        bob.writes(b"\n");
        ada.hears(told);
        bob.hears(told);
    }
    // Every byte in every place, the ends of lines included; both read text from it.
    let noise: Vec<u8> = (0..1_u32 << 16).map(|n| (n.wrapping_mul(2_654_435_761) >> 24) as u8).collect();
    let mut writer = bob.0.get_ref().try_clone().expect("it is connected");
    let writing = thread::spawn(move || {
        writer.write_all(&noise).expect("it is read");
        writer.write_all(b"\nthat was noise\n").expect("it is read");
    });
    for client in [&mut ada, &mut bob] {
        while client.line() != "Bob: that was noise" {}
    }
    writing.join().expect("it is written");
}

/// More than the buffers of two sockets hold.
const LINES: usize = 1200;
const LINE: usize = 60_000;

#[test]
fn a_slow_client_is_told_how_much_it_has_missed() {
    let _watch = watch();
    let chat = chat(&["--keep", "8", "--line", "65536", "--stalled", "10000"]);
    let mut slow = Client::named(&chat, "slow", 1);
    let mut quick = Client::named(&chat, "quick", 2);
    slow.hears("* quick has joined: 2 here");
    let line = "x".repeat(LINE);
    for _ in 0..LINES {
        quick.says(&line);
        // It reads each line before the next, so it misses none; and does not wait for the slow one.
        quick.hears(&format!("quick: {line}"));
    }
    quick.says("that was all");
    quick.hears("quick: that was all");
    let (mut read, mut missed) = (0, 0);
    loop {
        let told = slow.line();
        if told == "quick: that was all" {
            break;
        }
        let lagged =
            told.strip_prefix("* you read too slowly: ").and_then(|told| told.strip_suffix(" lines missed"));
        match lagged {
            Some(lines) => missed += lines.parse::<usize>().expect("a number"),
            None => {
                assert_eq!(told.len(), "quick: ".len() + LINE);
                read += 1;
            }
        }
    }
    assert_eq!(read + missed, LINES);
    assert!(missed > 0 && read > 0, "{read} read, {missed} missed");
    // It is there again.
    slow.says("I am back");
    quick.hears("slow: I am back");
    slow.hears("slow: I am back");
}

#[test]
fn a_client_that_does_not_read_is_dropped() {
    let _watch = watch();
    let chat = chat(&["--keep", "8", "--line", "65536", "--stalled", "0.05"]);
    let mut slow = Client::named(&chat, "slow", 1);
    let mut quick = Client::named(&chat, "quick", 2);
    let line = "x".repeat(LINE);
    quick.says(&line);
    loop {
        let told = quick.line();
        if told == "* slow has left: 1 here" {
            break;
        }
        quick.says(&line);
    }
    let error = slow.0.read_to_end(&mut Vec::new()).expect_err("it is cut off");
    assert_eq!(error.kind(), ErrorKind::ConnectionReset);
}

#[test]
fn a_client_that_gives_no_name_is_dropped() {
    let _watch = watch();
    let chat = chat(&["--name", "0.05"]);
    let mut silent = Client(BufReader::new(chat.connect()));
    let error = silent.0.read_to_end(&mut Vec::new()).expect_err("it is cut off");
    assert_eq!(error.kind(), ErrorKind::ConnectionReset);
}

/// So many clients, who all have read that all have joined.
fn crowd(chat: &Server, size: usize) -> Vec<Client> {
    let mut clients: Vec<Client> = (0..size).map(|n| Client::named(chat, &format!("c{n}"), n + 1)).collect();
    for (n, client) in clients.iter_mut().enumerate() {
        for other in n + 1..size {
            client.hears(&format!("* c{other} has joined: {} here", other + 1));
        }
    }
    clients
}

#[test]
fn many_clients_read_all_in_the_same_order() {
    const CLIENTS: usize = 100;
    let _watch = watch();
    let chat = chat(&["--keep", "100000"]);
    let mut clients = crowd(&chat, CLIENTS);
    let told: Vec<Vec<String>> = thread::scope(|scope| {
        let threads: Vec<_> = clients
            .iter_mut()
            .enumerate()
            .map(|(n, client)| {
                scope.spawn(move || {
                    for at in 0..5 {
                        client.says(&format!("{at}"));
                    }
                    // They stay to the end: nobody is told that one has left.
                    let told: Vec<String> = (0..5 * CLIENTS).map(|_| client.line()).collect();
                    let own = (0..5).map(|at| format!("c{n}: {at}"));
                    assert!(told.iter().filter(|line| line.starts_with(&format!("c{n}:"))).cloned().eq(own));
                    told
                })
            })
            .collect();
        threads.into_iter().map(|thread| thread.join().expect("it reads")).collect()
    });
    assert!(told.iter().all(|lines| *lines == told[0]), "not in the same order");
    drop(clients);
    assert_eq!(terminate(chat), "100 clients, 500 lines\n");
}

#[test]
fn a_shutdown_under_load_tells_all_what_one_has_been_told() {
    const CLIENTS: usize = 8;
    let _watch = watch();
    let mut chat = chat(&["--keep", "100000", "--grace", "10000", "--stalled", "10000"]);
    let clients = crowd(&chat, CLIENTS);
    let busy = &AtomicUsize::new(0);
    let told: Vec<Vec<String>> = thread::scope(|scope| {
        let readers: Vec<_> = clients
            .into_iter()
            .enumerate()
            .map(|(n, mut client)| {
                scope.spawn(move || {
                    // So many lines are always under way, until it has read that the chat ends.
                    (0..20).for_each(|_| client.says("hello"));
                    let (mut lines, own) = (Vec::new(), format!("c{n}: hello"));
                    while lines.last().is_none_or(|line| line != "* the chat ends") {
                        let line = client.line();
                        assert_ne!(line, "", "the end without a word");
                        if line == own {
                            client.says("hello");
                        }
                        lines.push(line);
                        if lines.len() == 100 {
                            busy.fetch_add(1, Relaxed);
                        }
                    }
                    assert_eq!(client.line(), "");
                    lines
                })
            })
            .collect();
        until(|| busy.load(Relaxed) == CLIENTS);
        chat.signal(Signal::TERM);
        readers.into_iter().map(|reader| reader.join().expect("it reads")).collect()
    });
    for (n, lines) in told.iter().enumerate() {
        assert!(lines == &told[0], "client {n} was told {} lines, the first {}", lines.len(), told[0].len());
    }
    assert_eq!(chat.line(), "no more connections");
    let lines = told[0].len() - 1;
    assert_eq!(chat.end(), (Some(0), format!("{CLIENTS} clients, {lines} lines\n")));
}

#[test]
fn one_without_a_name_is_told_of_the_end_and_a_second_signal_waits_for_nobody() {
    let _watch = watch();
    let mut chat = chat(&["--grace", "10000"]);
    let mut nameless = Client::new(&chat);
    let mut ada = Client::named(&chat, "Ada", 1);
    chat.signal(Signal::INT);
    assert_eq!(chat.line(), "no more connections");
    until(|| TcpStream::connect(chat.addr).is_err());
    assert_eq!(nameless.rest(), ["* the chat ends"]);
    assert_eq!(ada.rest(), ["* the chat ends"]);
    // Neither has closed its side, for which the server waits.
    chat.signal(Signal::TERM);
    assert_eq!(chat.end(), (Some(0), "1 clients, 0 lines\n".into()));
}

#[test]
fn wrong_usage_is_told_with_code_2() {
    for (arguments, told) in [
        (&[][..], "<LISTEN>"),
        (&["127.0.0.1:0", "--keep", "0"], "'0' for '--keep <LINES>'"),
        (&["127.0.0.1:0", "--line", "0"], "'0' for '--line <BYTES>'"),
        (&["127.0.0.1:0", "--stalled=-1"], "not between 0 and a year"),
        (&["127.0.0.1:0", "--grace=soon"], "'soon' for '--grace <SECONDS>'"),
    ] {
        let ran = run("chat", Command::new(binary("chat")).args(arguments));
        assert_eq!(ran.status.code(), Some(2), "{arguments:?}");
        assert!(ran.stdout.is_empty() && ran.stderr.contains(told), "{arguments:?}: {}", ran.stderr);
    }
}
