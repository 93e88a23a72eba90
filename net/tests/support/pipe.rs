//! Connections in memory, for what is tested by the simulator's clock.
use dormouse_net::http::Listener;
use dormouse_net::http::hyper::rt::{Read, ReadBufCursor, Write};
use futures::StreamExt;
use futures::channel::mpsc::{UnboundedReceiver, UnboundedSender, unbounded};
use std::collections::VecDeque;
use std::future::{pending, poll_fn};
use std::io::{self, ErrorKind};
use std::pin::Pin;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, Waker, ready};

/// Bytes that are under way at most.
const ROOM: usize = 4096;

#[derive(Default)]
struct Way {
    bytes: VecDeque<u8>,
    closed: bool,
    waiting: Vec<Waker>,
}

/// One end of a connection.
pub(crate) struct Pipe {
    from: Arc<Mutex<Way>>,
    to: Arc<Mutex<Way>>,
}

/// Both ends.
fn pipe() -> (Pipe, Pipe) {
    let (one, other) = (Arc::<Mutex<Way>>::default(), Arc::<Mutex<Way>>::default());
    (Pipe { from: one.clone(), to: other.clone() }, Pipe { from: other, to: one })
}

/// Does `step` on a way, and wakes who waits at it; or waits there.
fn step<R>(way: &Mutex<Way>, cx: &mut Context<'_>, step: impl FnOnce(&mut Way) -> Option<R>) -> Poll<R> {
    let mut way = way.lock().unwrap();
    let Some(done) = step(&mut way) else {
        way.waiting.push(cx.waker().clone());
        return Poll::Pending;
    };
    let waiting = std::mem::take(&mut way.waiting);
    drop(way);
    waiting.into_iter().for_each(Waker::wake);
    Poll::Ready(done)
}

impl Pipe {
    fn poll_take(&self, cx: &mut Context<'_>, most: usize) -> Poll<Vec<u8>> {
        step(&self.from, cx, |way| {
            let count = way.bytes.len().min(most);
            (count > 0 || way.closed).then(|| way.bytes.drain(..count).collect())
        })
    }

    fn poll_put(&self, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        step(&self.to, cx, |way| {
            let count = bytes.len().min(ROOM - way.bytes.len());
            way.bytes.extend(&bytes[..count]);
            match way.closed {
                true => Some(Err(ErrorKind::BrokenPipe.into())),
                false => (count > 0).then_some(Ok(count)),
            }
        })
    }

    fn close(&self, way: &Mutex<Way>) {
        let mut way = way.lock().unwrap();
        way.closed = true;
        let waiting = std::mem::take(&mut way.waiting);
        drop(way);
        waiting.into_iter().for_each(Waker::wake);
    }

    /// Sends all of this.
    pub(crate) async fn say(&self, text: &str) {
        let mut rest = text.as_bytes();
        while !rest.is_empty() {
            let count = poll_fn(|cx| self.poll_put(cx, rest)).await.expect("it is read");
            rest = &rest[count..];
        }
    }

    /// What is there once something is; empty at the end.
    pub(crate) async fn hear(&self) -> String {
        let bytes = poll_fn(|cx| self.poll_take(cx, usize::MAX)).await;
        String::from_utf8(bytes).expect("text")
    }
}

impl Drop for Pipe {
    fn drop(&mut self) {
        self.close(&self.from);
        self.close(&self.to);
    }
}

impl Read for Pipe {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        mut buf: ReadBufCursor<'_>,
    ) -> Poll<io::Result<()>> {
        let bytes = ready!(self.poll_take(cx, buf.remaining()));
        buf.put_slice(&bytes);
        Poll::Ready(Ok(()))
    }
}

impl Write for Pipe {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        self.poll_put(cx, buf)
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.close(&self.to);
        Poll::Ready(Ok(()))
    }
}

/// Where clients connect.
#[derive(Clone)]
pub(crate) struct Door(UnboundedSender<Pipe>);

/// A listener in memory, which takes connections as long as there is a door.
pub(crate) struct Pipes {
    queue: UnboundedReceiver<Pipe>,
    /// Says of itself that it can let nobody new in.
    pub(crate) refuses: bool,
}

pub(crate) fn listener() -> (Door, Pipes) {
    let (door, pipes) = unbounded();
    (Door(door), Pipes { queue: pipes, refuses: false })
}

impl Door {
    pub(crate) fn connect(&self) -> Pipe {
        let (client, server) = pipe();
        self.0.unbounded_send(server).expect("it is open");
        client
    }

    pub(crate) fn is_closed(&self) -> bool {
        self.0.is_closed()
    }
}

impl Listener for Pipes {
    type Stream = Pipe;

    async fn accept(&mut self) -> io::Result<Pipe> {
        match self.queue.next().await {
            Some(pipe) => Ok(pipe),
            None => pending().await,
        }
    }

    fn try_accept(&mut self) -> io::Result<Pipe> {
        self.queue.try_recv().map_err(|_| ErrorKind::WouldBlock.into())
    }

    fn refuse(&mut self) -> bool {
        self.refuses
    }
}
