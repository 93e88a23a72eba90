//! Go's rules for channels, poll by poll: each rule F10-F19 and each invariant I1-I10 has a test that fails without it.
//!
//! | rule | tests |
//! |---|---|
//! | F10 typed, any number of either side, zero-sized values | `values`, `handles` |
//! | F11 nil channel | `handles::never_*` |
//! | F12 unbuffered | `rendezvous` |
//! | F13 buffered, I1, I2 | `buffered` |
//! | F14 close, I3 | `closing` |
//! | F15 range | `stream`, `threads` |
//! | F16 direction | `../compile_fail` |
//! | F17, F18, I4, I7 first come, first served | `queueing` |
//! | F19 len and cap | `handles` |
//! | I5, I9 each value once, none kept | `values` |
//! | I6, I10 | `../select` |
//! | I8 no user code under a lock | `queueing::wakers_may_use_the_channel`, `closing::a_dropped_value_may_use_the_channel` |
//! | X7, X8 spurious and missing polls | `queueing` |
//! | happens-before (F50) | `threads` |

#[path = "support/allocs.rs"]
mod allocs;
#[path = "go_rules/buffered.rs"]
mod buffered;
#[path = "go_rules/closing.rs"]
mod closing;
#[path = "go_rules/errors.rs"]
mod errors;
#[path = "go_rules/handles.rs"]
mod handles;
#[path = "go_rules/queueing.rs"]
mod queueing;
#[path = "go_rules/rendezvous.rs"]
mod rendezvous;
#[path = "go_rules/stream.rs"]
mod stream;
#[path = "go_rules/threads.rs"]
mod threads;
#[path = "go_rules/values.rs"]
mod values;
