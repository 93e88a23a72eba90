//! Go's `sync` for async Rust: what channels are not for. For any executor.
//!
//! | type | what it is |
//! |---|---|
//! | [`WaitGroup`] | counts what is under way; `wait().await` until nothing is |
//! | [`Mutex`] | one owner at a time, over awaits too; fast, and fair to whoever has waited for about 1 ms |
//! | [`RwLock`] | many readers or one writer, who take turns |
//! | [`Condvar`] | gives a mutex up and waits for a signal |
//! | [`Notify`] | tells one task, or all that wait, that something has happened |
//! | [`Semaphore`] | permits, in the order in which they were asked for; some or many at once |
//! | [`Once`], [`OnceCell`] | what is done, or made, once, by the first one who needs it |
//! | [`SingleFlight`] | the same work, wanted by many at the same time, done once |
//! | [`RateLimiter`] | so many events in so much time, and bursts |
//! | [`Context`] | a deadline, a cancel and values, passed down a tree of work |
//! | [`Barrier`] | so many tasks wait for one another, again and again |
//!
//! All futures here are lazy (one that is never polled has no effect), allocate nothing, are fused, and may be dropped
//! at any moment: nothing is lost, and no wake-up is swallowed. (Those that run a future given to them by `OnceCell`, `Once`
//! or `SingleFlight` are `async` blocks, which are not fused; a flight, and what waits with a deadline, allocates.) They are `!Unpin`: to poll one by hand or in a loop
//! of `select!`, pin it first with [`std::pin::pin!`].
//!
//! ```
//! use dormouse_sync::{Mutex, WaitGroup};
//! use std::sync::Arc;
//!
//! # tokio::runtime::Runtime::new().unwrap().block_on(async {
//! let total = Arc::new(Mutex::new(0));
//! let group = WaitGroup::new();
//! for n in 1..=10 {
//!     let total = total.clone();
//!     tokio::spawn(group.track(async move {
//!         *total.lock().await += n;
//!     }));
//! }
//! group.wait().await;
//! assert_eq!(*total.lock().await, 55);
//! # });
//! ```

/// Makes a function `const` except under loom, whose atomics and cells are made at run time.
macro_rules! const_fn {
    ($(#[$meta:meta])* $vis:vis const fn $($rest:tt)*) => {
        #[cfg(not(dormouse_loom))]
        $(#[$meta])* $vis const fn $($rest)*
        #[cfg(dormouse_loom)]
        $(#[$meta])* $vis fn $($rest)*
    };
}

/// `Debug` and `Display` of what a guard shows.
macro_rules! guard_formats {
    ($shown:ident: [$($generics:tt)*] $guard:ty) => {
        impl<$($generics)* $shown: ?Sized + std::fmt::Debug> std::fmt::Debug for $guard {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                (**self).fmt(f)
            }
        }
        impl<$($generics)* $shown: ?Sized + std::fmt::Display> std::fmt::Display for $guard {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                (**self).fmt(f)
            }
        }
    };
}
use guard_formats;

mod barrier;
mod calm;
mod condvar;
mod context;
mod mutex;
mod notify;
mod once;
mod rate;
mod rwlock;
mod semaphore;
mod single_flight;
mod wait_group;
mod waiter;

#[cfg(all(test, dormouse_shuttle))]
#[path = "models/shuttle/mod.rs"]
mod flows;
#[cfg(all(test, dormouse_loom))]
mod models;

pub use barrier::{Barrier, BarrierWaitResult};
pub use condvar::{Condvar, WaitTimeoutResult};
pub use context::{AfterFunc, Cancel, CancelGuard, Cause, Context, ContextError};
pub use dormouse_wait::Instant;
pub use mutex::{MappedMutexGuard, Mutex, MutexGuard, OwnedMappedMutexGuard, OwnedMutexGuard};
pub use notify::Notify;
pub use once::{Once, OnceCell, SetError};
pub use rate::{BurstExceeded, Limit, RateLimiter, Reservation};
pub use rwlock::{
    MappedRwLockWriteGuard, OwnedMappedRwLockWriteGuard, OwnedRwLockReadGuard, OwnedRwLockWriteGuard, RwLock,
    RwLockReadGuard, RwLockWriteGuard,
};
pub use semaphore::{AcquireError, OwnedSemaphorePermit, Semaphore, SemaphorePermit, TryAcquireError};
pub use single_flight::{Flown, SingleFlight};
pub use wait_group::{WaitGroup, WaitGroupGuard};

/// The named futures of this crate, for those who store them.
pub mod futures {
    pub use crate::barrier::BarrierWait;
    pub use crate::condvar::{CondvarWait, CondvarWaitTimeout, CondvarWaitWhile};
    pub use crate::context::{Done, Run};
    pub use crate::mutex::{Lock, LockOwned};
    pub use crate::notify::{Notified, OwnedNotified};
    pub use crate::once::WaitSet;
    pub use crate::rate::RateWait;
    pub use crate::rwlock::{Read, ReadOwned, Write, WriteOwned};
    pub use crate::semaphore::{Acquire, AcquireOwned};
    pub use crate::wait_group::{Track, Wait};
}
