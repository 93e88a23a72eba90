//! The channel between two tasks, promise by promise; GO.md's rules X1-X10 as far as they touch it.
//!
//! | promise | tests |
//! |---|---|
//! | order, capacity, every shape of value, dropped once | `values` |
//! | against a plain queue, with random operations, polls and drops | `against_model` |
//! | waits: woken, given up, moved to another task, forgotten (X2, X6-X10) | `waits` |
//! | closing by either half | `closing` |
//! | memory follows the contents | `memory` |
//! | the poll's budget, the reason of a wait, blocking calls | `frame` |
//! | wakers and values that panic or call back | `panics` |
//! | conservation among threads | `threads` |

#[path = "spsc/against_model.rs"]
mod against_model;
#[path = "support/allocs.rs"]
mod allocs;
#[path = "spsc/closing.rs"]
mod closing;
#[path = "spsc/frame.rs"]
mod frame;
#[path = "spsc/memory.rs"]
mod memory;
#[path = "spsc/panics.rs"]
mod panics;
#[path = "spsc/threads.rs"]
mod threads;
#[path = "spsc/values.rs"]
mod values;
#[path = "spsc/waits.rs"]
mod waits;
