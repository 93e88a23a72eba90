//! A child process.
use super::exit::Exit;
use super::orphans;
use super::pipe::{ChildStderr, ChildStdin, ChildStdout};
use dormouse_wait::frame::Site;
use futures_util::future::try_join;
use futures_util::io::{AsyncRead, AsyncReadExt};
use std::io;
use std::mem;
use std::panic::Location;
use std::process::{ExitStatus, Output};

/// A child process, made by [`Command::spawn`](super::Command::spawn).
///
/// Dropping it leaves the process running, unless [`kill_on_drop`](super::Command::kill_on_drop) was said; it is reaped
/// when it ends, also when the runtime is gone by then: see the [module](super).
///
/// It belongs to the runtime that it was made in, as a socket does.
#[derive(Debug)]
pub struct Child {
    /// What it reads, if that is [piped](std::process::Stdio::piped).
    pub stdin: Option<ChildStdin>,
    /// What it writes, if that is piped.
    pub stdout: Option<ChildStdout>,
    /// What it writes of errors, if that is piped.
    pub stderr: Option<ChildStderr>,
    state: State,
}

#[derive(Debug)]
enum State {
    Running(Running),
    Ended(ExitStatus),
}

#[derive(Debug)]
struct Running {
    child: std::process::Child,
    exit: Exit,
    kill_on_drop: bool,
}

impl Child {
    /// If it cannot be looked after, it is killed.
    pub(super) fn new(mut child: std::process::Child, kill_on_drop: bool) -> io::Result<Child> {
        let mut parts = || -> io::Result<_> {
            Ok((
                child.stdin.take().map(ChildStdin::from_std).transpose()?,
                child.stdout.take().map(ChildStdout::from_std).transpose()?,
                child.stderr.take().map(ChildStderr::from_std).transpose()?,
                Exit::of(&child)?,
            ))
        };
        match parts() {
            Ok((stdin, stdout, stderr, exit)) => {
                let state = State::Running(Running { child, exit, kill_on_drop });
                Ok(Child { stdin, stdout, stderr, state })
            }
            Err(error) => {
                // If that fails, it has ended.
                let _ = child.kill();
                orphans::adopt(child);
                Err(error)
            }
        }
    }

    /// The process's number; `None` once its end is known here: from then on another process may have it.
    pub fn id(&self) -> Option<u32> {
        match &self.state {
            State::Running(running) => Some(running.child.id()),
            State::Ended(_) => None,
        }
    }

    /// Closes [`stdin`](Child::stdin), if it is still there, and waits until the process has ended: how. Again after that,
    /// it says the same.
    ///
    /// What is piped and not read may keep the process from ending: see [`wait_with_output`](Child::wait_with_output).
    ///
    /// # Errors
    /// What the system says, as when somebody else has reaped the process; when the runtime is gone, or if it has to wait
    /// outside of it.
    ///
    /// # Cancel safety
    /// Safe to drop at any moment, and to be called again. (`stdin` stays closed.)
    #[track_caller]
    pub fn wait(&mut self) -> impl Future<Output = io::Result<ExitStatus>> + '_ {
        let site = Location::caller();
        async move {
            drop(self.stdin.take());
            self.end(site).await
        }
    }

    pub(super) async fn end(&mut self, site: Site) -> io::Result<ExitStatus> {
        let status = match &mut self.state {
            State::Running(running) => running.exit.wait(&mut running.child, site).await?,
            State::Ended(status) => *status,
        };
        self.state = State::Ended(status);
        Ok(status)
    }

    /// How the process has ended; `None` if it runs.
    ///
    /// # Errors
    /// What the system says.
    pub fn try_wait(&mut self) -> io::Result<Option<ExitStatus>> {
        let status = match &mut self.state {
            State::Running(running) => running.child.try_wait()?,
            State::Ended(status) => Some(*status),
        };
        if let Some(status) = status {
            self.state = State::Ended(status);
        }
        Ok(status)
    }

    /// Kills the process (`SIGKILL`), and does not wait until it has ended. Nothing if its end is known already.
    ///
    /// # Errors
    /// What the system says, as when the process has another user.
    pub fn start_kill(&mut self) -> io::Result<()> {
        match &mut self.state {
            State::Running(running) => running.child.kill(),
            State::Ended(_) => Ok(()),
        }
    }

    /// Kills the process (`SIGKILL`), and waits until it has ended.
    ///
    /// # Errors
    /// Those of [`start_kill`](Child::start_kill) and [`wait`](Child::wait).
    ///
    /// # Cancel safety
    /// Safe to drop at any moment: once it was polled, the process is killed.
    #[track_caller]
    pub fn kill(&mut self) -> impl Future<Output = io::Result<()>> + '_ {
        let site = Location::caller();
        async move {
            self.start_kill()?;
            self.end(site).await.map(drop)
        }
    }

    /// Closes [`stdin`](Child::stdin), reads to the end what is piped of [`stdout`](Child::stdout) and
    /// [`stderr`](Child::stderr), both at once, and waits until the process has ended.
    ///
    /// A process that the child has started and left behind may hold the pipes open: then their end is waited for, too.
    ///
    /// # Errors
    /// Those of reading, and of [`wait`](Child::wait).
    ///
    /// # Cancel safety
    /// Dropping it drops the child, and what was read.
    #[track_caller]
    pub fn wait_with_output(mut self) -> impl Future<Output = io::Result<Output>> {
        let site = Location::caller();
        async move {
            drop(self.stdin.take());
            let (stdout, stderr) = try_join(rest(self.stdout.take()), rest(self.stderr.take())).await?;
            let status = self.end(site).await?;
            Ok(Output { status, stdout, stderr })
        }
    }
}

impl Drop for Child {
    fn drop(&mut self) {
        let state = mem::replace(&mut self.state, State::Ended(ExitStatus::default()));
        if let State::Running(Running { mut child, kill_on_drop, .. }) = state {
            if kill_on_drop {
                // If that fails, it has ended.
                let _ = child.kill();
            }
            orphans::adopt(child);
        }
    }
}

/// Reads what is left of a pipe.
async fn rest<R: AsyncRead + Unpin>(pipe: Option<R>) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    if let Some(mut pipe) = pipe {
        pipe.read_to_end(&mut bytes).await?;
    }
    Ok(bytes)
}
