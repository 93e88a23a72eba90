//! How the end of a child is learnt.
use crate::signal::unix::{Signal, SignalKind, signal};
use dormouse_wait::frame::Site;
use std::io;
use std::process::{Child, ExitStatus};
#[cfg(target_os = "linux")]
use {crate::unix::AsyncFd, dormouse_executor::io::Interest, std::os::fd::OwnedFd};

#[derive(Debug)]
pub(super) enum Exit {
    /// Its descriptor becomes readable.
    #[cfg(target_os = "linux")]
    Pidfd(AsyncFd<OwnedFd>),
    /// A signal says that one of all children has ended.
    Signal(Signal),
}

impl Exit {
    #[cfg_attr(not(target_os = "linux"), expect(unused_variables, reason = "a signal is of all children"))]
    pub(super) fn of(child: &Child) -> io::Result<Exit> {
        #[cfg(target_os = "linux")]
        if let Some(exit) = Exit::by_descriptor(child)? {
            return Ok(exit);
        }
        Exit::by_signal()
    }

    /// `None` if the system has no such descriptors (Linux before 5.3), or forbids them (as containers may).
    #[cfg(target_os = "linux")]
    fn by_descriptor(child: &Child) -> io::Result<Option<Exit>> {
        use rustix::process::{Pid, PidfdFlags, pidfd_open};
        // If it is for want of a descriptor, a signal's cannot be had either.
        let Ok(fd) = pidfd_open(Pid::from_child(child), PidfdFlags::empty()) else { return Ok(None) };
        Ok(Some(Exit::Pidfd(AsyncFd::with_interest(fd, Interest::READABLE)?)))
    }

    fn by_signal() -> io::Result<Exit> {
        signal(SignalKind::child()).map(Exit::Signal)
    }

    /// Waits until `child`, which it is of, has ended, and reaps it.
    pub(super) async fn wait(&self, child: &mut Child, site: Site) -> io::Result<ExitStatus> {
        match self {
            #[cfg(target_os = "linux")]
            Exit::Pidfd(fd) => {
                let wait = fd.io().run(Interest::READABLE, site, |_| {
                    child.try_wait()?.ok_or_else(|| io::ErrorKind::WouldBlock.into())
                });
                wait.await
            }
            Exit::Signal(signal) => loop {
                if let Some(status) = child.try_wait()? {
                    return Ok(status);
                }
                signal.wait(site).await?;
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use dormouse_executor::runtime::{Builder, Handle};
    use dormouse_executor::task;
    use dormouse_testing::watch;
    use dormouse_wait::Reason;
    use std::panic::Location;
    use std::process::{Command, Stdio};

    /// As on a system without process descriptors: also when the signals of several children come as one.
    #[test]
    fn ends_are_learnt_by_the_signal() {
        let _watch = watch();
        const COUNT: usize = 20;
        for builder in [Builder::multi_thread().worker_threads(2), Builder::current_thread()] {
            builder.build().unwrap().block_on(async {
                let start = |code| {
                    let mut command = Command::new("sh");
                    let command = command.arg("-c").arg(format!("read line; exit {code}"));
                    let mut child = command.stdin(Stdio::piped()).spawn().unwrap();
                    let (exit, stdin) = (Exit::by_signal().unwrap(), child.stdin.take().unwrap());
                    let wait = async move { exit.wait(&mut child, Location::caller()).await.unwrap().code() };
                    (task::spawn(wait), stdin)
                };
                let (ended, stdins): (Vec<_>, Vec<_>) = (0..COUNT).map(start).unzip();
                let waiting =
                    || Handle::current().task_waits().iter().filter(|wait| wait.2 == Reason::IoWait).count();
                while waiting() < COUNT {
                    task::yield_now().await;
                }
                drop(stdins);
                for (code, ended) in ended.into_iter().enumerate() {
                    assert_eq!(ended.await.unwrap(), Some(code as i32));
                }
            });
        }
    }
}
