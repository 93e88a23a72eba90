//! Send, Sync, Unpin of every type, for payloads that are Send and Sync, one of the two, or neither.
use dormouse_chan::broadcast::{
    ClosedFuture, Lagged, Overflow, Receiver, RecvError, RecvFuture, SendError, SendFuture, Sender,
    TryRecvError, WeakSender,
};
use static_assertions::{assert_impl_all, assert_not_impl_any};
use std::cell::Cell;
use std::marker::PhantomPinned;
use std::panic::{RefUnwindSafe, UnwindSafe};
use std::rc::Rc;
use std::sync::MutexGuard;

/// Send and Sync.
type Both = String;
/// Send, not Sync.
type Sends = Cell<u8>;
/// Sync, not Send.
type Shares = MutexGuard<'static, u8>;
type Neither = Rc<u8>;

macro_rules! table {
    ($($Type:ident $(<$life:lifetime>)?;)*) => { $(
        assert_impl_all!($Type<$($life,)? Both>: Send, Sync);
        // RUSTSEC-2025-0023: several receivers clone one value at the same time.
        assert_not_impl_any!($Type<$($life,)? Sends>: Send, Sync);
        assert_not_impl_any!($Type<$($life,)? Shares>: Send, Sync);
        assert_not_impl_any!($Type<$($life,)? Neither>: Send, Sync);
    )* };
}

table! {
    Sender;
    WeakSender;
    Receiver;
    SendFuture<'static>;
    RecvFuture<'static>;
    ClosedFuture<'static>;
}
assert_impl_all!(SendError<Both>: Send, Sync, Clone);
assert_impl_all!(SendError<Sends>: Send);
assert_not_impl_any!(SendError<Sends>: Sync);
assert_not_impl_any!(SendError<Neither>: Send, Sync);
assert_impl_all!(TryRecvError: Send, Sync, Copy, Unpin, UnwindSafe, RefUnwindSafe);
assert_impl_all!(RecvError: Send, Sync, Copy, Unpin);
assert_impl_all!(Lagged: Send, Sync, Copy, Unpin);
assert_impl_all!(Overflow: Send, Sync, Copy, Unpin);

// Handles move, and a receive, which waits in its receiver; what waits in a queue itself does not.
assert_impl_all!(Sender<PhantomPinned>: Unpin, Clone);
assert_impl_all!(WeakSender<PhantomPinned>: Unpin, Clone);
assert_impl_all!(Receiver<PhantomPinned>: Unpin, Clone);
assert_impl_all!(RecvFuture<'static, PhantomPinned>: Unpin);
assert_not_impl_any!(SendFuture<'static, u8>: Unpin);
assert_not_impl_any!(ClosedFuture<'static, u8>: Unpin);
