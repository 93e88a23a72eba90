//! Waiting for a future on a plain thread: what `send_blocking`, `recv_blocking` and `lock_blocking` stand on.
use crate::frame;
use crate::lock;
use crate::outside::Outside;
use crate::parker::Parker;
use crate::prim::thread_local;
use std::cell::Cell;
use std::future::Future;
use std::pin::pin;
use std::sync::Arc;
use std::task::{Context, Poll, Wake, Waker};

/// Polls `future` on this thread until it is done; in between the thread looks out for some fifty microseconds, then sleeps.
///
/// # Panics
/// As [`check`].
#[track_caller]
pub fn wait_for<F: Future>(what: &str, instead: &str, future: F) -> F::Output {
    check(what, instead);
    let mut future = pin!(future);
    let sleeper = Sleeper::take();
    lock::stay_cold();
    let waker = Waker::from(sleeper.0.clone());
    let mut cx = Context::from_waker(&waker);
    let _outside = Outside::new();
    loop {
        match future.as_mut().poll(&mut cx) {
            Poll::Ready(output) => return output,
            // A stray wake-up only makes one more turn.
            Poll::Pending => {
                if !sleeper.0.0.spin() {
                    sleeper.0.0.park_until(None);
                }
            }
        }
    }
}

/// For a call that may block its thread: is it a plain one? To be asked whether it has to wait or not, so that a wrong
/// place shows at once.
///
/// # Panics
/// If a task of ours is being polled on this thread: that would block a worker. `what` names the caller's method
/// and `instead` the one to use in its place.
#[inline]
#[track_caller]
pub fn check(what: &str, instead: &str) {
    if frame::polling() {
        refuse(what, instead);
    }
}

#[cold]
#[track_caller]
fn refuse(what: &str, instead: &str) -> ! {
    panic!(
        "{what} was called inside an async task, where it would block a worker thread: \
         use `{instead}` there, or call it within `task::spawn_blocking`"
    );
}

/// A thread's parker, as a waker.
struct Unpark(Parker);

impl Wake for Unpark {
    fn wake(self: Arc<Self>) {
        self.0.unpark();
    }
    fn wake_by_ref(self: &Arc<Self>) {
        self.0.unpark();
    }
}

thread_local!(static KEPT: Cell<Option<Arc<Unpark>>> = const { Cell::new(None) });

/// The calling thread's parker: the one that it keeps, or a new one if a wait is on within a wait.
struct Sleeper(Arc<Unpark>);

impl Sleeper {
    fn take() -> Sleeper {
        let kept = KEPT.try_with(Cell::take).ok().flatten();
        Sleeper(kept.unwrap_or_else(|| Arc::new(Unpark(Parker::current()))))
    }
}

impl Drop for Sleeper {
    fn drop(&mut self) {
        // A thread that is at its end keeps nothing.
        let _ = KEPT.try_with(|kept| kept.set(Some(self.0.clone())));
    }
}
