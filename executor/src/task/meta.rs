//! What every task carries beside its future: 32 bytes in the task's own allocation.
//!
//! T3: all but `flags` is written inside the wrapper's poll, or before the task is published. Others read it: a dump,
//! under the lock of the shard that the task is registered in, which keeps the task's memory (T4).
use dormouse_wait::Reason;
use std::panic::Location;
use std::ptr::{self, NonNull};
use std::sync::atomic::{AtomicPtr, AtomicU8, AtomicU16, AtomicU32, Ordering::*};

/// The task is to end at its next poll.
pub(crate) const ABORT: u8 = 1;
/// The task is a job of the blocking pool.
pub(crate) const BLOCKING: u8 = 2;

/// In place of a reason: the future is dropped, or being dropped.
const GONE: u8 = u8::MAX - 1;
/// In place of a reason: the future is dropped, the task is off the registry.
const ENDED: u8 = u8::MAX;

/// The data that async-task keeps with a task for us.
#[derive(Debug)]
pub(crate) struct Meta {
    /// The runtime (its `Shared`). Alive as long as the task is (S4).
    pub(crate) rt: NonNull<()>,
    site: AtomicPtr<Location<'static>>,
    key: AtomicU32,
    polls: AtomicU32,
    shard: AtomicU16,
    reason: AtomicU8,
    flags: AtomicU8,
}

// SAFETY: `rt` points to a type that is Send and Sync; the rest are atomics.
unsafe impl Send for Meta {}
// SAFETY: as above.
unsafe impl Sync for Meta {}

impl Meta {
    pub(crate) fn new(rt: NonNull<()>, flags: u8) -> Meta {
        Meta {
            rt,
            site: AtomicPtr::new(ptr::null_mut()),
            key: AtomicU32::new(u32::MAX),
            polls: AtomicU32::new(0),
            shard: AtomicU16::new(u16::MAX),
            reason: AtomicU8::new(Reason::External as u8),
            flags: AtomicU8::new(flags),
        }
    }

    /// Notes where the task is registered; before it is published.
    #[inline]
    pub(crate) fn register(&self, shard: u16, key: u32) {
        self.shard.store(shard, Relaxed);
        self.key.store(key, Relaxed);
    }

    /// Where the task is registered: shard and key. `None` if it never was.
    #[inline]
    pub(crate) fn place(&self) -> Option<(u16, u32)> {
        let key = self.key.load(Relaxed);
        (key != u32::MAX).then(|| (self.shard.load(Relaxed), key))
    }

    /// Makes the task's next poll its last.
    #[inline]
    pub(crate) fn abort(&self) {
        // Ordering: Relaxed; the wake-up that follows brings it to the poll.
        self.flags.fetch_or(ABORT, Relaxed);
    }

    #[inline(always)]
    pub(crate) fn has(&self, flag: u8) -> bool {
        self.flags.load(Relaxed) & flag != 0
    }

    /// Notes why and where the poll that ends left the task waiting.
    #[inline(always)]
    pub(crate) fn waits(&self, reason: Reason, site: Option<&'static Location<'static>>) {
        let site = site.map_or(ptr::null_mut(), |site| ptr::from_ref(site).cast_mut());
        self.site.store(site, Relaxed);
        self.reason.store(reason as u8, Relaxed);
        self.polls.store(self.polls.load(Relaxed).wrapping_add(1), Relaxed);
    }

    /// Why and where the task waits.
    pub(crate) fn waited(&self) -> (Reason, Option<&'static Location<'static>>) {
        let site = NonNull::new(self.site.load(Relaxed)).map(|site| {
            // SAFETY: only `waits` writes it, and from a `&'static`.
            unsafe { site.as_ref() }
        });
        (Reason::from_u8(self.reason.load(Relaxed)), site)
    }

    /// Notes that the future is being dropped: before it is, as a destructor that panics is not called again.
    #[inline(always)]
    pub(crate) fn set_gone(&self) {
        self.reason.store(GONE, Relaxed);
    }

    /// Is the future dropped, or being dropped? For the task's own polls and Drop.
    #[inline(always)]
    pub(crate) fn is_gone(&self) -> bool {
        self.reason.load(Relaxed) >= GONE
    }

    /// Notes that the task has ended.
    #[inline(always)]
    pub(crate) fn set_ended(&self) {
        // Ordering: Release pairs with the Acquire load in `has_ended`: what the destructors did is seen.
        self.reason.store(ENDED, Release);
    }

    /// Has the task ended? For anybody.
    #[inline(always)]
    pub(crate) fn has_ended(&self) -> bool {
        // Ordering: Acquire pairs with the Release store in `set_ended`.
        self.reason.load(Acquire) == ENDED
    }
}
