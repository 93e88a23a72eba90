//! Waiting for a point in time.
use crate::panics;
use crate::sched::context;
use crate::sched::shared::Shared;
use crate::timer::Shard;
use crate::timer::wheel::{CLOSED, FIRED, IDLE, Node, QUEUED};
use dormouse_wait::frame::{self, Site};
use dormouse_wait::{Instant, Reason};
use std::fmt;
use std::future::Future;
use std::panic::Location;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

/// As good as never: for durations that the clock cannot add up.
const FAR: Duration = Duration::from_secs(60 * 60 * 24 * 365 * 30);

/// `from` plus `duration`; if the clock cannot say that, some thirty years on.
pub(super) fn later(from: Instant, duration: Duration) -> Instant {
    from.checked_add(duration).or_else(|| from.checked_add(FAR)).unwrap_or(from)
}

/// Waits for `duration` from now, that is, from this call: never less, and on an idle machine about 0.1 ms more. Any
/// duration is fine, `Duration::MAX` too.
///
/// The timer is set by the first poll that has to wait. So a sleep that is made and never polled costs a look at the
/// clock; [`sleep_until`] not even that.
///
/// # Panics
/// When polled outside of a runtime, unless it is over already.
///
/// # Cancel safety
/// Safe: a dropped sleep is taken off the timers at once.
///
/// ```
/// # dormouse_executor::runtime::block_on(async {
/// use dormouse_executor::time::{Duration, Instant, sleep};
/// let begin = Instant::now();
/// sleep(Duration::from_millis(5)).await;
/// assert!(begin.elapsed() >= Duration::from_millis(5));
/// # });
/// ```
#[track_caller]
pub fn sleep(duration: Duration) -> Sleep {
    Sleep::new(later(Instant::now(), duration), Location::caller())
}

/// Waits until `deadline`; see [`sleep`].
#[track_caller]
pub fn sleep_until(deadline: Instant) -> Sleep {
    Sleep::new(deadline, Location::caller())
}

/// The future of [`sleep`] and [`sleep_until`]. Polled again after its end, it is ready again.
#[must_use = "futures do nothing unless awaited"]
pub struct Sleep {
    deadline: Instant,
    site: Site,
    /// Where the node is or was queued; while it is held, the node may be.
    shard: Option<Arc<Shard>>,
    node: Node,
}

impl Sleep {
    pub(super) fn new(deadline: Instant, site: Site) -> Sleep {
        Sleep { deadline, site, shard: None, node: Node::new() }
    }

    /// When it ends.
    pub fn deadline(&self) -> Instant {
        self.deadline
    }

    /// Has it ended, as far as its last poll or its timer knows?
    pub fn is_elapsed(&self) -> bool {
        self.node.phase() == FIRED
    }

    /// Lets it end at `deadline` instead, also if it has ended before.
    pub fn reset(mut self: Pin<&mut Self>, deadline: Instant) {
        self.as_mut().unregister();
        // SAFETY: nothing is moved; the node is in no wheel.
        let this = unsafe { self.get_unchecked_mut() };
        this.node.reset();
        this.deadline = deadline;
    }

    /// The first poll of a sleep whose deadline is not over: sets the timer.
    pub(super) fn start(self: Pin<&mut Self>, cx: &mut Context<'_>) {
        let site = self.site;
        self.register(cx);
        frame::note(Reason::Sleep, Some(site));
    }

    /// Takes the node off its wheel.
    fn unregister(self: Pin<&mut Self>) {
        let this = self.as_ref().get_ref();
        if let Some(shard) = &this.shard {
            if this.node.phase() == QUEUED {
                // SAFETY: the node is pinned as the sleep is.
                shard.cancel(unsafe { Pin::new_unchecked(&this.node) });
            }
            // SAFETY: nothing that is pinned is moved: the node is another field.
            unsafe { self.get_unchecked_mut() }.shard = None;
        }
    }

    /// Queues the idle node in the runtime that the thread is in.
    fn register(mut self: Pin<&mut Self>, cx: &mut Context<'_>) {
        // `Waker::clone` is user code: before any lock.
        let waker = cx.waker().clone();
        let deadline = self.deadline.into_std();
        let registered = context::with_current(|shared, seat| {
            let number = seat.map_or_else(|| shared.any_part(), |seat| seat.part());
            let shard = Arc::clone(&shared.parts[number].timers);
            // SAFETY: nothing that is pinned is moved: the node is another field.
            unsafe { self.as_mut().get_unchecked_mut() }.shard = Some(Arc::clone(&shard));
            // SAFETY: the node is pinned as the sleep is.
            let node = unsafe { Pin::new_unchecked(&self.node) };
            // SAFETY: idle; the Drop takes it out of the shard that is noted.
            let due = unsafe { shard.register(node, shared.nanos(deadline), waker) };
            match (due, seat) {
                (Ok(_), Some(_)) => shared.timer_registered(),
                (Ok(due), None) => shared.timer_from_outside(due),
                (Err(waker), _) => {
                    panics::discard(waker);
                    return false;
                }
            }
            true
        });
        match registered {
            Some(true) => {}
            Some(false) => gone(),
            None => panic!(
                "dormouse: a `sleep`, `timeout` or `interval` was polled outside of a runtime: await it in a task, inside \
                 `Runtime::block_on`, or while `Handle::enter`'s guard is held"
            ),
        }
    }
}

#[cold]
fn gone() -> ! {
    panic!(
        "dormouse: a `sleep`, `timeout` or `interval` was waited for while its runtime was shut down: it cannot end any more"
    )
}

impl Future for Sleep {
    type Output = ();

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        match self.node.phase() {
            FIRED => return Poll::Ready(()),
            CLOSED => gone(),
            IDLE => {
                if Instant::now() >= self.deadline {
                    self.node.set_fired();
                    return Poll::Ready(());
                }
                self.start(cx);
                return Poll::Pending;
            }
            _ => {
                let this = self.as_ref().get_ref();
                if let Some(shard) = &this.shard {
                    // SAFETY: the node is pinned as the sleep is.
                    shard.rewake(unsafe { Pin::new_unchecked(&this.node) }, cx.waker());
                }
                // It may have left the wheel between the look at the phase and the lock, for the former waker.
                match this.node.phase() {
                    FIRED => return Poll::Ready(()),
                    CLOSED => gone(),
                    _ => {}
                }
            }
        }
        frame::note(Reason::Sleep, Some(self.site));
        Poll::Pending
    }
}

impl Drop for Sleep {
    fn drop(&mut self) {
        // SAFETY: a sleep that is dropped does not move any more.
        unsafe { Pin::new_unchecked(self) }.unregister();
    }
}

impl fmt::Debug for Sleep {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sleep")
            .field("deadline", &self.deadline)
            .field("elapsed", &self.is_elapsed())
            .finish()
    }
}

/// The runtime's part that timers need is shared between threads.
const _: fn() = || {
    fn is_sync<T: Sync>() {}
    is_sync::<Shared>();
};
