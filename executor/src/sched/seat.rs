//! A thread that sits in a slot: it pushes what it makes runnable there, and finds the next task.
//!
//! A seat stays on its thread. Its Drop leaves the slot: what is still queued goes to the injector, so that nothing is
//! stranded, whether the thread goes to sleep, returns from `block_on`, or unwinds.
//!
//! Inside a poll the thread may lose its seat: the poll was so long that the slot was relieved, and another thread has
//! taken its place among the N ([`run`](Seat::run) says so after the poll); or the poll left the seat
//! ([`leave_in_poll`](Seat::leave_in_poll)) and found none free when it came back. The seat is then
//! [gone](Seat::is_gone); its thread goes to sleep like any other.
//!
//! The next task: every 61st turn the timers, the reactor (less often while there is something in the injector) and the
//! injector; else the LIFO cell, at most three times in a row; the slot's ring; a batch of the injector; timers that are
//! due; half of another slot's ring.
//!
//! A push into the LIFO cell wakes nobody: this thread runs it next. What it displaces goes to the ring, and that
//! wakes somebody if nobody searches; but for a few tasks that timers wake, if they were done soon the last time
//! ([`brisk`](super::brisk)). What was woken while it ran goes to the ring's end.
//!
//! Checked by `tests/task.rs` (turns, streaks, yields), `tests/runtime.rs` and `tests/peers.rs` (what is left behind),
//! `tests/monitor.rs` and `tests/block_in_place.rs` (lost seats).
use super::brisk;
use super::context;
use super::idle::NEVER;
use super::measure::Measure;
use super::os::Thread;
use super::ring::Raw;
use super::shared::Shared;
use super::slots::Slot;
use crate::task::meta::Meta;
use crate::timer::WAKES;
use async_task::Runnable;
use std::cell::Cell;
use std::marker::PhantomData;
use std::ptr;
use std::sync::atomic::{Ordering::*, fence};

/// Turns between two looks at the injector and the timers while there is other work.
const ROUND: u64 = 61;
/// Tasks that come from the injector in such a round, beside the one that runs at once: about half of a round.
const FETCH: usize = 32;
/// Timers that are fired in a round however full the ring is.
const TIMERS: usize = 8;
/// Rounds between two looks at the reactor while there is something in the injector.
const OVERDUE: u64 = 16;
/// Tasks out of the LIFO cell in a row.
const STREAK: u32 = 3;

#[derive(Debug)]
pub(crate) struct Seat<'rt> {
    pub(crate) shared: &'rt Shared,
    /// The slot, or [`Shared::nowhere`].
    slot: Cell<&'rt Slot>,
    number: Cell<usize>,
    streak: Cell<u32>,
    searching: Cell<bool>,
    /// What is pushed now wakes nobody.
    quiet: Cell<bool>,
    measure: Measure,
    thread: Thread,
    /// The poll has left the seat, and is still on: `Idle` counts the thread as away.
    away: Cell<bool>,
    /// What is being polled meanwhile.
    kept: Cell<*mut Meta>,
    /// The seat that this thread had before, and left within a poll.
    before: Cell<*const Seat<'static>>,
    _here: PhantomData<*mut ()>,
}

impl<'rt> Seat<'rt> {
    /// Takes a free slot, `hint` first. `searching`: the thread was woken as a searcher; it stays one without a seat.
    /// `thread` is the caller.
    pub(crate) fn sit(
        shared: &'rt Shared,
        hint: usize,
        searching: bool,
        thread: Thread,
    ) -> Option<Seat<'rt>> {
        if !shared.idle.sit() {
            return None;
        }
        let seat = Seat {
            shared,
            slot: Cell::new(&shared.slots.nowhere),
            number: Cell::new(hint),
            streak: Cell::new(0),
            searching: Cell::new(searching),
            quiet: Cell::new(false),
            measure: Measure::of(shared),
            thread,
            away: Cell::new(false),
            kept: Cell::new(ptr::null_mut()),
            before: Cell::new(ptr::null()),
            _here: PhantomData,
        };
        seat.take_slot();
        Some(seat)
    }

    /// Takes a slot, after `Idle::sit`.
    fn take_slot(&self) {
        let number = self.shared.slots.take(self.number.get());
        let slot = &self.shared.slots.all[number];
        slot.queue.prepare();
        slot.thread.store(self.thread.to_bits(), Relaxed);
        self.slot.set(slot);
        self.number.set(number);
        // Ordering: SeqCst pairs with the monitor's heavy fence: the place is taken before, the look at the monitor after.
        fence(SeqCst);
        self.shared.call_monitor();
    }

    /// Lets the thread be found through [`context`]; once the seat does not move any more.
    pub(crate) fn enter(&self) {
        let before = context::set_seat(self);
        if !ptr::eq(before, ptr::from_ref(self).cast()) {
            self.before.set(before);
        }
    }

    pub(crate) fn number(&self) -> usize {
        self.number.get()
    }

    /// The part of timers and tasks that this slot uses.
    #[inline(always)]
    pub(crate) fn part(&self) -> usize {
        let (number, parts) = (self.number.get(), self.shared.parts.len());
        if number < parts { number } else { number % parts }
    }

    #[inline(always)]
    pub(crate) fn slot(&self) -> &'rt Slot {
        self.slot.get()
    }

    /// Does the thread sit here no more?
    pub(crate) fn is_gone(&self) -> bool {
        ptr::eq(self.slot(), &self.shared.slots.nowhere)
    }

    pub(crate) fn is_searching(&self) -> bool {
        self.searching.get()
    }

    /// The task that this thread polls; null if none.
    pub(crate) fn polled(&self) -> *const Meta {
        if self.away.get() {
            return self.kept.get();
        }
        if self.slot().turn.is_on() { self.slot().polled.load(Relaxed) } else { ptr::null() }
    }

    // --- pushing ----------------------------------------------------------------------------------------------------

    /// Makes `task` the next one that this thread runs.
    #[inline(always)]
    pub(crate) fn push_next(&self, task: Raw) {
        self.measure.runnable(self.shared, task);
        let turn = &self.slot().turn;
        if let Some(displaced) = turn.put(task) {
            self.push_back(displaced);
            if !self.quiet.get() {
                self.shared.published();
            }
        }
        if turn.is_open() {
            self.push_openly();
        }
    }

    /// Queues `task` behind all others of this slot. Nobody is woken: the caller [tells](Shared::published) of several.
    pub(crate) fn push_quietly(&self, task: Raw) {
        self.measure.runnable(self.shared, task);
        self.push_back(task);
    }

    /// The monitor has opened this slot, as the poll does not end: what is to be next goes where thieves find it.
    #[cold]
    fn push_openly(&self) {
        if let Some(task) = self.slot().turn.take_back() {
            self.push_back(task);
            self.shared.published();
        }
    }

    /// Queues `task`, which was woken while it ran, behind all others of this slot.
    #[inline(always)]
    pub(crate) fn push_again(&self, task: Raw) {
        self.measure.runnable(self.shared, task);
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

    /// The next task to run, if there is one anywhere; none if the seat is gone.
    #[inline(always)]
    pub(crate) fn next(&self) -> Option<Raw> {
        let slot = self.slot();
        // (Who searches has nothing of its own, and must not come to a task but by `found`: P6.)
        if slot.turn.epoch().is_multiple_of(2 * ROUND) && !self.searching.get() {
            if self.shared.idle.has_surplus() && self.retire_surplus() {
                return None;
            }
            if let Some(task) = self.round() {
                return Some(task);
            }
        }
        if let Some(task) = slot.turn.take() {
            if self.streak.get() < STREAK {
                self.streak.set(self.streak.get() + 1);
                return Some(task);
            }
            // Two tasks that wake each other must not keep the others waiting.
            self.push_back(task);
        }
        self.streak.set(0);
        // SAFETY: this thread sits in the slot (R2).
        if let Some(task) = unsafe { slot.queue.pop() } {
            return Some(task);
        }
        self.look_further()
    }

    /// What must not wait for the ring to run empty. It goes behind what is there, in turn with that: if all of it came at
    /// once, the ring would spill into the injector, and what is there would wait until nothing else is left.
    #[cold]
    fn round(&self) -> Option<Raw> {
        let first = self.shared.injector.pop();
        if first.is_some() {
            self.fetch((self.shared.injector.len() / self.shared.parts.len()).min(FETCH));
        }
        self.shared.fire_timers(self.room().clamp(TIMERS, WAKES));
        // What is in the injector has overflowed, or was there before the news of sockets.
        let overdue = self.slot().turn.epoch().is_multiple_of(2 * ROUND * OVERDUE);
        if overdue || self.shared.injector.is_empty() {
            self.shared.reactor.look();
        }
        first
    }

    /// How many tasks more the slot takes from elsewhere.
    fn room(&self) -> usize {
        (super::ring::CAPACITY / 2).saturating_sub(self.slot().queue.len()) as usize
    }

    #[cold]
    fn look_further(&self) -> Option<Raw> {
        if let Some(task) = self.take_batch() {
            return self.found(task);
        }
        if self.fire_timers()
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
        let stolen = self.shared.slots.others(self.number()).find_map(|victim| {
            // SAFETY: this thread sits in the slot that is stolen into (R2), which is empty, and not the victim's.
            unsafe { victim.queue.steal_into(&self.slot().queue) }
        });
        if stolen.is_some() {
            let stolen = 1 + u64::from(self.slot().queue.len());
            self.slot().stats.stolen.fetch_add(stolen, Relaxed);
        }
        let task = stolen.or_else(|| self.take_batch())?;
        self.found(task)
    }

    /// Wakes timers that are due, for this thread, which has nothing else to do. True if there were any.
    fn fire_timers(&self) -> bool {
        if self.shared.due() == NEVER {
            return false;
        }
        let (slot, now) = (self.slot(), self.shared.now());
        let quiet = slot.brisk.look(now);
        self.quiet.set(quiet);
        let any = self.shared.fire_timers_at(now, WAKES);
        self.quiet.set(false);
        if any {
            if quiet && slot.queue.len() > brisk::FEW {
                self.shared.published();
            }
            // (Not what the firing took, which may have been the wake-up of a thread.)
            slot.brisk.fired(self.shared.now());
        }
        any
    }

    fn own(&self) -> Option<Raw> {
        self.slot().turn.take().or_else(|| {
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
        self.fetch(injector.len() / self.shared.parts.len() / 2);
        Some(first)
    }

    /// Moves up to `count` tasks from the injector to the ring's end.
    fn fetch(&self, count: usize) {
        for _ in 0..count.min(self.room()) {
            let Some(task) = self.shared.injector.pop() else { return };
            self.push_back(task);
        }
    }

    /// One look at the injector before a task that yields goes behind what is runnable.
    pub(crate) fn before_yield(&self) {
        if !self.shared.injector.is_empty() {
            self.fetch(self.shared.injector.len() / self.shared.parts.len() + 1);
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

    /// Polls `task`. False if the seat is gone.
    #[inline(always)]
    pub(crate) fn run(&self, task: Raw) -> bool {
        // SAFETY: queues hold what `Runnable::into_raw` gave, each once.
        let task = unsafe { Runnable::<Meta>::from_raw(task) };
        self.slot().polled.store(ptr::from_ref(task.metadata()).cast_mut(), Relaxed);
        if self.measure.is_on() {
            return self.run_measured(task);
        }
        self.slot().turn.begin();
        task.run();
        self.end_poll()
    }

    #[cold]
    fn run_measured(&self, task: Runnable<Meta>) -> bool {
        let began = self.shared.now();
        self.measure.waited(task.metadata(), began, &self.slot().stats);
        self.slot().turn.begin();
        task.run();
        self.measure.polled(self.shared, began, &self.slot().stats);
        self.end_poll()
    }

    /// Polls a root future with `poll`. False if the seat is gone.
    pub(crate) fn run_root(&self, poll: impl FnOnce()) -> bool {
        self.end_search();
        self.slot().polled.store(ptr::null_mut(), Relaxed);
        self.slot().turn.begin();
        let began = if self.measure.is_on() { self.shared.now() } else { 0 };
        poll();
        if self.measure.is_on() {
            self.measure.polled(self.shared, began, &self.slot().stats);
        }
        self.end_poll()
    }

    /// Calls `wake`, which makes tasks runnable that the reactor has told of: the thread goes on with those.
    pub(crate) fn attend(&self, wake: impl FnOnce()) {
        wake();
        let slot = self.slot();
        // (Who searches must not come to a task but by `found`: P6.)
        if (slot.turn.has_next() || !slot.queue.is_empty()) && self.searching.replace(false) {
            self.shared.idle.searched_without_seat();
            if self.shared.has_work(true) {
                self.shared.published();
            }
        }
    }

    /// A thread that was woken to search has something else to do first (P6).
    fn end_search(&self) {
        if self.searching.replace(false) {
            self.shared.idle.searched_without_seat();
            self.shared.hand_over();
        }
    }

    /// A poll is over, in whatever slot.
    #[inline(always)]
    fn end_poll(&self) -> bool {
        !self.slot().turn.end() || self.pass()
    }

    /// The end of a poll that was long, or has left the seat. False if the seat is gone.
    #[cold]
    fn pass(&self) -> bool {
        if self.is_gone() {
            self.stop_being_away();
            return false;
        }
        let relieved = self.slot().turn.pass();
        // The monitor may sleep while a poll does not end.
        self.shared.call_monitor();
        if relieved && !self.shared.idle.stay() {
            self.clear();
            self.shared.idle.retire();
            return false;
        }
        true
    }

    // --- leaving ----------------------------------------------------------------------------------------------------

    /// Hands what is queued here to the injector, and lets the slot go. Not within a poll.
    fn clear(&self) {
        while let Some(task) = self.own() {
            self.shared.injector.push(task);
        }
        self.shared.sweep();
        context::leave_seat();
        self.slot().place.release();
        self.slot.set(&self.shared.slots.nowhere);
    }

    /// Leaves the slot between polls if there are too many seats, as N was lowered.
    #[cold]
    fn retire_surplus(&self) -> bool {
        let surplus = self.shared.idle.is_surplus();
        if surplus {
            self.clear();
            self.shared.idle.retire();
        }
        surplus
    }

    /// Leaves the slot within a poll, so that another thread may take its place meanwhile (S6). False outside of one.
    pub(crate) fn leave_in_poll(&self) -> bool {
        let slot = self.slot();
        if self.is_gone() || !slot.turn.is_on() {
            return false;
        }
        self.kept.set(slot.polled.load(Relaxed));
        // As far as the slot is concerned, the poll ends here.
        let relieved = slot.turn.end() && slot.turn.pass();
        self.clear();
        self.away.set(true);
        self.shared.idle.go_away(relieved);
        self.shared.hand_over();
        true
    }

    /// After [`leave_in_poll`](Seat::leave_in_poll): sits again if a slot is free. Else the poll goes on without.
    pub(crate) fn come_back(&self) {
        if !self.shared.idle.sit() {
            return;
        }
        self.take_slot();
        let slot = self.slot();
        slot.polled.store(self.kept.get(), Relaxed);
        slot.turn.begin();
        self.stop_being_away();
        self.enter();
    }

    fn stop_being_away(&self) {
        if self.away.replace(false) {
            self.shared.idle.come_back();
        }
    }

    /// Leaves the slot in order to sleep: the caller counts itself out with `Idle::sleep`, if this is true, which it is
    /// not if the seat is gone.
    pub(crate) fn leave_to_sleep(self) -> bool {
        let seated = !self.is_gone();
        if seated {
            self.clear();
        }
        context::reset_seat(self.before.get());
        std::mem::forget(self);
        seated
    }
}

impl Drop for Seat<'_> {
    /// Leaves the slot and the runtime: the thread that goes hands over what it leaves behind (`work`).
    fn drop(&mut self) {
        let idle = &self.shared.idle;
        self.stop_being_away();
        if !self.is_gone() {
            let turn = &self.slot().turn;
            // A panic of the root future goes out through here.
            let relieved = turn.is_on() && turn.end() && turn.pass() && !idle.stay();
            self.clear();
            if relieved {
                idle.retire();
            } else {
                idle.left(self.searching.get());
            }
        }
        context::reset_seat(self.before.get());
    }
}
