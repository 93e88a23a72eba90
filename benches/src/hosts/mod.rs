//! The runtimes that cells run on, behind one trait, so that a cell is written once. One file each.
mod async_executor;
mod dormouse;
mod tokio;

pub(crate) use async_executor::{AsyncExecutor, AsyncExecutorStatic};
pub(crate) use dormouse::Dormouse;
pub(crate) use tokio::Tokio;

use crate::measure::Sample;
use std::fmt::Debug;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

/// How many threads a runtime has that comes in both kinds.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Threads {
    /// As many as there are workers.
    All,
    /// The one that waits for its end.
    One,
}

/// What a cell's work has as its main future.
pub(crate) type Main = Pin<Box<dyn Future<Output = Sample> + Send>>;

/// A runtime. A process runs one, once.
///
/// How many threads it has is a value, not a type: what is spawned is then compiled once for both.
pub(crate) trait Host: Copy + Send + 'static {
    /// As `--peers` names it.
    const PEER: &'static str;

    /// A spawned task; dropped, it goes on.
    type Task<T: Send + 'static>: Future<Output = T> + Send + 'static;

    /// What a thread outside the runtime spawns with.
    type Handle: Clone + Send + 'static;

    /// "tokio", "tokio, 1 thread".
    fn name(self) -> &'static str;

    /// What something on this host is called: "kanal on tokio", or "dormouse" for ours on ours.
    fn with(self, what: &str) -> String {
        if what == Self::PEER { self.name().into() } else { format!("{what} on {}", self.name()) }
    }

    /// Runs `main`, as a task like any other, to its end.
    fn run_task<F>(self, main: F) -> F::Output
    where
        F: Future + Send + 'static,
        F::Output: Send + 'static,
    {
        self.block_on(async { Self::spawn(main).await })
    }

    /// As `run_task`, for a `main` that does not itself wait at each operation: it is boxed, so that its polls, not what
    /// they do, go through a pointer, and so that no runtime is compiled once more for each main.
    fn run(self, main: impl Future<Output = Sample> + Send + 'static) -> Sample {
        let main: Main = Box::pin(main);
        self.run_task(main)
    }

    /// Runs `main` on this thread to its end: the runtime's main future, no task.
    fn block_on<F: Future>(self, main: F) -> F::Output;

    /// Spawns a task; within `run`. Awaiting it gives the output; a panic goes on.
    fn spawn<F>(future: F) -> Self::Task<F::Output>
    where
        F: Future + Send + 'static,
        F::Output: Send + 'static;

    /// Spawns a task that nobody awaits, the cheapest way there is.
    fn go<F>(future: F)
    where
        F: Future<Output = ()> + Send + 'static;

    /// The running runtime's handle; within `run`.
    fn handle() -> Self::Handle;

    /// Spawns a task that nobody awaits, from any thread.
    fn go_from<F>(handle: &Self::Handle, future: F)
    where
        F: Future<Output = ()> + Send + 'static;

    fn yield_now() -> impl Future<Output = ()> + Send;

    fn sleep(duration: Duration) -> impl Future<Output = ()> + Send;

    /// What `future` gives if it is ready in time.
    fn timeout<F>(limit: Duration, future: F) -> impl Future<Output = Option<F::Output>> + Send
    where
        F: Future + Send,
        F::Output: Send;
}

/// A handle whose task does not fail.
pub(crate) struct Joined<J>(J);

impl<J, T, E> Future for Joined<J>
where
    J: Future<Output = Result<T, E>> + Unpin,
    E: Debug,
{
    type Output = T;

    #[inline]
    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<T> {
        Pin::new(&mut self.0).poll(cx).map(|result| result.expect("the task does not fail"))
    }
}

/// What a host has whose runtime is made by a `Builder` and whose tasks have join handles, as tokio's: `spawn` is what
/// spawns from within.
macro_rules! with_join_handles {
    ($peer:literal, one: $one:literal, spawn: $spawn:path) => {
        const PEER: &'static str = $peer;
        type Task<T: Send + 'static> = Joined<JoinHandle<T>>;
        type Handle = Handle;

        fn name(self) -> &'static str {
            match self.0 {
                Threads::All => $peer,
                Threads::One => $one,
            }
        }

        fn block_on<F: Future>(self, main: F) -> F::Output {
            self.runtime().block_on(main)
        }

        fn spawn<F>(future: F) -> Self::Task<F::Output>
        where
            F: Future + Send + 'static,
            F::Output: Send + 'static,
        {
            Joined($spawn(future))
        }

        fn handle() -> Handle {
            Handle::current()
        }

        fn go_from<F>(handle: &Handle, future: F)
        where
            F: Future<Output = ()> + Send + 'static,
        {
            drop(handle.spawn(future));
        }
    };
}
use with_join_handles;
