//! What all threads of a runtime share: the slots, the injector, who is idle, the blocking pool.
//!
//! Lifetime (S4): `Shared` lives in an `Arc`. Threads at work, handles and visits hold it strongly; live tasks hold a raw
//! pointer. One strong reference is the runtime's own ([`Shared::new`] leaks it): it is given up by whoever takes the
//! last task out of the closed registry, so a task's pointer is valid as long as the task is live. If a task never
//! ends, that reference is never given up, and the memory stays.
//!
//! | event | who | then |
//! |---|---|---|
//! | task spawned | any | entered in a shard, unless that is closed |
//! | `close` | the runtime's end | every shard closed; the tasks are told to end and woken |
//! | a task's last poll | a worker | taken out; the last of all shards: `ended`, all threads wake, own reference given up |
//!
//! S3: who publishes a runnable without a seat holds a [`Visit`], which counts itself before it publishes: the task may
//! run, end, and be the last one, before the publishing thread has woken anybody.
//!
//! Rejected: an `Arc` per task (two contended counters per spawn).
//!
//! Checked by `models::visit_*` (loom), `tests/shutdown.rs`.
use super::idle::{Idle, NEVER, Wake};
use super::injector::Injector;
use super::place::Place;
use super::quiet::Quiet;
use super::ring::{Raw, Ring};
use super::threads::{self, Threads};
use crate::blocking::Pool;
use crate::config::{Config, Deadlock};
use crate::panics;
use crate::task::id::Ids;
use crate::task::life;
use crate::task::registry;
use crate::timer::{self, Tick};
use dormouse_wait::{Instant, host, random};
use std::cell::Cell;
use std::fmt;
use std::ptr::{self, NonNull};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering::*};
use std::sync::{Arc, Condvar, Mutex};
use std::task::Waker;
use std::time::Duration;

/// A place of work: what a thread takes over when it sits down.
pub(crate) struct Slot {
    pub(crate) queue: Ring,
    /// The task to run next; touched by the seat's thread alone.
    pub(crate) lifo: Cell<Option<Raw>>,
    pub(crate) place: Place,
    pub(crate) timers: Arc<timer::Shard>,
    pub(crate) tasks: registry::Shard,
}

// SAFETY: `lifo` is touched by the thread in the seat alone; seats change hands through `place`. The rest is Sync.
unsafe impl Sync for Slot {}
// SAFETY: runnable tasks may be run by any thread.
unsafe impl Send for Slot {}

impl Slot {
    fn new(simulated: bool) -> Slot {
        let tick = if simulated { Tick::EXACT } else { Tick::COARSE };
        let ids = if simulated { Ids::from_one() } else { Ids::new() };
        Slot {
            queue: Ring::new(),
            lifo: Cell::new(None),
            place: Place::new(),
            timers: Arc::new(timer::Shard::new(tick)),
            tasks: registry::Shard::new(ids),
        }
    }
}

/// The shared part of a runtime.
pub(crate) struct Shared {
    pub(crate) slots: Box<[Slot]>,
    pub(crate) injector: Injector,
    pub(crate) idle: Idle,
    pub(crate) pool: Pool,
    pub(crate) quiet: Quiet,
    pub(crate) config: Config,
    /// Threads in `block_on`.
    pub(crate) guests: AtomicUsize,
    closing: AtomicBool,
    /// Shards that are not closed or not empty.
    open: AtomicUsize,
    ended: AtomicBool,
    /// It was said that a thread could not be started.
    complained: AtomicBool,
    /// A simulated task was woken from another thread.
    pub(crate) disturbed: AtomicBool,
    /// Threads that were started and have not finished; `changed` tells of that and of `ended`.
    pub(crate) threads: Mutex<Threads>,
    pub(crate) changed: Condvar,
    started: std::time::Instant,
    /// What a thread of this runtime does: set by whoever builds it, as the work knows `Shared` and not the reverse.
    pub(crate) body: fn(Arc<Shared>, bool),
}

impl Shared {
    /// The shared part, with one strong reference more than is returned: the runtime's own.
    pub(crate) fn new(config: Config, body: fn(Arc<Shared>, bool)) -> Arc<Shared> {
        let slots: Box<[Slot]> = (0..config.workers).map(|_| Slot::new(config.simulated.is_some())).collect();
        let shared = Arc::new(Shared {
            injector: Injector::new(),
            idle: Idle::new(slots.len(), config.threads),
            pool: Pool::new(config.max_blocking_threads),
            quiet: Quiet::new(config.deadlock == Deadlock::Warn),
            guests: AtomicUsize::new(0),
            closing: AtomicBool::new(false),
            open: AtomicUsize::new(slots.len()),
            ended: AtomicBool::new(false),
            complained: AtomicBool::new(false),
            disturbed: AtomicBool::new(false),
            threads: Mutex::default(),
            changed: Condvar::new(),
            started: std::time::Instant::now(),
            slots,
            config,
            body,
        });
        let _own = Arc::into_raw(Arc::clone(&shared));
        let weak = Arc::downgrade(&shared);
        life::begin(weak);
        shared
    }

    /// The pointer that tasks hold.
    pub(crate) fn pointer(&self) -> NonNull<()> {
        NonNull::from(self).cast()
    }

    // --- time -------------------------------------------------------------------------------------------------------

    /// Nanoseconds since the runtime began.
    pub(crate) fn nanos(&self, at: std::time::Instant) -> u64 {
        u64::try_from(at.saturating_duration_since(self.started).as_nanos()).unwrap_or(NEVER - 1)
    }

    /// The present, in nanoseconds since the runtime began.
    pub(crate) fn now(&self) -> u64 {
        self.nanos(std::time::Instant::now())
    }

    /// The point in time that is `nanos` after the runtime began, if the clock can say it.
    pub(crate) fn instant(&self, nanos: u64) -> Option<std::time::Instant> {
        self.started.checked_add(Duration::from_nanos(nanos))
    }

    /// When the first timer of all slots is due, or [`NEVER`] (S5).
    pub(crate) fn due(&self) -> u64 {
        self.slots.iter().map(|slot| slot.timers.due()).min().unwrap_or(NEVER)
    }

    /// Wakes whatever timers are due, of all slots. True if there were any.
    pub(crate) fn fire_timers(&self) -> bool {
        if self.due() == NEVER {
            return false;
        }
        let now = self.now();
        let mut any = false;
        for slot in self.slots.iter().filter(|slot| slot.timers.due() <= now) {
            any = true;
            slot.timers.fire(now);
        }
        any
    }

    /// Takes no more timers, and wakes those who wait for one: they see that the runtime is gone.
    pub(crate) fn close_timers(&self) {
        for slot in &self.slots {
            slot.timers.close();
        }
    }

    /// Sees that somebody watches for a timer that was registered from outside of every seat.
    pub(crate) fn timer_from_outside(&self, due: u64) {
        if self.idle.all_asleep() && !self.idle.is_watched(due) {
            self.wake_one();
        }
    }

    // --- waking -----------------------------------------------------------------------------------------------------

    /// After a task was published: wakes somebody for it, if nobody is about to find it.
    #[inline(always)]
    pub(crate) fn published(self: &Shared) {
        if self.idle.pushed() {
            self.wake_one();
        }
    }

    /// Wakes one sleeper, or starts the last thread, if one is wanted.
    #[cold]
    pub(crate) fn wake_one(&self) {
        let may_start = self.guests.load(Relaxed) == 0;
        if self.idle.wake_one(may_start) == Wake::Start {
            let this = self.strong();
            if let Err(error) = this.start_thread(true) {
                self.idle.start_failed();
                if !self.complained.swap(true, Relaxed) {
                    panics::say(format_args!(
                        "dormouse: a worker thread could not be started ({error}); its work waits for another thread"
                    ));
                }
            }
        }
    }

    /// A strong reference from a plain one.
    pub(crate) fn strong(&self) -> Arc<Shared> {
        let this = ptr::from_ref(self);
        // SAFETY: `Shared` is made by `new` alone, inside an `Arc`, which `&self` proves to be alive.
        unsafe { Arc::increment_strong_count(this) };
        // SAFETY: as above; the count is the one that was just added.
        unsafe { Arc::from_raw(this) }
    }

    /// Starts one more thread for the slots.
    ///
    /// `searching`: it is counted as a searcher already.
    pub(crate) fn start_thread(self: &Arc<Shared>, searching: bool) -> std::io::Result<()> {
        let this = Arc::clone(self);
        threads::start(self, true, move || (this.body)(Arc::clone(&this), searching))
    }

    /// Is there work that a thread which is about to sleep must not leave? In the `rings` as well (P1)?
    pub(crate) fn has_work(&self, rings: bool) -> bool {
        !self.injector.is_empty() || (rings && self.slots.iter().any(|slot| !slot.queue.is_empty()))
    }

    // --- seats ------------------------------------------------------------------------------------------------------

    /// Takes a free slot, the one with the number `hint` first.
    pub(crate) fn take_slot(&self, hint: usize) -> Option<usize> {
        let slots = self.slots.len();
        (0..slots).map(|offset| (hint + offset) % slots).find(|&number| self.slots[number].place.take())
    }

    /// Is a slot free?
    pub(crate) fn has_free_slot(&self) -> bool {
        self.slots.iter().any(|slot| slot.place.is_free())
    }

    /// A slot for what comes from a thread without one.
    pub(crate) fn any_slot(&self) -> usize {
        random::below(self.slots.len() as u32) as usize
    }

    // --- the end ----------------------------------------------------------------------------------------------------

    /// Does this runtime take no more tasks?
    pub(crate) fn is_closing(&self) -> bool {
        self.closing.load(Relaxed)
    }

    /// Has the last task of this closed runtime ended?
    pub(crate) fn is_ended(&self) -> bool {
        // Ordering: Acquire pairs with the Release store in `shards_ended`.
        self.ended.load(Acquire)
    }

    /// Takes no more tasks, and tells all to end (T2). Once.
    pub(crate) fn close(&self) {
        // Ordering: AcqRel lets one of several callers go on.
        if self.closing.swap(true, AcqRel) {
            return;
        }
        let empty = self.slots.iter().filter(|slot| slot.tasks.close()).count();
        self.shards_ended(empty);
        for slot in &self.slots {
            slot.tasks.abort_all();
        }
        self.idle.wake_all();
        self.pool.wake_all();
    }

    /// That many shards are closed and empty now.
    pub(crate) fn shards_ended(&self, count: usize) {
        // Ordering: AcqRel: the last one has seen the end of all tasks.
        if count == 0 || self.open.fetch_sub(count, AcqRel) != count {
            return;
        }
        // Ordering: Release pairs with the Acquire load in `is_ended`.
        self.ended.store(true, Release);
        self.idle.wake_all();
        self.pool.wake_all();
        drop(panics::lock(&self.threads));
        self.changed.notify_all();
        // SAFETY: `new` leaked this strong reference; `open` reaches zero once. The caller holds another one.
        unsafe { Arc::decrement_strong_count(ptr::from_ref(self)) };
    }

    /// The number of live tasks.
    pub(crate) fn live(&self) -> usize {
        self.slots.iter().map(|slot| slot.tasks.len()).sum()
    }
}

impl Drop for Shared {
    /// No task is live, and no thread is here: only timers may be left, of futures outside of every task.
    fn drop(&mut self) {
        life::end(self.pointer());
        self.close_timers();
    }
}

impl host::Host for Shared {
    fn now(&self) -> Instant {
        Instant::from_std(std::time::Instant::now())
    }

    fn alarm(&self, at: Instant, waker: Waker) {
        let number = super::context::seat_number(self).unwrap_or_else(|| self.any_slot());
        match self.slots[number].timers.alarm(self.nanos(at.into_std()), waker) {
            Ok(due) => self.timer_from_outside(due),
            // Nobody watches the time any more: whoever waits looks again.
            Err(waker) => waker.wake(),
        }
    }
}

impl fmt::Debug for Shared {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Shared")
            .field("slots", &self.slots.len())
            .field("closing", &self.is_closing())
            .finish_non_exhaustive()
    }
}

/// A thread without a seat that publishes a task. It holds the runtime from before it publishes (S3, S4).
#[derive(Debug)]
pub(crate) struct Visit(Arc<Shared>);

impl Visit {
    /// Begins a visit.
    ///
    /// # Safety
    /// `rt` is the pointer of a live task that this thread keeps from ending until the visit has begun, as by holding
    /// its runnable.
    #[inline]
    pub(crate) unsafe fn begin(rt: NonNull<()>) -> Visit {
        // SAFETY: the task is live, so its runtime's own strong reference stands (S4).
        let shared = unsafe { rt.cast::<Shared>().as_ref() };
        Visit(shared.strong())
    }

    /// Publishes `task` to whichever slot finds it first.
    #[inline]
    pub(crate) fn inject(self, task: Raw) {
        if self.0.config.simulated.is_some() {
            self.0.disturbed.store(true, Relaxed);
        }
        self.0.injector.push(task);
        self.0.published();
    }

    /// The runtime that is visited.
    pub(crate) fn shared(&self) -> &Arc<Shared> {
        &self.0
    }
}

/// All slots but `own`, beginning anywhere.
pub(crate) fn others(shared: &Shared, own: usize) -> impl Iterator<Item = &Slot> {
    let slots = shared.slots.len();
    let first = shared.any_slot();
    (0..slots)
        .map(move |offset| (first + offset) % slots)
        .filter(move |&number| number != own)
        .map(|number| &shared.slots[number])
}
