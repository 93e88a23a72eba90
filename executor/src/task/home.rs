//! Where local tasks live: what a [`LocalSet`](super::LocalSet) and its tasks share.
//!
//! A local task points here as others do to their runtime. Its schedule function holds an `Arc` of it: so it is there as
//! long as the task's memory is, for wakers and handles on any thread. Futures are polled and dropped on the set's thread
//! alone (T7):
//!
//! | state | event | state after | who wakes |
//! |---|---|---|---|
//! | the set is there | a task is woken, on any thread | it is queued | whoever did it wakes all who wait in the set |
//! | the set is there | its owner polls it | tasks run; with none left to run, the owner waits | - |
//! | the set is dropped, on its thread | - | no task is taken any more; all have had their last poll there; gone | - |
//! | gone | a task is woken | its runnable is forgotten: never dropped elsewhere | - |
//!
//! The lock is a leaf: wakers are cloned before it, and woken or dropped after it; tasks run outside of it.
//!
//! Checked by `tests/local_set.rs`.
use super::id::Ids;
use super::meta::{LOCAL, Meta};
use super::polled;
use super::registry::Shard;
use crate::panics;
use async_task::Runnable;
use dormouse_wait::lock::Lock;
use dormouse_wait::random;
use dormouse_wait::wakes::Wakes;
use slab::Slab;
use std::cell::Cell;
use std::collections::VecDeque;
use std::fmt;
use std::mem;
use std::ptr::{self, NonNull};
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, Mutex, Weak};
use std::task::Waker;

/// Tasks that run in one poll of the set, before others have their turn.
const ROUND: usize = 61;

pub(crate) struct Home {
    pub(crate) tasks: Shard,
    queue: Lock<Queue>,
    /// The [`Locals`] that it was last polled in; 0 before.
    within: AtomicU64,
}

/// The sets that are polled in a runtime, for its dump and its counts. They need none to run.
pub(crate) struct Locals {
    /// Unique in the process.
    number: u64,
    homes: Mutex<Vec<Weak<Home>>>,
}

struct Queue {
    runnable: VecDeque<Job>,
    /// Who polls the set, and waits.
    owners: Slab<Option<Waker>>,
    gone: bool,
}

struct Job(Runnable<Meta>);

// SAFETY: the queue is emptied by the set's thread alone, and stays empty when the set is gone (T7).
unsafe impl Send for Job {}

thread_local! {
    /// The set that this thread is in.
    static CURRENT: Cell<*const Home> = const { Cell::new(ptr::null()) };
}

impl Home {
    pub(crate) fn new(ids: Ids) -> Arc<Home> {
        let queue = Queue { runnable: VecDeque::new(), owners: Slab::new(), gone: false };
        Arc::new(Home { tasks: Shard::new(ids), queue: Lock::new(queue), within: AtomicU64::new(0) })
    }

    /// The home of the local task that `meta` belongs to, whose memory the caller keeps.
    pub(crate) fn of(meta: &Meta) -> Option<&Home> {
        // SAFETY: a local task's `rt` points to its home, which its schedule function holds.
        meta.has(LOCAL).then(|| unsafe { meta.rt.cast::<Home>().as_ref() })
    }

    /// The pointer that tasks hold.
    pub(crate) fn pointer(&self) -> NonNull<()> {
        NonNull::from(self).cast()
    }

    /// The set that this thread is in.
    pub(crate) fn current() -> Option<Arc<Home>> {
        let home = NonNull::new(CURRENT.get().cast_mut())?;
        // SAFETY: `enter` keeps it while the pointer stands.
        unsafe { Arc::increment_strong_count(home.as_ptr()) };
        // SAFETY: the count is the one that was just added.
        Some(unsafe { Arc::from_raw(home.as_ptr()) })
    }

    /// Runs `f` inside the set.
    pub(crate) fn enter<R>(self: &Arc<Home>, f: impl FnOnce() -> R) -> R {
        struct Back(*const Home);
        impl Drop for Back {
            fn drop(&mut self) {
                CURRENT.set(self.0);
            }
        }
        let _back = Back(CURRENT.replace(Arc::as_ptr(self)));
        f()
    }

    /// Queues a task that was woken, from any thread.
    pub(crate) fn push(&self, task: Runnable<Meta>) {
        let mut wakes = Wakes::new();
        let mut queue = self.queue.lock();
        if queue.gone {
            drop(queue);
            // T7. It cannot be, as all tasks have ended.
            return mem::forget(task);
        }
        queue.runnable.push_back(Job(task));
        loop {
            let waiting = queue.owners.iter_mut().filter_map(|(_, owner)| owner.take());
            waiting.take(dormouse_wait::wakes::BATCH).for_each(|owner| wakes.push(owner));
            drop(queue);
            let more = wakes.is_full();
            wakes.fire();
            if !more {
                return;
            }
            queue = self.queue.lock();
        }
    }

    fn pop(&self, shuffled: bool) -> Option<Runnable<Meta>> {
        let mut queue = self.queue.lock();
        let length = queue.runnable.len();
        let place = if shuffled && length > 1 { random::below(length as u32) as usize } else { 0 };
        queue.runnable.remove(place).map(|Job(task)| task)
    }

    /// Runs what is queued, on the set's thread: one round at most. `shuffled`: in any order, as a simulator wants.
    pub(crate) fn run(&self, shuffled: bool) {
        for _ in 0..ROUND {
            let Some(task) = self.pop(shuffled) else { return };
            polled::run(task);
        }
    }

    /// Ends all tasks, on the set's thread: each has its last poll, which drops its future. No other comes after.
    pub(crate) fn end(self: &Arc<Home>) {
        self.enter(|| {
            let mut empty = self.tasks.close();
            self.tasks.abort_all();
            while !empty {
                self.run(false);
                empty = self.tasks.len() == 0;
                // Another thread may just be queueing one that it has woken.
                std::thread::yield_now();
            }
        });
        self.queue.lock().gone = true;
    }

    /// A place for one more who polls the set.
    pub(crate) fn add_owner(&self) -> usize {
        self.queue.lock().owners.insert(None)
    }

    /// That one polls no more.
    pub(crate) fn remove_owner(&self, key: usize) {
        let owner = self.queue.lock().owners.remove(key);
        panics::discard(owner);
    }

    /// Lets the owner wait. False if a task can run.
    #[must_use = "who does not wait is to be polled again"]
    pub(crate) fn wait(&self, key: usize, owner: Waker) -> bool {
        let mut queue = self.queue.lock();
        let waits = queue.runnable.is_empty();
        let unused = if waits { queue.owners[key].replace(owner) } else { Some(owner) };
        drop(queue);
        panics::discard(unused);
        waits
    }
}

impl Locals {
    pub(crate) fn new() -> Locals {
        static NUMBERS: AtomicU64 = AtomicU64::new(1);
        Locals { number: NUMBERS.fetch_add(1, Relaxed), homes: Mutex::default() }
    }

    /// The set is polled here, on its thread.
    #[inline]
    pub(crate) fn enter(&self, home: &Arc<Home>) {
        if home.within.load(Relaxed) != self.number {
            home.within.store(self.number, Relaxed);
            let mut homes = panics::lock(&self.homes);
            homes.retain(|other| other.strong_count() > 0 && !ptr::eq(other.as_ptr(), Arc::as_ptr(home)));
            homes.push(Arc::downgrade(home));
        }
    }

    /// The sets that were last polled here.
    pub(crate) fn homes(&self) -> Vec<Arc<Home>> {
        let mut homes: Vec<_> = panics::lock(&self.homes).iter().filter_map(Weak::upgrade).collect();
        homes.retain(|home| home.within.load(Relaxed) == self.number);
        homes
    }
}

impl fmt::Debug for Home {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Home").field("tasks", &self.tasks.len()).finish_non_exhaustive()
    }
}
