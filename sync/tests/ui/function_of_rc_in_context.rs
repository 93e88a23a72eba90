//! A function is called by whoever cancels.
use dormouse_sync::Context;
use std::rc::Rc;

fn main() {
    let here = Rc::new(1);
    let _ = Context::background().after_func(move || drop(here));
}
