//! A thread that sits in a slot: it pushes what it makes runnable there, and finds the next task.
//!
//! A seat stays on its thread. Its Drop leaves the slot: what is still queued goes to the injector, so that nothing is
//! stranded, whether the thread goes to sleep, returns from `block_on`, or unwinds.
//!
//! The next task: every 61st turn the timers and the injector; else the LIFO cell, at most three times in a row; the
//! slot's ring; a batch of the injector; timers that are due; half of another slot's ring.
//!
//! A push into the LIFO cell wakes nobody: this thread runs it next. What it displaces goes to the ring, and that
//! wakes somebody if nobody searches. What was woken while it ran goes to the ring's end.
//!
//! Checked by `tests/task.rs` (turns, streaks, yields), `tests/runtime.rs` and `tests/peers.rs` (what is left behind).
use super::context;
use super::ring::Raw;
use super::shared::{Shared, Slot, others};
use crate::task::meta::Meta;
use async_task::Runnable;
use std::cell::Cell;
use std::marker::PhantomData;
use std::ptr;

/// Turns between two looks at the injector and the timers while there is other work.
const ROUND: u32 = 61;
/// Tasks out of the LIFO cell in a row.
const STREAK: u32 = 3;

#[derive(Debug)]
pub(crate) struct Seat<'rt> {
    pub(crate) shared: &'rt Shared,
    number: usize,
    turn: Cell<u32>,
    streak: Cell<u32>,
    searching: Cell<bool>,
    /// The task that is being polled, for `task::id`.
    polled: Cell<*const Meta>,
    _here: PhantomData<*mut ()>,
}

impl<'rt> Seat<'rt> {
    /// Takes a free slot, `hint` first. `searching`: the thread was woken as a searcher; it stays one without a seat.
    pub(crate) fn sit(shared: &'rt Shared, hint: usize, searching: bool) -> Option<Seat<'rt>> {
        let number = shared.take_slot(hint)?;
        shared.idle.sat_down();
        Some(Seat {
            shared,
            number,
            turn: Cell::new(0),
            streak: Cell::new(0),
            searching: Cell::new(searching),
            polled: Cell::new(ptr::null()),
            _here: PhantomData,
        })
    }

    /// Lets the thread be found through [`context`]; once the seat does not move any more.
    pub(crate) fn enter(&self) {
        context::set_seat(self);
    }

    pub(crate) fn number(&self) -> usize {
        self.number
    }

    pub(crate) fn slot(&self) -> &'rt Slot {
        &self.shared.slots[self.number]
    }

    pub(crate) fn is_searching(&self) -> bool {
        self.searching.get()
    }

    /// The task that this thread polls; null if none.
    pub(crate) fn polled(&self) -> *const Meta {
        self.polled.get()
    }

    // --- pushing ----------------------------------------------------------------------------------------------------

    /// Makes `task` the next one that this thread runs.
    #[inline(always)]
    pub(crate) fn push_next(&self, task: Raw) {
        if let Some(displaced) = self.slot().lifo.replace(Some(task)) {
            self.push_back(displaced);
            self.shared.published();
        }
    }

    /// Queues `task`, which was woken while it ran, behind all others of this slot.
    #[inline(always)]
    pub(crate) fn push_again(&self, task: Raw) {
        let alone = self.slot().queue.is_empty();
        self.push_back(task);
        // No more is runnable than before. But whoever fell asleep meanwhile can share what is there.
        if !alone && self.shared.idle.glance() {
            self.shared.wake_one();
        }
    }

    #[inline(always)]
    fn push_back(&self, task: Raw) {
        // SAFETY: this thread sits in the slot (R2).
        if let Err(task) = unsafe { self.slot().queue.push(task) } {
            self.overflow(task);
        }
    }

    #[cold]
    fn overflow(&self, task: Raw) {
        let injector = &self.shared.injector;
        // SAFETY: this thread sits in the slot (R2).
        unsafe { self.slot().queue.take_half(|older| injector.push(older)) };
        injector.push(task);
    }

    // --- finding ----------------------------------------------------------------------------------------------------

    /// The next task to run, if there is one anywhere.
    #[inline(always)]
    pub(crate) fn next(&self) -> Option<Raw> {
        let turn = self.turn.get().wrapping_add(1);
        self.turn.set(turn);
        if turn.is_multiple_of(ROUND)
            && let Some(task) = self.round()
        {
            return Some(task);
        }
        if let Some(task) = self.slot().lifo.take() {
            if self.streak.get() < STREAK {
                self.streak.set(self.streak.get() + 1);
                return Some(task);
            }
            // Two tasks that wake each other must not keep the others waiting.
            self.push_back(task);
        }
        self.streak.set(0);
        // SAFETY: this thread sits in the slot (R2).
        if let Some(task) = unsafe { self.slot().queue.pop() } {
            return Some(task);
        }
        self.look_further()
    }

    /// What must not wait for the ring to run empty.
    #[cold]
    fn round(&self) -> Option<Raw> {
        self.shared.fire_timers();
        self.shared.injector.pop()
    }

    #[cold]
    fn look_further(&self) -> Option<Raw> {
        if let Some(task) = self.take_batch() {
            return self.found(task);
        }
        if self.shared.fire_timers()
            && let Some(task) = self.own()
        {
            return self.found(task);
        }
        if !self.searching.get() {
            if !self.shared.idle.begin_search() {
                return None;
            }
            self.searching.set(true);
        }
        let stolen = others(self.shared, self.number).find_map(|victim| {
            // SAFETY: this thread sits in the slot that is stolen into (R2), which is empty, and not the victim's.
            unsafe { victim.queue.steal_into(&self.slot().queue) }
        });
        let task = stolen.or_else(|| self.take_batch())?;
        self.found(task)
    }

    fn own(&self) -> Option<Raw> {
        self.slot().lifo.take().or_else(|| {
            // SAFETY: this thread sits in the slot (R2).
            unsafe { self.slot().queue.pop() }
        })
    }

    /// The last searcher that finds work wakes one more: there may be more work.
    fn found(&self, task: Raw) -> Option<Raw> {
        if self.searching.replace(false) && self.shared.idle.end_search() {
            self.shared.published();
        }
        Some(task)
    }

    /// Takes half of this slot's share of the injector: one task to run, the others into the ring.
    fn take_batch(&self) -> Option<Raw> {
        let injector = &self.shared.injector;
        let first = injector.pop()?;
        self.fetch(injector.len() / self.shared.slots.len() / 2);
        Some(first)
    }

    /// Moves up to `count` tasks from the injector to the ring's end.
    fn fetch(&self, count: usize) {
        let room = (super::ring::CAPACITY / 2).saturating_sub(self.slot().queue.len());
        for _ in 0..count.min(room as usize) {
            let Some(task) = self.shared.injector.pop() else { return };
            self.push_back(task);
        }
    }

    /// One look at the injector before a task that yields goes behind what is runnable.
    pub(crate) fn before_yield(&self) {
        if !self.shared.injector.is_empty() {
            self.fetch(self.shared.injector.len() / self.shared.slots.len() + 1);
        }
    }

    /// About how many tasks wait for this seat.
    pub(crate) fn backlog(&self) -> usize {
        self.slot().queue.len() as usize + usize::from(!self.shared.injector.is_empty()) + 1
    }

    /// Gives `f` all that is queued for this seat and in the injector.
    pub(crate) fn drain(&self, mut f: impl FnMut(Runnable<Meta>)) {
        while let Some(task) = self.own().or_else(|| self.shared.injector.pop()) {
            // SAFETY: queues hold what `Runnable::into_raw` gave, each once.
            f(unsafe { Runnable::from_raw(task) });
        }
    }

    // --- running ----------------------------------------------------------------------------------------------------

    /// Polls `task`.
    #[inline(always)]
    pub(crate) fn run(&self, task: Raw) {
        // SAFETY: queues hold what `Runnable::into_raw` gave, each once.
        let task = unsafe { Runnable::<Meta>::from_raw(task) };
        let before = self.polled.replace(task.metadata());
        task.run();
        self.polled.set(before);
    }

    // --- leaving ----------------------------------------------------------------------------------------------------

    /// Hands what is queued here to the injector, and lets the slot go.
    fn clear(&self) {
        while let Some(task) = self.own() {
            self.shared.injector.push(task);
        }
        context::no_seat();
        self.slot().place.release();
    }

    /// Leaves the slot in order to sleep: the caller counts itself out with `Idle::sleep`.
    pub(crate) fn leave_to_sleep(self) {
        self.clear();
        std::mem::forget(self);
    }
}

impl Drop for Seat<'_> {
    /// Leaves the slot and the runtime: the thread that goes hands over what it leaves behind (`work`).
    fn drop(&mut self) {
        self.clear();
        self.shared.idle.left(self.searching.get());
    }
}
