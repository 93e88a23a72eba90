//! Functions that are called at the cancel.
use crate::common::poll;
use crate::root;
use dormouse_sync::Context;
use dormouse_testing::{Count, Event, hooked, watch};
use std::sync::{Arc, Mutex};
use tokio_test::assert_pending;
use tokio_test::task::spawn;

#[test]
fn functions_are_called_once_in_order() {
    let (context, cancel) = root();
    let calls = Arc::new(Mutex::new(Vec::new()));
    let call = |number| {
        let calls = calls.clone();
        move || calls.lock().unwrap().push(number)
    };
    let first = context.after_func(call(1));
    let stopped = context.after_func(call(2));
    drop(context.after_func(call(3)));
    assert!(stopped.stop());
    cancel.cancel();
    cancel.cancel();
    assert_eq!(*calls.lock().unwrap(), [1, 3]);
    assert!(!first.stop());
    let late = context.after_func(call(4));
    assert_eq!(*calls.lock().unwrap(), [1, 3, 4], "at once: it is done");
    assert!(!late.stop());
    assert!(Context::background().after_func(call(5)).stop());
}

/// A function that can never be called is dropped at once.
#[test]
fn a_function_of_the_background_is_dropped() {
    let gone = Count::shared();
    let guard = gone.on_drop();
    let function = Context::background().after_func(move || drop(guard));
    assert_eq!(gone.get(), 1);
    assert!(function.stop());
}

/// All waits of the tree are woken before the first function of one is called.
#[test]
fn functions_are_called_after_the_wakes() {
    let (context, cancel) = root();
    let (child, _child) = context.with_cancel();
    let (woken, waker) = Count::new();
    let mut waits = [&context, &child].map(|context| Box::pin(context.done()));
    let called = Count::shared();
    for (context, wait) in [&context, &child].into_iter().zip(&mut waits) {
        assert!(poll(wait.as_mut(), &waker).is_pending());
        let (woken, called) = (woken.clone(), called.clone());
        context.after_func(move || (0..woken.get()).for_each(|_| called.add()));
    }
    cancel.cancel();
    assert_eq!(called.get(), 2 * 2, "each function sees both of them woken");
}

/// Neither a function nor a waker that panics keeps the others from being told.
#[test]
fn panics_stop_nobody() {
    let (context, cancel) = root();
    let (child, _child) = context.with_cancel();
    let bad = hooked(|event| assert_ne!(event, Event::Wake, "a bad waker"));
    let mut bad_wait = Box::pin(child.done());
    assert!(poll(bad_wait.as_mut(), &bad).is_pending());
    let mut wait = spawn(child.done());
    assert_pending!(wait.poll());
    let calls = Count::shared();
    for context in [&child, &context] {
        let counted = calls.clone();
        context.after_func(|| panic!("a bad function"));
        context.after_func(move || counted.add());
    }
    cancel.cancel();
    assert!(wait.is_woken());
    assert_eq!(calls.get(), 2);
    context.after_func(|| panic!("a bad function"));
}

/// A function finds the whole tree done, and may do anything with it.
#[test]
fn functions_call_back() {
    let _watch = watch();
    let (context, cancel) = root();
    let (child, cancel_child) = context.with_cancel();
    let called = Count::shared();
    let (count, inside, again) = (called.clone(), context.clone(), cancel.clone());
    child.after_func(move || {
        assert!(inside.is_done());
        again.cancel();
        cancel_child.cancel();
        let counted = count.clone();
        inside.with_cancel().0.after_func(move || counted.add());
        count.add();
    });
    cancel.cancel();
    assert_eq!(called.get(), 2);
}
