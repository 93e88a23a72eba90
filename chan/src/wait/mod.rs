//! The waits of a channel: a receive and a send as they stand in a pinned future or an arm of a select, a wait for a
//! [place](reserve) in the buffer, and one for the [close](closed).
//!
//! [`RecvWait`] and [`SendWait`] are what `RecvFuture`, `SendFuture`, `SendFromFuture`, a receiver's stream and the
//! arms of `select!` are made of. Each is a node of the channel's list; its phase says what its payload is:
//!
//! | phase | `RecvWait` payload | `SendWait` payload |
//! |---|---|---|
//! | Idle, Queued | nothing | the value |
//! | Granted | the value | nothing (sent) |
//! | Closed | nothing | the value |
//! | Spent | nothing | nothing |
//!
//! Dropping one unlinks it under the channel's lock; a received value that nobody took goes back (X1), an unsent one
//! is dropped (X2), both after unlocking.
//!
//! Checked by `models::plain` (loom) and rule by rule (X: GO.md; W: `dormouse_wait::list`), in `tests/cancel.rs` where no
//! other file is named:
//!
//! | rule | tests |
//! |---|---|
//! | X1 a receive dropped with its value | `cancel::receive::x1_the_next_waiting_receiver_has_it_and_is_woken`, `cancel::receive::x1_the_value_of_a_dropped_receive_is_back_at_the_front`, `cancel::receive::x1_values_come_back_in_the_order_in_which_they_were_sent`, `cancel::receive::x1_on_a_channel_that_was_closed_meanwhile`, `cancel::receive::x1_the_last_receiver_drops_it`, `models::recv_dropped_*` |
//! | X2 a send dropped before and after the match | `cancel::send::x2_a_send_dropped_while_queued_was_not_sent_and_the_next_moves_up`, `cancel::send::x2_a_send_dropped_after_the_match_was_sent`, `models::send_dropped_*` |
//! | X3 a select dropped after an arm was won | `cancel::select::x3_a_select_dropped_after_an_arm_was_won`, `models::select_dropped_beside_a_sender` |
//! | X4, X5 | no channel's: of locks and conditions |
//! | X6 who gives up swallows no wake-up | `cancel::peers::async_channel_54_every_value_wakes_a_receiver_that_waits`, `cancel::peers::crossfire_22_a_stale_waker_takes_no_wake_up`, `models::two_recvs_dropped` |
//! | X7 spurious polls, other tasks, polls after the end | `cancel::polls::x7_spurious_polls_complete_nothing`, `cancel::polls::x7_polled_from_a_second_task`, `cancel::polls::x7_a_poll_after_the_end_panics`, `models::recv_polled_with_another_waker`, `models::send_polled_with_another_waker` |
//! | X8 never polled | `cancel::receive::x8_a_receive_that_was_never_polled_does_nothing`, `cancel::send::x8_a_send_that_was_never_polled_does_nothing` |
//! | X9 a dropped wait is unlinked | `cancel::receive::x9_a_receive_dropped_while_queued_leaves_the_queue`, `cancel::receive::x9_the_middle_of_three_queued_receives_is_dropped` |
//! | X10, W5 a forgotten wait only leaks | `cancel::forgotten::x10_a_forgotten_receive`, `cancel::forgotten::x10_a_forgotten_send`, `cancel::forgotten::x10_a_forgotten_wait_outlives_its_channel` |
//! | W1, W8 the lock is held, no `&mut` covers a queued node | types: `List` is reached through the lock's guard, a `Node` by shared references |
//! | W2 the phase hands the payload over | `models::send_recv_*`, `models::recv_dropped_*` |
//! | W6 a queued node has a waker | asserted in debug builds by the list, in each test that waits; `waiting::it_stands_in_the_queue_as_any_waiter` for a select |
//! | W7 woken after unlocking, one panic stops nobody | `reentrant::wakers_that_call_back`, `reentrant::close_wakes_all_though_some_wakers_panic`, `closing::close_is_one_step_however_many_wait` |
//! | W3, W4, W9 | see `select::engine` |
//! | a reservation dropped in each state, beside a close | `tests/family/permits.rs`, `models::permits::reservation_dropped_beside_a_recv` |
//! | a wait for the close | `tests/family/closed.rs`, `models::permits::closed_beside_the_last_drop` |
//! | the poll's budget, the reason of a wait | `budget::operations_that_are_always_ready_give_way`, `budget::a_stream_that_never_waited_gives_way_too`, `budget::what_was_granted_is_ready_without_a_budget`, `budget::a_wait_says_why_and_where` |
//!
//! Wakers are dropped by [`let_go`]: a waker whose `Drop` panics must not cost the value that its task has just been
//! given, or abort a drop (`tests/reentrant.rs`).
mod closed;
mod recv;
mod reserve;
mod send;

pub(crate) use closed::ClosedWait;
pub(crate) use recv::RecvWait;
pub(crate) use reserve::ReserveWait;
pub(crate) use send::SendWait;

use dormouse_wait::list::{List, Node, Phase};
use dormouse_wait::lock::Lock;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::task::{Context, Waker};

const POLLED_AGAIN: &str = "a finished channel future was polled again";

/// What a poll under the lock came to.
enum Polled<R> {
    Ready(R),
    Waits,
    /// For ever, on a channel that is Go's nil.
    WaitsOnNil,
    /// It would wait, against what the hint said, and was given no waker for that.
    NeedsWaker,
}

/// Lets a node that was queued in `list` wake the task of `cx` from now on. False if it has left the list.
///
/// # Safety
/// The node was queued in this list, under this lock.
#[inline]
pub(crate) unsafe fn rewake<C, B, P>(
    lock: &Lock<C, B>,
    list: impl Fn(&mut C) -> &mut List<P>,
    node: Pin<&Node<P>>,
    cx: &mut Context<'_>,
) -> bool {
    let mut core = lock.lock();
    // SAFETY: as the caller promises.
    let same = unsafe { list(&mut core).will_wake(node, cx.waker()) };
    let queued = node.phase() == Phase::Queued;
    drop(core);
    if !queued || same {
        return queued;
    }
    // A waker's clone is user code: not under the lock.
    let waker = cx.waker().clone();
    let mut core = lock.lock();
    // SAFETY: as the caller promises.
    let unused = unsafe { list(&mut core).rewake(node, waker) };
    let queued = node.phase() == Phase::Queued;
    drop(core);
    let_go(Some(unused));
    queued
}

/// Drops a waker that is not needed; a panic of it ends here, reported by the panic hook. With no lock held.
#[inline(always)]
pub(crate) fn let_go(waker: Option<Waker>) {
    if let Some(waker) = waker {
        drop_caught(waker);
    }
}

fn drop_caught(waker: Waker) {
    if let Err(payload) = catch_unwind(AssertUnwindSafe(|| drop(waker))) {
        // Dropping the payload could panic again.
        std::mem::forget(payload);
    }
}
