//! How what is done with files comes to the runtime's blocking pool.
use dormouse_executor::runtime::Handle;
use dormouse_executor::task::{JoinError, JoinHandle};
use std::io;
use std::panic::resume_unwind;
use std::pin::Pin;
use std::task::{Context, Poll};

/// The runtime whose pool it is.
pub(super) fn here() -> io::Result<Handle> {
    Handle::try_current().map_err(|_| {
        io::Error::other(
            "dormouse: a file was used outside of a runtime, whose blocking pool does the work: use it in a task, inside \
             `Runtime::block_on`, or while `Handle::enter`'s guard is held",
        )
    })
}

/// Runs `job` there: it goes on to its end, whether somebody waits or not.
pub(super) async fn run<R: Send + 'static>(
    job: impl FnOnce() -> io::Result<R> + Send + 'static,
) -> io::Result<R> {
    here()?.spawn_blocking(job).await.map_err(lost)?
}

/// What `job` gives.
pub(super) fn poll_end<R>(job: &mut JoinHandle<R>, cx: &mut Context<'_>) -> Poll<io::Result<R>> {
    Pin::new(job).poll(cx).map_err(lost)
}

#[cold]
fn lost(error: JoinError) -> io::Error {
    match error.try_into_panic() {
        Ok(payload) => resume_unwind(payload),
        Err(_) => io::Error::other(
            "dormouse: the runtime was shut down before a file operation was done, or no thread could be started for it",
        ),
    }
}
