//! The live tasks of a runtime: one shard per slot, each behind its own short lock.
//!
//! Purpose: a task that waits while nobody holds its waker must still be destroyed at shutdown, with its destructor run
//! (async-task frees such a task without it), and a dump must find it. So the registry holds a counted waker per task.
//!
//! Invariants:
//! - G1 an entry stands from before its task is published until the task's last poll takes it out; so its waker and its
//!   `meta` are valid under the shard's lock.
//! - G2 a closed shard takes no entry; the one who takes the last entry out of a closed shard, or closes an empty one,
//!   is told so, once per shard.
//! - T6 wakers are moved out under the lock and dropped outside of it. (Cloning a task's waker is async-task's code, a
//!   counter, and may be done under the lock.)
//!
//! Checked by `models::shard_*` (loom), `tests/shutdown.rs` and `tests/task.rs`.
use super::id::{Id, Ids};
use super::meta::Meta;
use super::origin::Origin;
use dormouse_wait::Reason;
use dormouse_wait::frame::Site;
use dormouse_wait::lock::Lock;
use dormouse_wait::wakes::Wakes;
use slab::Slab;
use std::ptr::NonNull;
use std::task::Waker;

/// Tasks looked at per holding of the lock.
const CHUNK: usize = 1_000;
/// Places that are kept.
const KEPT: usize = 1_000;
/// More entries than there can be.
const NEVER: usize = usize::MAX;

/// What the registry knows of a task.
#[derive(Debug)]
pub(crate) struct Entry {
    waker: Waker,
    meta: NonNull<Meta>,
    pub(crate) id: Id,
    pub(crate) origin: Origin,
}

// SAFETY: `meta` is valid as long as the entry's waker is, and Meta is Sync.
unsafe impl Send for Entry {}

#[derive(Debug)]
struct Tasks {
    entries: Slab<Entry>,
    ids: Ids,
    spawned: u64,
    /// At so few entries, what a burst has left behind is given back; [`NEVER`] if there is nothing.
    shrink_at: usize,
    closed: bool,
}

impl Tasks {
    /// Gives back what is free behind the last entry, and is to be called again at half as many: an entry at the end keeps
    /// everything, but a call that finds one there costs nothing.
    #[cold]
    fn shrink(&mut self) {
        self.entries.shrink_to_fit();
        self.shrink_at = if self.entries.capacity() <= KEPT { NEVER } else { self.entries.len() / 2 };
    }
}

/// One part of the registry.
#[derive(Debug)]
pub(crate) struct Shard(Lock<Tasks>);

/// A task that was taken out of its shard.
#[derive(Debug)]
pub(crate) struct Removed {
    pub(crate) entry: Entry,
    /// The shard is closed and now empty (G2).
    pub(crate) last: bool,
}

impl Shard {
    /// An empty shard, whose tasks are numbered from `ids`.
    pub(crate) fn new(ids: Ids) -> Shard {
        Shard(Lock::new(Tasks { entries: Slab::new(), ids, spawned: 0, shrink_at: NEVER, closed: false }))
    }

    /// Enters a task and notes the place in its `meta`. `false` if the shard is closed; there is an id in any case.
    ///
    /// The task must not be published yet, and must take its entry out in its last poll (G1).
    pub(crate) fn insert(&self, number: u16, waker: Waker, meta: &Meta, origin: Origin) -> (Id, bool) {
        let mut tasks = self.0.lock();
        let id = tasks.ids.next();
        if tasks.closed {
            drop(tasks);
            return (id, false);
        }
        tasks.spawned += 1;
        if tasks.entries.len() == tasks.entries.capacity() {
            // It grows, to twice that.
            tasks.shrink_at = if tasks.entries.len() < KEPT { NEVER } else { tasks.entries.len() / 4 };
        }
        let key = tasks.entries.insert(Entry { waker, meta: NonNull::from(meta), id, origin });
        meta.register(number, u32::try_from(key).expect("fewer than 2^32 tasks per slot"));
        (id, true)
    }

    /// Takes a task out; its last poll calls this once.
    pub(crate) fn remove(&self, key: u32) -> Removed {
        let mut tasks = self.0.lock();
        let entry = tasks.entries.remove(key as usize);
        if tasks.entries.len() == tasks.shrink_at {
            tasks.shrink();
        }
        let last = tasks.closed && tasks.entries.is_empty();
        Removed { entry, last }
    }

    /// Takes no more tasks. True if none is left.
    pub(crate) fn close(&self) -> bool {
        let mut tasks = self.0.lock();
        tasks.closed = true;
        tasks.entries.is_empty()
    }

    /// Lets every task of this shard end at its next poll, and wakes it.
    pub(crate) fn abort_all(&self) {
        let mut key = 0;
        loop {
            let mut wakes = Wakes::new();
            let tasks = self.0.lock();
            let end = tasks.entries.capacity();
            while key < end && !wakes.is_full() {
                if let Some(entry) = tasks.entries.get(key) {
                    // SAFETY: the entry stands, so its task's memory does (G1).
                    unsafe { entry.meta.as_ref() }.abort();
                    wakes.push(entry.waker.clone());
                }
                key += 1;
            }
            drop(tasks);
            wakes.fire();
            if key >= end {
                return;
            }
        }
    }

    /// The id of the task with this key and meta, if it is still live.
    pub(crate) fn id(&self, key: u32, meta: &Meta) -> Option<Id> {
        self.find(key, meta, |entry| entry.id)
    }

    /// A waker of the task with this key and meta, if it is still live.
    pub(crate) fn waker(&self, key: u32, meta: &Meta) -> Option<Waker> {
        self.find(key, meta, |entry| entry.waker.clone())
    }

    /// Why and where the task with this key and id waits, if it is still live.
    pub(crate) fn waited(&self, key: u32, id: Id) -> Option<(Reason, Option<Site>)> {
        let tasks = self.0.lock();
        let entry = tasks.entries.get(key as usize).filter(|entry| entry.id == id)?;
        // SAFETY: the entry stands, so its task's memory does (G1).
        Some(unsafe { entry.meta.as_ref() }.waits.get())
    }

    /// A live task that some number picks, and its waker: for faults. It is told to end if `abort` says so.
    pub(crate) fn pick(&self, number: u64, abort: bool) -> Option<(Id, Waker)> {
        let tasks = self.0.lock();
        let places = tasks.entries.capacity() as u64;
        let place = number.checked_rem(places)? as usize;
        let entry = tasks.entries.get(place)?;
        if abort {
            // SAFETY: the entry stands, so its task's memory does (G1).
            unsafe { entry.meta.as_ref() }.abort();
        }
        Some((entry.id, entry.waker.clone()))
    }

    /// Calls `f` with the entry of the task with this key and meta, if it is still live, under the lock.
    pub(crate) fn find<R>(&self, key: u32, meta: &Meta, f: impl FnOnce(&Entry) -> R) -> Option<R> {
        let tasks = self.0.lock();
        tasks.entries.get(key as usize).filter(|entry| entry.meta == NonNull::from(meta)).map(f)
    }

    /// The number of live tasks.
    pub(crate) fn len(&self) -> usize {
        self.0.lock().entries.len()
    }

    /// Numbers for tasks that are registered elsewhere; see [`Ids::lend`].
    pub(crate) fn lend_ids(&self) -> Ids {
        self.0.lock().ids.lend()
    }

    /// How many tasks are alive, and how many ever were.
    pub(crate) fn counts(&self) -> (usize, u64) {
        let tasks = self.0.lock();
        (tasks.entries.len(), tasks.spawned)
    }

    /// Does `f` hold for each live task? Asked under the lock, in chunks (T4).
    pub(crate) fn all(&self, f: impl Fn(&Meta) -> bool) -> bool {
        let mut all = true;
        self.for_each(|_, meta| all = all && f(meta));
        all
    }

    /// Calls `f` with each live task, under the lock, in chunks (T4).
    pub(crate) fn for_each(&self, mut f: impl FnMut(&Entry, &Meta)) {
        let mut start = 0;
        loop {
            let tasks = self.0.lock();
            let end = tasks.entries.capacity();
            for key in start..end.min(start + CHUNK) {
                if let Some(entry) = tasks.entries.get(key) {
                    // SAFETY: the entry stands, so its task's memory does (G1).
                    f(entry, unsafe { entry.meta.as_ref() });
                }
            }
            start += CHUNK;
            if start >= end {
                return;
            }
        }
    }
}
