//! What is held stays, what goes leaves nothing; long chains.
use crate::root;
use dormouse_sync::Context;
use dormouse_testing::{Count, on_drop, panics, watch, watch_for};
use std::time::Duration;

/// A handle keeps the context in the tree, and so does a child.
#[test]
fn what_is_held_is_cancelled() {
    let (parent, cancel) = root();
    let called = Count::shared();
    let call = |context: &Context| {
        let count = called.clone();
        context.after_func(move || count.add())
    };
    let (child, handle) = parent.with_cancel();
    drop(call(&child));
    drop(child);
    let (middle, _) = parent.with_cancel();
    drop(call(&middle));
    let (below, _below) = middle.with_cancel();
    drop(middle);
    let (kept, _) = parent.with_cancel();
    let function = call(&kept);
    drop(kept);
    cancel.cancel();
    assert_eq!(called.get(), 3);
    assert!(below.is_done());
    drop((handle, function));
}

/// A long-lived parent keeps nothing of children that are gone.
#[test]
fn a_million_children_come_and_go() {
    let _watch = watch_for(Duration::from_secs(300));
    const CHILDREN: usize = 1_000_000;
    let (parent, cancel) = root();
    let (gone, called) = (Count::shared(), Count::shared());
    let mut kept = std::collections::VecDeque::new();
    for child in 0..CHILDREN {
        let (context, handle) = parent.with_cancel();
        let (guard, count) = (gone.on_drop(), called.clone());
        context.after_func(move || {
            count.add();
            drop(guard);
        });
        kept.push_back((context, handle));
        if kept.len() > 100 {
            // From both ends, so that all places in the ring are met.
            if child % 3 == 0 {
                kept.pop_back()
            } else {
                kept.pop_front()
            };
        }
    }
    assert_eq!(gone.get(), CHILDREN - kept.len());
    cancel.cancel();
    assert_eq!((gone.get(), called.get()), (CHILDREN, kept.len()));
}

/// Runs `f` with a stack that a recursion over the chain would overflow.
fn on_a_small_stack(f: impl FnOnce() + Send + 'static) {
    std::thread::Builder::new().stack_size(128 << 10).spawn(f).unwrap().join().unwrap();
}

const DEEP: usize = 100_000;

#[test]
fn long_chains_need_no_stack() {
    let _watch = watch();
    for cancelled in [false, true] {
        on_a_small_stack(move || {
            let gone = Count::shared();
            let (top, cancel) = root();
            let mut last = top.clone();
            for _ in 0..DEEP {
                last = last.with_cancel().0;
                let guard = gone.on_drop();
                last.after_func(move || drop(guard));
            }
            if cancelled {
                cancel.cancel();
                assert!(last.is_done());
            }
            drop((top, cancel));
            drop(last);
            assert_eq!(gone.get(), DEEP);
        });
    }
}

#[test]
fn long_lists_of_values_need_no_stack() {
    let _watch = watch();
    on_a_small_stack(|| {
        let mut context = Context::background().with_value("the oldest");
        for number in 0..DEEP {
            context = context.with_value(number);
        }
        assert_eq!(context.value(), Some(&"the oldest"));
    });
}

/// A destructor of a registered function that panics while a chain is let go: the rest of the chain goes as well.
#[test]
fn a_panic_while_a_chain_is_dropped() {
    let gone = Count::shared();
    let mut last = root().0;
    for number in 0..10 {
        last = last.with_cancel().0;
        let guard = gone.on_drop();
        let bomb = on_drop(move || assert_ne!(number, 5, "a bad destructor"));
        last.after_func(move || drop((guard, bomb)));
    }
    panics(|| drop(last));
    assert_eq!(gone.get(), 10);
    let (context, cancel) = root();
    drop(context.with_cancel());
    cancel.cancel();
}
