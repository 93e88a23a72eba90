//! Those who wait for the cancel, and futures that run until then.
use crate::common::poll;
use crate::root;
use dormouse_sync::Context;
use dormouse_sync::ContextError::Cancelled;
use dormouse_testing::{Count, Event, hooked, panics};
use dormouse_wait::frame::{BUDGET, Frame, Reason, Waits};
use futures::future::FusedFuture;
use std::future::{pending, poll_fn, ready};
use std::pin::pin;
use std::sync::{Arc, Mutex};
use std::task::{Poll, Waker};
use tokio_test::task::spawn;
use tokio_test::{assert_pending, assert_ready_eq};

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
