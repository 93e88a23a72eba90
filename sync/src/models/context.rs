//! Contexts: the tree under cancels, children that come and go, waits and functions.
use super::{block_on, poll};
use crate::{Cancel, Context};
use dormouse_testing::Count;
use dormouse_testing::model::{Signal, explore, step};
use dormouse_wait::prim::thread;
use std::pin::pin;

fn root() -> (Context, Cancel) {
    Context::background().with_cancel()
}

fn cancel(handle: &Cancel) {
    step();
    handle.cancel();
}

fn spawn_cancel(handle: &Cancel) -> thread::JoinHandle<()> {
    let handle = handle.clone();
    thread::spawn(move || cancel(&handle))
}

/// C4: a wait that is queued while the context is cancelled ends.
#[test]
fn context_done_against_cancel() {
    explore(None, Some(3), || {
        let (context, handle) = root();
        let other = spawn_cancel(&handle);
        block_on(context.done());
        other.join().unwrap();
    });
}

/// The cancel comes from above; two wait.
#[test]
fn context_cancel_reaches_waits_below() {
    explore(Some(3), Some(2), || {
        let (parent, handle) = root();
        let (child, _child) = parent.with_cancel();
        let waiter = {
            let child = child.clone();
            thread::spawn(move || block_on(child.done()))
        };
        let other = spawn_cancel(&handle);
        block_on(child.done());
        waiter.join().unwrap();
        other.join().unwrap();
    });
}

/// C3: whoever has cancelled, and whoever sees a context done, finds all below it done; two cancel at once.
#[test]
fn context_cancel_is_synchronous() {
    explore(Some(3), Some(2), || {
        let (parent, handle) = root();
        let (child, child_handle) = parent.with_cancel();
        let (below, _below) = child.with_cancel();
        let other = spawn_cancel(&handle);
        let looker = {
            let (child, below) = (child.clone(), below.clone());
            thread::spawn(move || {
                step();
                assert!(!child.is_done() || below.is_done());
            })
        };
        cancel(&child_handle);
        assert!(child.is_done() && below.is_done());
        other.join().unwrap();
        looker.join().unwrap();
        assert!(parent.is_done());
    });
}

/// C1, C2: children come and go while their parent is cancelled; loom checks the links.
#[test]
fn context_children_against_cancel() {
    explore(Some(3), Some(2), || {
        let (parent, handle) = root();
        let kept = parent.with_cancel();
        let gone = parent.with_cancel();
        let other = {
            let parent = parent.clone();
            thread::spawn(move || {
                step();
                let born = parent.with_cancel();
                step();
                drop(gone);
                born
            })
        };
        cancel(&handle);
        assert!(kept.0.is_done());
        let born = other.join().unwrap();
        assert!(born.0.is_done());
    });
}

/// The parent's last handle goes on another thread while the child's goes here.
#[test]
fn context_dropped_on_two_threads() {
    explore(None, Some(3), || {
        let (parent, handle) = root();
        let (child, child_handle) = parent.with_cancel();
        let (below, _) = child.with_cancel();
        let other = thread::spawn(move || {
            step();
            drop((parent, child_handle));
        });
        step();
        drop((child, below));
        cancel(&handle);
        other.join().unwrap();
    });
}

/// A function is called or stopped, never both and never neither.
#[test]
fn context_function_against_stop() {
    explore(None, Some(3), || {
        let (context, handle) = root();
        let calls = Count::shared();
        let count = calls.clone();
        let other = spawn_cancel(&handle);
        let stopped = context.after_func(move || count.add()).stop();
        other.join().unwrap();
        assert_eq!(calls.get(), usize::from(!stopped));
    });
}

/// A wait that is dropped while it is being woken; another one is woken nevertheless.
#[test]
fn context_wait_dropped() {
    explore(Some(3), Some(2), || {
        let (context, handle) = root();
        let dropper = {
            let context = context.clone();
            thread::spawn(move || {
                let mut wait = pin!(context.done());
                let _ = poll(wait.as_mut(), &Signal::new().1);
            })
        };
        let other = spawn_cancel(&handle);
        block_on(context.done());
        dropper.join().unwrap();
        other.join().unwrap();
    });
}
