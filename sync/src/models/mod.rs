//! Loom models, one file per type: `RUSTFLAGS="--cfg dormouse_loom" cargo test -p dormouse-sync --lib --release`.
//!
//! A waiting thread blocks on a condition variable of the model: a lost wake-up is a deadlock that loom reports. The
//! clock is a host's, as an execution must repeat: it stands still, or it steps by 1 ms at each look, so that every
//! waiter that loses starves. `PATIENCE` is 1 here.
//!
//! Before each operation stands a [`step`].
mod barrier;
mod condvar;
mod context;
mod mutex;
mod notify;
mod once;
mod rwlock;
mod semaphore;
mod single_flight;
mod wait_group;

use dormouse_testing::model::{Signal, explore, step};
use dormouse_wait::Instant;
use dormouse_wait::alarm::Alarm;
use dormouse_wait::host::{Host, with_host};
use dormouse_wait::prim::UnsafeCell;
use dormouse_wait::prim::thread;
use std::cell::Cell;
use std::future::Future;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

fn block_on<F: Future>(future: F) -> F::Output {
    let (signal, waker) = Signal::new();
    let mut future = pin!(future);
    loop {
        match poll(future.as_mut(), &waker) {
            Poll::Ready(output) => return output,
            Poll::Pending => signal.wait(),
        }
    }
}

/// As `block_on`, but polled once more without cause: so it looks twice at what is not claimed.
fn block_on_looking<F: Future>(future: F) -> F::Output {
    let mut future = pin!(future);
    match poll(future.as_mut(), Waker::noop()) {
        Poll::Ready(output) => output,
        Poll::Pending => block_on(future),
    }
}

/// On another thread: `first` is waited for, and what it gives is used and dropped; or it is dropped.
fn come_or_go<F: Future + 'static>(
    first: Pin<Box<F>>,
    dropped: bool,
    act: impl FnOnce(&F::Output) + 'static,
) -> thread::JoinHandle<()> {
    thread::spawn(move || {
        if dropped {
            return let_go(first);
        }
        let given = block_on(first);
        act(&given);
        let_go(given);
    })
}

fn poll<F: Future>(future: Pin<&mut F>, waker: &Waker) -> Poll<F::Output> {
    step();
    future.poll(&mut Context::from_waker(waker))
}

/// Drops a guard or a future.
fn let_go<G>(guard: G) {
    step();
    drop(guard);
}

/// A clock that steps at each look.
struct Clock {
    now: Cell<Instant>,
    step: Duration,
}

impl Host for Clock {
    fn now(&self) -> Instant {
        self.now.set(self.now.get() + self.step);
        self.now.get()
    }
    fn alarm(&self, _: Instant, _: Waker) -> Alarm {
        crate::watch::silent()
    }
}

fn check(preemptions: Option<usize>, step: Duration, model: impl Fn() + Send + Sync + 'static) {
    let clock = Clock { now: Cell::new(Instant::now()), step };
    with_host(&clock, || explore(preemptions, preemptions.map(|bound| bound - 1), model));
}

const STILL: Duration = Duration::ZERO;
const STARVING: Duration = Duration::from_millis(1);

/// What only the owner of the lock may touch; loom checks it.
type Data = UnsafeCell<usize>;

fn bump(data: &Data) {
    data.with_mut(|data| {
        // SAFETY: the lock excludes the others; loom fails the model if it does not.
        unsafe { *data += 1 }
    });
}

fn read(data: &Data) -> usize {
    data.with(|data| {
        // SAFETY: as for `bump`.
        unsafe { *data }
    })
}
