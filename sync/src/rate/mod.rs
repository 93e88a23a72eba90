//! `RateLimiter`: so many events in so much time, and bursts up to a number. `Limit` and the arithmetic are in `bucket`.
//!
//! Whoever takes tokens takes them at once, also those that are not there yet: then it is told from when on it may act.
//! So the order is that of taking, and nobody is woken by anybody: a wait is an alarm at its own time. What is given up
//! before its time goes back into the bucket, but for what others have taken after it (Go's rule): their times stand.
//!
//! Locks: the bucket's, a leaf; the clock is asked before it.
//!
//! Rejected: a queue of waiters (each release must then look at the clock and set the next alarm).
//!
//! Checked by `tests/rate.rs`.
mod bucket;

pub use self::bucket::Limit;

use self::bucket::{Bucket, Taken};
use dormouse_wait::alarm::Alarm;
use dormouse_wait::frame::{self, Reason, Site};
use dormouse_wait::host::{self, Instant};
use dormouse_wait::lock::Lock;
use futures_core::FusedFuture;
use std::error::Error;
use std::fmt;
use std::future::Future;
use std::panic::Location;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

/// Lets events happen at a rate, and in bursts: a bucket of tokens that fills at [`Limit`] up to `burst`: Go's
/// `x/time/rate`.
///
/// It begins full. The arithmetic is exact: a limiter of 3 per second admits 3,000,000,000 events in the billionth
/// second as it does 3 in the first. The clock is the runtime's, virtual in a simulated run; alarms of
/// [`wait`](RateLimiter::wait) as for [`Context`](crate::Context)'s deadlines.
///
/// # Fairness
/// First come, first served, by the order of the first polls and calls: also [`allow`](RateLimiter::allow) does not pass those
/// who wait. Who takes many tokens makes all wait that come later.
///
/// ```
/// use dormouse_sync::{Limit, RateLimiter};
///
/// # tokio::runtime::Runtime::new().unwrap().block_on(async {
/// static LIMITER: RateLimiter = RateLimiter::new(Limit::per_second(1000), 5);
///
/// for _ in 0..10 {
///     LIMITER.wait().await?; // the first five at once, then one each millisecond
/// }
/// # Ok::<(), dormouse_sync::BurstExceeded>(())
/// # }).unwrap();
/// ```
pub struct RateLimiter {
    bucket: Lock<Bucket>,
}

impl RateLimiter {
    const_fn! {
        /// A limiter of `limit`, with a full bucket of `burst` tokens. With a burst of 0 nothing is ever admitted, unless the limit
        /// is [`Limit::INF`], which admits everything.
        pub const fn new(limit: Limit, burst: u32) -> Self {
            RateLimiter { bucket: Lock::new(Bucket::new(limit, burst)) }
        }
    }

    /// The limit.
    pub fn limit(&self) -> Limit {
        self.bucket.lock().limit()
    }

    /// The largest number of tokens that can be taken at once.
    pub fn burst(&self) -> u32 {
        self.bucket.lock().burst()
    }

    /// How many tokens there are now; negative if some were taken in advance.
    pub fn tokens(&self) -> f64 {
        let now = Instant::now();
        self.bucket.lock().tokens(now)
    }

    /// Changes the limit, from now on. The times of those who wait and of reservations stand.
    pub fn set_limit(&self, limit: Limit) {
        let now = Instant::now();
        self.bucket.lock().set_limit(now, limit);
    }

    /// Changes the burst, from now on. Tokens beyond it are gone.
    pub fn set_burst(&self, burst: u32) {
        let now = Instant::now();
        self.bucket.lock().set_burst(now, burst);
    }

    /// May one event happen now? If so, its token is taken.
    ///
    /// ```
    /// use dormouse_sync::{Limit, RateLimiter};
    ///
    /// let limiter = RateLimiter::new(Limit::per_second(1) , 2);
    /// assert!(limiter.allow() && limiter.allow());
    /// assert!(!limiter.allow());
    /// ```
    pub fn allow(&self) -> bool {
        self.allow_n(1)
    }

    /// May `n` events happen now? If so, their tokens are taken; all or none.
    pub fn allow_n(&self, n: u32) -> bool {
        let now = Instant::now();
        self.bucket.lock().take(now, n, true).is_some()
    }

    /// Takes a token, if need be one that is not there yet: the reservation says how long to wait before acting.
    ///
    /// # Errors
    /// If the burst is 0.
    pub fn reserve(&self) -> Result<Reservation<'_>, BurstExceeded> {
        self.reserve_n(1)
    }

    /// Takes `n` tokens, if need be some that are not there yet: the reservation says how long to wait before acting.
    ///
    /// # Errors
    /// If `n` is larger than the burst: it would wait for ever. Nothing is taken.
    ///
    /// ```
    /// use dormouse_sync::{Limit, RateLimiter};
    /// use std::time::Duration;
    ///
    /// let limiter = RateLimiter::new(Limit::every(Duration::from_secs(60)), 1);
    /// assert!(limiter.allow());
    /// let reservation = limiter.reserve()?;
    /// assert!(reservation.delay() > Duration::from_secs(50));
    /// reservation.cancel(); // too long: somebody else may have it
    /// # Ok::<(), dormouse_sync::BurstExceeded>(())
    /// ```
    pub fn reserve_n(&self, n: u32) -> Result<Reservation<'_>, BurstExceeded> {
        let now = Instant::now();
        let mut bucket = self.bucket.lock();
        match bucket.take(now, n, false) {
            Some(taken) => Ok(Reservation { limiter: self, taken }),
            None => Err(BurstExceeded { n, burst: bucket.burst() }),
        }
    }

    /// Waits until one event may happen.
    ///
    /// # Errors
    /// If the burst is 0.
    ///
    /// # Cancel safety
    /// A dropped wait gives its token back, as [`Reservation::cancel`] does.
    ///
    /// # Panics
    /// The future panics if it is polled after it was ready.
    ///
    /// # Fairness
    /// As said [for the type](RateLimiter#fairness).
    #[track_caller]
    pub fn wait(&self) -> RateWait<'_> {
        self.wait_n(1)
    }

    /// Waits until `n` events may happen.
    ///
    /// # Errors
    /// If `n` is larger than the burst: it would wait for ever. Nothing is taken.
    ///
    /// # Cancel safety
    /// A dropped wait gives its tokens back, as [`Reservation::cancel`] does.
    ///
    /// # Panics
    /// The future panics if it is polled after it was ready.
    ///
    /// # Fairness
    /// As said [for the type](RateLimiter#fairness).
    #[track_caller]
    pub fn wait_n(&self, n: u32) -> RateWait<'_> {
        RateWait { limiter: self, n, state: State::New, site: Location::caller() }
    }

    fn give_back(&self, taken: &Taken) {
        let now = Instant::now();
        self.bucket.lock().give_back(now, taken);
    }
}

impl fmt::Debug for RateLimiter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (limit, burst) = {
            let bucket = self.bucket.lock();
            (bucket.limit(), bucket.burst())
        };
        f.debug_struct("RateLimiter").field("limit", &limit).field("burst", &burst).finish_non_exhaustive()
    }
}

/// More was asked for at once than the limiter's burst.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BurstExceeded {
    n: u32,
    burst: u32,
}

impl fmt::Display for BurstExceeded {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "rate: {} at once exceeds the limiter's burst of {}", self.n, self.burst)
    }
}

impl Error for BurstExceeded {}

/// Tokens that were taken, perhaps in advance. From [`RateLimiter::reserve`]. Dropping it changes nothing: they are used.
#[derive(Debug)]
#[must_use = "the tokens are taken: wait for `delay()`, or `cancel()`"]
pub struct Reservation<'a> {
    limiter: &'a RateLimiter,
    taken: Taken,
}

impl Reservation<'_> {
    /// How long to wait from now on before acting; zero if there is no need. `Duration::MAX` if the limit is
    /// [`Limit::ZERO`].
    pub fn delay(&self) -> Duration {
        match self.taken.act_at() {
            Some(at) => at.saturating_duration_since(Instant::now()),
            None => Duration::MAX,
        }
    }

    /// When to act; `None` if the limit is [`Limit::ZERO`], or the clock cannot say it.
    pub fn act_at(&self) -> Option<Instant> {
        self.taken.act_at()
    }

    /// Gives the tokens back, but for as many as others have taken after them: their times stand. Without effect once the
    /// time to act has passed.
    pub fn cancel(self) {
        self.limiter.give_back(&self.taken);
    }
}

enum State {
    New,
    /// The tokens are taken, and it is not yet time.
    Waits(Taken, Option<Alarm>),
    Done,
}

/// The future of [`RateLimiter::wait_n`].
#[must_use = "a future does nothing unless it is awaited"]
pub struct RateWait<'a> {
    limiter: &'a RateLimiter,
    n: u32,
    state: State,
    site: Site,
}

impl Future for RateWait<'_> {
    type Output = Result<(), BurstExceeded>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = &mut *self;
        match &this.state {
            State::New => {
                ready!(frame::poll_spend(cx));
                let taken = match this.limiter.reserve_n(this.n) {
                    Ok(reservation) => reservation.taken,
                    Err(error) => {
                        this.state = State::Done;
                        return Poll::Ready(Err(error));
                    }
                };
                this.state = State::Waits(taken, None);
            }
            State::Waits(..) => {}
            State::Done => panic!("the future of RateLimiter::wait was polled after it had finished"),
        }
        let State::Waits(taken, alarm) = &mut this.state else { unreachable!("set above") };
        if let Some(at) = taken.act_at() {
            if at <= Instant::now() {
                this.state = State::Done;
                return Poll::Ready(Ok(()));
            }
            host::renew(alarm, at, cx.waker());
        }
        frame::note(Reason::RateWait, Some(this.site));
        Poll::Pending
    }
}

impl FusedFuture for RateWait<'_> {
    fn is_terminated(&self) -> bool {
        matches!(self.state, State::Done)
    }
}

impl Drop for RateWait<'_> {
    fn drop(&mut self) {
        if let State::Waits(taken, _) = &self.state {
            self.limiter.give_back(taken);
        }
    }
}

impl fmt::Debug for RateWait<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RateWait")
            .field("n", &self.n)
            .field("done", &self.is_terminated())
            .finish_non_exhaustive()
    }
}
