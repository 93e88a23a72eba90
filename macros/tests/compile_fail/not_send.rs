//! A body, or an output, that is not Send, and no `local`.
extern crate self as dormouse;

#[path = "../mock/runtime.rs"]
pub mod runtime;

use std::rc::Rc;

#[dormouse_macros::main]
async fn body() {
    let kept = Rc::new(1);
    std::future::ready(()).await;
    drop(kept);
}

#[dormouse_macros::main]
async fn output() -> Result<(), Rc<str>> {
    Ok(())
}

#[dormouse_macros::main(local)]
async fn main() -> Result<(), Rc<str>> {
    let kept = Rc::new(1);
    std::future::ready(()).await;
    drop(kept);
    body();
    output()
}
