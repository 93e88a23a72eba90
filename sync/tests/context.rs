//! Contexts: the tree, cancels, causes, values, waits and functions.
mod common;

use common::{Clock, poll};
use dormouse_sync::{Cancel, Context, ContextError, Instant};
use dormouse_testing::{Count, Event, hooked, on_drop, panics, watch, watch_for};
use dormouse_wait::alarm::Alarm;
use dormouse_wait::frame::{BUDGET, Frame, Reason, Waits};
use dormouse_wait::host::{Host, with_host};
use futures::future::FusedFuture;
use std::future::{pending, poll_fn, ready};
use std::pin::pin;
use std::sync::{Arc, Mutex};
use std::task::{Poll, Waker};
use std::time::Duration;
use tokio_test::task::spawn;
use tokio_test::{assert_pending, assert_ready_eq};

use ContextError::{Cancelled, DeadlineExceeded};

const SECOND: Duration = Duration::from_secs(1);

fn root() -> (Context, Cancel) {
    Context::background().with_cancel()
}

#[test]
fn the_background_is_never_done() {
    static BACKGROUND: Context = Context::background();
    let context = BACKGROUND.with_value(1);
    assert_eq!((context.err(), context.deadline()), (None, None));
    assert!(context.cause().is_none() && !context.is_done());
    assert_pending!(spawn(context.done()).poll());
    assert_ready_eq!(spawn(context.run(ready(1))).poll(), Ok(1));
}

#[test]
fn a_cancel_reaches_all_below_and_nobody_else() {
    let (root, _root) = root();
    let (sibling, _sibling) = root.with_cancel();
    let (middle, cancel) = root.with_cancel();
    let below: Vec<_> = (0..3).map(|_| middle.with_cancel()).collect();
    let (deep, _deep) = below[1].0.with_value(1).with_cancel();
    cancel.cancel();
    assert_eq!((middle.err(), deep.err()), (Some(Cancelled), Some(Cancelled)));
    assert!(below.iter().all(|(below, _)| below.err() == Some(Cancelled)));
    assert_eq!((root.err(), sibling.err()), (None, None));
    cancel.cancel(); // again: nothing
    assert_eq!(deep.with_cancel().0.err(), Some(Cancelled), "a child of a done one is born done");
}

#[test]
fn the_first_cancel_counts() {
    let (parent, cancel) = root();
    let (early, cancel_early) = parent.with_cancel();
    let (late, _late) = parent.with_cancel();
    assert!(parent.cause().is_none());
    cancel_early.cancel();
    cancel.cancel_because("the house is on fire");
    cancel.cancel_because("too late");
    let cause = |context: &Context| context.cause().unwrap().to_string();
    assert_eq!(cause(&early), "context canceled");
    assert_eq!(cause(&late), "the house is on fire");
    assert_eq!(cause(&late.with_cancel().0), "the house is on fire");
    assert_eq!(cause(&parent), "the house is on fire");
    let error = std::io::Error::other("a type of its own");
    let (typed, cancel) = root();
    cancel.cancel_because(error);
    assert!(typed.cause().unwrap().downcast_ref::<std::io::Error>().is_some());
}

#[test]
fn the_earlier_deadline_counts() {
    Clock::with(|clock| {
        let now = Instant::now();
        let (outer, _outer) = Context::background().with_timeout(2 * SECOND);
        let (earlier, _earlier) = outer.with_deadline(now + SECOND);
        let (later, _later) = outer.with_timeout(3 * SECOND);
        let (none, _none) = later.with_timeout(Duration::MAX);
        assert_eq!(earlier.deadline(), Some(now + SECOND));
        assert_eq!((later.deadline(), none.deadline()), (Some(now + 2 * SECOND), Some(now + 2 * SECOND)));
        assert_eq!(clock.alarms().len(), 2, "one that an ancestor's deadline precedes sets no alarm");
        clock.pass(1_000_000);
        assert_eq!((earlier.err(), outer.err()), (Some(DeadlineExceeded), None));
        clock.pass(1_000_000);
        assert_eq!((outer.err(), none.err()), (Some(DeadlineExceeded), Some(DeadlineExceeded)));
        assert_eq!(earlier.cause().unwrap().to_string(), "context deadline exceeded");
    });
}

#[test]
fn deadlines_that_have_passed_or_never_come() {
    Clock::with(|clock| {
        let (past, _past) = Context::background().with_deadline(Instant::now());
        assert_eq!(past.err(), Some(DeadlineExceeded));
        let (never, _never) = Context::background().with_timeout(Duration::MAX);
        assert_eq!((never.err(), never.deadline()), (None, None));
        let (cancelled, cancel) = Context::background().with_timeout(SECOND);
        cancel.cancel();
        clock.pass(1_000_000);
        assert_eq!(cancelled.err(), Some(Cancelled), "the first one counts");
        let (parent, cancel) = root();
        cancel.cancel();
        let alarms = clock.alarms().len();
        assert_eq!(parent.with_timeout(SECOND).0.err(), Some(Cancelled));
        assert_eq!(clock.alarms().len(), alarms);
    });
}

/// What the host keeps until the deadline does not keep the context.
#[test]
fn an_alarm_keeps_nothing_alive() {
    Clock::with(|clock| {
        let gone = Count::shared();
        let (context, cancel) = Context::background().with_timeout(SECOND);
        let guard = gone.on_drop();
        drop(context.after_func(move || drop(guard)));
        drop((context, cancel));
        assert_eq!(gone.get(), 1);
        clock.pass(1_000_000);
    });
}

/// A runtime that ends wakes its alarms: that is no reason to be done early. The shared thread takes over.
#[test]
fn a_deadline_outlives_its_host() {
    struct Closed;
    impl Host for Closed {
        fn now(&self) -> Instant {
            Instant::from_std(std::time::Instant::now())
        }
        fn alarm(&self, _: Instant, waker: Waker) -> Alarm {
            waker.wake();
            Alarm::rung()
        }
    }
    let _watch = watch();
    let at = Instant::now() + Duration::from_millis(300);
    let (context, _cancel) = with_host(&Closed, || Context::background().with_deadline(at));
    let err = context.err();
    assert!(err.is_none() || Instant::now() >= at, "early");
    assert_eq!(context.done_blocking(), DeadlineExceeded);
    assert!(Instant::now() >= at, "early");
}

#[test]
fn values_are_found_by_type() {
    #[derive(Debug, PartialEq)]
    struct Id(u32);
    let (parent, cancel) = Context::background().with_value(Id(1)).with_value("text").with_cancel();
    let child = parent.with_value(Id(2));
    assert_eq!((parent.value(), child.value()), (Some(&Id(1)), Some(&Id(2))));
    assert_eq!(child.value(), Some(&"text"));
    assert_eq!(child.value::<u32>(), None);
    cancel.cancel();
    assert_eq!(child.err(), Some(Cancelled));
    let free = child.without_cancel();
    assert_eq!((free.err(), free.deadline(), free.value()), (None, None, Some(&Id(2))));
}

#[test]
fn done_waits_for_the_cancel() {
    let (parent, cancel) = root();
    let (child, _child) = parent.with_cancel();
    // More than one batch of wake-ups.
    let mut waits: Vec<_> = (0..70).map(|_| spawn(child.done())).collect();
    for wait in &mut waits {
        assert_pending!(wait.poll());
    }
    drop(waits.remove(3));
    cancel.cancel();
    for wait in &mut waits {
        assert!(wait.is_woken());
        assert_ready_eq!(wait.poll(), Cancelled);
    }
    assert_ready_eq!(spawn(child.done()).poll(), Cancelled);
    let text = panics(|| waits[0].poll().is_ready());
    assert!(text.contains("polled after it had finished"), "{text}");
}

#[test]
fn futures_are_fused() {
    let (context, cancel) = root();
    let (mut done, mut run) = (pin!(context.done()), pin!(context.run(ready(()))));
    assert!(!done.is_terminated() && !run.is_terminated());
    assert!(poll(run.as_mut(), Waker::noop()).is_ready());
    cancel.cancel();
    assert!(poll(done.as_mut(), Waker::noop()).is_ready());
    assert!(done.is_terminated() && run.is_terminated());
}

#[test]
fn a_wait_wakes_the_task_that_polled_it_last() {
    let (context, cancel) = root();
    let mut wait = pin!(context.done());
    let ((first, first_waker), (second, second_waker)) = (Count::new(), Count::new());
    for waker in [&first_waker, &first_waker, &second_waker] {
        assert!(poll(wait.as_mut(), waker).is_pending());
    }
    assert_eq!(Arc::strong_count(&first), 2, "nothing is kept of it");
    cancel.cancel();
    assert_eq!((first.get(), second.get()), (0, 1));
}

/// Go's issue 75533: if `err` says that it is done, so does `done`; also before the one who cancels has woken the wait.
#[test]
fn done_is_ready_as_soon_as_err_says_so() {
    let (parent, cancel) = root();
    let (child, _child) = parent.with_cancel();
    let waits = [child, parent.clone()].map(|context| {
        let inside = context.clone();
        Arc::new(Mutex::new((context, Box::pin(async move { inside.done().await }))))
    });
    // Whichever is woken first polls the other one, which is queued still.
    let seen = Count::shared();
    for (own, other) in [(0, 1), (1, 0)] {
        let (other, seen) = (waits[other].clone(), seen.clone());
        let waker = hooked(move |event| {
            if event == Event::Wake && seen.get() == 0 {
                let mut other = other.lock().unwrap();
                assert!(other.0.is_done());
                assert!(poll(other.1.as_mut(), Waker::noop()).is_ready());
                seen.add();
            }
        });
        assert!(poll(waits[own].lock().unwrap().1.as_mut(), &waker).is_pending());
    }
    cancel.cancel();
    assert_eq!(seen.get(), 1);
}

#[test]
fn run_gives_what_the_future_gives() {
    let (context, cancel) = root();
    let mut run = spawn(context.run(ready(7)));
    assert_ready_eq!(run.poll(), Ok(7));
    panics(|| run.poll().is_ready());
    cancel.cancel();
}

/// A future that is never ready, and how often it was dropped.
fn counted() -> (Arc<Count>, impl Future<Output = ()>) {
    let dropped = Count::shared();
    let guard = dropped.on_drop();
    let counted = async move {
        let _guard = guard;
        pending::<()>().await;
    };
    (dropped, counted)
}

#[test]
fn run_drops_the_future_at_the_cancel() {
    let (context, cancel) = root();
    let (dropped, counted) = counted();
    let mut run = spawn(context.run(counted));
    assert_pending!(run.poll());
    assert_pending!(run.poll());
    cancel.cancel();
    assert!(run.is_woken());
    assert_eq!(dropped.get(), 0, "where it is polled, not where it is cancelled");
    assert_ready_eq!(run.poll(), Err(Cancelled));
    assert_eq!(dropped.get(), 1);
}

#[test]
fn run_on_a_done_context_does_not_poll() {
    let (context, cancel) = root();
    let mut run = spawn(context.run(poll_fn(|_| -> Poll<()> { panic!("polled") })));
    cancel.cancel();
    assert_ready_eq!(run.poll(), Err(Cancelled));
}

/// A future that is dropped in each state leaves nothing behind.
#[test]
fn dropped_runs() {
    for polls in 0..3 {
        let (context, cancel) = root();
        let (dropped, counted) = counted();
        let mut run = spawn(context.run(counted));
        for _ in 0..polls.min(1) {
            assert_pending!(run.poll());
        }
        if polls == 2 {
            cancel.cancel();
        }
        drop(run);
        assert_eq!(dropped.get(), 1);
        cancel.cancel();
    }
}

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

#[test]
fn a_guard_cancels_when_dropped() {
    let (context, cancel) = root();
    let guard = cancel.guard();
    assert!(!context.is_done());
    panics(|| {
        let _guard = guard;
        panic!("{}", "early");
    });
    assert!(context.is_done());
    let (context, cancel) = root();
    let cancel = cancel.guard().disarm();
    assert!(!context.is_done());
    drop(cancel);
    assert!(!context.is_done());
}

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

/// Random trees against a plain model.
#[test]
fn trees_against_a_model() {
    let _watch = watch();
    struct Known {
        parent: Option<usize>,
        held: Option<(Context, Cancel)>,
        done: bool,
    }
    for seed in 1..200u64 {
        let mut dice = seed.wrapping_mul(0x9E37_79B9_7F4A_7C15);
        let mut roll = |sides: usize| {
            dice ^= dice << 13;
            dice ^= dice >> 7;
            dice ^= dice << 17;
            (dice % sides as u64) as usize
        };
        let mut all = vec![Known { parent: None, held: Some(root()), done: false }];
        for _ in 0..300 {
            let chosen = roll(all.len());
            let Some((context, cancel)) = &all[chosen].held else { continue };
            match roll(8) {
                0..=4 => {
                    let (held, done) = (Some(context.with_cancel()), all[chosen].done);
                    all.push(Known { parent: Some(chosen), held, done });
                }
                5 => {
                    cancel.cancel();
                    all[chosen].done = true;
                    for index in chosen..all.len() {
                        // Parents come before their children.
                        all[index].done |= all[index].parent.is_some_and(|parent| all[parent].done);
                    }
                }
                _ => all[chosen].held = None,
            }
            for known in &all {
                if let Some((context, _)) = &known.held {
                    assert_eq!(context.is_done(), known.done, "seed {seed}");
                }
            }
        }
    }
}

/// Tasks and threads make, wait for, run under, drop and cancel contexts of one tree: each function is called or dropped or
/// stopped, and each wait ends.
#[test]
fn many_tasks_on_tokio() {
    let _watch = watch();
    let host = tokio::runtime::Builder::new_multi_thread().worker_threads(4).build().unwrap();
    let (made, ended) = (Count::shared(), Count::shared());
    for round in 0..200 {
        let (top, cancel) = root();
        let tasks: Vec<_> = (0..8)
            .map(|task| {
                let (top, made, ended) = (top.clone(), made.clone(), ended.clone());
                host.spawn(async move {
                    let mut held = vec![top.with_cancel()];
                    for turn in 0..50usize {
                        let chosen = (turn * 7 + task) % held.len();
                        let child = held[chosen].0.with_cancel();
                        let guard = ended.on_drop();
                        made.add();
                        let function = child.0.after_func(move || drop(guard));
                        match (turn + task + round) % 6 {
                            0 => held[chosen].1.cancel(),
                            1 => drop(held.swap_remove(chosen)),
                            2 => _ = function.stop(),
                            3 => {
                                let waiting = child.0.clone();
                                let wait = tokio::spawn(async move { waiting.done().await });
                                tokio::task::yield_now().await;
                                child.1.cancel();
                                assert_eq!(wait.await.unwrap(), Cancelled);
                            }
                            4 => _ = child.0.run(tokio::task::yield_now()).await,
                            _ => {}
                        }
                        held.push(child);
                    }
                    let (last, _) = held.pop().unwrap();
                    drop(held);
                    last.run(pending::<()>()).await
                })
            })
            .collect();
        if round % 2 == 0 {
            std::thread::yield_now();
        } else {
            host.block_on(tokio::task::yield_now());
        }
        cancel.cancel();
        for task in tasks {
            assert_eq!(host.block_on(task).unwrap(), Err(Cancelled));
        }
    }
    assert_eq!(made.get(), 200 * 8 * 50);
    assert_eq!(ended.get(), made.get());
}

#[test]
fn wait_reason() {
    let (context, _cancel) = root();
    let waits = Waits::new();
    let (mut wait, line) = (spawn(context.done()), line!());
    Frame::new(&waits).enter(|| assert_pending!(wait.poll()));
    let (reason, site) = waits.get();
    assert_eq!((reason, site.unwrap().line(), site.unwrap().file()), (Reason::ContextDone, line, file!()));
    // A run waits for what its future waits for, which may be nothing of ours.
    let mut run = spawn(context.run(pending::<()>()));
    Frame::new(&waits).enter(|| assert_pending!(run.poll()));
    assert_eq!(waits.get().0, Reason::External);
    let background = Context::background();
    let mut never = spawn(background.done());
    Frame::new(&waits).enter(|| assert_pending!(never.poll()));
    assert_eq!(waits.get().0, Reason::ContextDone);
}

/// One operation per wait; one that was woken does not ask.
#[test]
fn budget() {
    let (context, cancel) = root();
    Frame::new(&Waits::new()).enter(|| {
        let mut woken = spawn(context.done());
        assert_pending!(woken.poll());
        cancel.cancel();
        for _ in 1..BUDGET {
            assert_ready_eq!(spawn(context.done()).poll(), Cancelled);
        }
        let mut refused = spawn(context.done());
        assert_pending!(refused.poll());
        assert!(refused.is_woken());
        assert_ready_eq!(woken.poll(), Cancelled);
    });
}

#[test]
#[should_panic(expected = "use `done().await` there")]
fn blocking_inside_a_task_panics() {
    let (context, _cancel) = root();
    Frame::new(&Waits::new()).enter(|| context.done_blocking());
}

#[test]
fn words() {
    assert_eq!(Cancelled.to_string(), "context canceled");
    assert_eq!(DeadlineExceeded.to_string(), "context deadline exceeded");
    let (context, cancel) = root();
    cancel.cancel();
    assert_eq!(format!("{context:?}"), "Context { err: Some(Cancelled), deadline: None, .. }");
    assert_eq!(format!("{cancel:?}"), "Cancel { err: Some(Cancelled), .. }");
}
