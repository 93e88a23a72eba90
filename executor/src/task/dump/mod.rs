//! What there is to say of live tasks: which, what they wait for, where, and who holds that.
//!
//! Who holds what is known while `dormouse_wait::holders` is on. The parts: this gathers, `cycle` finds who waits for
//! whom in a circle, `text` prints.
mod cycle;
mod text;

pub(crate) use text::WaitsFor;

use super::id::Id;
use super::registry::Shard;
use dormouse_wait::Reason;
use dormouse_wait::frame::{Site, Waits};
use dormouse_wait::holders;
use std::collections::HashMap;

/// What the live tasks of a runtime wait for, and who holds it: from [`Handle::dump`](crate::runtime::Handle::dump).
///
/// Its [`Display`](std::fmt::Display) is a line for each task, one for each object that somebody holds or several wait for,
/// and one for each circle of tasks in which each waits for what the next one holds.
///
/// It is no snapshot: tasks go on while it is made. What it says of a task was so at some moment meanwhile.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Dump {
    /// The futures in `block_on` (known if [deadlocks](crate::runtime::Builder::deadlock) are reported), then the live
    /// tasks by number.
    pub tasks: Vec<TaskDump>,
    /// What they wait for, as far as it is known: see [`track_holders`](crate::runtime::Builder::track_holders).
    pub objects: Vec<ObjectDump>,
    /// Circles: places in [`tasks`](Dump::tasks), each of which waits for what the next one holds, and the last for what
    /// the first does. At most 10, none of which shares a task with another.
    pub cycles: Vec<Vec<usize>>,
    /// A simulated run's: it is to be the same for the same seed, and so says no addresses.
    simulated: bool,
}

/// A task, or another holder of an object.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Who {
    /// A future in `block_on`.
    Main,
    /// A live task of this runtime.
    Task(Id, Option<String>),
    /// A task that has ended, or of another runtime.
    Gone(Id),
    /// Something else that ran on a thread, with this name if it has one.
    Thread(Option<String>),
}

/// A task in a [`Dump`].
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct TaskDump {
    /// Which.
    pub who: Who,
    /// Why it waits, by its last poll; `None` if it is known to be runnable. (A task that was woken since, or is being
    /// polled, is known to be that in a simulated run alone.)
    pub reason: Option<Reason>,
    /// Where it waits.
    pub site: Option<Site>,
    /// What it waits for: a place in [`Dump::objects`].
    pub object: Option<usize>,
    /// Where it was spawned.
    pub spawned: Option<Site>,
    /// Is it of a [`LocalSet`](crate::task::LocalSet) that was last polled in this runtime?
    pub local: bool,
}

/// What tasks wait for, in a [`Dump`].
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct ObjectDump {
    /// Its type, as `Mutex`.
    pub kind: &'static str,
    /// Where it is in memory.
    pub address: usize,
    /// Who holds it. Empty: nobody does, or did before that was tracked, or it was given to a future that has not been polled
    /// since. A holder whose guard was forgotten stays.
    pub holders: Vec<HolderDump>,
    /// Who waits for it: places in [`Dump::tasks`].
    pub waiters: Vec<usize>,
}

/// Who holds an object, in a [`Dump`].
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct HolderDump {
    /// Who took it. The guard may be elsewhere by now.
    pub who: Who,
    /// Where it was taken.
    pub site: Site,
    /// How many permits it has; 1 of a lock.
    pub permits: u32,
    /// Its place in [`Dump::tasks`], if it has one.
    pub task: Option<usize>,
}

/// What a future waits for, as its last poll noted it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Noted {
    pub(crate) reason: Reason,
    pub(crate) site: Option<Site>,
    object: Option<usize>,
    /// The address of where it noted that.
    waits: usize,
}

impl Noted {
    pub(crate) fn of(waits: &Waits) -> Noted {
        let (reason, site) = waits.get();
        Noted { reason, site, object: waits.object(), waits: holders::address(waits) }
    }
}

/// The type of what is waited for with this reason.
fn kind(reason: Reason) -> &'static str {
    match reason {
        Reason::MutexLock => "Mutex",
        Reason::RwLockRead | Reason::RwLockWrite => "RwLock",
        Reason::SemaphoreAcquire => "Semaphore",
        Reason::CondWait => "Condvar",
        Reason::WaitGroupWait => "WaitGroup",
        Reason::Notify => "Notify",
        Reason::BarrierWait => "Barrier",
        Reason::ContextDone => "Context",
        Reason::OnceDo => "Once",
        Reason::SingleFlight => "SingleFlight",
        _ => "object",
    }
}

impl Dump {
    /// Of the futures in `block_on` and the tasks in `shards`, each with whether they are local.
    pub(crate) fn gather<'s>(
        mains: impl IntoIterator<Item = Noted>,
        shards: impl Iterator<Item = (&'s Shard, bool)>,
        simulated: bool,
        is_runnable: impl Fn(Id, &Waits) -> bool,
    ) -> Dump {
        let mut noted: Vec<(Noted, TaskDump)> = Vec::new();
        let task = |who, waits: &Noted, spawned, local| {
            let (reason, site) = (Some(waits.reason), waits.site);
            TaskDump { who, reason, site, object: None, spawned, local }
        };
        for main in mains {
            noted.push((main, task(Who::Main, &main, None, false)));
        }
        let first = noted.len();
        for (shard, local) in shards {
            shard.for_each(|entry, meta| {
                let waits = Noted::of(&meta.waits);
                let who = Who::Task(entry.id, entry.origin.name().map(String::from));
                let mut task = task(who, &waits, Some(entry.origin.spawned()), local);
                if is_runnable(entry.id, &meta.waits) {
                    (task.reason, task.site) = (None, None);
                }
                noted.push((waits, task));
            });
        }
        noted[first..].sort_by_key(|(_, task)| task.id());
        let (waits, tasks): (Vec<_>, Vec<_>) = noted.into_iter().unzip();
        let mut dump = Dump { tasks, objects: Vec::new(), cycles: Vec::new(), simulated };
        dump.add_objects(&waits);
        dump.cycles = cycle::find(&dump);
        dump
    }

    /// Adds what the tasks wait for; `waits` is what they noted.
    fn add_objects(&mut self, waits: &[Noted]) {
        let mut places = HashMap::new();
        for (waiter, (task, noted)) in self.tasks.iter_mut().zip(waits).enumerate() {
            let (Some(reason), Some(address)) = (task.reason, noted.object) else { continue };
            let kind = kind(reason);
            let place = *places.entry((address, kind)).or_insert_with(|| {
                let (holders, waiters) = (Vec::new(), Vec::new());
                self.objects.push(ObjectDump { kind, address, holders, waiters });
                self.objects.len() - 1
            });
            self.objects[place].waiters.push(waiter);
            task.object = Some(place);
        }
        let roots: HashMap<_, _> =
            waits.iter().enumerate().map(|(place, noted)| (noted.waits, place)).collect();
        let ids: HashMap<_, _> =
            self.tasks.iter().enumerate().filter_map(|(place, task)| Some((task.id()?, place))).collect();
        for object in &mut self.objects {
            let holders = holders::of(object.address).into_iter().map(|holder| {
                let (who, task) = match holder.who {
                    holders::Who::Task(id) => match ids.get(&Id(id)) {
                        Some(&place) => (self.tasks[place].who.clone(), Some(place)),
                        None => (Who::Gone(Id(id)), None),
                    },
                    holders::Who::Root(waits) => (Who::Main, roots.get(&waits).copied()),
                    holders::Who::Thread(thread) => (Who::Thread(thread.name().map(String::from)), None),
                    _ => (Who::Thread(None), None),
                };
                HolderDump { who, site: holder.site, permits: holder.permits, task }
            });
            object.holders = holders.collect();
        }
    }
}

impl TaskDump {
    fn id(&self) -> Option<Id> {
        match self.who {
            Who::Task(id, _) => Some(id),
            _ => None,
        }
    }
}
