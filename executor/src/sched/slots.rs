//! The places of work of a runtime, and who may look at them.
//!
//! The slots of the first N workers are followed by those for more workers and spare ones. [`Slots::reached`] tells how
//! many there are to look at: N, and more while somebody sits beyond.
//!
//! | event | who | then |
//! |---|---|---|
//! | `take`, one of the first N is free | a thread that `Idle::sit` let in | its |
//! | `take`, none is free | the same | a spare one is its; the reach grows to it, before it sits there |
//! | `shrink`, nobody sits beyond some number | the monitor | the reach ends there |
//!
//! The reach changes under `spare` alone. Checked by `tests/monitor`, `tests/resize.rs`.
use super::brisk::Brisk;
use super::os;
use super::place::Place;
use super::ring::Ring;
use super::stats::Stats;
use super::turn::Turn;
use crate::config::Config;
use crate::panics;
use crate::task::meta::Meta;
use dormouse_wait::random;
use std::ptr;
use std::sync::Mutex;
use std::sync::atomic::{AtomicI32, AtomicPtr, AtomicUsize, Ordering::*};

/// A place of work: what a thread takes over when it sits down.
#[derive(Debug)]
pub(crate) struct Slot {
    pub(crate) queue: Ring,
    pub(crate) place: Place,
    pub(crate) turn: Turn,
    pub(crate) stats: Stats,
    pub(crate) brisk: Brisk,
    /// The task whose poll is on; null if none, or the poll is that of a root future. For comparing only.
    pub(crate) polled: AtomicPtr<Meta>,
    /// The thread that sits, as the system knows it.
    pub(crate) thread: AtomicI32,
}

impl Slot {
    /// `watched`: there is a monitor.
    fn new(watched: bool, config: &Config) -> Slot {
        Slot {
            queue: Ring::new(),
            place: Place::new(),
            turn: Turn::new(!watched || os::has_heavy()),
            stats: Stats::new(config.measure_poll_time, config.measure_schedule_latency),
            brisk: Brisk::new(),
            polled: AtomicPtr::new(ptr::null_mut()),
            thread: AtomicI32::new(0),
        }
    }
}

/// All slots of a runtime.
#[derive(Debug)]
pub(crate) struct Slots {
    pub(crate) all: Box<[Slot]>,
    /// Where a thread "sits" that has left its seat within a poll.
    pub(crate) nowhere: Slot,
    /// As many as belong to the first N workers.
    first: usize,
    reach: AtomicUsize,
    spare: Mutex<()>,
}

impl Slots {
    pub(crate) fn new(config: &Config) -> Slots {
        // Without threads there is nobody to sit in a spare slot.
        let all = if config.threads { config.max_workers + config.max_spare_threads } else { config.workers };
        let mut nowhere = Slot::new(false, config);
        nowhere.turn.set_always_open();
        Slots {
            all: (0..all).map(|_| Slot::new(config.threads, config)).collect(),
            nowhere,
            first: config.workers,
            reach: AtomicUsize::new(config.workers),
            spare: Mutex::new(()),
        }
    }

    /// The slots that somebody may sit in.
    pub(crate) fn reached(&self) -> &[Slot] {
        // Ordering: Relaxed; P1's fences order it as they order what is in the slots.
        &self.all[..self.reach.load(Relaxed)]
    }

    /// Takes a free slot for a thread that [`Idle::sit`] has let in: the one with the number `hint` first, a spare one
    /// only if all others are taken.
    pub(crate) fn take(&self, hint: usize) -> usize {
        loop {
            let all = (0..self.first).map(|offset| (hint + offset) % self.first);
            if let Some(number) = all.into_iter().find(|&number| self.all[number].place.take()) {
                return number;
            }
            if let Some(number) = self.take_spare() {
                return number;
            }
            // Who leaves a slot lets go of it before it counts itself out: so there was one when we were let in, and
            // others were faster there, and have left theirs.
            std::hint::spin_loop();
        }
    }

    #[cold]
    fn take_spare(&self) -> Option<usize> {
        let _spare = panics::lock(&self.spare);
        let number = (self.first..self.all.len()).find(|&number| self.all[number].place.take())?;
        self.reach.store(self.reach.load(Relaxed).max(number + 1), Relaxed);
        Some(number)
    }

    /// Forgets the spare slots that nobody sits in any more.
    pub(super) fn shrink(&self) {
        if self.reach.load(Relaxed) == self.first {
            return;
        }
        let _spare = panics::lock(&self.spare);
        let last = self.all.iter().rposition(|slot| !slot.place.is_free()).map_or(0, |last| last + 1);
        self.reach.store(last.max(self.first), Relaxed);
    }

    /// All that are reached but `own`, beginning anywhere.
    pub(crate) fn others(&self, own: usize) -> impl Iterator<Item = &Slot> {
        let slots = self.reached();
        let first = random::below(slots.len() as u32) as usize;
        (0..slots.len())
            .map(move |offset| (first + offset) % slots.len())
            .filter(move |&number| number != own)
            .map(|number| &slots[number])
    }
}
