//! What one poll of a task carries: its budget of operations, and the reason of its last wait.
//!
//! An executor makes a [`Frame`] for each poll and [enters](Frame::enter) it; what waits finds it through a
//! thread-local pointer. On a foreign executor there is none: the budget is then unlimited and a reason goes
//! nowhere. Polls nest (a `block_on` inside a poll): the inner frame hides the outer one.
//!
//! Budget: [`BUDGET`] operations on channels, locks and sockets per poll; then each refused operation wakes its
//! own task and says Pending, so that other tasks get their turn. A future that was already granted something
//! does not ask. After [`REFUSALS`] refusals in one poll the budget is lifted for the rest of it: whoever polls
//! on in spite of Pending (a nested foreign `block_on`, a busy combinator) must not spin for ever.
//!
//! Checked by `tests/frame.rs`.
use crate::holders;
use std::cell::Cell;
use std::fmt;
use std::panic::Location;
use std::ptr::{self, NonNull};
use std::sync::atomic::{AtomicPtr, AtomicU8, AtomicU32, Ordering::Relaxed};
use std::task::{Context, Poll};

/// Operations per poll.
pub const BUDGET: u32 = 128;
/// Refusals within one poll after which its budget is lifted.
pub const REFUSALS: u32 = 128;

/// Why a task waits, in Go's words where Go has the thing. (New ones come last: a simulated run's hash has their numbers.)
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u8)]
#[non_exhaustive]
pub enum Reason {
    /// Nothing of ours was waited for: another library's future, or a hand-written one.
    External = 0,
    /// A receive on a channel.
    ChanReceive,
    /// A receive on a channel that never carries anything.
    ChanReceiveNil,
    /// A send on a channel.
    ChanSend,
    /// A send on a channel that never takes anything.
    ChanSendNil,
    /// A `select!`.
    Select,
    /// A `select!` without an enabled arm.
    SelectNoCases,
    /// A timer.
    Sleep,
    /// A mutex held by somebody else.
    MutexLock,
    /// A wait group that is not yet at zero.
    WaitGroupWait,
    /// The end of another task.
    Join,
    /// Its turn: the task yielded.
    Yield,
    /// The end of a blocking job.
    Blocking,
    /// A quiet moment of the simulated run.
    SimWait,
    /// A `select!` with a future of another library among its arms, or a hand-written one.
    SelectExternal,
    /// A notification.
    Notify,
    /// Permits of a semaphore that others hold.
    SemaphoreAcquire,
    /// A read-write lock that a writer holds or waits for.
    RwLockRead,
    /// A read-write lock held by somebody else.
    RwLockWrite,
    /// A signal of a condition variable.
    CondWait,
    /// The others at a barrier.
    BarrierWait,
    /// A context that is not yet done.
    ContextDone,
    /// Somebody else who makes the value of a cell, or does what is done once.
    OnceDo,
    /// Somebody else who does the same work.
    SingleFlight,
    /// A rate limiter's tokens.
    RateWait,
    /// A socket, or another descriptor of the system.
    IoWait,
    /// Bytes of a pipe in memory.
    PipeRead,
    /// Room in a pipe in memory.
    PipeWrite,
}

impl Reason {
    const ALL: [Reason; 28] = [
        Reason::External,
        Reason::ChanReceive,
        Reason::ChanReceiveNil,
        Reason::ChanSend,
        Reason::ChanSendNil,
        Reason::Select,
        Reason::SelectNoCases,
        Reason::Sleep,
        Reason::MutexLock,
        Reason::WaitGroupWait,
        Reason::Join,
        Reason::Yield,
        Reason::Blocking,
        Reason::SimWait,
        Reason::SelectExternal,
        Reason::Notify,
        Reason::SemaphoreAcquire,
        Reason::RwLockRead,
        Reason::RwLockWrite,
        Reason::CondWait,
        Reason::BarrierWait,
        Reason::ContextDone,
        Reason::OnceDo,
        Reason::SingleFlight,
        Reason::RateWait,
        Reason::IoWait,
        Reason::PipeRead,
        Reason::PipeWrite,
    ];

    /// The words that a dump prints.
    pub const fn as_str(self) -> &'static str {
        match self {
            Reason::External => "external",
            Reason::ChanReceive => "chan receive",
            Reason::ChanReceiveNil => "chan receive (nil chan)",
            Reason::ChanSend => "chan send",
            Reason::ChanSendNil => "chan send (nil chan)",
            Reason::Select => "select",
            Reason::SelectExternal => "select (external)",
            Reason::SelectNoCases => "select (no cases)",
            Reason::Sleep => "sleep",
            Reason::MutexLock => "sync.Mutex.Lock",
            Reason::WaitGroupWait => "sync.WaitGroup.Wait",
            Reason::Join => "join",
            Reason::Yield => "yield",
            Reason::Blocking => "blocking job",
            Reason::SimWait => "sim.Wait",
            Reason::Notify => "notify",
            Reason::SemaphoreAcquire => "semaphore.Acquire",
            Reason::RwLockRead => "sync.RWMutex.RLock",
            Reason::RwLockWrite => "sync.RWMutex.Lock",
            Reason::CondWait => "sync.Cond.Wait",
            Reason::BarrierWait => "barrier",
            Reason::ContextDone => "context.Done",
            Reason::OnceDo => "sync.Once.Do",
            Reason::SingleFlight => "singleflight.Do",
            Reason::RateWait => "rate.Wait",
            Reason::IoWait => "IO wait",
            Reason::PipeRead => "pipe read",
            Reason::PipeWrite => "pipe write",
        }
    }

    /// May something end the wait that is not ours, and that nobody here knows of?
    #[inline(always)]
    pub const fn is_external(self) -> bool {
        matches!(self, Reason::External | Reason::SelectExternal | Reason::IoWait)
    }

    /// The reason with this number (`reason as u8`), `External` for a number that none has.
    pub fn from_u8(number: u8) -> Reason {
        Reason::ALL.get(usize::from(number)).copied().unwrap_or(Reason::External)
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// The source line of an await, as the methods that make futures record it.
pub type Site = &'static Location<'static>;

/// What a task waits for, as its polls note it, and the budget of the present one; outlives them.
///
/// One thread polls at a time and writes, others may read: what they see is some wait, the latest if the poll is over.
#[derive(Debug)]
pub struct Waits {
    site: AtomicPtr<Location<'static>>,
    polls: AtomicU32,
    reason: AtomicU8,
    budget: AtomicU8,
    refused: AtomicU8,
    /// It is in the table of [`holders`], now or from before.
    listed: AtomicU8,
}

/// Beside a reason: what is waited for is in the table of [`holders`].
const ON_OBJECT: u8 = 0x80;

impl Default for Waits {
    fn default() -> Self {
        Waits::new()
    }
}

impl Waits {
    /// No poll yet.
    pub const fn new() -> Self {
        Waits {
            site: AtomicPtr::new(ptr::null_mut()),
            polls: AtomicU32::new(0),
            reason: AtomicU8::new(Reason::External as u8),
            budget: AtomicU8::new(0),
            refused: AtomicU8::new(0),
            listed: AtomicU8::new(0),
        }
    }

    /// A poll begins, and has waited for nothing of ours yet.
    #[inline(always)]
    fn begin(&self) {
        self.polls.store(self.polls.load(Relaxed).wrapping_add(1), Relaxed);
        // The place stays: nobody looks at it before a reason is noted with one.
        self.reason.store(Reason::External as u8, Relaxed);
        self.budget.store(BUDGET as u8, Relaxed);
        self.refused.store(0, Relaxed);
    }

    #[inline(always)]
    fn spend(&self) -> bool {
        match self.budget.load(Relaxed) {
            0 => self.refuse(),
            left => {
                self.budget.store(left - 1, Relaxed);
                true
            }
        }
    }

    #[cold]
    fn refuse(&self) -> bool {
        let refused = self.refused.load(Relaxed);
        if refused == REFUSALS as u8 {
            self.budget.store(u8::MAX, Relaxed);
            return true;
        }
        self.refused.store(refused + 1, Relaxed);
        false
    }

    #[inline(always)]
    fn set(&self, reason: Reason, site: Option<Site>) {
        let site = site.map_or(ptr::null_mut(), |site| ptr::from_ref(site).cast_mut());
        self.site.store(site, Relaxed);
        self.reason.store(reason as u8, Relaxed);
    }

    /// What [`set`](Waits::set) noted is a wait for this object.
    #[cold]
    #[inline(never)]
    fn set_object(&self, object: usize) {
        holders::waits_for(holders::address(self), object);
        self.listed.store(1, Relaxed);
        self.reason.store(self.reason.load(Relaxed) | ON_OBJECT, Relaxed);
    }

    /// The address of the object that the last poll waited for, if it noted one while [`holders`] is on.
    pub fn object(&self) -> Option<usize> {
        let listed = self.reason.load(Relaxed) & ON_OBJECT != 0;
        listed.then(|| holders::waited_for(holders::address(self))).flatten()
    }

    /// Why and where the last poll waited; `External` and `None` if for nothing of ours.
    pub fn get(&self) -> (Reason, Option<Site>) {
        let reason = self.reason();
        if reason == Reason::External {
            return (reason, None);
        }
        let site = NonNull::new(self.site.load(Relaxed)).map(|site| {
            // SAFETY: only `set` writes it, and from a `&'static`.
            unsafe { site.as_ref() }
        });
        (reason, site)
    }

    fn reason(&self) -> Reason {
        Reason::from_u8(self.reason.load(Relaxed) & !ON_OBJECT)
    }

    /// Puts `mark` in the place of the count of polls, for a runtime that measures the wait for the next one.
    pub fn mark(&self, mark: u32) {
        self.polls.store(mark, Relaxed);
    }

    /// How many polls there were; wraps around.
    pub fn polls(&self) -> u32 {
        self.polls.load(Relaxed)
    }
}

impl Drop for Waits {
    #[inline(always)]
    fn drop(&mut self) {
        if *self.listed.get_mut() != 0 {
            holders::waits_no_more(holders::address(self));
        }
    }
}

/// One poll. Lives on the stack of whoever polls.
#[derive(Debug)]
pub struct Frame<'w>(&'w Waits);

thread_local!(static TOP: Cell<*const Waits> = const { Cell::new(ptr::null()) });

impl<'w> Frame<'w> {
    /// A frame with a full budget, for a poll that begins; it notes into `waits`.
    #[inline(always)]
    pub fn new(waits: &'w Waits) -> Self {
        waits.begin();
        Frame(waits)
    }

    /// Runs `f` (one poll) with this frame as the innermost one; also when `f` panics, the outer one is back after.
    #[inline(always)]
    pub fn enter<R>(&self, f: impl FnOnce() -> R) -> R {
        under(self.0, f)
    }
}

/// Runs `f` with `top` as the innermost poll, or none.
#[inline(always)]
fn under<R>(top: *const Waits, f: impl FnOnce() -> R) -> R {
    struct Back(*const Waits);
    impl Drop for Back {
        #[inline(always)]
        fn drop(&mut self) {
            TOP.set(self.0);
        }
    }
    let _back = Back(TOP.replace(top));
    f()
}

/// Calls `f` with the innermost poll of this thread, if one of ours is on.
#[inline(always)]
fn with_top<R>(f: impl FnOnce(&Waits) -> R) -> Option<R> {
    let top = TOP.get();
    if top.is_null() {
        return None;
    }
    // SAFETY: `TOP` is set only by `Frame::enter`, for as long as the frame borrows it.
    Some(f(unsafe { &*top }))
}

/// Takes one operation from the poll's budget: true = go on, false = it is used up.
#[inline(always)]
pub fn spend() -> bool {
    with_top(Waits::spend).unwrap_or(true)
}

/// [`spend`] for a future's `poll`: Pending, with the task woken again, if the budget is used up.
#[inline(always)]
pub fn poll_spend(cx: &mut Context<'_>) -> Poll<()> {
    if spend() {
        return Poll::Ready(());
    }
    cx.waker().wake_by_ref();
    note(Reason::Yield, None);
    Poll::Pending
}

/// Records why and where the current poll is about to wait. The last one before the poll returns counts.
#[inline(always)]
pub fn note(reason: Reason, site: Option<Site>) {
    with_top(|waits| waits.set(reason, site));
}

/// [`note`] of a wait for `object`, for a dump that says who [holds](holders) it.
#[inline(always)]
pub fn note_on<T: ?Sized>(reason: Reason, site: Option<Site>, object: &T) {
    with_top(|waits| {
        waits.set(reason, site);
        if holders::is_on() {
            waits.set_object(holders::address(object));
        }
    });
}

/// The last reason that the current poll recorded, `External` if none.
#[inline(always)]
pub fn noted() -> Reason {
    with_top(Waits::reason).unwrap_or(Reason::External)
}

/// Is a poll of ours on, on this thread?
#[inline(always)]
pub fn polling() -> bool {
    !TOP.get().is_null()
}

/// The address of what the innermost poll on this thread notes into, if one of ours is on.
pub(crate) fn innermost() -> Option<usize> {
    with_top(holders::address)
}

/// Is the innermost poll on this thread one that notes into `waits`?
pub fn is_innermost(waits: &Waits) -> bool {
    ptr::eq(TOP.get(), waits)
}

/// Runs `f` as if no poll were on: the budget is unlimited and reasons go nowhere.
pub fn outside<R>(f: impl FnOnce() -> R) -> R {
    under(ptr::null(), f)
}
