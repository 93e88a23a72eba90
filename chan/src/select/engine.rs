//! The engine of `select!`: looks at the arms, queues them, and learns which one has won.
//!
//! | state | event | state after | who wakes |
//! |---|---|---|---|
//! | fresh | poll: an arm is ready, tried one by one in random order | done | its counterpart |
//! | fresh | poll: none; each queued under its channel's lock, claim HELD; nobody passed over one | queued, claim OPEN | - |
//! | fresh | the same, but an arm is ready now, or one was passed over: all channels locked, an arm is ready | done | its counterpart |
//! | fresh | the same; no arm is ready | queued, claim OPEN | - |
//! | queued | a counterpart wins arm `i` | claim WON(i) | this select's task |
//! | queued | poll: WON(i) | done with `i` | - |
//! | queued | poll: claim to HELD, a future is ready | done with it; the nodes are unlinked as the arms are discarded | - |
//! | queued | poll: claim to HELD, no future; nobody passed over an arm | claim OPEN again | - |
//! | queued | the same, but one was passed over: all channels locked, an arm is ready | done | its counterpart |
//! | queued | the same; no arm is ready | claim OPEN again | - |
//! | queued | drop: claim to HELD, or WON(i) is seen | the arms' drops unlink them, and put back what `i` was given (W9, X3) | as X1 |
//!
//! The decision to wait is atomic: at the instant at which the claim opens no arm is ready. An arm is queued under the
//! lock under which it was not ready; who makes it ready after that meets it in the queue, under that lock, and leaves a
//! note in the claim; and the claim opens only without a note, or under all locks. See `dormouse_wait::claim`.
//! The decision for one of several ready arms is uniform. A `biased` one wins only if at one instant no channel arm before
//! it was ready; but for the first, that takes all locks here. The first look of a `select!`, and most of `default`, is not
//! here but in [`ops`](super::ops). `docs/select.md` tells all this with a worked race.
//!
//! Locks: one at a time, or all by [`locks`].
//!
//! Rejected: queuing with an open claim, one by one (crossbeam's way: an arm may be won while others are still being
//! queued, and who finds a later one ready has to win its own claim first, and to look again if it cannot); all locks at
//! each wait (the order of 64 addresses costs as much as queuing them, and a thread that loses its CPU meanwhile stops 64
//! channels); locking all channels at the first look (twice the cost when an arm is ready, which is the common case).
//!
//! Checked by `models::select` (loom), `tests/against_model.rs`, `tests/select.rs` promise by promise, and:
//!
//! | rule | tests |
//! |---|---|
//! | F20 one arm, operands once | `one_arm::what_loses_did_not_take_place`, `one_arm::one_channel_in_several_arms`, `operands::all_ten_operands_are_evaluated_once` |
//! | F21 what is ready | `closing::every_later_send_fails_with_its_value`, `one_arm::a_close_wins_one_arm` |
//! | F22 `default` is a snapshot | `models::select_default_is_a_snapshot`, `models::select_default_beside_a_token_that_comes_back`, `models::select_default_of_three_beside_a_token_that_comes_back`, `models::select_dynamic_try_wait_is_a_snapshot`, `choice::default_with_futures_is_a_snapshot` |
//! | `biased` is a snapshot | `models::select_biased_is_a_snapshot`, `*_of_three`, `*_with_a_future_between`, `models::select_dynamic_biased_is_a_snapshot` |
//! | F23 uniform choice | `choice::two_receives`, `choice::three_of_every_kind`, `choice::five_of_nine`, `choice::eight_arms`, `choice::at_the_second_look_as_at_the_first`, `dynamic::the_choice_is_uniform_*` |
//! | F24 no arm | `disabled::without_an_enabled_arm_it_waits_for_ever`, `disabled::else_goes_before_default_if_no_arm_is_enabled` |
//! | I6 one arm at most | `one_arm::a_waiting_select_is_won_once`, `models::select_between_two_senders`, `stress::selects_that_meet_each_other` |
//! | I10 locks in one order, each once | `one_arm::one_channel_in_several_arms`, `models::select_against_select` |
//! | HELD, its note, and the second look | `models::select_queues_beside_two_senders`, `models::select_send_beside_a_ready_future`, `models::select_recv_beside_a_ready_future`, `models::select_looks_again_before_it_waits_on`, `models::select_send_looks_again` |
//! | W3 a win is seen in full | `models::select_polled_with_the_same_waker` |
//! | W4 the claim outlives its nodes | `models::select_dropped_beside_a_sender`; `models::claim_freed_after_unlink` of `dormouse-wait` |
//! | W9, X3 a dropped select | `models::select_dropped_beside_a_receiver`, `models::select_dropped_beside_a_sender`, `cancel::select::x3_a_select_dropped_after_an_arm_was_won` |
use super::locks::{self, enabled};
use super::order::{Looked, Mask, Pool};
use super::traits::{Arms, FuturePoll};
use crate::wait::let_go;
use dormouse_wait::claim::Claim;
use dormouse_wait::frame::{self, Reason, Site};
use dormouse_wait::random;
use std::pin::Pin;
use std::task::{Context, Poll, RawWakerVTable, Waker, ready};

/// With more arms than these, one is drawn before any hint is read.
const FEW: usize = 4;

/// What a look at all arms found.
pub(crate) enum Look {
    Ready(usize),
    /// None ready; are there futures that may become so?
    Waiting {
        futures: bool,
    },
}

/// What [`State::decide`] came to.
pub(crate) enum Decision {
    Won(usize),
    NotReady,
    NoneEnabled,
}

/// How far a select has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stage {
    /// Nothing was queued yet.
    Fresh,
    /// Arms are queued.
    Queued,
    /// Arms are queued, and one is known to be won: the winner has the waker.
    Won,
}

/// Where a select stands. Its claim is the caller's.
#[derive(Debug)]
pub(crate) struct State {
    biased: bool,
    stage: Stage,
    /// A future among the arms waits for nothing of ours.
    foreign: bool,
    pub(super) looked: Looked,
    /// Which waker the claim has, to see a change without touching the claim.
    waker: Option<(*const (), *const RawWakerVTable)>,
    site: Site,
}

// SAFETY: the pointers of `waker` are only compared.
unsafe impl Send for State {}
// SAFETY: as above; all methods that change anything take `&mut self`.
unsafe impl Sync for State {}

impl State {
    #[inline(always)]
    pub(crate) fn new(biased: bool, looked: Looked, site: Site) -> Self {
        State { biased, stage: Stage::Fresh, foreign: false, looked, waker: None, site }
    }

    /// Polls: the arm that has won; with `has_else`, none if no arm is enabled.
    pub(crate) fn poll<A: Arms + ?Sized>(
        &mut self,
        claim: Pin<&Claim>,
        arms: &mut A,
        pool: &mut impl Pool,
        cx: &mut Context<'_>,
        has_else: bool,
    ) -> Poll<Option<usize>> {
        if self.stage == Stage::Queued {
            return self.poll_queued(claim, arms, pool, cx).map(Some);
        }
        let futures = match std::mem::replace(&mut self.looked, Looked::No) {
            Looked::Refused => {
                cx.waker().wake_by_ref();
                frame::note(Reason::Yield, None);
                return Poll::Pending;
            }
            Looked::Nothing { futures, foreign } => {
                self.foreign = foreign;
                futures
            }
            looked => {
                if looked == Looked::No {
                    ready!(frame::poll_spend(cx));
                }
                match self.look(arms, pool, Some(cx)) {
                    Look::Ready(arm) => return Poll::Ready(Some(arm)),
                    Look::Waiting { futures } => futures,
                }
            }
        };
        match self.queue(claim, arms, cx) {
            Queue::Open => self.waits(Reason::Select),
            Queue::Disturbed => self.look_again(claim, arms, pool).map(Some),
            Queue::NoChannel if !futures && has_else => Poll::Ready(None),
            Queue::NoChannel if !futures => self.waits(Reason::SelectNoCases),
            Queue::NoChannel => self.waits(Reason::Select),
        }
    }

    /// Tries all arms, one by one; without a context, the channel arms only.
    pub(crate) fn look<A: Arms + ?Sized>(
        &mut self,
        arms: &mut A,
        pool: &mut impl Pool,
        mut cx: Option<&mut Context<'_>>,
    ) -> Look {
        self.foreign = false;
        let mut futures = false;
        let mut attempt = |state: &mut State, arms: &mut A, i: usize| {
            if !arms.is_future(i) {
                return state.try_in_turn(arms, i);
            }
            match state.poll_future(arms, i, cx.as_deref_mut()?) {
                FuturePoll::Won => return Some(i),
                FuturePoll::Pending => futures = true,
                FuturePoll::Disabled => {}
            }
            None
        };
        // One of many is likely to be ready: drawn before any hint is read, it costs no look at all of them.
        let first = (!self.biased && arms.len() > FEW).then(|| random::below(arms.len() as u32) as usize);
        if let Some(won) = first.and_then(|i| attempt(self, arms, i)) {
            return Look::Ready(won);
        }
        pool.clear();
        for i in (0..arms.len()).filter(|i| Some(*i) != first) {
            if arms.chan(i).map_or_else(|| arms.is_future(i), |arm| arm.may()) {
                pool.add(i);
            }
        }
        while let Some(i) = pool.draw(self.biased) {
            if let Some(won) = attempt(self, arms, i) {
                return Look::Ready(won);
            }
        }
        Look::Waiting { futures }
    }

    /// Tries a channel arm. Biased, it wins only if at one instant no channel arm before it was ready; else that wins.
    fn try_in_turn<A: Arms + ?Sized>(&self, arms: &mut A, i: usize) -> Option<usize> {
        let alone = !self.biased || enabled(arms).next().is_some_and(|(first, _)| first == i);
        if alone {
            arms.chan(i)?.attempt().then_some(i)
        } else {
            locks::decide(arms, &mut Mask::default(), true, i + 1, |_| ())
        }
    }

    /// Decides by the channel arms alone, at one instant, without waiting.
    pub(crate) fn decide<A: Arms + ?Sized>(&self, arms: &mut A, pool: &mut impl Pool) -> Decision {
        let mut channels = enabled(arms);
        let won = match (channels.next(), channels.next()) {
            (None, _) => return Decision::NoneEnabled,
            // A single channel needs no snapshot over several.
            (Some((i, arm)), None) => arm.attempt().then_some(i),
            _ => {
                drop(channels);
                locks::decide(arms, pool, self.biased, usize::MAX, |_| ())
            }
        };
        won.map_or(Decision::NotReady, Decision::Won)
    }

    /// Queues all channel arms, one by one, each under the lock under which it is seen not to be ready. The claim is held
    /// meanwhile; if then nobody has passed over it, no arm is ready at the instant at which it opens.
    #[cold]
    fn queue<A: Arms + ?Sized>(&mut self, claim: Pin<&Claim>, arms: &A, cx: &Context<'_>) -> Queue {
        for (i, arm) in enabled(arms) {
            if self.stage == Stage::Fresh {
                self.set_waker(claim, cx.waker());
                self.stage = Stage::Queued;
            }
            // SAFETY: enabled, not queued; the waker is set, and the claim, declared first, outlives the arms.
            if !unsafe { arm.enqueue_unless_ready(claim, i as u32) } {
                return Queue::Disturbed;
            }
        }
        match self.stage {
            Stage::Fresh => Queue::NoChannel,
            _ if claim.reopen() => Queue::Open,
            _ => Queue::Disturbed,
        }
    }

    /// The second look, under all locks: an arm that is ready is committed; else what is not queued yet is queued, and the
    /// claim is opened. It has a waker.
    #[cold]
    fn look_again<A: Arms + ?Sized>(
        &mut self,
        claim: Pin<&Claim>,
        arms: &mut A,
        pool: &mut impl Pool,
    ) -> Poll<usize> {
        let won = locks::decide(arms, pool, self.biased, usize::MAX, |arms| {
            for (i, arm) in enabled(arms).filter(|(_, arm)| !arm.queued()) {
                // SAFETY: locked, enabled, not queued; the waker is set, and the claim outlives the arms.
                unsafe { arm.enqueue(claim, i as u32) };
            }
            claim.open();
        });
        match won {
            Some(arm) => Poll::Ready(arm),
            None => self.waits(Reason::Select),
        }
    }

    #[inline]
    fn poll_queued<A: Arms + ?Sized>(
        &mut self,
        claim: Pin<&Claim>,
        arms: &mut A,
        pool: &mut impl Pool,
        cx: &mut Context<'_>,
    ) -> Poll<usize> {
        if let Some(arm) = claim.won() {
            return self.won(arm, arms);
        }
        let waker = cx.waker();
        let same_waker = self.waker == Some((waker.data(), waker.vtable()));
        pool.clear();
        let mut futures = false;
        for i in 0..arms.len() {
            if arms.is_future(i) {
                pool.add(i);
                futures = true;
            }
        }
        if same_waker && !futures {
            return self.waits(Reason::Select);
        }
        if let Err(arm) = claim.hold() {
            return self.won(arm, arms);
        }
        // Held: nobody can win an arm until the claim is open again.
        if !same_waker {
            self.set_waker(claim, waker);
        }
        self.foreign = false;
        while let Some(i) = pool.draw(self.biased) {
            if self.poll_future(arms, i, cx) == FuturePoll::Won {
                return Poll::Ready(i);
            }
        }
        if claim.reopen() { self.waits(Reason::Select) } else { self.look_again(claim, arms, pool) }
    }

    /// Arm `arm` was won by a counterpart, which has the waker, and may not have stored the phase of its node yet (W3).
    fn won<A: Arms + ?Sized>(&mut self, arm: u32, arms: &A) -> Poll<usize> {
        (self.stage, self.waker) = (Stage::Won, None);
        let arm = arm as usize;
        if let Some(winner) = arms.chan(arm)
            && winner.queued()
        {
            winner.lock();
            // SAFETY: locked by the line before.
            unsafe { winner.unlock() };
        }
        Poll::Ready(arm)
    }

    /// Polls a future arm. Sets `foreign` if it waits for nothing of ours.
    fn poll_future<A: Arms + ?Sized>(&mut self, arms: &mut A, i: usize, cx: &mut Context<'_>) -> FuturePoll {
        frame::note(Reason::External, None);
        let polled = arms.poll_future(i, cx);
        self.foreign |= polled == FuturePoll::Pending && frame::noted().is_external();
        polled
    }

    /// Tells what the select waits for: if a future among its arms waits for something else, nobody can know.
    fn waits<T>(&self, reason: Reason) -> Poll<T> {
        frame::note(if self.foreign { Reason::SelectExternal } else { reason }, Some(self.site));
        Poll::Pending
    }

    /// Gives the claim the present waker. Nothing is queued, or the claim is held.
    fn set_waker(&mut self, claim: Pin<&Claim>, waker: &Waker) {
        let waker = waker.clone();
        self.waker = Some((waker.data(), waker.vtable()));
        // SAFETY: nothing is queued, or the claim is held.
        let_go(unsafe { claim.set_waker(Some(waker)) });
    }

    /// Ends the wait, before the arms are withdrawn (W9): nobody wins an arm from here on. Was one ever queued?
    pub(crate) fn leave(&mut self, claim: Pin<&Claim>) -> bool {
        if self.stage == Stage::Queued && claim.hold().is_err() {
            self.waker = None; // the winner has it
        }
        if self.waker.take().is_some() {
            // SAFETY: nothing was ever queued, or the claim is held.
            let_go(unsafe { claim.set_waker(None) });
        }
        self.stage != Stage::Fresh
    }
}

/// What queueing came to.
enum Queue {
    /// All arms are queued, and the claim is open.
    Open,
    /// An arm may be ready, or a counterpart passed over one that was queued: look again.
    Disturbed,
    /// There is nothing to queue.
    NoChannel,
}
