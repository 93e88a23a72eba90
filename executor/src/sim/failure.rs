//! What is said when a simulated run fails.
use std::fmt;

/// How a simulated run failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum FailureKind {
    /// Nothing can run, and no timer will change that.
    Deadlock,
    /// The main future is done, and tasks are left that nothing will ever wake.
    Leak,
    /// The run went on beyond its limit of steps or of virtual time.
    Livelock,
    /// The main future panicked, or returned an error.
    Main,
    /// A task panicked, and nobody joined it.
    Panic,
    /// Another thread woke a task: the run cannot be repeated.
    Disturbed,
}

/// Why a simulated run failed: its [`Display`](fmt::Display) is a report with the seed, all live tasks, who holds what
/// they wait for, and the last steps.
#[derive(Clone)]
pub struct Failure {
    pub(super) kind: FailureKind,
    pub(super) seed: u64,
    pub(super) hash: u64,
    pub(super) report: String,
}

impl Failure {
    /// How it failed.
    pub fn kind(&self) -> FailureKind {
        self.kind
    }

    /// The seed of the run, which repeats it.
    pub fn seed(&self) -> u64 {
        self.seed
    }

    /// A hash over all steps of the run: a replay has the same one.
    pub fn hash(&self) -> u64 {
        self.hash
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.report)
    }
}

impl fmt::Debug for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.report)
    }
}

impl std::error::Error for Failure {}

/// What the main future of a simulated run may return: nothing, or a `Result` whose error fails the run.
pub trait Verdict {
    /// Why it failed, if it did.
    fn failed(&self) -> Option<String>;
}

impl Verdict for () {
    fn failed(&self) -> Option<String> {
        None
    }
}

impl<E: fmt::Debug> Verdict for Result<(), E> {
    fn failed(&self) -> Option<String> {
        self.as_ref().err().map(|error| format!("{error:?}"))
    }
}
