//! Contexts: the wakers of their waits call back and panic, and so do the functions.
use super::{Make, each_call};
use crate::common::poll;
use dormouse_sync::{Cancel, Context};
use dormouse_testing::{Event, watch};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::pin;
use std::sync::Arc;
use std::task::Waker;
use tokio_test::task::spawn;
use tokio_test::{assert_pending, assert_ready};

type Tree = Arc<(Context, Cancel)>;

fn tree() -> Tree {
    Arc::new(Context::background().with_cancel())
}

/// All that can be done with a context from outside, but to cancel it.
fn use_tree(tree: &Tree) {
    let (context, _) = &**tree;
    let (child, cancel) = context.with_cancel();
    let mut wait = pin!(child.done());
    let _ = poll(wait.as_mut(), Waker::noop());
    let mut run = pin!(context.run(std::future::pending::<()>()));
    let _ = poll(run.as_mut(), Waker::noop());
    let stopped = context.after_func(|| ()).stop();
    assert_eq!(stopped, !context.is_done());
    cancel.cancel();
    assert!(poll(wait.as_mut(), Waker::noop()).is_ready());
    let _ = format!("{context:?}");
}

/// A life of a wait in which each of the waker's functions is called: queued, polled from other tasks, woken; or dropped in
/// any of these states.
fn life(waker: Make<'_>, tree: &Tree, drop_after: usize) {
    let (context, cancel) = &**tree;
    let mut wait = Box::pin(context.done());
    for _ in 0..drop_after.min(3) {
        if poll(wait.as_mut(), &waker()).is_ready() {
            break;
        }
    }
    if drop_after == 2 {
        drop(wait);
        cancel.cancel();
    } else {
        cancel.cancel();
        drop(wait);
    }
}

#[test]
fn wakers_call_back() {
    let _watch = watch();
    each_call(4, tree, use_tree, |tree, waker, drop_after, _| {
        life(waker, tree, drop_after);
        assert!(tree.0.is_done());
    });
}

/// The wait is queued, polled again or dropped while its context is cancelled under its hands.
#[test]
fn wakers_cancel() {
    let _watch = watch();
    each_call(
        4,
        tree,
        |tree| tree.1.cancel(),
        |tree, waker, drop_after, _| {
            life(waker, tree, drop_after);
            assert_ready!(spawn(tree.0.done()).poll());
        },
    );
}

#[test]
fn wakers_panic() {
    let _watch = watch();
    let act = |_: &_| panic!("a waker panics");
    each_call(4, tree, act, |tree, waker, drop_after, call| {
        let mut other = spawn(tree.0.done());
        assert_pending!(other.poll());
        let lived = catch_unwind(AssertUnwindSafe(|| life(waker, tree, drop_after)));
        assert!(lived.is_ok() || call == Event::Clone, "only the clone's panic is the caller's");
        tree.1.cancel();
        assert!(other.is_woken());
        assert_ready!(other.poll());
    });
}
