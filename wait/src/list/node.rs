//! A waiter's node: its phases are in the table of the [list](super).
use crate::claim::Claim;
use crate::prim::UnsafeCell;
use crate::prim::atomic::{AtomicU8, Ordering::*};
use std::fmt;
use std::marker::PhantomPinned;
use std::mem::MaybeUninit;
use std::ptr::{self, NonNull};
use std::task::Waker;

/// Where a node stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Phase {
    /// Not in a list; never was, or removed.
    Idle = 0,
    /// In a list; whoever holds the list's lock may touch the node, nobody else.
    Queued = 1,
    /// Out of the list, served: the node is its owner's again.
    Granted = 2,
    /// Out of the list, told that nothing will come: the node is its owner's again.
    Closed = 3,
    /// The owner has taken the outcome; the future is done.
    Spent = 4,
}

/// What a waiter is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Verdict {
    /// It was served.
    Granted = Phase::Granted as u8,
    /// Nothing will come any more.
    Closed = Phase::Closed as u8,
}

pub(super) enum Who {
    Task(Waker),
    Arm(NonNull<Claim>),
}

pub(super) struct Links<P> {
    pub(super) next: NonNull<Node<P>>,
    pub(super) prev: NonNull<Node<P>>,
    pub(super) who: Who,
}

/// A waiter: lives in a pinned future, linked into a [`List`](super::List) while it waits.
pub struct Node<P> {
    pub(super) phase: AtomicU8,
    /// Which arm of its claim this is, or the tag that its owner gave it; unwritten until queued.
    pub(super) tag: UnsafeCell<MaybeUninit<u32>>,
    /// Unwritten until queued.
    pub(super) links: UnsafeCell<MaybeUninit<Links<P>>>,
    pub(super) payload: UnsafeCell<P>,
    _pin: PhantomPinned,
}

// SAFETY: a node's parts change hands with the list's lock and the phase; what passes between threads is P and wakers.
unsafe impl<P: Send> Send for Node<P> {}
// SAFETY: as above; shared access from other threads goes through the list's lock.
unsafe impl<P: Send> Sync for Node<P> {}

impl<P> Node<P> {
    const_fn! {
        /// An idle node.
        #[inline(always)]
        pub const fn new(payload: P) -> Self {
            Node {
                phase: AtomicU8::new(Phase::Idle as u8),
                tag: UnsafeCell::new(MaybeUninit::uninit()),
                links: UnsafeCell::new(MaybeUninit::uninit()),
                payload: UnsafeCell::new(payload),
                _pin: PhantomPinned,
            }
        }
    }

    /// Where the node stands. Anything but `Queued` gives its owner the node back.
    #[inline(always)]
    pub fn phase(&self) -> Phase {
        // Ordering: Acquire pairs with the Release store in `Won::finish`.
        match self.phase.load(Acquire) {
            0 => Phase::Idle,
            1 => Phase::Queued,
            2 => Phase::Granted,
            3 => Phase::Closed,
            _ => Phase::Spent,
        }
    }

    /// Is the node in this phase? As [`phase`](Node::phase), one comparison.
    #[inline(always)]
    pub fn is(&self, phase: Phase) -> bool {
        // Ordering: Acquire pairs with the Release store in `Won::finish`.
        self.phase.load(Acquire) == phase as u8
    }

    /// A pointer to the payload, for whoever may touch it: the owner while the node is not `Queued`, or whoever
    /// holds the lock of the list that it is in.
    #[inline(always)]
    pub fn payload(&self) -> *mut P {
        self.payload.get()
    }

    /// The owner marks the outcome as taken. Never while the node is queued (see [`List::push_back`](super::List::push_back)).
    #[inline(always)]
    pub fn spend(&self) {
        self.set(Phase::Spent);
    }

    /// The owner notes an outcome that it reached itself, without having waited. Never while the node is queued.
    #[inline(always)]
    pub fn conclude(&self, verdict: Verdict) {
        self.set(if verdict == Verdict::Granted { Phase::Granted } else { Phase::Closed });
    }

    /// The owner makes a spent node ready to wait again.
    #[inline(always)]
    pub fn reset(&self) {
        self.set(Phase::Idle);
    }

    #[inline(always)]
    fn set(&self, phase: Phase) {
        debug_assert!(!self.is(Phase::Queued), "a queued node's phase is not its owner's");
        // Ordering: Relaxed, the node is its owner's alone.
        self.phase.store(phase as u8, Relaxed);
    }

    /// Calls `f` with the payload.
    ///
    /// # Safety
    /// The caller owns the node and it is not `Queued`; or the caller holds the lock of the list that it is in.
    #[inline(always)]
    pub unsafe fn with_payload<R>(&self, f: impl FnOnce(&mut P) -> R) -> R {
        self.payload.with_mut(|payload| {
            // SAFETY: by the caller's promise nobody else touches the payload now.
            f(unsafe { &mut *payload })
        })
    }

    /// Calls `f` with the links.
    ///
    /// # Safety
    /// The caller holds the lock of the list that the node is in, and the links were written by `push`.
    #[inline(always)]
    pub(super) unsafe fn with_links<R>(&self, f: impl FnOnce(&mut Links<P>) -> R) -> R {
        self.links.with_mut(|links| {
            // SAFETY: the lock excludes everybody else.
            let links = unsafe { &mut *links };
            // SAFETY: written when the node was queued.
            f(unsafe { links.assume_init_mut() })
        })
    }

    /// The node behind it in the ring, and its claim, if it is an arm of a select.
    ///
    /// # Safety
    /// The caller holds the lock of the list that the node is in.
    pub(super) unsafe fn next_and_claim(&self) -> (NonNull<Node<P>>, Option<NonNull<Claim>>) {
        let read = |links: &mut Links<P>| match links.who {
            Who::Task(_) => (links.next, None),
            Who::Arm(claim) => (links.next, Some(claim)),
        };
        // SAFETY: as the caller promises; `push` has written the links.
        unsafe { self.with_links(read) }
    }

    /// Reads the waiter's waker or claim out of the links.
    ///
    /// # Safety
    /// The node has been unlinked, under the lock that the caller still holds, and this is called once for it.
    #[inline(always)]
    pub(super) unsafe fn take_who(&self) -> Who {
        let read = |links: &mut Links<P>| {
            // SAFETY: the links stay readable until the node is queued again, and `who` leaves them once.
            unsafe { ptr::read(&links.who) }
        };
        // SAFETY: as the caller promises.
        unsafe { self.with_links(read) }
    }

    /// The tag that the node was queued with.
    ///
    /// # Safety
    /// The node was queued, and the caller holds the lock of the list that it is or was last in.
    #[inline(always)]
    pub(super) unsafe fn tag(&self) -> u32 {
        self.tag.with(|tag| {
            // SAFETY: the lock excludes writers.
            let tag = unsafe { &*tag };
            // SAFETY: written when the node was queued.
            unsafe { tag.assume_init() }
        })
    }
}

impl<P> fmt::Debug for Node<P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Node").field("phase", &self.phase()).finish_non_exhaustive()
    }
}
