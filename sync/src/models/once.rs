//! Cells: who makes the value when initialisers fail, are dropped, and race with each other.
use super::{block_on, poll};
use crate::OnceCell;
use dormouse_testing::Count;
use dormouse_testing::model::{Signal, explore, step};
use dormouse_wait::prim::UnsafeCell;
use dormouse_wait::prim::thread;
use std::future::{pending, ready};
use std::pin::pin;
use std::sync::Arc;

type Cell = Arc<OnceCell<UnsafeCell<u32>>>;

fn cell() -> Cell {
    Arc::new(OnceCell::new())
}

/// Loom checks that the writes of whoever made the value are seen.
fn read(value: &UnsafeCell<u32>) -> u32 {
    value.with(|value| {
        // SAFETY: nobody writes to a value that has been made; loom fails the model otherwise.
        unsafe { *value }
    })
}

async fn made() -> UnsafeCell<u32> {
    step();
    UnsafeCell::new(7)
}

fn spawn_maker(cell: &Cell, made_by: &Arc<Count>) -> thread::JoinHandle<()> {
    let (cell, count) = (cell.clone(), made_by.clone());
    thread::spawn(move || {
        let init = || {
            count.add();
            made()
        };
        assert_eq!(read(block_on(cell.get_or_init(init))), 7);
    })
}

/// Two make it and one reads: it is made once, and all see it.
#[test]
fn once_made_once() {
    explore(Some(3), Some(2), || {
        let (cell, makers) = (cell(), Count::shared());
        let other = spawn_maker(&cell, &makers);
        let reader = {
            let cell = cell.clone();
            thread::spawn(move || assert_eq!(read(block_on(cell.wait())), 7))
        };
        let init = || {
            makers.add();
            made()
        };
        assert_eq!(read(block_on(cell.get_or_init(init))), 7);
        other.join().unwrap();
        reader.join().unwrap();
        assert_eq!(makers.get(), 1);
        assert!(cell.is_idle());
    });
}

/// O2: one fails while two wait: one of them makes it, the other one has it.
#[test]
fn once_tried_again() {
    explore(Some(3), Some(2), || {
        let (cell, makers) = (cell(), Count::shared());
        let others = [spawn_maker(&cell, &makers), spawn_maker(&cell, &makers)];
        let failed = block_on(cell.get_or_try_init(|| ready(Err(()))));
        assert!(failed.is_ok_and(|value| read(value) == 7) || failed.is_err());
        others.map(|other| other.join().unwrap());
        assert_eq!(makers.get(), 1);
        assert!(cell.is_idle());
    });
}

/// O2: the one that makes it is dropped, and so is one that waits, or was woken; another one makes it.
#[test]
fn once_dropped() {
    explore(Some(3), Some(2), || {
        let (cell, makers) = (cell(), Count::shared());
        let mut maker = Box::pin({
            let cell = cell.clone();
            async move { read(cell.get_or_init(pending).await) }
        });
        let (_, waker) = Signal::new();
        assert!(poll(maker.as_mut(), &waker).is_pending());
        let dropper = {
            let cell = cell.clone();
            thread::spawn(move || {
                let mut waiting = pin!(cell.get_or_init(pending));
                let _ = poll(waiting.as_mut(), &Signal::new().1);
            })
        };
        let other = spawn_maker(&cell, &makers);
        step();
        drop(maker);
        dropper.join().unwrap();
        other.join().unwrap();
        assert_eq!(makers.get(), 1);
        assert!(cell.is_idle());
    });
}

/// `set` against an initialiser that fails, while one reads.
#[test]
fn once_set() {
    explore(Some(3), Some(2), || {
        let cell = cell();
        let other = {
            let cell = cell.clone();
            thread::spawn(move || block_on(cell.get_or_try_init(|| ready(Err(())))).is_ok())
        };
        let reader = {
            let cell = cell.clone();
            thread::spawn(move || assert_eq!(read(block_on(cell.wait())), 7))
        };
        step();
        if cell.set(UnsafeCell::new(7)).is_err() {
            assert!(!other.join().unwrap());
            assert!(cell.set(UnsafeCell::new(7)).is_ok());
        } else {
            other.join().unwrap();
        }
        reader.join().unwrap();
        assert!(cell.is_idle());
    });
}
