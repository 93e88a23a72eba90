//! The queues of a read-write lock, as they are seen with its gate held: who waits, in which round, and who owns the lock
//! already. The rules are those of [`raw`](super::raw).
use super::raw::Access;
use dormouse_wait::list::{Entry, Node, Queue, Stand};
use dormouse_wait::wakes::Wakes;
use std::pin::Pin;
use std::task::Waker;

/// The number of a round; it wraps, and is compared for equality only, with those that are queued still.
pub(super) type Round = u32;

pub(super) struct Queues {
    pub(super) round: Round,
    /// Readers of this round.
    pub(super) waiting: u32,
    pub(super) readers: Queue<Round>,
    pub(super) writers: Queue<Round>,
}

impl Queues {
    const_fn! {
        pub(super) const fn new() -> Self {
            Queues { round: 0, waiting: 0, readers: Queue::new(), writers: Queue::new() }
        }
    }

    pub(super) fn of(&mut self, access: Access) -> &mut Queue<Round> {
        match access {
            Access::Read => &mut self.readers,
            Access::Write => &mut self.writers,
        }
    }

    /// Is anything handed over and not claimed?
    pub(super) fn unclaimed(&self) -> bool {
        self.writers.unclaimed() || self.readers.unclaimed()
    }

    /// Those who wait with an alarm.
    pub(super) fn watchers(&self) -> u32 {
        self.writers.watchers() + self.readers.watchers()
    }

    /// After a hand-over, to readers or to a writer: rouses those who wait behind it.
    pub(super) fn rouse(&mut self, to_readers: bool, wakes: &mut Wakes) {
        if self.watchers() > 0 {
            return;
        }
        for (queue, first) in [(&mut self.writers, to_readers), (&mut self.readers, true)] {
            if !wakes.is_full() {
                queue.rouse(first, |waker| {
                    wakes.push(waker);
                    !wakes.is_full()
                });
            }
        }
    }

    /// Does `node`, which is queued, own the lock (R3)?
    pub(super) fn owns(&mut self, node: Pin<&Node<Entry<Round>>>, access: Access) -> bool {
        // SAFETY: if it was queued, it was in this queue.
        match unsafe { self.of(access).stand(node) } {
            Some(Stand::Granted) => true,
            Some(Stand::Waits) if access == Access::Read => {
                // SAFETY: queued in this queue, whose lock is held.
                let of = unsafe { node.with_payload(|entry| *entry.payload()) };
                of != self.round
            }
            _ => false,
        }
    }

    /// Takes the node of an owner (R3), or one that is absent, out of its queue. Where it stands; and its waker, if it was
    /// taken out.
    pub(super) fn leave_unless_waiting(
        &mut self,
        node: Pin<&Node<Entry<Round>>>,
        access: Access,
    ) -> (Option<Stand>, Option<Waker>) {
        let owns = self.owns(node, access);
        let queue = self.of(access);
        // SAFETY: if it was queued, it was in this queue.
        let stand = if owns { Some(Stand::Granted) } else { unsafe { queue.stand(node) } };
        if stand == Some(Stand::Waits) {
            return (stand, None);
        }
        // SAFETY: as above.
        let (_, waker) = unsafe { queue.remove(node) };
        (stand, waker)
    }
}
