//! A queue whose waiters stay in it after they were served, until they claim what they were given: so it can be taken back
//! from one that nobody polls any more.
//!
//! It is a [`List`] in three parts: those who are passed over, those who were served, and those who wait.
//!
//! | stand | event | stand after | who wakes |
//! |---|---|---|---|
//! | - | `push_back`, `push_front` | Waits: behind all, before all who wait | - |
//! | Waits, the first | `grant` | Granted, no waker | the one who granted, after unlocking |
//! | Waits, the first | `win` + `finish` | out of the queue | as in a list |
//! | Waits, among the first few, asleep | `rouse` | Waits, not asleep, no waker | the one who roused, after unlocking |
//! | Granted, not seen | `look` | Granted, seen at that time | - |
//! | Granted, seen [`CLAIM_WITHIN`] ago | `look` | Absent | - |
//! | Absent | `win_absent` + `finish` | out of the queue | nobody: it has no waker |
//! | any | `remove`, by its owner | out of the queue | - |
//!
//! All of it happens under the owner's lock; a node's phase is Queued until it is out. Invariants:
//! - Q1 The parts follow one another, and the first one of each is known: nobody walks over those who are passed over
//!   (`tests/queue.rs`: random operations).
//! - Q2 What was granted first was seen first: so what is taken back is the beginning of its part.
//! - Q3 who is asleep has no alarm, and must be roused after a hand-over if it is to see that nobody claims it. Unless the
//!   queue says that there are sleepers, nobody is asleep but the first one that waits: so a hand-over among those who
//!   are awake looks at nobody (`tests/queue.rs`: random operations).
//! - Q4 `watchers` counts those who wait with an alarm and began in the present watch (`tests/queue.rs`: random operations).
//!
//! What belongs to the queue as a whole stands in its first node: the locks that are made with it have no room to spare.
use super::{List, Node, Phase, Removed, Won};
use crate::host::{Instant, SOON};
use std::fmt;
use std::marker::PhantomData;
use std::mem::MaybeUninit;
use std::pin::Pin;
use std::ptr::NonNull;
use std::task::Waker;
use std::time::Duration;

/// What was handed over and seen unclaimed for so long may be taken back.
pub const CLAIM_WITHIN: Duration = SOON;

/// So many of those who wait behind a hand-over are roused: with one more, each of them may be one that nobody polls.
const ROUSED: usize = 4;

/// Of so many who queue while others watch, one looks.
const PASSING: u8 = 8;

/// So many hand-overs are looked at before the lock is given up.
const LOOKED_AT: usize = 32;

/// The waiters at one object. One pointer.
pub struct Queue<P>(List<Entry<P>>);

/// What a node of a queue carries: the owner's own payload, and where it stands.
pub struct Entry<P> {
    payload: P,
    /// Unwritten until queued: who need not wait does not pay for it.
    state: MaybeUninit<State<P>>,
}

struct State<P> {
    stand: Stand,
    rest: Rest,
    /// In which watch, if it watches.
    watch: u32,
    /// When somebody first looked at it, granted and unclaimed.
    seen: Option<Instant>,
    /// Of the first node only.
    whole: Whole<P>,
}

/// What belongs to the queue as a whole.
struct Whole<P> {
    /// The first one that was granted something.
    granted: Option<Place<P>>,
    /// The first one that waits.
    waiting: Option<Place<P>>,
    /// Somebody may be asleep who is not the first one that waits (Q3).
    sleepers: bool,
    /// Something was taken back: there are some that nobody polls.
    wary: bool,
    /// How many have queued behind all others; it wraps.
    arrivals: u8,
    /// How many watch in the present watch.
    watchers: u32,
    /// The number of the watch. A new one begins when a watcher has seen nothing and falls asleep: those who began before it
    /// have had their alarms, too, and if they still stand as watchers, nobody polls them.
    watch: u32,
}

impl<P> Whole<P> {
    const NEW: Self = Whole {
        granted: None,
        waiting: None,
        sleepers: false,
        wary: false,
        watchers: 0,
        watch: 0,
        arrivals: 0,
    };
}
impl<P> Clone for Whole<P> {
    fn clone(&self) -> Self {
        *self
    }
}
impl<P> Copy for Whole<P> {}

type Place<P> = NonNull<Node<Entry<P>>>;

// SAFETY: the pointers are used by whoever holds the queue's lock, and reach nodes, which are Sync for P: Send.
unsafe impl<P: Send> Send for Entry<P> {}

/// Where a node stands that is in a queue.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stand {
    /// It waits for its turn.
    Waits,
    /// It was served, and has not claimed it.
    Granted,
    /// It was served, and did not claim it in time: it is passed over until it is polled again.
    Absent,
}

/// How somebody waits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rest {
    /// Without an alarm, as there is none, or it was roused and is about to be polled.
    Awake,
    /// Without an alarm: it must be roused if it is to look at anything (Q3).
    Asleep,
    /// With an alarm.
    Watches,
}

impl<P> Entry<P> {
    /// What a node carries that has not queued yet.
    pub const fn new(payload: P) -> Self {
        Entry { payload, state: MaybeUninit::uninit() }
    }

    /// The owner's own payload.
    pub fn payload(&mut self) -> &mut P {
        &mut self.payload
    }
}

impl<P> Queue<P> {
    const_fn! {
        /// An empty queue.
        pub const fn new() -> Self {
            Queue(List::new())
        }
    }

    /// Is nobody there, served or not?
    #[inline]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Does nobody wait?
    #[inline]
    pub fn none_waits(&self) -> bool {
        self.whole().waiting.is_none()
    }

    /// Calls `f` with the payload of the first one that waits.
    #[inline]
    pub fn with_first<R>(&self, f: impl FnOnce(&P) -> R) -> Option<R> {
        Some(self.with_entry(self.whole().waiting?, |entry| f(&entry.payload)))
    }

    /// Queues `node` behind all others.
    ///
    /// # Safety
    /// As for [`List::push_back`]; the queue is the list.
    pub unsafe fn push_back(&mut self, node: Pin<&Node<Entry<P>>>, waker: Waker, rest: Rest) {
        let this = NonNull::from(node.get_ref());
        let mut whole = self.whole();
        self.enter(node);
        // SAFETY: by the caller's promise.
        unsafe { self.0.push_back(node, waker) };
        match whole.waiting {
            None => whole.waiting = Some(this),
            Some(_) => whole.sleepers |= rest == Rest::Asleep,
        }
        whole.arrivals = whole.arrivals.wrapping_add(1);
        self.watch_in(this, &mut whole, rest);
        self.set_whole(whole);
    }

    /// Queues `node` before all others that wait.
    ///
    /// # Safety
    /// As for [`List::push_back`]; the queue is the list.
    pub unsafe fn push_front(&mut self, node: Pin<&Node<Entry<P>>>, waker: Waker, rest: Rest) {
        let mut whole = self.whole();
        let Some(first) = whole.waiting else {
            // SAFETY: by the caller's promise.
            return unsafe { self.push_back(node, waker, rest) };
        };
        self.enter(node);
        // SAFETY: by the caller's promise, and `first` is in this list.
        unsafe { self.0.push_before(first, node, waker) };
        let this = NonNull::from(node.get_ref());
        whole.waiting = Some(this);
        whole.sleepers |= self.with(first, |state| state.rest == Rest::Asleep);
        self.watch_in(this, &mut whole, rest);
        self.set_whole(whole);
    }

    /// One that is linked rests so from now on. Did it watch until then, in the present watch?
    fn watch_in(&self, this: Place<P>, whole: &mut Whole<P>, rest: Rest) -> bool {
        let watched = self.with(this, |state| {
            let watched =
                std::mem::replace(&mut state.rest, rest) == Rest::Watches && state.watch == whole.watch;
            state.watch = whole.watch;
            watched
        });
        whole.watchers -= u32::from(watched);
        whole.watchers += u32::from(rest == Rest::Watches);
        watched
    }

    /// Before `node` is linked.
    fn enter(&mut self, node: Pin<&Node<Entry<P>>>) {
        debug_assert_eq!(node.phase(), Phase::Idle, "only an idle node can be queued");
        // SAFETY: idle, it is its owner's, who is calling.
        unsafe {
            node.with_payload(|entry| {
                entry.state.write(State {
                    stand: Stand::Waits,
                    rest: Rest::Awake,
                    watch: 0,
                    seen: None,
                    whole: Whole::NEW,
                });
            });
        }
    }

    /// Grants the first one that waits, which stays where it is. Gives its waker, to be woken after unlocking; `None` if
    /// nobody waits.
    pub fn grant(&mut self) -> Option<Waker> {
        let mut whole = self.whole();
        let first = whole.waiting?;
        let waker = self.take_waker(first);
        self.with(first, |state| state.stand = Stand::Granted);
        self.watch_in(first, &mut whole, Rest::Awake);
        whole.granted = whole.granted.or(Some(first));
        whole.waiting = self.behind(first);
        self.set_whole(whole);
        Some(waker)
    }

    /// The first one that waits, taken out of the queue.
    pub fn win(&mut self) -> Option<Won<'_, Entry<P>>> {
        let first = self.whole().waiting?;
        Some(self.unlink(first))
    }

    /// The first one that is absent, taken out of the queue.
    pub fn win_absent(&mut self) -> Option<Won<'_, Entry<P>>> {
        let head = self.0.head?;
        let absent = self.with(head, |state| state.stand == Stand::Absent);
        absent.then(|| self.unlink(head))
    }

    /// Where `node` stands; `None` if it is not in the queue.
    ///
    /// # Safety
    /// If the node was ever queued, it was in this queue.
    #[inline]
    pub unsafe fn stand(&self, node: Pin<&Node<Entry<P>>>) -> Option<Stand> {
        let queued = node.is(Phase::Queued);
        queued.then(|| self.with(NonNull::from(node.get_ref()), |state| state.stand))
    }

    /// Does `node` wait, with no alarm, and was not roused (Q3)?
    ///
    /// # Safety
    /// If the node was ever queued, it was in this queue.
    pub unsafe fn is_asleep(&self, node: Pin<&Node<Entry<P>>>) -> bool {
        // SAFETY: by the caller's promise.
        let waits = unsafe { self.stand(node) } == Some(Stand::Waits);
        waits && self.with(NonNull::from(node.get_ref()), |state| state.rest == Rest::Asleep)
    }

    /// Replaces the waker of one that waits, and notes how. Gives back the waker that is not needed, to be dropped after
    /// unlocking.
    ///
    /// # Safety
    /// If the node was ever queued, it was in this queue.
    pub unsafe fn rewake(&mut self, node: Pin<&Node<Entry<P>>>, waker: Waker, rest: Rest) -> Waker {
        if !node.is(Phase::Queued) {
            return waker;
        }
        let this = NonNull::from(node.get_ref());
        let mut whole = self.whole();
        whole.sleepers |= rest == Rest::Asleep && whole.waiting != Some(this);
        if self.watch_in(this, &mut whole, rest) && rest == Rest::Asleep {
            (whole.watch, whole.watchers) = (whole.watch.wrapping_add(1), 0);
        }
        self.set_whole(whole);
        // SAFETY: it is in this list.
        unsafe { self.0.rewake(node, waker) }
    }

    /// Takes `node` out of the queue. Where it stood, `None` if it was not there; and its waker, to be dropped after
    /// unlocking.
    ///
    /// # Safety
    /// If the node was ever queued, it was in this queue.
    pub unsafe fn remove(&mut self, node: Pin<&Node<Entry<P>>>) -> (Option<Stand>, Option<Waker>) {
        // SAFETY: by the caller's promise.
        let Some(stand) = (unsafe { self.stand(node) }) else { return (None, None) };
        let this = NonNull::from(node.get_ref());
        let whole = self.without(this);
        // SAFETY: by the caller's promise.
        let removed = unsafe { self.0.remove(node) };
        self.set_whole(whole);
        match removed {
            Removed::WasQueued(waker) => (Some(stand), waker),
            Removed::WasDone => (None, None),
        }
    }

    /// How many wait with an alarm, and so see whether what is granted is claimed. None that count, once something was not:
    /// then everybody is to have one.
    #[inline]
    pub fn watchers(&self) -> u32 {
        let whole = self.whole();
        if whole.wary { 0 } else { whole.watchers }
    }

    /// Is it the turn of the one who has just queued to look at what is not claimed, though others watch? Their alarms cost
    /// nobody a look at the clock; but they may be those that nobody polls.
    #[inline]
    pub fn is_looked_at_in_passing(&self) -> bool {
        self.whole().arrivals.is_multiple_of(PASSING)
    }

    /// Is anything granted and not claimed?
    #[inline]
    pub fn unclaimed(&self) -> bool {
        self.whole().granted.is_some()
    }

    /// Looks at what is not claimed: marks it as seen `now`, or, if that was [`CLAIM_WITHIN`] ago, makes its owner absent
    /// and calls `revoke` with its payload.
    pub fn look(&mut self, now: Instant, mut revoke: impl FnMut(&mut P)) {
        let mut whole = self.whole();
        let mut next = whole.granted;
        for _ in 0..LOOKED_AT {
            let Some(this) = next else { break };
            next = self.behind(this).filter(|next| Some(*next) != whole.waiting);
            let since = self.with(this, |state| *state.seen.get_or_insert(now));
            if now.duration_since(since) >= CLAIM_WITHIN {
                self.with(this, |state| state.stand = Stand::Absent);
                self.with_entry(this, |entry| revoke(&mut entry.payload));
                whole.granted = next;
                whole.wary = true;
            } else if since != now {
                // Q2: those behind it have been seen already, or can wait until they are the first.
                break;
            }
        }
        self.set_whole(whole);
    }

    /// After a hand-over: rouses the next few of those who wait behind it and are asleep, for each a call of `wake`, which
    /// says whether there is room for one more. They are to look at what is not claimed. `first`: the first one, too, was
    /// waiting behind others before, but in another queue.
    pub fn rouse(&mut self, first: bool, mut wake: impl FnMut(Waker) -> bool) {
        let mut whole = self.whole();
        let mut next = whole.waiting;
        let reach = if whole.sleepers { ROUSED } else { usize::from(first) };
        for _ in 0..reach {
            let Some(this) = next else { break };
            let asleep = self.with(this, |state| {
                let asleep = state.rest == Rest::Asleep;
                if asleep {
                    state.rest = Rest::Awake;
                }
                asleep
            });
            if asleep && !wake(self.take_waker(this)) {
                return;
            }
            next = self.behind(this);
        }
        if next.is_none() {
            whole.sleepers = false;
            self.set_whole(whole);
        }
    }

    /// Takes the waker of one that is linked; it keeps one that does nothing (W6), and is no user code.
    fn take_waker(&mut self, this: Place<P>) -> Waker {
        // SAFETY: linked nodes are alive.
        let node = unsafe { this.as_ref() };
        // SAFETY: and pinned.
        let node = unsafe { Pin::new_unchecked(node) };
        // SAFETY: it is in this list.
        unsafe { self.0.rewake(node, Waker::noop().clone()) }
    }

    fn unlink(&mut self, this: Place<P>) -> Won<'_, Entry<P>> {
        let whole = self.without(this);
        // SAFETY: the callers have it from this list.
        unsafe { self.0.unlink(this) };
        self.set_whole(whole);
        Won { node: this, _list: PhantomData }
    }

    /// What is to be known of the queue once `this` is out of it.
    fn without(&self, this: Place<P>) -> Whole<P> {
        let mut whole = self.whole();
        let next = self.behind(this);
        if whole.granted == Some(this) {
            whole.granted = next.filter(|next| Some(*next) != whole.waiting);
        }
        if whole.waiting == Some(this) {
            whole.waiting = next;
        }
        self.watch_in(this, &mut whole, Rest::Awake);
        whole
    }

    #[inline]
    fn whole(&self) -> Whole<P> {
        self.0.head.map_or(Whole::NEW, |head| self.with(head, |state| state.whole))
    }

    #[inline]
    fn set_whole(&mut self, whole: Whole<P>) {
        if let Some(head) = self.0.head {
            self.with(head, |state| state.whole = whole);
        }
    }

    /// The one behind `this`, if it is not the last.
    fn behind(&self, this: Place<P>) -> Option<Place<P>> {
        // SAFETY: linked nodes are alive.
        let node = unsafe { this.as_ref() };
        // SAFETY: the lock is held and the node is linked.
        let next = unsafe { node.with_links(|links| links.next) };
        (Some(next) != self.0.head).then_some(next)
    }

    /// Calls `f` with where a linked node stands.
    #[inline]
    fn with<R>(&self, this: Place<P>, f: impl FnOnce(&mut State<P>) -> R) -> R {
        self.with_entry(this, |entry| {
            // SAFETY: `enter` has written it.
            f(unsafe { entry.state.assume_init_mut() })
        })
    }

    /// Calls `f` with what a linked node carries.
    #[inline]
    fn with_entry<R>(&self, this: Place<P>, f: impl FnOnce(&mut Entry<P>) -> R) -> R {
        // SAFETY: linked nodes are alive.
        let node = unsafe { this.as_ref() };
        // SAFETY: the lock is held, and the node is linked.
        unsafe { node.with_payload(f) }
    }
}

impl<P> Default for Queue<P> {
    fn default() -> Self {
        Queue::new()
    }
}

impl<P> fmt::Debug for Queue<P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.is_empty() { "Queue(empty)" } else { "Queue(waiters)" })
    }
}

impl<P: fmt::Debug> fmt::Debug for Entry<P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Entry").field("payload", &self.payload).finish_non_exhaustive()
    }
}
