//! What several groups of cells use: a latch, work for the CPU, and the usual tables of contenders.
use crate::channels::{self, Channel, Shape};
use crate::hosts::Host;
use crate::measure::Sample;
use crate::registry::{Cell, Scale};
use futures::task::AtomicWaker;
use std::future::{Future, poll_fn};
use std::hint::black_box;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::*};
use std::task::Poll;

/// Adds a contender per host: `on_hosts!(cell, work, arguments)` calls `work::<Host>(scale, arguments)`.
macro_rules! on_hosts {
    ($cell:expr, $work:ident $(, $argument:expr)*) => {
        on_hosts!(@ $cell, ($work $(, $argument)*), Dormouse DormouseOne Tokio TokioOne AsyncExecutor AsyncExecutorStatic)
    };
    (@ $cell:expr, $work:tt, $($Host:ident)*) => {{
        let mut cell = $cell;
        $(cell = on_hosts!(@one cell, $Host, $work);)*
        cell
    }};
    (@one $cell:ident, $Host:ident, ($work:ident $(, $argument:expr)*)) => {
        $cell.with(
            <$crate::hosts::$Host as $crate::hosts::Host>::NAME,
            <$crate::hosts::$Host as $crate::hosts::Host>::PEER,
            move |scale| $work::<$crate::hosts::$Host>(scale $(, $argument)*),
        )
    };
}
pub(crate) use on_hosts;

/// Adds a contender per host with its best channel: `on_best_channels!(cell, shape, work)` calls
/// `work::<Host, Channel>(scale, shape)`.
macro_rules! on_best_channels {
    ($cell:expr, $shape:expr, $work:ident) => {
        on_best_channels!(@ $cell, $shape, $work,
            (Dormouse, Dormouse) (DormouseOne, Dormouse) (Tokio, Kanal) (TokioOne, Kanal)
            (Tokio, Tokio) (TokioOne, Tokio) (AsyncExecutor, Kanal) (AsyncExecutorStatic, Kanal))
    };
    (@ $cell:expr, $shape:expr, $work:ident, $(($Host:ident, $Channel:ident))*) => {{
        let mut cell = $cell;
        $(
            cell = $crate::cells::tools::pair::<$crate::hosts::$Host, $crate::channels::$Channel>(
                cell,
                $shape,
                $work::<$crate::hosts::$Host, $crate::channels::$Channel>,
            );
        )*
        cell
    }};
}
pub(crate) use on_best_channels;

/// A host with a channel; as its host's, which is what the cell measures.
pub(crate) fn pair<H: Host, C: Channel>(cell: Cell, shape: Shape, work: fn(Scale, Shape) -> Sample) -> Cell {
    let name = channels::on_host::<H, C>();
    match C::supports(shape) {
        Ok(()) => cell.with(name, H::PEER, move |scale| work(scale, shape)),
        Err(why) => cell.without(name, H::PEER, why),
    }
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

/// Keeps a core busy; 1,000 rounds are about 2 us.
pub(crate) fn crunch(seed: u64, rounds: u64) -> u64 {
    let mut n = black_box(seed);
    for _ in 0..rounds {
        n = (n ^ (n >> 29)).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    }
    black_box(n)
}
