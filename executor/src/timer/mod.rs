//! The timers of one slot: a [`wheel`] of sleeping futures and [`alarm`]s, behind one short lock.
//!
//! A shard lives in an `Arc` of its own that every registered `Sleep` holds, so a `Sleep` may outlive its runtime; the
//! counter is touched by the slot's own thread mostly.
//!
//! | shard | event | after |
//! |---|---|---|
//! | open | `register`, `requeue` | queued; `due` is at most its deadline |
//! | open | `fire_some` by whoever finds it due | some of what is due is woken, in batches, outside of the lock; `due` stands until all is |
//! | open | `close`, by the runtime's end | closed; all are woken and told |
//! | closed | `register`, `requeue` | refused |
//!
//! Invariants: `due` is never later than the first deadline (written under the lock); time is in nanoseconds since the
//! runtime began; a timer fires when the clock has passed the end of its tick, so never early.
//!
//! Checked by `tests/time.rs`, `tests/reentrant.rs`.
pub(crate) mod alarm;
mod soon;
pub(crate) mod wheel;

use crate::panics;
use dormouse_wait::alarm::{Bell, Key};
use dormouse_wait::lock::{Guard, Lock};
use dormouse_wait::wakes::Wakes;
use soon::Soon;
use std::pin::Pin;
use std::sync::atomic::{AtomicU64, Ordering::*};
use std::task::Waker;
use wheel::{Node, Wheel};

pub(crate) use crate::sched::idle::NEVER;

/// Nodes touched per holding of the lock.
const STEPS: usize = 128;
/// Most wakes of one look at the timers, about as many as tasks run between two looks: so neither keeps the other waiting.
pub(crate) const WAKES: usize = 64;
/// Holdings of the lock in one look: at a large bucket's time, many nodes go to lower levels, for one wake or none.
const HOLDS: usize = 128;

/// The timers of one slot.
#[derive(Debug)]
pub(crate) struct Shard {
    tick: Tick,
    due: AtomicU64,
    timers: Lock<Timers>,
}

#[derive(Debug)]
struct Timers {
    wheel: Wheel,
    /// Nodes in the wheel.
    nodes: usize,
    soon: Soon,
    closed: bool,
}

/// How long a tick is: 2^n ns.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Tick(u32);

impl Tick {
    /// 65.5 us: what is due at about the same time is fired together.
    pub(crate) const COARSE: Tick = Tick(16);
    /// 1 ns: for a clock that stands where it is put.
    pub(crate) const EXACT: Tick = Tick(0);

    /// The first tick whose start is not before `nanos`.
    fn after(self, nanos: u64) -> u64 {
        (nanos >> self.0) + u64::from(nanos & ((1 << self.0) - 1) != 0)
    }

    /// The tick that `nanos` is in.
    fn of(self, nanos: u64) -> u64 {
        nanos >> self.0
    }

    /// When a tick begins; never [`NEVER`].
    fn start(self, tick: u64) -> u64 {
        tick.saturating_mul(1 << self.0).min(NEVER - 1)
    }
}

impl Shard {
    pub(crate) fn new(tick: Tick) -> Shard {
        let timers = Timers { wheel: Wheel::new(), nodes: 0, soon: Soon::new(), closed: false };
        Shard { tick, due: AtomicU64::new(NEVER), timers: Lock::new(timers) }
    }

    /// When the first timer is due, or [`NEVER`].
    #[inline(always)]
    pub(crate) fn due(&self) -> u64 {
        self.due.load(Relaxed)
    }

    /// Lets `due` be at most this.
    fn sooner(&self, _held: &Guard<'_, Timers>, due: u64) {
        if due < self.due.load(Relaxed) {
            self.due.store(due, Relaxed);
        }
    }

    /// How many timers are set.
    pub(crate) fn len(&self) -> usize {
        let timers = self.timers.lock();
        timers.nodes + timers.soon.len()
    }

    /// Sets an alarm of [`soon`], and gives the time when it has to be looked at if nobody knows of that; or the waker back
    /// if the shard is closed.
    fn set_soon(&self, waker: Waker, now: impl FnOnce() -> u64) -> Result<(Key, Option<u64>), Waker> {
        let mut timers = self.timers.lock();
        if timers.closed {
            return Err(waker);
        }
        let before = timers.soon.due();
        let key = timers.soon.set(waker, now);
        let due = timers.soon.due();
        self.sooner(&timers, due);
        Ok((key, (due != before).then_some(due)))
    }

    /// Queues an idle node for `deadline`: the time by which it is due, or the waker back if the shard is closed.
    ///
    /// # Safety
    /// As [`Wheel::insert`]'s.
    pub(crate) unsafe fn register(
        &self,
        node: Pin<&Node>,
        deadline: u64,
        waker: Waker,
    ) -> Result<u64, Waker> {
        // SAFETY: handed on.
        let (_, due) = unsafe { self.requeue(node, deadline, waker) }?;
        Ok(due)
    }

    /// Queues a node of this shard for `deadline`, wherever it was: whether it was queued, and the time by which it is
    /// due; or the waker back if the shard is closed.
    ///
    /// # Safety
    /// As [`Wheel::insert`]'s, but that the node may be queued, here, and others may call this and
    /// [`cancel`](Shard::cancel) for it meanwhile.
    pub(crate) unsafe fn requeue(
        &self,
        node: Pin<&Node>,
        deadline: u64,
        waker: Waker,
    ) -> Result<(bool, u64), Waker> {
        let tick = self.tick.after(deadline);
        let mut timers = self.timers.lock();
        if timers.closed {
            return Err(waker);
        }
        let former = timers.wheel.remove(node);
        node.reset();
        // SAFETY: handed on; the node is idle, and stays so under the lock.
        unsafe { timers.wheel.insert(node, tick, waker) };
        self.sooner(&timers, self.tick.start(tick));
        let was_queued = former.is_some();
        timers.nodes += usize::from(!was_queued);
        drop(timers);
        panics::discard(former);
        Ok((was_queued, self.tick.start(tick)))
    }

    /// Takes a node out; its waker is dropped outside of the lock. True if it was queued.
    pub(crate) fn cancel(&self, node: Pin<&Node>) -> bool {
        let mut timers = self.timers.lock();
        let waker = timers.wheel.remove(node);
        let was_queued = waker.is_some();
        timers.nodes -= usize::from(was_queued);
        drop(timers);
        panics::discard(waker);
        was_queued
    }

    /// Lets a queued node wake `waker` from now on.
    pub(crate) fn rewake(&self, node: Pin<&Node>, waker: &Waker) {
        if self.timers.lock().wheel.would_wake(node, waker) {
            return;
        }
        // `Waker::clone` is user code: not under the lock.
        let waker = waker.clone();
        let old = self.timers.lock().wheel.rewake(node, waker);
        panics::discard(old);
    }

    /// Wakes all that is due at `now`.
    pub(crate) fn fire(&self, now: u64) {
        let mut most = usize::MAX;
        while !self.fire_some(now, &mut most) {}
    }

    /// Wakes some of what is due at `now`, in batches, outside of the lock: `most` at most, which is lowered by as many. True
    /// if that was all; else `due` tells. (A waker's panic ends in [`Wakes`].)
    pub(crate) fn fire_some(&self, now: u64, most: &mut usize) -> bool {
        let tick = self.tick.of(now);
        for _ in 0..HOLDS {
            let mut wakes = Wakes::new();
            let mut timers = self.timers.lock();
            let Timers { wheel, nodes, soon, .. } = &mut *timers;
            let mut fire = |waker| {
                wakes.push(waker);
                *most -= 1;
                *most > 0 && !wakes.is_full()
            };
            let done = soon.advance(now, &mut fire)
                && wheel.advance(tick, STEPS, |waker| {
                    *nodes -= 1;
                    fire(waker)
                });
            let next = wheel.next().map_or(NEVER, |tick| self.tick.start(tick));
            self.due.store(next.min(soon.due()), Relaxed);
            drop(timers);
            wakes.fire();
            if done || *most == 0 {
                return done;
            }
        }
        false
    }

    /// Takes no more timers, and wakes all who wait: they see that the runtime is gone.
    pub(crate) fn close(&self) {
        loop {
            let mut wakes = Wakes::new();
            let mut timers = self.timers.lock();
            timers.closed = true;
            let Timers { wheel, nodes, soon, .. } = &mut *timers;
            let mut fire = |waker| {
                wakes.push(waker);
                !wakes.is_full()
            };
            let done = soon.close(&mut fire)
                && wheel.close(|waker| {
                    *nodes -= 1;
                    fire(waker)
                });
            self.due.store(NEVER, Relaxed);
            drop(timers);
            wakes.fire();
            if done {
                return;
            }
        }
    }
}

impl Bell for Shard {
    fn rewake(self: Pin<&Self>, key: Key, waker: &Waker) -> bool {
        match self.timers.lock().soon.waker(key) {
            None => return false,
            Some(own) if own.will_wake(waker) => return true,
            Some(_) => (),
        }
        // `Waker::clone` is user code: not under the lock.
        let mut waker = waker.clone();
        let set = match self.timers.lock().soon.waker(key) {
            Some(own) => {
                std::mem::swap(own, &mut waker);
                true
            }
            None => false,
        };
        panics::discard(Some(waker));
        set
    }

    fn take_back(self: Pin<&Self>, key: Key) {
        let waker = self.timers.lock().soon.cancel(key);
        panics::discard(waker);
    }
}
