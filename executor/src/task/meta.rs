//! What every task carries beside its future: 32 bytes in the task's own allocation.
//!
//! T3: all but `flags` is written inside the wrapper's poll, or before the task is published. Others read it: a dump,
//! under the lock of the shard that the task is registered in, which keeps the task's memory (T4).
use dormouse_wait::frame::Waits;
use std::ptr::NonNull;
use std::sync::atomic::{AtomicU8, AtomicU16, AtomicU32, Ordering::*};

/// The task is to end at its next poll.
pub(crate) const ABORT: u8 = 1;
/// The task is a job of the blocking pool.
pub(crate) const BLOCKING: u8 = 2;
/// The task is a `LocalSet`'s: `rt` points to its home.
pub(crate) const LOCAL: u8 = 4;

/// Nobody holds a handle of the task.
pub(crate) const DETACHED: u8 = 8;

/// The future is there.
const LIVE: u8 = 0;
/// The future is dropped, or being dropped.
const GONE: u8 = 1;
/// The future is dropped, the task is off the registry, or left to a sweep of it.
const ENDED: u8 = 2;

/// The data that async-task keeps with a task for us.
#[derive(Debug)]
pub(crate) struct Meta {
    /// The runtime (its `Shared`). Alive as long as the task is (S4). Of a local task: its `Home`, which is alive as long
    /// as the task's memory.
    pub(crate) rt: NonNull<()>,
    /// What the task waits for.
    pub(crate) waits: Waits,
    key: AtomicU32,
    shard: AtomicU16,
    flags: AtomicU8,
    phase: AtomicU8,
}

// SAFETY: `rt` points to a type that is Send and Sync; the rest are atomics.
unsafe impl Send for Meta {}
// SAFETY: as above.
unsafe impl Sync for Meta {}

impl Meta {
    pub(crate) fn new(rt: NonNull<()>, flags: u8) -> Meta {
        Meta {
            rt,
            waits: Waits::new(),
            key: AtomicU32::new(u32::MAX),
            shard: AtomicU16::new(u16::MAX),
            flags: AtomicU8::new(flags),
            phase: AtomicU8::new(LIVE),
        }
    }

    /// Notes where the task is registered; before it is published.
    #[inline]
    pub(crate) fn register(&self, shard: u16, key: u32) {
        self.shard.store(shard, Relaxed);
        self.key.store(key, Relaxed);
    }

    /// Where the task is registered: shard and key. `None` if it never was. Of a task that has ended it says nothing.
    #[inline]
    pub(crate) fn place(&self) -> Option<(u16, u32)> {
        let key = self.key.load(Relaxed);
        (key != u32::MAX).then(|| (self.shard.load(Relaxed), key))
    }

    /// Notes the key of another task in place of this one's, which has ended and is still registered.
    #[inline]
    pub(super) fn chain(&self, key: u32) {
        self.key.store(key, Relaxed);
    }

    /// What [`chain`](Meta::chain) has noted.
    #[inline]
    pub(super) fn chained(&self) -> u32 {
        self.key.load(Relaxed)
    }

    /// Makes the task's next poll its last.
    #[inline]
    pub(crate) fn abort(&self) {
        // Ordering: Relaxed; the wake-up that follows brings it to the poll.
        self.flags.fetch_or(ABORT, Relaxed);
    }

    /// Notes that the last handle is gone.
    #[inline]
    pub(crate) fn detach(&self) {
        // Ordering: Relaxed; a panic just now comes before it or after it.
        self.flags.fetch_or(DETACHED, Relaxed);
    }

    #[inline(always)]
    pub(crate) fn has(&self, flag: u8) -> bool {
        self.flags.load(Relaxed) & flag != 0
    }

    /// Notes that the future is being dropped: before it is, as a destructor that panics is not called again.
    #[inline(always)]
    pub(crate) fn set_gone(&self) {
        self.phase.store(GONE, Relaxed);
    }

    /// Is the future dropped, or being dropped? For the task's own polls and Drop.
    #[inline(always)]
    pub(crate) fn is_gone(&self) -> bool {
        self.phase.load(Relaxed) >= GONE
    }

    /// Notes that the task has ended.
    #[inline(always)]
    pub(crate) fn set_ended(&self) {
        // Ordering: Release pairs with the Acquire load in `has_ended`: what the destructors did is seen.
        self.phase.store(ENDED, Release);
    }

    /// Has the task ended? For anybody.
    #[inline(always)]
    pub(crate) fn has_ended(&self) -> bool {
        // Ordering: Acquire pairs with the Release store in `set_ended`.
        self.phase.load(Acquire) == ENDED
    }
}

const _: () = assert!(size_of::<Meta>() <= 32);
