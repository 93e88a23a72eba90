//! Children whose handles were dropped while they ran: they are reaped when they end.
//!
//! | state | event | after |
//! |---|---|---|
//! | | a child is [adopted](adopt) that has ended | it is reaped |
//! | | one is adopted that runs | it is in the list; the thread is started, if there is none |
//! | the thread is there | `SIGCHLD` | all in the list are asked, and those that have ended are reaped |
//! | the list is empty | | the thread ends |
//!
//! Invariant: with a child in the list there is a thread that has asked it after the handler was set, or is about to. Only
//! if no thread can be started it waits for the next one that is adopted.
//!
//! Rejected: a task for each (it ends with its runtime); a thread that waits for one after the other (the others stay
//! zombies meanwhile); to ask in the handler (no lock may be taken there).
//!
//! Checked by `tests/process.rs`.
use crate::signal::unix::{SignalKind, tell};
use signal_hook_registry::{SigId, unregister};
use std::io::{self, Read};
use std::os::unix::net::UnixStream;
use std::process::Child;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Duration;

struct Orphans {
    children: Vec<Child>,
    /// The thread is there.
    attended: bool,
}

static ORPHANS: Mutex<Orphans> = Mutex::new(Orphans { children: Vec::new(), attended: false });

/// Without a descriptor for the signal, they are asked so often.
const PAUSE: Duration = Duration::from_millis(100);

fn orphans() -> MutexGuard<'static, Orphans> {
    ORPHANS.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Does it run? (If the system knows nothing of it, somebody else has reaped it.)
fn runs(child: &mut Child) -> bool {
    matches!(child.try_wait(), Ok(None))
}

/// Reaps `child`, now or when it ends.
pub(super) fn adopt(mut child: Child) {
    if !runs(&mut child) {
        return;
    }
    let mut orphans = orphans();
    orphans.children.push(child);
    if !orphans.attended {
        orphans.attended = thread::Builder::new().name("dormouse-reaper".into()).spawn(attend).is_ok();
    }
}

/// The thread.
fn attend() {
    let mut ends = Ends::new();
    loop {
        let mut orphans = orphans();
        orphans.children.retain_mut(runs);
        if orphans.children.is_empty() {
            orphans.attended = false;
            return;
        }
        drop(orphans);
        match &mut ends {
            Ok(ends) => ends.wait(),
            Err(_) => {
                thread::sleep(PAUSE);
                ends = Ends::new();
            }
        }
    }
}

/// Tells that children have ended, from when it was made on.
struct Ends {
    told: UnixStream,
    id: SigId,
}

impl Ends {
    fn new() -> io::Result<Ends> {
        let (told, writer) = UnixStream::pair()?;
        Ok(Ends { told, id: tell(SignalKind::child(), writer)? })
    }

    /// Blocks until some child has ended since the last time.
    fn wait(&mut self) {
        // The other end is in the handler: there is no end, and an interruption is as good as news.
        let _ = self.told.read(&mut [0; 64]);
    }
}

impl Drop for Ends {
    fn drop(&mut self) {
        unregister(self.id);
    }
}
