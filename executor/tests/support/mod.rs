//! What the tests share: a watchdog, and futures that tell of their end.
#![allow(dead_code, unreachable_pub, missing_debug_implementations)]
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::sync::mpsc;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

/// Ends the process with the test's name if it hangs.
pub struct Watchdog(Option<mpsc::Sender<()>>);

pub fn watchdog(seconds: u64) -> Watchdog {
    let name = std::thread::current().name().unwrap_or("a test").to_string();
    let (guard, end) = mpsc::channel::<()>();
    std::thread::spawn(move || {
        if end.recv_timeout(Duration::from_secs(seconds)) == Err(mpsc::RecvTimeoutError::Timeout) {
            eprintln!("{name} hangs");
            std::process::abort();
        }
    });
    Watchdog(Some(guard))
}

/// Counts its drops.
#[derive(Clone, Default)]
pub struct Count(pub Arc<AtomicUsize>);

impl Count {
    pub fn get(&self) -> usize {
        self.0.load(SeqCst)
    }
    pub fn add(&self) {
        self.0.fetch_add(1, SeqCst);
    }
    pub fn on_drop(&self) -> OnDrop<impl FnOnce() + Send + 'static> {
        let count = self.clone();
        OnDrop(Some(move || count.add()))
    }
}

/// Calls its function when dropped.
pub struct OnDrop<F: FnOnce()>(pub Option<F>);

pub fn on_drop<F: FnOnce()>(f: F) -> OnDrop<F> {
    OnDrop(Some(f))
}

impl<F: FnOnce()> Drop for OnDrop<F> {
    fn drop(&mut self) {
        if let Some(f) = self.0.take() {
            f();
        }
    }
}

/// A gate that tasks wait at until it is opened.
#[derive(Clone, Default)]
pub struct Gate(Arc<std::sync::Mutex<(bool, Vec<Waker>)>>);

impl Gate {
    pub fn open(&self) {
        let wakers = {
            let mut gate = self.0.lock().unwrap();
            gate.0 = true;
            std::mem::take(&mut gate.1)
        };
        wakers.into_iter().for_each(Waker::wake);
    }
    /// How many wait.
    pub fn waiting(&self) -> usize {
        self.0.lock().unwrap().1.len()
    }
    pub fn wakers(&self) -> Vec<Waker> {
        self.0.lock().unwrap().1.clone()
    }
}

impl Future for Gate {
    type Output = ();
    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let mut gate = self.0.lock().unwrap();
        if gate.0 {
            return Poll::Ready(());
        }
        gate.1.push(cx.waker().clone());
        Poll::Pending
    }
}

/// Waits, on a plain thread, until `f` says so.
pub fn until(f: impl Fn() -> bool) {
    while !f() {
        std::thread::sleep(Duration::from_millis(1));
    }
}
