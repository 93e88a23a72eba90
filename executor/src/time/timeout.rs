//! A future that may take so long and no longer.
use super::sleep::{Sleep, later};
use dormouse_wait::Instant;
use dormouse_wait::frame::Site;
use std::fmt;
use std::future::{Future, IntoFuture};
use std::panic::Location;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

/// Waits for `future`, but no longer than `duration`.
///
/// `future` is polled first: one that is ready in time is never called late, and costs neither a timer nor a look at the
/// clock. If it has to wait, `duration` counts from there: from the end of its first poll, not from this call, as a
/// future does nothing before it is polled. Use [`timeout_at`] to count from elsewhere.
///
/// # Errors
/// Gives [`Elapsed`] when the time is over; `future` is dropped with the timeout.
///
/// # Panics
/// If `future` has to wait outside of a runtime, unless `duration` is zero.
///
/// # Cancel safety
/// As `future`'s. That the time is over is a cancellation of `future` as any other.
///
/// ```
/// # dormouse_executor::runtime::block_on(async {
/// use dormouse_executor::time::{Duration, timeout};
/// assert_eq!(timeout(Duration::from_secs(5), async { 1 }).await, Ok(1));
/// assert!(timeout(Duration::from_millis(1), std::future::pending::<()>()).await.is_err());
/// # });
/// ```
#[track_caller]
#[inline]
pub fn timeout<F: IntoFuture>(duration: Duration, future: F) -> Timeout<F::IntoFuture> {
    Timeout { future: future.into_future(), limit: Limit::For(duration, Location::caller()) }
}

/// Waits for `future`, but not beyond `deadline`. `future` is polled first, also after `deadline`; else as [`timeout`].
///
/// # Errors
/// Gives [`Elapsed`] when the time is over.
///
/// # Panics
/// If `future` has to wait outside of a runtime, unless `deadline` is over.
///
/// # Cancel safety
/// As `future`'s.
///
/// ```
/// # dormouse_executor::runtime::block_on(async {
/// use dormouse_executor::time::{Duration, Instant, sleep, timeout_at};
/// // Two steps that may take 5 ms together.
/// let deadline = Instant::now() + Duration::from_millis(5);
/// assert!(timeout_at(deadline, async { 1 }).await.is_ok());
/// assert!(timeout_at(deadline, sleep(Duration::from_secs(1))).await.is_err());
/// # });
/// ```
#[track_caller]
#[inline]
pub fn timeout_at<F: IntoFuture>(deadline: Instant, future: F) -> Timeout<F::IntoFuture> {
    Timeout { future: future.into_future(), limit: Limit::Until(Sleep::new(deadline, Location::caller())) }
}

/// The future of [`timeout`] and [`timeout_at`].
#[must_use = "futures do nothing unless awaited"]
pub struct Timeout<F> {
    future: F,
    limit: Limit,
}

/// How long a [`Timeout`] waits.
enum Limit {
    /// That long, counted from when it has to wait; made at the place.
    For(Duration, Site),
    Until(Sleep),
}

impl<F> Timeout<F> {
    /// The future that is waited for.
    pub fn get_ref(&self) -> &F {
        &self.future
    }

    /// The future that is waited for, given back without its limit.
    pub fn into_inner(self) -> F {
        self.future
    }
}

impl<F: Future> Future for Timeout<F> {
    type Output = Result<F::Output, Elapsed>;

    #[inline]
    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        // SAFETY: nothing is moved out.
        let this = unsafe { self.get_unchecked_mut() };
        // SAFETY: the future is pinned as the timeout is.
        if let Poll::Ready(output) = unsafe { Pin::new_unchecked(&mut this.future) }.poll(cx) {
            return Poll::Ready(Ok(output));
        }
        // SAFETY: the limit is pinned as the timeout is.
        unsafe { Pin::new_unchecked(&mut this.limit) }.poll(cx).map(|()| Err(Elapsed(())))
    }
}

impl Limit {
    /// Ready when the time is over.
    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        // SAFETY: a sleep is not moved once it is here.
        let this = unsafe { self.get_unchecked_mut() };
        let first = match *this {
            Limit::For(duration, _) if duration.is_zero() => return Poll::Ready(()),
            Limit::For(duration, site) => {
                *this = Limit::Until(Sleep::new(later(Instant::now(), duration), site));
                true
            }
            Limit::Until(_) => false,
        };
        let Limit::Until(sleep) = this else { unreachable!("it was set above") };
        // SAFETY: the sleep is pinned as the limit is.
        let sleep = unsafe { Pin::new_unchecked(sleep) };
        if first {
            sleep.start(cx);
            return Poll::Pending;
        }
        sleep.poll(cx)
    }
}

impl<F: fmt::Debug> fmt::Debug for Timeout<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut out = f.debug_struct("Timeout");
        out.field("future", &self.future);
        match &self.limit {
            Limit::For(duration, _) => out.field("duration", duration),
            Limit::Until(sleep) => out.field("deadline", &sleep.deadline()),
        };
        out.finish()
    }
}

/// The time of a [`timeout`] is over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Elapsed(());

impl fmt::Display for Elapsed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("deadline has elapsed")
    }
}

impl std::error::Error for Elapsed {}

impl From<Elapsed> for std::io::Error {
    fn from(elapsed: Elapsed) -> std::io::Error {
        std::io::Error::new(std::io::ErrorKind::TimedOut, elapsed)
    }
}
