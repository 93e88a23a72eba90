//! A hierarchical timer wheel: eleven levels of 64 buckets, the first of one tick each. What a tick is, the
//! [`shard`](super::Shard) says.
//!
//! After Varghese and Lauck's hierarchical wheels. A node stands at the level of the highest group of six bits in which
//! its tick differs from the wheel's present one, so whatever stands at a lower level is due earlier. Buckets are rings
//! of nodes with a sentinel, so a node leaves from anywhere in O(1) without knowing its bucket.
//!
//! Invariants (all under the lock of the [`shard`](super::shard)):
//! - T-a a linked node has `QUEUED` in its phase, a waker, and a tick beyond `now`, unless it is in `loose`.
//! - T-b `lowest[bucket]` is at most the tick of every node in the bucket; a set bit is set for every bucket that is
//!   not empty (it may be set for an empty one).
//! - T-c the node's owner touches `links`, `waker` and `tick` under the lock only, while its phase says `QUEUED`.
//!   `fire` takes the waker and then stores the phase with Release: its last touch of the node.
//!
//! Rejected: a binary heap of boxed entries (cancelling is O(log n) under the lock, or leaves garbage); one wheel per
//! runtime (one lock for all threads).
//!
//! Checked by the tests below (against a plain model), `tests/time.rs`.
use std::cell::{Cell, UnsafeCell};
use std::marker::PhantomPinned;
use std::pin::Pin;
use std::ptr::NonNull;
use std::sync::atomic::{AtomicU8, Ordering::*};
use std::task::Waker;

const LEVELS: usize = 11;
const LEVEL_BITS: usize = 6;
const BUCKETS: usize = 1 << LEVEL_BITS;
/// The last tick that there is.
const LAST: u64 = u64::MAX - 1;

/// Not in the wheel.
pub(crate) const IDLE: u8 = 0;
/// In the wheel.
pub(crate) const QUEUED: u8 = 1;
/// Out of the wheel: it was due.
pub(crate) const FIRED: u8 = 2;
/// Out of the wheel: the runtime ended.
pub(crate) const CLOSED: u8 = 3;

/// A place in a ring: of a node, or a bucket's sentinel.
#[derive(Debug)]
#[repr(C)]
struct Links {
    next: Cell<NonNull<Links>>,
    prev: Cell<NonNull<Links>>,
}

impl Links {
    fn dangling() -> Links {
        Links { next: Cell::new(NonNull::dangling()), prev: Cell::new(NonNull::dangling()) }
    }
}

/// One timer: lives in its pinned `Sleep`.
#[derive(Debug)]
#[repr(C)]
pub(crate) struct Node {
    /// First, so that a pointer to it is one to the node.
    links: Links,
    tick: Cell<u64>,
    waker: UnsafeCell<Option<Waker>>,
    phase: AtomicU8,
    _pin: PhantomPinned,
}

// SAFETY: T-c: all but the phase is touched under the wheel's lock, or while the node is its owner's alone.
unsafe impl Send for Node {}
// SAFETY: as above.
unsafe impl Sync for Node {}

impl Node {
    pub(crate) fn new() -> Node {
        Node {
            links: Links::dangling(),
            tick: Cell::new(0),
            waker: UnsafeCell::new(None),
            phase: AtomicU8::new(IDLE),
            _pin: PhantomPinned,
        }
    }

    /// Where the node stands.
    #[inline]
    pub(crate) fn phase(&self) -> u8 {
        // Ordering: Acquire pairs with the Release store in `release`.
        self.phase.load(Acquire)
    }

    /// Makes a node that is in no wheel idle again. Not for a queued one.
    pub(crate) fn reset(&self) {
        debug_assert_ne!(self.phase(), QUEUED);
        self.phase.store(IDLE, Relaxed);
    }

    /// Marks an idle node as due, by its owner.
    pub(crate) fn set_fired(&self) {
        debug_assert_eq!(self.phase(), IDLE);
        self.phase.store(FIRED, Relaxed);
    }

    /// Takes the waker of a node that leaves the wheel, and gives the node back to its owner.
    ///
    /// # Safety
    /// The caller holds the wheel's lock and has unlinked the node.
    unsafe fn release(&self, phase: u8) -> Option<Waker> {
        // SAFETY: T-c: the lock is held.
        let waker = unsafe { &mut *self.waker.get() }.take();
        // Ordering: Release pairs with the Acquire load in `phase`; the last touch of the node.
        self.phase.store(phase, Release);
        waker
    }
}

/// The wheel.
#[derive(Debug)]
pub(crate) struct Wheel {
    /// The tick up to which nodes were fired.
    now: u64,
    bits: [u64; LEVELS],
    lowest: Box<[u64]>,
    /// The sentinels of the buckets, and last the one of `loose`: nodes whose bucket is being broken up.
    rings: Box<[Links]>,
}

// SAFETY: the wheel reaches nodes, which are Sync; its sentinels are its own, and move with the box.
unsafe impl Send for Wheel {}

const LOOSE: usize = LEVELS * BUCKETS;

impl Wheel {
    pub(crate) fn new() -> Wheel {
        let rings: Box<[Links]> = (0..=LOOSE).map(|_| Links::dangling()).collect();
        let wheel = Wheel { now: 0, bits: [0; LEVELS], lowest: vec![u64::MAX; LOOSE].into(), rings };
        for ring in &wheel.rings {
            ring.next.set(NonNull::from(ring));
            ring.prev.set(NonNull::from(ring));
        }
        wheel
    }

    fn is_ring_empty(&self, ring: usize) -> bool {
        let ring = &self.rings[ring];
        ring.next.get() == NonNull::from(ring)
    }

    /// Puts `links` behind all others of a ring.
    fn link(&self, ring: usize, links: NonNull<Links>) {
        let sentinel = &self.rings[ring];
        let last = sentinel.prev.get();
        // SAFETY: the node is pinned and stays until it is unlinked (the contract of `insert`).
        let new = unsafe { links.as_ref() };
        new.next.set(NonNull::from(sentinel));
        new.prev.set(last);
        // SAFETY: linked nodes and sentinels are alive.
        unsafe { last.as_ref() }.next.set(links);
        sentinel.prev.set(links);
    }

    /// Takes linked `links` out of whatever ring they are in.
    fn unlink(links: &Links) {
        let (next, prev) = (links.next.get(), links.prev.get());
        // SAFETY: linked nodes and sentinels are alive.
        unsafe { next.as_ref() }.prev.set(prev);
        // SAFETY: as above.
        unsafe { prev.as_ref() }.next.set(next);
    }

    /// Takes the first node out of a ring.
    fn pop(&self, ring: usize) -> Option<NonNull<Node>> {
        let sentinel = &self.rings[ring];
        let first = sentinel.next.get();
        if first == NonNull::from(sentinel) {
            return None;
        }
        // SAFETY: linked nodes are alive.
        Wheel::unlink(unsafe { first.as_ref() });
        Some(first.cast())
    }

    /// Puts a node, which is in no ring, into the bucket of its tick.
    fn place(&mut self, node: NonNull<Node>, tick: u64) {
        let level = (63 - ((tick ^ self.now) | 1).leading_zeros() as usize) / LEVEL_BITS;
        let bucket = (tick >> (level * LEVEL_BITS)) as usize % BUCKETS;
        self.bits[level] |= 1 << bucket;
        let number = level * BUCKETS + bucket;
        self.lowest[number] = self.lowest[number].min(tick);
        self.link(number, node.cast());
    }

    /// Queues an idle node for `tick`, or for the next one if that is over.
    ///
    /// # Safety
    /// The node is idle, stays where it is, and is [removed](Wheel::remove) under the lock before its memory goes,
    /// unless its phase says that it left.
    pub(crate) unsafe fn insert(&mut self, node: Pin<&Node>, tick: u64, waker: Waker) {
        let node = node.get_ref();
        // A deadline beyond the last tick waits for that one: in ticks of a nanosecond, 584 years.
        let tick = tick.clamp(self.now + 1, LAST);
        node.tick.set(tick);
        // SAFETY: an idle node is its owner's alone.
        unsafe { *node.waker.get() = Some(waker) };
        // Ordering: Relaxed; others learn of the node through the lock.
        node.phase.store(QUEUED, Relaxed);
        self.place(NonNull::from(node), tick);
    }

    /// Takes a node out if it is queued, with its waker: to be dropped after unlocking.
    pub(crate) fn remove(&mut self, node: Pin<&Node>) -> Option<Waker> {
        let node = node.get_ref();
        if node.phase() != QUEUED {
            return None;
        }
        Wheel::unlink(&node.links);
        // SAFETY: the lock is held (`&mut self`), and the node is unlinked.
        unsafe { node.release(IDLE) }
    }

    /// Is `node` queued, for a waker like this one?
    pub(crate) fn would_wake(&self, node: Pin<&Node>, waker: &Waker) -> bool {
        // SAFETY: T-c: the lock is held, or the node is not queued and the caller owns it.
        let own = unsafe { &*node.waker.get() };
        own.as_ref().is_some_and(|own| own.will_wake(waker))
    }

    /// Exchanges the waker of a queued node; gives back the one that is to be dropped after unlocking.
    pub(crate) fn rewake(&mut self, node: Pin<&Node>, waker: Waker) -> Waker {
        if node.phase() != QUEUED {
            return waker;
        }
        // SAFETY: T-c: the lock is held and the node is queued.
        match unsafe { &mut *node.waker.get() } {
            Some(own) => std::mem::replace(own, waker),
            None => waker,
        }
    }

    /// The first bucket that is not empty: level, and index in the level.
    fn first(&mut self) -> Option<(usize, usize)> {
        for level in 0..LEVELS {
            while self.bits[level] != 0 {
                let bucket = self.bits[level].trailing_zeros() as usize;
                if !self.is_ring_empty(level * BUCKETS + bucket) {
                    return Some((level, bucket));
                }
                self.clear(level, bucket);
            }
        }
        None
    }

    fn clear(&mut self, level: usize, bucket: usize) {
        self.bits[level] &= !(1 << bucket);
        self.lowest[level * BUCKETS + bucket] = u64::MAX;
    }

    /// A tick at or before the first that is due, and not long before it; `None` if the wheel is empty.
    pub(crate) fn next(&mut self) -> Option<u64> {
        if !self.is_ring_empty(LOOSE) {
            return Some(self.now);
        }
        let (level, bucket) = self.first()?;
        // A cancelled node of an earlier turn may have left its mark: nothing is due before the bucket's start.
        Some(self.lowest[level * BUCKETS + bucket].max(self.start(level, bucket)))
    }

    /// The first tick of a bucket that is not empty.
    fn start(&self, level: usize, bucket: usize) -> u64 {
        let width = level * LEVEL_BITS;
        // The highest level has fewer than 64 buckets, and nothing above it.
        let above =
            if level + 1 < LEVELS { self.now >> (width + LEVEL_BITS) << (width + LEVEL_BITS) } else { 0 };
        above | (bucket as u64) << width
    }

    /// Moves on towards `tick`, giving the wakers of what is due to `fire` until that says it is full, or until `steps`
    /// nodes were touched. True if all that is due at `tick` was fired.
    pub(crate) fn advance(&mut self, tick: u64, steps: usize, mut fire: impl FnMut(Waker) -> bool) -> bool {
        for _ in 0..steps {
            if let Some(node) = self.pop(LOOSE) {
                // SAFETY: what was linked is alive, and this thread holds the lock.
                let due = unsafe { node.as_ref() }.tick.get();
                if due > self.now {
                    self.place(node, due);
                } else if !self.fire(node, &mut fire) {
                    return false;
                }
                continue;
            }
            let bucket = self.first().map(|(level, bucket)| (level, bucket, self.start(level, bucket)));
            let Some((level, bucket, start)) = bucket.filter(|&(_, _, start)| start <= tick) else {
                // Only now: `now` must not move into a bucket that is not broken up.
                self.now = self.now.max(tick.min(LAST - 1));
                return true;
            };
            // The bucket's time has come: all of it is due (level 0), or goes to lower levels.
            self.now = self.now.max(start);
            self.loosen(level, bucket);
        }
        false
    }

    /// Moves a bucket's whole ring to the empty ring of the loose ones, in O(1).
    fn loosen(&mut self, level: usize, bucket: usize) {
        let (ring, loose) = (&self.rings[level * BUCKETS + bucket], &self.rings[LOOSE]);
        let (first, last) = (ring.next.get(), ring.prev.get());
        loose.next.set(first);
        loose.prev.set(last);
        // SAFETY: linked nodes are alive; the ring is not empty, so both are nodes.
        unsafe { first.as_ref() }.prev.set(NonNull::from(loose));
        // SAFETY: as above.
        unsafe { last.as_ref() }.next.set(NonNull::from(loose));
        ring.next.set(NonNull::from(ring));
        ring.prev.set(NonNull::from(ring));
        self.clear(level, bucket);
    }

    fn fire(&mut self, node: NonNull<Node>, fire: &mut impl FnMut(Waker) -> bool) -> bool {
        // SAFETY: the node was linked, so it is alive until its phase changes.
        let node = unsafe { node.as_ref() };
        // SAFETY: the lock is held (`&mut self`), and the node is unlinked.
        unsafe { node.release(FIRED) }.is_none_or(fire)
    }

    /// Takes all nodes out, giving their wakers to `fire` until that says it is full. True if the wheel is empty.
    pub(crate) fn close(&mut self, mut fire: impl FnMut(Waker) -> bool) -> bool {
        for ring in 0..=LOOSE {
            while let Some(node) = self.pop(ring) {
                // SAFETY: the node was linked, so it is alive until its phase changes.
                let node = unsafe { node.as_ref() };
                // SAFETY: the lock is held (`&mut self`), and the node is unlinked.
                if !unsafe { node.release(CLOSED) }.is_none_or(&mut fire) {
                    return false;
                }
            }
        }
        true
    }
}

#[cfg(all(test, not(dormouse_loom)))]
mod tests {
    use super::*;
    use std::sync::Arc;
    use std::sync::atomic::AtomicU64;
    use std::task::Wake;

    /// Says which of the test's nodes it belongs to.
    struct Mark(usize, Arc<AtomicU64>);
    impl Wake for Mark {
        fn wake(self: Arc<Self>) {
            self.1.store(self.0 as u64, Relaxed);
        }
    }

    fn fired(wheel: &mut Wheel, tick: u64, steps: usize, said: &AtomicU64) -> Vec<usize> {
        let mut fired = Vec::new();
        while !wheel.advance(tick, steps, |waker| {
            waker.wake();
            fired.push(said.load(Relaxed) as usize);
            true
        }) {}
        fired
    }

    /// Random ticks, cancels and steps, against a plain list.
    fn against_a_plain_list(seed: u64, spread: u32, steps: usize) {
        dormouse_wait::random::with_seed(seed, || {
            let said = Arc::new(AtomicU64::new(0));
            let mut wheel = Wheel::new();
            let nodes: Vec<_> = (0..300).map(|_| Box::pin(Node::new())).collect();
            let mut plain: Vec<(u64, usize)> = Vec::new();
            let (mut now, mut next) = (0, 0);
            while next < nodes.len() || !plain.is_empty() {
                match dormouse_wait::random::below(4) {
                    0 | 1 if next < nodes.len() => {
                        let tick = now
                            + 1
                            + u64::from(dormouse_wait::random::below(
                                1 << (1 + dormouse_wait::random::below(spread)),
                            ));
                        let waker = Waker::from(Arc::new(Mark(next, said.clone())));
                        // SAFETY: the nodes stay until the wheel is empty.
                        unsafe { wheel.insert(nodes[next].as_ref(), tick, waker) };
                        plain.push((tick, next));
                        next += 1;
                    }
                    2 if !plain.is_empty() => {
                        let (_, number) =
                            plain.swap_remove(dormouse_wait::random::below(plain.len() as u32) as usize);
                        assert!(wheel.remove(nodes[number].as_ref()).is_some());
                        assert!(wheel.remove(nodes[number].as_ref()).is_none());
                    }
                    _ => {
                        let first = plain.iter().map(|&(tick, _)| tick).min();
                        let said_next = wheel.next();
                        assert_eq!(said_next.is_some(), first.is_some());
                        assert!(said_next <= first, "never later than the first");
                        // On to the first one, or a random way.
                        now = match (dormouse_wait::random::below(2), first) {
                            (0, Some(first)) => first,
                            _ => now + u64::from(dormouse_wait::random::below(1 << spread)),
                        };
                        let mut due: Vec<_> = plain
                            .extract_if(.., |(tick, _)| *tick <= now)
                            .map(|(_, number)| number)
                            .collect();
                        let mut got = fired(&mut wheel, now, steps, &said);
                        due.sort();
                        got.sort();
                        assert_eq!(got, due);
                        assert!(due.iter().all(|&number| nodes[number].phase() == FIRED));
                    }
                }
            }
            assert_eq!(wheel.next(), None);
        });
    }

    #[test]
    fn random_timers_near_and_far() {
        for seed in 1..=200 {
            against_a_plain_list(seed, 4 + (seed % 27) as u32, 1 + (seed % 5) as usize);
        }
    }

    #[test]
    fn equal_ticks_fire_in_order_and_in_batches() {
        let said = Arc::new(AtomicU64::new(0));
        let mut wheel = Wheel::new();
        let nodes: Vec<_> = (0..100).map(|_| Box::pin(Node::new())).collect();
        for (number, node) in nodes.iter().enumerate() {
            // SAFETY: the nodes stay until the wheel is empty.
            unsafe { wheel.insert(node.as_ref(), 5_000, Waker::from(Arc::new(Mark(number, said.clone())))) };
        }
        let mut got = Vec::new();
        assert!(wheel.advance(4_999, 1_000, |_| unreachable!()));
        let mut batches = 0;
        loop {
            let mut room = 7;
            batches += 1;
            let done = wheel.advance(5_000, 1_000, |waker| {
                waker.wake();
                got.push(said.load(Relaxed) as usize);
                room -= 1;
                room > 0
            });
            if done {
                break;
            }
        }
        assert_eq!(got, (0..100).collect::<Vec<_>>());
        assert!(batches >= 100 / 7);
    }

    #[test]
    fn the_last_tick_and_beyond() {
        let mut wheel = Wheel::new();
        let node = Box::pin(Node::new());
        // SAFETY: the node stays until the wheel is closed.
        unsafe { wheel.insert(node.as_ref(), u64::MAX, Waker::noop().clone()) };
        assert!(wheel.advance(LAST - 2, 100, |_| unreachable!()));
        assert_eq!(wheel.next(), Some(LAST));
        assert!(wheel.close(|_| true));
        assert_eq!(node.phase(), CLOSED);
    }
}
