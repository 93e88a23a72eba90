//! `select!`: what its documentation promises, promise by promise.
//!
//! | promise | tests |
//! |---|---|
//! | exactly one arm; the same channel in several arms and directions; two selects that meet | `one_arm` |
//! | uniform choice, `biased;`, `default` | `choice` |
//! | operands once, in order, disabled ones too; values that lose; options | `operands` |
//! | waiting: held while futures are polled, places kept, wake-ups | `waiting` |
//! | `else`, patterns, no arm at all | `disabled` |
//! | bodies; tasks of other runtimes | `bodies` |
//! | `chan::Select`, the dynamic form: all of it again; arms that come and go; rounds | `dynamic` |
//! | the same while it waits: cancelled, forgotten, won, panics | `dynamic_waiting` |

#[path = "support/allocs.rs"]
mod allocs;
#[path = "select/bodies.rs"]
mod bodies;
#[path = "select/choice.rs"]
mod choice;
#[path = "select/disabled.rs"]
mod disabled;
#[path = "select/dynamic.rs"]
mod dynamic;
#[path = "select/dynamic_waiting.rs"]
mod dynamic_waiting;
#[path = "select/one_arm.rs"]
mod one_arm;
#[path = "select/operands.rs"]
mod operands;
#[path = "select/waiting.rs"]
mod waiting;

use std::future::Future;
use std::pin::pin;
use std::task::{Context, Poll, Waker};

/// Polls once, and asks that this is enough.
#[track_caller]
fn now<F: Future>(future: F) -> F::Output {
    match pin!(future).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(output) => output,
        Poll::Pending => panic!("it waits"),
    }
}
