//! Go's concurrency for async Rust.

pub mod chan {
    //! Channels and `select!`.
    pub use dormouse_chan::*;
}
pub mod sync {
    //! What channels are not for: wait groups and locks.
    pub use dormouse_sync::*;
}
pub use dormouse_executor::{runtime, task, time};

pub use dormouse_chan::select;
pub use dormouse_executor::task::{go, spawn};
pub use dormouse_macros::{main, test};
