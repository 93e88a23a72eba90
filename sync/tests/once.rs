//! Cells and things that are done once: who makes the value, who waits, who tries again.
mod common;

use common::poll;
use dormouse_sync::{Once, OnceCell, SetError};
use dormouse_testing::{Count, Gate, panics, watch};
use dormouse_wait::frame::{BUDGET, Frame, Reason, Waits};
use futures::future::FusedFuture;
use std::future::{pending, ready};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::task::Waker;
use tokio_test::task::spawn;
use tokio_test::{assert_pending, assert_ready, assert_ready_eq};

#[test]
fn the_first_one_makes_the_value() {
    let cell = OnceCell::new();
    assert_eq!((cell.get(), cell.is_set()), (None, false));
    let gate = Gate::default();
    let mut maker = spawn(cell.get_or_init(|| async {
        gate.clone().await;
        1
    }));
    assert_pending!(maker.poll());
    let mut others: Vec<_> = (0..70).map(|_| spawn(cell.get_or_init(|| ready(2)))).collect();
    let mut readers: Vec<_> = (0..70).map(|_| spawn(cell.wait())).collect();
    others.iter_mut().for_each(|other| assert_pending!(other.poll()));
    readers.iter_mut().for_each(|reader| assert_pending!(reader.poll()));
    assert_eq!(cell.set(3), Err(SetError::Initializing(3)));
    gate.open();
    assert!(maker.is_woken());
    assert_ready_eq!(maker.poll(), &1);
    for other in &mut others {
        assert!(other.is_woken());
        assert_ready_eq!(other.poll(), &1);
    }
    for reader in &mut readers {
        assert!(reader.is_woken());
        assert_ready_eq!(reader.poll(), &1);
    }
    assert_eq!(cell.get(), Some(&1));
    assert_eq!(cell.set(3), Err(SetError::AlreadyInitialized(3)));
    assert_ready_eq!(spawn(cell.get_or_init(pending)).poll(), &1);
    assert_ready_eq!(spawn(cell.wait()).poll(), &1);
}

/// How an initialiser can end without a value.
fn each_failure(test: impl Fn(&OnceCell<u32>, &dyn Fn())) {
    // It fails.
    let (cell, gate) = (OnceCell::new(), Gate::default());
    let mut maker = spawn(cell.get_or_try_init(|| async {
        gate.clone().await;
        Err("no")
    }));
    assert_pending!(maker.poll());
    let maker = std::cell::RefCell::new(maker);
    test(&cell, &|| {
        gate.open();
        assert_ready_eq!(maker.borrow_mut().poll(), Err("no"));
    });
    // It panics.
    let (cell, gate) = (OnceCell::new(), Gate::default());
    let mut maker = spawn(cell.get_or_init(|| async {
        gate.clone().await;
        panic!("a bad initialiser")
    }));
    assert_pending!(maker.poll());
    let maker = std::cell::RefCell::new(maker);
    test(&cell, &|| {
        gate.open();
        assert_eq!(panics(|| maker.borrow_mut().poll()), "a bad initialiser");
    });
    // It is dropped half-way.
    let cell = OnceCell::new();
    let mut maker = spawn(cell.get_or_init(pending));
    assert_pending!(maker.poll());
    let maker = std::cell::RefCell::new(Some(maker));
    test(&cell, &|| drop(maker.take()));
}

#[test]
fn after_a_failure_exactly_one_tries_again() {
    each_failure(|cell, fail| {
        let inits = Count::shared();
        let init = || {
            inits.add();
            ready(7)
        };
        let mut reader = spawn(cell.wait());
        assert_pending!(reader.poll());
        let mut waiting: Vec<_> = (0..3).map(|_| spawn(cell.get_or_init(init))).collect();
        waiting.iter_mut().for_each(|waiting| assert_pending!(waiting.poll()));
        fail();
        assert_eq!(cell.get(), None);
        assert!(waiting[0].is_woken() && !waiting[1].is_woken() && !waiting[2].is_woken());
        assert!(!reader.is_woken(), "who only waits is not woken to make it");
        assert_ready_eq!(waiting[0].poll(), &7);
        assert!(waiting[1].is_woken() && waiting[2].is_woken() && reader.is_woken());
        assert_ready_eq!(waiting[1].poll(), &7);
        assert_ready_eq!(waiting[2].poll(), &7);
        assert_ready_eq!(reader.poll(), &7);
        assert_eq!(inits.get(), 1);
    });
}

/// X6: the one that was woken to try again goes away, and the next one is woken.
#[test]
fn a_woken_one_that_is_dropped_passes_it_on() {
    each_failure(|cell, fail| {
        let mut waiting: Vec<_> = (0..3).map(|_| spawn(cell.get_or_init(|| ready(7)))).collect();
        waiting.iter_mut().for_each(|waiting| assert_pending!(waiting.poll()));
        drop(waiting.remove(1)); // queued: leaves quietly
        fail();
        assert!(waiting[0].is_woken() && !waiting[1].is_woken());
        drop(waiting.remove(0));
        assert!(waiting[0].is_woken());
        assert_ready_eq!(waiting[0].poll(), &7);
    });
}

/// One that comes while the woken one has not been polled yet may be faster; the woken one keeps its place, and is next.
#[test]
fn a_woken_one_that_loses_is_next() {
    each_failure(|cell, fail| {
        let mut waiting: Vec<_> = (0..2).map(|_| spawn(cell.get_or_init(|| ready(7)))).collect();
        waiting.iter_mut().for_each(|waiting| assert_pending!(waiting.poll()));
        fail();
        let mut fast = spawn(cell.get_or_init(pending));
        assert_pending!(fast.poll());
        assert_pending!(waiting[0].poll());
        drop(fast);
        assert!(waiting[0].is_woken() && !waiting[1].is_woken());
        assert_ready_eq!(waiting[0].poll(), &7);
    });
}

/// A woken one that nobody polls keeps nobody out.
#[test]
fn a_forgotten_woken_one_keeps_nobody_out() {
    each_failure(|cell, fail| {
        let mut waiting: Vec<_> = (0..2).map(|_| spawn(cell.get_or_init(|| ready(7)))).collect();
        waiting.iter_mut().for_each(|waiting| assert_pending!(waiting.poll()));
        fail();
        assert_ready_eq!(waiting[1].poll(), &7); // it was not woken
    });
}

/// The initialiser is gone before the next one begins.
#[test]
fn initialisers_do_not_overlap() {
    let cell = Arc::new(OnceCell::<u32>::new());
    let dropped = Count::shared();
    let guard = dropped.on_drop();
    let looks_on = cell.clone();
    let check = dormouse_testing::on_drop(move || {
        assert!(matches!(looks_on.set(1), Err(SetError::Initializing(1))), "the turn is still ours");
    });
    let mut maker = spawn(cell.get_or_init(|| async {
        let _guards = (check, guard);
        pending().await
    }));
    assert_pending!(maker.poll());
    drop(maker);
    assert_eq!(dropped.get(), 1);
    assert_eq!(cell.set(1), Ok(()));
}

#[test]
fn unpolled_futures_have_no_effect() {
    let cell = OnceCell::new();
    drop(cell.get_or_init(|| ready(1)));
    let unpolled = cell.get_or_init(|| ready(1));
    assert_eq!(cell.set(2), Ok(()));
    drop(unpolled);
    assert_eq!(cell.into_inner(), Some(2));
}

#[test]
fn values_in_and_out() {
    let mut cell = OnceCell::from(1);
    *cell.get_mut().unwrap() += 1;
    let clone = cell.clone();
    assert_eq!((cell.take(), cell.take(), clone.get()), (Some(2), None, Some(&2)));
    assert_eq!(format!("{cell:?} {clone:?}"), "OnceCell(<not set>) OnceCell(2)");
    assert_eq!(cell.get_mut(), None);
    assert!(OnceCell::clone(&cell).get().is_none());
    assert_eq!(cell.set(3), Ok(()));
    assert_eq!(OnceCell::<u8>::default().into_inner(), None);
    static CELL: OnceCell<u8> = OnceCell::new();
    assert_eq!(CELL.get_or_init_blocking(|| 4), &4);
    assert_eq!(SetError::Initializing(5).to_string(), "the cell's value is being made");
    assert_eq!(CELL.set(5).unwrap_err().to_string(), "the cell has a value already");
}

#[test]
fn blocking_forms() {
    let _watch = watch();
    let cell = OnceCell::new();
    assert_eq!(cell.get_or_try_init_blocking(|| Err("no")), Err("no"));
    assert_eq!(panics(|| cell.get_or_init_blocking(|| panic!("bad"))), "bad");
    let inits = AtomicUsize::new(0);
    std::thread::scope(|scope| {
        for _ in 0..3 {
            scope.spawn(|| assert_eq!(cell.wait_blocking(), &7));
            scope.spawn(|| {
                let value = cell.get_or_init_blocking(|| {
                    inits.fetch_add(1, SeqCst);
                    7
                });
                assert_eq!(value, &7);
            });
        }
    });
    assert_eq!(inits.load(SeqCst), 1);
    assert_eq!(cell.get_or_try_init_blocking(|| Err("no")), Ok(&7));
    let once = Once::new();
    Frame::new(&Waits::new()).enter(|| {
        for (text, instead) in [
            (panics(|| cell.wait_blocking()), "wait()"),
            (panics(|| cell.get_or_init_blocking(|| 1)), "get_or_init(..)"),
            (panics(|| cell.get_or_try_init_blocking(|| Err(1))), "get_or_try_init(..)"),
            (panics(|| once.call_once_blocking(|| ())), "call_once(..)"),
        ] {
            assert!(text.contains(&format!("use `{instead}.await` there")), "{text}");
        }
    });
}

#[test]
fn a_wait_is_fused() {
    let cell = OnceCell::new();
    let mut wait = pin!(cell.wait());
    assert!(poll(wait.as_mut(), Waker::noop()).is_pending() && !wait.is_terminated());
    cell.set(1).unwrap();
    assert!(poll(wait.as_mut(), Waker::noop()).is_ready() && wait.is_terminated());
    let again = catch_unwind(AssertUnwindSafe(|| poll(wait.as_mut(), Waker::noop()).is_ready()));
    assert!(again.is_err());
    let empty = OnceCell::<u8>::new();
    let mut dropped = spawn(empty.wait());
    assert_pending!(dropped.poll());
    drop(dropped);
    empty.set(1).unwrap();
}

#[test]
fn once_is_done_once() {
    static ONCE: Once = Once::new();
    let calls = Count::shared();
    let call = || async { calls.add() };
    assert!(!ONCE.is_completed());
    let mut bad = spawn(ONCE.call_once(|| async { panic!("a bad call") }));
    assert_eq!(panics(|| bad.poll()), "a bad call");
    assert!(!ONCE.is_completed(), "unlike Go's");
    assert_ready!(spawn(ONCE.call_once(call)).poll());
    assert_ready!(spawn(ONCE.call_once(call)).poll());
    ONCE.call_once_blocking(|| calls.add());
    assert_eq!(calls.get(), 1);
    assert_eq!(format!("{ONCE:?}"), "Once { completed: true }");
}

/// What is done before is seen by all.
#[test]
fn many_tasks_on_tokio() {
    let _watch = watch();
    let host = tokio::runtime::Builder::new_multi_thread().worker_threads(4).build().unwrap();
    host.block_on(async {
        for round in 0..300 {
            let (cell, attempts) = (Arc::new(OnceCell::new()), Arc::new(AtomicUsize::new(0)));
            let tasks: Vec<_> = (0..8)
                .map(|task| {
                    let (cell, attempts) = (cell.clone(), attempts.clone());
                    tokio::spawn(async move {
                        if task == 7 {
                            return *cell.wait().await;
                        }
                        let init = || async {
                            tokio::task::yield_now().await;
                            let attempt = attempts.fetch_add(1, SeqCst);
                            // The first ones fail.
                            if attempt < 3 { Err(attempt) } else { Ok(attempt) }
                        };
                        loop {
                            if let Ok(value) = cell.get_or_try_init(init).await {
                                return *value;
                            }
                        }
                    })
                })
                .collect();
            // One is aborted: while it waits, makes the value, or has been woken.
            tasks[round % 7].abort();
            let mut value = None;
            for task in tasks {
                match task.await {
                    Ok(got) => assert_eq!(*value.get_or_insert(got), got),
                    Err(error) => assert!(error.is_cancelled()),
                }
            }
            assert_eq!(cell.get().copied(), value);
            assert_eq!(value, Some(attempts.load(SeqCst) - 1));
        }
    });
}

#[test]
fn wait_reason_and_budget() {
    let cell = OnceCell::new();
    let mut maker = spawn(cell.get_or_init(pending));
    assert_pending!(maker.poll());
    let waits = Waits::new();
    let (mut other, line) = (spawn(cell.get_or_init(|| ready(1))), line!());
    Frame::new(&waits).enter(|| assert_pending!(other.poll()));
    let (reason, site) = waits.get();
    assert_eq!((reason, site.unwrap().line(), site.unwrap().file()), (Reason::OnceDo, line, file!()));
    drop(maker);
    Frame::new(&Waits::new()).enter(|| {
        for _ in 0..BUDGET {
            assert_pending!(spawn(OnceCell::<u8>::new().wait()).poll());
        }
        assert_ready_eq!(other.poll(), &1, "one that was woken does not ask");
        let empty = OnceCell::new();
        let mut refused = spawn(empty.get_or_init(|| ready(1)));
        assert_pending!(refused.poll());
        assert!(refused.is_woken());
    });
}
