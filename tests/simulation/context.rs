//! Trees of contexts under cancels and deadlines: a cancel reaches all below at once, a deadline is exactly on time, and
//! whoever waits is told.
use crate::kit::{ALL, Seen, below, give_up, join_all, one_in, pause, search, us};
use dormouse::prelude::*;
use dormouse::sync::{Cancel, ContextError};
use std::cell::RefCell;
use std::future::pending;
use std::rc::Rc;

/// A context, and what it should say.
struct Known {
    context: Context,
    cancel: Cancel,
    parent: Option<usize>,
    deadline: Option<Instant>,
    cancelled: bool,
}

/// Parents come before their children.
type Forest = Rc<RefCell<Vec<Known>>>;

fn grow(forest: &Forest) {
    let mut all = forest.borrow_mut();
    let parent = below(all.len() as u64 + 1).checked_sub(1).map(|index| index as usize);
    let background = Context::background();
    let above = parent.map(|parent| &all[parent]);
    let context = above.map_or(&background, |above| &above.context);
    let limit = one_in(2).then(|| us(below(20)));
    let (context, cancel) = match limit {
        Some(limit) => context.with_timeout(limit),
        None => context.with_cancel(),
    };
    let own = limit.map(|limit| Instant::now() + limit);
    let deadline = own.into_iter().chain(above.and_then(|above| above.deadline)).min();
    assert_eq!(context.deadline(), deadline);
    let cancelled = above.is_some_and(|above| above.cancelled);
    all.push(Known { context, cancel, parent, deadline, cancelled });
}

fn cancel(forest: &Forest) {
    let mut all = forest.borrow_mut();
    let chosen = below(all.len() as u64) as usize;
    all[chosen].cancel.cancel();
    all[chosen].cancelled = true;
    for index in chosen..all.len() {
        let above = all[index].parent.is_some_and(|parent| all[parent].cancelled);
        all[index].cancelled |= above;
        assert!(!all[index].cancelled || all[index].context.is_done(), "the cancel did not reach it");
    }
}

fn check(forest: &Forest, quiet: bool) {
    for known in &*forest.borrow() {
        let due = known.deadline.is_some_and(|at| at <= Instant::now());
        assert!(!known.context.is_done() || known.cancelled || due, "done for nothing");
        assert!(known.context.is_done() || !(known.cancelled || quiet && due), "not done");
    }
}

async fn wait(context: Context, seen: Seen<3>) {
    let late = context.deadline().is_some_and(|at| at <= Instant::now());
    let error = if one_in(2) {
        Some(context.done().await)
    } else {
        give_up(context.run(pending::<()>())).await.map(|output| output.unwrap_err())
    };
    match error {
        None => seen.note(0),
        Some(ContextError::Cancelled) => seen.note(1),
        Some(ContextError::DeadlineExceeded) => {
            seen.note(2);
            assert!(late || context.deadline() == Some(Instant::now()), "not on time");
        }
    }
    assert!(error.is_none() || context.err() == error);
}

#[test]
fn trees() {
    search(ALL, async |seen: Seen<3>| {
        let forest = Forest::default();
        let mut tasks = Vec::new();
        grow(&forest);
        for _ in 0..2 + below(20) {
            match below(8) {
                0..=3 => grow(&forest),
                4 => cancel(&forest),
                5 => pause().await,
                6 => time::sleep(us(below(5))).await,
                _ => {
                    sim_quiet(&forest).await;
                }
            }
            check(&forest, false);
            let chosen = below(forest.borrow().len() as u64) as usize;
            let context = forest.borrow()[chosen].context.clone();
            tasks.push(spawn(wait(context, seen.clone())));
        }
        while forest.borrow().iter().any(|known| !known.context.is_done()) {
            cancel(&forest);
        }
        join_all(tasks).await;
        sim_quiet(&forest).await;
    });
}

/// Whatever is due has happened.
async fn sim_quiet(forest: &Forest) {
    dormouse::sim::wait().await;
    check(forest, true);
}
