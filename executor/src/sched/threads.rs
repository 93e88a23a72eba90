//! Starting and counting a runtime's threads, and the user's hooks at their begin and end.
use super::shared::Shared;
use crate::panics;
use std::io;
use std::sync::Arc;

/// The threads of a runtime.
#[derive(Debug, Default)]
pub(crate) struct Threads {
    /// Those that have not finished, the blocking pool's among them.
    pub(crate) running: usize,
    /// The slots' own threads, to be joined.
    pub(crate) workers: Vec<std::thread::JoinHandle<()>>,
}

/// Starts a thread that runs `body`, which begins with [`Began::new`]. It is joined at the runtime's end, or only
/// waited for.
pub(crate) fn start(shared: &Shared, join: bool, body: impl FnOnce() + Send + 'static) -> io::Result<()> {
    // User code: if it panics, the panic hook has spoken, and the thread has no name. The system takes no NUL in one.
    let name = panics::catch(|| (shared.config.thread_name)()).unwrap_or_else(|payload| {
        panics::forget(payload);
        String::new()
    });
    start_named(shared, name.replace('\0', ""), join, body)
}

/// [`start`] for a thread with a name of its own.
pub(crate) fn start_named(
    shared: &Shared,
    name: String,
    join: bool,
    body: impl FnOnce() + Send + 'static,
) -> io::Result<()> {
    let mut threads = panics::lock(&shared.threads);
    let handle = std::thread::Builder::new().name(name).spawn(body)?;
    threads.running += 1;
    if join {
        threads.workers.push(handle);
    }
    Ok(())
}

/// A thread of the runtime is at work: its Drop, also by a panic, says that it is gone.
pub(crate) struct Began<'rt> {
    shared: &'rt Shared,
    hooks: bool,
}

impl<'rt> Began<'rt> {
    pub(crate) fn new(shared: &'rt Arc<Shared>) -> Began<'rt> {
        let began = Began { shared, hooks: true };
        if let Some(hook) = &shared.config.on_thread_start {
            // The panic hook has spoken; the thread works all the same.
            panics::catch(|| hook()).unwrap_or_else(panics::forget);
        }
        began
    }

    /// For a thread that runs no task.
    pub(crate) fn without_hooks(shared: &'rt Arc<Shared>) -> Began<'rt> {
        Began { shared, hooks: false }
    }
}

impl Drop for Began<'_> {
    fn drop(&mut self) {
        if let Some(hook) = self.shared.config.on_thread_stop.as_ref().filter(|_| self.hooks) {
            panics::catch(|| hook()).unwrap_or_else(panics::forget);
        }
        panics::lock(&self.shared.threads).running -= 1;
        self.shared.changed.notify_all();
    }
}
