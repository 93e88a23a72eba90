//! The tree of contexts: who is below whom, who is done, who is to be told.
//!
//! Purpose: a cancel marks the whole subtree at one instant, under the one lock of the tree, and tells waiters and functions
//! after it. What is not cancelled pays for the lock twice: when a context is made, and when it is dropped.
//!
//! The state of a node:
//!
//! | state | event | state after | who is told |
//! |---|---|---|---|
//! | live | a wait or a function is registered, their own lock held | live, WAITED | - |
//! | live | `cancel` of it or of an ancestor, tree lock held | CANCELLED or EXPIRED; out of the tree | its waiters, then its functions, with no lock held |
//! | live | last handle, child and wait gone | freed; out of the tree | nobody: functions are dropped |
//! | done | `cancel` | - | - |
//! | done | a child is made | the child is done as well, for the same cause | - |
//!
//! Invariants:
//! - C1 All nodes that are linked with each other have the same tree, and its lock is held whenever links are touched.
//! - C2 A node that hangs in the tree is alive as long as the lock is held: its `Drop` takes the lock and unlinks it
//!   before its memory goes. It does not move: it stays in its `Arc`.
//! - C3 A node is marked after all that are below it, and a child of a done node is born done: so whoever sees a node done
//!   finds everything below it done (`models::context_cancel_is_synchronous`).
//! - C4 WAITED is set, and the state looked at, under the lock of the list that is then added to; who marks a node
//!   looks into the lists afterwards if the bit was set (`models::context_done_against_cancel`).
//!
//! Locks: the tree's, and a node's two (waiters, functions), are leaves: never one within another. No user code runs
//! under any of them, and no handle is dropped under the tree's.
//!
//! Deep trees: a cancel walks the tree by its links, without recursion; a node that is dropped leaves its parent to
//! [`let_go`], which drops one after the other.
//!
//! Rejected: a lock per node (a cancel must then hold all of a path, or return before the subtree is done); a map of
//! children in each node (Go's; 200 bytes for each inner node, and four times the time of a cancel); asking the
//! ancestors in `err` (the cost of a check would grow with the depth).
//!
//! Checked by `models::context_*`, `tests/context.rs`, `tests/reentrant.rs`.
use super::{Cause, ContextError};
use crate::waiter::{Waiters, wake_all};
use dormouse_wait::alarm::Alarm;
use dormouse_wait::host::{self, Instant};
use dormouse_wait::list::List;
use dormouse_wait::lock::{Guard, Lock};
use dormouse_wait::prim::UnsafeCell;
use dormouse_wait::prim::atomic::{AtomicU8, Ordering::*};
use std::cell::RefCell;
use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::ptr::NonNull;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError, Weak};
use std::task::{Wake, Waker};

/// There is, or was, somebody to tell.
const WAITED: u8 = 1;
const CANCELLED: u8 = 2;
const EXPIRED: u8 = 4;
const DONE: u8 = CANCELLED | EXPIRED;

type Tree = Lock<()>;
type Held<'a> = Guard<'a, ()>;
type Link = Option<NonNull<Node>>;
pub(super) type Call = Box<dyn FnOnce() + Send>;

/// Where a node hangs. The children of a node are a ring, oldest first.
#[derive(Clone, Copy)]
struct Links {
    first_child: Link,
    next: Link,
    prev: Link,
}

/// [`Links`] that are touched with the tree's lock held.
struct Guarded(UnsafeCell<Links>);

// SAFETY: C1, the lock of the tree guards the links; what they lead to is `Sync` by its own parts.
unsafe impl Send for Guarded {}
// SAFETY: as above.
unsafe impl Sync for Guarded {}

/// What can be cancelled.
pub(super) struct Node {
    state: AtomicU8,
    tree: Arc<Tree>,
    links: Guarded,
    parent: Option<Arc<Node>>,
    me: Weak<Node>,
    deadline: Option<Instant>,
    /// If the deadline is its own, not an ancestor's.
    alarm: Mutex<Option<Alarm>>,
    /// Written before the state, if one was given.
    cause: OnceLock<Cause>,
    waiters: Waiters,
    calls: Lock<Calls>,
}

/// Functions to be called at the cancel, by number.
#[derive(Default)]
struct Calls {
    made: u64,
    waiting: BTreeMap<u64, Call>,
}

impl Node {
    /// A child of `parent`, or the root of a new tree. It is done at the earlier of the two deadlines.
    pub(super) fn new(parent: Option<Arc<Node>>, deadline: Option<Instant>) -> Arc<Node> {
        let inherited = parent.as_ref().and_then(|parent| parent.deadline);
        let own = deadline.filter(|own| inherited.is_none_or(|inherited| *own < inherited));
        let tree = parent.as_ref().map_or_else(|| Arc::new(Lock::new(())), |parent| parent.tree.clone());
        let node = Arc::new_cyclic(|me: &Weak<Node>| Node {
            state: AtomicU8::new(0),
            tree,
            links: Guarded(UnsafeCell::new(Links { first_child: None, next: None, prev: None })),
            parent,
            me: me.clone(),
            deadline: own.or(inherited),
            alarm: Mutex::new(None),
            cause: OnceLock::new(),
            waiters: Lock::new(List::new()),
            calls: Lock::new(Calls::default()),
        });
        node.hang();
        if let Some(at) = own
            && node.err().is_none()
        {
            let alarm = host::alarm(at, Waker::from(Arc::new(Ring { at, node: node.me.clone() })));
            // It may have rung before its time already, and then another one is there.
            let mut place = node.alarm();
            let unused = if place.is_some() { Some(alarm) } else { place.replace(alarm) };
            drop(place);
            drop(unused);
        }
        node
    }

    fn alarm(&self) -> MutexGuard<'_, Option<Alarm>> {
        self.alarm.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Why it is done; `None` if it is not.
    #[inline]
    pub(super) fn err(&self) -> Option<ContextError> {
        // Ordering: Acquire pairs with the Release of `mark`: the cause is there, and all below is done (C3).
        match self.state.load(Acquire) & DONE {
            0 => None,
            EXPIRED => Some(ContextError::DeadlineExceeded),
            _ => Some(ContextError::Cancelled),
        }
    }

    pub(super) fn deadline(&self) -> Option<Instant> {
        self.deadline
    }

    /// The cause that was given with the cancel, if there was one.
    pub(super) fn cause(&self) -> Option<Cause> {
        self.cause.get().cloned()
    }

    pub(super) fn waiters(&self) -> &Waiters {
        &self.waiters
    }

    /// Is it done? If not, whoever cancels it will look into the list whose lock the caller holds (C4).
    pub(super) fn done_or_waited(&self) -> bool {
        // Ordering: AcqRel; an exchange, so that it comes before or after that of `mark` for both sides; Acquire as `err`.
        self.state.fetch_or(WAITED, AcqRel) & DONE != 0
    }

    /// Lets `call` be called at the cancel: its number, or the function back if it is done.
    pub(super) fn add_call(&self, call: Call) -> Result<u64, Call> {
        let mut calls = self.calls.lock();
        if self.done_or_waited() {
            return Err(call);
        }
        calls.made += 1;
        let number = calls.made;
        calls.waiting.insert(number, call);
        Ok(number)
    }

    /// Takes the function back, unless it was called or is about to be.
    pub(super) fn take_call(&self, number: u64) -> Option<Call> {
        self.calls.lock().waiting.remove(&number)
    }

    /// Cancels it and all below; tells those who wait. Not if it is done.
    pub(super) fn cancel(&self, error: ContextError, cause: Option<Cause>) {
        if self.err().is_some() {
            return; // and so is all below: C3
        }
        let told = self.mark_all(error, cause.as_ref());
        for node in &told {
            wake_all(&node.waiters);
        }
        for node in told {
            let calls = std::mem::take(&mut node.calls.lock().waiting);
            calls.into_values().for_each(run);
        }
    }

    /// Marks it and all below as done; gives those that have somebody to tell.
    fn mark_all(&self, error: ContextError, cause: Option<&Cause>) -> Vec<Arc<Node>> {
        let mut told = Vec::new();
        let top = NonNull::from(self);
        let held = self.tree.lock();
        if self.state.load(Relaxed) & DONE != 0 {
            return told;
        }
        let mut at = top;
        loop {
            while let Some(child) = node(at, &held).links(&held, |links| links.first_child) {
                at = child;
            }
            let node = node(at, &held);
            node.unhang(&held);
            node.mark(error, cause, &mut told);
            match &node.parent {
                Some(parent) if at != top => at = NonNull::from(&**parent),
                _ => return told,
            }
        }
    }

    fn mark(&self, error: ContextError, cause: Option<&Cause>, told: &mut Vec<Arc<Node>>) {
        if let Some(cause) = cause {
            // It is not done, so it has none.
            let _ = self.cause.set(cause.clone());
        }
        let done = if error == ContextError::Cancelled { CANCELLED } else { EXPIRED };
        // Ordering: Release pairs with the Acquire of `err`, Acquire with `done_or_waited`.
        let before = self.state.swap(done, AcqRel);
        if before & WAITED != 0 {
            // One whose last handle is being dropped has functions at most, which go with it.
            told.extend(self.me.upgrade());
        }
    }

    /// Calls `f` with the links; it touches those of no node itself.
    fn links<R>(&self, _held: &Held<'_>, f: impl FnOnce(&mut Links) -> R) -> R {
        self.links.0.with_mut(|links| {
            // SAFETY: C1, the lock is held; calls of this do not nest.
            f(unsafe { &mut *links })
        })
    }

    /// Puts a new node below its parent, or marks it as done if that is.
    fn hang(&self) {
        let Some(parent) = &self.parent else { return };
        let held = self.tree.lock();
        let done = parent.state.load(Relaxed) & DONE;
        if done != 0 {
            drop(held);
            if let Some(cause) = parent.cause() {
                let _ = self.cause.set(cause);
            }
            // Ordering: Release pairs with the Acquire of `err`.
            self.state.store(done, Release);
            return;
        }
        let this = NonNull::from(self);
        let first = parent.links(&held, |links| *links.first_child.get_or_insert(this));
        let last = if first == this {
            this
        } else {
            node(first, &held).links(&held, |links| links.prev.replace(this)).expect("a ring")
        };
        self.links(&held, |links| (links.next, links.prev) = (Some(first), Some(last)));
        if last != this {
            node(last, &held).links(&held, |links| links.next = Some(this));
        }
    }

    /// Takes it off its parent, if it hangs there.
    fn unhang(&self, held: &Held<'_>) {
        let this = NonNull::from(self);
        let (next, prev) = self.links(held, |links| (links.next.take(), links.prev.take()));
        let (Some(parent), Some(next), Some(prev)) = (&self.parent, next, prev) else { return };
        if next != this {
            node(prev, held).links(held, |links| links.next = Some(next));
            node(next, held).links(held, |links| links.prev = Some(prev));
        }
        parent.links(held, |links| {
            if links.first_child == Some(this) {
                links.first_child = Some(next).filter(|next| *next != this);
            }
        });
    }
}

/// What a link leads to.
fn node<'a>(link: NonNull<Node>, _held: &'a Held<'_>) -> &'a Node {
    // SAFETY: C2; links lead to nodes that hang in the tree, whose lock is held, and to the one that is being cancelled,
    // which its caller keeps alive.
    unsafe { link.as_ref() }
}

/// Calls a function of the user; a panic of it ends here, reported by the panic hook.
pub(super) fn run(call: Call) {
    if let Err(payload) = catch_unwind(AssertUnwindSafe(call)) {
        // Dropping the payload could panic again.
        std::mem::forget(payload);
    }
}

impl Drop for Node {
    fn drop(&mut self) {
        if self.parent.is_some() {
            let held = self.tree.lock();
            self.unhang(&held);
        }
        if let Some(parent) = self.parent.take() {
            let_go(parent);
        }
    }
}

thread_local! {
    /// Parents of those that this thread has dropped, while it is about to drop more of them.
    static LEFT: RefCell<Option<Vec<Arc<Node>>>> = const { RefCell::new(None) };
}

/// Drops `node`, and then its parent if that was the last handle, and so on, in a loop: a chain may be long.
fn let_go(node: Arc<Node>) {
    /// Ends the loop, also by a panic in the destructor of a user's function.
    struct End;
    impl Drop for End {
        fn drop(&mut self) {
            let rest = LEFT.try_with(|left| left.take());
            drop(rest);
        }
    }
    let mut node = Some(node);
    let nested = LEFT.try_with(|left| match &mut *left.borrow_mut() {
        Some(left) => {
            left.extend(node.take());
            true
        }
        none => {
            *none = Some(Vec::new());
            false
        }
    });
    // A thread that is at its end goes into the depth.
    if nested != Ok(false) {
        return;
    }
    let _end = End;
    while let Some(last) = node {
        drop(last);
        node = LEFT.with(|left| left.borrow_mut().as_mut().and_then(Vec::pop));
    }
}

/// What the alarm of a deadline wakes.
struct Ring {
    at: Instant,
    node: Weak<Node>,
}

impl Wake for Ring {
    fn wake(self: Arc<Self>) {
        let Some(node) = self.node.upgrade() else { return };
        if Instant::now() >= self.at {
            return node.cancel(ContextError::DeadlineExceeded, None);
        }
        // The runtime that had the alarm is gone.
        let apart = host::alarm_apart(self.at, Waker::from(self));
        let rung = node.alarm().replace(apart);
        drop(rung);
    }
}
