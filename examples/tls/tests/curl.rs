//! The example as a program, with curl and plain sockets as clients.
#![cfg(unix)]
#[path = "../../../tests/support/server.rs"]
mod server;

use dormouse_testing::watch;
use rustix::process::Signal;
use server::Server;
use std::io::{ErrorKind, Read, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

/// Where `server` looks for programs.
mod support {
    pub(crate) fn binary(_: &str) -> std::path::PathBuf {
        env!("CARGO_BIN_EXE_dormouse-example-tls").into()
    }
}

/// A file of this test's own.
fn file(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(name)
}

fn start(cert: &Path, options: &[&str]) -> Server {
    let cert = cert.to_str().expect("a path of cargo's");
    let mut server = Server::start("tls", ["127.0.0.1:0", "--write", cert].iter().chain(options));
    assert_eq!(server.line(), format!("certificate for localhost: {cert}"));
    server
}

/// What curl says; `None` without one.
fn curl(cert: &Path, server: &Server, options: &[&str]) -> Option<Output> {
    let url = format!("https://localhost:{}/there", server.addr.port());
    let mut curl = Command::new("curl");
    curl.args(["--silent", "--show-error", "--max-time", "50", "--ipv4", "--cacert"]).arg(cert);
    match curl.args(options).arg(url).output() {
        Ok(output) => Some(output),
        Err(error) if error.kind() == ErrorKind::NotFound => {
            eprintln!("skipped: there is no curl here (apt-get install curl)");
            None
        }
        Err(error) => panic!("curl: {error}"),
    }
}

fn terminate(server: Server) -> (Option<i32>, String) {
    server.signal(Signal::TERM);
    server.end()
}

#[test]
fn curl_is_greeted_by_http1_and_by_http2() {
    let _watch = watch();
    let cert = file("greeted.pem");
    let server = start(&cert, &[]);
    for (option, version) in [("--http1.1", "HTTP/1.1"), ("--http2", "HTTP/2.0")] {
        let Some(said) = curl(&cert, &server, &[option]) else { return };
        let (out, error) = (String::from_utf8_lossy(&said.stdout), String::from_utf8_lossy(&said.stderr));
        assert!(said.status.success(), "{error}");
        assert_eq!(out, format!("hello by {version}: /there\n"));
    }
    // Another server's certificate is not trusted.
    let other = file("other.pem");
    assert_eq!(terminate(start(&other, &[])).0, Some(0));
    let said = curl(&other, &server, &[]).expect("it was there");
    assert_eq!(said.status.code(), Some(60), "{}", String::from_utf8_lossy(&said.stderr));
    let (code, said) = terminate(server);
    assert_eq!((code, said.as_str()), (Some(0), "3 connections, 0 of them cut off\n"));
}

#[test]
fn files_are_used_and_missing_ones_named() {
    let _watch = watch();
    let made = rcgen::generate_simple_self_signed(["localhost".into()]).expect("a certificate");
    let (cert, key) = (file("files.pem"), file("files.key"));
    std::fs::write(&cert, made.cert.pem()).expect("a file");
    std::fs::write(&key, made.signing_key.serialize_pem()).expect("a file");
    let path = |file: &Path| file.to_str().expect("a path of cargo's").to_owned();
    let arguments = ["127.0.0.1:0", "--cert", &path(&cert), "--key", &path(&key)].map(String::from);
    let server = Server::start("tls", &arguments);
    if let Some(said) = curl(&cert, &server, &[]) {
        assert!(said.status.success(), "{}", String::from_utf8_lossy(&said.stderr));
    }
    assert_eq!(terminate(server).0, Some(0));
    let mut program = Command::new(support::binary("tls"));
    let said = program.args(["--cert", "/nowhere/cert", "--key", &path(&key)]).output().expect("it starts");
    let error = String::from_utf8_lossy(&said.stderr);
    assert!(!said.status.success() && error.contains("/nowhere/cert"), "{error}");
}

#[test]
fn a_handshake_that_does_not_end_is_closed_and_holds_up_nobody() {
    let _watch = watch();
    let cert = file("handshake.pem");
    let server = start(&cert, &["--header", "0.5"]);
    // One that says nothing, one that says a part, one that does not speak TLS.
    let (mut silent, mut part, mut plain) = (server.connect(), server.connect(), server.connect());
    part.write_all(&[22, 3, 1]).expect("it listens");
    plain.write_all(b"GET / HTTP/1.1\r\n\r\n").expect("it listens");
    if let Some(said) = curl(&cert, &server, &[]) {
        assert!(said.status.success(), "{}", String::from_utf8_lossy(&said.stderr));
    }
    for client in [&mut silent, &mut part, &mut plain] {
        // (An alert may come before.)
        let mut heard = Vec::new();
        let _ = client.read_to_end(&mut heard);
        assert!(!heard.starts_with(b"HTTP"));
    }
    assert_eq!(terminate(server).0, Some(0));
}
