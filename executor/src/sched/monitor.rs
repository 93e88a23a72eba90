//! The monitor: a thread that looks every millisecond whether a poll does not end while work waits, and sees that N
//! threads make progress all the same.
//!
//! It acts on evidence only, and never takes a slot from a thread inside a poll (S1):
//!
//! | it sees | it does |
//! |---|---|
//! | a poll that was on at the last look, and somebody who is not stuck | takes the task out of the slot's cell, for the injector |
//! | and that work waits, and the poll's thread sleeps and has not computed since the last look, or the poll lasts for `blocked_after` | relieves the slot: one more may sit |
//! | that the poll lasts for `blocked_after` | counts it; tells of it, once per place of spawning, if that is wanted |
//! | that work waits, a seat is free, and nobody searches | wakes or starts a thread |
//! | timers overdue since the last look, and no seat's thread out of a poll since then | fires them |
//! | that nobody waits in the reactor, or has looked there since the last look | looks there, and wakes a sleeper, who will wait there |
//! | no poll that began or ended for 100 ms | relieves whoever is stuck, and sleeps, if somebody waits in the reactor |
//! | that nobody sits, for 5 ms if it is not wary; at once if it came by itself and somebody watches for a timer | the same |
//!
//! A poll is known by its slot's epoch. A relieved slot's thread retires at the end of its poll, if another one has come
//! (`seat`): then N sit again.
//!
//! It sleeps until somebody sits down, gets past a long poll, or registers a timer; or until a timer is due that nobody
//! watches for. Slots that are stuck then are open and relieved, so that whatever is pushed there or anywhere wakes a
//! thread as always.
//!
//! If one of the threads that sleep watches for a timer, it dozes until a tick after that: the thread that wakes for the
//! timer sees that it comes in time by itself, and need not call it (`attention`). So a program that only its timers wake
//! has one look for each. Who calls it makes a system call: so it is wary for a second if it was called soon after it had
//! fallen asleep, and there are some ten calls a second at most.
//!
//! Rejected: the monitor as a thread of the N (it must run when all of those are stuck); a clock read per poll (22 ns).
//!
//! Checked by `models::turn_*`, `models::idle_*`, `models::attention_*` (loom), `tests/monitor.rs`.
use super::idle::NEVER;
use super::os;
use super::shared::Shared;
use super::slots::Slot;
use super::threads::Began;
use crate::panics;
use crate::timer::WAKES;
use dormouse_wait::parker::Parker;
use dormouse_wait::prim;
use std::collections::HashSet;
use std::panic::Location;
use std::sync::Arc;
use std::sync::atomic::Ordering::*;
use std::time::{Duration, Instant};

/// Between two looks.
const TICK: Duration = Duration::from_millis(1);
/// Before the second look at a thread that may be asleep.
const AGAIN: Duration = Duration::from_micros(250);
/// Without a poll, until it sleeps.
const QUIET: Duration = Duration::from_millis(100);
/// The same if nobody sits, and it is not wary; and the shortest sleep.
const SHORT: Duration = Duration::from_millis(5);
/// It is wary if it was called so early after it had fallen asleep: for twice that time.
const EARLY: Duration = Duration::from_millis(500);

/// The body of the monitor's thread.
pub(crate) fn monitor(shared: Arc<Shared>) {
    let _began = Began::without_hooks(&shared);
    let parker = prim::Arc::new(Parker::current());
    shared.monitor.begin(&parker);
    let now = shared.now();
    let mut monitor = Monitor {
        shared: &shared,
        seen: vec![Seen::new(0, now); shared.slots.all.len()],
        stuck: Vec::new(),
        looked: now,
        moved: now,
        by_itself: false,
        wary: 0,
        asked: shared.reactor.looks(),
        unserved: false,
        told: HashSet::new(),
    };
    while !shared.is_ended() {
        let pause = monitor.look();
        if !(monitor.may_sleep() && monitor.sleep(&parker)) {
            parker.park_until(Some(Instant::now() + pause));
        }
    }
}

const fn nanos(duration: Duration) -> u64 {
    duration.as_nanos() as u64
}

/// What was seen of a slot.
#[derive(Clone, Debug)]
struct Seen {
    epoch: u64,
    /// When that was first seen.
    since: u64,
    /// How long the thread had computed, when it was last asked.
    spent: Option<u64>,
    counted: bool,
}

impl Seen {
    fn new(epoch: u64, since: u64) -> Seen {
        Seen { epoch, since, spent: None, counted: false }
    }

    fn lasts_for(&self, limit: Duration, now: u64) -> bool {
        u128::from(now - self.since) >= limit.as_nanos()
    }
}

/// Does somebody listen to `tracing` for long polls?
fn has_subscriber() -> bool {
    #[cfg(feature = "tracing")]
    return tracing::enabled!(target: "dormouse", tracing::Level::WARN);
    #[cfg(not(feature = "tracing"))]
    false
}

struct Monitor<'rt> {
    shared: &'rt Shared,
    seen: Vec<Seen>,
    /// The slots that are in the same poll as at the last look.
    stuck: Vec<usize>,
    /// When it last looked.
    looked: u64,
    /// When it last saw that a poll had begun or ended.
    moved: u64,
    /// It woke by itself, and was not called since.
    by_itself: bool,
    /// Until when it is wary of falling asleep.
    wary: u64,
    /// How often the reactor had asked the system at the last look.
    asked: u32,
    /// Work waited at the last look, though a seat was free.
    unserved: bool,
    /// The places of spawning whose long polls were told of; `None` is `block_on`.
    told: HashSet<Option<&'static Location<'static>>>,
}

/// Is this thread in the way of others?
enum Verdict {
    Stuck,
    NotYet,
    /// It may be asleep: the second look will tell.
    LookAgain,
}

impl Monitor<'_> {
    /// Looks once, and does what there is to do. How long to wait for the next look.
    fn look(&mut self) -> Duration {
        let shared = self.shared;
        shared.monitor.looked();
        let now = shared.now();
        let attended = self.observe(now);
        if !attended && shared.due() <= self.looked {
            while shared.fire_timers(WAKES) {}
            self.moved = now;
        }
        self.attend_reactor();
        self.looked = now;
        let stuck = std::mem::take(&mut self.stuck);
        let cells = stuck.iter().filter(|&&number| shared.slots.all[number].turn.has_next()).count();
        let free = shared.idle.has_free_seat();
        let mut waiting = shared.waiting() + cells;
        let unserved = waiting > 0 && free;
        waiting -= usize::from(unserved);
        let (mut relieved, mut pause) = (0, TICK);
        for &number in &stuck {
            self.count(number, now);
            if waiting == 0 {
                continue;
            }
            match self.verdict(number, now) {
                Verdict::Stuck if self.relieve(number) => {
                    waiting -= 1;
                    relieved += 1;
                }
                Verdict::LookAgain => pause = AGAIN,
                _ => {}
            }
        }
        // If nobody else is there for it, what is next stays next.
        if attended || free || relieved > 0 {
            stuck.iter().for_each(|&number| self.empty_cell(number));
        }
        (0..relieved).for_each(|_| shared.wake_one());
        if unserved {
            // The second time, whoever is in `block_on` and was counted on has not come.
            shared.wake_or_start(if self.unserved { 0 } else { shared.guests.load(Relaxed) });
        }
        self.unserved = unserved;
        self.stuck = stuck;
        shared.slots.shrink();
        pause
    }

    /// Notes what has changed in the slots. True if some seat's thread was out of a poll since the last look.
    fn observe(&mut self, now: u64) -> bool {
        let mut attended = false;
        self.stuck.clear();
        for (number, slot) in self.shared.slots.reached().iter().enumerate() {
            let (epoch, seen) = (slot.turn.epoch(), &mut self.seen[number]);
            if epoch != seen.epoch {
                *seen = Seen::new(epoch, now);
                self.moved = now;
                attended = true;
            } else if epoch % 2 == 1 {
                self.stuck.push(number);
            } else {
                attended |= !slot.place.is_free();
            }
        }
        attended
    }

    /// Looks at the reactor if nobody has for a tick; and lets somebody who sleeps wait there.
    fn attend_reactor(&mut self) {
        let reactor = &self.shared.reactor;
        if reactor.is_unattended() && reactor.looks() == self.asked {
            reactor.look();
            self.shared.published();
        }
        self.asked = reactor.looks();
    }

    fn slot(&self, number: usize) -> (&Slot, u64) {
        (&self.shared.slots.all[number], self.seen[number].epoch)
    }

    /// Takes the task that is next in a stuck slot, for others.
    fn empty_cell(&self, number: usize) {
        let (slot, epoch) = self.slot(number);
        if slot.turn.has_next()
            && let Some(task) = slot.turn.hold(epoch, |held| held.steal()).flatten()
        {
            self.shared.injector.push(task);
            self.shared.published();
        }
    }

    /// Counts a poll that lasts too long, once.
    fn count(&mut self, number: usize, now: u64) {
        let seen = &mut self.seen[number];
        if !seen.counted && seen.lasts_for(self.shared.config.blocked_after, now) {
            seen.counted = true;
            if self.shared.config.report_long_polls || has_subscriber() {
                self.report(number, now);
            }
            self.shared.long_polls.fetch_add(1, Relaxed);
        }
    }

    fn verdict(&mut self, number: usize, now: u64) -> Verdict {
        let seen = &mut self.seen[number];
        if seen.lasts_for(self.shared.config.blocked_after, now) {
            return Verdict::Stuck;
        }
        let thread = os::Thread::from_bits(self.shared.slots.all[number].thread.load(Relaxed));
        let before = seen.spent;
        seen.spent = thread.spent();
        match (before, seen.spent) {
            (None, Some(_)) => Verdict::LookAgain,
            // One that has not run may have lost its CPU to others: it computes all the same.
            (Some(before), Some(spent)) if before == spent && !thread.is_runnable() => Verdict::Stuck,
            _ => Verdict::NotYet,
        }
    }

    /// One more may sit, for this slot, once per poll. False if the poll is over, the slot was relieved before, or there
    /// are as many threads as there may be.
    fn relieve(&self, number: usize) -> bool {
        let (slot, epoch) = self.slot(number);
        let relieved = slot.turn.hold(epoch, |mut held| held.relieve(|| self.shared.idle.relieve()));
        relieved == Some(true)
    }

    /// Says which task it is that keeps its thread, once for each place where such tasks are spawned.
    #[cold]
    fn report(&mut self, number: usize, now: u64) {
        let (slot, epoch) = self.slot(number);
        let Some(polled) = slot.turn.hold(epoch, |_| slot.polled.load(Relaxed)) else { return };
        let mut task = None;
        for part in self.shared.parts.iter().filter(|_| !polled.is_null()) {
            part.tasks.for_each(|entry, meta| {
                if std::ptr::eq(meta, polled) {
                    let (name, spawned) = (entry.origin.quoted_name(), entry.origin.spawned());
                    task = Some((spawned, format!("task {}{name}, spawned at {spawned}", entry.id)));
                }
            });
        }
        // If the poll is over, another task may have the same place in memory.
        if slot.turn.epoch() != epoch || (task.is_none() && !polled.is_null()) {
            return;
        }
        let (place, who) =
            task.map_or((None, "the future in `block_on`".to_string()), |(at, who)| (Some(at), who));
        let lasts = Duration::from_nanos(now - self.seen[number].since);
        if self.told.insert(place) {
            self.tell(&who, lasts);
        }
    }

    fn tell(&self, who: &str, lasts: Duration) {
        #[cfg(feature = "tracing")]
        // A subscriber is user code: what panics there must not end the monitor.
        panics::catch(|| {
            tracing::warn!(target: "dormouse", task = %who, millis = lasts.as_millis() as u64, "long poll");
        })
        .unwrap_or_else(panics::forget);
        if self.shared.config.report_long_polls {
            panics::say(format_args!(
                "dormouse: a long poll: {who}, has kept its thread for {} ms; what blocks belongs into \
                 `task::spawn_blocking` or `task::block_in_place` (said once for this place)",
                lasts.as_millis()
            ));
        }
    }

    // --- sleeping ---------------------------------------------------------------------------------------------------

    /// Is there nothing to look at? Leaves no slot that is stuck without relief.
    fn may_sleep(&mut self) -> bool {
        let shared = self.shared;
        let (now, due) = (shared.now(), shared.due());
        let empty = shared.slots.reached().iter().all(|slot| slot.place.is_free());
        let patience = match empty {
            true if self.by_itself && due != NEVER && shared.idle.is_watched(due) => 0,
            true if now >= self.wary => nanos(SHORT),
            _ => nanos(QUIET),
        };
        // For a short sleep the heavy fence is too dear.
        if now < self.moved + patience || due < now + nanos(SHORT) {
            return false;
        }
        for (number, slot) in shared.slots.reached().iter().enumerate() {
            // Without a heavy fence, the thread of a stuck slot might call while we fall asleep, and not be heard.
            if slot.place.is_free() {
                continue;
            }
            if !os::has_heavy() || self.slot(number).1.is_multiple_of(2) {
                return false;
            }
            self.empty_cell(number);
            if self.relieve(number) {
                shared.hand_over();
            }
        }
        !(shared.waiting() > 0 && shared.idle.has_free_seat() || shared.reactor.is_unattended())
    }

    /// Sleeps until called, or until a timer is due that nobody else watches for; or until soon after one that somebody
    /// watches for, if nobody sits. False if something has changed.
    fn sleep(&mut self, parker: &Parker) -> bool {
        let shared = self.shared;
        let (due, began) = (shared.due(), shared.now());
        if due <= began {
            return false;
        }
        let watched = due != NEVER && shared.idle.is_watched(due);
        let doze = shared.monitor.fall_asleep(watched.then_some(due));
        os::heavy();
        let still = shared.slots.reached().iter().enumerate().all(|(number, slot)| {
            let epoch = self.slot(number).1;
            slot.turn.epoch() == epoch && (slot.place.is_free() || (epoch % 2 == 1 && !slot.turn.has_next()))
        });
        let same_timers = shared.due() == due && (due == NEVER || watched == shared.idle.is_watched(due));
        let sleeps = still && same_timers && !shared.is_ended() && !shared.reactor.is_unattended();
        if sleeps {
            let until = doze.or((due != NEVER).then_some(due));
            let called = parker.park_until(until.and_then(|until| shared.instant(until)));
            let now = shared.now();
            self.by_itself = !called;
            if called && now < began + nanos(EARLY) {
                self.wary = now + 2 * nanos(EARLY);
            }
        }
        shared.monitor.awake();
        sleeps
    }
}
