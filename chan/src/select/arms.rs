//! The channel arms of a select: operands turned into waits that the engine can try, queue and withdraw.
use super::engine::Arm;
use crate::core::Chan;
use crate::error::SendError;
use crate::receiver::Receiver;
use crate::sender::Sender;
use crate::wait::{RecvWait, SendWait};
use dormouse_wait::claim::Claim;
use dormouse_wait::wakes::Wakes;
use std::pin::Pin;

/// What may stand in `recv(...)`: a receiver, or an option of one, behind any number of references; `None` at any depth
/// disables the arm. `select!` borrows what stands there, so each implementation is for a reference.
#[diagnostic::on_unimplemented(
    message = "`recv(..)` in `select!` takes a `Receiver`, a reference to one, or an `Option` of either",
    label = "not a receiver: borrowed by `select!`, this is a `{Self}`",
    note = "of a `Box`, an `Rc` or an `Arc` give what it points to: `recv(*pointer)`"
)]
pub trait RecvOperand<'a> {
    /// What is received.
    type Value: 'a;
    /// The receiver, if the arm is enabled.
    fn receiver(self) -> Option<&'a Receiver<Self::Value>>;
}

/// What may stand in `send(...)` and `send_from(...)`: a sender, or an option of one, as in [`RecvOperand`].
#[diagnostic::on_unimplemented(
    message = "`send(..)` and `send_from(..)` in `select!` take a `Sender`, a reference to one, or an `Option` of either",
    label = "not a sender: borrowed by `select!`, this is a `{Self}`",
    note = "of a `Box`, an `Rc` or an `Arc` give what it points to: `send(*pointer, value)`"
)]
pub trait SendOperand<'a> {
    /// What is sent.
    type Value: 'a;
    /// The sender, if the arm is enabled.
    fn sender(self) -> Option<&'a Sender<Self::Value>>;
}

/// The implementations are told apart by the type behind the first reference, so inference finds the one that fits.
macro_rules! operand {
    ($Operand:ident, $Half:ident, $method:ident) => {
        impl<'a, T> $Operand<'a> for &'a $Half<T> {
            type Value = T;
            fn $method(self) -> Option<&'a $Half<T>> {
                Some(self)
            }
        }
        impl<'a, T> $Operand<'a> for &'a Option<$Half<T>> {
            type Value = T;
            fn $method(self) -> Option<&'a $Half<T>> {
                self.as_ref()
            }
        }
        impl<'a, 'o, O> $Operand<'a> for &&'o O
        where
            &'o O: $Operand<'a>,
        {
            type Value = <&'o O as $Operand<'a>>::Value;
            fn $method(self) -> Option<&'a $Half<Self::Value>> {
                (*self).$method()
            }
        }
        impl<'a, 'o, O> $Operand<'a> for &'o &mut O
        where
            &'o O: $Operand<'a>,
        {
            type Value = <&'o O as $Operand<'a>>::Value;
            fn $method(self) -> Option<&'a $Half<Self::Value>> {
                (&**self).$method()
            }
        }
        impl<'a, 'o, O> $Operand<'a> for &Option<&'o O>
        where
            &'o O: $Operand<'a>,
        {
            type Value = <&'o O as $Operand<'a>>::Value;
            fn $method(self) -> Option<&'a $Half<Self::Value>> {
                (*self)?.$method()
            }
        }
        impl<'a, 'o, O> $Operand<'a> for &'o Option<&mut O>
        where
            &'o O: $Operand<'a>,
        {
            type Value = <&'o O as $Operand<'a>>::Value;
            fn $method(self) -> Option<&'a $Half<Self::Value>> {
                self.as_deref()?.$method()
            }
        }
    };
}
operand!(RecvOperand, Receiver, receiver);
operand!(SendOperand, Sender, sender);

/// A `recv` arm; no wait if it is disabled.
pub struct RecvArm<'a, T> {
    wait: Option<RecvWait<'a, T>>,
}

/// A `send` arm; no wait if it is disabled.
pub struct SendArm<'a, T> {
    wait: Option<SendWait<'a, T>>,
}

/// A `send_from` arm; no wait if it is disabled.
pub struct SendFromArm<'a, 'o, T> {
    wait: Option<SendWait<'a, T>>,
    /// Where the value came from, and goes back to when the arm is dropped.
    from: &'o mut Option<T>,
}

// SAFETY: by shared reference only `wait` is reached, which is Sync for T: Send; `from` is used by `drop` alone.
unsafe impl<T: Send> Sync for SendFromArm<'_, '_, T> {}

/// Makes a `recv` arm.
#[inline(always)]
pub fn recv_arm<'a, R: RecvOperand<'a>>(receiver: R, enabled: bool) -> RecvArm<'a, R::Value> {
    let receiver = receiver.receiver().filter(|_| enabled);
    RecvArm { wait: receiver.map(|receiver| RecvWait::new(receiver.chan())) }
}

/// Makes a `send` arm. The value of an arm that is disabled is dropped at once.
#[inline(always)]
pub fn send_arm<'a, S: SendOperand<'a>>(sender: S, value: S::Value, enabled: bool) -> SendArm<'a, S::Value> {
    let sender = sender.sender().filter(|_| enabled);
    SendArm { wait: sender.map(|sender| SendWait::new(&sender.chan, value)) }
}

/// Makes a `send_from` arm.
#[inline(always)]
pub fn send_from_arm<'a, 'o, S: SendOperand<'a>>(
    sender: S,
    from: &'o mut Option<S::Value>,
    enabled: bool,
) -> SendFromArm<'a, 'o, S::Value> {
    let sender = sender.sender().filter(|_| enabled && from.is_some());
    let wait = sender.and_then(|sender| from.take().map(|value| SendWait::new(&sender.chan, value)));
    SendFromArm { wait, from }
}

const DISABLED: &str = "a disabled arm of select! was chosen";

impl<T> RecvArm<'_, T> {
    /// What the winning arm received.
    #[inline(always)]
    pub fn take(self: Pin<&Self>) -> Option<T> {
        self.wait().outcome().expect("the winning arm is done")
    }

    /// Withdraws a losing arm.
    #[inline(always)]
    pub fn discard(self: Pin<&Self>) {
        if self.wait.is_some() {
            self.wait().withdraw();
        }
    }
}

impl<T> SendArm<'_, T> {
    /// What the winning arm's send came to.
    #[inline(always)]
    pub fn take(self: Pin<&Self>) -> Result<(), SendError<T>> {
        self.wait().outcome().expect("the winning arm is done")
    }

    /// Withdraws a losing arm and drops its value.
    #[inline(always)]
    pub fn discard(self: Pin<&Self>) {
        if self.wait.is_some() {
            drop(self.wait().withdraw());
        }
    }
}

impl<T> SendFromArm<'_, '_, T> {
    /// What the winning arm's send came to.
    #[inline(always)]
    pub fn take(self: Pin<&Self>) -> Result<(), SendError<T>> {
        self.wait().outcome().expect("the winning arm is done")
    }

    /// A losing arm is withdrawn, and its value put back, when it is dropped.
    #[inline(always)]
    pub fn discard(self: Pin<&Self>) {}
}

impl<T> Drop for SendFromArm<'_, '_, T> {
    #[inline(always)]
    fn drop(&mut self) {
        if let Some(wait) = &self.wait {
            // SAFETY: it was pinned if it was ever queued, and does not move any more.
            let wait = unsafe { Pin::new_unchecked(wait) };
            if let Some(value) = wait.withdraw() {
                *self.from = Some(value);
            }
        }
    }
}

/// Implements [`Arm`] for a struct around `wait: Option<Wait>`.
macro_rules! arm {
    ($Arm:ident [$($life:lifetime),*], $Wait:ident) => {
        impl<'a, $($life,)* T> $Arm<'a, $($life,)* T> {
            /// The wait of an enabled arm.
            #[inline(always)]
            fn wait<'s>(self: Pin<&'s Self>) -> Pin<&'s $Wait<'a, T>> {
                // SAFETY: the wait is pinned with the arm.
                unsafe { self.map_unchecked(|arm| arm.wait.as_ref().expect(DISABLED)) }
            }

            fn chan(&self) -> &Chan<T> {
                self.wait.as_ref().expect(DISABLED).chan()
            }
        }

        // SAFETY: each method is the wait's, which unlinks itself when dropped.
        unsafe impl<$($life,)* T> Arm for $Arm<'_, $($life,)* T> {
            #[inline(always)]
            fn enabled(&self) -> bool {
                self.wait.is_some()
            }

            fn address(&self) -> usize {
                std::ptr::from_ref(self.chan()).addr()
            }

            #[inline(always)]
            fn attempt(self: Pin<&Self>) -> bool {
                self.wait().attempt()
            }

            fn lock(&self) {
                self.chan().core.raw_lock();
            }

            unsafe fn unlock(&self) {
                // SAFETY: as the caller promises.
                unsafe { self.chan().core.raw_unlock() }
            }

            unsafe fn attempt_locked(self: Pin<&Self>, wakes: &mut Wakes) -> bool {
                // SAFETY: as the caller promises.
                unsafe { self.wait().attempt_locked(|waker| waker.into_iter().for_each(|waker| wakes.push(waker))) }
            }

            unsafe fn enqueue(self: Pin<&Self>, claim: Pin<&Claim>, arm: u32) {
                // SAFETY: as the caller promises.
                unsafe { self.wait().enqueue(claim, arm) }
            }
        }

        impl<$($life,)* T> std::fmt::Debug for $Arm<'_, $($life,)* T> {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                let phase = self.wait.as_ref().map(|wait| wait.phase());
                f.debug_struct(stringify!($Arm)).field("phase", &phase).finish()
            }
        }
    };
}
arm!(RecvArm[], RecvWait);
arm!(SendArm[], SendWait);
arm!(SendFromArm['o], SendWait);
