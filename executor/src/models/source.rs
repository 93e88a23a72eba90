//! What the system tells of a socket while somebody finds that a call would block, and comes to wait.
use super::model;
use crate::reactor::source::{READABLE, Source, WRITABLE};
use dormouse_testing::model::Signal;
use dormouse_wait::list::{Node, Phase};
use loom::sync::Arc;
use loom::sync::atomic::{AtomicUsize, Ordering::*};
use loom::thread;
use std::pin::{Pin, pin};
use std::task::Poll;

/// A socket with some bytes in it: a read takes all, and blocks if there are none.
struct Socket {
    bytes: AtomicUsize,
    source: Source,
}

impl Socket {
    fn new() -> Arc<Socket> {
        Arc::new(Socket { bytes: AtomicUsize::new(0), source: Source::new() })
    }

    /// The other side sends a byte, and the reactor learns of it.
    fn send(&self) {
        self.bytes.fetch_add(1, AcqRel);
        let mut woken = Vec::new();
        self.source.apply(READABLE, &mut woken);
        woken.into_iter().for_each(std::task::Waker::wake);
    }

    /// As `Registration::poll_io`; `wait` waits for a wake-up.
    fn read(&self, waker: &std::task::Waker, wait: impl Fn()) -> usize {
        loop {
            match self.source.poll(READABLE, waker) {
                Poll::Pending => wait(),
                Poll::Ready(seen) => match self.bytes.swap(0, AcqRel) {
                    0 => self.source.clear(seen.expect("it is open"), READABLE),
                    bytes => return bytes,
                },
            }
        }
    }

    /// As `Operation::poll`.
    fn read_queued(&self, node: Pin<&Node<()>>, waker: &std::task::Waker, wait: impl Fn()) -> usize {
        loop {
            let looked = match self.source.look(READABLE) {
                // SAFETY: the node is pinned, and idle; it has left before it goes, as it waits until then.
                Poll::Pending => unsafe { self.source.queue(node, READABLE, waker.clone()) },
                looked => looked,
            };
            match looked {
                Poll::Pending => {
                    while node.is(Phase::Queued) {
                        wait();
                    }
                    node.reset();
                }
                Poll::Ready(seen) => match self.bytes.swap(0, AcqRel) {
                    0 => self.source.clear(seen.expect("it is open"), READABLE),
                    bytes => return bytes,
                },
            }
        }
    }
}

#[test]
fn source_no_news_is_lost_between_a_call_that_blocks_and_the_wait() {
    model(3, || {
        let socket = Socket::new();
        let sender = thread::spawn({
            let socket = socket.clone();
            move || [(); 2].map(|()| socket.send())
        });
        let (signal, waker) = Signal::new();
        let mut bytes = 0;
        while bytes < 2 {
            bytes += socket.read(&waker, || signal.wait());
        }
        sender.join().expect("no panic");
    });
}

#[test]
fn source_a_queued_reader_and_one_that_polls_are_both_woken() {
    model(2, || {
        let socket = Socket::new();
        let sender = thread::spawn({
            let socket = socket.clone();
            move || socket.send()
        });
        let other = thread::spawn({
            let socket = socket.clone();
            move || {
                let (signal, waker) = Signal::new();
                let node = pin!(Node::new(()));
                let bytes = socket.read_queued(node.as_ref(), &waker, || signal.wait());
                // What it took, it gives back, for the one that waits as well.
                assert_eq!(bytes, 1);
                socket.send();
            }
        });
        let (signal, waker) = Signal::new();
        assert_eq!(socket.read(&waker, || signal.wait()), 1);
        socket.send();
        sender.join().expect("no panic");
        other.join().expect("no panic");
    });
}

#[test]
fn source_a_waiter_is_dropped_or_woken() {
    model(3, || {
        let socket = Socket::new();
        socket.source.clear(ready(&socket), READABLE | WRITABLE);
        let (signal, waker) = Signal::new();
        let mut node = Box::pin(Node::new(()));
        // SAFETY: the node is pinned, and idle; it is removed below.
        let queued = unsafe { socket.source.queue(node.as_ref(), READABLE, waker) };
        assert!(queued.is_pending());
        let sender = thread::spawn({
            let socket = socket.clone();
            move || socket.send()
        });
        // SAFETY: it was queued there.
        unsafe { socket.source.remove(node.as_ref()) };
        let woken = node.is(Phase::Granted);
        assert!(!node.is(Phase::Queued));
        node.set(Node::new(()));
        sender.join().expect("no panic");
        assert_eq!(signal.is_woken(), woken);
    });
}

fn ready(socket: &Socket) -> crate::reactor::source::Seen {
    match socket.source.look(READABLE | WRITABLE) {
        Poll::Ready(seen) => seen.expect("it is open"),
        Poll::Pending => unreachable!("a new one is ready"),
    }
}
