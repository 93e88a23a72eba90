//! The thread that does what may block for long at a standard stream: a plain one, that no runtime's end and no program's
//! end waits for. It is started at the first need, and stays.
use std::io;
use std::sync::{Mutex, PoisonError};
use std::thread::{Builder, Thread};

pub(super) struct Attendant {
    name: &'static str,
    thread: Mutex<Option<Thread>>,
}

impl Attendant {
    pub(super) const fn new(name: &'static str) -> Attendant {
        Attendant { name, thread: Mutex::new(None) }
    }

    /// The thread, which does `work` for ever, and parks when there is nothing to do.
    pub(super) fn thread(&self, work: impl FnOnce() + Send + 'static) -> io::Result<Thread> {
        let mut thread = self.thread.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(thread) = &*thread {
            return Ok(thread.clone());
        }
        let started = Builder::new().name(self.name.into()).spawn(work)?;
        Ok(thread.insert(started.thread().clone()).clone())
    }
}
