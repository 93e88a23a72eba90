//! Cells: the wakers of those who wait call back and panic.
use super::{Make, each_call};
use crate::common::poll;
use dormouse_sync::OnceCell;
use dormouse_testing::{Event, watch};
use std::future::{pending, ready};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::pin;
use std::sync::Arc;
use std::task::Waker;
use tokio_test::assert_ready_eq;
use tokio_test::task::spawn;

type Cell = Arc<OnceCell<u8>>;

/// All that can be done with a cell from outside, but to fill it.
fn use_cell(cell: &Cell) {
    for _ in 0..2 {
        let mut wait = pin!(cell.wait());
        let _ = poll(wait.as_mut(), Waker::noop());
        let mut first = pin!(cell.get_or_try_init(pending::<Result<u8, ()>>));
        let _ = poll(first.as_mut(), Waker::noop());
        let mut second = pin!(cell.get_or_try_init(|| ready(Err(()))));
        let _ = poll(second.as_mut(), Waker::noop());
    }
    let _ = format!("{cell:?} {:?}", cell.get());
}

/// A life of a wait, and of one who would make the value: queued, polled from other tasks, woken because the maker is
/// dropped; or dropped in any of these states.
fn life(waker: Make<'_>, cell: &Cell, drop_after: usize) {
    let mut maker = Box::pin(cell.get_or_init(pending));
    let _ = poll(maker.as_mut(), Waker::noop());
    let mut waiting = Box::pin(cell.get_or_try_init(|| ready(Err(()))));
    let mut reader = Box::pin(cell.wait());
    for _ in 0..drop_after.min(3) {
        let _ = poll(reader.as_mut(), &waker());
        if poll(waiting.as_mut(), &waker()).is_ready() {
            break;
        }
    }
    if drop_after == 2 {
        drop(waiting);
        drop(maker);
    } else {
        drop(maker);
        drop(waiting);
    }
    let _ = cell.set(1);
}

#[test]
fn wakers_call_back() {
    let _watch = watch();
    each_call(4, Cell::default, use_cell, |cell, waker, drop_after, _| {
        life(waker, cell, drop_after);
        assert_eq!(cell.get(), Some(&1));
    });
}

#[test]
fn wakers_fill_it() {
    let _watch = watch();
    let act = |cell: &Cell| _ = cell.set(1);
    each_call(4, Cell::default, act, |cell, waker, drop_after, _| {
        life(waker, cell, drop_after);
        assert_eq!(cell.get(), Some(&1));
    });
}

#[test]
fn wakers_panic() {
    let _watch = watch();
    let act = |_: &_| panic!("a waker panics");
    each_call(4, Cell::default, act, |cell, waker, drop_after, call| {
        let lived = catch_unwind(AssertUnwindSafe(|| life(waker, cell, drop_after)));
        assert!(lived.is_ok() || call == Event::Clone, "only the clone's panic is the caller's");
        assert_ready_eq!(spawn(cell.get_or_init(|| ready(1))).poll(), &1);
    });
}
