//! The operands of a `select!` of channel arms only, for its first look: most selects find an arm ready, and end here,
//! with nothing made, pinned or locked but the arm that is tried. Only what has to wait becomes [arms](super::arms).
//!
//! A value is not moved before its arm wins or waits. What was received is kept in a guard until the losing values are
//! dropped: if one of those drops panics, it goes back to its channel.
//!
//! `default` needs one instant at which no arm was ready. Hints that are read one after another are not that: a value may
//! move from a channel that is not looked at yet to one that was, and back, however often they are read
//! (`models::select_hints_read_twice_are_no_snapshot`). But they count their changes: they are read in order, then again in
//! the other order, and if none has changed, then all were true at the instant at which the last was read. Else the engine
//! decides, under all locks. `biased` takes them: the second channel arm wins here only if the first is not ready while the
//! second's channel is locked.
use super::arms::{RecvArm, SendArm, SendFromArm};
use super::operands::{RecvOperand, SendOperand};
use super::seam;
use crate::chan::{Chan, Locked};
use crate::core::{Put, Take};
use crate::error::SendError;
use crate::receiver::Receiver;
use crate::sender::Sender;
use crate::wait::{RecvWait, SendWait};
use dormouse_wait::wakes;
use std::fmt;

/// The operand of a `recv` arm; no receiver if it is disabled.
pub struct RecvOp<'a, T> {
    receiver: Option<&'a Receiver<T>>,
}

/// The operands of a `send` arm; no sender if it is disabled.
pub struct SendOp<'a, T> {
    sender: Option<&'a Sender<T>>,
    value: Option<T>,
}

/// The operands of a `send_from` arm; no sender if it is disabled.
pub struct SendFromOp<'a, 'o, T> {
    sender: Option<&'a Sender<T>>,
    place: &'o mut Option<T>,
}

/// Makes the operand of a `recv` arm.
#[inline(always)]
pub fn recv_op<'a, R: RecvOperand<'a>>(receiver: R, enabled: bool) -> RecvOp<'a, R::Value> {
    RecvOp { receiver: receiver.receiver().filter(|_| enabled) }
}

/// Makes the operands of a `send` arm. The value of an arm that is disabled is dropped at once.
#[inline(always)]
pub fn send_op<'a, S: SendOperand<'a>>(sender: S, value: S::Value, enabled: bool) -> SendOp<'a, S::Value> {
    let sender = sender.sender().filter(|_| enabled);
    SendOp { sender, value: sender.is_some().then_some(value) }
}

/// Makes the operands of a `send_from` arm.
#[inline(always)]
pub fn send_from_op<'a, 'o, S: SendOperand<'a>>(
    sender: S,
    place: &'o mut Option<S::Value>,
    enabled: bool,
) -> SendFromOp<'a, 'o, S::Value> {
    SendFromOp { sender: sender.sender().filter(|_| enabled && place.is_some()), place }
}

impl<'a, T> RecvOp<'a, T> {
    /// Tries the operation, if `still` holds under the lock.
    #[inline(always)]
    pub fn attempt_if(&mut self, still: impl FnOnce() -> bool) -> Option<Received<'a, T>> {
        let chan = self.receiver?.chan();
        if chan.may_recv() { Received::try_from(chan, still) } else { None }
    }

    /// The arm that it becomes if it has to wait.
    #[inline(always)]
    pub fn arm(self) -> RecvArm<'a, T> {
        RecvArm::new(self.receiver.map(|receiver| RecvWait::new(receiver.chan())))
    }
}

impl<'a, T> SendOp<'a, T> {
    /// Tries the operation, if `still` holds under the lock.
    #[inline(always)]
    pub fn attempt_if(&mut self, still: impl FnOnce() -> bool) -> Option<Sent<T>> {
        if self.may() { try_send(self.channel()?, &mut self.value, still) } else { None }
    }

    /// The arm that it becomes if it has to wait.
    #[inline(always)]
    pub fn arm(self) -> SendArm<'a, T> {
        SendArm::new(self.channel().zip(self.value).map(|(chan, value)| SendWait::new(chan, value)))
    }
}

impl<'a, 'o, T> SendFromOp<'a, 'o, T> {
    /// Tries the operation, if `still` holds under the lock.
    #[inline(always)]
    pub fn attempt_if(&mut self, still: impl FnOnce() -> bool) -> Option<Sent<T>> {
        if self.may() { try_send(self.channel()?, self.place, still) } else { None }
    }

    /// The arm that it becomes if it has to wait.
    #[inline(always)]
    pub fn arm(self) -> SendFromArm<'a, 'o, T> {
        let SendFromOp { sender, place } = self;
        let wait = sender.and_then(|sender| place.take().map(|value| SendWait::new(&sender.chan, value)));
        SendFromArm::new(wait, place)
    }
}

/// What the three have in common.
macro_rules! op {
    ($Op:ident [$($life:lifetime),*] $half:ident $hint:ident -> $Outcome:ty) => {
        impl<'a, $($life,)* T> $Op<'a, $($life,)* T> {
            /// Might it be ready?
            #[inline(always)]
            pub fn may(&self) -> bool {
                seam();
                self.$half.is_some_and(|half| half.chan().$hint())
            }

            #[inline(always)]
            fn channel(&self) -> Option<&'a Chan<T>> {
                self.$half.map(|half| &*half.chan)
            }

            /// May this arm be chosen at all?
            #[inline(always)]
            pub fn enabled(&self) -> bool {
                self.channel().is_some()
            }

            /// Tries the operation.
            #[inline(always)]
            pub fn attempt(&mut self) -> Option<$Outcome> {
                self.attempt_if(|| true)
            }

            /// Does nothing: what stands for a try that is left to the engine.
            #[inline(always)]
            pub fn untried(&self) -> Option<$Outcome> {
                None
            }

            /// Is it certainly not ready at this moment? To be called after `may`, also under a lock.
            #[inline(always)]
            pub fn nothing(&self) -> bool {
                seam();
                !self.channel().is_some_and(|chan| chan.hint().read().$hint())
            }

            /// Is it certainly not ready, from before `rest` begins until it has ended, and does that say yes too?
            #[inline(always)]
            pub fn nothing_while(&self, rest: impl FnOnce() -> bool) -> bool {
                let Some(chan) = self.channel() else { return rest() };
                seam();
                let seen = chan.hint().read();
                if seen.$hint() || !rest() {
                    return false;
                }
                seam();
                chan.hint().is_still(seen)
            }

            /// Drops what a losing arm has, after the winner is known.
            #[inline(always)]
            pub fn discard(self) {}
        }

        impl<$($life,)* T> fmt::Debug for $Op<'_, $($life,)* T> {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.debug_struct(stringify!($Op)).field("enabled", &self.enabled()).finish_non_exhaustive()
            }
        }
    };
}
op!(RecvOp [] receiver may_recv -> Received<'a, T>);
op!(SendOp [] sender may_send -> Sent<T>);
op!(SendFromOp ['o] sender may_send -> Sent<T>);

/// What a `recv` arm that has won received. Dropped before it is taken, it puts the value back (X1).
pub struct Received<'a, T> {
    chan: &'a Chan<T>,
    /// The value, with the number of its hand-over; none if the channel is closed and drained.
    got: Option<(T, u64)>,
}

impl<'a, T> Received<'a, T> {
    #[inline]
    fn try_from(chan: &'a Chan<T>, still: impl FnOnce() -> bool) -> Option<Self> {
        let mut core = chan.core.lock();
        if !still() {
            return None;
        }
        if let Some(value) = core.take_buffered() {
            let number = core.next_number();
            chan.publish_taken(&core);
            return Some(Received { chan, got: Some((value, number)) });
        }
        Received::take_unusual(chan, core)
    }

    #[cold]
    #[inline(never)]
    fn take_unusual(chan: &'a Chan<T>, mut core: Locked<'a, T>) -> Option<Self> {
        let taken = core.take();
        let number = core.next_number();
        chan.publish(&core);
        drop(core);
        match taken {
            Take::Value(value, sender) => {
                let received = Received { chan, got: Some((value, number)) };
                wakes::wake(sender);
                Some(received)
            }
            Take::Closed => Some(Received { chan, got: None }),
            Take::Empty | Take::Nil => None,
        }
    }

    /// The value; `None` if the channel is closed and drained.
    #[inline(always)]
    pub fn finish(mut self) -> Option<T> {
        self.got.take().map(|(value, _)| value)
    }
}

impl<T> Drop for Received<'_, T> {
    #[inline(always)]
    fn drop(&mut self) {
        if let Some((value, number)) = self.got.take() {
            put_back(self.chan, value, number);
        }
    }
}

#[cold]
fn put_back<T>(chan: &Chan<T>, value: T, number: u64) {
    let mut core = chan.core.lock();
    let next = core.put_back(number, value);
    chan.publish(&core);
    drop(core);
    wakes::wake(next);
}

impl<T> fmt::Debug for Received<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Received").field("some", &self.got.is_some()).finish()
    }
}

/// What the send of an arm that has won came to.
pub struct Sent<T>(Result<(), SendError<T>>);

impl<T> Sent<T> {
    /// As the user sees it.
    #[inline(always)]
    pub fn finish(self) -> Result<(), SendError<T>> {
        self.0
    }
}

impl<T> fmt::Debug for Sent<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sent").field("ok", &self.0.is_ok()).finish()
    }
}

/// Sends the value in `place`, if there is one, it can pass, and `still` holds under the lock.
#[inline]
fn try_send<T>(chan: &Chan<T>, place: &mut Option<T>, still: impl FnOnce() -> bool) -> Option<Sent<T>> {
    let value: *const T = place.as_ref()?;
    let mut core = chan.core.lock();
    if !still() {
        return None;
    }
    // SAFETY: the value is there; if it moves, it is forgotten below.
    let put = unsafe { core.put(value) };
    chan.publish(&core);
    drop(core);
    match put {
        Put::Done(receiver) => {
            std::mem::forget(place.take());
            wakes::wake(receiver);
            Some(Sent(Ok(())))
        }
        Put::Closed => place.take().map(|value| Sent(Err(SendError(value)))),
        Put::Full | Put::Nil => None,
    }
}
