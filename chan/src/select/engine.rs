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
//! The decision for one of several ready arms is uniform; a `biased` one is made under the locks of all arms before the
//! winner, or all, so that none of these was ready. The first look of a `select!`, and most of `default`, is not here but in
//! [`ops`](super::ops).
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
//! | F22 `default` is a snapshot | `models::select_default_is_a_snapshot`, `choice::default_with_futures_is_a_snapshot` |
//! | F23 uniform choice | `choice::three_of_every_kind`, `choice::five_of_nine`, `choice::at_the_second_look_as_at_the_first` |
//! | F24 no arm | `disabled::without_an_enabled_arm_it_waits_for_ever`, `disabled::else_goes_before_default_if_no_arm_is_enabled` |
//! | I6 one arm at most | `one_arm::a_waiting_select_is_won_once`, `models::select_between_two_senders`, `stress::selects_that_meet_each_other` |
//! | I10 locks in one order, each once | `one_arm::one_channel_in_several_arms`, `models::select_against_select` |
//! | HELD, and the second look | `models::select_send_beside_a_ready_future`, `models::select_recv_beside_a_ready_future`, `models::select_looks_again_before_it_waits_on`, `models::select_send_looks_again` |
//! | W3 a win is seen in full | `models::select_polled_with_the_same_waker` |
//! | W4 the claim outlives its nodes | `models::select_dropped_beside_a_sender`; `models::claim_freed_after_unlink` of `dormouse-wait` |
//! | W9, X3 a dropped select | `models::select_dropped_beside_a_receiver`, `models::select_dropped_beside_a_sender`, `cancel::select::x3_a_select_dropped_after_an_arm_was_won` |
use super::locks::{self, enabled};
use super::order::{Looked, MAX_ARMS, Mask, Pool};
use crate::wait::let_go;
use dormouse_wait::claim::Claim;
use dormouse_wait::frame::{self, Reason, Site};
use std::panic::Location;
use std::pin::Pin;
use std::task::{Context, Poll, RawWakerVTable, Waker, ready};

/// A channel operation that stands in a select.
///
/// # Safety
/// `attempt*` and `enqueue*` follow the rules of `crate::wait`, of which the arms are made; an arm unlinks itself when
/// dropped.
pub unsafe trait Arm {
    /// May this arm be chosen at all?
    fn enabled(&self) -> bool;
    /// Might it be ready? False is certain, and under the lock it stays so.
    fn may(&self) -> bool;
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
    /// Tries the operation under the lock, queued or not. Leaves whom to wake after unlocking.
    ///
    /// # Safety
    /// The caller holds the lock, and the select's claim is not open.
    unsafe fn attempt_locked(self: Pin<&Self>, wake: &mut Option<Waker>) -> bool;
    /// Does it stand in the channel's queue? To be asked under the lock, or while the claim is not open.
    fn queued(&self) -> bool;
    /// Queues the operation.
    ///
    /// # Safety
    /// The caller holds the lock, the arm is enabled and not queued; the claim has a waker, is not open, and outlives the arm.
    unsafe fn enqueue(self: Pin<&Self>, claim: Pin<&Claim>, arm: u32);
    /// Locks the channel, queues the operation if it is certainly not ready, and unlocks; false if it may be ready.
    ///
    /// # Safety
    /// As for `enqueue`, but the caller does not hold the lock.
    unsafe fn enqueue_unless_ready(self: Pin<&Self>, claim: Pin<&Claim>, arm: u32) -> bool;
}

/// All arms of a select.
pub(crate) trait Arms {
    /// How many there are, the disabled ones too.
    fn len(&self) -> usize;
    /// The arm, if it is a channel's and enabled.
    fn chan(&self, arm: usize) -> Option<Pin<&dyn Arm>>;
    /// Is the arm a future that may still be polled?
    fn is_future(&self, arm: usize) -> bool;
    /// Polls such an arm.
    fn poll_future(&mut self, arm: usize, cx: &mut Context<'_>) -> FuturePoll;
    /// Calls `f` with a place for the order of locks, of `len` numbers.
    fn with_order<R>(&mut self, f: impl FnOnce(&mut Self, &mut [u32]) -> R) -> R;
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

impl Arms for [Case<'_>] {
    #[inline(always)]
    fn len(&self) -> usize {
        <[Case<'_>]>::len(self)
    }

    #[inline(always)]
    fn chan(&self, arm: usize) -> Option<Pin<&dyn Arm>> {
        match &self[arm] {
            Case::Chan(arm) if arm.enabled() => Some(*arm),
            _ => None,
        }
    }

    #[inline(always)]
    fn is_future(&self, arm: usize) -> bool {
        matches!(self[arm], Case::Future(_))
    }

    #[inline(always)]
    fn poll_future(&mut self, arm: usize, cx: &mut Context<'_>) -> FuturePoll {
        match &mut self[arm] {
            Case::Future(poll) => poll(cx),
            Case::Chan(_) => FuturePoll::Disabled,
        }
    }

    fn with_order<R>(&mut self, f: impl FnOnce(&mut Self, &mut [u32]) -> R) -> R {
        let len = self.len();
        f(self, &mut [0; MAX_ARMS][..len])
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

/// The select of one `select!`. Declared after the arms, so that it is dropped first (W9).
#[derive(Debug)]
pub struct Select<'c> {
    claim: Pin<&'c Claim>,
    state: State,
    has_else: bool,
}

impl<'c> Select<'c> {
    /// A select on `claim`, which is fresh, after a first look that found no arm ready, or none.
    #[track_caller]
    #[inline(always)]
    pub fn new(claim: Pin<&'c Claim>, biased: bool, has_else: bool, looked: Looked) -> Self {
        Select { claim, state: State::new(biased, looked, Location::caller()), has_else }
    }

    /// Polls a select without `default`.
    #[inline]
    pub fn poll(&mut self, cx: &mut Context<'_>, cases: &mut [Case<'_>]) -> Poll<Outcome> {
        match ready!(self.state.poll(self.claim, cases, &mut Mask::default(), cx, self.has_else)) {
            Some(arm) => Poll::Ready(Outcome::Arm(arm as u32)),
            None => Poll::Ready(Outcome::Else),
        }
    }

    /// Polls a select with `default` and futures among its arms: always ready.
    pub fn poll_default(&mut self, cx: &mut Context<'_>, cases: &mut [Case<'_>]) -> Poll<Outcome> {
        let futures = match self.state.looked {
            Looked::Nothing { futures, .. } => futures,
            // All arms in the order of choice, so that a future goes neither before nor after its turn.
            _ => match self.state.look(cases, &mut Mask::default(), cx) {
                Look::Ready(arm) => return Poll::Ready(Outcome::Arm(arm as u32)),
                Look::Waiting { futures } => futures,
            },
        };
        // Then the channels alone again, at one instant.
        Poll::Ready(match self.state.decide(cases, &mut Mask::default()) {
            Decision::Won(arm) => Outcome::Arm(arm as u32),
            Decision::NotReady => Outcome::Default,
            Decision::NoneEnabled => self.nothing_ready(futures),
        })
    }

    /// Decides a select with `default` by its channel arms, at one instant.
    pub fn decide(&mut self, cases: &mut [Case<'_>]) -> Outcome {
        match self.state.decide(cases, &mut Mask::default()) {
            Decision::Won(arm) => Outcome::Arm(arm as u32),
            Decision::NotReady => Outcome::Default,
            Decision::NoneEnabled => self.nothing_ready(false),
        }
    }

    /// What a select with `default` comes to if nothing is ready: `else` goes before `default` if no arm is enabled.
    fn nothing_ready(&self, any_enabled: bool) -> Outcome {
        if self.has_else && !any_enabled { Outcome::Else } else { Outcome::Default }
    }
}

impl Drop for Select<'_> {
    fn drop(&mut self) {
        // If an arm was won, its own drop puts back what it was given.
        self.state.leave(self.claim);
    }
}

/// What a look at all arms found.
enum Look {
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

/// Where a select stands. Its claim is the caller's.
#[derive(Debug)]
pub(crate) struct State {
    biased: bool,
    /// Some arms are queued, and none is known to be won.
    queued: bool,
    /// A future among the arms waits for nothing of ours.
    foreign: bool,
    looked: Looked,
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
        State { biased, queued: false, foreign: false, looked, waker: None, site }
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
        if self.queued {
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
                match self.look(arms, pool, cx) {
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

    /// Tries all arms, one by one.
    fn look<A: Arms + ?Sized>(&mut self, arms: &mut A, pool: &mut impl Pool, cx: &mut Context<'_>) -> Look {
        self.foreign = false;
        pool.clear();
        for i in 0..arms.len() {
            if arms.chan(i).map_or_else(|| arms.is_future(i), |arm| arm.may()) {
                pool.add(i);
            }
        }
        let mut futures = false;
        while let Some(i) = pool.draw(self.biased) {
            if arms.is_future(i) {
                match self.poll_future(arms, i, cx) {
                    FuturePoll::Won => return Look::Ready(i),
                    FuturePoll::Pending => futures = true,
                    FuturePoll::Disabled => {}
                }
            } else if let Some(won) = self.try_in_turn(arms, i) {
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
            if !self.queued {
                self.set_waker(claim, cx.waker());
                self.queued = true;
            }
            // SAFETY: enabled, not queued; the waker is set, and the claim, declared first, outlives the arms.
            if !unsafe { arm.enqueue_unless_ready(claim, i as u32) } {
                return Queue::Disturbed;
            }
        }
        match self.queued {
            false => Queue::NoChannel,
            true if claim.reopen() => Queue::Open,
            true => Queue::Disturbed,
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
        self.queued = true;
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
        (self.queued, self.waker) = (false, None);
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

    /// Ends the wait, before the arms are withdrawn (W9): nobody wins an arm from here on.
    pub(crate) fn leave(&mut self, claim: Pin<&Claim>) {
        if self.queued && claim.hold().is_err() {
            return; // the winner has the waker
        }
        if self.waker.take().is_some() {
            // SAFETY: nothing was ever queued, or the claim is held.
            let_go(unsafe { claim.set_waker(None) });
        }
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
