//! Giving other tasks their turn.
use crate::sched::context;
use dormouse_wait::Reason;
use dormouse_wait::frame::{self, Site};
use std::future::Future;
use std::panic::Location;
use std::pin::Pin;
use std::task::{Context, Poll};

/// Lets every task that is runnable in this thread's queue, and a share of those that wait for any thread, run before
/// this one goes on: Go's `runtime.Gosched`.
///
/// On a foreign executor it wakes its task and returns Pending once.
///
/// # Cancel safety
/// Safe: there is nothing to lose.
///
/// ```
/// # dormouse_executor::runtime::block_on(async {
/// dormouse_executor::task::yield_now().await;
/// # });
/// ```
#[doc(alias = "Gosched")]
#[track_caller]
pub fn yield_now() -> YieldNow {
    YieldNow { yielded: false, site: Location::caller() }
}

/// The future of [`yield_now`].
#[derive(Debug)]
#[must_use = "futures do nothing unless awaited"]
pub struct YieldNow {
    yielded: bool,
    site: Site,
}

impl Future for YieldNow {
    type Output = ();

    #[inline]
    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        if self.yielded {
            return Poll::Ready(());
        }
        self.yielded = true;
        context::with_current(|_, seat| seat.map(|seat| seat.before_yield()));
        cx.waker().wake_by_ref();
        frame::note(Reason::Yield, Some(self.site));
        Poll::Pending
    }
}
