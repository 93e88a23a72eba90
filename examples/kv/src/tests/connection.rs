//! The loop of a connection, over a transport that the test holds.
use super::server;
use crate::connection::{Transport, serve};
use dormouse::runtime::block_on;
use dormouse::sync::Context;
use std::collections::VecDeque;
use std::future::pending;
use std::io::{self, ErrorKind};

/// What it has is there, but no event has told of it yet.
#[derive(Default)]
struct Untold {
    there: VecDeque<&'static [u8]>,
    written: Vec<u8>,
}

impl Transport for Untold {
    async fn read(&mut self, _: &mut [u8], _: bool) -> io::Result<usize> {
        pending().await
    }

    fn try_read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let bytes = self.there.pop_front().ok_or(ErrorKind::WouldBlock)?;
        buffer[..bytes.len()].copy_from_slice(bytes);
        Ok(bytes.len())
    }

    async fn write_all(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.written.extend_from_slice(bytes);
        Ok(())
    }
}

#[test]
fn when_the_server_stops_all_is_answered_that_is_there() {
    let (stopping, stop) = Context::background().with_cancel();
    stop.cancel();
    let pieces: [&[u8]; 3] = [b"SET k v\r\nGE", b"T k\r\n", b"INCR n\r\nhalf a req"];
    let mut transport = Untold { there: pieces.into(), ..Untold::default() };
    let server = server();
    block_on(serve(server.clone(), &mut transport, &stopping)).expect("a clean end");
    assert_eq!(transport.written, b"+OK\r\n$1\r\nv\r\n:1\r\n");
    assert_eq!((server.connected(), server.counters()), (0, (1, 3)));
}
