//! A `select!` whose first look decided nothing: its arms and its state, as the expansion has them on its stack.
use super::engine::{Decision, Look, State};
use super::order::{Looked, MAX_ARMS, Mask};
use super::traits::{Arm, Arms, FuturePoll};
use dormouse_wait::claim::Claim;
use std::panic::Location;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

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

/// A `select!` that has to wait, or to look again. Declared after the arms, so that it is dropped first (W9).
#[derive(Debug)]
pub struct Waiting<'c> {
    claim: Pin<&'c Claim>,
    state: State,
    has_else: bool,
}

impl<'c> Waiting<'c> {
    /// A select on `claim`, which is fresh, after a first look that found no arm ready, or none.
    #[track_caller]
    #[inline(always)]
    pub fn new(claim: Pin<&'c Claim>, biased: bool, has_else: bool, looked: Looked) -> Self {
        Waiting { claim, state: State::new(biased, looked, Location::caller()), has_else }
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
            _ => match self.state.look(cases, &mut Mask::default(), Some(cx)) {
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

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        // If an arm was won, its own drop puts back what it was given.
        self.state.leave(self.claim);
    }
}
