//! Code that must panic.
use std::panic::{AssertUnwindSafe, catch_unwind};

/// From here on, panics with this text are not printed, in the whole test binary: they are made on purpose.
pub fn hide_panics(text: &'static str) {
    let hook = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |info| {
        if info.payload().downcast_ref::<&str>() != Some(&text) {
            hook(info);
        }
    }));
}

/// Runs `f`, which must panic with a text, and gives the text.
#[track_caller]
pub fn panics<R>(f: impl FnOnce() -> R) -> String {
    let Err(payload) = catch_unwind(AssertUnwindSafe(f)) else { panic!("it did not panic") };
    match payload.downcast::<String>() {
        Ok(text) => *text,
        Err(payload) => payload.downcast_ref::<&str>().expect("a text").to_string(),
    }
}
