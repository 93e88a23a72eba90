//! What the tests share: a poll, and a clock that stands until it is moved.
#![allow(dead_code)]
use dormouse_wait::Instant;
use dormouse_wait::host::{Host, with_host};
use std::cell::Cell;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

pub(crate) fn poll<F: Future>(future: Pin<&mut F>, waker: &Waker) -> Poll<F::Output> {
    future.poll(&mut Context::from_waker(waker))
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
