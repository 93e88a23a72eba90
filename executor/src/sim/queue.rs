//! Which runnable task runs next: the strategies.
use super::rng::Stream;
use crate::task::meta::Meta;
use async_task::Runnable;
use std::cmp::Ordering;
use std::collections::{BinaryHeap, HashMap, VecDeque};

/// How a simulated run chooses among its runnable tasks. All choices come from the seed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Strategy {
    /// One of the others, which the seed chooses: half the seeds are `Random`, a quarter each `Pct` with 2 changes and
    /// `RoundRobin`. So a search over many seeds has something of each.
    #[default]
    Mixed,
    /// Each runnable task is as likely.
    Random,
    /// Each task has a random priority, and the highest runs, but at `changes` random steps, where the task that runs
    /// falls behind all others. A task that yields falls behind too. Finds bugs that need few, but unlikely, orders.
    /// After Burckhardt, Kothari, Musuvathi and Nagarakatte, "A Randomized Scheduler with Probabilistic Guarantees of
    /// Finding Bugs" (2010).
    Pct {
        /// How many changes; a bug that needs d ordered steps shows with d - 1.
        changes: u32,
    },
    /// The tasks take turns in the order in which they became runnable, but for one of them, at one random step, whose
    /// turn is delayed until all others had theirs. After Emmi, Qadeer and Rakamaric, "Delay-Bounded Scheduling" (2011).
    RoundRobin,
}

/// What can run.
pub(super) enum Turn {
    /// The future that the run was started with.
    Main,
    Task {
        id: u64,
        key: u32,
        task: Runnable<Meta>,
    },
}

impl Turn {
    /// Its number; main's is 0.
    pub(super) fn id(&self) -> u64 {
        match self {
            Turn::Main => 0,
            Turn::Task { id, .. } => *id,
        }
    }
}

/// The runnable tasks, and how to choose.
pub(super) enum Queue {
    Random {
        turns: Vec<Turn>,
    },
    RoundRobin {
        turns: VecDeque<Turn>,
        /// The step at which a turn is delayed.
        delay: u64,
    },
    Pct {
        turns: BinaryHeap<Ranked>,
        priorities: HashMap<u64, i64>,
        /// The steps at which priorities change, the next one last.
        changes: Vec<u64>,
        /// Below all priorities there are.
        lowest: i64,
    },
}

/// A turn with its task's priority.
pub(super) struct Ranked {
    priority: i64,
    turn: Turn,
}

impl PartialEq for Ranked {
    fn eq(&self, other: &Ranked) -> bool {
        self.cmp(other).is_eq()
    }
}
impl Eq for Ranked {}
impl PartialOrd for Ranked {
    fn partial_cmp(&self, other: &Ranked) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}
impl Ord for Ranked {
    fn cmp(&self, other: &Ranked) -> Ordering {
        (self.priority, self.turn.id()).cmp(&(other.priority, other.turn.id()))
    }
}

/// A number of steps that a run may have, as nobody knows how many it will: each order of magnitude is as likely.
fn horizon(rng: &Stream) -> u64 {
    16 << rng.below(12)
}

impl Queue {
    pub(super) fn new(strategy: Strategy, rng: &Stream) -> Queue {
        let strategy = match strategy {
            Strategy::Mixed => match rng.below(4) {
                0 => Strategy::Pct { changes: 2 },
                1 => Strategy::RoundRobin,
                _ => Strategy::Random,
            },
            chosen => chosen,
        };
        match strategy {
            Strategy::Pct { changes } => {
                let horizon = horizon(rng);
                let mut changes: Vec<_> = (0..changes).map(|_| rng.below(horizon)).collect();
                changes.sort_unstable_by(|a, b| b.cmp(a));
                Queue::Pct { turns: BinaryHeap::new(), priorities: HashMap::new(), changes, lowest: 0 }
            }
            Strategy::RoundRobin => {
                Queue::RoundRobin { turns: VecDeque::new(), delay: rng.below(horizon(rng)) }
            }
            _ => Queue::Random { turns: Vec::new() },
        }
    }

    pub(super) fn push(&mut self, turn: Turn, rng: &Stream) {
        match self {
            Queue::Random { turns } => turns.push(turn),
            Queue::RoundRobin { turns, .. } => turns.push_back(turn),
            Queue::Pct { turns, priorities, .. } => {
                let fresh = || 1 + (rng.next() >> 2) as i64;
                let priority = *priorities.entry(turn.id()).or_insert_with(fresh);
                turns.push(Ranked { priority, turn });
            }
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        match self {
            Queue::Random { turns } => turns.is_empty(),
            Queue::RoundRobin { turns, .. } => turns.is_empty(),
            Queue::Pct { turns, .. } => turns.is_empty(),
        }
    }

    /// The numbers of what can run.
    pub(super) fn ids(&self) -> Box<dyn Iterator<Item = u64> + '_> {
        match self {
            Queue::Random { turns } => Box::new(turns.iter().map(Turn::id)),
            Queue::RoundRobin { turns, .. } => Box::new(turns.iter().map(Turn::id)),
            Queue::Pct { turns, .. } => Box::new(turns.iter().map(|ranked| ranked.turn.id())),
        }
    }

    /// Takes out what runs at this step.
    pub(super) fn next(&mut self, step: u64, rng: &Stream) -> Option<Turn> {
        match self {
            Queue::Random { turns } if turns.is_empty() => None,
            Queue::Random { turns } => Some(turns.swap_remove(rng.below(turns.len() as u64) as usize)),
            Queue::RoundRobin { turns, delay } => {
                if *delay == step && !turns.is_empty() {
                    turns.rotate_left(1);
                }
                turns.pop_front()
            }
            Queue::Pct { turns, priorities, changes, lowest } => {
                let mut first = turns.pop()?;
                while changes.pop_if(|at| *at <= step).is_some() {
                    *lowest -= 1;
                    priorities.insert(first.turn.id(), *lowest);
                    first.priority = *lowest;
                    turns.push(first);
                    first = turns.pop()?;
                }
                Some(first.turn)
            }
        }
    }

    /// A task that is not queued said that it is the others' turn.
    pub(super) fn yielded(&mut self, id: u64) {
        if let Queue::Pct { priorities, lowest, .. } = self {
            *lowest -= 1;
            priorities.insert(id, *lowest);
        }
    }
}
