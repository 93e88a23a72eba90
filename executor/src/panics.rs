//! Panics of user code, where they must not go on: caught, and their payload given up without running it again.
use std::any::Any;
use std::cell::RefCell;
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

thread_local!(static UNJOINED: RefCell<Option<Vec<String>>> = const { RefCell::new(None) });

/// Tells of a task's panic that nobody joins: on stderr, or to who [collects](collect_unjoined) them on this thread.
pub(crate) fn say_unjoined(line: fmt::Arguments<'_>) {
    let collected = UNJOINED.try_with(|sink| match sink.borrow_mut().as_mut() {
        Some(lines) => {
            lines.push(line.to_string());
            true
        }
        None => false,
    });
    if collected != Ok(true) {
        say(format_args!("dormouse: {line}"));
    }
}

/// Runs `f`, and gives also what was said meanwhile, on this thread, of panics that nobody joins.
pub(crate) fn collect_unjoined<R>(f: impl FnOnce() -> R) -> (R, Vec<String>) {
    let outer = UNJOINED.replace(Some(Vec::new()));
    let result = f();
    (result, UNJOINED.replace(outer).unwrap_or_default())
}

/// Were panics that nobody joins told of on this thread, since it began to collect them?
pub(crate) fn has_unjoined() -> bool {
    UNJOINED.with_borrow(|sink| sink.as_ref().is_some_and(|lines| !lines.is_empty()))
}

/// What was told of panics that nobody joins on this thread, since it began to collect them.
pub(crate) fn unjoined() -> Vec<String> {
    UNJOINED.with_borrow(|sink| sink.clone().unwrap_or_default())
}

/// Writes a line to stderr; one that cannot be written is given up.
pub(crate) fn say(line: fmt::Arguments<'_>) {
    let _ = writeln!(std::io::stderr().lock(), "{line}");
}

/// Locks a mutex under which no user code runs: a poisoned one is as good as any.
pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
}
