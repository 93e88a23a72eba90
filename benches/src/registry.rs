//! What can be measured: cells, each with its contenders.
use crate::cells;
use crate::measure::Sample;
use std::path::PathBuf;

/// How much work a cell does: `work` of a cell scales its counts by this, so that one sample takes about 0.1 s in a full
/// run and a fifth of that in a quick one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Scale {
    Full,
    Quick,
}

impl Scale {
    /// `count` operations in a full run, fewer in a quick one.
    pub(crate) fn of(self, count: u64) -> u64 {
        match self {
            Scale::Full => count,
            Scale::Quick => (count / 5).max(1),
        }
    }
}

/// The same work for each contender.
pub(crate) struct Cell {
    /// `group/what/parameters`: `channel/spsc/128/8`.
    pub(crate) name: String,
    /// One operation: "message", "task", "turn".
    pub(crate) operation: &'static str,
    /// What a sample's value is: "ns" (of wall time), "bytes", "us late", "us at p99".
    pub(crate) unit: &'static str,
    pub(crate) contenders: Vec<Contender>,
}

/// An implementation in a cell.
pub(crate) struct Contender {
    /// What is measured: "kanal on tokio".
    pub(crate) name: String,
    /// Whose it is, as `--peers` names it: "dormouse", "kanal", "tokio".
    pub(crate) peer: &'static str,
    pub(crate) work: Work,
}

/// What a contender does in a cell.
pub(crate) enum Work {
    /// Does the work once, after a warm-up of its own, in a process of its own.
    Run(Box<dyn Fn(Scale) -> Sample>),
    /// Another program does: it takes the cell's name and `--quick`, and prints the sample as JSON.
    Program(PathBuf),
    /// It cannot, and why.
    NotAvailable(&'static str),
}

impl Cell {
    pub(crate) fn new(name: impl Into<String>, operation: &'static str, unit: &'static str) -> Cell {
        Cell { name: name.into(), operation, unit, contenders: Vec::new() }
    }

    /// Adds a contender.
    pub(crate) fn with(
        mut self,
        name: impl Into<String>,
        peer: &'static str,
        work: impl Fn(Scale) -> Sample + 'static,
    ) -> Cell {
        self.contenders.push(Contender { name: name.into(), peer, work: Work::Run(Box::new(work)) });
        self
    }

    /// Adds a contender that cannot do this cell.
    pub(crate) fn without(mut self, name: impl Into<String>, peer: &'static str, why: &'static str) -> Cell {
        self.contenders.push(Contender { name: name.into(), peer, work: Work::NotAvailable(why) });
        self
    }
}

/// All cells, in the order of the report.
pub(crate) fn all() -> Vec<Cell> {
    cells::all()
}

/// The workers that each multi-threaded runtime gets.
pub(crate) const WORKERS: usize = 2;
