//! Who holds what, and who waits for what: the tables that a dump reads, off unless somebody [turns them on](turn_on).
//!
//! An object is its address. What is taken (a mutex, permits) has an entry from just after it is taken until just before
//! it is given back, with who took it and where; so an entry outlives neither its object's next owner nor, but for a
//! guard that was forgotten, its own. An entry is found again by its [`Ticket`], which the guard carries: so a guard may
//! be given back by somebody else than took it.
//!
//! | event | entries of the object after |
//! |---|---|
//! | [`own`]: taken by one alone | that one: what else is there was forgotten |
//! | [`share`]: taken by one of several | that one more; no sole owner, and nobody else if the object says that it has only this one: they were forgotten |
//! | [`give_back`], [`disown`] | without that one |
//!
//! What is taken while the tables are off has the ticket 0 and no entry, and giving it back changes nothing.
//!
//! Off, a hook costs one relaxed load and a branch. On, each takes a lock of `std` for a moment, one of 64: so the tables
//! are for development, and for who looks for a deadlock. Under loom and shuttle they are always off.
//!
//! Checked by `tests/holders.rs`.
use crate::frame::{self, Site};
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering::Relaxed};
use std::sync::{Mutex, MutexGuard, OnceLock, PoisonError};
use std::thread::{self, Thread};

/// Who took something.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum Who {
    /// The task with this number.
    Task(u64),
    /// A future that a runtime of ours polls beside its tasks: the address of its [`Waits`](frame::Waits).
    Root(usize),
    /// Somebody else on this thread.
    Thread(Thread),
}

/// One who holds something.
#[derive(Clone, Debug)]
pub struct Holder {
    /// Who took it; the guard may be elsewhere by now.
    pub who: Who,
    /// Where it was taken.
    pub site: Site,
    /// How many permits it holds: 1 of a lock.
    pub permits: u32,
}

/// Which entry of an object: 0 is the sole owner's, or none.
pub type Ticket = u32;

type Table<K, V> = Mutex<BTreeMap<K, V>>;

const SHARDS: usize = 64;

static ON: AtomicBool = AtomicBool::new(false);
static TASK: OnceLock<fn() -> Option<u64>> = OnceLock::new();
static TICKETS: AtomicU32 = AtomicU32::new(0);
static HOLDERS: [Table<(usize, Ticket), Holder>; SHARDS] = [const { Mutex::new(BTreeMap::new()) }; SHARDS];
/// What the last poll with these `Waits` waits for.
static OBJECTS: [Table<usize, usize>; SHARDS] = [const { Mutex::new(BTreeMap::new()) }; SHARDS];

/// Turns the tables on, for the process and for good. `task` gives the number of the task that is polled on the calling
/// thread; the first one given stays.
pub fn turn_on(task: fn() -> Option<u64>) {
    TASK.get_or_init(|| task);
    ON.store(true, Relaxed);
}

/// Are the tables on?
#[inline(always)]
pub fn is_on() -> bool {
    // A model has its own notion of time and threads, and this none of the model's atomics.
    !cfg!(any(dormouse_loom, dormouse_shuttle)) && ON.load(Relaxed)
}

/// The name of an object: its address.
#[inline(always)]
pub fn address<T: ?Sized>(object: &T) -> usize {
    std::ptr::from_ref(object).addr()
}

fn shard<K, V>(
    tables: &'static [Table<K, V>; SHARDS],
    address: usize,
) -> MutexGuard<'static, BTreeMap<K, V>> {
    // The lowest bits are 0, and neighbours in an array differ in those above them.
    let number = (address >> 4) % SHARDS;
    tables[number].lock().unwrap_or_else(PoisonError::into_inner)
}

fn who() -> Who {
    if let Some(id) = TASK.get().and_then(|task| task()) {
        return Who::Task(id);
    }
    frame::innermost().map_or_else(|| Who::Thread(thread::current()), Who::Root)
}

fn ticket() -> Ticket {
    loop {
        let next = TICKETS.fetch_add(1, Relaxed).wrapping_add(1);
        if next != 0 {
            return next;
        }
    }
}

/// Notes that the caller has taken `object` at `site`, for itself alone.
#[inline(always)]
pub fn own<T: ?Sized>(object: &T, site: Site) {
    if is_on() {
        enter_owner(address(object), site);
    }
}

#[cold]
#[inline(never)]
fn enter_owner(object: usize, site: Site) {
    let holder = Holder { who: who(), site, permits: 1 };
    let mut table = shard(&HOLDERS, object);
    remove_all(&mut table, object);
    table.insert((object, 0), holder);
}

/// Notes that the caller has taken `permits` of `object` at `site`. The ticket gives them back.
///
/// `alone` says whether the object has these out alone. Whoever else takes some is counted there before it comes here, and
/// goes from here before it is not counted any more: so the others that are in the table then were forgotten.
#[inline(always)]
pub fn share<T: ?Sized>(object: &T, site: Site, permits: u32, alone: impl FnOnce() -> bool) -> Ticket {
    if is_on() { enter_sharer(address(object), site, permits, alone) } else { 0 }
}

#[cold]
#[inline(never)]
fn enter_sharer(object: usize, site: Site, permits: u32, alone: impl FnOnce() -> bool) -> Ticket {
    let (holder, ticket) = (Holder { who: who(), site, permits }, ticket());
    let mut table = shard(&HOLDERS, object);
    if alone() {
        remove_all(&mut table, object);
    }
    table.remove(&(object, 0));
    table.insert((object, ticket), holder);
    ticket
}

/// Notes that the sole owner of `object` is about to give it back.
#[inline(always)]
pub fn disown<T: ?Sized>(object: &T) {
    if is_on() {
        remove(address(object), 0);
    }
}

/// Notes that what the ticket stands for is about to be given back.
#[inline(always)]
pub fn give_back<T: ?Sized>(object: &T, ticket: Ticket) {
    if ticket != 0 {
        remove(address(object), ticket);
    }
}

#[cold]
#[inline(never)]
fn remove(object: usize, ticket: Ticket) {
    shard(&HOLDERS, object).remove(&(object, ticket));
}

/// The sole owner of `object` is from now on one of those who share it, as who took it and where it did.
pub fn downgrade<T: ?Sized>(object: &T) -> Ticket {
    let object = address(object);
    if !is_on() {
        return 0;
    }
    let mut table = shard(&HOLDERS, object);
    table.remove(&(object, 0)).map_or(0, |holder| {
        let ticket = ticket();
        table.insert((object, ticket), holder);
        ticket
    })
}

/// Of the permits of `ticket`, `permits` get a ticket of their own.
pub fn split<T: ?Sized>(object: &T, from: Ticket, permits: u32) -> Ticket {
    if from == 0 {
        return 0;
    }
    let object = address(object);
    let mut table = shard(&HOLDERS, object);
    let Some(holder) = table.get_mut(&(object, from)) else { return 0 };
    holder.permits = holder.permits.saturating_sub(permits);
    let (part, ticket) = (Holder { permits, ..holder.clone() }, ticket());
    table.insert((object, ticket), part);
    ticket
}

/// The permits of both tickets stand under the one that is returned from now on.
pub fn merge<T: ?Sized>(object: &T, into: Ticket, other: Ticket) -> Ticket {
    if into == 0 || other == 0 {
        return into | other;
    }
    let object = address(object);
    let mut table = shard(&HOLDERS, object);
    let more = table.remove(&(object, other)).map_or(0, |holder| holder.permits);
    if let Some(holder) = table.get_mut(&(object, into)) {
        holder.permits = holder.permits.saturating_add(more);
    }
    into
}

fn remove_all(table: &mut BTreeMap<(usize, Ticket), Holder>, object: usize) {
    let old: Vec<_> = table.range((object, 0)..=(object, Ticket::MAX)).map(|(key, _)| *key).collect();
    old.iter().for_each(|key| _ = table.remove(key));
}

/// Who holds the object with this address: in the order in which they took it.
pub fn of(object: usize) -> Vec<Holder> {
    let table = shard(&HOLDERS, object);
    table.range((object, 0)..=(object, Ticket::MAX)).map(|(_, holder)| holder.clone()).collect()
}

/// Notes what the task with these `Waits` waits for.
pub(crate) fn waits_for(waits: usize, object: usize) {
    shard(&OBJECTS, waits).insert(waits, object);
}

/// What the task with these `Waits` noted last.
pub(crate) fn waited_for(waits: usize) -> Option<usize> {
    shard(&OBJECTS, waits).get(&waits).copied()
}

/// The `Waits` go.
#[cold]
pub(crate) fn waits_no_more(waits: usize) {
    shard(&OBJECTS, waits).remove(&waits);
}

#[cfg(all(test, not(any(dormouse_loom, dormouse_shuttle))))]
mod tests {
    use super::*;
    use crate::frame::{Frame, Reason, Waits, note_on};

    /// A task that has ended leaves nothing behind.
    #[test]
    fn waits_that_go_leave_the_table() {
        turn_on(|| None);
        let (object, waits) = (0, Box::new(Waits::new()));
        let key = address(&*waits);
        Frame::new(&waits).enter(|| note_on(Reason::MutexLock, None, &object));
        assert_eq!(waited_for(key), Some(address(&object)));
        drop(waits);
        assert_eq!(waited_for(key), None);
    }
}
