//! What the tests share: a watchdog, wakers that count or call back, a clock that stands until it is moved.
#![allow(dead_code)]
use dormouse_wait::Instant;
use dormouse_wait::host::{Host, with_host};
use std::cell::Cell;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::sync::mpsc::{RecvTimeoutError, Sender, channel};
use std::task::{Context, Poll, RawWaker, RawWakerVTable, Wake, Waker};
use std::time::Duration;

/// Aborts the process if it is not dropped within 60 s: for tests that could hang.
pub(crate) struct Watchdog(#[allow(dead_code)] Sender<()>);

pub(crate) fn watchdog(test: &'static str) -> Watchdog {
    let (alive, gone) = channel();
    std::thread::spawn(move || {
        if gone.recv_timeout(Duration::from_secs(60)) == Err(RecvTimeoutError::Timeout) {
            eprintln!("{test} hangs");
            std::process::abort();
        }
    });
    Watchdog(alive)
}

/// A waker that counts.
#[derive(Default)]
pub(crate) struct Count(AtomicUsize);

impl Count {
    pub(crate) fn new() -> (Arc<Count>, Waker) {
        let count = Arc::new(Count::default());
        (count.clone(), Waker::from(count))
    }
    pub(crate) fn get(&self) -> usize {
        self.0.load(SeqCst)
    }
}

impl Wake for Count {
    fn wake(self: Arc<Self>) {
        self.0.fetch_add(1, SeqCst);
    }
}

pub(crate) fn poll<F: Future>(future: Pin<&mut F>, waker: &Waker) -> Poll<F::Output> {
    future.poll(&mut Context::from_waker(waker))
}

/// What a waker is asked to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Call {
    Clone,
    Wake,
    Drop,
}

type Hook = Arc<dyn Fn(Call) + Send + Sync>;

/// A waker each of whose functions first calls `hook`.
pub(crate) fn hooked(hook: impl Fn(Call) + Send + Sync + 'static) -> Waker {
    let hook: Hook = Arc::new(hook);
    // SAFETY: the vtable's functions keep to the contract of a raw waker that owns a box.
    unsafe { Waker::from_raw(raw(hook)) }
}

fn raw(hook: Hook) -> RawWaker {
    RawWaker::new(Box::into_raw(Box::new(hook)).cast(), &VTABLE)
}

static VTABLE: RawWakerVTable = RawWakerVTable::new(clone, wake, wake_by_ref, drop_waker);

fn clone(data: *const ()) -> RawWaker {
    // SAFETY: the data of a live waker is its box.
    let hook = unsafe { &*data.cast::<Hook>() };
    hook(Call::Clone);
    raw(hook.clone())
}

fn wake(data: *const ()) {
    // SAFETY: waking by value gives up the box.
    let hook = unsafe { Box::from_raw(data.cast_mut().cast::<Hook>()) };
    hook(Call::Wake);
}

fn wake_by_ref(data: *const ()) {
    // SAFETY: the data of a live waker is its box.
    let hook = unsafe { &*data.cast::<Hook>() };
    hook(Call::Wake);
}

fn drop_waker(data: *const ()) {
    // SAFETY: dropping gives up the box.
    let hook = unsafe { Box::from_raw(data.cast_mut().cast::<Hook>()) };
    hook(Call::Drop);
}

/// A clock that stands until it is moved, and counts the looks at it.
pub(crate) struct Clock {
    start: Instant,
    now: Cell<Duration>,
    looks: Cell<usize>,
}

impl Clock {
    pub(crate) fn with<R>(f: impl FnOnce(&Clock) -> R) -> R {
        let clock = Clock { start: Instant::now(), now: Cell::default(), looks: Cell::default() };
        with_host(&clock, || f(&clock))
    }
    pub(crate) fn pass(&self, micros: u64) {
        self.now.set(self.now.get() + Duration::from_micros(micros));
    }
    pub(crate) fn looks(&self) -> usize {
        self.looks.get()
    }
}

impl Host for Clock {
    fn now(&self) -> Instant {
        self.looks.set(self.looks.get() + 1);
        self.start + self.now.get()
    }
    fn alarm(&self, _: Instant, _: Waker) {
        panic!("nothing here sets alarms");
    }
}
