//! Send, Sync, Unpin of every public type, for payloads that are Send and Sync, one of the two, or neither.
use dormouse_chan::{
    ClosedFuture, Drain, Foreign, Iter, Permit, Receiver, RecvFuture, RecvManyFuture, RecvStream,
    ReserveFuture, SendError, SendFromFuture, SendFuture, SendManyFuture, SendSink, SendTimeoutError,
    SendTimeoutFuture, Sender, TryRecvError, TrySendError, WeakReceiver, WeakSender,
};
use static_assertions::{assert_impl_all, assert_not_impl_any};
use std::cell::Cell;
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
    ($($Type:ident $(<$life:lifetime>)?: $both:tt $sends:tt $shares:tt $neither:tt;)*) => { $(
        table!(@ $both, $Type<$($life,)? Both>);
        table!(@ $sends, $Type<$($life,)? Sends>);
        table!(@ $shares, $Type<$($life,)? Shares>);
        table!(@ $neither, $Type<$($life,)? Neither>);
    )* };
    (@ (Send + Sync), $Type:ty) => { assert_impl_all!($Type: Send, Sync); };
    (@ (Send), $Type:ty) => { assert_impl_all!($Type: Send); assert_not_impl_any!($Type: Sync); };
    (@ (Sync), $Type:ty) => { assert_impl_all!($Type: Sync); assert_not_impl_any!($Type: Send); };
    (@ (), $Type:ty) => { assert_not_impl_any!($Type: Send, Sync); };
}

// A channel moves values and never lends them: it asks for Send alone.
table! {
    //                       both           Send only      Sync only  neither
    Sender:                  (Send + Sync)  (Send + Sync)  ()         ();
    Receiver:                (Send + Sync)  (Send + Sync)  ()         ();
    SendFuture<'static>:     (Send + Sync)  (Send + Sync)  ()         ();
    RecvFuture<'static>:     (Send + Sync)  (Send + Sync)  ()         ();
    Iter<'static>:           (Send + Sync)  (Send + Sync)  ()         ();
    Drain<'static>:          (Send + Sync)  (Send + Sync)  ()         ();
    WeakSender:              (Send + Sync)  (Send + Sync)  ()         ();
    WeakReceiver:            (Send + Sync)  (Send + Sync)  ()         ();
    Permit<'static>:         (Send + Sync)  (Send + Sync)  ()         ();
    ReserveFuture<'static>:  (Send + Sync)  (Send + Sync)  ()         ();
    ClosedFuture<'static>:   (Send + Sync)  (Send + Sync)  ()         ();
    RecvStream<'static>:     (Send + Sync)  (Send + Sync)  ()         ();
    SendTimeoutFuture<'static>: (Send + Sync) (Send + Sync) ()        ();
    // It borrows the place, which anybody who shares it can see.
    SendFromFuture<'static>: (Send + Sync)  (Send)         ()         ();
    RecvManyFuture<'static>: (Send + Sync)  (Send)         ()         ();
    // It holds a value.
    SendSink:                (Send + Sync)  (Send)         ()         ();
    // These are the value.
    SendError:               (Send + Sync)  (Send)         (Sync)     ();
    TrySendError:            (Send + Sync)  (Send)         (Sync)     ();
    SendTimeoutError:        (Send + Sync)  (Send)         (Sync)     ();
}
assert_impl_all!(TryRecvError: Send, Sync, Unpin, Copy);

// Handles move, whatever they carry; futures that wait in a queue do not.
assert_impl_all!(Sender<std::marker::PhantomPinned>: Unpin);
assert_impl_all!(Receiver<std::marker::PhantomPinned>: Unpin);
assert_impl_all!(Iter<'static, std::marker::PhantomPinned>: Unpin);
assert_not_impl_any!(SendFuture<'static, u8>: Unpin);
assert_not_impl_any!(RecvFuture<'static, u8>: Unpin);
assert_impl_all!(SendSink<std::marker::PhantomPinned>: Unpin);
assert_impl_all!(Drain<'static, std::marker::PhantomPinned>: Unpin);
assert_impl_all!(Permit<'static, std::marker::PhantomPinned>: Unpin);
assert_impl_all!(Foreign<Sender<Sends>>: Send, Sync, Clone);
assert_impl_all!(SendManyFuture<'static, Both, std::vec::IntoIter<Both>>: Send, Sync);
assert_impl_all!(SendManyFuture<'static, Sends, std::vec::IntoIter<Sends>>: Send);
assert_not_impl_any!(SendManyFuture<'static, Neither, std::vec::IntoIter<Neither>>: Send, Sync);
assert_not_impl_any!(SendFromFuture<'static, u8>: Unpin);
assert_not_impl_any!(ReserveFuture<'static, u8>: Unpin);
assert_not_impl_any!(ClosedFuture<'static, u8>: Unpin);
assert_not_impl_any!(RecvManyFuture<'static, u8>: Unpin);
assert_not_impl_any!(RecvStream<'static, u8>: Unpin);
assert_not_impl_any!(SendTimeoutFuture<'static, u8>: Unpin);

assert_impl_all!(Sender<Cell<u8>>: Clone);
assert_impl_all!(Receiver<Cell<u8>>: Clone);
assert_not_impl_any!(Sender<u8>: Copy);
assert_impl_all!(TryRecvError: UnwindSafe, RefUnwindSafe);

/// The future of a `select!` is Send if its values are, though they are not Sync.
#[test]
fn a_select_is_send_with_values_that_are_not_sync() {
    fn is_send<T: Send>(future: T) -> T {
        future
    }
    async fn selects(tx: &Sender<Sends>, rx: &Receiver<Sends>, place: &mut Option<Sends>) {
        dormouse_chan::select! {
            send(tx, Cell::new(1)) -> sent => drop(sent),
            recv(rx) -> value => _ = value,
            send_from(tx, *place) -> sent => drop(sent),
        }
    }
    let (tx, rx) = dormouse_chan::bounded(1);
    let mut place = Some(Cell::new(2));
    futures::executor::block_on(is_send(selects(&tx, &rx, &mut place)));
}
