//! Loom models of the channel: what must hold in every interleaving of a few threads.
//!
//! `RUSTFLAGS="--cfg dormouse_loom -C debug-assertions" cargo test -p dormouse-chan --lib --release` runs them; the
//! assertions are those of `Core::check` and of the waiter list.
//!
//! Two nets catch a lost wake-up: a thread in [`block_on`] that nobody wakes is a deadlock, which loom reports; and a
//! [`Task`] that is polled by hand counts the wake-ups of its waker. Each [`Value`] must be dropped exactly once, by
//! whoever has it at last: sent = received + returned + dropped.
mod broadcast;
mod closing;
mod oneshot;
mod permits;
mod plain;
mod select;
mod watch;

use crate::{Receiver, Sender, bounded};
use dormouse_testing::model::{explore, step};
use dormouse_wait::prim::atomic::{AtomicBool, AtomicUsize, Ordering::*};
use dormouse_wait::prim::thread::{self, JoinHandle, Thread};
use dormouse_wait::random;
use std::future::{Future, poll_fn};
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::sync::atomic::AtomicU8 as Plain;
use std::task::{Context, Poll, Wake, Waker};

/// Explores `body` with at most `preemptions` (`None`: all interleavings). A [`step`] stands before each poll and each
/// drop of a waiting future.
fn model(preemptions: Option<usize>, body: impl Fn() + Send + Sync + 'static) {
    // The random order of a select's arms must be the same in each execution.
    explore(preemptions, preemptions, move || random::with_seed(1, &body));
}

/// Two channels of which the first has the lower address: a select locks in that order, and a model must do the same in
/// each execution, wherever its memory lies.
fn two_channels<T>(capacity: usize) -> [(Sender<T>, Receiver<T>); 2] {
    let [a, b] = [bounded(capacity), bounded(capacity)];
    let address = |(tx, _): &(Sender<T>, Receiver<T>)| std::ptr::from_ref(&*tx.chan).addr();
    if address(&a) < address(&b) { [a, b] } else { [b, a] }
}

/// Runs `body` on a thread of the model.
fn spawn<R: 'static>(body: impl FnOnce() -> R + 'static) -> JoinHandle<R> {
    thread::spawn(body)
}

/// A thread that sleeps between polls.
struct Sleeper(Thread);

impl Wake for Sleeper {
    fn wake(self: Arc<Self>) {
        self.0.unpark();
    }
}

fn block_on<F: Future>(future: F) -> F::Output {
    let waker = Waker::from(Arc::new(Sleeper(thread::current())));
    let mut future = pin!(future);
    loop {
        step();
        match future.as_mut().poll(&mut Context::from_waker(&waker)) {
            Poll::Ready(output) => return output,
            Poll::Pending => thread::park(),
        }
    }
}

/// A waker that counts.
struct Bell(AtomicUsize);

impl Wake for Bell {
    fn wake(self: Arc<Self>) {
        self.0.fetch_add(1, AcqRel);
    }
}

/// A future that is polled by hand. Each poll brings a new waker.
struct Task<F> {
    future: Pin<Box<F>>,
    bell: Arc<Bell>,
}

impl<F> Drop for Task<F> {
    fn drop(&mut self) {
        step();
    }
}

impl<F: Future> Task<F> {
    fn new(future: F) -> Self {
        Task { future: Box::pin(future), bell: Arc::new(Bell(AtomicUsize::new(0))) }
    }

    /// A task whose first poll has to wait.
    fn waiting(future: F) -> Self {
        let mut task = Task::new(future);
        assert!(task.poll().is_pending());
        task
    }

    fn poll(&mut self) -> Poll<F::Output> {
        step();
        self.bell = Arc::new(Bell(AtomicUsize::new(0)));
        let waker = Waker::from(self.bell.clone());
        self.future.as_mut().poll(&mut Context::from_waker(&waker))
    }

    /// Was the waker of the latest poll woken?
    fn rung(&self) -> bool {
        self.bell.0.load(Acquire) > 0
    }
}

/// The fate of each value: made once, dropped once. (Not loom's atomics: counting shall add no interleavings.)
#[derive(Clone)]
struct Values(Arc<[Plain; 4]>);

struct Value {
    number: usize,
    fates: Values,
}

const MADE: u8 = 1;
const GONE: u8 = 2;

impl Values {
    fn new() -> Self {
        Values(Arc::default())
    }

    fn make(&self, number: usize) -> Value {
        assert_eq!(self.0[number].swap(MADE, SeqCst), 0, "one value per number");
        Value { number, fates: self.clone() }
    }

    /// To be called when all handles and futures are gone.
    fn check(&self) {
        for (number, fate) in self.0.iter().enumerate() {
            assert_ne!(fate.load(SeqCst), MADE, "value {number} was never dropped");
        }
    }
}

impl Drop for Value {
    fn drop(&mut self) {
        let before = self.fates.0[self.number].swap(GONE, SeqCst);
        assert!(before == MADE || std::thread::panicking(), "value {} was dropped twice", self.number);
    }
}

fn number(value: Option<Value>) -> Option<usize> {
    value.map(|value| value.number)
}

/// A foreign future: ready once the flag is up. It wakes nobody.
fn raised(flag: &AtomicBool) -> impl Future<Output = ()> {
    poll_fn(|_| if flag.load(Acquire) { Poll::Ready(()) } else { Poll::Pending })
}
