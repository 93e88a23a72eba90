//! Numbers of tasks: unique in the process, never used twice, handed out in blocks so that spawning shares no line.
use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering::*};

/// The number of a task: unique among all tasks that this process ever spawns on real runtimes. A simulated run
/// counts its own tasks from 1.
///
/// ```
/// # dormouse_executor::runtime::block_on(async {
/// use dormouse_executor::task;
/// let task = task::spawn(async { task::id() });
/// let id = task.id();
/// assert_eq!(task.await.unwrap(), id);
/// # });
/// ```
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Id(pub(crate) u64);

impl fmt::Display for Id {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl fmt::Debug for Id {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Id({})", self.0)
    }
}

/// A block of numbers, under its owner's lock.
#[derive(Debug)]
pub(crate) struct Ids {
    next: u64,
    end: u64,
}

impl Ids {
    const BLOCK: u64 = 1 << 12;

    pub(crate) fn new() -> Ids {
        Ids { next: 0, end: 0 }
    }

    /// The numbers of a simulated run: from 1 on.
    pub(crate) fn from_one() -> Ids {
        Ids { next: 1, end: u64::MAX }
    }

    /// Numbers for tasks that are registered elsewhere, in a simulated run: from above, so that its own stay as they are.
    pub(crate) fn lend(&mut self) -> Ids {
        let end = self.end;
        self.end -= 1 << 32;
        Ids { next: self.end, end }
    }

    #[inline]
    pub(crate) fn next(&mut self) -> Id {
        static BLOCKS: AtomicU64 = AtomicU64::new(1);
        if self.next == self.end {
            self.next = BLOCKS.fetch_add(Ids::BLOCK, Relaxed);
            self.end = self.next + Ids::BLOCK;
        }
        self.next += 1;
        Id(self.next - 1)
    }
}
