//! What an `accept` does when the process, or the system, has no descriptor left.
//!
//! The connection stays in the listener's queue, and the listener stays readable: to try again at once would spin, and to
//! fail would end most servers' loops. So the accept pauses, says so once, and tries again.
use dormouse_executor::time;
use std::io;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::time::Duration;

const PAUSE: Duration = Duration::from_millis(10);
/// The pauses double up to this.
const LONGEST: Duration = Duration::from_millis(640);

/// Is `error` one that goes away when something else is closed?
fn is_exhausted(error: &io::Error) -> bool {
    #[cfg(unix)]
    {
        use rustix::io::Errno;
        let passing = [Errno::MFILE, Errno::NFILE, Errno::NOBUFS, Errno::NOMEM];
        Errno::from_io_error(error).is_some_and(|code| passing.contains(&code))
    }
    #[cfg(not(unix))]
    {
        error.kind() == io::ErrorKind::OutOfMemory
    }
}

/// Is `error` the end of a connection that was not accepted yet, and so nobody's here? (Linux gives an accept what the
/// network has to say of the new connection; accept(2) says which errors are to be passed over.)
pub(crate) fn is_gone(error: &io::Error) -> bool {
    #[cfg(target_os = "linux")]
    {
        use rustix::io::Errno;
        let passing = [
            Errno::NETDOWN,
            Errno::PROTO,
            Errno::NOPROTOOPT,
            Errno::HOSTDOWN,
            Errno::NONET,
            Errno::HOSTUNREACH,
            Errno::NETUNREACH,
        ];
        if Errno::from_io_error(error).is_some_and(|code| passing.contains(&code)) {
            return true;
        }
    }
    matches!(error.kind(), io::ErrorKind::ConnectionAborted | io::ErrorKind::Interrupted)
}

/// Whether it was said.
#[derive(Debug, Default)]
pub(crate) struct Told(AtomicBool);

/// The pauses of one accept.
#[derive(Debug)]
pub(crate) struct Pauses(Duration);

impl Pauses {
    pub(crate) fn new() -> Pauses {
        Pauses(PAUSE)
    }

    /// Pauses if `error` is one that goes away; else gives it back.
    pub(crate) async fn after(&mut self, error: io::Error, told: &Told) -> io::Result<()> {
        if !is_exhausted(&error) {
            return Err(error);
        }
        if !told.0.swap(true, Relaxed) {
            use io::Write;
            // If it cannot be said, nobody is there to be told.
            let _ = writeln!(
                io::stderr().lock(),
                "dormouse: connections wait to be accepted until something is closed: {error} (said once for this \
                 listener)"
            );
        }
        time::sleep(self.0).await;
        self.0 = (2 * self.0).min(LONGEST);
        Ok(())
    }
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;
    use rustix::io::Errno;

    #[test]
    fn what_an_accept_passes_over_pauses_for_and_gives_back() {
        let kinds = |code: Errno| {
            let error = io::Error::from(code);
            (is_gone(&error), is_exhausted(&error))
        };
        for gone in [Errno::CONNABORTED, Errno::INTR, Errno::PROTO, Errno::NETDOWN, Errno::HOSTUNREACH] {
            assert_eq!(kinds(gone), (true, false), "{gone:?}");
        }
        for exhausted in [Errno::MFILE, Errno::NFILE] {
            assert_eq!(kinds(exhausted), (false, true), "{exhausted:?}");
        }
        for given_back in [Errno::INVAL, Errno::BADF] {
            assert_eq!(kinds(given_back), (false, false), "{given_back:?}");
        }
    }
}
