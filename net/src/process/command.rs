//! A program that is to be started.
use super::child::Child;
use dormouse_executor::io::Registration;
use std::error::Error;
use std::ffi::OsStr;
use std::fmt;
use std::io;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{ExitStatus, Output, Stdio};

/// A program, its arguments, and what it is started with: as [`std::process::Command`], by which it is started.
///
/// ```
/// use dormouse_net::process::{Command, Stdio};
/// use futures::io::{AsyncReadExt, AsyncWriteExt};
/// # dormouse_executor::runtime::block_on(async {
/// let mut sort = Command::new("sort").stdin(Stdio::piped()).stdout(Stdio::piped()).spawn()?;
/// let mut lines = sort.stdin.take().expect("it is piped");
/// lines.write_all(b"pear\napple\n").await?;
/// drop(lines); // the end, for which `sort` waits
/// let output = sort.wait_with_output().await?;
/// assert_eq!(output.stdout, b"apple\npear\n");
/// # std::io::Result::Ok(())
/// # }).unwrap();
/// ```
#[derive(Debug)]
pub struct Command {
    std: std::process::Command,
    /// Which of stdin, stdout and stderr were set here.
    set: [bool; 3],
    kill_on_drop: bool,
}

impl From<std::process::Command> for Command {
    /// What was set as its stdin, stdout and stderr is not known: [`output`](Command::output) sets them anew.
    fn from(std: std::process::Command) -> Command {
        Command { std, set: [false; 3], kill_on_drop: false }
    }
}

impl Command {
    /// The program `program`: a path, or, without a `/`, a name that is looked for in the directories of `PATH`.
    pub fn new(program: impl AsRef<OsStr>) -> Command {
        std::process::Command::new(program).into()
    }

    /// The command as `std`'s: to look at, as by `get_args`.
    pub fn as_std(&self) -> &std::process::Command {
        &self.std
    }

    /// The command as `std`'s: for options that are not here.
    pub fn as_std_mut(&mut self) -> &mut std::process::Command {
        &mut self.std
    }

    /// The command as `std`'s.
    pub fn into_std(self) -> std::process::Command {
        self.std
    }

    // --- options ----------------------------------------------------------------------------------------------------

    /// Adds an argument. It reaches the program as it is: no shell takes it apart.
    pub fn arg(&mut self, argument: impl AsRef<OsStr>) -> &mut Command {
        self.std.arg(argument);
        self
    }

    /// Adds arguments.
    pub fn args<A: AsRef<OsStr>>(&mut self, arguments: impl IntoIterator<Item = A>) -> &mut Command {
        self.std.args(arguments);
        self
    }

    /// What the program is told as its own name, instead of what it is started by.
    pub fn arg0(&mut self, name: impl AsRef<OsStr>) -> &mut Command {
        self.std.arg0(name);
        self
    }

    /// Sets a variable of the program's environment, which is else this process's.
    pub fn env(&mut self, name: impl AsRef<OsStr>, value: impl AsRef<OsStr>) -> &mut Command {
        self.std.env(name, value);
        self
    }

    /// Sets variables of its environment.
    pub fn envs<N, V>(&mut self, variables: impl IntoIterator<Item = (N, V)>) -> &mut Command
    where
        N: AsRef<OsStr>,
        V: AsRef<OsStr>,
    {
        self.std.envs(variables);
        self
    }

    /// Takes a variable out of its environment.
    pub fn env_remove(&mut self, name: impl AsRef<OsStr>) -> &mut Command {
        self.std.env_remove(name);
        self
    }

    /// Takes all variables out of its environment, but for those that are set after this.
    pub fn env_clear(&mut self) -> &mut Command {
        self.std.env_clear();
        self
    }

    /// The directory that it starts in, instead of this process's. Give an absolute path to the program then.
    pub fn current_dir(&mut self, dir: impl AsRef<Path>) -> &mut Command {
        self.std.current_dir(dir);
        self
    }

    /// What it reads. By default what this process reads; nothing with [`output`](Command::output).
    pub fn stdin(&mut self, stdin: impl Into<Stdio>) -> &mut Command {
        self.std.stdin(stdin);
        self.set[0] = true;
        self
    }

    /// Where it writes. By default where this process writes; a pipe with [`output`](Command::output).
    pub fn stdout(&mut self, stdout: impl Into<Stdio>) -> &mut Command {
        self.std.stdout(stdout);
        self.set[1] = true;
        self
    }

    /// Where it writes errors. By default as [`stdout`](Command::stdout).
    pub fn stderr(&mut self, stderr: impl Into<Stdio>) -> &mut Command {
        self.std.stderr(stderr);
        self.set[2] = true;
        self
    }

    /// The number of the user that it runs as.
    pub fn uid(&mut self, id: u32) -> &mut Command {
        self.std.uid(id);
        self
    }

    /// The number of the group that it runs as.
    pub fn gid(&mut self, id: u32) -> &mut Command {
        self.std.gid(id);
        self
    }

    /// The process group that it joins; 0: one of its own. (So a Ctrl-C of the terminal does not reach it.)
    pub fn process_group(&mut self, group: i32) -> &mut Command {
        self.std.process_group(group);
        self
    }

    /// Calls `f` in the new process, before the program begins there. An error of it is that of
    /// [`spawn`](Command::spawn).
    ///
    /// # Safety
    /// That of [`std::os::unix::process::CommandExt::pre_exec`]: of this process's threads only the one that calls `f` is
    /// there; so a lock that another one holds, as the allocator's, is held for ever.
    pub unsafe fn pre_exec<F>(&mut self, f: F) -> &mut Command
    where
        F: FnMut() -> io::Result<()> + Send + Sync + 'static,
    {
        // SAFETY: handed on.
        unsafe { self.std.pre_exec(f) };
        self
    }

    /// Is the process killed (`SIGKILL`) when its [`Child`] is dropped, or the future of [`status`](Command::status) or
    /// [`output`](Command::output)? By default it lives on.
    pub fn kill_on_drop(&mut self, kill: bool) -> &mut Command {
        self.kill_on_drop = kill;
        self
    }

    // --- starting ---------------------------------------------------------------------------------------------------

    /// Starts the program, in the runtime that the thread is in. The thread is held until the program has begun: some
    /// 100 µs up to milliseconds, as this process is large.
    ///
    /// # Errors
    /// Outside of a runtime, or in a [simulated](dormouse_executor::sim) one: then nothing was started. If the program
    /// cannot be started: the error has the system's kind, and names the program; the system's error is its
    /// [source](Error::source). If there is no descriptor left to look after it: then it was killed.
    pub fn spawn(&mut self) -> io::Result<Child> {
        Registration::check()?;
        self.std
            .spawn()
            .and_then(|child| Child::new(child, self.kill_on_drop))
            .map_err(|error| NotStarted::wrap(&self.std, error))
    }

    /// Starts the program, at the call, and waits until it has ended: how.
    ///
    /// # Errors
    /// Those of [`spawn`](Command::spawn) and [`Child::wait`].
    ///
    /// # Cancel safety
    /// Dropping it drops the [`Child`].
    #[track_caller]
    pub fn status(&mut self) -> impl Future<Output = io::Result<ExitStatus>> + use<> {
        let site = std::panic::Location::caller();
        let child = self.spawn();
        async move {
            let mut child = child?;
            drop((child.stdin.take(), child.stdout.take(), child.stderr.take()));
            child.end(site).await
        }
    }

    /// Starts the program, at the call, and waits until it has ended: how, and what it has written to stdout and stderr.
    ///
    /// What of the three was not set by [`stdin`](Command::stdin), [`stdout`](Command::stdout) and
    /// [`stderr`](Command::stderr) is, for this once, nothing to read, and pipes. What was set to go elsewhere is not in the
    /// output.
    ///
    /// # Errors
    /// Those of [`spawn`](Command::spawn) and [`Child::wait_with_output`].
    ///
    /// # Cancel safety
    /// Dropping it drops the [`Child`], and what was read.
    #[track_caller]
    pub fn output(&mut self) -> impl Future<Output = io::Result<Output>> + use<> {
        self.default_to([Stdio::null, Stdio::piped, Stdio::piped]);
        let child = self.spawn();
        self.default_to([Stdio::inherit; 3]);
        let output = child.map(Child::wait_with_output);
        async move { output?.await }
    }

    /// Sets those that were not set.
    fn default_to(&mut self, [stdin, stdout, stderr]: [fn() -> Stdio; 3]) {
        let set = self.set;
        if !set[0] {
            self.std.stdin(stdin());
        }
        if !set[1] {
            self.std.stdout(stdout());
        }
        if !set[2] {
            self.std.stderr(stderr());
        }
    }
}

/// An error that says what could not be started, and where, if it was to be elsewhere.
#[derive(Debug)]
struct NotStarted {
    program: PathBuf,
    dir: Option<PathBuf>,
    error: io::Error,
}

impl NotStarted {
    /// The same error, with the command's program.
    fn wrap(command: &std::process::Command, error: io::Error) -> io::Error {
        let kind = error.kind();
        let program = command.get_program().into();
        io::Error::new(kind, NotStarted { program, dir: command.get_current_dir().map(PathBuf::from), error })
    }
}

impl fmt::Display for NotStarted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "cannot start {:?}", self.program)?;
        if let Some(dir) = &self.dir {
            write!(f, " in {dir:?}")?;
        }
        write!(f, ": {}", self.error)
    }
}

impl Error for NotStarted {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        Some(&self.error)
    }
}
