//! What the engine sees of a select: its arms.
use dormouse_wait::claim::Claim;
use std::pin::Pin;
use std::task::{Context, Waker};

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
