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
use super::attention::Attention;
use super::idle::{Idle, NEVER, Wake};
use super::injector::Injector;
use super::measure::Measure;
use super::os;
use super::quiet::Quiet;
use super::ring::Raw;
use super::slots::Slots;
use super::threads::{self, Threads};
use crate::blocking::Pool;
use crate::config::{Config, Deadlock};
use crate::panics;
use crate::reactor::Reactor;
use crate::task::dump::Dump;
use crate::task::home::Locals;
use crate::task::id::{Id, Ids};
use crate::task::life;
use crate::task::registry;
use crate::timer::{self, Tick};
use dormouse_wait::alarm::Alarm;
use dormouse_wait::frame::Waits;
use dormouse_wait::{Instant, host, random};
use std::fmt;
use std::ptr::{self, NonNull};
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering::*};
use std::sync::{Arc, Condvar, Mutex};
use std::task::Waker;
use std::time::Duration;

/// A share of the runtime's timers and live tasks: one for each of the N slots; a spare slot uses another one's.
pub(crate) struct Part {
    pub(crate) timers: Arc<timer::Shard>,
    pub(crate) tasks: registry::Shard,
}

impl Part {
    fn new(simulated: bool) -> Part {
        let tick = if simulated { Tick::EXACT } else { Tick::COARSE };
        let ids = if simulated { Ids::from_one() } else { Ids::new() };
        Part { timers: Arc::new(timer::Shard::new(tick)), tasks: registry::Shard::new(ids) }
    }
}

/// The shared part of a runtime.
pub(crate) struct Shared {
    pub(crate) slots: Slots,
    /// As many as the first N.
    pub(crate) parts: Box<[Part]>,
    pub(crate) injector: Injector,
    pub(crate) idle: Idle,
    pub(crate) pool: Pool,
    pub(crate) quiet: Quiet,
    pub(crate) locals: Locals,
    pub(crate) monitor: Attention,
    pub(crate) reactor: Arc<Reactor>,
    /// Polls that the monitor saw to last for `blocked_after`.
    pub(crate) long_polls: AtomicU64,
    pub(crate) config: Config,
    /// Threads in `block_on`.
    pub(crate) guests: AtomicUsize,
    /// Pinned tasks that are runnable or being polled.
    pub(crate) pinned_busy: AtomicUsize,
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
    bodies: Bodies,
}

/// What the threads of a runtime do: set by whoever builds it, as the work knows `Shared` and not the reverse.
#[derive(Clone, Copy)]
pub(crate) struct Bodies {
    /// A thread for the slots; is it counted as a searcher?
    pub(crate) worker: fn(Arc<Shared>, bool),
    pub(crate) monitor: fn(Arc<Shared>),
}

impl Shared {
    /// The shared part, with one strong reference more than is returned: the runtime's own.
    pub(crate) fn new(config: Config, bodies: Bodies) -> Arc<Shared> {
        let (workers, simulated) = (config.workers, config.simulated.is_some());
        let limit = if config.threads { workers + config.max_spare_threads } else { 0 };
        let shared = Arc::new(Shared {
            slots: Slots::new(&config),
            parts: (0..workers).map(|_| Part::new(simulated)).collect(),
            injector: Injector::new(),
            monitor: Attention::new(config.threads),
            reactor: Arc::default(),
            long_polls: AtomicU64::new(0),
            idle: Idle::new(workers, limit),
            pool: Pool::new(config.max_blocking_threads),
            quiet: Quiet::new(config.deadlock == Deadlock::Warn),
            locals: Locals::new(),
            guests: AtomicUsize::new(0),
            pinned_busy: AtomicUsize::new(0),
            closing: AtomicBool::new(false),
            open: AtomicUsize::new(workers),
            ended: AtomicBool::new(false),
            complained: AtomicBool::new(false),
            disturbed: AtomicBool::new(false),
            threads: Mutex::default(),
            changed: Condvar::new(),
            started: std::time::Instant::now(),
            config,
            bodies,
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
        self.parts.iter().map(|part| part.timers.due()).min().unwrap_or(NEVER)
    }

    /// Wakes some of the timers that are due, of all slots, `most` at most. True if there were any.
    pub(crate) fn fire_timers(&self, most: usize) -> bool {
        self.due() != NEVER && self.fire_timers_at(self.now(), most)
    }

    /// The same, at `now`.
    pub(crate) fn fire_timers_at(&self, now: u64, mut most: usize) -> bool {
        // Beginning anywhere: under full load, the first one may have as many as there may be.
        let (before, after) = self.parts.split_at(self.any_part());
        let mut any = false;
        for part in after.iter().chain(before).filter(|part| part.timers.due() <= now) {
            any = true;
            if most > 0 {
                part.timers.fire_some(now, &mut most);
            }
        }
        any
    }

    /// Takes no more timers and sockets, and wakes those who wait for one: they see that the runtime is gone.
    pub(crate) fn close_waits(&self) {
        for part in &self.parts {
            part.timers.close();
        }
        self.reactor.close();
    }

    /// Sees that somebody watches for a timer that was registered from outside of every seat.
    pub(crate) fn timer_from_outside(&self, due: u64) {
        if self.idle.all_asleep() && !self.idle.is_watched(due) {
            self.wake_one();
        }
        self.timer_registered();
    }

    /// Sees that the monitor learns of a timer: the poll that registered it may last, and nobody else be there.
    #[inline(always)]
    pub(crate) fn timer_registered(&self) {
        os::light();
        self.call_monitor();
    }

    /// There is a first socket: whoever sleeps is to go on in the reactor, and the monitor is to look at it.
    pub(crate) fn reactor_begins(&self) {
        self.idle.wake_all(); // with a fence
        self.call_monitor();
    }

    // --- the monitor ------------------------------------------------------------------------------------------------

    /// Sees that the monitor looks. The caller brings a fence: before it is what gave cause.
    #[inline(always)]
    pub(crate) fn call_monitor(&self) {
        if !self.monitor.is_awake() {
            self.wake_monitor();
        }
    }

    #[cold]
    fn wake_monitor(&self) {
        if !self.monitor.call() {
            return;
        }
        let this = self.strong();
        let body = move || (this.bodies.monitor)(Arc::clone(&this));
        if let Err(error) = threads::start_named(self, "dormouse-watch".into(), false, body) {
            self.monitor.start_failed();
            self.complain(&error);
        }
    }

    /// About how many tasks wait for a thread, but for those in cells.
    pub(crate) fn waiting(&self) -> usize {
        self.injector.len() + self.slots.reached().iter().map(|slot| slot.queue.len() as usize).sum::<usize>()
    }

    // --- waking -----------------------------------------------------------------------------------------------------

    /// After a task was published: wakes somebody for it, if nobody is about to find it.
    #[inline(always)]
    pub(crate) fn published(self: &Shared) {
        if self.idle.pushed() {
            self.wake_one();
        }
    }

    /// Queues `task` for whichever slot finds it first. Nobody is woken: the caller, who holds the runtime,
    /// [tells](Shared::published) of several.
    pub(crate) fn inject_quietly(&self, task: Raw) {
        if self.config.simulated.is_some() {
            self.disturbed.store(true, Relaxed);
        }
        Measure::of(self).runnable(self, task);
        self.injector.push(task);
    }

    /// A thread goes away: sees that what it leaves behind, work, a timer or sockets to watch for, is somebody's.
    pub(crate) fn hand_over(&self) {
        let due = self.due();
        let unwatched = due != NEVER && !self.idle.is_watched(due);
        let unattended = self.reactor.is_unattended();
        if self.has_work(true) || unwatched || unattended {
            self.published();
        }
        if unattended {
            self.call_monitor();
        }
    }

    /// Wakes one sleeper, or starts a thread, if one is wanted.
    #[cold]
    pub(crate) fn wake_one(&self) {
        self.wake_or_start(self.guests.load(Relaxed));
    }

    /// [`wake_one`](Shared::wake_one), not counting on threads in `block_on` beyond the number `guests`.
    pub(super) fn wake_or_start(&self, guests: usize) {
        if let Wake::Start { spare } = self.idle.wake_one(guests) {
            let this = self.strong();
            if let Err(error) = this.start_thread(true, !spare) {
                self.idle.start_failed();
                self.complain(&error);
            }
        }
    }

    /// Says once that a thread could not be started.
    pub(super) fn complain(&self, error: &std::io::Error) {
        if !self.complained.swap(true, Relaxed) {
            panics::say(format_args!(
                "dormouse: a worker thread could not be started ({error}); its work waits for another thread"
            ));
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
    /// `searching`: it is counted as a searcher already. `join`: it is joined at the runtime's end; a spare one, which
    /// may leave before, is only waited for.
    pub(crate) fn start_thread(self: &Arc<Shared>, searching: bool, join: bool) -> std::io::Result<()> {
        let this = Arc::clone(self);
        threads::start(self, join, move || (this.bodies.worker)(Arc::clone(&this), searching))
    }

    /// Is there work that a thread which is about to sleep must not leave? In the `rings` as well (P1)?
    pub(crate) fn has_work(&self, rings: bool) -> bool {
        !self.injector.is_empty() || (rings && self.slots.reached().iter().any(|slot| !slot.queue.is_empty()))
    }

    /// Lets N be `workers`: what it was. There must be slots for so many.
    pub(crate) fn resize(&self, workers: usize) -> usize {
        let before = self.idle.resize(workers);
        self.hand_over();
        if workers < before {
            // Who sleeps may be one too many now, and is to leave after a while.
            self.idle.wake_all();
        }
        before
    }

    /// A part for what comes from a thread without a slot.
    pub(crate) fn any_part(&self) -> usize {
        random::below(self.parts.len() as u32) as usize
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
        let empty = self.parts.iter().filter(|part| part.tasks.close()).count();
        self.shards_ended(empty);
        for part in &self.parts {
            part.tasks.abort_all();
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
        self.monitor.wake();
        drop(panics::lock(&self.threads));
        self.changed.notify_all();
        // SAFETY: `new` leaked this strong reference; `open` reaches zero once. The caller holds another one.
        unsafe { Arc::decrement_strong_count(ptr::from_ref(self)) };
    }

    /// Takes tasks off the registry that other workers than their own have ended.
    pub(crate) fn sweep(&self) {
        let swept = |part: &&Part| part.tasks.is_to_be_swept() && part.tasks.sweep();
        self.shards_ended(self.parts.iter().filter(swept).count());
    }

    /// What the futures in `block_on` and all live tasks, local ones too, wait for.
    pub(crate) fn dump(&self, is_runnable: impl Fn(Id, &Waits) -> bool) -> Dump {
        let (mains, locals) = (self.quiet.guests(), self.locals.homes());
        let tasks = self.parts.iter().map(|part| (&part.tasks, false));
        let local = locals.iter().map(|home| (&home.tasks, true));
        let simulated = self.config.simulated.is_some();
        Dump::gather(mains.into_iter().flatten(), tasks.chain(local), simulated, is_runnable)
    }

    /// The number of live tasks.
    pub(crate) fn live(&self) -> usize {
        self.parts.iter().map(|part| part.tasks.len()).sum()
    }
}

impl Drop for Shared {
    /// No task is live, and no thread is here: only timers may be left, of futures outside of every task.
    fn drop(&mut self) {
        life::end(self.pointer());
        self.close_waits();
    }
}

impl host::Host for Shared {
    fn now(&self) -> Instant {
        Instant::from_std(std::time::Instant::now())
    }

    fn alarm(&self, at: Instant, waker: Waker) -> Alarm {
        let number = super::context::seat_part(self).unwrap_or_else(|| self.any_part());
        let set = timer::alarm::set(&self.parts[number].timers, self.nanos(at.into_std()), waker);
        set.map_or(Alarm::rung(), |(alarm, due)| {
            self.timer_from_outside(due);
            alarm
        })
    }

    fn soon(&self, waker: Waker) -> Alarm {
        let number = super::context::seat_part(self).unwrap_or_else(|| self.any_part());
        let set = timer::alarm::soon(&self.parts[number].timers, waker, || self.now());
        set.map_or(Alarm::rung(), |(alarm, due)| {
            if let Some(due) = due {
                self.timer_from_outside(due);
            }
            alarm
        })
    }
}

impl fmt::Debug for Shared {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Shared")
            .field("slots", &self.parts.len())
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
        self.0.inject_quietly(task);
        self.0.published();
    }

    /// The runtime that is visited.
    pub(crate) fn shared(&self) -> &Arc<Shared> {
        &self.0
    }
}
