//! `OnceCell`: a value that is made once, by a future; `Once` in `once::plain` is the same without a value.
//!
//! The state: EMPTY, BUSY (somebody makes the value: it holds a [`Turn`]), SET. Two lists: those who would make the value
//! themselves, and those who only wait for it.
//!
//! | state | event | state after | who wakes |
//! |---|---|---|---|
//! | EMPTY | `set`, `get_or_init` | BUSY | - |
//! | BUSY | `get_or_init`, `wait` | BUSY; node Queued | - |
//! | BUSY | the value is made | SET | whoever made it wakes all |
//! | BUSY | the initialiser fails, panics or is dropped | EMPTY | it wakes the first of those who would make the value |
//! | EMPTY | poll of the woken one, or of a queued one | BUSY | - |
//! | BUSY | poll of the woken one | BUSY; node Queued at the front | - |
//! | EMPTY | drop of the woken one | EMPTY | it wakes the next |
//! | SET | any | SET | - |
//!
//! Invariants:
//! - O1 Only who holds the turn touches the value, until it is SET; then nobody writes any more.
//! - O2 EMPTY with a queue implies that one of it is woken and on its way, or has the turn: who leaves BUSY wakes one, and
//!   a woken one that goes away passes it on (`models::once_*`).
//!
//! No lock is held while an initialiser runs, and the turn is not handed over to a sleeping task: it is free until
//! the woken one is polled, so that a future nobody polls keeps nobody out.
//!
//! Rejected: a semaphore of one permit (tokio's; 24 bytes more, and `wait` needs a second list anyhow).
//!
//! Checked by `models::once_*`, `tests/once.rs`, `tests/reentrant.rs`.
mod plain;
mod turn;

pub use self::plain::Once;
pub use self::turn::WaitSet;

use self::turn::{NextTurn, Turn};
use crate::waiter::{Waiter, Waiters};
use dormouse_wait::blocking::wait_for;
use dormouse_wait::frame::{Reason, Site};
use dormouse_wait::list::List;
use dormouse_wait::lock::Lock;
use dormouse_wait::prim::UnsafeCell;
use dormouse_wait::prim::atomic::{AtomicU8, Ordering::*};
use std::convert::Infallible;
use std::error::Error;
use std::fmt;
use std::future::Future;
use std::panic::{Location, RefUnwindSafe, UnwindSafe};

const EMPTY: u8 = 0;
const BUSY: u8 = 1;
const SET: u8 = 2;

/// A value that is made once, by the first one who needs it; those who come meanwhile wait for it.
///
/// An initialiser that fails, panics or is dropped half-way leaves the cell empty, and exactly one of those who wait tries
/// again, with its own initialiser. (Go's `sync.Once` counts a panic as done; here it is retried, as in `std` and
/// tokio.) An initialiser that asks its own cell waits for itself, for ever.
///
/// # Fairness
/// Those who would make the value are woken in the order in which they came, one at a time; one who comes while the cell is
/// empty may be faster.
///
/// ```
/// use dormouse_sync::OnceCell;
///
/// static PRIMES: OnceCell<Vec<u32>> = OnceCell::new();
///
/// # tokio::runtime::Runtime::new().unwrap().block_on(async {
/// let primes = PRIMES.get_or_init(|| async { vec![2, 3, 5, 7] }).await;
/// assert_eq!(primes.len(), 4);
/// assert!(PRIMES.get().is_some());
/// # });
/// ```
pub struct OnceCell<T> {
    state: AtomicU8,
    /// Those who would make the value.
    makers: Waiters,
    /// Those who only wait for it.
    readers: Waiters,
    value: UnsafeCell<Option<T>>,
}

// SAFETY: O1; a shared cell gives `&T` to many threads, and takes a `T` from one that another drops.
unsafe impl<T: Send + Sync> Sync for OnceCell<T> {}
// No user code runs, and so none panics, while the cell is between two states.
impl<T: UnwindSafe> UnwindSafe for OnceCell<T> {}
impl<T: RefUnwindSafe + UnwindSafe> RefUnwindSafe for OnceCell<T> {}

impl<T> OnceCell<T> {
    const_fn! {
        /// An empty cell.
        pub const fn new() -> Self {
            OnceCell {
                state: AtomicU8::new(EMPTY),
                makers: Lock::new(List::new()),
                readers: Lock::new(List::new()),
                value: UnsafeCell::new(None),
            }
        }
    }

    /// The value, if it has been made.
    #[inline]
    pub fn get(&self) -> Option<&T> {
        if self.state() != SET {
            return None;
        }
        self.value
            .with(|value| {
                // SAFETY: O1, nobody writes any more.
                unsafe { &*value }
            })
            .as_ref()
    }

    /// Has the value been made?
    pub fn is_set(&self) -> bool {
        self.state() == SET
    }

    #[inline]
    fn state(&self) -> u8 {
        // Ordering: Acquire pairs with the Release of `Turn::fill`.
        self.state.load(Acquire)
    }

    /// The value, mutably: borrowing the cell exclusively proves that nobody else uses it.
    pub fn get_mut(&mut self) -> Option<&mut T> {
        self.value
            .with_mut(|value| {
                // SAFETY: `&mut self` excludes everybody else.
                unsafe { &mut *value }
            })
            .as_mut()
    }

    /// Takes the value out and leaves the cell empty, to be made again.
    pub fn take(&mut self) -> Option<T> {
        // Ordering: Relaxed, the cell is the caller's alone.
        self.state.store(EMPTY, Relaxed);
        self.value.with_mut(|value| {
            // SAFETY: `&mut self` excludes everybody else.
            unsafe { (*value).take() }
        })
    }

    /// The value, if it has been made.
    pub fn into_inner(self) -> Option<T> {
        self.value.into_inner()
    }

    /// Puts a value into an empty cell.
    ///
    /// # Errors
    /// The value comes back if there is one already, or if an initialiser is at work.
    ///
    /// ```
    /// let cell = dormouse_sync::OnceCell::new();
    /// assert!(cell.set(1).is_ok());
    /// assert_eq!(cell.set(2).unwrap_err().into_inner(), 2);
    /// assert_eq!(cell.get(), Some(&1));
    /// ```
    pub fn set(&self, value: T) -> Result<(), SetError<T>> {
        match self.try_turn() {
            Ok(turn) => {
                turn.fill(value);
                Ok(())
            }
            Err(SET) => Err(SetError::AlreadyInitialized(value)),
            Err(_) => Err(SetError::Initializing(value)),
        }
    }

    /// The value; if there is none, made by `init`, unless somebody else is making it: then waits for that.
    ///
    /// # Cancel safety
    /// Dropped while `init` runs, it drops that, and one of those who wait makes the value instead. Dropped while it
    /// waits, it has no effect.
    ///
    /// # Panics
    /// As `init` does: the cell stays empty then, and one of those who wait tries with its own.
    ///
    /// # Fairness
    /// As said [for the type](OnceCell#fairness).
    #[track_caller]
    pub fn get_or_init<'a, F, Fut>(&'a self, init: F) -> impl Future<Output = &'a T> + use<'a, T, F, Fut>
    where
        F: FnOnce() -> Fut,
        Fut: Future<Output = T>,
    {
        let site = Location::caller();
        async move {
            if let Some(value) = self.get() {
                return value;
            }
            let init = || async { Ok::<T, Infallible>(init().await) };
            let Ok(value) = self.make(Reason::OnceDo, site, init).await;
            value
        }
    }

    /// [`get_or_init`](OnceCell::get_or_init) with an initialiser that may fail: the cell stays empty then, and one of
    /// those who wait tries with its own.
    ///
    /// # Errors
    /// Those of `init`.
    ///
    /// # Cancel safety
    /// As for [`get_or_init`](OnceCell::get_or_init).
    ///
    /// # Panics
    /// As for [`get_or_init`](OnceCell::get_or_init).
    ///
    /// # Fairness
    /// As said [for the type](OnceCell#fairness).
    ///
    /// ```
    /// # tokio::runtime::Runtime::new().unwrap().block_on(async {
    /// let cell = dormouse_sync::OnceCell::new();
    /// assert_eq!(cell.get_or_try_init(|| async { Err("not yet") }).await, Err("not yet"));
    /// assert_eq!(cell.get_or_try_init(|| async { Ok::<_, &str>(7) }).await, Ok(&7));
    /// # });
    /// ```
    #[track_caller]
    pub fn get_or_try_init<'a, E, F, Fut>(
        &'a self,
        init: F,
    ) -> impl Future<Output = Result<&'a T, E>> + use<'a, T, E, F, Fut>
    where
        F: FnOnce() -> Fut,
        Fut: Future<Output = Result<T, E>>,
    {
        self.make(Reason::OnceDo, Location::caller(), init)
    }

    /// `get_or_try_init`, which waits for this reason.
    pub(crate) async fn make<E, F, Fut>(&self, reason: Reason, site: Site, init: F) -> Result<&T, E>
    where
        F: FnOnce() -> Fut,
        Fut: Future<Output = Result<T, E>>,
    {
        if let Some(value) = self.get() {
            return Ok(value);
        }
        match self.turn(reason, site).await {
            // The initialiser is dropped before the turn.
            Some(turn) => Ok(turn.fill(init().await?)),
            None => Ok(self.get().expect("set")),
        }
    }

    /// [`get_or_init`](OnceCell::get_or_init) for a plain thread, which runs `init` or sleeps until the value is there.
    ///
    /// # Panics
    /// Inside an async task, where it would block a worker thread: use `get_or_init(..).await` there. And as `init` does.
    ///
    /// ```
    /// let cell = dormouse_sync::OnceCell::new();
    /// assert_eq!(cell.get_or_init_blocking(|| 7), &7);
    /// ```
    #[track_caller]
    pub fn get_or_init_blocking(&self, init: impl FnOnce() -> T) -> &T {
        self.make_blocking("OnceCell::get_or_init_blocking", "get_or_init(..).await", init)
    }

    /// `get_or_init_blocking` under the name `what`; in a task, `instead` is to be used.
    #[track_caller]
    pub(crate) fn make_blocking(&self, what: &str, instead: &str, init: impl FnOnce() -> T) -> &T {
        let turn = self.turn(Reason::OnceDo, Location::caller());
        match wait_for(what, instead, turn) {
            Some(turn) => turn.fill(init()),
            None => self.get().expect("set"),
        }
    }

    /// [`get_or_try_init`](OnceCell::get_or_try_init) for a plain thread.
    ///
    /// # Errors
    /// Those of `init`.
    ///
    /// # Panics
    /// As [`get_or_init_blocking`](OnceCell::get_or_init_blocking).
    #[track_caller]
    pub fn get_or_try_init_blocking<E>(&self, init: impl FnOnce() -> Result<T, E>) -> Result<&T, E> {
        let turn = self.turn(Reason::OnceDo, Location::caller());
        match wait_for("OnceCell::get_or_try_init_blocking", "get_or_try_init(..).await", turn) {
            Some(turn) => Ok(turn.fill(init()?)),
            None => Ok(self.get().expect("set")),
        }
    }

    /// Waits until somebody has made the value, without making it.
    ///
    /// # Cancel safety
    /// A dropped future has no effect.
    ///
    /// # Panics
    /// The future panics if it is polled after it was ready.
    #[track_caller]
    pub fn wait(&self) -> WaitSet<'_, T> {
        WaitSet { cell: self, waiter: Waiter::new(Location::caller()) }
    }

    /// [`wait`](OnceCell::wait) for a plain thread, which sleeps until then.
    ///
    /// # Panics
    /// Inside an async task, where it would block a worker thread: use `wait().await` there.
    #[track_caller]
    pub fn wait_blocking(&self) -> &T {
        wait_for("OnceCell::wait_blocking", "wait().await", self.wait())
    }

    /// The right to make the value, if it is free; else the state.
    fn try_turn(&self) -> Result<Turn<'_, T>, u8> {
        // Ordering: Acquire pairs with the Release of `Turn`'s end.
        self.state.compare_exchange(EMPTY, BUSY, Acquire, Acquire).map(|_| Turn { cell: self })
    }

    /// Waits for the right to make the value; `None` once there is one.
    fn turn(&self, reason: Reason, site: Site) -> NextTurn<'_, T> {
        NextTurn { cell: self, reason, waiter: Waiter::new(site) }
    }

    /// Does nobody wait and nobody make the value?
    #[cfg(all(test, dormouse_loom))]
    pub(crate) fn is_idle(&self) -> bool {
        self.state() != BUSY && self.makers.lock().is_empty() && self.readers.lock().is_empty()
    }
}

impl<T> Default for OnceCell<T> {
    fn default() -> Self {
        OnceCell::new()
    }
}

impl<T> From<T> for OnceCell<T> {
    fn from(value: T) -> Self {
        OnceCell { state: AtomicU8::new(SET), value: UnsafeCell::new(Some(value)), ..OnceCell::new() }
    }
}

impl<T: Clone> Clone for OnceCell<T> {
    /// A cell with a clone of the value, if there is one.
    fn clone(&self) -> Self {
        self.get().cloned().map_or_else(OnceCell::new, OnceCell::from)
    }
}

impl<T: fmt::Debug> fmt::Debug for OnceCell<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut tuple = f.debug_tuple("OnceCell");
        match self.get() {
            Some(value) => tuple.field(value),
            None => tuple.field(&format_args!("<not set>")),
        };
        tuple.finish()
    }
}

/// Why [`OnceCell::set`] did not set: the value comes back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SetError<T> {
    /// There is a value already.
    AlreadyInitialized(T),
    /// Somebody is making one.
    Initializing(T),
}

impl<T> SetError<T> {
    /// The value that was not set.
    pub fn into_inner(self) -> T {
        match self {
            SetError::AlreadyInitialized(value) | SetError::Initializing(value) => value,
        }
    }
}

impl<T> fmt::Display for SetError<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            SetError::AlreadyInitialized(_) => "the cell has a value already",
            SetError::Initializing(_) => "the cell's value is being made",
        })
    }
}

impl<T: fmt::Debug> Error for SetError<T> {}
