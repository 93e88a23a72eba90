//! The one intrusive FIFO list of waiters. Its nodes live in the waiting futures: waiting allocates nothing.
//!
//! The list's head sits inside the [`Lock`](crate::lock::Lock) of its owner (a channel, a mutex); a node holds what
//! passes between the waiter and whoever serves it (its payload) and the waker of its task, or the claim word that
//! it shares with the other nodes of a `select!`.
//!
//! | phase | event | phase after | who wakes |
//! |---|---|---|---|
//! | Idle | `push_*`, under the lock | Queued | - |
//! | Queued | `win` + `finish(verdict)`, under the lock | Granted or Closed | the one who finished, after unlocking |
//! | Queued | `remove`, under the lock | Idle | - |
//! | Idle | `conclude(verdict)`, by the owner | Granted or Closed | - |
//! | Granted, Closed, Idle | the owner takes the payload and calls `spend` | Spent | - |
//! | Spent | `reset`, by the owner | Idle | - |
//!
//! Invariants (from SKETCHES.md), each with the test that fails without it:
//! - W1 `&mut List` proves that the lock is held (types).
//! - W2 `finish` takes the waker, then stores the phase with Release: its last touch of node and claim. From then on
//!   the owner reads without the lock (`models::grant_hands_over_the_payload`).
//! - W3 an owner that sees its claim WON while the node still says Queued locks and unlocks that list's lock once
//!   (`models::claim_winner_between_cas_and_phase`).
//! - W4 others touch a claim only under a lock in whose list one of its nodes is linked (`models::claim_freed_after_unlink`).
//! - W5 a node reaches only memory that its own future owns: the payload is inside it (`tests/list.rs`: forgotten nodes).
//! - W6 a linked node always has a waker, its own or its claim's (`finish` asserts it in debug builds; `tests/list.rs`:
//!   random operations).
//! - W8 no `&mut` ever covers a queued node: all methods take shared references or pointers (what would show it is
//!   Miri, which CI does not have).
//!
//! [`Queue`] is a list for locks that hand over: who was served stays in it until it claims what it was given.
//!
//! Rejected: a `Vec` or slab of waiters (allocates, and removal of a cancelled one is not O(1)); storing a null
//! `next`/`prev` when idle (writing the links before they are needed costs 3 ns a message).
mod node;
mod queue;

use crate::claim::Claim;
use crate::prim::atomic::Ordering::*;
use node::{Links, Who};
pub use node::{Node, Phase, Verdict};
pub use queue::{CLAIM_WITHIN, Entry, Queue, Rest, Stand};
use std::fmt;
use std::marker::PhantomData;
use std::mem::MaybeUninit;
use std::pin::Pin;
use std::ptr::NonNull;
use std::task::Waker;

/// The waiters of one kind at one object, longest-waiting first. One pointer: the head, whose `prev` is the tail.
pub struct List<P> {
    head: Option<NonNull<Node<P>>>,
}

// SAFETY: a list moves between threads with its lock; it reaches nodes, which are Sync for P: Send.
unsafe impl<P: Send> Send for List<P> {}

/// What [`List::remove`] found.
#[derive(Debug)]
#[must_use = "a node that was done holds something that must not be lost"]
pub enum Removed {
    /// It was still waiting and is now idle. Its waker (none if it was an arm): drop it after unlocking.
    WasQueued(Option<Waker>),
    /// It had left the list before: served, closed, or never queued.
    WasDone,
}

/// A waiter that was won: out of the list, its claim ours. It must be [finished](Won::finish).
#[must_use = "a waiter that is won and not finished waits for ever"]
pub struct Won<'l, P> {
    node: NonNull<Node<P>>,
    _list: PhantomData<&'l mut List<P>>,
}

impl<P> List<P> {
    /// An empty list.
    pub const fn new() -> Self {
        List { head: None }
    }

    /// Does nobody wait? Counts held and already claimed nodes as waiting.
    #[inline(always)]
    pub fn is_empty(&self) -> bool {
        self.head.is_none()
    }

    /// Calls `f` with the payload of the longest-waiting node, which stays where it is; `None` if nobody waits.
    #[inline]
    pub fn with_front<R>(&self, f: impl FnOnce(&P) -> R) -> Option<R> {
        let head = self.head?;
        // SAFETY: linked nodes are alive, and the lock is held.
        let node = unsafe { head.as_ref() };
        Some(node.payload.with(|payload| {
            // SAFETY: the node is linked and the lock is held, which excludes writers.
            f(unsafe { &*payload })
        }))
    }

    /// Queues `node` behind all others.
    ///
    /// # Safety
    /// The node is idle and stays where it is. Until it was finished or [removed](List::remove) from this list, under
    /// its lock, its memory is not given up, and its owner neither spends, concludes nor resets it.
    #[inline(always)]
    pub unsafe fn push_back(&mut self, node: Pin<&Node<P>>, waker: Waker) {
        self.link(self.head, node, Who::Task(waker), 0);
    }

    /// Queues `node` behind all others, marked with `tag` for whoever [wins](Won::tag) it. (0: not marked.)
    ///
    /// # Safety
    /// As for [`push_back`](List::push_back).
    #[inline(always)]
    pub unsafe fn push_tagged(&mut self, node: Pin<&Node<P>>, waker: Waker, tag: u32) {
        self.link(self.head, node, Who::Task(waker), tag);
    }

    /// Queues `node` before all others.
    ///
    /// # Safety
    /// As for [`push_back`](List::push_back).
    #[inline(always)]
    pub unsafe fn push_front(&mut self, node: Pin<&Node<P>>, waker: Waker) {
        self.link(self.head, node, Who::Task(waker), 0);
        // In a ring, the last one becomes the first by moving the head one back.
        self.head = Some(NonNull::from(node.get_ref()));
    }

    /// Queues `node` before the one at `place`.
    ///
    /// # Safety
    /// As for [`push_back`](List::push_back); `place` is linked in this list.
    unsafe fn push_before(&mut self, place: NonNull<Node<P>>, node: Pin<&Node<P>>, waker: Waker) {
        self.link(Some(place), node, Who::Task(waker), 0);
        if self.head == Some(place) {
            self.head = Some(NonNull::from(node.get_ref()));
        }
    }

    /// Queues `node` behind all others, as arm number `arm` of a select.
    ///
    /// # Safety
    /// As for [`push_back`](List::push_back); the claim has a waker, and stays where it is until the node is out.
    #[inline(always)]
    pub unsafe fn push_arm(&mut self, node: Pin<&Node<P>>, claim: Pin<&Claim>, arm: u32) {
        self.link(self.head, node, Who::Arm(NonNull::from(claim.get_ref())), arm);
    }

    /// Links `node` before the one at `place`, which is `None` if the list is empty; behind all, if that is the head.
    #[inline(always)]
    fn link(&mut self, place: Option<NonNull<Node<P>>>, node: Pin<&Node<P>>, who: Who, tag: u32) {
        let node = node.get_ref();
        debug_assert_eq!(node.phase(), Phase::Idle, "only an idle node can be queued");
        node.tag.with_mut(|slot| {
            // SAFETY: an idle node is its owner's alone.
            unsafe { *slot = MaybeUninit::new(tag) };
        });
        let this = NonNull::from(node);
        let (next, prev) = match place {
            None => {
                self.head = Some(this);
                (this, this)
            }
            Some(next) => {
                // SAFETY: linked nodes are alive, and the lock is held.
                let after = unsafe { next.as_ref() };
                // SAFETY: the lock is held and the node is linked.
                let prev = unsafe { after.with_links(|links| std::mem::replace(&mut links.prev, this)) };
                // SAFETY: linked nodes are alive, and the lock is held.
                let before = unsafe { prev.as_ref() };
                // SAFETY: the lock is held and the node is linked.
                unsafe { before.with_links(|links| links.next = this) };
                (next, prev)
            }
        };
        node.links.with_mut(|links| {
            // SAFETY: an idle node is its owner's alone.
            unsafe { &mut *links }.write(Links { next, prev, who });
        });
        // Ordering: Relaxed; others learn of the node through the lock.
        node.phase.store(Phase::Queued as u8, Relaxed);
    }

    /// Takes a linked node out of the ring.
    ///
    /// # Safety
    /// The node is linked in this list.
    #[inline(always)]
    unsafe fn unlink(&mut self, this: NonNull<Node<P>>) {
        // SAFETY: linked nodes are alive.
        let node = unsafe { this.as_ref() };
        // SAFETY: the lock is held and the node is linked.
        let (next, prev) = unsafe { node.with_links(|links| (links.next, links.prev)) };
        if next == this {
            self.head = None;
            return;
        }
        // SAFETY: linked nodes are alive.
        let after = unsafe { next.as_ref() };
        // SAFETY: linked nodes are alive.
        let before = unsafe { prev.as_ref() };
        // SAFETY: the lock is held and the node is linked.
        unsafe { after.with_links(|links| links.prev = prev) };
        // SAFETY: the lock is held and the node is linked.
        unsafe { before.with_links(|links| links.next = next) };
        if self.head == Some(this) {
            self.head = Some(next);
        }
    }

    /// Takes `node` out, if it is still waiting.
    ///
    /// # Safety
    /// If the node was ever queued, it was in this list.
    #[inline]
    pub unsafe fn remove(&mut self, node: Pin<&Node<P>>) -> Removed {
        let node = node.get_ref();
        if node.phase() != Phase::Queued {
            return Removed::WasDone;
        }
        // SAFETY: Queued, seen under the lock, means linked.
        unsafe { self.unlink(NonNull::from(node)) };
        // SAFETY: just unlinked, under the lock.
        let who = unsafe { node.take_who() };
        // Ordering: Relaxed; the node is its owner's, who is calling.
        node.phase.store(Phase::Idle as u8, Relaxed);
        Removed::WasQueued(match who {
            Who::Task(waker) => Some(waker),
            Who::Arm(_) => None,
        })
    }

    /// Does `waker` wake the task that `node` has on record? Also true if the node has left the list.
    ///
    /// # Safety
    /// If the node was ever queued, it was in this list.
    #[inline]
    pub unsafe fn will_wake(&self, node: Pin<&Node<P>>, waker: &Waker) -> bool {
        let node = node.get_ref();
        if node.phase() != Phase::Queued {
            return true;
        }
        // SAFETY: Queued, seen under the lock, means linked.
        unsafe {
            node.with_links(|links| match &links.who {
                Who::Task(known) => known.will_wake(waker),
                Who::Arm(_) => true,
            })
        }
    }

    /// Replaces the waker of a waiting node that is no arm; gives back the one that is not needed, to be dropped
    /// after unlocking (the new one, if the node has left the list).
    ///
    /// # Safety
    /// If the node was ever queued, it was in this list.
    #[inline]
    pub unsafe fn rewake(&mut self, node: Pin<&Node<P>>, waker: Waker) -> Waker {
        let node = node.get_ref();
        if node.phase() != Phase::Queued {
            return waker;
        }
        // SAFETY: Queued, seen under the lock, means linked.
        unsafe {
            node.with_links(|links| match &mut links.who {
                Who::Task(old) => std::mem::replace(old, waker),
                Who::Arm(_) => waker,
            })
        }
    }

    /// The longest-waiting node that can be won, taken out of the list. Passes over nodes whose select is held or
    /// was won through another arm; they keep their places.
    #[inline(always)]
    pub fn win(&mut self) -> Option<Won<'_, P>> {
        self.win_but(None)
    }

    /// As [`win`](List::win), but passes over nodes that were queued with `tag` too.
    #[inline(always)]
    pub fn win_without(&mut self, tag: u32) -> Option<Won<'_, P>> {
        self.win_but(Some(tag))
    }

    /// The node that came last, taken out of the list; for lists without arms of a select.
    pub fn win_last(&mut self) -> Option<Won<'_, P>> {
        let head = self.head?;
        // SAFETY: linked nodes are alive, and the lock is held.
        let first = unsafe { head.as_ref() };
        // SAFETY: the lock is held and the node is linked.
        let last = unsafe { first.with_links(|links| links.prev) };
        // SAFETY: linked nodes are alive, and the lock is held.
        let node = unsafe { last.as_ref() };
        // SAFETY: the lock is held and the node is linked.
        let plain = unsafe { node.with_links(|links| matches!(links.who, Who::Task(_))) };
        assert!(plain, "an arm must be claimed before it is won");
        // SAFETY: the node is linked.
        unsafe { self.unlink(last) };
        Some(Won { node: last, _list: PhantomData })
    }

    #[inline(always)]
    fn win_but(&mut self, skipped: Option<u32>) -> Option<Won<'_, P>> {
        let head = self.head?;
        // SAFETY: linked nodes are alive, and the lock is held.
        let node = unsafe { head.as_ref() };
        // SAFETY: the lock is held and the node is linked.
        let plain = unsafe { node.with_links(|links| matches!(links.who, Who::Task(_))) };
        // SAFETY: queued, under the lock.
        if !plain || skipped.is_some_and(|tag| tag == unsafe { node.tag() }) {
            return self.win_beyond(head, skipped);
        }
        // SAFETY: the head is linked.
        unsafe { self.unlink(head) };
        Some(Won { node: head, _list: PhantomData })
    }

    /// Could [`win`](List::win) find somebody now? Walks over held nodes; for checks of invariants.
    pub fn any_winnable(&self) -> bool {
        let Some(head) = self.head else { return false };
        let mut this = head;
        loop {
            // SAFETY: linked nodes are alive, and the lock is held.
            let node = unsafe { this.as_ref() };
            // SAFETY: the lock is held and the node is linked.
            let (next, claim) = unsafe { node.next_and_claim() };
            let open = claim.is_none_or(|claim| {
                // SAFETY: W4, the claim outlives the linkage of its nodes, and the lock is held.
                unsafe { claim.as_ref() }.is_open()
            });
            if open || next == head {
                return open;
            }
            this = next;
        }
    }

    fn win_beyond(&mut self, head: NonNull<Node<P>>, skipped: Option<u32>) -> Option<Won<'_, P>> {
        let mut this = head;
        loop {
            // SAFETY: linked nodes are alive, and the lock is held.
            let node = unsafe { this.as_ref() };
            // SAFETY: the lock is held and the node is linked.
            let (next, claim) = unsafe { node.next_and_claim() };
            // SAFETY: queued, under the lock.
            let tag = unsafe { node.tag() };
            let won = Some(tag) != skipped
                && claim.is_none_or(|claim| {
                    // SAFETY: W4, the claim outlives the linkage of its nodes, and the lock is held.
                    unsafe { claim.as_ref() }.win(tag)
                });
            if won {
                // SAFETY: the node is linked.
                unsafe { self.unlink(this) };
                return Some(Won { node: this, _list: PhantomData });
            }
            if next == head {
                return None;
            }
            this = next;
        }
    }
}

impl<P> Default for List<P> {
    fn default() -> Self {
        List::new()
    }
}

impl<P> fmt::Debug for List<P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.is_empty() { "List(empty)" } else { "List(waiters)" })
    }
}

impl<P> Won<'_, P> {
    /// Calls `f` with the waiter's payload: to give it something, or to take what it offers.
    #[inline(always)]
    pub fn with_payload<R>(&mut self, f: impl FnOnce(&mut P) -> R) -> R {
        // SAFETY: the node is alive until its phase is stored.
        let node = unsafe { self.node.as_ref() };
        // SAFETY: won and not finished: the node is ours.
        unsafe { node.with_payload(f) }
    }

    /// What the waiter was queued with: the tag, 0 without one, or the number of a select's arm.
    #[inline(always)]
    pub fn tag(&self) -> u32 {
        // SAFETY: the node is alive until its phase is stored.
        let node = unsafe { self.node.as_ref() };
        // SAFETY: won from a list whose lock is still held.
        unsafe { node.tag() }
    }

    /// Tells the waiter; gives its waker, to be woken after unlocking. Nothing of the node is touched afterwards.
    #[inline(always)]
    #[must_use = "a waiter that is finished and not woken never learns of it"]
    pub fn finish(self, verdict: Verdict) -> Option<Waker> {
        // SAFETY: the node is alive until its phase is stored, below.
        let node = unsafe { self.node.as_ref() };
        // SAFETY: unlinked by `win`, under the lock; finished once.
        let who = unsafe { node.take_who() };
        let waker = match who {
            Who::Task(waker) => Some(waker),
            Who::Arm(claim) => {
                // SAFETY: W4; the owner lets the claim go only after it has seen the phase stored below.
                let claim = unsafe { claim.as_ref() };
                // SAFETY: this node's win is the claim's.
                unsafe { claim.take_waker() }
            }
        };
        debug_assert!(waker.is_some(), "W6: a linked node always has a waker");
        // Ordering: Release hands the node to its owner's Acquire load in `phase`; the last touch (W2).
        node.phase.store(verdict as u8, Release);
        waker
    }
}

impl<P> fmt::Debug for Won<'_, P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Won").finish_non_exhaustive()
    }
}
