//! A test that hangs ends here: after 60 s the process aborts with the test's name.
use std::sync::mpsc::{self, RecvTimeoutError};
use std::time::Duration;

/// Ends the watch when dropped.
pub(crate) struct Watch {
    _alive: mpsc::Sender<()>,
}

/// Watches over the test that runs on this thread. `let _watch = watch();` is its first line.
pub(crate) fn watch() -> Watch {
    let (alive, dropped) = mpsc::channel::<()>();
    let name = std::thread::current().name().unwrap_or("a test").to_owned();
    std::thread::spawn(move || {
        if dropped.recv_timeout(Duration::from_secs(60)) == Err(RecvTimeoutError::Timeout) {
            eprintln!("{name} has not ended within 60 s");
            std::process::abort();
        }
    });
    Watch { _alive: alive }
}
