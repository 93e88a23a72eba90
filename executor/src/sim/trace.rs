//! What a simulated run did, step by step: the last steps for a report, and a hash over all of them.
use crate::task::dump::WaitsFor;
use dormouse_wait::Reason;
use dormouse_wait::frame::Site;
use std::collections::{HashMap, VecDeque};
use std::fmt;
use std::time::Duration;

/// How many steps a report shows.
const KEPT: usize = 50;

/// What happened to a task.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Event {
    /// It ran, and waits.
    Waits(Reason, Option<Site>),
    /// It ran to its end.
    Ended,
    /// It was woken for nothing.
    Spurious,
    /// It was told to end.
    Aborted,
    /// No task: the clock moved on to this time.
    Clock,
}

struct Step {
    number: u64,
    /// Virtual nanoseconds.
    at: u64,
    who: u64,
    event: Event,
}

/// The record of a run.
pub(super) struct Trace {
    last: VecDeque<Step>,
    hash: u64,
    names: HashMap<u64, Box<str>>,
}

impl Trace {
    pub(super) fn new() -> Trace {
        // The offset basis of FNV-1a.
        Trace { last: VecDeque::with_capacity(KEPT), hash: 0xCBF2_9CE4_8422_2325, names: HashMap::new() }
    }

    /// Over all steps: who, when, and how it ended.
    pub(super) fn hash(&self) -> u64 {
        self.hash
    }

    pub(super) fn name(&mut self, who: u64, name: &str) {
        self.names.entry(who).or_insert_with(|| name.into());
    }

    pub(super) fn add(&mut self, number: u64, at: u64, who: u64, event: Event) {
        let what = match event {
            Event::Waits(reason, site) => {
                16 + reason as u64 + site.map_or(0, |site| u64::from(site.line()) << 8)
            }
            Event::Ended => 1,
            Event::Spurious => 2,
            Event::Aborted => 3,
            Event::Clock => 4,
        };
        for part in [at, who, what] {
            // FNV-1a, by words.
            self.hash = (self.hash ^ part).wrapping_mul(0x0000_0100_0000_01B3);
            self.hash ^= self.hash >> 29;
        }
        if self.last.len() == KEPT {
            self.last.pop_front();
        }
        self.last.push_back(Step { number, at, who, event });
    }

    /// What a report calls a task.
    pub(super) fn who(&self, id: u64) -> String {
        match (id, self.names.get(&id)) {
            (0, _) => "main".into(),
            (_, Some(name)) => format!("task {id} \"{name}\""),
            (_, None) => format!("task {id}"),
        }
    }
}

/// The last steps, a line each.
impl fmt::Display for Trace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut steps = self.last.iter().peekable();
        while let Some(Step { number, at, who, event }) = steps.next() {
            // A task that goes round in a circle.
            let mut times = 1;
            while steps.next_if(|next| next.who == *who && next.event == *event && next.at == *at).is_some() {
                times += 1;
            }
            let times = if times > 1 { format!(", {times} times") } else { String::new() };
            write!(f, "  {number:>6}  {:<10} ", Time(*at))?;
            match event {
                Event::Clock => writeln!(f, "the clock moves on")?,
                Event::Ended => writeln!(f, "{} runs, and ends", self.who(*who))?,
                Event::Spurious => writeln!(f, "{} is woken for nothing", self.who(*who))?,
                Event::Aborted => writeln!(f, "{} is aborted", self.who(*who))?,
                Event::Waits(reason, site) => {
                    writeln!(f, "{} runs, then {}{times}", self.who(*who), WaitsFor(*reason, *site))?
                }
            }
        }
        Ok(())
    }
}

/// Virtual nanoseconds.
pub(super) struct Time(pub(super) u64);

impl fmt::Display for Time {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&format!("{:?}", Duration::from_nanos(self.0)))
    }
}
