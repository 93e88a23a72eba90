//! A function that is called later: Go's `time.AfterFunc`.
//!
//! The timer's node lives in the `Arc` that its handles share, and stays in one shard. While it is queued, the waker that
//! it holds is that same `Arc`: so the timer lives on without handles, and leaves the shard before its memory goes.
//!
//! | state | event | after |
//! |---|---|---|
//! | queued | its time comes | out, by whoever fires the shard; the waker spawns a task that calls the function |
//! | queued | `stop` | out; true |
//! | out | `stop` | out; false |
//! | any | `reset` | queued anew, under one holding of the shard's lock; true if it was queued |
//! | queued | the runtime's end | out for ever: a task that is spawned then is dropped |
//!
//! Whoever takes the node out, by time or by a call, does so under the shard's lock: so each queueing has one end.
//!
//! Rejected: a task that sleeps (a hundred bytes more, and the simulator would take it for a leak); `FnMut` (calls that
//! overlap, as `reset` lets them, would need a lock around user code).
//!
//! Checked by `tests/after_func.rs`.
use super::sleep::later;
use crate::panics;
use crate::sched::context;
use crate::sched::shared::Shared;
use crate::task::origin::Origin;
use crate::task::spawn::spawn_there;
use crate::timer::Shard;
use crate::timer::wheel::Node;
use dormouse_wait::Instant;
use std::fmt;
use std::panic::Location;
use std::pin::Pin;
use std::sync::{Arc, Weak};
use std::task::{Wake, Waker};
use std::time::Duration;

/// Calls `f` when `duration` has passed since this call, in a task of its own: Go's `time.AfterFunc`.
///
/// The task is spawned in the calling thread's runtime, when the time has come; before that there is none. `f` must not
/// block, as no task may: what is to wait goes into a [`task::go`](crate::task::go) inside of it. If `f` panics, the
/// runtime's [`OnPanic`](crate::task::OnPanic) policy decides, as for any task that nobody joins.
///
/// The [handle](TimerHandle) can stop the timer and set it again. Dropping the handle does neither: `f` is called all
/// the same. The runtime's end drops `f`, called or not.
///
/// # Panics
/// Outside of a runtime.
///
/// ```
/// # dormouse_executor::runtime::block_on(async {
/// use dormouse_executor::time::{Duration, after_func, sleep};
/// use std::sync::{Arc, atomic::{AtomicU32, Ordering::SeqCst}};
///
/// let called = Arc::new(AtomicU32::new(0));
/// let count = called.clone();
/// let timer = after_func(Duration::from_secs(3600), move || _ = count.fetch_add(1, SeqCst));
/// assert!(timer.reset(Duration::from_millis(1)), "it was still set");
/// while called.load(SeqCst) == 0 {
///     sleep(Duration::from_millis(1)).await;
/// }
/// assert!(!timer.stop(), "it is called already");
/// # });
/// ```
#[doc(alias = "AfterFunc")]
#[track_caller]
pub fn after_func<F>(duration: Duration, f: F) -> TimerHandle
where
    F: Fn() + Send + Sync + 'static,
{
    let site = Location::caller();
    let timer = context::with_current(|shared, seat| {
        let number = seat.map_or_else(|| shared.any_part(), |seat| seat.part());
        let shard = Arc::clone(&shared.parts[number].timers);
        Timer { runtime: Arc::downgrade(&shared.strong()), shard, node: Node::new(), site }
    });
    let Some(timer) = timer else {
        panic!(
            "dormouse: `after_func` was called outside of a runtime: call it in a task, inside `Runtime::block_on`, or \
             while `Handle::enter`'s guard is held"
        )
    };
    let handle = TimerHandle(Arc::new(Call { timer, f }));
    handle.reset(duration);
    handle
}

/// Stops the timer of an [`after_func`], or sets it again: Go's `time.Timer` that has a function.
///
/// Clones are handles of the same timer. A handle may be used on any thread, inside of a runtime or not.
#[derive(Clone)]
pub struct TimerHandle(Arc<dyn Armed>);

impl TimerHandle {
    /// Takes the timer back: true if that kept the function from being called.
    ///
    /// False says that the timer was stopped before, or that the function was called, or is being called: this does not
    /// wait for its end. Also after the end of its runtime.
    ///
    /// ```
    /// # dormouse_executor::runtime::block_on(async {
    /// use dormouse_executor::time::{Duration, after_func};
    /// let timer = after_func(Duration::from_secs(60), || unreachable!());
    /// assert!(timer.stop());
    /// assert!(!timer.stop());
    /// # });
    /// ```
    pub fn stop(&self) -> bool {
        let timer = self.0.timer();
        // SAFETY: the node stays where it is (see the module).
        timer.shard.cancel(unsafe { Pin::new_unchecked(&timer.node) })
    }

    /// Lets the function be called when `duration` has passed from now on, and not before: true if the timer was still
    /// set, false if it was stopped or its time had come.
    ///
    /// After false, the function may be called a second time, even while an earlier call still goes on. After the end of
    /// its runtime this does nothing, and gives false.
    pub fn reset(&self, duration: Duration) -> bool {
        let timer = self.0.timer();
        let Some(shared) = timer.runtime.upgrade() else { return false };
        if duration.is_zero() {
            let was_set = self.stop();
            Arc::clone(&self.0).waker().wake();
            return was_set;
        }
        let deadline = shared.nanos(later(Instant::now(), duration).into_std());
        // SAFETY: the node stays where it is, and until it leaves the shard its waker keeps its memory.
        let node = unsafe { Pin::new_unchecked(&timer.node) };
        let waker = Arc::clone(&self.0).waker();
        // SAFETY: as above; the node is in no other shard.
        let (was_set, due) = match unsafe { timer.shard.requeue(node, deadline, waker) } {
            Ok(queued) => queued,
            Err(waker) => {
                panics::discard(waker);
                return false;
            }
        };
        context::with_seat(shared.pointer(), |seat| match seat {
            Some(_) => shared.timer_registered(),
            None => shared.timer_from_outside(due),
        });
        was_set
    }
}

impl fmt::Debug for TimerHandle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TimerHandle").field("site", &self.0.timer().site).finish_non_exhaustive()
    }
}

/// What the handles know of a timer, whatever its function is.
trait Armed: Send + Sync {
    fn timer(&self) -> &Timer;
    /// Wakes to call the function.
    fn waker(self: Arc<Self>) -> Waker;
}

struct Timer {
    runtime: Weak<Shared>,
    shard: Arc<Shard>,
    node: Node,
    site: &'static Location<'static>,
}

struct Call<F> {
    timer: Timer,
    f: F,
}

impl<F: Fn() + Send + Sync + 'static> Armed for Call<F> {
    fn timer(&self) -> &Timer {
        &self.timer
    }

    fn waker(self: Arc<Self>) -> Waker {
        Waker::from(self)
    }
}

impl<F: Fn() + Send + Sync + 'static> Wake for Call<F> {
    fn wake(self: Arc<Self>) {
        let Some(shared) = self.timer.runtime.upgrade() else { return };
        let origin = Origin::at(self.timer.site);
        drop(spawn_there(&shared, async move { (self.f)() }, origin));
    }
}
