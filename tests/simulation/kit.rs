//! What the programs are made of: random numbers, pauses, waits that are given up, and the search over seeds and weathers.
use dormouse::prelude::*;
use dormouse::sim;
use dormouse_testing::watch;
use std::future::poll_fn;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::SeqCst};
use std::task::Poll;

/// How many seeds each program is tried with, in each weather.
const SEEDS: u64 = 1_000;

/// The faults of a search.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Weather {
    Calm,
    /// Tasks are woken for nothing.
    Spurious,
    /// Tasks are aborted, and woken for nothing.
    Aborts,
}

pub(crate) const ALL: &[Weather] = &[Weather::Calm, Weather::Spurious, Weather::Aborts];
/// For programs that need each of their tasks.
pub(crate) const NO_ABORTS: &[Weather] = &[Weather::Calm, Weather::Spurious];

/// Tries `program` with all seeds in these weathers. What it counts in its [`Seen`] must have happened at all: a test
/// that never gets to its point would check nothing.
#[track_caller]
pub(crate) fn search<const N: usize>(weathers: &[Weather], program: impl AsyncFn(Seen<N>)) {
    let _watch = watch();
    for weather in weathers {
        let builder = sim::Builder::new().max_steps(100_000);
        let builder = match weather {
            Weather::Calm => builder,
            Weather::Spurious => builder.spurious_polls(0.2),
            Weather::Aborts => builder.spurious_polls(0.05).random_aborts(0.03),
        };
        let seen = Seen::default();
        builder.explore(SEEDS, async || program(seen.clone()).await);
        let narrowed =
            ["DORMOUSE_SEED", "DORMOUSE_SEEDS"].iter().any(|name| std::env::var_os(name).is_some());
        let counts = seen.counts();
        assert!(
            narrowed || counts.iter().all(|count| *count >= 20),
            "{weather:?}: {counts:?} of {SEEDS} runs"
        );
    }
}

/// How often each of `N` things happened in a search.
#[derive(Clone, Debug)]
pub(crate) struct Seen<const N: usize>(Arc<[AtomicU64; N]>);

impl<const N: usize> Default for Seen<N> {
    fn default() -> Self {
        Seen(Arc::new(std::array::from_fn(|_| AtomicU64::new(0))))
    }
}

impl<const N: usize> Seen<N> {
    /// Number `what` happened.
    pub(crate) fn note(&self, what: usize) {
        self.0[what].fetch_add(1, SeqCst);
    }

    fn counts(&self) -> [u64; N] {
        std::array::from_fn(|what| self.0[what].load(SeqCst))
    }
}

pub(crate) fn below(n: u64) -> u64 {
    sim::rng().range(0..n)
}

pub(crate) fn one_in(n: u64) -> bool {
    below(n) == 0
}

pub(crate) fn us(n: u64) -> Duration {
    Duration::from_micros(n)
}

/// Lets others run for some turns, or some time, or not at all.
pub(crate) async fn pause() {
    match below(6) {
        0 => time::sleep(us(below(3))).await,
        1 => task::yield_now().await,
        2 => turns(below(4)).await,
        _ => {}
    }
}

/// Pending `n` times, each time with its task woken again.
pub(crate) async fn turns(n: u64) {
    for _ in 0..n {
        task::yield_now().await;
    }
}

/// Polls `future` to its end, or drops it after a few polls or some time.
pub(crate) async fn give_up<F: Future>(future: F) -> Option<F::Output> {
    match below(4) {
        0 => Some(future.await),
        1 => {
            let begun = Instant::now();
            let limit = us(below(4));
            let output = time::timeout(limit, future).await.ok();
            match output {
                Some(_) => assert!(begun.elapsed() <= limit, "ready after its timeout"),
                None => assert_eq!(begun.elapsed(), limit, "a timeout is exact"),
            }
            output
        }
        _ => after_turns(below(4), future).await,
    }
}

/// Polls `future` to its end, or drops it after `n` turns: sometimes without a last look at it, so that what it was given
/// meanwhile goes back with it.
pub(crate) async fn after_turns<F: Future>(n: u64, future: F) -> Option<F::Output> {
    let blind = one_in(2);
    let (mut future, mut end) = (pin!(future), pin!(turns(n)));
    poll_fn(move |cx| {
        if blind && end.as_mut().poll(cx).is_ready() {
            return Poll::Ready(None);
        }
        match future.as_mut().poll(cx) {
            Poll::Ready(output) => Poll::Ready(Some(output)),
            Poll::Pending if blind => Poll::Pending,
            Poll::Pending => end.as_mut().poll(cx).map(|()| None),
        }
    })
    .await
}

/// What the task returned; `None` if it was aborted.
pub(crate) async fn join<T>(task: JoinHandle<T>) -> Option<T> {
    match task.await {
        Ok(output) => Some(output),
        Err(error) if error.is_cancelled() => None,
        Err(error) => std::panic::resume_unwind(error.into_panic()),
    }
}

pub(crate) async fn join_all<T>(tasks: Vec<JoinHandle<T>>) -> Vec<Option<T>> {
    let mut outputs = Vec::new();
    for task in tasks {
        outputs.push(join(task).await);
    }
    outputs
}
