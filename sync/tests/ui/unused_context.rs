//! Contexts, handles and futures that are not used are pointed out.
#![deny(unused_must_use)]
use dormouse_sync::Context;

fn main() {
    let context = Context::background();
    context.with_cancel().1;
    context.with_cancel().1.guard();
    context.with_value(1);
    context.without_cancel();
    context.done();
    context.run(std::future::ready(()));
}
