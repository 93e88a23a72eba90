//! The channel for the latest value, promise by promise; GO.md's rules X1-X10 as far as they touch it, and the bugs that
//! other libraries' channels of this kind had.
//!
//! | promise | tests |
//! |---|---|
//! | changes are learned of, all by all; waits for them | `changes` |
//! | the value: looks at it, changes of it, the old one's end, panics | `values` |
//! | handles, and learning of their end | `handles` |
//! | waits that are given up, forgotten, spurious, polled from elsewhere | `cancel` |
//! | wakers that call back or panic | `reentrant` |
//! | waiting allocates nothing | `memory` |
//! | the poll's budget, the reason of a wait | `frame` |
//! | no change lost among threads | `threads` |
//! | Send, Sync, Unpin | `types` |

#[path = "support/allocs.rs"]
mod allocs;
#[path = "watch/cancel.rs"]
mod cancel;
#[path = "watch/changes.rs"]
mod changes;
#[path = "watch/frame.rs"]
mod frame;
#[path = "support/frames.rs"]
mod frames;
#[path = "watch/handles.rs"]
mod handles;
#[path = "watch/memory.rs"]
mod memory;
#[path = "watch/reentrant.rs"]
mod reentrant;
#[path = "watch/threads.rs"]
mod threads;
#[path = "watch/types.rs"]
mod types;
#[path = "watch/values.rs"]
mod values;

use futures::future::FusedFuture;
use tokio_test::task::Spawn;

fn is_over<F: FusedFuture>(task: &mut Spawn<F>) -> bool {
    task.enter(|_, future| future.is_terminated())
}
