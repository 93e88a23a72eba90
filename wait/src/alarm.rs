//! An alarm that can be taken back: what waits with a deadline, and has no timer of its own, stands on it.
//!
//! The [host](crate::host) sets it, and decides what it stands for there.
//!
//! Checked by `tests/host.rs`.
use crate::wakes;
use std::fmt;
use std::panic::{RefUnwindSafe, UnwindSafe};
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Wake, Waker};

/// Wakes a task at a point in time, unless it is dropped before. [`host::alarm`](crate::host::alarm) sets one.
#[must_use = "it is taken back when dropped"]
pub struct Alarm {
    /// `None`: it has rung.
    bell: Option<Pin<Arc<dyn Bell>>>,
    key: Key,
}

/// What a host has set for an alarm, or for many, each with a key.
pub trait Bell: Send + Sync {
    /// Wakes `waker` in place of the one before: true. False if it has rung already.
    fn rewake(self: Pin<&Self>, key: Key, waker: &Waker) -> bool;
    /// The alarm is dropped: nobody is woken. Nothing happens if it has rung already. (A bell of one alarm is dropped with
    /// it, and may do this then.)
    fn take_back(self: Pin<&Self>, _key: Key) {}
}

/// Which one of many.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Key {
    /// Where it stands.
    pub index: u32,
    /// Which one it is of all that ever stood anywhere there.
    pub serial: u64,
}

// A bell's own lock is never held while user code runs.
impl UnwindSafe for Alarm {}
impl RefUnwindSafe for Alarm {}

impl Alarm {
    /// The alarm that `bell` stands for, or the one of that key.
    pub fn new(bell: Pin<Arc<dyn Bell>>, key: Key) -> Alarm {
        Alarm { bell: Some(bell), key }
    }

    /// One that has rung, as its host has ended.
    pub const fn rung() -> Alarm {
        Alarm { bell: None, key: Key { index: 0, serial: 0 } }
    }

    /// Is it one that had rung when it was made?
    pub(crate) fn had_rung(&self) -> bool {
        self.bell.is_none()
    }

    /// For a host that cannot take alarms back: `set` is given the waker that it is to wake in place of `waker`, a small
    /// cell. That stays with the host until its time, and is empty once the alarm is dropped.
    pub fn beside(waker: Waker, set: impl FnOnce(Waker)) -> Alarm {
        let cell = Arc::new(Cell(Mutex::new(Some(waker))));
        set(Waker::from(cell.clone()));
        Alarm::new(Arc::pin(Emptied(cell)), Key::default())
    }

    /// Wakes `waker` in place of the one before: true. False if it has rung already.
    pub fn rewake(&self, waker: &Waker) -> bool {
        self.bell.as_ref().is_some_and(|bell| bell.as_ref().rewake(self.key, waker))
    }
}

impl Drop for Alarm {
    fn drop(&mut self) {
        if let Some(bell) = &self.bell {
            bell.as_ref().take_back(self.key);
        }
    }
}

impl fmt::Debug for Alarm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Alarm").finish_non_exhaustive()
    }
}

struct Cell(Mutex<Option<Waker>>);

impl Cell {
    /// Calls `f` with the place of the waker; it runs no user code.
    fn with<R>(&self, f: impl FnOnce(&mut Option<Waker>) -> R) -> R {
        f(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Wake for Cell {
    fn wake(self: Arc<Self>) {
        // Outside of the lock: a waker may come back here.
        wakes::wake(self.with(Option::take));
    }
}

/// Empties the cell when it is dropped.
struct Emptied(Arc<Cell>);

impl Bell for Emptied {
    fn rewake(self: Pin<&Self>, _: Key, waker: &Waker) -> bool {
        let waker = waker.clone();
        let (set, unused) = self.0.with(|place| match place {
            Some(own) => (true, std::mem::replace(own, waker)),
            None => (false, waker),
        });
        wakes::discard(Some(unused));
        set
    }
}

impl Drop for Emptied {
    fn drop(&mut self) {
        wakes::discard(self.0.with(Option::take));
    }
}
