//! `select!`, and [`Select`], its [dynamic](dynamic) form: wait for several channel operations and other futures, commits exactly one.
//!
//! The macro parses the arms (`dormouse-macros`) and expands to: [operands](ops), which it looks at once; if none is
//! ready, pinned [`arms`], a claim, and [`Waiting`], the [`engine`] that is polled until one arm has won.
mod arms;
mod dynamic;
mod engine;
mod locks;
mod operands;
mod ops;
mod order;
mod traits;
mod waiting;

/// Between two looks at channels: in a model, another thread comes first here. (Loom overlooks some of these moments.)
#[inline(always)]
fn seam() {
    #[cfg(all(test, dormouse_loom))]
    dormouse_testing::model::step();
}

pub use dynamic::{Select, SelectFuture, Selected};
pub use ops::{recv_op, send_from_op, send_op};
pub use order::{Draw, Looked};
pub use traits::FuturePoll;
pub use waiting::{Case, Outcome, Waiting};

/// Waits until one of several arms is ready, commits it and runs its body. Go's `select`, and any future besides.
///
/// ```text
/// select! {
///     biased;                                        // optional: the first ready arm in order, instead of a random one
///     recv(rx) -> value => body,                     // rx: Receiver or Option, or a reference; value: Option<T>
///     send(tx, expr) -> sent => body,                // sent: Result<(), SendError<T>>
///     send_from(tx, place) -> sent => body,          // place: Option<T>, emptied only if this arm wins
///     pattern = future, if condition => body,        // any future
///     default => body,                               // nothing is ready: do not wait
///     else => body,                                  // no arm is enabled: runs even beside a `default`
/// }
/// ```
///
/// # What is promised
/// - **Exactly one** arm happens, whoever races: the other channel operations have not taken place.
/// - **Uniform choice**: among the arms that are ready, each is chosen with the same probability, in each call anew;
///   with `biased;` the first in order, and no channel arm before it was ready when it won.
/// - **`default`** runs only if at one instant no channel arm was ready, however many channels there are. Futures are
///   polled before that. With channel arms only, `select!` with a `default` does not wait and
///   works outside of async code. It spends nothing of the task's turn: a loop of it, without an await, lets no other task
///   run.
/// - **Operands** (channels, values, futures) are evaluated once, in order, after the conditions, also those of arms
///   that are disabled. Their temporaries are gone before the wait.
/// - **Bodies** run after the losers are gone: they may `break`, `continue`, `return`, `?`, `.await`, and use what the
///   operands borrowed.
/// - Nothing is allocated. Up to 64 arms ([`Select`](crate::Select) takes any number); the same channel may stand in several, in both directions.
///
/// # Arms
/// - `recv(rx)` is ready with `Some(value)`, or with `None` when the channel is closed and drained. A closed channel
///   is *always* ready: disable its arm (`Option<&Receiver>`, or `, if condition`), or the loop spins.
/// - `send(tx, expr)` is ready when the value was sent, or with `Err(SendError(value))` if the channel is closed; the
///   value of a send that loses is dropped, before the body runs.
/// - `send_from(tx, place)` is the same, but a value that loses is in `place` again. `place` is an `Option<T>`; while it
///   is `None`, the arm is disabled: Go's idiom of a nil channel. It is a place, not a reference to one: where there is
///   a `q: &mut Option<T>`, write `send_from(tx, *q)`.
/// - `pattern = future`: if the future's output does not match, the arm is disabled.
/// - Any arm takes `, if condition` before its `=>`: false disables it.
/// - If every arm is disabled, `else` runs, also beside a `default`. Without an `else`, `default` runs, and without
///   both, `select!` waits for ever.
///
/// # Cancel safety
/// Dropping the future that contains the `select!` while it waits loses no value and no wake-up: a value that was
/// handed to it goes to the next receiver or back to the front of its channel; a send either took place or did not.
/// The futures of future arms are dropped; use such as are safe to drop.
///
/// # Panics
/// If an operand, a future or a body panics, the panic goes on; the channels stay usable and nothing is lost.
///
/// # Fairness
/// A waiting `select!` stands in each channel's queue, as any waiter. While it polls its futures it is passed over,
/// keeps its places, and looks at its channels again before it waits on.
///
/// ```
/// use dormouse_chan::{bounded, select};
/// # tokio_test::block_on(async {
/// let (out, sink) = bounded(1);
/// let (source, input) = bounded(1);
/// source.send(7).await.unwrap();
/// let mut held = None; // what was received and not yet sent
/// for _ in 0..2 {
///     select! {
///         recv(input) -> v, if held.is_none() => held = v,
///         send_from(out, held) -> sent => sent.unwrap(),
///     }
/// }
/// assert_eq!(sink.recv().await, Some(7));
///
/// let idle = select! {
///     recv(input) -> _ => false,
///     default => true,
/// };
/// assert!(idle);
/// # });
/// ```
///
/// A place that is borrowed is written with a star:
/// ```
/// use dormouse_chan::{Receiver, Sender, bounded, select};
///
/// async fn send_unless(stop: &Receiver<()>, out: &Sender<String>, q: &mut Option<String>) {
///     select! {
///         send_from(out, *q) -> sent => sent.unwrap(),
///         recv(stop) -> _ => {} // what was not sent is in the caller's Option
///     }
/// }
/// # tokio_test::block_on(async {
/// let (_, stop) = bounded(0); // closed
/// let (out, _sink) = bounded(0); // nobody receives
/// let mut unsent = Some("dig".to_string());
/// send_unless(&stop, &out, &mut unsent).await;
/// assert_eq!(unsent.as_deref(), Some("dig"));
/// # });
/// ```
#[macro_export]
macro_rules! select {
    ($($arms:tt)*) => { $crate::__private::select_internal! { ($crate) $($arms)* } };
}
