//! The one switch between `std`, loom and shuttle.
//!
//! A model build sets `--cfg dormouse_loom` or `--cfg dormouse_shuttle` in `RUSTFLAGS` (not plain `loom`, which
//! would switch other crates, tokio among them, as well). Everything that takes part in a protocol between
//! threads takes its atomics and cells from here, and so does what a thread keeps for itself: all threads of a model run
//! on one of the system's.

#[cfg(not(any(dormouse_loom, dormouse_shuttle)))]
mod chosen {
    pub use std::hint::spin_loop;
    pub use std::sync::atomic;
    pub use std::sync::{Arc, Condvar, Mutex, MutexGuard};
    pub use std::{thread, thread_local};
}

#[cfg(dormouse_loom)]
mod chosen {
    pub use loom::hint::spin_loop;
    pub use loom::sync::atomic;
    pub use loom::sync::{Arc, Condvar, Mutex, MutexGuard};
    pub use loom::thread;
    // Loom's does not take `const` initialisers; no model of loom's blocks on a thread's own parker.
    pub use std::thread_local;
}

#[cfg(dormouse_shuttle)]
mod chosen {
    pub use shuttle::hint::spin_loop;
    pub use shuttle::sync::atomic;
    pub use shuttle::sync::{Arc, Condvar, Mutex, MutexGuard};
    pub use shuttle::{thread, thread_local};
}

pub use chosen::*;

/// A cell for data whose access another rule guards; loom checks each access in a model.
#[cfg(dormouse_loom)]
#[derive(Debug, Default)]
pub struct UnsafeCell<T: ?Sized>(loom::cell::UnsafeCell<T>);

#[cfg(dormouse_loom)]
impl<T> UnsafeCell<T> {
    /// A cell that holds `data`.
    pub fn new(data: T) -> Self {
        UnsafeCell(loom::cell::UnsafeCell::new(data))
    }

    /// The data, taken out.
    pub fn into_inner(self) -> T {
        self.0.into_inner()
    }
}

#[cfg(dormouse_loom)]
impl<T: ?Sized> UnsafeCell<T> {
    /// Calls `f` with a pointer for reading; the caller's rule must exclude writers meanwhile.
    pub fn with<R>(&self, f: impl FnOnce(*const T) -> R) -> R {
        self.0.with(f)
    }

    /// Calls `f` with a pointer for writing; the caller's rule must exclude everybody else meanwhile.
    pub fn with_mut<R>(&self, f: impl FnOnce(*mut T) -> R) -> R {
        self.0.with_mut(f)
    }

    /// A pointer to the data; loom checks that it may be written at this moment.
    pub fn get(&self) -> *mut T {
        self.0.with_mut(|data| data)
    }
}

/// A cell for data whose access another rule guards. Its interface is loom's, which checks each access in a model.
#[cfg(not(dormouse_loom))]
#[repr(transparent)]
#[derive(Debug, Default)]
pub struct UnsafeCell<T: ?Sized>(std::cell::UnsafeCell<T>);

#[cfg(not(dormouse_loom))]
impl<T> UnsafeCell<T> {
    /// A cell that holds `data`.
    #[inline(always)]
    pub const fn new(data: T) -> Self {
        UnsafeCell(std::cell::UnsafeCell::new(data))
    }

    /// The data, taken out.
    #[inline(always)]
    pub fn into_inner(self) -> T {
        self.0.into_inner()
    }
}

#[cfg(not(dormouse_loom))]
impl<T: ?Sized> UnsafeCell<T> {
    /// Calls `f` with a pointer for reading; the caller's rule must exclude writers meanwhile.
    #[inline(always)]
    pub fn with<R>(&self, f: impl FnOnce(*const T) -> R) -> R {
        f(self.0.get())
    }

    /// A pointer to the data.
    #[inline(always)]
    pub fn get(&self) -> *mut T {
        self.0.get()
    }

    /// Calls `f` with a pointer for writing; the caller's rule must exclude everybody else meanwhile.
    #[inline(always)]
    pub fn with_mut<R>(&self, f: impl FnOnce(*mut T) -> R) -> R {
        f(self.0.get())
    }
}
