// A stand-in for `dormouse::runtime`: what `#[main]` and `#[test]` expand to, on a loop that polls. It notes how it
// was built and used. (No doc comment: this file is also included in documentation tests.)
use std::cell::RefCell;
use std::future::Future;
use std::pin::pin;
use std::task::{Context, Poll, Waker};

thread_local! {
    static USED: RefCell<String> = const { RefCell::new(String::new()) };
}

/// How the last runtime of this thread was built and used.
pub fn used() -> String {
    USED.with_borrow(Clone::clone)
}

#[derive(Debug)]
pub struct Builder {
    kind: &'static str,
    workers: Option<usize>,
}

impl Builder {
    pub fn multi_thread() -> Self {
        Builder { kind: "multi_thread", workers: None }
    }

    pub fn current_thread() -> Self {
        Builder { kind: "current_thread", workers: None }
    }

    pub fn worker_threads(mut self, workers: usize) -> Self {
        self.workers = Some(workers);
        self
    }

    pub fn build(self) -> Result<Runtime, String> {
        if self.workers == Some(0) {
            return Err("0 workers cannot run anything".into());
        }
        USED.set(format!("{} {:?}", self.kind, self.workers));
        Ok(Runtime(()))
    }
}

#[derive(Debug)]
pub struct Runtime(());

impl Runtime {
    pub fn run_main<F>(&self, future: F) -> F::Output
    where
        F: Future + Send + 'static,
        F::Output: Send + 'static,
    {
        USED.with_borrow_mut(|used| used.push_str(" run_main"));
        Self::run(future)
    }

    pub fn run_local_main<F: Future>(&self, future: F) -> F::Output {
        USED.with_borrow_mut(|used| used.push_str(" run_local_main"));
        Self::run(future)
    }

    fn run<F: Future>(future: F) -> F::Output {
        let mut future = pin!(future);
        for _ in 0..1000 {
            if let Poll::Ready(output) = future.as_mut().poll(&mut Context::from_waker(Waker::noop())) {
                return output;
            }
        }
        panic!("the future waits for something");
    }
}
