//! Unix sockets, and foreign descriptors.
#![allow(missing_docs)]
#![cfg(target_os = "linux")]
mod support;

use dormouse_executor::task;
use dormouse_net::unix::AsyncFd;
use dormouse_net::{Interest, UnixDatagram, UnixListener, UnixStream};
use dormouse_testing::watch;
use dormouse_wait::Reason;
use futures::io::{AsyncReadExt, AsyncWriteExt};
use rustix::event::{EventfdFlags, eventfd};
use rustix::pipe::{PipeFlags, pipe_with};
use std::fs::File;
use std::io::{ErrorKind, Read, Write};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use support::{bytes, on_each, waiting, waiting_for};

/// A path that goes with its Drop.
struct Path(PathBuf);

impl Path {
    fn new() -> Path {
        static NUMBER: AtomicUsize = AtomicUsize::new(0);
        let name = format!("dormouse-{}-{}", std::process::id(), NUMBER.fetch_add(1, Relaxed));
        Path(std::env::temp_dir().join(name))
    }
}

impl Drop for Path {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.0);
    }
}

#[test]
fn streams_echo_and_end() {
    let _watch = watch();
    on_each(|| async {
        let path = Path::new();
        assert_eq!(UnixStream::connect(&path.0).await.unwrap_err().kind(), ErrorKind::NotFound);
        let listener = UnixListener::bind(&path.0).unwrap();
        assert_eq!(UnixListener::bind(&path.0).unwrap_err().kind(), ErrorKind::AddrInUse);
        let server = task::spawn(async move {
            let (stream, _) = listener.accept().await.unwrap();
            let (mut read, mut write) = stream.into_split();
            futures::io::copy(&mut read, &mut write).await.unwrap();
            listener.local_addr().unwrap().as_pathname().map(PathBuf::from)
        });
        let client = UnixStream::connect(&path.0).await.unwrap();
        let (mut read, mut write) = client.into_split();
        const LEN: usize = 1 << 20;
        let writer = task::spawn(async move { write.write_all(&bytes(0, LEN)).await.unwrap() });
        let mut came = Vec::new();
        read.read_to_end(&mut came).await.unwrap();
        writer.await.unwrap();
        assert!(came == bytes(0, LEN));
        assert_eq!(server.await.unwrap().unwrap(), path.0);
    });
}

#[test]
fn a_full_queue_of_a_listener_is_waited_for() {
    let _watch = watch();
    on_each(|| async {
        let path = Path::new();
        let socket = socket2::Socket::new(socket2::Domain::UNIX, socket2::Type::STREAM, None).unwrap();
        socket.bind(&socket2::SockAddr::unix(&path.0).unwrap()).unwrap();
        socket.listen(1).unwrap();
        let listener = UnixListener::from_std(socket.into()).unwrap();
        let clients: Vec<_> = (0..10)
            .map(|_| {
                let path = path.0.clone();
                task::spawn(async move { UnixStream::connect(path).await.unwrap() })
            })
            .collect();
        for _ in 0..10 {
            listener.accept().await.unwrap();
        }
        for client in clients {
            client.await.unwrap();
        }
    });
}

#[test]
fn pairs_halves_and_std() {
    let _watch = watch();
    on_each(|| async {
        let (one, mut other) = UnixStream::pair().unwrap();
        let mut buf = [0; 4];
        assert_eq!(other.try_read(&mut buf).unwrap_err().kind(), ErrorKind::WouldBlock);
        let one = one.into_std().unwrap();
        let mut one = UnixStream::try_from(one).unwrap();
        // (`one.split()` is the trait's, where that is in scope.)
        let (_, mut write) = UnixStream::split(&mut one);
        write.write_all(b"half").await.unwrap();
        other.read_exact(&mut buf).await.unwrap();
        assert_eq!(&buf, b"half");
        let reader = task::spawn(async move { other.read(&mut [0; 4]).await.unwrap() });
        waiting(1).await;
        drop(one);
        assert_eq!(reader.await.unwrap(), 0);
    });
}

#[test]
fn datagrams_keep_their_bounds() {
    let _watch = watch();
    on_each(|| async {
        let (one, other) = UnixDatagram::pair().unwrap();
        one.send(b"one").await.unwrap();
        one.send(b"").await.unwrap();
        one.send(b"three").await.unwrap();
        let mut buf = [0; 8];
        for expected in [3, 0, 5] {
            assert_eq!(other.recv(&mut buf).await.unwrap(), expected);
        }
        assert_eq!(other.try_recv(&mut buf).unwrap_err().kind(), ErrorKind::WouldBlock);
        // Until the system takes no more; then there is room when one is received.
        while one.try_send(b"more").is_ok() {}
        let sender = task::spawn(async move { one.send(b"last").await.unwrap() });
        waiting(1).await;
        while {
            let len = other.recv(&mut buf).await.unwrap();
            &buf[..len] != b"last"
        } {}
        assert_eq!(sender.await.unwrap(), 4);
    });
}

#[test]
fn datagrams_by_path_wait_for_room() {
    let _watch = watch();
    on_each(|| async {
        let (from, to) = (Path::new(), Path::new());
        let receiver = UnixDatagram::bind(&to.0).unwrap();
        let sender = UnixDatagram::bind(&from.0).unwrap();
        let mut sent = 0;
        while sender.try_send_to(b"x", &to.0).is_ok() {
            sent += 1;
        }
        let path = to.0.clone();
        let last = task::spawn(async move { sender.send_to(b"last", path).await.unwrap() });
        waiting_for(Reason::Sleep, 1).await;
        let mut buf = [0; 8];
        for _ in 0..sent {
            let (len, addr) = receiver.recv_from(&mut buf).await.unwrap();
            assert_eq!((len, addr.as_pathname()), (1, Some(&*from.0)));
        }
        assert_eq!(receiver.recv(&mut buf).await.unwrap(), 4);
        assert_eq!(last.await.unwrap(), 4);
        let unbound = UnixDatagram::unbound().unwrap();
        unbound.connect(&to.0).unwrap();
        unbound.send(b"hi").await.unwrap();
        assert!(receiver.recv_from(&mut buf).await.unwrap().1.is_unnamed());
    });
}

#[test]
fn a_pipe_by_async_fd() {
    let _watch = watch();
    on_each(|| async {
        let (read, write) = pipe_with(PipeFlags::NONBLOCK).unwrap();
        let read = AsyncFd::with_interest(File::from(read), Interest::READABLE).unwrap();
        let write = AsyncFd::with_interest(File::from(write), Interest::WRITABLE).unwrap();
        const LEN: usize = 1 << 20;
        let writer = task::spawn(async move {
            let all = bytes(0, LEN);
            let mut written = 0;
            while written < LEN {
                written +=
                    write.async_io(Interest::WRITABLE, |mut pipe| pipe.write(&all[written..])).await.unwrap();
            }
            // Its Drop is the end for the reader.
            drop(write.into_inner().unwrap());
        });
        let (mut came, mut buf) = (Vec::<u8>::new(), [0; 10_000]);
        loop {
            match read.async_io(Interest::READABLE, |mut pipe| pipe.read(&mut buf)).await.unwrap() {
                0 => break,
                len => came.extend(&buf[..len]),
            }
        }
        assert!(came == bytes(0, LEN));
        writer.await.unwrap();
    });
}

#[test]
fn an_eventfd_by_async_fd_and_several_waiters() {
    let _watch = watch();
    on_each(|| async {
        let fd = File::from(eventfd(0, EventfdFlags::NONBLOCK | EventfdFlags::SEMAPHORE).unwrap());
        let fd = Arc::new(AsyncFd::new(fd).unwrap());
        let take = |mut fd: &File| fd.read(&mut [0; 8]);
        assert_eq!(fd.try_io(Interest::READABLE, take).unwrap_err().kind(), ErrorKind::WouldBlock);
        assert!(fd.ready(Interest::READABLE | Interest::WRITABLE).await.unwrap().is_writable());
        let waiters: Vec<_> = (0..5)
            .map(|_| {
                let fd = fd.clone();
                task::spawn(async move {
                    fd.async_io(Interest::READABLE, |mut fd| fd.read(&mut [0; 8])).await.unwrap()
                })
            })
            .collect();
        waiting(5).await;
        // Each takes one of them.
        fd.get_ref().write_all(&5u64.to_ne_bytes()).unwrap();
        for waiter in waiters {
            assert_eq!(waiter.await.unwrap(), 8);
        }
        assert_eq!(fd.try_io(Interest::READABLE, take).unwrap_err().kind(), ErrorKind::WouldBlock);
        fd.writable().await.unwrap();
    });
}

#[test]
fn what_the_system_tells_no_news_of_is_refused() {
    let _watch = watch();
    on_each(|| async {
        let file = File::open("/proc/self/exe").unwrap();
        assert_eq!(AsyncFd::new(file).unwrap_err().kind(), ErrorKind::PermissionDenied);
        let (read, _write) = pipe_with(PipeFlags::NONBLOCK).unwrap();
        let read = Arc::new(read);
        let fd = AsyncFd::new(read.clone()).unwrap();
        assert_eq!(AsyncFd::new(read.clone()).unwrap_err().kind(), ErrorKind::AlreadyExists);
        drop(fd);
        AsyncFd::new(read).unwrap();
    });
}
