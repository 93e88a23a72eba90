//! Send, Sync, Unpin of the types, for payloads that are Send and Sync, one of the two, or neither.
use dormouse_chan::oneshot::{ClosedFuture, Receiver, Sender};
use futures::future::FusedFuture;
use static_assertions::{assert_impl_all, assert_not_impl_any};
use std::cell::Cell;
use std::marker::PhantomPinned;
use std::panic::{RefUnwindSafe, UnwindSafe};
use std::rc::Rc;
use std::sync::MutexGuard;

/// Sync, not Send.
type Shares = MutexGuard<'static, u8>;

// A channel moves its value and never lends it: it asks for Send alone.
assert_impl_all!(Sender<Cell<u8>>: Send, Sync);
assert_impl_all!(Receiver<Cell<u8>>: Send, Sync);
assert_impl_all!(ClosedFuture<'static, Cell<u8>>: Send, Sync);
assert_not_impl_any!(Sender<Shares>: Send, Sync);
assert_not_impl_any!(Receiver<Shares>: Send, Sync);
assert_not_impl_any!(ClosedFuture<'static, Shares>: Send, Sync);
assert_not_impl_any!(Sender<Rc<u8>>: Send, Sync);
assert_not_impl_any!(Receiver<Rc<u8>>: Send, Sync);

// All move, whatever they carry: what waits is in the channel's own memory.
assert_impl_all!(Sender<PhantomPinned>: Unpin);
assert_impl_all!(Receiver<PhantomPinned>: Unpin, FusedFuture);
assert_impl_all!(ClosedFuture<'static, PhantomPinned>: Unpin, FusedFuture);

assert_not_impl_any!(Sender<u8>: Clone);
assert_not_impl_any!(Receiver<u8>: Clone);
assert_impl_all!(Sender<Cell<u8>>: UnwindSafe, RefUnwindSafe);
assert_impl_all!(Receiver<Cell<u8>>: UnwindSafe, RefUnwindSafe);

/// A handle is a pointer, and has a place for an Option's None.
#[test]
fn handles_are_pointers() {
    assert_eq!(size_of::<Receiver<[u8; 100]>>(), size_of::<usize>());
    assert_eq!(size_of::<Option<Sender<[u8; 100]>>>(), size_of::<usize>());
}
