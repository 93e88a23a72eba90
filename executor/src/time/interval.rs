//! Ticks at equal distances.
use super::sleep::{Sleep, later};
use dormouse_wait::frame;
use dormouse_wait::{Instant, Reason};
use std::fmt;
use std::future::{Future, poll_fn};
use std::panic::Location;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

/// Ticks at once, and then every `period`, counted from this call.
///
/// # Panics
/// If `period` is zero. When polled outside of a runtime, unless a tick is due.
///
/// ```
/// # dormouse_executor::runtime::block_on(async {
/// use dormouse_executor::time::{Duration, interval};
/// let mut ticks = interval(Duration::from_millis(1));
/// for _ in 0..3 {
///     ticks.tick().await;
/// }
/// # });
/// ```
#[track_caller]
pub fn interval(period: Duration) -> Interval {
    Interval::new(Instant::now(), period, "interval")
}

/// Ticks at `start`, and then every `period`.
///
/// # Panics
/// If `period` is zero. When polled outside of a runtime, unless a tick is due.
///
/// ```
/// # dormouse_executor::runtime::block_on(async {
/// use dormouse_executor::time::{Duration, Instant, interval_at};
/// let start = Instant::now() + Duration::from_millis(2);
/// let mut ticks = interval_at(start, Duration::from_millis(1));
/// assert_eq!(ticks.tick().await, start);
/// # });
/// ```
#[track_caller]
pub fn interval_at(start: Instant, period: Duration) -> Interval {
    Interval::new(start, period, "interval_at")
}

/// Ticks every `period`, the first time after one `period`: Go's `time.NewTicker`.
///
/// Go's `Stop` is [`stop`](Interval::stop), its `Reset(d)` is [`set_period`](Interval::set_period). As in Go, ticks that
/// come too fast for who waits for them are left out.
///
/// # Panics
/// If `period` is zero. When polled outside of a runtime, unless a tick is due.
///
/// ```
/// # dormouse_executor::runtime::block_on(async {
/// use dormouse_executor::time::{Duration, Instant, ticker};
/// let begin = Instant::now();
/// let mut ticks = ticker(Duration::from_millis(2));
/// assert!(ticks.tick().await >= begin + Duration::from_millis(2));
/// ticks.set_period(Duration::from_millis(1));
/// ticks.tick().await;
/// ticks.stop();
/// # });
/// ```
#[doc(alias = "NewTicker")]
#[track_caller]
pub fn ticker(period: Duration) -> Interval {
    Interval::new(later(Instant::now(), period), period, "ticker")
}

/// What an [`Interval`] does about ticks that nobody waited for in time.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum MissedTickBehavior {
    /// Leaves them out, and keeps the beat: what Go's Ticker does.
    #[default]
    Skip,
    /// Gives them one after the other, at once, until it has caught up.
    Burst,
    /// Gives one at once, and counts the period from there.
    Delay,
}

/// Ticks at equal distances; made by [`interval`], [`interval_at`] and [`ticker`].
pub struct Interval {
    sleep: Pin<Box<Sleep>>,
    period: Duration,
    missed: MissedTickBehavior,
    stopped: bool,
}

impl Interval {
    #[track_caller]
    fn new(start: Instant, period: Duration, what: &str) -> Interval {
        assert_period(period, what);
        let sleep = Box::pin(Sleep::new(start, Location::caller()));
        Interval { sleep, period, missed: MissedTickBehavior::default(), stopped: false }
    }

    /// Waits for the next tick, and gives the time at which it was due.
    ///
    /// # Panics
    /// Outside of a runtime, unless a tick is due.
    ///
    /// # Cancel safety
    /// Safe: a tick that was not given is given to the next call.
    pub async fn tick(&mut self) -> Instant {
        poll_fn(|cx| self.poll_tick(cx)).await
    }

    /// Polls for the next tick; see [`tick`](Interval::tick).
    pub fn poll_tick(&mut self, cx: &mut Context<'_>) -> Poll<Instant> {
        if self.stopped {
            // Nobody can set it again while it is waited for: it is borrowed.
            frame::note(Reason::Sleep, None);
            return Poll::Pending;
        }
        ready!(self.sleep.as_mut().poll(cx));
        let due = self.sleep.deadline();
        let next = self.next(due, Instant::now());
        self.sleep.as_mut().reset(next);
        Poll::Ready(due)
    }

    /// The tick after the one that was due at `due` and is given at `now`.
    fn next(&self, due: Instant, now: Instant) -> Instant {
        let next = later(due, self.period);
        if now < next {
            return next;
        }
        match self.missed {
            MissedTickBehavior::Burst => next,
            MissedTickBehavior::Delay => later(now, self.period),
            MissedTickBehavior::Skip => {
                // The first beat after `now`: a whole number of periods after `due`.
                let period = self.period.as_nanos();
                let behind = now.saturating_duration_since(due).as_nanos() % period;
                let ahead = u64::try_from(period - behind).unwrap_or(u64::MAX);
                later(now, Duration::from_nanos(ahead))
            }
        }
    }

    /// Lets the next tick be one period from now, and the others follow that.
    pub fn reset(&mut self) {
        self.reset_after(self.period);
    }

    /// Lets the next tick be due at once, and the others follow that.
    pub fn reset_immediately(&mut self) {
        self.reset_after(Duration::ZERO);
    }

    /// Lets the next tick be `duration` from now, and the others follow that.
    pub fn reset_after(&mut self, duration: Duration) {
        self.reset_at(later(Instant::now(), duration));
    }

    /// Lets the next tick be at `deadline`, and the others follow that. One that is over is missed.
    pub fn reset_at(&mut self, deadline: Instant) {
        self.stopped = false;
        self.sleep.as_mut().reset(deadline);
    }

    /// Changes the distance of the ticks; the next one is one new period from now: Go's `Ticker.Reset`.
    ///
    /// # Panics
    /// If `period` is zero.
    #[doc(alias = "Reset")]
    #[track_caller]
    pub fn set_period(&mut self, period: Duration) {
        assert_period(period, "Interval::set_period");
        self.period = period;
        self.reset();
    }

    /// No more ticks, until one of the `reset`s or [`set_period`](Interval::set_period): Go's `Ticker.Stop`.
    ///
    /// Who waits for a tick then waits for ever, as in Go; so in a `select!`, an interval that is stopped is an arm that
    /// is not taken.
    #[doc(alias = "Stop")]
    pub fn stop(&mut self) {
        self.stopped = true;
        // Off the timers.
        let deadline = self.sleep.deadline();
        self.sleep.as_mut().reset(deadline);
    }

    /// The distance of the ticks.
    pub fn period(&self) -> Duration {
        self.period
    }

    /// What happens to ticks that nobody waited for in time.
    pub fn missed_tick_behavior(&self) -> MissedTickBehavior {
        self.missed
    }

    /// Chooses what happens to ticks that nobody waits for in time.
    pub fn set_missed_tick_behavior(&mut self, behavior: MissedTickBehavior) {
        self.missed = behavior;
    }
}

#[track_caller]
fn assert_period(period: Duration, what: &str) {
    assert!(!period.is_zero(), "dormouse: the period of `{what}` must not be zero");
}

/// The ticks, without end.
impl futures_core::Stream for Interval {
    type Item = Instant;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Instant>> {
        self.poll_tick(cx).map(Some)
    }
}

impl futures_core::stream::FusedStream for Interval {
    /// Never: what was stopped can be set again.
    fn is_terminated(&self) -> bool {
        false
    }
}

impl fmt::Debug for Interval {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Interval")
            .field("period", &self.period)
            .field("next", &self.sleep.deadline())
            .field("missed", &self.missed)
            .field("stopped", &self.stopped)
            .finish()
    }
}
