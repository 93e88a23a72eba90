//! A point in time as an event: Go's `time.After`.
use super::sleep::{Sleep, later};
use dormouse_wait::Instant;
use futures_core::future::FusedFuture;
use futures_core::stream::{FusedStream, Stream};
use std::future::Future;
use std::panic::Location;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

/// Gives its deadline when `duration` has passed since this call: Go's `time.After`.
///
/// As a future it gives the deadline, not the moment at which that was noticed; as a stream it gives that once and ends.
/// Made before a loop, it limits all of it. Never early; any duration is fine.
///
/// # Panics
/// When polled outside of a runtime, unless the time is over already.
///
/// # Cancel safety
/// Safe: dropped, it is taken off the timers at once. Polled again after its end, the future is ready again.
///
/// ```
/// # dormouse_executor::runtime::block_on(async {
/// use dormouse_executor::time::{Duration, Instant, after};
/// let begin = Instant::now();
/// let deadline = after(Duration::from_millis(5)).await;
/// assert!(deadline >= begin + Duration::from_millis(5) && deadline <= Instant::now());
/// # });
/// ```
#[doc(alias = "After")]
#[track_caller]
pub fn after(duration: Duration) -> After {
    After { sleep: Sleep::new(later(Instant::now(), duration), Location::caller()), given: false }
}

/// The future, and stream of one item, of [`after`].
#[derive(Debug)]
#[must_use = "futures do nothing unless awaited"]
pub struct After {
    sleep: Sleep,
    /// It has given its deadline.
    given: bool,
}

impl After {
    /// What it gives.
    pub fn deadline(&self) -> Instant {
        self.sleep.deadline()
    }
}

impl Future for After {
    type Output = Instant;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Instant> {
        // SAFETY: nothing is moved out.
        let this = unsafe { self.get_unchecked_mut() };
        // SAFETY: the sleep is pinned as this is.
        ready!(unsafe { Pin::new_unchecked(&mut this.sleep) }.poll(cx));
        this.given = true;
        Poll::Ready(this.sleep.deadline())
    }
}

impl FusedFuture for After {
    fn is_terminated(&self) -> bool {
        self.given
    }
}

impl Stream for After {
    type Item = Instant;

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Instant>> {
        if self.given {
            return Poll::Ready(None);
        }
        self.poll(cx).map(Some)
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        let left = usize::from(!self.given);
        (left, Some(left))
    }
}

impl FusedStream for After {
    fn is_terminated(&self) -> bool {
        self.given
    }
}
