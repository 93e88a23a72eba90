//! What an operation tells the runtime that polls it: its budget, and why and where it waits.
use dormouse_wait::frame::{BUDGET, Frame, Reason, Waits};
use std::future::Future;
use std::panic::Location;
use std::pin::pin;
use std::task::{Context, Waker};
use tokio_test::task::spawn;

/// Polls an endless loop of ready operations, as a runtime would: it must end Pending and woken, after `BUDGET` turns, as
/// often as it is polled.
#[track_caller]
pub(crate) fn gives_way(turns: impl Fn() -> u32, task: impl Future<Output = ()>) {
    let mut task = spawn(task);
    for polls in 1..=3 {
        let waits = Waits::new();
        assert!(Frame::new(&waits).enter(|| task.poll()).is_pending());
        assert_eq!(turns(), polls * BUDGET);
        assert!(task.is_woken(), "it has more to do");
        assert_eq!(waits.get().0, Reason::Yield);
    }
}

/// The reason of a wait, at its first poll and at each other; and whether its line is that of the operation, in the file
/// that calls this.
#[track_caller]
pub(crate) fn waits_for(reason: Reason, line: u32, future: impl Future) {
    let file = Location::caller().file();
    let mut future = pin!(future);
    for waker in [Waker::noop(), Waker::noop(), &futures::task::noop_waker()] {
        let waits = Waits::new();
        assert!(
            Frame::new(&waits).enter(|| future.as_mut().poll(&mut Context::from_waker(waker))).is_pending()
        );
        let (said, site) = waits.get();
        let site = site.expect("a site");
        assert_eq!((said, site.file(), site.line()), (reason, file, line));
    }
}
