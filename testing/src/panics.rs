//! Code that must panic.
use std::panic::{AssertUnwindSafe, catch_unwind};

/// Runs `f`, which must panic with a text, and gives the text.
#[track_caller]
pub fn panics<R>(f: impl FnOnce() -> R) -> String {
    let Err(payload) = catch_unwind(AssertUnwindSafe(f)) else { panic!("it did not panic") };
    match payload.downcast::<String>() {
        Ok(text) => *text,
        Err(payload) => payload.downcast_ref::<&str>().expect("a text").to_string(),
    }
}
