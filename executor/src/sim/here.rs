//! What code in a simulated run sees of it: the virtual clock, random numbers, the wait for a quiet moment.
use super::rng::Stream;
use crate::sched::shared::Shared;
use crate::timer;
use dormouse_wait::alarm::Alarm;
use dormouse_wait::frame::{self, Site};
use dormouse_wait::host::Host;
use dormouse_wait::{Instant, Reason};
use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::fmt;
use std::future::Future;
use std::panic::Location;
use std::pin::Pin;
use std::rc::Rc;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

/// The run that this thread is in.
pub(super) struct Here {
    shared: Arc<Shared>,
    /// Virtual nanoseconds since the run began.
    pub(super) now: Cell<u64>,
    /// The user's random numbers.
    pub(super) rng: Stream,
    /// Who waits for a quiet moment, in order.
    waiters: RefCell<BTreeMap<u64, Waker>>,
    /// How many have ever waited.
    waited: Cell<u64>,
}

thread_local!(static HERE: RefCell<Option<Rc<Here>>> = const { RefCell::new(None) });

impl Here {
    pub(super) fn new(shared: Arc<Shared>, seed: u64) -> Rc<Here> {
        Rc::new(Here {
            shared,
            now: Cell::new(0),
            rng: Stream::new(seed, 2),
            waiters: RefCell::default(),
            waited: Cell::new(0),
        })
    }

    /// Runs `f` as part of this run.
    pub(super) fn enter<R>(self: &Rc<Here>, f: impl FnOnce() -> R) -> R {
        struct Back(Option<Rc<Here>>);
        impl Drop for Back {
            fn drop(&mut self) {
                HERE.set(self.0.take());
            }
        }
        let _back = Back(HERE.replace(Some(Rc::clone(self))));
        dormouse_wait::host::with_host(&**self, f)
    }

    /// Queues who waits for a quiet moment: the place in the order.
    fn enqueue(&self, waker: Waker) -> u64 {
        let ticket = self.waited.get();
        self.waited.set(ticket + 1);
        self.waiters.borrow_mut().insert(ticket, waker);
        ticket
    }

    /// Lets `waker` be woken from now on: the one before. The waker back if its turn has come.
    fn rewake(&self, ticket: u64, waker: Waker) -> Result<Waker, Waker> {
        match self.waiters.borrow_mut().get_mut(&ticket) {
            Some(waiter) => Ok(std::mem::replace(waiter, waker)),
            None => Err(waker),
        }
    }

    /// Lets the first of those who wait for a quiet moment go on. False if nobody does.
    pub(super) fn release_waiter(&self) -> bool {
        let first = self.waiters.borrow_mut().pop_first();
        match first {
            Some((_, waker)) => waker.wake(),
            None => return false,
        }
        true
    }
}

impl Host for Here {
    fn now(&self) -> Instant {
        let now = self.shared.instant(self.now.get());
        Instant::from_std(now.expect("the virtual time is one that the clock can say"))
    }

    fn alarm(&self, at: Instant, waker: Waker) -> Alarm {
        let due = self.shared.nanos(at.into_std());
        let set = timer::alarm::set(&self.shared.parts[0].timers, due, waker);
        set.map_or(Alarm::rung(), |(alarm, _)| alarm)
    }
}

/// Calls `f` with the run that this thread is in.
#[track_caller]
pub(super) fn with<R>(what: &str, f: impl FnOnce(&Here) -> R) -> R {
    let here = HERE.with_borrow(Clone::clone);
    match here {
        Some(here) => f(&here),
        None => panic!(
            "dormouse: `sim::{what}` was called outside of a simulated run: call it in a task of `sim::Builder::run`, \
             `sim::explore` or `#[dormouse::test(sim)]`"
        ),
    }
}

/// Is this thread in a simulated run?
pub fn is_active() -> bool {
    HERE.with_borrow(Option::is_some)
}

/// The virtual time since this simulated run began.
///
/// [`time::Instant::now`](crate::time::Instant::now) is on the same clock; `std::time::Instant::now` is not.
///
/// # Panics
/// Outside of a simulated run.
///
/// ```
/// use dormouse_executor::{sim, time};
/// use std::time::Duration;
/// sim::Builder::new().run(async {
///     time::sleep(Duration::from_secs(3600)).await; // takes no time at all
///     assert_eq!(sim::now(), Duration::from_secs(3600));
/// });
/// ```
#[track_caller]
pub fn now() -> Duration {
    with("now", |here| Duration::from_nanos(here.now.get()))
}

/// Waits until all other tasks of this simulated run are blocked and no timer is due: Go's `synctest.Wait`.
///
/// The virtual clock stands still meanwhile. Several who wait are let go one after the other, each at a quiet moment of
/// its own.
///
/// # Panics
/// When polled outside of a simulated run.
///
/// # Cancel safety
/// Safe: dropped, it does not wait any more.
///
/// ```
/// use dormouse_executor::{sim, task};
/// use std::sync::{Arc, atomic::{AtomicU32, Ordering::SeqCst}};
/// sim::Builder::new().run(async {
///     let done = Arc::new(AtomicU32::new(0));
///     for _ in 0..10 {
///         let done = done.clone();
///         task::go(async move { done.fetch_add(1, SeqCst); });
///     }
///     sim::wait().await;
///     assert_eq!(done.load(SeqCst), 10);
/// });
/// ```
#[track_caller]
pub fn wait() -> Wait {
    Wait { ticket: None, site: Location::caller() }
}

/// Sleeps for `duration` of virtual time, then [waits](wait) until all others are blocked.
#[track_caller]
pub fn sleep(duration: Duration) -> impl Future<Output = ()> + Send {
    let (sleep, wait) = (crate::time::sleep(duration), wait());
    async move {
        sleep.await;
        wait.await;
    }
}

/// The future of [`wait`].
#[must_use = "futures do nothing unless awaited"]
pub struct Wait {
    /// The place in the order, once it waits.
    ticket: Option<u64>,
    site: Site,
}

impl Future for Wait {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let waker = cx.waker().clone();
        match self.ticket {
            None => self.ticket = Some(with("wait", |here| here.enqueue(waker))),
            Some(ticket) => {
                if with("wait", |here| here.rewake(ticket, waker)).is_err() {
                    return Poll::Ready(());
                }
            }
        }
        frame::note(Reason::SimWait, Some(self.site));
        Poll::Pending
    }
}

impl Drop for Wait {
    fn drop(&mut self) {
        let Some(ticket) = self.ticket else { return };
        let here = HERE.with_borrow(Clone::clone);
        let waker = here.and_then(|here| here.waiters.borrow_mut().remove(&ticket));
        drop(waker);
    }
}

impl fmt::Debug for Wait {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Wait").finish_non_exhaustive()
    }
}
