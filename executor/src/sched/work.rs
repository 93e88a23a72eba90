//! What a thread of a runtime does: run tasks, sleep when there are none.
//!
//! [`worker`] is the body of the runtime's own threads; [`block_on`] lets the calling thread be one of the N until a
//! future is done, which it polls whenever that is woken. A thread that sleeps gives up its seat, so another one can
//! take it; a thread that finds none free polls its future without one, and sits down as soon as one is free.
//!
//! Rejected: a thread apart that polls the root futures (each hand-off between them and a task would cross threads).
//!
//! Checked by `models::idle` (the protocol of sleeping), `tests/runtime.rs`, `tests/guards.rs`.
use super::context::{self, Entered};
use super::deadlock;
use super::idle::NEVER;
use super::os;
use super::quiet::Blocked;
use super::seat::Seat;
use super::shared::Shared;
use super::threads::Began;
use crate::reactor::Woken;
use crate::task::dump::Noted;
use dormouse_wait::frame::{Frame, Waits};
use dormouse_wait::host;
use dormouse_wait::parker::Parker;
use dormouse_wait::prim;
use std::cell::{Cell, RefCell};
use std::future::Future;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::*, fence};
use std::task::{Context, Poll, Wake, Waker};
use std::time::Instant;

/// A thread in a runtime, sitting or not.
struct Thread<'rt> {
    shared: &'rt Shared,
    parker: prim::Arc<Parker>,
    /// The slot that it last sat in.
    hint: Cell<usize>,
    /// It was woken as a searcher and does not sit yet.
    searching: Cell<bool>,
    /// As the system knows it.
    system: os::Thread,
    /// It is the runtime's own, and leaves if it is one too many.
    own: bool,
    /// Whom the reactor told it to wake, once it sits.
    told: RefCell<Woken>,
}

impl<'rt> Thread<'rt> {
    fn new(shared: &'rt Shared, searching: bool, own: bool) -> Thread<'rt> {
        Thread {
            shared,
            parker: prim::Arc::new(Parker::with_elsewhere(Arc::clone(&shared.reactor) as _)),
            hint: Cell::new(0),
            searching: Cell::new(searching),
            system: os::Thread::current(),
            own,
            told: RefCell::default(),
        }
    }

    /// Sits down if a slot is free.
    fn sit(&self) -> Option<Seat<'rt>> {
        let seat = Seat::sit(self.shared, self.hint.get(), self.searching.get(), self.system);
        let Some(seat) = seat else {
            self.told.take().fire();
            return None;
        };
        self.searching.set(false);
        self.hint.set(seat.number());
        Some(seat)
    }

    /// Runs tasks in a seat until `turn` says stop, there are none, or the seat is gone. `turn` is called before each.
    fn run(&self, seat: &Seat<'_>, mut turn: impl FnMut(&Seat<'_>) -> bool) {
        seat.enter();
        if !self.told.borrow().is_empty() {
            seat.attend(|| self.told.take().fire());
        }
        while !turn(seat) {
            match seat.next() {
                Some(task) if seat.run(task) => {}
                _ => return,
            }
        }
    }

    /// Sleeps until woken, unless `stop` or work is there. Gives up `seat`. False if the thread is to leave: it is one
    /// too many, and was not woken for long.
    fn sleep(&self, seat: Option<Seat<'_>>, stop: impl Fn() -> bool) -> bool {
        let idle = &self.shared.idle;
        let searched = seat.as_ref().map_or(self.searching.get(), Seat::is_searching);
        let seated = seat.is_some_and(Seat::leave_to_sleep);
        let rings = idle.sleep(&self.parker, seated, searched);
        let work = self.shared.has_work(rings) && idle.has_free_seat();
        let slept_long = !(work || stop() || self.watch());
        if slept_long && idle.leave_for_good(&self.parker) {
            self.searching.set(false);
            return false;
        }
        let found = work || !self.told.borrow().is_empty();
        self.searching.set(idle.awake(&self.parker, found));
        true
    }

    /// Sleeps; watches for the first timer if nobody else does. False if it was not woken for long.
    fn watch(&self) -> bool {
        let due = self.shared.due();
        if due == NEVER && self.shared.quiet.is_watched() {
            return self.watch_for_deadlock();
        }
        if due == NEVER || !self.shared.idle.has_free_seat() || !self.shared.idle.watch(due) {
            return self.park();
        }
        if !self.rest_until(self.shared.instant(due)) {
            self.shared.monitor.expects(due);
        }
        self.shared.idle.unwatch(due);
        true
    }

    /// Sleeps until woken. False if that did not come for long, and there are more threads than N.
    fn park(&self) -> bool {
        if !self.own || !self.shared.idle.has_spare_threads() {
            return self.rest_until(None);
        }
        self.rest_until(Instant::now().checked_add(self.shared.config.spare_threads_stay))
    }

    /// Sleeps until woken, or until `deadline`; in the reactor, if nobody else does. True if it was woken, or is to wake.
    fn rest_until(&self, deadline: Option<Instant>) -> bool {
        let waited = self.shared.reactor.wait(&self.parker, deadline, &mut self.told.borrow_mut());
        waited.unwrap_or_else(|| self.parker.park_until(deadline))
    }
}

impl Thread<'_> {
    /// Sleeps until woken; if that does not come for a while, looks whether it ever can.
    #[cold]
    fn watch_for_deadlock(&self) -> bool {
        let shared = self.shared;
        shared.quiet.begins(shared.now());
        while shared.quiet.is_watched() {
            let until = shared.quiet.since().saturating_add(deadlock::AFTER.as_nanos() as u64);
            if shared.now() >= until {
                deadlock::look(shared);
                break;
            }
            if self.rest_until(shared.instant(until)) {
                return true;
            }
        }
        self.park()
    }
}

impl Thread<'_> {
    /// Was woken to search, and has no seat: somebody else is to (P6).
    fn end_search(&self) {
        if self.searching.replace(false) {
            self.shared.idle.searched_without_seat();
            self.shared.hand_over();
        }
    }
}

impl Drop for Thread<'_> {
    fn drop(&mut self) {
        self.told.take().fire();
        self.end_search();
    }
}

/// The body of a runtime's own thread: works until the runtime has ended.
pub(crate) fn worker(shared: Arc<Shared>, searching: bool) {
    let _began = Began::new(&shared);
    let _entered = Entered::new(Arc::clone(&shared));
    host::with_host(&*shared, || {
        let thread = Thread::new(&shared, searching, true);
        while !shared.is_ended() {
            let seat = thread.sit();
            if let Some(seat) = &seat {
                thread.run(seat, |_| false);
            }
            if !thread.sleep(seat, || shared.is_ended()) {
                return;
            }
        }
    });
}

/// The waker of a future that a thread polls beside its tasks.
struct Root {
    woken: AtomicBool,
    parker: prim::Arc<Parker>,
    /// The thread that polls: it is awake when it wakes itself.
    thread: usize,
    /// What the future waits for.
    waits: Waits,
}

impl Blocked for Root {
    fn waits(&self) -> Option<Noted> {
        (!self.is_woken()).then(|| Noted::of(&self.waits))
    }
}

impl Root {
    #[inline(always)]
    fn is_woken(&self) -> bool {
        self.woken.load(Relaxed)
    }

    fn take(&self) -> bool {
        // Ordering: Acquire pairs with the Release swap in `wake`: what was done before the wake-up is seen.
        self.is_woken() && self.woken.swap(false, AcqRel)
    }
}

impl Wake for Root {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        // Ordering: Release pairs with the Acquire swap in `take`.
        if !self.woken.swap(true, AcqRel) && self.thread != context::thread() {
            self.parker.unpark();
        }
    }
}

/// Counts a thread in `block_on`.
struct Guest<'rt> {
    shared: &'rt Shared,
    root: Arc<dyn Blocked>,
    /// Whose guest the thread was before.
    before: *const Shared,
}

impl<'rt> Guest<'rt> {
    fn new(shared: &'rt Shared, root: Arc<dyn Blocked>) -> Guest<'rt> {
        shared.guests.fetch_add(1, Relaxed);
        shared.quiet.enter(Arc::clone(&root));
        Guest { shared, root, before: context::set_guest_of(shared) }
    }
}

impl Drop for Guest<'_> {
    fn drop(&mut self) {
        context::set_guest_of(self.before);
        self.shared.quiet.leave(&self.root);
        self.shared.guests.fetch_sub(1, Relaxed);
        // Ordering: SeqCst pairs with the fence in `Idle::pushed`: who still counted this guest and so started no
        // thread for its push has published that before our look at the queues.
        fence(SeqCst);
        self.shared.hand_over();
    }
}

/// Panics with advice on a thread that polls a task or sits in a runtime.
#[track_caller]
pub(crate) fn assert_may_block() {
    assert!(
        !dormouse_wait::frame::polling() && !context::has_seat(),
        "dormouse: `block_on` was called inside an async task, where it would block a worker thread: \
         `.await` the future there, or call `block_on` within `task::spawn_blocking` \
         or `task::block_in_place`"
    );
}

/// Polls `future` on this thread, which works as one of the runtime's N until that is done.
///
/// # Panics
/// If this thread polls a task, or sits in a runtime: it would keep it from its work. Or if `future` does.
#[track_caller]
pub(crate) fn block_on<F: Future>(shared: &Arc<Shared>, future: F) -> F::Output {
    assert_may_block();
    let mut future = pin!(future);
    let _entered = Entered::new(Arc::clone(shared));
    host::with_host(&**shared, || {
        let thread = Thread::new(shared, false, false);
        let parker = prim::Arc::clone(&thread.parker);
        let root = Arc::new(Root {
            woken: AtomicBool::new(true),
            parker,
            thread: context::thread(),
            waits: Waits::new(),
        });
        let _guest = Guest::new(shared, Arc::clone(&root) as Arc<dyn Blocked>);
        let waker = Waker::from(Arc::clone(&root));
        let mut cx = Context::from_waker(&waker);
        let mut output = None;
        let mut poll = || {
            if root.take() {
                let frame = Frame::new(&root.waits);
                if let Poll::Ready(ready) = frame.enter(|| future.as_mut().poll(&mut cx)) {
                    output = Some(ready);
                }
            }
            output.is_some()
        };
        loop {
            let seat = thread.sit();
            let done = match &seat {
                Some(seat) => drive(&thread, seat, &root, &mut poll),
                None => {
                    thread.end_search();
                    poll()
                }
            };
            if done {
                drop(seat);
                return output.take().expect("the future is done");
            }
            thread.sleep(seat, || root.is_woken());
        }
    })
}

/// Runs tasks, and the root future whenever it is woken. True if that is done.
fn drive(thread: &Thread<'_>, seat: &Seat<'_>, root: &Root, poll: &mut impl FnMut() -> bool) -> bool {
    let mut done = false;
    loop {
        // How many tasks have their turn before the root, which yielded, has its next one.
        let mut behind = 0;
        thread.run(seat, |seat| {
            if behind > 0 {
                behind -= 1;
            } else if root.is_woken() {
                let sits = seat.run_root(|| done = poll());
                if !sits {
                    return true;
                }
                if root.is_woken() {
                    behind = seat.backlog();
                }
            }
            done
        });
        if done || seat.is_gone() || !root.is_woken() {
            return done;
        }
    }
}
