//! A gate for tasks to wait at, and a guard that tells of its drop.
use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, Condvar, Mutex};
use std::task::{Context, Poll, Waker};
use std::time::Duration;

/// A gate that tasks wait at until it is opened.
#[derive(Clone, Debug, Default)]
pub struct Gate(Arc<Mutex<(bool, Vec<Waker>)>>);

impl Gate {
    /// Lets all pass from now on.
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

    /// The wakers of those who wait.
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

/// A gate that blocks threads.
#[derive(Clone, Debug, Default)]
pub struct Wall(Arc<(Mutex<(bool, usize)>, Condvar)>);

impl Wall {
    /// Blocks the calling thread until the gate is opened.
    pub fn block(&self) {
        let mut state = self.0.0.lock().unwrap();
        state.1 += 1;
        drop(self.0.1.wait_while(state, |state| !state.0).unwrap());
    }

    /// How many have come to it.
    pub fn blocked(&self) -> usize {
        self.0.0.lock().unwrap().1
    }

    /// Lets all pass from now on.
    pub fn open(&self) {
        self.0.0.lock().unwrap().0 = true;
        self.0.1.notify_all();
    }
}

/// Calls its function when dropped.
#[derive(Debug)]
pub struct OnDrop<F: FnOnce()>(pub Option<F>);

/// A guard that calls `f` when dropped.
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

/// Waits, on a plain thread, until `f` says so.
pub fn until(f: impl Fn() -> bool) {
    while !f() {
        std::thread::sleep(Duration::from_millis(1));
    }
}
