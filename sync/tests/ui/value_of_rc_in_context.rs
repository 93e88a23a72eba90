//! A context goes from task to task, and its values with it.
use dormouse_sync::Context;
use std::rc::Rc;

fn main() {
    let _ = Context::background().with_value(Rc::new(1));
}
