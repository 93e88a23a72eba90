//! A dump as text.
use super::{Dump, HolderDump, ObjectDump, TaskDump, Who};
use dormouse_wait::Reason;
use dormouse_wait::frame::Site;
use std::fmt::{self, Display, Formatter};

/// Objects, and holders and waiters of each, in a report.
const SHOWN: usize = 20;

/// What is waited for, and where: `[chan receive] at src/main.rs:7:20`.
#[derive(Clone, Copy, Debug)]
pub(crate) struct WaitsFor(pub(crate) Reason, pub(crate) Option<Site>);

impl Display for WaitsFor {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self.1 {
            Some(site) => write!(f, "[{}] at {site}", self.0),
            None => write!(f, "[{}]", self.0),
        }
    }
}

/// `main`, `task 7 "name"`.
impl Display for Who {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self {
            Who::Main => f.write_str("main"),
            Who::Task(id, None) => write!(f, "task {id}"),
            Who::Task(id, Some(name)) => write!(f, "task {id} \"{name}\""),
            Who::Gone(id) => write!(f, "task {id}, which is not here any more"),
            Who::Thread(None) => f.write_str("a thread"),
            Who::Thread(Some(name)) => write!(f, "thread \"{name}\""),
        }
    }
}

impl ObjectDump {
    /// Can somebody hold it? Others are waited for until something happens.
    fn is_held(&self) -> bool {
        matches!(self.kind, "Mutex" | "RwLock" | "Semaphore")
    }

    /// Is there more to say of it than that somebody waits?
    fn is_shown(&self) -> bool {
        self.is_held() || self.waiters.len() > 1
    }

    /// The holders, each said by `say`.
    fn held_by(&self, say: impl Fn(&HolderDump) -> String) -> String {
        match (&self.holders[..], self.kind) {
            ([], "Semaphore") => "held by nobody".into(),
            ([], _) => "held by nobody that is known".into(),
            (holders, _) => format!("held by {}", list(holders.iter().map(say))),
        }
    }
}

/// Some of the items, with a comma between them.
fn list(items: impl ExactSizeIterator<Item = String>) -> String {
    let more = items.len().saturating_sub(SHOWN);
    let mut text = items.take(SHOWN).collect::<Vec<_>>().join(", ");
    if more > 0 {
        text.push_str(&format!(" and {more} more"));
    }
    text
}

impl Dump {
    /// What the object at this place is called.
    fn name(&self, place: usize) -> String {
        let object = &self.objects[place];
        if !self.simulated {
            return format!("{} {:#x}", object.kind, object.address);
        }
        let shown = self.objects[..place].iter().filter(|object| object.is_shown()).count();
        format!("{} #{}", object.kind, shown + 1)
    }

    /// A task in a line.
    pub(crate) fn line(&self, task: &TaskDump) -> String {
        let local = if task.local { " (local)" } else { "" };
        let mut line = match task.reason {
            Some(reason) => format!("{}{local} {}", task.who, WaitsFor(reason, task.site)),
            None => format!("{}{local} [runnable]", task.who),
        };
        if let Some(place) = task.object.filter(|place| self.objects[*place].is_shown()) {
            let object = &self.objects[place];
            line.push_str(&format!(" for {}", self.name(place)));
            if object.is_held() {
                line.push_str(&format!(" ({})", object.held_by(|holder| holder.who.to_string())));
            }
        }
        if let Some(spawned) = task.spawned {
            line.push_str(&format!(", spawned at {spawned}"));
        }
        line
    }

    /// A line for each object that there is something to say of, then one for each circle.
    pub(crate) fn object_lines(&self) -> Vec<String> {
        let places = (0..self.objects.len()).filter(|place| self.objects[*place].is_shown());
        let mut lines: Vec<_> = places.clone().take(SHOWN).map(|place| self.object_line(place)).collect();
        let more = places.count().saturating_sub(SHOWN);
        if more > 0 {
            lines.push(format!("and {more} more objects"));
        }
        lines.extend(self.cycles.iter().map(|cycle| self.cycle_line(cycle)));
        lines
    }

    fn object_line(&self, place: usize) -> String {
        let object = &self.objects[place];
        let mut line = format!("{}: ", self.name(place));
        if object.is_held() {
            let holders = object.held_by(|HolderDump { who, site, permits, .. }| match object.kind {
                "Semaphore" => format!("{who} (permits: {permits}, taken at {site})"),
                _ => format!("{who} (taken at {site})"),
            });
            line.push_str(&format!("{holders}; "));
        }
        let waiters = object.waiters.iter().map(|waiter| {
            let TaskDump { who, site, .. } = &self.tasks[*waiter];
            site.map_or_else(|| who.to_string(), |site| format!("{who} (at {site})"))
        });
        line + &format!("waited for by {}", list(waiters))
    }

    fn cycle_line(&self, cycle: &[usize]) -> String {
        let held_by = cycle.iter().cycle().skip(1);
        let steps: Vec<_> = cycle
            .iter()
            .zip(held_by)
            .map(|(waiter, holder)| {
                let (waiter, holder) = (&self.tasks[*waiter], &self.tasks[*holder].who);
                let object = waiter.object.map(|place| self.name(place)).unwrap_or_default();
                format!("{} waits for {object}, which {holder} holds", waiter.who)
            })
            .collect();
        format!("lock cycle: {}", steps.join("; "))
    }
}

impl Display for Dump {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let tasks = self.tasks.iter().map(|task| self.line(task));
        tasks.chain(self.object_lines()).try_for_each(|line| writeln!(f, "{line}"))
    }
}
