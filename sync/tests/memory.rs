//! What contexts, cells and their waits allocate, and what they leave behind.
#[path = "../../chan/tests/support/allocs.rs"]
mod allocs;
mod common;

use allocs::{NOTHING, allocated};
use common::poll;
use dormouse_sync::{Context, Instant, OnceCell};
use dormouse_wait::host::{Host, with_host};
use std::cell::RefCell;
use std::future::pending;
use std::pin::pin;
use std::task::Waker;
use std::time::Duration;

/// Keeps the alarms, as a runtime does until their time.
struct Keeper(RefCell<Vec<Waker>>);

impl Host for Keeper {
    fn now(&self) -> Instant {
        Instant::from_std(std::time::Instant::now())
    }
    fn alarm(&self, _: Instant, waker: Waker) {
        self.0.borrow_mut().push(waker);
    }
}

#[test]
fn waits_allocate_nothing() {
    let (context, cancel) = Context::background().with_cancel();
    let (_child, _handle) = context.with_cancel();
    let cell = OnceCell::<u8>::new();
    let (waited, ()) = allocated(|| {
        let background = Context::background();
        let (mut done, mut run) = (pin!(context.done()), pin!(context.run(pending::<()>())));
        let (mut wait, mut make) = (pin!(cell.wait()), pin!(cell.get_or_init(pending)));
        for _ in 0..2 {
            assert!(poll(done.as_mut(), Waker::noop()).is_pending());
            assert!(poll(run.as_mut(), Waker::noop()).is_pending());
            assert!(poll(wait.as_mut(), Waker::noop()).is_pending());
            assert!(poll(make.as_mut(), Waker::noop()).is_pending());
        }
        assert!(!background.is_done() && context.clone().err().is_none());
    });
    assert_eq!(waited, NOTHING);
    cancel.cancel();
}

/// Also after many of them were alive at once.
#[test]
fn a_parent_keeps_nothing_of_its_children() {
    let (parent, _cancel) = Context::background().with_cancel();
    let (left, ()) = allocated(|| {
        let children: Vec<_> = (0..10_000).map(|_| parent.with_cancel()).collect();
        let (one, _one) = allocated(|| parent.with_cancel());
        assert!(one.times == 1 && one.kept <= 256, "a child is one small allocation: {one:?}");
        drop(children);
    });
    assert_eq!(left.kept, 0);
}

/// A deadline far away holds only a small cell once its context is gone.
#[test]
fn alarms_keep_a_small_cell() {
    const CONTEXTS: usize = 1000;
    let keeper = Keeper(RefCell::new(Vec::with_capacity(CONTEXTS)));
    with_host(&keeper, || {
        let (left, ()) = allocated(|| {
            for _ in 0..CONTEXTS {
                drop(Context::background().with_timeout(Duration::from_secs(3600)));
            }
        });
        assert_eq!(keeper.0.borrow().len(), CONTEXTS);
        assert!(left.kept <= 64 * CONTEXTS as isize, "{left:?}");
        keeper.0.borrow_mut().drain(..).for_each(Waker::wake);
    });
}
