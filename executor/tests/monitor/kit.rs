//! A runtime, and what blocks its threads.
use dormouse_executor::runtime::{Builder, Runtime};

pub(crate) use dormouse_testing::Wall;

pub(crate) fn runtime(workers: usize) -> Runtime {
    Builder::multi_thread().worker_threads(workers).build().unwrap()
}
