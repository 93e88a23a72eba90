//! Where this thread is: the runtime that it is in, and its seat there.
//!
//! Two plain thread-local pointers, without destructors, so that wakers fired by other thread-local destructors still
//! find them (async-executor#136). Each is set by a guard that keeps what it points to alive, and reset by its Drop.
use super::seat::Seat;
use super::shared::Shared;
use std::cell::Cell;
use std::marker::PhantomData;
use std::ptr::{self, NonNull};
use std::sync::Arc;

#[derive(Clone, Copy)]
struct Current {
    shared: *const Shared,
    seat: *const Seat<'static>,
    depth: u32,
}

const NOWHERE: Current = Current { shared: ptr::null(), seat: ptr::null(), depth: 0 };

thread_local!(static CURRENT: Cell<Current> = const { Cell::new(NOWHERE) });

/// Keeps this thread inside a runtime.
#[derive(Debug)]
pub(crate) struct Entered {
    shared: Option<Arc<Shared>>,
    before: Before,
    _here: PhantomData<*mut ()>,
}

struct Before(Current);

impl std::fmt::Debug for Before {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Before").field("depth", &self.0.depth).finish()
    }
}

impl Entered {
    pub(crate) fn new(shared: Arc<Shared>) -> Entered {
        let before = CURRENT.get();
        // The seat of the same runtime stays in use; that of another one is covered.
        let seat = if ptr::eq(before.shared, &*shared) { before.seat } else { ptr::null() };
        CURRENT.set(Current { shared: &*shared, seat, depth: before.depth + 1 });
        Entered { shared: Some(shared), before: Before(before), _here: PhantomData }
    }
}

impl Drop for Entered {
    fn drop(&mut self) {
        if CURRENT.get().depth == self.before.0.depth + 1 {
            CURRENT.set(self.before.0);
            return;
        }
        // A guard that was entered later is still there and will put our pointer back: so it must stay valid.
        std::mem::forget(self.shared.take());
        if !std::thread::panicking() {
            panic!("dormouse: guards of `Handle::enter` must be dropped in the reverse order of entering");
        }
    }
}

/// Sets this thread's seat, which stays where it is until [`no_seat`].
pub(super) fn set_seat(seat: &Seat<'_>) {
    CURRENT.set(Current { seat: ptr::from_ref(seat).cast(), ..CURRENT.get() });
}

/// This thread sits no more.
pub(super) fn no_seat() {
    CURRENT.set(Current { seat: ptr::null(), ..CURRENT.get() });
}

/// A number that no other living thread has.
pub(super) fn thread() -> usize {
    CURRENT.with(|current| ptr::from_ref(current).addr())
}

/// Calls `f` with this thread's seat in the runtime that `rt` points to, if it has one.
#[inline(always)]
pub(crate) fn with_seat<R>(rt: NonNull<()>, f: impl FnOnce(Option<&Seat<'_>>) -> R) -> R {
    let current = CURRENT.get();
    if current.seat.is_null() || !ptr::eq(current.shared.cast(), rt.as_ptr()) {
        return f(None);
    }
    // SAFETY: a seat is taken out of here before it goes (its Drop).
    f(Some(unsafe { &*current.seat }))
}

/// Does this thread sit anywhere?
pub(crate) fn has_seat() -> bool {
    !CURRENT.get().seat.is_null()
}

/// The number of this thread's slot in `shared`, if it has one.
pub(crate) fn seat_number(shared: &Shared) -> Option<usize> {
    with_seat(shared.pointer(), |seat| seat.map(|seat| seat.number()))
}

/// Does this thread sit in `shared`?
pub(crate) fn is_worker_of(shared: &Shared) -> bool {
    seat_number(shared).is_some()
}

/// Is this thread inside the runtime that `rt` points to?
pub(crate) fn is_inside(rt: NonNull<()>) -> bool {
    ptr::eq(CURRENT.get().shared.cast(), rt.as_ptr())
}

/// Calls `f` with the runtime that this thread is in, and its seat there if it has one.
#[inline(always)]
pub(crate) fn with_current<R>(f: impl FnOnce(&Shared, Option<&Seat<'_>>) -> R) -> Option<R> {
    let current = CURRENT.get();
    if current.shared.is_null() {
        return None;
    }
    // SAFETY: `Entered` holds the runtime while the pointer stands here.
    let shared = unsafe { &*current.shared };
    let seat = NonNull::new(current.seat.cast_mut());
    Some(f(
        shared,
        seat.as_ref().map(|seat| {
            // SAFETY: a seat is taken out of here before it goes (its Drop).
            unsafe { seat.as_ref() }
        }),
    ))
}
