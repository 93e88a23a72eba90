//! Where this thread is: the runtime that it is in, and the seat that it has.
//!
//! Plain thread-local pointers, without destructors, so that wakers fired by other thread-local destructors still find
//! them (async-executor#136). The two are set and reset apart: the runtime by [`Entered`], in any order that users make
//! of their guards, even across an await; the seat by the thread's own loop alone, so that it is never restored to one
//! that is gone. A thread has one seat at most, and while another runtime is entered, that seat is covered. One that was
//! left within a poll (`block_in_place`) is remembered: the thread may sit elsewhere meanwhile, and comes back to it.
//!
//! Checked by `tests/guards.rs`, `tests/runtime.rs`.
use super::seat::Seat;
use super::shared::Shared;
use std::cell::Cell;
use std::marker::PhantomData;
use std::ptr::{self, NonNull};
use std::sync::Arc;

struct Here {
    /// The runtime that was entered last.
    shared: Cell<*const Shared>,
    /// How many guards deep that is.
    depth: Cell<u32>,
    /// The seat, and the runtime that it is in; both null without one. A seat without a runtime was left within a poll.
    seat: Cell<*const Seat<'static>>,
    seated: Cell<*const Shared>,
    /// The runtime whose `block_on` this thread is in, sitting or not.
    guest_of: Cell<*const Shared>,
}

thread_local!(static HERE: Here = const {
    Here {
        shared: Cell::new(ptr::null()),
        depth: Cell::new(0),
        seat: Cell::new(ptr::null()),
        seated: Cell::new(ptr::null()),
        guest_of: Cell::new(ptr::null()),
    }
});

/// Keeps this thread inside a runtime.
#[derive(Debug)]
pub(crate) struct Entered {
    shared: Option<Arc<Shared>>,
    before: *const Shared,
    depth: u32,
    _here: PhantomData<*mut ()>,
}

impl Entered {
    pub(crate) fn new(shared: Arc<Shared>) -> Entered {
        HERE.with(|here| {
            let before = here.shared.replace(&*shared);
            let depth = here.depth.get() + 1;
            here.depth.set(depth);
            Entered { shared: Some(shared), before, depth, _here: PhantomData }
        })
    }
}

impl Drop for Entered {
    fn drop(&mut self) {
        let last = HERE.with(|here| {
            let last = here.depth.get() == self.depth;
            if last {
                here.shared.set(self.before);
                here.depth.set(self.depth - 1);
            }
            last
        });
        if last {
            return;
        }
        // A guard that was entered later is still there and will put our pointer back: so it must stay valid.
        std::mem::forget(self.shared.take());
        if !std::thread::panicking() {
            panic!("dormouse: guards of `Handle::enter` must be dropped in the reverse order of entering");
        }
    }
}

/// Sets this thread's seat, which stays where it is until [`reset_seat`]: the one before, which was left within a poll.
pub(super) fn set_seat(seat: &Seat<'_>) -> *const Seat<'static> {
    HERE.with(|here| {
        here.seated.set(seat.shared);
        here.seat.replace(ptr::from_ref(seat).cast())
    })
}

/// This thread sits no more, but may come back to its seat within the poll.
pub(super) fn leave_seat() {
    HERE.with(|here| here.seated.set(ptr::null()));
}

/// This thread's seat goes; the one `before` it is back, where nobody sits.
pub(super) fn reset_seat(before: *const Seat<'static>) {
    HERE.with(|here| {
        here.seat.set(before);
        here.seated.set(ptr::null());
    });
}

/// Notes whose `block_on` this thread is in: null for none. What was noted before.
pub(super) fn set_guest_of(shared: *const Shared) -> *const Shared {
    HERE.with(|here| here.guest_of.replace(shared))
}

/// A number that no other living thread has.
pub(crate) fn thread() -> usize {
    HERE.with(|here| ptr::from_ref(here).addr())
}

/// Calls `f` with this thread's seat in the runtime that `rt` points to, if it has one.
#[inline(always)]
pub(crate) fn with_seat<R>(rt: NonNull<()>, f: impl FnOnce(Option<&Seat<'_>>) -> R) -> R {
    let (seat, seated) = HERE.with(|here| (here.seat.get(), here.seated.get()));
    if !ptr::eq(seated.cast(), rt.as_ptr()) {
        return f(None);
    }
    // SAFETY: a seat is taken out of here before it goes (its Drop).
    f(Some(unsafe { &*seat }))
}

/// Calls `f` with this thread's seat, if it has one anywhere, also if that is covered, or left within a poll.
pub(crate) fn with_any_seat<R>(f: impl FnOnce(&Seat<'_>) -> R) -> Option<R> {
    let seat = NonNull::new(HERE.with(|here| here.seat.get()).cast_mut())?;
    // SAFETY: a seat is taken out of here before it goes (its Drop).
    Some(f(unsafe { seat.as_ref() }))
}

/// Does this thread sit anywhere?
pub(crate) fn has_seat() -> bool {
    HERE.with(|here| !here.seated.get().is_null())
}

/// The part of `shared` that this thread's slot uses, if it has one.
#[inline(always)]
pub(crate) fn seat_part(shared: &Shared) -> Option<usize> {
    with_seat(shared.pointer(), |seat| seat.map(|seat| seat.part()))
}

/// Does this thread work for `shared`: sit there, or in its `block_on`, or has it left its seat there within a poll?
pub(crate) fn is_worker_of(shared: &Shared) -> bool {
    with_any_seat(|seat| ptr::eq(seat.shared, shared)) == Some(true)
        || HERE.with(|here| ptr::eq(here.guest_of.get(), shared))
}

/// Is this thread inside the runtime that `rt` points to, so that it is there?
pub(crate) fn is_inside(rt: NonNull<()>) -> bool {
    HERE.with(|here| {
        ptr::eq(here.shared.get().cast(), rt.as_ptr()) || ptr::eq(here.seated.get().cast(), rt.as_ptr())
    })
}

/// Calls `f` with the runtime that this thread is in, and its seat there if it has one.
#[inline(always)]
pub(crate) fn with_current<R>(f: impl FnOnce(&Shared, Option<&Seat<'_>>) -> R) -> Option<R> {
    let (shared, seat, seated) = HERE.with(|here| (here.shared.get(), here.seat.get(), here.seated.get()));
    if shared.is_null() {
        return None;
    }
    let seat = if ptr::eq(seated, shared) { seat } else { ptr::null() };
    // SAFETY: `Entered` holds the runtime while the pointer stands here.
    let shared = unsafe { &*shared };
    let seat = NonNull::new(seat.cast_mut());
    Some(f(
        shared,
        seat.as_ref().map(|seat| {
            // SAFETY: a seat is taken out of here before it goes (its Drop).
            unsafe { seat.as_ref() }
        }),
    ))
}
