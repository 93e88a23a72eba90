//! Runtimes, and pairs of connected sockets.
use dormouse_executor::runtime::{Builder, Deadlock, Handle, Runtime};
use dormouse_executor::task;
use dormouse_net::{TcpListener, TcpStream};
use dormouse_wait::Reason;
use std::future::{Future, poll_fn};
use std::path::{Path, PathBuf};
use std::pin::Pin;
use std::task::Poll;

/// One of each flavour.
#[allow(dead_code)]
pub(crate) fn runtimes() -> [Runtime; 3] {
    let threads = |workers| quiet(Builder::multi_thread().worker_threads(workers));
    [threads(1), threads(3), quiet(Builder::current_thread())]
}

/// Without the look-out for deadlocks, which wakes a thread once in a while, and so would hide that nobody else does.
#[allow(dead_code)]
pub(crate) fn quiet(builder: Builder) -> Runtime {
    builder.deadlock(Deadlock::Off).build().unwrap()
}

/// Runs `test` on each of them.
#[allow(dead_code)]
pub(crate) fn on_each<F: Future<Output = ()>>(test: impl Fn() -> F) {
    for rt in runtimes() {
        rt.block_on(test());
    }
}

/// A listener, on a port of its own.
#[allow(dead_code)]
pub(crate) async fn listener() -> TcpListener {
    TcpListener::bind("127.0.0.1:0").await.unwrap()
}

/// The two ends of a connection.
#[allow(dead_code)]
pub(crate) async fn pair() -> (TcpStream, TcpStream) {
    let listener = listener().await;
    let client = TcpStream::connect(listener.local_addr().unwrap()).await.unwrap();
    let (server, _) = listener.accept().await.unwrap();
    (client, server)
}

/// Bytes that depend on their place.
#[allow(dead_code)]
pub(crate) fn bytes(from: usize, len: usize) -> Vec<u8> {
    (from..from + len).map(|place| (place % 251) as u8).collect()
}

/// Waits until that many tasks wait for the system.
#[allow(dead_code)]
pub(crate) async fn waiting(count: usize) {
    waiting_for(Reason::IoWait, count).await;
}

/// Waits until that many tasks wait for this.
#[allow(dead_code)]
pub(crate) async fn waiting_for(reason: Reason, count: usize) {
    let waits = || Handle::current().task_waits().iter().filter(|wait| wait.2 == reason).count();
    while waits() != count {
        task::yield_now().await;
    }
}

/// Polls `future` once.
#[allow(dead_code)]
pub(crate) async fn once<F: Future>(mut future: Pin<&mut F>) -> Poll<F::Output> {
    poll_fn(|cx| Poll::Ready(future.as_mut().poll(cx))).await
}

/// A directory for one test, removed with all that is in it.
#[allow(dead_code)]
pub(crate) struct TempDir(PathBuf);

#[allow(dead_code)]
impl TempDir {
    /// `test` is a name that no other test has.
    pub(crate) fn new(test: &str) -> TempDir {
        let dir = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("{test}-{}", std::process::id()));
        std::fs::create_dir_all(&dir).unwrap();
        TempDir(dir)
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.0.join(name)
    }
}

impl Drop for TempDir {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}
