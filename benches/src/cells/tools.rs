//! What several groups of cells use: a latch, work for the CPU, and the usual tables of contenders.
use crate::channels::{self, Channel, Shape};
use crate::hosts::Host;
use crate::measure::{Sample, Stopwatch};
use crate::registry::{Cell, Scale};
use futures::channel::oneshot;
use futures::task::AtomicWaker;
use std::env;
use std::future::{Future, poll_fn};
use std::hint::black_box;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::*};
use std::task::Poll;
use std::thread;

/// Adds a contender per host: `on_hosts!(cell, work, arguments)` calls `work(host, scale, arguments)`. With `sockets:` in
/// front, those with a reactor.
macro_rules! on_hosts {
    (sockets: $cell:expr, $work:ident $(, $argument:expr)*) => {{
        use $crate::hosts::{AsyncExecutor, Dormouse, Tokio};
        on_hosts!(@ $cell, ($work $(, $argument)*),
            Dormouse::ALL, Dormouse::ONE, Tokio::ALL_WITH_IO, Tokio::ONE_WITH_IO, AsyncExecutor)
    }};
    ($cell:expr, $work:ident $(, $argument:expr)*) => {{
        use $crate::hosts::{AsyncExecutor, AsyncExecutorStatic, Dormouse, Tokio};
        on_hosts!(@ $cell, ($work $(, $argument)*),
            Dormouse::ALL, Dormouse::ONE, Tokio::ALL, Tokio::ONE, AsyncExecutor, AsyncExecutorStatic)
    }};
    (@ $cell:expr, $work:tt, $($host:expr),*) => {{
        let mut cell = $cell;
        $(cell = on_hosts!(@one cell, $host, $work);)*
        cell
    }};
    (@one $cell:ident, $host:expr, ($work:ident $(, $argument:expr)*)) => {
        $crate::cells::tools::on($cell, $host, move |host, scale| $work(host, scale $(, $argument)*))
    };
}
pub(crate) use on_hosts;

/// Adds a host, as its own.
pub(crate) fn on<H: Host>(cell: Cell, host: H, work: impl Fn(H, Scale) -> Sample + 'static) -> Cell {
    cell.with(host.name(), H::PEER, move |scale| work(host, scale))
}

/// Adds a contender per host with its best channel: `on_best_channels!(cell, shape, work)` calls
/// `work::<Host, Channel>(host, scale, shape)`.
macro_rules! on_best_channels {
    ($cell:expr, $shape:expr, $work:ident) => {
        on_best_channels!(@ $cell, $shape, $work,
            (Dormouse::ALL, Dormouse) (Dormouse::ONE, Dormouse) (Tokio::ALL, Kanal) (Tokio::ONE, Kanal)
            (Tokio::ALL, Tokio) (Tokio::ONE, Tokio) (AsyncExecutor, Kanal) (AsyncExecutorStatic, Kanal))
    };
    (@ $cell:expr, $shape:expr, $work:ident, $(($host:expr, $Channel:ident))*) => {{
        use $crate::hosts::{AsyncExecutor, AsyncExecutorStatic, Dormouse, Tokio};
        let mut cell = $cell;
        $(
            cell = $crate::cells::tools::pair::<_, $crate::channels::$Channel>(
                cell,
                $host,
                $shape,
                $work::<_, $crate::channels::$Channel>,
            );
        )*
        cell
    }};
}
pub(crate) use on_best_channels;

/// A host with a channel; as its host's, which is what the cell measures.
pub(crate) fn pair<H: Host, C: Channel>(
    cell: Cell,
    host: H,
    shape: Shape,
    work: fn(H, Scale, Shape) -> Sample,
) -> Cell {
    let name = channels::on_host::<H, C>(host);
    match C::supports(shape) {
        Ok(()) => cell.with(name, H::PEER, move |scale| work(host, scale, shape)),
        Err(why) => cell.without(name, H::PEER, why),
    }
}

/// Does a tenth of the work to warm up, then measures all of it. `count` is how often `work` does its thing, each time of
/// so many operations; what it gives is the checksum.
pub(crate) async fn measured<F>(count: u64, each: u64, mut work: impl FnMut(u64) -> F + Send) -> Sample
where
    F: Future<Output = u64> + Send,
{
    work(count / 10).await;
    let watch = Stopwatch::start();
    let sum = work(count).await;
    watch.stop(count * each, sum)
}

/// Does one batch to warm up, then measures so many, one after the other.
pub(crate) async fn batches<F>(count: u64, each: u64, mut batch: impl FnMut() -> F + Send) -> Sample
where
    F: Future<Output = u64> + Send,
{
    batch().await;
    let watch = Stopwatch::start();
    let mut sum = 0_u64;
    for _ in 0..count {
        sum = sum.wrapping_add(batch().await);
    }
    watch.stop(count * each, sum)
}

/// Waits for a number of tasks, and adds up what they say. The same for all hosts.
pub(crate) struct Latch {
    left: AtomicU64,
    sum: AtomicU64,
    waiter: AtomicWaker,
}

impl Latch {
    pub(crate) fn new(count: u64) -> Arc<Latch> {
        Arc::new(Latch { left: AtomicU64::new(count), sum: AtomicU64::new(0), waiter: AtomicWaker::new() })
    }

    /// One task is done.
    pub(crate) fn done(&self, value: u64) {
        self.sum.fetch_add(value, Relaxed);
        // Ordering: pairs with the load in `wait`, which then sees all that was added.
        if self.left.fetch_sub(1, AcqRel) == 1 {
            self.waiter.wake();
        }
    }

    /// All are done: the sum. For one who waits.
    pub(crate) fn wait(&self) -> impl Future<Output = u64> + Send {
        poll_fn(|cx| {
            self.waiter.register(cx.waker());
            // Ordering: pairs with `done`.
            match self.left.load(Acquire) {
                0 => Poll::Ready(self.sum.load(Relaxed)),
                _ => Poll::Pending,
            }
        })
    }

    /// How many are not done.
    pub(crate) fn left(&self) -> u64 {
        // Ordering: pairs with `done`.
        self.left.load(Acquire)
    }
}

/// What `work` gives, which is done by a thread of its own.
pub(crate) async fn on_a_thread(work: impl FnOnce() -> Sample + Send + 'static) -> Sample {
    let (tell, told) = oneshot::channel();
    thread::spawn(move || {
        let _ = tell.send(work()); // nobody waits if what is measured has failed
    });
    told.await.expect("the thread does not fail")
}

/// Is there such a program?
pub(crate) fn is_installed(program: &str) -> bool {
    let path = env::var_os("PATH").unwrap_or_default();
    env::split_paths(&path).any(|folder| folder.join(program).is_file())
}

/// Keeps a core busy; 1,000 rounds are about 2 us.
pub(crate) fn crunch(seed: u64, rounds: u64) -> u64 {
    let mut n = black_box(seed);
    for _ in 0..rounds {
        n = (n ^ (n >> 29)).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    }
    black_box(n)
}
