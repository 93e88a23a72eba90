//! The live tasks of a runtime: one shard per slot, each behind its own short lock.
//!
//! Purpose: a task that waits while nobody holds its waker must still be destroyed at shutdown, with its destructor run
//! (async-task frees such a task without it), and a dump must find it. So the registry holds a counted waker per task.
//!
//! A task that ends on a worker with another shard does not take that lock, which would pass to and fro between the two
//! threads: it leaves its key on a stack ([`Shard::leave`]), and who spawns into the shard after a while, or goes to sleep,
//! takes out what is there ([`Shard::sweep`]). (Measured: two workers that join batches of 1,000 spent a third of their time
//! at the lock.)
//!
//! | event | who | then |
//! |---|---|---|
//! | a task is spawned | any | its entry stands |
//! | its last poll, on a worker of this shard or of none | that worker | the entry is taken out |
//! | its last poll, on another worker | that worker | ended; its key is on the stack, the entry stands |
//! | every [`SWEEP`]th spawn, the [`PILE`]th key on the stack, a worker leaves its slot | whoever does it | the entries of those on the stack are taken out |
//! | the shard is closed | the closer | those on the stack are taken out, and no key comes there any more |
//!
//! Invariants:
//! - G1 an entry stands from before its task is published until the task's last poll takes it out, or leaves it to a
//!   sweep; so its waker and its `meta` are valid under the shard's lock.
//! - G2 a closed shard takes no entry; the one who takes the last entry out of a closed shard, or closes an empty one,
//!   is told so, once per shard.
//! - G3 a key is on the stack from when its task has ended until a sweep, and its `meta` holds the next key: nobody else
//!   takes the entry out, and nobody counts or reports it.
//! - T6 wakers are moved out under the lock and dropped outside of it. (Cloning a task's waker is async-task's code, a
//!   counter, and may be done under the lock.)
//!
//! Checked by `models::shard` (loom), `tests/shutdown.rs`, `tests/task.rs` and `tests/metrics.rs`.
use super::id::{Id, Ids};
use super::meta::Meta;
use super::origin::Origin;
use dormouse_wait::Reason;
use dormouse_wait::frame::Site;
use dormouse_wait::lock::Lock;
use dormouse_wait::prim::atomic::{AtomicU64, Ordering::*};
use dormouse_wait::wakes::Wakes;
use slab::Slab;
use std::ptr::NonNull;
use std::task::Waker;

/// Tasks looked at per holding of the lock.
const CHUNK: usize = 1_000;
/// Places that are kept.
const KEPT: usize = 1_000;
/// Spawns between two looks at the stack.
const SWEEP: u64 = if cfg!(dormouse_loom) { 2 } else { 32 };
/// So many keys on the stack are swept by who brings the last of them.
const PILE: u32 = if cfg!(dormouse_loom) { 2 } else { 64 };
/// Entries that are taken out per holding of the lock.
const SWEPT: usize = 32;
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
    /// Entries that a sweep is about to take out.
    leaving: usize,
    /// At so few entries, what a burst has left behind is given back; [`NEVER`] if there is nothing.
    shrink_at: usize,
    closed: bool,
}

impl Tasks {
    /// The task with this key, if it has not ended.
    fn live(&self, key: usize) -> Option<(&Entry, &Meta)> {
        let entry = self.entries.get(key)?;
        // SAFETY: the entry stands, so its task's memory does (G1).
        let meta = unsafe { entry.meta.as_ref() };
        (!meta.has_ended()).then_some((entry, meta))
    }

    fn remove(&mut self, key: u32) -> Removed {
        let entry = self.entries.remove(key as usize);
        if self.entries.len() == self.shrink_at {
            self.shrink();
        }
        let last = self.closed && self.entries.is_empty();
        Removed { entry, last }
    }

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
pub(crate) struct Shard {
    tasks: Lock<Tasks>,
    ended: Stack,
}

/// The keys of tasks that ended elsewhere, each with the next one in its `meta`: how many, and the first. In cache lines of
/// its own, which the workers that end tasks pass around, while the spawner has the lock and the entries in its cache.
#[derive(Debug)]
#[repr(align(128))]
struct Stack(AtomicU64);

/// A stack's value when its shard is closed.
const CLOSED: u64 = u64::MAX;
/// No key.
const NONE: u32 = u32::MAX;

impl Stack {
    fn new() -> Stack {
        Stack(AtomicU64::new(Stack::value(0, NONE)))
    }

    fn value(count: u32, first: u32) -> u64 {
        u64::from(count) << 32 | u64::from(first)
    }

    /// How many keys there are; none when it is closed.
    fn len(&self) -> u32 {
        let value = self.0.load(Relaxed);
        if value == CLOSED { 0 } else { (value >> 32) as u32 }
    }

    /// Pushes the key of the ended task that has this `meta`. How many there are then; `None` if it is closed.
    fn push(&self, key: u32, meta: &Meta) -> Option<u32> {
        let mut value = self.0.load(Relaxed);
        loop {
            if value == CLOSED {
                return None;
            }
            let count = (value >> 32) as u32 + 1;
            meta.chain(value as u32);
            // Ordering: Release pairs with the Acquire of `take`: the link and the task's end are seen.
            match self.0.compare_exchange_weak(value, Stack::value(count, key), Release, Relaxed) {
                Ok(_) => return Some(count),
                Err(now) => value = now,
            }
        }
    }

    /// Takes all keys, and leaves it empty, or closed: how many, and the first, [`NONE`] if there is none.
    fn take(&self, close: bool) -> (u32, u32) {
        let left = if close { CLOSED } else { Stack::value(0, NONE) };
        let mut value = self.0.load(Relaxed);
        loop {
            if value == CLOSED {
                return (0, NONE);
            }
            // Ordering: Acquire pairs with the Release of `push`.
            match self.0.compare_exchange_weak(value, left, Acquire, Relaxed) {
                Ok(_) => return ((value >> 32) as u32, value as u32),
                Err(now) => value = now,
            }
        }
    }
}

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
        let tasks =
            Tasks { entries: Slab::new(), ids, spawned: 0, leaving: 0, shrink_at: NEVER, closed: false };
        Shard { tasks: Lock::new(tasks), ended: Stack::new() }
    }

    /// Enters a task and notes the place in its `meta`. `false` if the shard is closed; there is an id in any case.
    ///
    /// The task must not be published yet, and must take its entry out in its last poll (G1).
    pub(crate) fn insert(&self, number: u16, waker: Waker, meta: &Meta, origin: Origin) -> (Id, bool) {
        let mut tasks = self.tasks.lock();
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
        // (`NONE` is no key.)
        let key =
            u32::try_from(key).ok().filter(|key| *key != NONE).expect("fewer than 2^32 - 1 tasks per slot");
        meta.register(number, key);
        let sweep = tasks.spawned.is_multiple_of(SWEEP);
        drop(tasks);
        if sweep && self.ended.len() > 0 {
            let last = self.sweep();
            debug_assert!(!last, "the new task's entry stands");
        }
        (id, true)
    }

    /// Takes a task out; its last poll calls this once, or [`leave`](Shard::leave).
    pub(crate) fn remove(&self, key: u32) -> Removed {
        self.tasks.lock().remove(key)
    }

    /// Leaves a task that has ended to be taken out by a sweep, as its thread seldom comes here. `None` if it must be
    /// [removed](Shard::remove), as the shard is closed; else as [`sweep`](Shard::sweep).
    pub(crate) fn leave(&self, key: u32, meta: &Meta) -> Option<bool> {
        debug_assert!(meta.has_ended());
        let count = self.ended.push(key, meta)?;
        Some(count == PILE && self.sweep())
    }

    /// Are there tasks to be taken out?
    pub(crate) fn is_to_be_swept(&self) -> bool {
        self.ended.len() > 0
    }

    /// Takes those out that have ended elsewhere. True if the last one of a closed shard was among them (G2).
    #[cold]
    #[must_use = "a closed shard that is empty now is to be told of"]
    pub(crate) fn sweep(&self) -> bool {
        let mut tasks = self.tasks.lock();
        let (count, mut key) = self.ended.take(tasks.closed);
        tasks.leaving += count as usize;
        loop {
            let mut out = [const { None }; SWEPT];
            let mut last = false;
            for place in &mut out {
                if key == NONE {
                    break;
                }
                let removed = tasks.remove(key);
                tasks.leaving -= 1;
                // SAFETY: the entry's waker, held here, keeps the task's memory.
                key = unsafe { removed.entry.meta.as_ref() }.chained();
                last = removed.last;
                *place = Some(removed.entry);
            }
            drop(tasks);
            // T6.
            drop(out);
            if key == NONE {
                return last;
            }
            tasks = self.tasks.lock();
        }
    }

    /// Takes no more tasks. True if none is left.
    pub(crate) fn close(&self) -> bool {
        let mut tasks = self.tasks.lock();
        tasks.closed = true;
        let empty = tasks.entries.is_empty();
        drop(tasks);
        self.sweep() || empty
    }

    /// Lets every task of this shard end at its next poll, and wakes it.
    pub(crate) fn abort_all(&self) {
        let mut key = 0;
        loop {
            let mut wakes = Wakes::new();
            let tasks = self.tasks.lock();
            let end = tasks.entries.capacity();
            while key < end && !wakes.is_full() {
                if let Some((entry, meta)) = tasks.live(key) {
                    meta.abort();
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
        let tasks = self.tasks.lock();
        let (_, meta) = tasks.live(key as usize).filter(|(entry, _)| entry.id == id)?;
        Some(meta.waits.get())
    }

    /// A live task that some number picks, and its waker: for faults. It is told to end if `abort` says so.
    pub(crate) fn pick(&self, number: u64, abort: bool) -> Option<(Id, Waker)> {
        let tasks = self.tasks.lock();
        let places = tasks.entries.capacity() as u64;
        let place = number.checked_rem(places)? as usize;
        let (entry, meta) = tasks.live(place)?;
        if abort {
            meta.abort();
        }
        Some((entry.id, entry.waker.clone()))
    }

    /// Calls `f` with the entry of the task with this key and meta, if it is still live, under the lock.
    pub(crate) fn find<R>(&self, key: u32, meta: &Meta, f: impl FnOnce(&Entry) -> R) -> Option<R> {
        let tasks = self.tasks.lock();
        tasks.entries.get(key as usize).filter(|entry| entry.meta == NonNull::from(meta)).map(f)
    }

    /// The number of live tasks.
    pub(crate) fn len(&self) -> usize {
        self.counts().0
    }

    /// Numbers for tasks that are registered elsewhere; see [`Ids::lend`].
    pub(crate) fn lend_ids(&self) -> Ids {
        self.tasks.lock().ids.lend()
    }

    /// How many tasks are alive, and how many ever were.
    pub(crate) fn counts(&self) -> (usize, u64) {
        let tasks = self.tasks.lock();
        // G3. (The stack is taken from under the lock.)
        (tasks.entries.len() - tasks.leaving - self.ended.len() as usize, tasks.spawned)
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
            let tasks = self.tasks.lock();
            let end = tasks.entries.capacity();
            for key in start..end.min(start + CHUNK) {
                if let Some((entry, meta)) = tasks.live(key) {
                    f(entry, meta);
                }
            }
            start += CHUNK;
            if start >= end {
                return;
            }
        }
    }
}
