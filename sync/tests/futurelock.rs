//! Futurelock: what is handed over to a future that nobody polls any more is taken back after 1 ms. By a clock that the
//! tests move, as on a runtime of ours, and without one, as on any other.
mod common;
#[path = "futurelock/mutex.rs"]
mod mutex;
#[path = "futurelock/rwlock.rs"]
mod rwlock;
#[path = "futurelock/semaphore.rs"]
mod semaphore;

use common::{Clock, poll};
use std::pin::Pin;
use std::task::{Poll, Waker};
use tokio_test::assert_ready;
use tokio_test::task::Spawn;

/// Those of `waits` that are woken are polled, and wait on.
fn poll_woken<F: Future>(waits: &mut [Spawn<F>]) -> usize {
    let woken = waits.iter_mut().filter(|wait| wait.is_woken());
    woken.map(|wait| assert!(wait.poll().is_pending())).count()
}

/// What `wait` gives within so many alarms.
#[track_caller]
fn within<F: Future>(clock: &Clock, alarms: usize, wait: &mut Spawn<F>) -> F::Output {
    for _ in 0..alarms {
        if wait.is_woken()
            && let Poll::Ready(output) = wait.poll()
        {
            return output;
        }
        clock.pass(1000);
    }
    assert!(wait.is_woken(), "nobody wakes it");
    assert_ready!(wait.poll())
}

/// A wait of some tests' own kind.
type Wait<G> = Pin<Box<dyn Future<Output = G>>>;

/// One of `waits` is polled, if there are any; what it gives goes to `held`.
fn poll_one<G>(dice: &mut common::load::Dice, waits: &mut Vec<Wait<G>>, held: &mut Vec<G>) {
    if waits.is_empty() {
        return;
    }
    let at = dice.roll(waits.len() as u64) as usize;
    if let Poll::Ready(given) = poll(waits[at].as_mut(), Waker::noop()) {
        held.push(given);
        drop(waits.swap_remove(at));
    }
}

/// One of `waits` is dropped, if there are any.
fn drop_one<G>(dice: &mut common::load::Dice, waits: &mut Vec<Wait<G>>) {
    if !waits.is_empty() {
        drop(waits.swap_remove(dice.roll(waits.len() as u64) as usize));
    }
}

/// Who is polled each millisecond is served, though nobody else is polled any more.
#[track_caller]
fn served_alone<G>(clock: &Clock, mut last: Wait<G>) {
    let served = (0..1000).any(|_| {
        clock.pass(1000);
        poll(last.as_mut(), Waker::noop()).is_ready()
    });
    assert!(served, "the others hold it up");
}
