//! Trees of contexts: cancelled at several places at once, while children come and go and others wait.
use super::{flow, impatient, join, spawn};
use crate::{Cancel, Context};
use dormouse_testing::Count;
use shuttle::future::yield_now;
use std::sync::Arc;

/// A line of contexts, the top first.
fn line(top: &Context, length: usize) -> Vec<(Context, Cancel)> {
    let mut line = vec![top.with_cancel()];
    for _ in 1..length {
        let below = line[line.len() - 1].0.with_cancel();
        line.push(below);
    }
    line
}

/// Cancels number `from`, and finds all below done, at once.
fn cancel(line: &[(Context, Cancel)], from: usize) {
    line[from].1.cancel();
    assert!(line[from..].iter().all(|(context, _)| context.is_done()), "the cancel did not reach all");
}

/// C3, C4: three cancel at two heights, two wait below, one impatiently; each wait ends, each cancel is complete.
#[test]
fn cancels_at_two_heights() {
    flow(|| {
        let line = Arc::new(line(&Context::background(), 4));
        let cancels = [0, 2, 0].map(|height| {
            let line = line.clone();
            spawn(async move { cancel(&line, height) })
        });
        let (waiter, impatient_one, runner) = (line.clone(), line.clone(), line.clone());
        let wait = spawn(async move { waiter[3].0.done().await });
        let short = spawn(async move { impatient(impatient_one[1].0.done()).await });
        let run = spawn(async move { runner[2].0.run(std::future::pending::<()>()).await });
        cancels.into_iter().for_each(join);
        join(wait);
        join(short);
        assert!(join(run).is_err());
    });
}

/// C1, C2: children and grandchildren come and go on two tasks while their parent is cancelled; each function is called,
/// stopped, or dropped with its context, once.
#[test]
fn children_come_and_go() {
    flow(|| {
        let (top, handle) = Context::background().with_cancel();
        let (called, dropped) = (Count::shared(), Count::shared());
        let tasks = [0, 1].map(|task| {
            let (top, called, dropped) = (top.clone(), called.clone(), dropped.clone());
            spawn(async move {
                let mut kept = Vec::new();
                for turn in 0..3 {
                    let line = line(&top, 2);
                    let (guard, count) = (dropped.on_drop(), called.clone());
                    let function = line[1].0.after_func(move || {
                        count.add();
                        drop(guard);
                    });
                    match (task + turn) % 3 {
                        0 => _ = function.stop(),
                        1 => kept.push(line),
                        _ => {}
                    }
                    yield_now().await;
                }
                kept
            })
        });
        let canceller = spawn(async move { handle.cancel() });
        let kept = tasks.map(join).concat();
        join(canceller);
        assert!(kept.iter().flatten().all(|(context, _)| context.is_done()));
        assert_eq!(dropped.get(), 6);
        assert!((kept.len()..=6).contains(&called.get()));
    });
}
