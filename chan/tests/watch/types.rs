//! Send, Sync, Unpin of the types, for payloads that are Send and Sync, one of the two, or neither.
use dormouse_chan::watch::{
    ChangedFuture, Changes, ClosedFuture, Receiver, RecvError, Ref, Sender, WaitForFuture,
};
use static_assertions::{assert_impl_all, assert_not_impl_any};
use std::cell::Cell;
use std::error::Error;
use std::marker::PhantomPinned;
use std::panic::{RefUnwindSafe, UnwindSafe};
use std::rc::Rc;
use std::sync::MutexGuard;

/// Send, not Sync: what tokio's RUSTSEC-2025-0023 was about.
type Sends = Cell<u8>;
/// Sync, not Send.
type Shares = MutexGuard<'static, u8>;
type Pred = fn(&Sends) -> bool;

// The value is looked at from several threads, and moves between them.
assert_impl_all!(Sender<String>: Send, Sync);
assert_impl_all!(Receiver<String>: Send, Sync);
assert_impl_all!(ChangedFuture<'static, String>: Send, Sync);
assert_impl_all!(ClosedFuture<'static, String>: Send, Sync);
assert_impl_all!(Changes<'static, String>: Send, Sync);
assert_impl_all!(WaitForFuture<'static, String, fn(&String) -> bool>: Send, Sync);
assert_not_impl_any!(Sender<Sends>: Send, Sync);
assert_not_impl_any!(Receiver<Sends>: Send, Sync);
assert_not_impl_any!(ChangedFuture<'static, Sends>: Send, Sync);
assert_not_impl_any!(ClosedFuture<'static, Sends>: Send, Sync);
assert_not_impl_any!(Changes<'static, Sends>: Send, Sync);
assert_not_impl_any!(WaitForFuture<'static, Sends, Pred>: Send, Sync);
assert_not_impl_any!(Sender<Shares>: Send, Sync);
assert_not_impl_any!(Receiver<Shares>: Send, Sync);
assert_not_impl_any!(Sender<Rc<u8>>: Send, Sync);

// A look stays on its thread; shared, it shows the value to others.
assert_not_impl_any!(Ref<'static, String>: Send);
assert_impl_all!(Ref<'static, String>: Sync);
assert_not_impl_any!(Ref<'static, Sends>: Sync);
assert_not_impl_any!(Ref<'static, Shares>: Sync);

// Handles move, whatever they carry; futures that wait in a queue do not.
assert_impl_all!(Sender<PhantomPinned>: Unpin, Clone);
assert_impl_all!(Receiver<PhantomPinned>: Unpin, Clone);
assert_not_impl_any!(ChangedFuture<'static, u8>: Unpin);
assert_not_impl_any!(ClosedFuture<'static, u8>: Unpin);
assert_not_impl_any!(Changes<'static, u8>: Unpin);
assert_not_impl_any!(WaitForFuture<'static, u8, fn(&u8) -> bool>: Unpin);

assert_impl_all!(Sender<Sends>: UnwindSafe, RefUnwindSafe);
assert_impl_all!(Receiver<Sends>: UnwindSafe, RefUnwindSafe);
assert_impl_all!(RecvError: Error, Copy, Send, Sync, Eq);

/// A wait for a change, and one for a value, can be spawned on any thread.
#[test]
fn waits_are_send() {
    fn is_send<F: Future + Send>(_: F) {}
    let (tx, mut rx) = dormouse_chan::watch(String::new());
    is_send(async move {
        let _ = rx.changed().await;
        let found = rx.wait_for(|text| text.is_empty()).await.is_ok();
        tx.closed().await;
        found
    });
}
