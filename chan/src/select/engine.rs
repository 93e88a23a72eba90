//! The engine of `select!`: looks at the arms, queues them, and learns which one has won.
//!
//! | state | event | state after | who wakes |
//! |---|---|---|---|
//! | fresh | poll: an arm is ready, tried one by one in random order | done | its counterpart |
//! | fresh | poll: none; all channels locked, and one is ready after all | done | its counterpart |
//! | fresh | poll: none; all channels locked | queued in all, claim OPEN | - |
//! | queued | a counterpart wins arm `i` | claim WON(i) | this select's task |
//! | queued | poll: WON(i) | done with `i` | - |
//! | queued | poll: claim to HELD, a future is ready | done with it; the nodes are unlinked as the arms are discarded | - |
//! | queued | poll: no future; all channels locked, and one is ready after all | done | its counterpart |
//! | queued | poll: none; all channels locked | claim OPEN again | - |
//! | queued | drop: claim to HELD, or WON(i) is seen | the arms' drops unlink them, and put back what `i` was given (W9, X3) | as X1 |
//!
//! The second look under all locks (before queuing, and before reopening) is what makes the decision atomic: an arm
//! that became ready after it was tried cannot be missed. See `dormouse_wait::claim` for why HELD is needed.
//!
//! Locks: all channels of the enabled arms at once, in address order, each once (I10). Under them no user code runs:
//! the waker is cloned before, futures are polled before, wake-ups are fired after.
//!
//! Rejected: one pass over single locks and then queuing one by one (crossbeam's way; `default` is then no snapshot,
//! and an arm may be won while others are still being queued); locking all channels at the first look (twice the
//! cost when an arm is ready, which is the common case).
//!
//! Checked by `models::select` (loom), `tests/against_model.rs`, `tests/select.rs` promise by promise, and:
//!
//! | rule | tests |
//! |---|---|
//! | F20 one arm, operands once | `one_arm::what_loses_did_not_take_place`, `one_arm::one_channel_in_several_arms`, `operands::all_ten_operands_are_evaluated_once` |
//! | F21 what is ready | `closing::every_later_send_fails_with_its_value`, `one_arm::a_close_wins_one_arm` |
//! | F22 `default` is a snapshot | `models::select_default_is_a_snapshot`, `choice::default_with_futures_is_a_snapshot` |
//! | F23 uniform choice | `choice::three_of_every_kind`, `choice::five_of_nine`, `choice::at_the_second_look_as_at_the_first` |
//! | F24 no arm | `disabled::without_an_enabled_arm_it_waits_for_ever`, `disabled::else_goes_before_default_if_no_arm_is_enabled` |
//! | I6 one arm at most | `one_arm::a_waiting_select_is_won_once`, `models::select_between_two_senders`, `stress::selects_that_meet_each_other` |
//! | I10 locks in one order, each once | `one_arm::one_channel_in_several_arms`, `models::select_against_select` |
//! | HELD, and the second look | `models::select_send_beside_a_ready_future`, `models::select_recv_beside_a_ready_future`, `models::select_looks_again_before_it_waits_on`, `models::select_send_looks_again` |
//! | W3 a win is seen in full | `models::select_polled_with_the_same_waker` |
//! | W4 the claim outlives its nodes | `models::select_dropped_beside_a_sender`; `models::claim_freed_after_unlink` of `dormouse-wait` |
//! | W9, X3 a dropped select | `models::select_dropped_beside_a_receiver`, `models::select_dropped_beside_a_sender`, `cancel::select::x3_a_select_dropped_after_an_arm_was_won` |
use super::order::{ByAddress, Choice};
use crate::wait::let_go;
use dormouse_wait::claim::Claim;
use dormouse_wait::frame::{self, Reason, Site};
use dormouse_wait::wakes::Wakes;
use std::panic::Location;
use std::pin::Pin;
use std::task::{Context, Poll, RawWakerVTable, Waker, ready};

/// A channel operation that stands in a select.
///
/// # Safety
/// `attempt*` and `enqueue` follow the rules of `crate::wait`, of which the arms are made; an arm unlinks itself when
/// dropped.
pub unsafe trait Arm {
    /// May this arm be chosen at all?
    fn enabled(&self) -> bool;
    /// The channel's address, for the order of locks.
    fn address(&self) -> usize;
    /// Tries the operation at once; true if it has taken place. Not queued.
    fn attempt(self: Pin<&Self>) -> bool;
    /// Takes the channel's lock.
    fn lock(&self);
    /// Releases it.
    ///
    /// # Safety
    /// The caller holds it by `lock`.
    unsafe fn unlock(&self);
    /// Tries the operation under the lock, queued or not.
    ///
    /// # Safety
    /// The caller holds the lock, and the select's claim is not open. `wakes` has room for one.
    unsafe fn attempt_locked(self: Pin<&Self>, wakes: &mut Wakes) -> bool;
    /// Queues the operation.
    ///
    /// # Safety
    /// The caller holds the lock, the arm is enabled and not queued; the claim has a waker, is not open, and outlives the arm.
    unsafe fn enqueue(self: Pin<&Self>, claim: Pin<&Claim>, arm: u32);
}

/// One arm, as the expansion of `select!` lends it to a poll.
pub enum Case<'p> {
    /// A channel operation.
    Chan(Pin<&'p dyn Arm>),
    /// Any other future, with its pattern.
    Future(&'p mut dyn FnMut(&mut Context<'_>) -> FuturePoll),
}

impl std::fmt::Debug for Case<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Case::Chan(_) => "Chan(..)",
            Case::Future(_) => "Future(..)",
        })
    }
}

/// What polling a future arm came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FuturePoll {
    /// Not ready.
    Pending,
    /// Ready, and the pattern matches; the expansion keeps the output.
    Won,
    /// Not to be chosen: its condition is false, or its output did not match.
    Disabled,
}

/// Which branch to run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// The arm with this number.
    Arm(u32),
    /// Nothing was ready.
    Default,
    /// No arm is enabled, `default` or not.
    Else,
}

/// The state of one select. Declared after the arms, so that it is dropped first (W9).
#[derive(Debug)]
pub struct Select<'c> {
    claim: Pin<&'c Claim>,
    biased: bool,
    has_else: bool,
    queued: bool,
    /// A future among the arms waits for nothing of ours.
    foreign: bool,
    /// Which waker the claim has, to see a change without touching the claim.
    waker: Option<(*const (), *const RawWakerVTable)>,
    site: Site,
}

// SAFETY: the pointers of `waker` are only compared.
unsafe impl Send for Select<'_> {}
// SAFETY: as above; all methods that change anything take `&mut self`.
unsafe impl Sync for Select<'_> {}

/// What a look at all arms found.
enum Look {
    Ready(usize),
    /// None ready; this many may become so: channel arms, and futures.
    Waiting {
        channels: usize,
        futures: usize,
    },
}

impl<'c> Select<'c> {
    /// A fresh select on `claim`, which is fresh too.
    #[track_caller]
    #[inline(always)]
    pub fn new(claim: Pin<&'c Claim>, biased: bool, has_else: bool) -> Self {
        Select {
            claim,
            biased,
            has_else,
            queued: false,
            foreign: false,
            waker: None,
            site: Location::caller(),
        }
    }

    /// Polls a select without `default`.
    #[inline]
    pub fn poll(&mut self, cx: &mut Context<'_>, cases: &mut [Case<'_>]) -> Poll<Outcome> {
        if self.queued { self.poll_queued(cx, cases) } else { self.poll_fresh(cx, cases) }
    }

    /// Polls a select with `default` and futures among its arms: always ready.
    pub fn poll_default(&mut self, cx: &mut Context<'_>, cases: &mut [Case<'_>]) -> Poll<Outcome> {
        let mut choice = Choice::new(cases.len(), self.biased);
        // All arms in the order of choice, so that a future goes neither before nor after its turn; then the channels
        // alone again, at one instant.
        Poll::Ready(match look(&mut choice, cx, cases, &mut self.foreign) {
            Look::Ready(arm) => Outcome::Arm(arm as u32),
            Look::Waiting { channels: 0, futures } => self.nothing_ready(futures > 0),
            Look::Waiting { .. } => self.decide(cases),
        })
    }

    /// Decides a select with `default` by its channel arms, at one instant.
    pub fn decide(&mut self, cases: &mut [Case<'_>]) -> Outcome {
        let mut choice = Choice::new(cases.len(), self.biased);
        let mut enabled = enabled_arms(cases);
        let won = match (enabled.next(), enabled.next()) {
            (None, _) => return self.nothing_ready(false),
            // A single channel needs no snapshot over several.
            (Some((i, arm)), None) => arm.attempt().then_some(i),
            _ => {
                drop(enabled);
                let locks = Locks::take(cases);
                let mut wakes = Wakes::new();
                let won = locks.attempt_one(&mut choice, &mut wakes);
                drop(locks);
                wakes.fire();
                won
            }
        };
        won.map_or(self.nothing_ready(true), |arm| Outcome::Arm(arm as u32))
    }

    /// What a select with `default` comes to if nothing is ready: `else` goes before `default` if no arm is enabled.
    fn nothing_ready(&self, any_enabled: bool) -> Outcome {
        if self.has_else && !any_enabled { Outcome::Else } else { Outcome::Default }
    }

    #[inline]
    fn poll_fresh(&mut self, cx: &mut Context<'_>, cases: &mut [Case<'_>]) -> Poll<Outcome> {
        ready!(frame::poll_spend(cx));
        self.foreign = false;
        let mut choice = Choice::new(cases.len(), self.biased);
        match look(&mut choice, cx, cases, &mut self.foreign) {
            Look::Ready(arm) => Poll::Ready(Outcome::Arm(arm as u32)),
            Look::Waiting { channels: 0, futures: 0 } if self.has_else => Poll::Ready(Outcome::Else),
            Look::Waiting { channels: 0, futures } => {
                let reason = if futures == 0 { Reason::SelectNoCases } else { Reason::Select };
                self.note(reason);
                Poll::Pending
            }
            Look::Waiting { .. } => self.queue(cx, cases, &mut choice),
        }
    }

    /// Queues all channel arms, unless one has become ready.
    #[cold]
    fn queue(&mut self, cx: &mut Context<'_>, cases: &[Case<'_>], choice: &mut Choice) -> Poll<Outcome> {
        self.set_waker(cx.waker());
        let claim = self.claim;
        self.look_again(cases, choice, |locks| {
            for (i, arm) in enabled_arms(locks.cases) {
                // SAFETY: locked, enabled, fresh; the waker is set, and the claim, declared first, outlives the arms.
                unsafe { arm.enqueue(claim, i as u32) };
            }
        })
    }

    /// Under all locks: an arm that is ready is committed; else `prepare`, and the claim is opened.
    fn look_again(
        &mut self,
        cases: &[Case<'_>],
        choice: &mut Choice,
        prepare: impl FnOnce(&Locks<'_, '_>),
    ) -> Poll<Outcome> {
        choice.again();
        let locks = Locks::take(cases);
        let mut wakes = Wakes::new();
        let won = locks.attempt_one(choice, &mut wakes);
        if won.is_none() {
            prepare(&locks);
            self.queued = true;
            self.claim.open();
        }
        drop(locks);
        wakes.fire();
        if let Some(arm) = won {
            return Poll::Ready(Outcome::Arm(arm as u32));
        }
        self.note(Reason::Select);
        Poll::Pending
    }

    #[inline]
    fn poll_queued(&mut self, cx: &mut Context<'_>, cases: &mut [Case<'_>]) -> Poll<Outcome> {
        let waker = cx.waker();
        let same_waker = self.waker == Some((waker.data(), waker.vtable()));
        if same_waker && !cases.iter().any(|case| matches!(case, Case::Future(_))) {
            // Nothing to do that needs the claim.
            return match self.claim.won() {
                Some(arm) => self.won(arm, cases),
                None => {
                    self.note(Reason::Select);
                    Poll::Pending
                }
            };
        }
        if let Err(arm) = self.claim.hold() {
            return self.won(arm, cases);
        }
        // Held: nobody can win an arm until the claim is opened again, at the end of `look_again`.
        if !same_waker {
            self.set_waker(waker);
        }
        self.foreign = false;
        let mut choice = Choice::new(cases.len(), self.biased);
        if let Some(arm) = poll_futures(&mut choice, cx, cases, &mut self.foreign) {
            return Poll::Ready(Outcome::Arm(arm as u32));
        }
        self.look_again(cases, &mut choice, |_| ())
    }

    /// Arm `arm` was won by a counterpart, which may not have stored the phase of its node yet (W3).
    fn won(&self, arm: u32, cases: &[Case<'_>]) -> Poll<Outcome> {
        if let Case::Chan(winner) = &cases[arm as usize] {
            winner.lock();
            // SAFETY: locked by the line before.
            unsafe { winner.unlock() };
        }
        Poll::Ready(Outcome::Arm(arm))
    }

    /// Tells what the select waits for: if a future among its arms waits for something else, nobody can know.
    fn note(&self, reason: Reason) {
        frame::note(if self.foreign { Reason::SelectExternal } else { reason }, Some(self.site));
    }

    /// Gives the claim the present waker. Nothing is queued, or the claim is held.
    fn set_waker(&mut self, waker: &Waker) {
        let waker = waker.clone();
        self.waker = Some((waker.data(), waker.vtable()));
        // SAFETY: nothing is queued, or the claim is held.
        let_go(unsafe { self.claim.set_waker(Some(waker)) });
    }
}

impl Drop for Select<'_> {
    fn drop(&mut self) {
        if self.queued {
            // W9: nobody wins an arm from here on. If one was won, its own drop puts back what it was given.
            if self.claim.hold().is_err() {
                return; // the winner has the waker
            }
        }
        if self.waker.is_some() {
            // SAFETY: nothing was ever queued, or the claim is held.
            let_go(unsafe { self.claim.set_waker(None) });
        }
    }
}

/// Tries all arms, one by one.
#[inline]
fn look(choice: &mut Choice, cx: &mut Context<'_>, cases: &mut [Case<'_>], foreign: &mut bool) -> Look {
    let (mut channels, mut futures) = (0, 0);
    for i in choice {
        match &mut cases[i] {
            Case::Chan(arm) if !arm.enabled() => {}
            Case::Chan(arm) if arm.as_ref().attempt() => return Look::Ready(i),
            Case::Chan(_) => channels += 1,
            Case::Future(poll) => match poll_future(poll, cx, foreign) {
                FuturePoll::Won => return Look::Ready(i),
                FuturePoll::Pending => futures += 1,
                FuturePoll::Disabled => {}
            },
        }
    }
    Look::Waiting { channels, futures }
}

/// Polls a future arm. Sets `foreign` if it waits for nothing of ours.
fn poll_future(
    poll: &mut dyn FnMut(&mut Context<'_>) -> FuturePoll,
    cx: &mut Context<'_>,
    foreign: &mut bool,
) -> FuturePoll {
    frame::note(Reason::External, None);
    let polled = poll(cx);
    *foreign |= polled == FuturePoll::Pending && frame::noted().is_external();
    polled
}

/// Polls the futures only, and says which one won.
fn poll_futures(
    choice: &mut Choice,
    cx: &mut Context<'_>,
    cases: &mut [Case<'_>],
    foreign: &mut bool,
) -> Option<usize> {
    choice.into_iter().find(|&i| match &mut cases[i] {
        Case::Future(poll) => poll_future(poll, cx, foreign) == FuturePoll::Won,
        Case::Chan(_) => false,
    })
}

fn enabled_arms<'s, 'p>(
    cases: &'s [Case<'p>],
) -> impl Iterator<Item = (usize, Pin<&'p dyn Arm>)> + use<'s, 'p> {
    cases.iter().enumerate().filter_map(|(i, case)| match case {
        Case::Chan(arm) if arm.enabled() => Some((i, *arm)),
        _ => None,
    })
}

/// The locks of all enabled channel arms.
struct Locks<'s, 'p> {
    cases: &'s [Case<'p>],
    order: ByAddress,
}

impl<'s, 'p> Locks<'s, 'p> {
    fn take(cases: &'s [Case<'p>]) -> Self {
        let mut order = ByAddress::new();
        for (i, arm) in enabled_arms(cases) {
            order.insert(arm.address(), i);
        }
        let locks = Locks { cases, order };
        locks.each(|arm| arm.lock());
        locks
    }

    fn each(&self, act: impl Fn(Pin<&'p dyn Arm>)) {
        for i in self.order.distinct() {
            if let Case::Chan(arm) = self.cases[i] {
                act(arm);
            }
        }
    }

    /// Tries the enabled channel arms in the order of `choice`.
    fn attempt_one(&self, choice: &mut Choice, wakes: &mut Wakes) -> Option<usize> {
        choice.into_iter().find(|&i| match &self.cases[i] {
            // SAFETY: all enabled arms are locked; the claim is not open; at most one attempt succeeds.
            Case::Chan(arm) if arm.enabled() => unsafe { arm.attempt_locked(wakes) },
            _ => false,
        })
    }
}

impl Drop for Locks<'_, '_> {
    fn drop(&mut self) {
        self.each(|arm| {
            // SAFETY: taken in `take`.
            unsafe { arm.unlock() }
        });
    }
}
