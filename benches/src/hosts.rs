//! The runtimes that the cells run on: made once per process, so that a cell measures work and not start-up.
use std::sync::LazyLock;

/// Worker threads of every multi-threaded host.
pub(crate) const WORKERS: usize = 2;

pub(crate) static OURS: LazyLock<dormouse_executor::runtime::Runtime> = LazyLock::new(|| {
    dormouse_executor::runtime::Builder::multi_thread().worker_threads(WORKERS).build().expect("a runtime")
});
pub(crate) static OURS_ONE: LazyLock<dormouse_executor::runtime::Runtime> =
    LazyLock::new(|| dormouse_executor::runtime::Builder::current_thread().build().expect("a runtime"));
pub(crate) static TOKIO: LazyLock<tokio::runtime::Runtime> = LazyLock::new(|| {
    let mut builder = tokio::runtime::Builder::new_multi_thread();
    builder.worker_threads(WORKERS).enable_time().build().expect("a runtime")
});
pub(crate) static TOKIO_ONE: LazyLock<tokio::runtime::Runtime> =
    LazyLock::new(|| tokio::runtime::Builder::new_current_thread().enable_time().build().expect("a runtime"));
