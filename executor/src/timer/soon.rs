//! Alarms of one length, for waits that are mostly over before they ring: setting one reads no clock if another was set lately,
//! and allocates nothing if as many were set before. The memory of many goes when none is set.
//!
//! An alarm stands in one of [`RINGS`] rings. Each [`PERIOD`] the oldest ring is fired, and is the youngest from then on: so
//! an alarm rings after two periods at least, and three at most, and is taken back from wherever it stands in O(1).
//!
//! Invariants (all under the lock of the [`shard`](super::Shard)):
//! - `due` is [`NEVER`] only if no alarm is set. It stays when the last one is taken back: the next one finds it, and need
//!   not ask for the time.
//! - No two alarms have the same serial, and an entry has that of the alarm that it is: a key of another one means nothing any
//!   more, whatever stands in its place.
//!
//! Checked by the tests below (against a plain model), `tests/time.rs`, `tests/reentrant.rs`.
use super::NEVER;
use dormouse_wait::alarm::Key;
use dormouse_wait::host::SOON;
use std::task::Waker;

const RINGS: usize = 3;
/// In nanoseconds.
const PERIOD: u64 = SOON.as_nanos() as u64 / (RINGS as u64 - 1);
/// So many entries are kept when none is set.
const KEPT: usize = 64;
/// No entry.
const NONE: u32 = u32::MAX;

#[derive(Debug)]
pub(super) struct Soon {
    /// The first ones are the rings' sentinels.
    entries: Vec<Entry>,
    /// The first entry that is no alarm; the next one stands in it.
    free: u32,
    /// The ring of those that were set last; the one behind it is the oldest.
    young: usize,
    /// When the oldest ring is fired, or [`NEVER`].
    due: u64,
    len: usize,
    /// How many alarms were set before.
    serial: u64,
}

#[derive(Debug)]
struct Entry {
    waker: Option<Waker>,
    serial: u64,
    next: u32,
    prev: u32,
}

impl Soon {
    pub(super) fn new() -> Soon {
        let sentinel = |ring| Entry { waker: None, serial: 0, next: ring, prev: ring };
        let entries = (0..RINGS as u32).map(sentinel).collect();
        Soon { entries, free: NONE, young: 0, due: NEVER, len: 0, serial: 0 }
    }

    /// How many alarms are set.
    pub(super) fn len(&self) -> usize {
        self.len
    }

    /// When there is something to do next, or [`NEVER`].
    pub(super) fn due(&self) -> u64 {
        self.due
    }

    /// Sets an alarm that wakes `waker`. `now` is asked for if none was set lately.
    pub(super) fn set(&mut self, waker: Waker, now: impl FnOnce() -> u64) -> Key {
        if self.due == NEVER {
            self.due = now().saturating_add(PERIOD).min(NEVER - 1);
        }
        if self.free == NONE {
            self.free = self.entries.len() as u32;
            self.entries.push(Entry { waker: None, serial: 0, next: NONE, prev: NONE });
        }
        let index = self.free;
        let (ring, last) = (self.young as u32, self.entries[self.young].prev);
        let entry = &mut self.entries[index as usize];
        self.free = entry.next;
        let serial = self.serial;
        *entry = Entry { waker: Some(waker), serial, next: ring, prev: last };
        self.serial += 1;
        self.entries[last as usize].next = index;
        self.entries[ring as usize].prev = index;
        self.len += 1;
        Key { index, serial }
    }

    /// The waker of an alarm that has not rung.
    pub(super) fn waker(&mut self, key: Key) -> Option<&mut Waker> {
        let entry = self.entries.get_mut(key.index as usize)?;
        entry.waker.as_mut().filter(|_| entry.serial == key.serial)
    }

    /// Takes an alarm back. Its waker, if it has not rung.
    pub(super) fn cancel(&mut self, key: Key) -> Option<Waker> {
        self.waker(key)?;
        self.take(key.index)
    }

    /// Takes an entry out of its ring.
    fn take(&mut self, index: u32) -> Option<Waker> {
        let free = std::mem::replace(&mut self.free, index);
        let entry = &mut self.entries[index as usize];
        let (next, prev) = (std::mem::replace(&mut entry.next, free), entry.prev);
        let waker = entry.waker.take();
        self.entries[next as usize].prev = prev;
        self.entries[prev as usize].next = next;
        self.len -= 1;
        waker
    }

    /// Takes out the first of a ring.
    fn pop(&mut self, ring: usize) -> Option<Waker> {
        let first = self.entries[ring].next;
        if first as usize == ring { None } else { self.take(first) }
    }

    /// Gives the wakers of what is due at `now` to `fire` until that says it is full. True if all that is due was fired.
    pub(super) fn advance(&mut self, now: u64, mut fire: impl FnMut(Waker) -> bool) -> bool {
        if now < self.due {
            return true;
        }
        let oldest = (self.young + 1) % RINGS;
        while let Some(waker) = self.pop(oldest) {
            if !fire(waker) {
                return false;
            }
        }
        self.young = oldest;
        self.due = now.saturating_add(PERIOD).min(NEVER - 1);
        if self.len == 0 {
            self.due = NEVER;
            self.forget_entries();
        }
        true
    }

    /// Gives the memory of more than [`KEPT`] entries back. No alarm is set.
    fn forget_entries(&mut self) {
        if self.entries.len() > RINGS + KEPT {
            self.entries.truncate(RINGS);
            self.entries.shrink_to(RINGS + KEPT);
            self.free = NONE;
        }
    }

    /// Takes all alarms out, giving their wakers to `fire` until that says it is full. True if none is left.
    pub(super) fn close(&mut self, mut fire: impl FnMut(Waker) -> bool) -> bool {
        for ring in 0..RINGS {
            while let Some(waker) = self.pop(ring) {
                if !fire(waker) {
                    return false;
                }
            }
        }
        self.due = NEVER;
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use dormouse_testing::Count;
    use proptest::prelude::*;
    use std::collections::BTreeMap;
    use std::sync::Arc;

    #[derive(Clone, Debug)]
    enum Step {
        Set,
        Cancel(usize),
        Rewake(usize),
        Pass(u64),
    }

    fn steps() -> impl Strategy<Value = Vec<Step>> {
        let step = prop_oneof![
            3 => Just(Step::Set),
            2 => any::<usize>().prop_map(Step::Cancel),
            1 => any::<usize>().prop_map(Step::Rewake),
            2 => (0..2 * PERIOD).prop_map(Step::Pass),
        ];
        prop::collection::vec(step, 1..200)
    }

    proptest! {
        /// Whoever is due is woken once, neither early nor later than a period after the last look; who was taken back,
        /// never.
        #[test]
        fn as_a_plain_list(steps in steps()) {
            let mut soon = Soon::new();
            let mut now = 0;
            let mut set: BTreeMap<usize, (Key, Arc<Count>, u64)> = BTreeMap::new();
            let mut gone: Vec<(Key, Arc<Count>, usize)> = Vec::new();
            for (number, step) in steps.into_iter().enumerate() {
                match step {
                    Step::Set => {
                        let count = Count::shared();
                        let key = soon.set(Waker::from(count.clone()), || now);
                        set.insert(number, (key, count, now));
                    }
                    Step::Cancel(any) if !set.is_empty() => {
                        let number = *set.keys().nth(any % set.len()).unwrap();
                        let (key, count, _) = set.remove(&number).unwrap();
                        prop_assert!(soon.cancel(key).is_some());
                        gone.push((key, count, 0));
                    }
                    Step::Rewake(any) if !set.is_empty() => {
                        let number = *set.keys().nth(any % set.len()).unwrap();
                        let (key, count, _) = set.get_mut(&number).unwrap();
                        *count = Count::shared();
                        *soon.waker(*key).unwrap() = Waker::from(count.clone());
                    }
                    Step::Cancel(_) | Step::Rewake(_) => (),
                    Step::Pass(time) => {
                        now += time;
                        // Two at a time.
                        let mut room = 2;
                        while !soon.advance(now, |waker| {
                            waker.wake();
                            room -= 1;
                            room > 0
                        }) {
                            room = 2;
                        }
                        let rung: Vec<usize> =
                            set.iter().filter(|(_, (_, count, _))| count.get() > 0).map(|(n, _)| *n).collect();
                        for number in rung {
                            let (key, count, since) = set.remove(&number).unwrap();
                            prop_assert!(now - since >= 2 * PERIOD);
                            gone.push((key, count, 1));
                        }
                    }
                }
                prop_assert_eq!(soon.len(), set.len());
                prop_assert!(set.is_empty() || soon.due() <= now + PERIOD);
                for (key, count, times) in &gone {
                    prop_assert!(soon.waker(*key).is_none() && count.get() == *times);
                }
            }
            // A look each time when it says, and all have rung.
            for _ in 0..RINGS {
                now = now.max(soon.due().min(u64::MAX / 2));
                let done = soon.advance(now, |waker| {
                    waker.wake();
                    true
                });
                prop_assert!(done);
            }
            prop_assert_eq!((soon.len(), set.values().filter(|(_, count, _)| count.get() != 1).count()), (0, 0));
        }
    }

    #[test]
    fn entries_are_used_again_and_old_keys_mean_nothing() {
        let mut soon = Soon::new();
        let waker = || Waker::from(Count::shared());
        let first = soon.set(waker(), || 0);
        assert!(soon.cancel(first).is_some());
        let second = soon.set(waker(), || unreachable!("it is known when it is due"));
        assert_eq!((first.index, soon.entries.len()), (second.index, RINGS + 1));
        assert!(soon.cancel(first).is_none() && soon.waker(first).is_none());
        assert!(soon.cancel(second).is_some());
    }

    #[test]
    fn the_memory_of_many_goes_with_the_last_and_old_keys_mean_nothing_then() {
        let mut soon = Soon::new();
        let waker = || Waker::from(Count::shared());
        let keys: Vec<Key> = (0..10 * KEPT).map(|_| soon.set(waker(), || 0)).collect();
        for look in 1..=RINGS as u64 {
            assert!(soon.advance(look * PERIOD, |_| true));
        }
        assert_eq!((soon.len(), soon.due()), (0, NEVER));
        assert!(soon.entries.capacity() <= RINGS + KEPT);
        let new: Vec<Key> = (0..10).map(|_| soon.set(waker(), || 9 * PERIOD)).collect();
        assert!(keys.iter().all(|key| soon.cancel(*key).is_none()));
        assert!(new.iter().all(|key| soon.cancel(*key).is_some()));
    }
}
