//! Panics of user code, where they must not go on: caught, and their payload given up without running it again.
use std::any::Any;
use std::fmt;
use std::io::Write;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Mutex, MutexGuard};

/// What a panic carries.
pub(crate) type Payload = Box<dyn Any + Send>;

/// Gives up a payload whose Drop may itself panic.
pub(crate) fn forget(payload: Payload) {
    if let Err(again) = catch_unwind(AssertUnwindSafe(|| drop(payload))) {
        std::mem::forget(again);
    }
}

/// Drops what is the user's and may panic in that: the panic hook has spoken of it.
pub(crate) fn discard<T>(value: T) {
    catch(|| drop(value)).unwrap_or_else(forget);
}

/// Runs `f`, which may be user code that panics.
pub(crate) fn catch<R>(f: impl FnOnce() -> R) -> Result<R, Payload> {
    catch_unwind(AssertUnwindSafe(f))
}

/// The message of a panic, as far as it has one.
pub(crate) fn message(payload: &Payload) -> &str {
    if let Some(text) = payload.downcast_ref::<&str>() {
        text
    } else if let Some(text) = payload.downcast_ref::<String>() {
        text
    } else {
        "Box<dyn Any>"
    }
}

/// Writes a line to stderr; one that cannot be written is given up.
pub(crate) fn say(line: fmt::Arguments<'_>) {
    let _ = writeln!(std::io::stderr().lock(), "{line}");
}

/// Locks a mutex under which no user code runs: a poisoned one is as good as any.
pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
}
