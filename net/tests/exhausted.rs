//! The descriptor limit, in a process of its own: reached, said once, and recovered from.
#![allow(missing_docs)]
#![cfg(target_os = "linux")]
mod support;

use dormouse_executor::task;
use dormouse_net::TcpStream;
use dormouse_testing::{child, watch};
use dormouse_wait::Reason;
use futures::io::{AsyncReadExt, AsyncWriteExt};
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use std::process::Stdio;
use support::{listener, on_each, waiting_for};

#[test]
fn an_accept_without_descriptors_waits_and_goes_on() {
    let _watch = watch();
    let out = child("without_descriptors").stderr(Stdio::piped()).output().unwrap();
    let said = String::from_utf8_lossy(&out.stderr);
    assert!(out.status.success(), "{said}");
    // One line for each of the listeners.
    assert_eq!(said.matches("connections wait to be accepted").count(), 3, "{said}");
}

#[test]
#[ignore = "the child of another test"]
fn without_descriptors() {
    let _watch = watch();
    on_each(|| async {
        let before = getrlimit(Resource::Nofile);
        let listener = listener().await;
        let addr = listener.local_addr().unwrap();
        let mut clients = Vec::new();
        for _ in 0..3 {
            clients.push(TcpStream::connect(addr).await.unwrap());
        }
        // Takes all that are left.
        setrlimit(Resource::Nofile, Rlimit { current: Some(64), maximum: before.maximum }).unwrap();
        let mut hoard = Vec::new();
        while let Ok(file) = std::fs::File::open("/dev/null") {
            hoard.push(file);
        }
        let server = task::spawn(async move {
            for _ in 0..3 {
                let (mut stream, _) = listener.accept().await.unwrap();
                stream.write_all(b"k").await.unwrap();
            }
        });
        // It sleeps between its tries.
        waiting_for(Reason::Sleep, 1).await;
        assert!(!server.is_finished());
        drop(hoard);
        for client in &mut clients {
            client.read_exact(&mut [0; 1]).await.unwrap();
        }
        server.await.unwrap();
        setrlimit(Resource::Nofile, before).unwrap();
    });
}
